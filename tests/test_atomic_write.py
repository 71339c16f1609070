"""Files that appear whole or not at all, in `neurosim` and in `ann`, which share no code."""

import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import ann.atomic_write
import ann.errors
import neurosim.atomic_write
import neurosim.errors

BOTH = pytest.mark.parametrize(
    ("files", "errors"),
    [(neurosim.atomic_write, neurosim.errors), (ann.atomic_write, ann.errors)],
    ids=["neurosim", "ann"],
)


@BOTH
def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(files, errors, tmp_path):
    target = tmp_path / "numbers.json"
    files.write_json(target, {"a": 1})

    def fail_midway():
        with files.whole(target) as stream:
            stream.write("half a fi")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        fail_midway()
    assert json.loads(target.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["numbers.json"]


@BOTH
def test_a_folder_that_is_not_there_is_named(files, errors, tmp_path):
    with pytest.raises(errors.OutputError, match=r"cannot write .*gone.*No such file"):
        files.write_text(tmp_path / "gone" / "a.txt", "x")


@BOTH
def test_an_error_of_the_disk_while_writing_is_ours(files, errors, tmp_path):
    with pytest.raises(errors.OutputError, match="No space left"), files.whole(tmp_path / "a"):
        raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == []


@BOTH
def test_two_writers_at_once_never_mix(files, errors, tmp_path):
    target = tmp_path / "a.txt"
    texts = [str(k) * 200_000 for k in range(4)]
    seen = []

    def write(text):
        for _ in range(25):
            files.write_text(target, text)
            seen.append(target.read_text())

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 100
    assert set(seen) <= set(texts)
    assert os.listdir(tmp_path) == ["a.txt"]


@BOTH
def test_a_link_stays_a_link(files, errors, tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    files.write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


@BOTH
def test_new_files_have_the_permissions_of_any_new_file(files, errors, tmp_path):
    (tmp_path / "usual").write_text("")
    files.write_bytes(tmp_path / "ours", b"x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


@BOTH
def test_json_has_null_for_what_is_no_number(files, errors):
    assert files.plain({"x": np.array([1.0, np.inf]), "y": np.float32(np.nan)}) == {
        "x": [1.0, None],
        "y": None,
    }


def test_errors_of_one_name_are_of_one_kind():
    """Whoever catches a builtin kind catches it from either package."""
    shared = set(neurosim.errors.__all__) & set(ann.errors.__all__)
    assert {"ParameterError", "DivergenceError", "OutputError", "UnknownNameError"} <= shared
    for name in shared:
        kinds = [
            {base for base in getattr(module, name).__mro__ if base.__module__ == "builtins"}
            for module in (neurosim.errors, ann.errors)
        ]
        # A run that diverges is also a run that did not finish.
        assert kinds[0] - {RuntimeError} == kinds[1] - {RuntimeError}, name


UNFINISHED = """
import signal, sys, time
# Whoever runs the tests may have told their processes to live on when the terminal closes.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from {package}.atomic_write import scratch_folder
with scratch_folder(sys.argv[1]) as folder:
    (folder / "half").write_text("half")
    print(folder, flush=True)
    time.sleep(60)
"""


def _unfinished(package: str, place) -> tuple[subprocess.Popen, str]:
    process = subprocess.Popen(
        [sys.executable, "-c", UNFINISHED.format(package=package), str(place)],
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


@pytest.mark.parametrize("package", ["neurosim", "ann"])
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_what_a_killed_writer_leaves_is_removed_by_the_next(package, ending, tmp_path):
    living, at_work = _unfinished(package, tmp_path)
    killed, leftover = _unfinished(package, tmp_path)
    killed.send_signal(ending)
    killed.wait()
    assert os.path.isfile(os.path.join(leftover, "half"))
    files = sys.modules[package].atomic_write
    files.write_text(tmp_path / "a.txt", "x")
    there = sorted(os.listdir(tmp_path))
    mine = os.path.basename(at_work)
    assert there == [mine, f"{mine}.lock", "a.txt"]
    assert os.listdir(at_work) == ["half"]
    living.kill()
    living.wait()
    living.stdout.close()
    killed.stdout.close()


@BOTH
def test_folders_and_files_that_only_look_like_leftovers_stay(files, errors, tmp_path):
    for name in (".writing-mine", ".writing-other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "work").write_text("mine")
    (tmp_path / ".writing-mine.lock").write_text("notes of my own")
    (tmp_path / ".writing-link.lock").symlink_to(tmp_path / ".writing-mine.lock")
    os.mkfifo(tmp_path / ".writing-pipe.lock")
    before = sorted(os.listdir(tmp_path))
    files.write_text(tmp_path / "a.txt", "x")
    assert sorted(os.listdir(tmp_path)) == [*before, "a.txt"]
    assert (tmp_path / ".writing-mine" / "work").read_text() == "mine"


@BOTH
def test_a_file_that_was_there_survives_a_kill_at_any_moment(files, errors, tmp_path):
    """A reader sees an old or a new file, never a part, while writers are killed."""
    target = tmp_path / "a.txt"
    package = files.__name__.split(".")[0]
    code = (
        f"import sys\nfrom {package}.atomic_write import write_text\nprint(flush=True)\n"
        "k = 0\nwhile True:\n    k += 1\n    write_text(sys.argv[1], str(k % 10) * 3_000_000)"
    )
    files.write_text(target, "0" * 3_000_000)
    for round_ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE
        )
        process.stdout.readline()
        for _ in range(5 + round_):
            text = target.read_text()
            assert text == text[0] * 3_000_000
        process.kill()
        process.wait()
        process.stdout.close()
    files._SWEPT.clear()
    files.write_text(target, "end")
    assert os.listdir(tmp_path) == ["a.txt"]
