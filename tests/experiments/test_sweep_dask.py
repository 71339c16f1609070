"""Sweeps on a client of Dask: the same bits, and workers that join and leave."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from brian2 import ms, mV, pA
from sweeps import contents

from experiments.sweep import Run, measure_of_runs, product, sweep
from experiments.sweep.errors import SweepError
from experiments.sweep.workers.dask_pool import NoWorkerNotice
from neurosim import LIF, Constant, WhiteNoise
from neurosim.errors import ParameterError

pytest.importorskip("zarr", reason="needs the extra 'sweep'")
distributed = pytest.importorskip("distributed", reason="needs the extra 'sweep'")

NOISY = Run(
    LIF(), 100 * ms, stimulus=Constant(0 * pA) + WhiteNoise.for_membrane(3 * mV, LIF()), dt=0.1 * ms
)
GRID = product({"current": np.linspace(160, 300, 10) * pA, "repeat": range(6)})


def quiet(_):
    """Take no notice of progress."""


def latest(recording):
    """A measure of the tests' own module, which workers of Dask cannot import."""
    last = np.zeros(recording.rows)
    np.maximum.at(last, recording.spike_row, recording.spike_time_s)
    return last


@pytest.mark.slow
def test_workers_that_join_and_leave_change_no_bit(tmp_path):
    import cloudpickle

    module = __import__(latest.__module__)
    cloudpickle.register_pickle_by_value(module)
    measure = [measure_of_runs(latest, version="1", outputs={"last": "s"}), "count"]
    more = {"seed": 2, "chunk_rows": 6, "progress": quiet}
    here = sweep(NOISY, GRID, measure, out=tmp_path / "here", jobs=1, **more)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):

        def change(progress):
            if progress.computed == 12:
                cluster.scale(2)
            if progress.computed == 36:
                cluster.scale(1)

        more["progress"] = change
        there = sweep(NOISY, GRID, measure, out=tmp_path / "there", client=client, **more)
        by_address = sweep(
            NOISY, GRID, measure, out=tmp_path / "address",
            client=cluster.scheduler_address, **more,
        )  # fmt: skip
        assert client.status == "running"
    assert there.equals(here)
    assert by_address.equals(here)
    chunks = [
        {p.relative_to(f): p.read_bytes() for p in (f / "chunks").rglob("*") if p.is_file()}
        for f in (tmp_path / "here", tmp_path / "there")
    ]
    assert chunks[0] == chunks[1]


def test_what_is_no_client_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="scheduler"):
        sweep(NOISY, GRID, "count", out=tmp_path / "s", client=3, progress=quiet)


@pytest.mark.slow
def test_a_cluster_without_a_worker_is_told_of(tmp_path):
    """A sweep waits for workers, which may be in a queue, and does not do so in silence."""
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        joins = threading.Timer(2.0, cluster.scale, (1,))
        joins.start()
        grid = product({"current": [160, 300] * pA})
        with pytest.warns(NoWorkerNotice, match="has no worker; the sweep waits"):
            found = sweep(NOISY, grid, "count", out=tmp_path / "s", client=client, progress=quiet)
        joins.join()
    assert found["count"].notnull().all()


@contextlib.contextmanager
def a_scheduler(folder):
    """Start a scheduler and one worker, each a process of its own; give the scheduler's."""
    about = folder / "scheduler.json"
    quiet_ones = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    at = ["--scheduler-file", str(about)]
    dask = [sys.executable, "-m", "dask"]
    scheduler = subprocess.Popen([*dask, "scheduler", *at, "--port", "0", "--no-dashboard"],
                                 **quiet_ones)  # fmt: skip
    worker = subprocess.Popen(
        [*dask, "worker", *at, "--nthreads", "1", "--no-dashboard", "--no-nanny",
         "--local-directory", str(folder), "--death-timeout", "120"],
        **quiet_ones,
    )  # fmt: skip
    try:
        until = time.monotonic() + 120
        while not about.is_file() or not about.read_text().strip():
            assert time.monotonic() < until, "no scheduler after 120 s"
            time.sleep(0.05)
        yield scheduler, json.loads(about.read_text())["address"]
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_scheduler_that_is_killed_loses_nothing(tmp_path):
    more = {"seed": 2, "chunk_rows": 6, "progress": quiet}
    here = sweep(NOISY, GRID, "count", out=tmp_path / "here", jobs=1, **more)
    (tmp_path / "dask").mkdir()
    with a_scheduler(tmp_path / "dask") as (scheduler, address):

        def kill(progress):
            if progress.computed == 18:
                scheduler.kill()

        with pytest.raises(SweepError, match=r"scheduler of Dask was lost.*resume"):
            sweep(
                NOISY, GRID, "count", out=tmp_path / "there", client=address,
                **(more | {"progress": kill}),
            )  # fmt: skip
    kept = len(list((tmp_path / "there").glob("chunks/*/zarr.json")))
    assert 3 <= kept < 10
    computed = []
    more["progress"] = lambda p: computed.append(p.computed)
    there = sweep(NOISY, GRID, "count", out=tmp_path / "there", jobs=1, resume=True, **more)
    assert computed[-1] == 60 - 6 * kept
    assert there.equals(here)
    both = [
        {p.relative_to(f): p.read_bytes() for p in (f / "chunks").rglob("*") if p.is_file()}
        for f in (tmp_path / "here", tmp_path / "there")
    ]
    assert both[0] == both[1]


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["Future.result", "Client.nthreads", "Client.submit"])
def test_a_scheduler_that_is_lost_at_any_moment_is_named(tmp_path, monkeypatch, asked):
    """One of a hundred kills fell between a result that was announced and its transport."""

    def lost(*_, **__):
        raise distributed.comm.CommClosedError("Stream is closed")

    with distributed.LocalCluster(
        n_workers=1, processes=False, dashboard_address=None
    ) as cluster, distributed.Client(cluster) as client:  # fmt: skip
        with monkeypatch.context() as patched:
            name, method = asked.split(".")
            patched.setattr(getattr(distributed, name), method, lost)
            with pytest.raises(SweepError, match=r"scheduler of Dask was lost.*resume"):
                sweep(NOISY, GRID, "count", out=tmp_path / "s", client=client, progress=quiet)
        found = sweep(NOISY, GRID, "count", out=tmp_path / "s", client=client, resume=True,
                      progress=quiet)  # fmt: skip
    assert found["count"].notnull().all()


def kill_after(process, out, chunks, seconds, ended):
    """Kill a process some time after a store has so many chunks, unless a sweep has ended.

    On a machine so busy that there are no such chunks after a minute, it is killed then.
    """
    until = time.monotonic() + 60
    while len(list(out.glob("chunks/*/zarr.json"))) < chunks and time.monotonic() < until:
        if ended.wait(0.002):
            return
    if not ended.wait(seconds):
        process.kill()


@pytest.mark.slow
def test_kills_of_the_scheduler_lose_nothing(tmp_path):
    """`NEUROSIM_KILLS=100` kills as often as that; the moments are as those of other processes.

    A sweep is resumed with a new scheduler until it has ended, or the third is killed, and at last
    without Dask.
    """
    kills = int(os.environ.get("NEUROSIM_KILLS", "2"))
    rng = np.random.default_rng(2)
    more = {"seed": 2, "chunk_rows": 4, "progress": quiet}
    sweep(NOISY, GRID, "count", out=tmp_path / "quiet", jobs=1, **more)
    whole = contents(tmp_path / "quiet")
    done = sweeps = 0
    while done < kills:
        sweeps += 1
        assert sweeps <= 10 * kills, "the kills come too late"
        out, had = tmp_path / f"killed-{sweeps}", 0
        for again in range(3):
            folder = tmp_path / f"dask-{sweeps}-{again}"
            folder.mkdir()
            had = min(15, had + int(rng.integers(0, 8)))
            ended, said = threading.Event(), None
            with a_scheduler(folder) as (scheduler, address):
                when = (scheduler, out, had, rng.uniform(0, 0.1), ended)
                killer = threading.Thread(target=kill_after, args=when)
                killer.start()
                try:
                    sweep(NOISY, GRID, "count", out=out, client=address, resume=True, **more)
                except SweepError as error:
                    said = str(error)
                finally:
                    ended.set()
                    killer.join()
            if said is not None:
                assert "scheduler" in said
                done += 1
        sweep(NOISY, GRID, "count", out=out, jobs=1, resume=True, **more)
        assert contents(out) == whole
        assert not list(out.glob(".writing-*"))
        shutil.rmtree(out)
