"""Rows that fail, and processes that are killed: nothing is lost."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms, pA
from sweeps import NOISY, contents, quiet, run

from experiments.sweep import (
    measure_of_runs,
    product,
)
from experiments.sweep.chunk_store import ChunkStore
from experiments.sweep.errors import MeasureError, SweepError
from experiments.sweep.run_sweep import Prepared
from experiments.sweep.stored_rows import status

pytest.importorskip("zarr", reason="needs the extra 'sweep'")


def fragile(recording, deadly):
    """Fail, or end the process, where a row has a membrane of 13 ms."""
    ill = np.isclose(recording.parameters["tau_m"], 13e-3)
    if ill.any():
        if deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("13 is unlucky")
    return recording.counts()


@pytest.mark.parametrize("deadly", [False, True])
def test_a_poisoned_row_is_found_and_the_others_go_on(tmp_path, deadly):
    grid = product({"tau_m": [10, 11, 12, 13, 14, 15, 16] * ms, "current": [200, 300] * pA})
    measure = measure_of_runs(fragile, version="1", outputs={"n": ""}, deadly=deadly)
    found = run(tmp_path / "s", grid, measure=[measure, "count"], chunk_rows=8)
    failures = json.loads(found.attrs["failures"])
    assert [one["at"]["tau_m"] for one in failures] == pytest.approx([0.013, 0.013])
    assert [one["at"]["current"] for one in failures] == pytest.approx([2e-10, 3e-10])
    assert ("died" if deadly else "13 is unlucky") in failures[0]["why"]
    healthy = found.drop_isel(tau_m=3)
    assert np.isnan(found["n"].isel(tau_m=3)).all()
    assert (healthy["n"] == healthy["count"]).all()
    assert not np.isnan(healthy["n"]).any()
    told = status(Prepared.of(NOISY, grid, [measure, "count"], tmp_path / "s", 7))
    assert told.failed == 2


def broken(recording):
    """Fail at every row."""
    raise ValueError("never works")


def short(recording):
    """Return too few numbers."""
    return np.zeros(1)


def test_a_measure_that_never_works_ends_the_sweep(tmp_path):
    measure = measure_of_runs(broken, version="1", outputs={"n": ""})
    with pytest.raises(SweepError, match="never works"):
        run(tmp_path / "s", measure=[measure], most_failures=3)
    measure = measure_of_runs(short, version="1", outputs={"n": ""})
    with pytest.raises(MeasureError, match="one number a row"):
        run(tmp_path / "t", measure=[measure])


LONG = product({"current": np.linspace(150, 300, 20) * pA, "repeat": range(6)})
CHUNKS = 12
LONGEST_S = 120


def go_on(out, progress=quiet):
    """Compute what is missing, in a process of its own."""
    run(out, LONG, chunk_rows=LONG.rows // CHUNKS, resume=True, progress=progress)


def drive(out, progress=quiet):
    """Start a driver that has everything imported; it is killed as any process is."""
    driver = multiprocessing.get_context("fork").Process(target=go_on, args=(out, progress))
    driver.start()
    return driver


def ended(driver):
    """Return how a driver ended."""
    driver.join(LONGEST_S)
    assert driver.exitcode is not None, f"the driver goes on after {LONGEST_S} s"
    return driver.exitcode


def await_chunks(driver, out, number):
    """Wait until the store has so many chunks, or the driver has ended."""
    until = time.monotonic() + LONGEST_S
    while driver.is_alive() and len(list(out.glob("chunks/*/zarr.json"))) < number:
        assert time.monotonic() < until, f"no {number} chunks after {LONGEST_S} s"
        time.sleep(0.002)


def children(pid):
    """Processes that a process has started."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[1]) == pid and after[0] != "Z":
            found.append(int(place.parent.name))
    return found


def kill_some(driver, whom, rng):
    """Kill the driver, or each of its workers with a probability of 0.7; return how many died."""
    if whom == "driver":
        alive = driver.is_alive()
        driver.kill()
        return int(alive)
    killed = 0
    for worker in children(driver.pid):
        if rng.random() < 0.7:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
                killed += 1
    return killed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
@pytest.mark.parametrize("whom", ["driver", "worker"])
def test_kills_lose_nothing(tmp_path, whom):
    """`NEUROSIM_KILLS=100` kills as often as that, in as many sweeps as it takes.

    A kill comes when the store has some random number of chunks more, and then a random time of
    at most a tenth of a second: in the midst of computing, writing, gathering or starting.
    """
    kills = int(os.environ.get("NEUROSIM_KILLS", "6"))
    rng = np.random.default_rng(1)
    go_on(tmp_path / "quiet")
    whole = contents(tmp_path / "quiet")
    done = sweeps = 0
    while done < kills:
        sweeps += 1
        assert sweeps <= 10 * kills, "the kills come too late"
        out = tmp_path / f"killed-{sweeps}"
        driver = drive(out)
        had = 0
        for _ in range(4):
            had = min(CHUNKS, had + int(rng.integers(0, 6)))
            await_chunks(driver, out, had)
            time.sleep(rng.uniform(0, 0.1))
            done += kill_some(driver, whom, rng)
            if whom == "driver":
                ended(driver)
                driver = drive(out)
        assert ended(driver) == 0
        assert contents(out) == whole
        assert not list(out.glob(".writing-*"))
        shutil.rmtree(out)


def wait_for_a_signal(_):
    """Stay at the first chunk: whoever calls is interrupted there."""
    time.sleep(LONGEST_S)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
def test_ctrl_c_leaves_a_store_that_resumes(tmp_path):
    out = tmp_path / "s"
    driver = drive(out, wait_for_a_signal)
    await_chunks(driver, out, 1)
    workers = children(driver.pid)
    assert len(workers) == 2
    os.kill(driver.pid, signal.SIGINT)
    assert ended(driver) == 1
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    kept = ChunkStore(out).names()
    assert len(kept) == 1
    computed = []
    go_on(out, lambda p: computed.append(p.computed))
    assert computed[-1] == LONG.rows - LONG.rows // CHUNKS
    assert (out / "result.zarr").is_dir()
