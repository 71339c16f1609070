"""Files that were changed at random: every reader gives a right answer or an error of ours."""

import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "mutated_files.py"


@pytest.mark.slow
def test_changed_files_are_read_right_or_refused(monkeypatch, capsys):
    """The first of `benchmarks/mutated_files.py --mutants 2500`: the same files every time."""
    for extra in ("pyabf", "pynwb", "neo", "nir"):
        pytest.importorskip(extra)
    monkeypatch.setattr(sys, "argv", ["mutated_files", "--mutants", "450"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    said = capsys.readouterr().out
    assert "450 files, 0 answered wrongly" in said, said
    assert ended.value.code == 0


def test_a_reader_that_fails_or_is_slow_or_wasteful_is_seen(monkeypatch, tmp_path):
    """The judge itself."""
    module = runpy.run_path(str(SCRIPT))
    monkeypatch.setitem(module["_bounds"].__wrapped__.__globals__, "MOST_SECONDS", 0.2)
    made = {
        "same": lambda path: 1,
        "a silent change": lambda path: 2,
        "ZeroDivisionError": lambda path: 1 / 0,
        "MemoryError": lambda path: bytearray(2 * 10**9),
        "TimeoutError": _for_ever,
    }
    for wanted, read in made.items():
        reader = module["Reader"]("made", "", None, read, exact=True)
        assert module["judge"](reader, tmp_path, 1).startswith(wanted)


def _for_ever(path):
    while True:
        pass
