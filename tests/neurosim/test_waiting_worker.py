"""Tasks that a waiting worker does are those that a worker of its own would have done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms, pA

from neurosim import LIF, Constant, simulate
from neurosim.engine.point.model import compose
from neurosim.engine.programs import waiting_worker
from neurosim.engine.programs.processes import (
    run_all,
    start,
    worker_command,
    worker_environment,
)
from neurosim.errors import EngineError

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="waits on Linux only")


@pytest.fixture(scope="module")
def waiting():
    """A waiting worker, as the second task of a process starts it."""
    found = waiting_worker._Waiting()
    found.tasks = 1
    yield found
    found.leave()


@pytest.fixture
def ours(waiting, monkeypatch):
    monkeypatch.setattr(waiting_worker, "_ours", waiting)
    return waiting


def _generate(folder):
    folder.mkdir()
    (folder / "model.json").write_text(
        json.dumps(compose(LIF(), Constant(1 * pA), wired=False, record=()).to_dict())
    )
    run_all([worker_command("generate", folder)], what="writing")
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def _fire():
    found = simulate(LIF(), 50 * ms, stimulus=Constant(300 * pA), engine="numpy", record=["v"])
    return found.spike_time_s, found.traces_si["v"]


def _children(process):
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def _used_by_children():
    used = os.times()
    return used.children_user + used.children_system


def _runs(process):
    """Say whether a process is there; one that has ended and that nobody waits for is not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _gone(what, seconds=20.0):
    """Say whether something is no more within some seconds."""
    end = time.monotonic() + seconds
    while what() and time.monotonic() < end:
        time.sleep(0.02)
    return not what()


def test_it_writes_and_runs_what_a_worker_of_its_own_does(tmp_path, monkeypatch, ours):
    waited, spikes = _generate(tmp_path / "waited"), _fire()
    assert ours.process is not None
    assert ours.process.poll() is None
    monkeypatch.setattr(waiting_worker, "_ours", waiting_worker._Waiting())
    assert _generate(tmp_path / "own") == waited
    assert waiting_worker._ours.process is None, "one task alone starts no waiting worker"
    for first, second in zip(spikes, _fire(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_what_goes_wrong_is_said_in_the_same_words(tmp_path, ours):
    with pytest.raises(EngineError, match=r"writing failed \(exit status 1\): FileNotFoundError"):
        run_all([worker_command("generate", tmp_path)], what="writing")
    # The next task is none the worse for it.
    assert len(_fire()[0]) == 3


def test_a_task_ends_with_the_one_that_asked_for_it(tmp_path, ours):
    """Its model comes through a pipe into which nobody writes, so it would wait for ever."""
    _fire()
    os.mkfifo(tmp_path / "model.json")
    command = worker_command("generate", tmp_path)
    assert _gone(lambda: _children(ours.process.pid))
    with start(command, worker_environment(), stdout=subprocess.DEVNULL):
        assert _gone(lambda: not _children(ours.process.pid))
    assert _gone(lambda: _children(ours.process.pid))


def test_what_its_tasks_used_is_counted_once_it_has_ended(ours, tmp_path):
    """Without it `compare` and the benchmarks would tell of too little processor time."""
    _generate(tmp_path / "first")
    before = _used_by_children()
    _generate(tmp_path / "second")
    by_launcher = _used_by_children() - before
    waiting_worker.end_waiting()
    # Importing Brian2 and writing a program takes it more than a second; the launcher, a hundredth.
    assert _used_by_children() - before > by_launcher + 0.5
    assert ours.process is None
    assert len(_fire()[0]) == 3, "the next task starts another"


def test_one_that_was_killed_is_not_waited_for(ours):
    _fire()
    ours.process.send_signal(signal.SIGKILL)
    ours.process.wait()
    assert len(_fire()[0]) == 3


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 3.0])
def test_it_ends_with_the_process_that_started_it(seconds):
    """Killed while the waiting worker still imports Brian2, or while it waits."""
    program = (
        "import sys, time\nfrom neurosim.engine.programs import waiting_worker as one\n"
        "from neurosim.engine.programs.processes import worker_command, worker_environment\n"
        "from pathlib import Path\n"
        "one._ours.tasks = 1\n"
        "with one.ask_waiting(worker_command('run', Path()), worker_environment()): pass\n"
        "print(one._ours.process.pid, flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        left = int(process.stdout.readline())
        time.sleep(seconds)
        process.kill()
    # Long before the minute after which it would end for want of tasks.
    assert _gone(lambda: _runs(left))
