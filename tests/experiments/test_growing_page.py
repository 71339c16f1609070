"""The report while it is made: there from the first part on, and taken back after a fault."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from experiments.compare.compare_steps import Steps
from experiments.compare.growing_page import GrowingPage, Section
from experiments.compare.second_process import second_process, timed
from experiments.compare.stored_parts import Parts
from experiments.kit.store import Store
from neurosim.errors import EngineError

ONE = Section("1. A neuron", "data:image/svg+xml;base64,PHN2Zy8+", "a neuron", "It has <synapses>.")


def page_in(folder, told=None):
    command = "neurosim compare --cell 'my cell.swc'"
    return GrowingPage(folder / "out", command, ["one spike", "its unit"], told, before_s=3.0)


def test_the_page_says_what_is_there_and_what_is_to_come(tmp_path):
    told = []
    with page_in(tmp_path, told.append) as page:
        assert not (tmp_path / "out").exists()
        page.show("neuron", ONE, "the neuron is drawn")
        text = (tmp_path / "out" / "report.html").read_text()
        assert "Still to come: one spike; its unit." in text
        assert "It has &lt;synapses&gt;." in text
        assert text.count("<img") == 1
        page.ended("one spike")
        page.show("neuron", Section("1. A neuron", ONE.figure, "its spike"), "")
        page.ended("its unit")
        page.show("unit", ONE, "the unit is there")
    text = (tmp_path / "out" / "report.html").read_text()
    assert "Everything is computed" in text
    assert text.count("<img") == 2
    said = [re.sub(r"^\d+ s", "T", line) for line in told]
    assert said == ["T: the neuron is drawn", "T: the unit is there"]
    assert 3 <= page.seconds < 300
    # Nothing but the page is left.
    assert os.listdir(tmp_path / "out") == ["report.html"]


@pytest.mark.parametrize("before", [None, "the page of last week"])
def test_after_a_fault_the_page_of_before_is_back(tmp_path, before):
    if before is not None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "report.html").write_text(before)

    def fail():
        with page_in(tmp_path) as page:
            page.show("neuron", ONE, "")
            assert "Still to come" in (tmp_path / "out" / "report.html").read_text()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    if before is None:
        assert os.listdir(tmp_path) == []
    else:
        assert (tmp_path / "out" / "report.html").read_text() == before


def test_parts_come_from_the_store_and_are_named(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return {"rate": 5.0}, (1, 2)

    first = Parts(Store(tmp_path), {"seed": 1})
    assert first.of("a unit", compute, trials=5) == ({"rate": 5.0}, (1, 2))
    assert first.taken == []
    again = Parts(Store(tmp_path), {"seed": 1})
    assert again.of("a unit", compute, trials=5) == ({"rate": 5.0}, (1, 2))
    assert [one.what for one in again.taken] == ["a unit"]
    assert len(calls) == 1
    # Another seed, setting or name is another part, and of a user's file nothing is kept.
    Parts(Store(tmp_path), {"seed": 2}).of("a unit", compute, trials=5)
    again.of("a unit", compute, trials=6)
    again.of("another unit", compute, trials=5)
    again.of("a unit", compute, own=True, trials=5)
    assert len(calls) == 5
    assert len(list(tmp_path.iterdir())) == 4
    Parts(Store(None), {"seed": 1}).of("a unit", compute, trials=5)
    assert len(calls) == 6


def test_a_step_that_is_stored_runs_nothing(tmp_path):
    """The counts and the fit of a neuron: the second time neither is done."""
    import numpy as np

    from bridge.counts.curve import FICurve
    from experiments.compare.compare_steps import Steps
    from experiments.compare.parameters import Parameters
    from experiments.kit.registry import Context
    from experiments.kit.timing import Stopwatch

    currents = np.arange(0.0, 301, 50)
    curve = FICurve(currents, np.round(currents / 4).astype(int), 1.0)
    after: Future = Future()
    after.set_result(None)
    runs = []
    with ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            parameters = Parameters()
            steps = Steps(
                parameters, Context(), Stopwatch(), parameters.digits, Parts(Store(tmp_path)),
                None, None, pool, pool,
            )  # fmt: skip

            def model():
                runs.append(1)
                return curve

            found = steps.counted("a neuron", model, False, after)
            assert found.title == "a neuron"
            assert found.curve.count.tolist() == curve.count.tolist()
            assert found.selection.ok
    assert len(runs) == 1
    assert [one.what for one in steps.parts.taken] == [
        "f-I curve of: a neuron",
        "unit of: a neuron",
    ]
    assert "fitting" not in steps.watch.seconds()


def test_fits_run_beside_this_process():
    with second_process(2) as beside:
        start, end, number = beside.submit(timed, os.getpid).result()
        other = number
    assert start <= end <= time.perf_counter()
    if sys.platform.startswith("linux"):
        assert other != os.getpid()
        assert not running(other)
    with second_process(1) as alone:
        assert alone.submit(os.getpid).result() == os.getpid()


def running(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_second_process_ends_at_once_with_an_error():
    if not sys.platform.startswith("linux"):
        pytest.skip("there is none")
    numbers = []

    def fail():
        with second_process(2) as beside:
            numbers.append(beside.submit(os.getpid).result())
            beside.submit(time.sleep, 30)
            raise KeyboardInterrupt

    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert time.perf_counter() - started < 15
    assert not running(numbers[0])


def test_a_second_process_that_was_killed_is_an_error_of_ours():
    """As the system does when memory runs out; it was a traceback of BrokenProcessPool."""
    if not sys.platform.startswith("linux"):
        pytest.skip("there is none")
    with second_process(2) as beside:
        steps = Steps(*[None] * 8, beside)
        with pytest.raises(EngineError, match="the process for training was ended from outside"):
            steps._beside("training", os._exit, 9)


KILLED = """
import os, signal, time
from experiments.compare.second_process import second_process
with second_process(2) as beside:
    print(beside.submit(os.getpid).result(), flush=True)
    beside.submit(time.sleep, 30)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_second_process_does_not_outlive_this_one():
    if not sys.platform.startswith("linux"):
        pytest.skip("there is none")
    done = subprocess.run([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, check=False)
    number, end = int(done.stdout), time.monotonic() + 15
    while running(number) and time.monotonic() < end:
        # A process that has ended stays in the table until somebody asks after it.
        with open(f"/proc/{number}/stat", encoding="ascii") as state:
            if state.read().rpartition(")")[2].split()[0] == "Z":
                break
        time.sleep(0.05)
    else:
        assert not running(number)
