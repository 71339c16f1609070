"""Dask as a sweep's backend: its speed beside processes, and how busy its scheduler is.

``python benchmarks/sweep_dask.py speed`` runs the same LIF sweep by processes of the sweep's own
and by a `LocalCluster`, with one worker and with two. Printed is the processor time of the driver,
of the cluster and of all that they start; imports of the workers and one small sweep before come
first, since a cluster stays.

``python benchmarks/sweep_dask.py load`` starts a scheduler, and many workers in one other process,
and gives them pieces of work that do nothing, as a sweep does. The processor time of the scheduler
alone, divided by the number of pieces, says how many chunks a second it carries; what its workers'
heartbeats cost is measured without work.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_WORKERS = """
import asyncio, sys, tempfile
from distributed import Worker
async def main():
    folder = tempfile.mkdtemp()
    several = [Worker(sys.argv[1], nthreads=1, local_directory=folder, dashboard=False,
                      memory_limit=0) for _ in range(int(sys.argv[2]))]
    await asyncio.gather(*several)
    await asyncio.sleep(3600)
asyncio.run(main())
"""


def processor_time(process: object) -> float:
    """Return the seconds that a process, its children now, and those that ended have used."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:  # type: ignore[attr-defined]
        times = one.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def speed(rows: int, times: int) -> None:
    """Print the processor time of the same sweep by processes and by a cluster."""
    import distributed
    import psutil
    from brian2 import ms, pA

    from experiments.sweep import Run, product, sweep
    from neurosim import LIF

    me = psutil.Process()

    def once(number: int, **more: object) -> tuple[float, float]:
        currents = np.linspace(100, 400, number // 10) * pA
        grid = product({"current": currents, "repeat": range(10)})
        before, started = processor_time(me), time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            sweep(Run(LIF(), 1000 * ms, dt=0.1 * ms), grid, "count", out=folder,
                  progress=lambda _: None, **more)  # type: ignore[arg-type]  # fmt: skip
        return processor_time(me) - before, time.perf_counter() - started

    for workers in (1, 2):
        with (
            distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            ways: dict[str, dict[str, object]] = {
                "processes": {"jobs": workers},
                "LocalCluster": {"client": client},
            }
            for more in ways.values():
                once(20_000 * workers, **more)
            for _ in range(times):
                used = {name: once(rows, **more) for name, more in ways.items()}
                for name, (seconds, wall) in used.items():
                    print(f"{workers} x {name:<13}{seconds:8.2f} s of processor,{wall:8.1f} s")
                share = used["LocalCluster"][0] / used["processes"][0] - 1
                print(f"    the cluster takes {100 * share:+.1f} %", flush=True)


def load(workers: int, pieces: int) -> None:
    """Print what a piece of work, and a second of heartbeats, cost the scheduler."""
    import distributed
    import psutil

    from experiments.sweep import measure_of_rows
    from experiments.sweep.workers.compute import Task
    from experiments.sweep.workers.dask_pool import DaskPool

    with tempfile.TemporaryDirectory() as folder:
        about = Path(folder) / "scheduler.json"
        scheduler = subprocess.Popen(
            [sys.executable, "-m", "dask", "scheduler", "--port", "0", "--no-dashboard",
             "--scheduler-file", about], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not about.is_file() or not about.read_text().strip():
            time.sleep(0.05)
        address = json.loads(about.read_text())["address"]
        others = subprocess.Popen(
            [sys.executable, "-c", _WORKERS, address, str(workers)], stderr=subprocess.DEVNULL
        )
        watched, driver = psutil.Process(scheduler.pid), psutil.Process()
        try:
            with distributed.Client(address) as client:
                client.wait_for_workers(workers, timeout=300)
                time.sleep(5)
                before = processor_time(watched)
                time.sleep(20)
                idle = (processor_time(watched) - before) / 20
                measure = measure_of_rows(nothing, version="1", outputs={"n": ""})
                pool = DaskPool(Task({}, (measure,), {}, ()), client)
                # The scheduler and the workers import neurosim with the first pieces.
                give(pool, 4 * workers)
                before, started = processor_time(watched), time.perf_counter()
                mine = sum(driver.cpu_times()[:2])
                give(pool, pieces)
                wall = time.perf_counter() - started
                mine = (sum(driver.cpu_times()[:2]) - mine) / pieces
                each = (processor_time(watched) - before - idle * wall) / pieces
        finally:
            for process in (others, scheduler):
                process.kill()
                process.wait()
    print(
        f"{workers:>5} workers: {1e3 * each:.2f} ms of the scheduler a piece, {100 * idle:.2f} % "
        f"of a processor for heartbeats; {1e3 * mine:.2f} ms of the driver a piece; "
        f"{pieces / wall:.0f} pieces a second",
        flush=True,
    )


def give(pool: object, pieces: int) -> None:
    """Have pieces of work done, as many at once as the pool takes."""
    one = {"x": np.zeros(1)}, np.zeros(1, dtype=np.uint64)
    given = done = 0
    while done < pieces:
        while given < pieces and pool.free():  # type: ignore[attr-defined]
            pool.submit(given, *one)  # type: ignore[attr-defined]
            given += 1
        found = pool.next()  # type: ignore[attr-defined]
        assert found.error is None
        done += 1


def nothing(description: object, seed: int) -> float:
    """Do nothing."""
    return 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["speed", "load"])
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--workers", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--pieces", type=int, default=2000)
    asked = parser.parse_args()
    if asked.what == "speed":
        speed(asked.rows, asked.times)
    else:
        for workers in asked.workers:
            load(workers, asked.pieces)


if __name__ == "__main__":
    main()
