"""`train` and `predict`: where results cannot go, and which seeds there are, is said first."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import ann.data
from experiments.command.main import app
from experiments.command.train import REPORT_FILES


@pytest.fixture
def place(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "report" / "rules.json").mkdir(parents=True)
    (tmp_path / "table.csv").write_text("a,target\n" + "1,x\n2,y\n" * 60)
    return tmp_path


def contents(place):
    return sorted((str(p), p.read_bytes() if p.is_file() else b"") for p in place.rglob("*"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "folder"], "folder is a folder; name a file"),
        (["--out", "absent/m"], "there is no folder"),
        (["--out", "/proc/m.safetensors"], "cannot be written"),
        (["--out", "/dev/full"], "not a plain file"),
        (["--out", "x" * 300], "cannot be written"),
        (["--out", "table.csv"], "would write over a file that is read"),
        (["--report", "file"], "file is a file, and a folder is needed"),
        (["--report", "file/below"], "file is a file, and a folder is needed"),
        (["--report", "report"], "rules.json is a folder"),
        (["--report", "/proc/report"], "cannot write"),
        (["--seed", "-1"], "greater than or equal to 0"),
        (["--seed", "99999999999999999999999"], "less than or equal to 4294967295"),
    ],
)
def test_training_does_not_start(place, monkeypatch, options, said):
    def fail(*_, **__):
        raise AssertionError("the training was started")

    monkeypatch.setattr(ann.data, "train", fail)
    monkeypatch.chdir(place)
    before = contents(place)
    done = CliRunner().invoke(app, ["train", "table.csv", *options])
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert contents(place) == before
    assert Path("/dev/full").is_char_device()


@pytest.mark.slow
def test_the_largest_seed_trains(place, monkeypatch):
    monkeypatch.chdir(place)
    options = [
        "--seed",
        "4294967295",
        "--model",
        "logistic",
        "--out",
        "m",
        "--report",
        "new/report",
    ]
    done = CliRunner().invoke(app, ["train", "iris", *options])
    assert done.exit_code == 0, done.output
    assert (place / "m").stat().st_size > 0
    assert {p.name for p in (place / "new/report").iterdir()} == set(REPORT_FILES)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["folder", "iris"], "folder is a folder; name the file"),
        (["m", "iris", "--out", "folder"], "folder is a folder; name a file"),
        (["m", "iris", "--out", "absent/a.csv"], "there is no folder"),
        (["m", "table.csv", "--out", "table.csv"], "would write over a file that is read"),
        (["m", "iris", "--out", "m"], "would write over a file that is read"),
    ],
)
def test_predicting_does_not_start(place, monkeypatch, arguments, said):
    monkeypatch.chdir(place)
    (place / "m").write_text("not read")
    before = contents(place)
    done = CliRunner().invoke(app, ["predict", *arguments])
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())
    assert contents(place) == before
