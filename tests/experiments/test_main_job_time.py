"""What makes the main job start and end sooner, and that nothing else changes by it."""

import gc
import subprocess
import sys
import time

import numpy as np
import pytest

from experiments.kit.outputs import write_folder
from experiments.kit.style import drawing, drawn


def test_imports_leave_out_what_no_command_uses_and_leave_it_importable():
    program = (
        "import gc, sys\n"
        "from experiments.command.heavy_imports import heavy_imports\n"
        "with heavy_imports():\n"
        "    assert not gc.isenabled()\n"
        "    import brian2\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 0\n"
        "assert not {'Cython', 'pytest'} & set(sys.modules)\n"
        "import pytest\n"
        "print(2 * brian2.second)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "2. s\n", done.stderr


def test_the_collector_stays_off_where_it_was_off():
    from experiments.command.heavy_imports import heavy_imports

    gc.disable()
    try:
        with heavy_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()


@pytest.fixture
def slow_compiler(monkeypatch):
    """In place of the compiler a program that takes a minute; says when it was begun."""
    from neurosim.engine.programs import shared_runtime
    from neurosim.engine.programs.processes import run_all

    begun = []

    def compile_it(compiler):
        begun.append(compiler)
        run_all([["sleep", "60"]], what="compiling")

    monkeypatch.setattr(shared_runtime, "find_compiler", lambda: "g++")
    monkeypatch.setattr(shared_runtime, "fetch_runtime", compile_it)
    return shared_runtime.compiled_ahead, begun


def test_the_compiler_works_while_the_block_does_and_ends_with_its_error(slow_compiler):
    compiled_ahead, begun = slow_compiler
    started = time.perf_counter()

    def fail():
        with compiled_ahead():
            while not begun:
                time.sleep(0.01)
            time.sleep(0.3)
            raise KeyError("what went wrong")

    with pytest.raises(KeyError, match="what went wrong"):
        fail()
    assert begun == ["g++"]
    assert time.perf_counter() - started < 30


def test_a_fault_of_the_compiler_is_left_for_the_run_that_needs_it(monkeypatch):
    from neurosim.engine.programs import shared_runtime
    from neurosim.errors import EngineError

    def fail(compiler):
        raise EngineError("no room on the disk")

    monkeypatch.setattr(shared_runtime, "find_compiler", lambda: "g++")
    monkeypatch.setattr(shared_runtime, "fetch_runtime", fail)
    with shared_runtime.compiled_ahead():
        done = True
    assert done


def test_only_the_files_that_are_asked_for_are_drawn():
    with drawing(3.0, 2.0) as (figure, axes):
        axes.plot([0, 1], [0, 1], label="a line")
        axes.set_title("A title")
        axes.legend()
    both, one = drawn(figure), drawn(figure, ("svg",))
    assert set(both) == {"svg", "png"}
    assert set(one) == {"svg"}
    assert b"A title" in one["svg"]
    assert len(one["svg"]) == len(both["svg"])


def test_what_an_earlier_report_left_and_this_one_lacks_is_deleted(tmp_path):
    for name in ("a.png", "b.png", "mine.txt"):
        (tmp_path / name).write_text("earlier")
    write_folder(
        tmp_path, lambda place: (place / "a.png").write_text("now") and None,
        replaced=("a.png", "b.png", "c.png"),
    )  # fmt: skip
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {
        "a.png": "now", "mine.txt": "earlier"
    }  # fmt: skip


def test_a_measured_unit_reads_its_table_as_a_search_would():
    """Value and slope against NumPy's interpolation, inside the curve and beyond both its ends."""
    from bridge.counts.curve import FICurve
    from bridge.mapping.measured_unit import MeasuredUnit

    current = np.arange(0.0, 301, 20)
    counts = np.random.default_rng(3).poisson(np.maximum(0, current - 60) * 0.6)
    unit = MeasuredUnit.of_rates(FICurve(current, counts, 1.0), low_Hz=15, top_Hz=100)
    table, activation, slope = unit._table
    ends = (table[[0, -1]] - unit.holding_pA) / unit.gain_pA
    z = np.concatenate([np.linspace(-40, 40, 4001), ends, [np.nan, np.inf, -np.inf]])
    at = unit.holding_pA + unit.gain_pA * z
    wanted = unit.gain_pA * np.interp(at, table, slope, left=0.0, right=0.0)
    np.testing.assert_allclose(unit.value(z), np.interp(at, table, activation), atol=1e-13)
    # At the ends themselves rounding decides whether a current still is on the curve.
    inside = ~np.isin(z, ends)
    np.testing.assert_allclose(unit.gradient(z)[inside], wanted[inside], atol=1e-13)
