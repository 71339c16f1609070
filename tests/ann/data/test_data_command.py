"""From the raw file to a trained model by command, and what the command says to bad input."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ann.data.cleaning.replay import clean
from ann.data.cleaning.schema import Rules
from ann.data.errors import ReadError, TableError
from ann.data.files.reading import read_table
from ann.data.report.page import render
from ann.data.report.profiling import profile_file
from ann.data.workflow import clean_file, train
from ann.errors import OutputError
from experiments.command.data import app


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    n = 300
    h = rng.normal(170, 9, n)
    bought = rng.random(n) < 1 / (1 + np.exp(-(h - 170) / 3))
    table = pd.DataFrame(
        {
            "nr": range(1, n + 1),
            "height": [f"{v:.1f} cm" for v in h],
            "income": [f"{int(v):,}" for v in rng.lognormal(10, 0.5, n)],
            "town": rng.choice(["Oslo", "oslo ", "Paris"], n),
            "pulse": np.where(rng.random(n) < 0.05, -999, rng.integers(50, 100, n)),
            "refund": np.where(bought & (rng.random(n) < 0.5), "12.50", ""),
            "bought": np.where(bought, "Yes", "no"),
        }
    )
    table = pd.concat([table, table[:5]])
    file = tmp_path / "messy.csv"
    table.to_csv(file, index=False, sep=";")
    return file


def test_profile(messy: Path, tmp_path: Path) -> None:
    result = run("profile", messy, "--target", "bought", "--out", tmp_path / "out")
    assert result.exit_code == 0
    for word in ("duplicates", "thousands", "sentinel", "spelling", "drop", "leak", "height"):
        assert word in result.output, word
    for effect in ("lossless", "reversible", "destructive"):
        assert effect in result.output, effect
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 5
    assert "<td>destructive</td>" in page
    assert "src=" not in page
    assert "href=" not in page
    rules = Rules.load(tmp_path / "out" / "rules.json")
    assert rules.column("height").unit == "cm"
    plain = run("profile", messy, "--json", "--out", tmp_path / "out")
    assert json.loads(plain.output)["rows"] == 305


def test_clean_replay_and_undo_by_file(messy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("clean", messy, "--target", "bought", "--out", out).exit_code == 0
    table = pd.read_csv(out / "clean.csv")
    assert len(table) == 300
    assert table["height"].dtype == float
    assert table["income"].dtype.kind in "if"
    # Two labels are not made one unless a person says so; the space at the end goes.
    assert set(table["town"]) == {"Oslo", "oslo", "Paris"}
    assert table["pulse"].min() >= 50
    assert "nr" not in table
    changes = pd.read_csv(out / "changes.csv")
    assert set(changes["rule"]) >= {"unit", "thousands", "sentinel", "trim"}
    assert "spelling" not in set(changes["rule"])
    assert (table["pulse_code"].dropna() == -999).all()
    assert table["pulse_code"].notna().equals(table["pulse"].isna())
    assert (changes[changes["rule"] == "sentinel"]["before"] == "-999").all()
    assert len(pd.read_csv(out / "removed.csv")) == 5
    again = tmp_path / "again"
    assert run("clean", messy, "--rules", out / "rules.json", "--out", again).exit_code == 0
    assert (again / "clean.csv").read_bytes() == (out / "clean.csv").read_bytes()
    assert sorted(p.name for p in out.iterdir()) == [
        "changes.csv",
        "clean.csv",
        "log.json",
        "removed.csv",
        "rules.json",
    ]


def test_chunks_and_the_whole_give_one_table(messy: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from ann.data.files.reading import TableFile

    rules, _ = clean_file(messy, tmp_path / "whole", target="bought")
    chunks = TableFile.chunks
    monkeypatch.setattr(TableFile, "chunks", lambda self, rows=0: chunks(self, 37))
    clean_file(messy, tmp_path / "parts", rules=rules)
    for name in ("clean.csv", "changes.csv", "removed.csv"):
        whole, parts = (pd.read_csv(tmp_path / k / name, dtype=str) for k in ("whole", "parts"))
        order = list(whole.columns) if name == "changes.csv" else []
        if order:
            # Within a chunk changes come rule by rule: the same ones in another order.
            whole, parts = (t.sort_values(order).reset_index(drop=True) for t in (whole, parts))
        assert whole.equals(parts), name
    frame = read_table(messy).frame
    assert clean(frame, rules).frame["height"].tolist() == (
        pd.read_csv(tmp_path / "whole" / "clean.csv", dtype=str)["height"].tolist()
    )


def test_train_and_use_the_model(messy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("train", messy, "--target", "bought", "--out", out)
    assert result.exit_code == 0, result.output
    account = json.loads((out / "trained.json").read_text(encoding="utf-8"))
    assert account["verdict"]["left out"] == ["refund"]
    assert account["rows"] == {"train": 240, "test": 60}
    assert account["test"]["accuracy"] > 0.7
    model = pickle.loads((out / "model.pickle").read_bytes())
    new = pd.DataFrame({"height": ["150", "1.95 m"], "income": ["1", "?"], "town": ["OSLO", "Rom"]})
    new = new.assign(pulse="70", nr="1", refund="")
    assert list(model.predict(new)) == ["no", "Yes"]


@pytest.mark.slow
def test_verdict(messy: Path, tmp_path: Path) -> None:
    result = run("verdict", messy, "-t", "bought", "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert result.output.startswith("supports: bought")
    assert "refund (left out)" in result.output
    document = json.loads(
        run("verdict", messy, "-t", "bought", "--json", "-o", tmp_path / "o2").output
    )
    assert document["verdict"] == "supports"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n", "and no rows"),
        (b"PK\x03\x04" + bytes(99), "Excel"),
        (bytes(999), "binary"),
        (b"a,y\n" + b"1,x\n" * 50, "is 'x' in every row"),
        (b"a,y\n" + b"1,?\n" * 50, "has no value"),
        (b"a,z\n" + b"1,x\n2,y\n" * 50, "no column 'y' to predict"),
        (b"a,y\n" + b"?,u\n,v\n" * 50, "no column is left as a feature"),
        (b"a,y\n1,x\n2,y\n3,x\n", "fewer than 30"),
        (b"a,y\n" + b"1,x,3\n2\n" * 50, "do not have the 2 cells"),
    ],
)
def test_bad_input_is_a_clear_error_and_leaves_nothing(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    with pytest.raises(TableError, match=message):
        run("train", file, "--target", "y", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_verdict_on_bad_data_is_a_verdict(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_bytes(b"a,y\n" + b"1,x\n2,x\n" * 50)
    result = run("verdict", file, "--target", "y", "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert result.output.startswith("cannot: y")
    assert "cannot support" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_text_in_numbers_is_a_logged_repair(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    cells = [f"{v:.3f}" for v in a]
    cells[7] = "see note"
    y = np.where(a + 0.5 * rng.normal(size=200) > 0, "u", "v")
    file = tmp_path / "t.csv"
    pd.DataFrame({"a": cells, "y": y}).to_csv(file, index=False)
    done = train(read_table(file), "y", model="logistic")
    step = done.log.find("a", "not a number")
    assert not step or step[0].before == "see note"
    seen = profile_file(file, "y")
    assert seen.log.find("a", "not a number")[0].before == "see note"
    assert next(c for c in seen.columns if c.name == "a").missing == 1


def test_a_wrong_delimiter_is_no_table_of_one_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 30)
    with pytest.raises(ReadError, match=r"';' does not occur in t\.csv"):
        read_table(tmp_path / "t.csv", delimiter=";")


def test_cleaning_tells_what_a_model_must_not_see(tmp_path: Path) -> None:
    rows = [f"{k * 37 % 91},{'late' if k % 3 else ''},{k % 3 > 0}" for k in range(120)]
    (tmp_path / "t.csv").write_text("a,paid,y\n" + "\n".join(rows))
    _, log = clean_file(tmp_path / "t.csv", tmp_path / "out", target="y")
    (step,) = log.find("paid", "leak")
    assert not step.applied
    assert (tmp_path / "out" / "clean.csv").read_text().startswith("a,paid,y")


def test_a_misspelt_target_is_named(messy: Path, tmp_path: Path) -> None:
    for command in ("profile", "clean", "verdict", "train"):
        with pytest.raises(
            TableError, match="no column 'bougth' to predict; did you mean 'bought'"
        ):
            run(command, messy, "--target", "bougth", "--out", tmp_path / "out")


def test_the_page_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "knowing-your-data.md").read_text(encoding="utf-8")
    blocks = page.split("```")
    at = next(k for k, b in enumerate(blocks) if "propose(raw" in b)
    space: dict[str, Any] = {}
    exec(blocks[at].removeprefix("python"), space)
    assert capsys.readouterr().out == blocks[at + 2].lstrip("\n")
    more = blocks[at + 4].removeprefix("python").replace('rules.save("rules.json")', "")
    exec(more, space)
    assert space["done"].frame["height"].tolist()[:4] == ["154.8", "172", "166", None]
    assert space["done"].frame["income"].tolist()[::23] == ["10104", None]
    assert set(space["done"].frame["town"]) == {"Paris", "Lyon"}


def test_an_unwritable_folder(messy: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for command in ("profile", "clean"):
        with pytest.raises(OutputError, match="cannot make the folder"):
            run(command, messy, "--out", tmp_path / "file" / "out")


def test_names_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("1,x,u\n2,y,v\n3,x,u\n" * 20)
    notes = tmp_path / "t.names"
    notes.write_text("| a comment: not this.\n>1, <=1.\n\nage: continuous.\nkind of-work: x, y.\n")
    result = run("profile", file, "--names", notes, "--json", "--out", tmp_path / "o")
    assert [c["name"] for c in json.loads(result.output)["columns"]] == [
        "age",
        "kind of-work",
        "target",
    ]
    result = run("profile", file, "--names", "a, b, c", "--json", "--out", tmp_path / "o")
    assert [c["name"] for c in json.loads(result.output)["columns"]] == ["a", "b", "c"]


def test_a_streamed_profile_counts_all_and_samples_the_rest(tmp_path: Path) -> None:
    n = 130_000
    rng = np.random.default_rng(0)
    value = np.where(rng.random(n) < 0.1, "?", rng.integers(0, 50, n).astype(str))
    file = tmp_path / "t.csv"
    pd.DataFrame({"k": range(n), "v": value}).to_csv(file, index=False)
    seen = profile_file(file, sample_rows=2000)
    assert (seen.rows, seen.looked_at, seen.sampled) == (n, 2000, True)
    assert next(c for c in seen.columns if c.name == "v").missing == (value == "?").sum()
    assert "uniform sample of 2000 of the 130000 rows" in str(seen.log)
    assert "uniform sample" in render(seen)


@pytest.mark.parametrize(
    ("name", "target", "measure", "bar"),
    [
        ("penguins_raw.csv", "Species", "accuracy", 0.98),
        ("titanic3_CR_newlines.csv", "survived", "accuracy", 0.78),
        ("heart_disease_uci_4sites.csv", "num > 0", "accuracy", 0.80),
        pytest.param("telco_churn.csv", "Churn", "auc", 0.84, marks=pytest.mark.slow),
        pytest.param("adult_train_noheader.csv", "x15", "accuracy", 0.85, marks=pytest.mark.slow),
    ],
)
def test_the_five_real_files_by_command(
    shared_data: Path, tmp_path: Path, name: str, target: str, measure: str, bar: float
) -> None:
    out = tmp_path / "out"
    result = run("verdict", shared_data / "tabular" / name, "--target", target, "--out", out)
    assert result.exit_code == 0
    document = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
    best = max(s[measure] for k, s in document["scores"].items() if k != "dummy")
    assert document["scores"]["linear"][measure] >= bar or best >= bar


@pytest.mark.slow
def test_a_quantity_by_time_and_a_class_by_group(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 400
    x, z = rng.normal(size=(2, n))
    table = pd.DataFrame(
        {
            "when": [
                str(np.datetime64("2021-01-01") + np.timedelta64(int(k), "D"))
                for k in rng.permutation(n)
            ],
            "x": [f"{v:.4f} kg" for v in x],
            "z": [f"{v:.4f}" for v in z],
            "who": [f"p{k % 40}" for k in range(n)],
            "price": [f"${v:,.2f}" for v in 5000 + 900 * x + 300 * z + 200 * rng.normal(size=n)],
            "sick": np.where(x + z + rng.normal(size=n) > 0, "yes", "no"),
        }
    )
    file = tmp_path / "t.csv"
    table.to_csv(file, index=False)
    by_time = run("train", file, "-t", "price", "--time", "when", "-o", tmp_path / "a")
    assert by_time.exit_code == 0
    account = json.loads((tmp_path / "a" / "trained.json").read_text(encoding="utf-8"))
    assert account["task"] == "regression"
    # Noise 200 of a spread of 969: R² cannot exceed 1 - (200/969)² = .957.
    assert account["test"]["r2"] == pytest.approx(0.95, abs=0.03)
    by_group = run("train", file, "-t", "sick", "--group", "who", "-o", tmp_path / "b")
    assert by_group.exit_code == 0
    account = json.loads((tmp_path / "b" / "trained.json").read_text(encoding="utf-8"))
    assert account["test"]["accuracy"] > 0.7
    assert "none on both sides" in by_group.output
