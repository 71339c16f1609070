"""Speed of point neurons beside plain Brian2, in one run.

``python benchmarks/point_neurons.py`` prints nanoseconds a cell and time step of 10,000
Hodgkin-Huxley cells and of 100,000 leaky integrate-and-fire cells, each with a current of its own,
in neurosim and in a script that a user of Brian2 would write: the same equations and method in C++
standalone mode with its default compiler flags, parameters as constants of the namespace, spikes
recorded. One thread each, dt 0.025 ms. Times are of the processor, so that other load counts for
neither: Brian2's is that of its network loop (``device._last_run_time``), ours that of the compiled
program less a run of one step. Runs are interleaved and the best of several is taken. The spikes
of both are counted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

import brian2 as b
from brian2.units import ms, nA, pA

from neurosim import LIF, Constant, HodgkinHuxley, PointNeuron, simulate

DT_MS = 0.025


@dataclass(frozen=True, eq=False, repr=False)
class ExponentialEulerHH(HodgkinHuxley):
    """The Hodgkin-Huxley cell with the method Brian2's own examples of it use."""

    method: ClassVar[str] = "exponential_euler"


@dataclass(frozen=True)
class Row:
    """One comparison: a cell, how many, their currents and how long."""

    name: str
    cell: PointNeuron
    currents_nA: np.ndarray
    duration_ms: float
    bar: float


ROWS = (
    Row("Hodgkin-Huxley, exponential Euler", ExponentialEulerHH(),
        np.linspace(0, 0.3, 10_000), 100.0, 4.0),
    Row("Hodgkin-Huxley, Runge-Kutta 4", HodgkinHuxley(), np.linspace(0, 0.3, 10_000), 50.0, 4.0),
    Row("integrate-and-fire", LIF(), np.linspace(0, 0.4, 100_000), 100.0, 1.0),
)  # fmt: skip


def child_seconds() -> float:
    """Return the processor time of the programs this process has run."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def ours(row: Row) -> Callable[[], tuple[float, int]]:
    """Return a function that runs the cells once: seconds of simulation, spikes."""

    def call(length_ms: float) -> tuple[float, int]:
        start = child_seconds()
        recording = simulate(
            row.cell, length_ms * ms, stimulus=Constant(0 * pA), dt=DT_MS * ms, engine="cpp",
            batch={"current": row.currents_nA * nA},
        )  # fmt: skip
        return child_seconds() - start, len(recording.spike_time_s)

    def once() -> tuple[float, int]:
        fixed = min(call(DT_MS)[0] for _ in range(2))
        seconds, spikes = call(row.duration_ms)
        return seconds - fixed, spikes

    call(DT_MS)
    return once


def plain_brian(row: Row) -> Callable[[], tuple[float, int]]:
    """Return the same for a plain Brian2 script in C++ standalone mode."""
    folder = tempfile.mkdtemp()
    b.device.reinit()
    b.device.activate()
    b.set_device("cpp_standalone", build_on_run=False)
    b.start_scope()
    b.defaultclock.dt = DT_MS * ms
    cell = row.cell
    values = {name: getattr(cell, name) for name in cell.quantity_fields()}
    cells = b.NeuronGroup(
        len(row.currents_nA), cell.equations + "\nI_stim : amp (constant)",
        threshold=cell.threshold, reset=cell.reset or None, refractory=cell.refractory,
        method=cell.method, namespace=values,
    )  # fmt: skip
    cells.I_stim = row.currents_nA * nA
    start = float(values[cell.start])
    cells.v = start * b.volt
    for gate in "mhn":
        if gate in cell.equations and hasattr(cells, gate):
            setattr(cells, gate, f"alpha_{gate}/(alpha_{gate} + beta_{gate})")
    spikes = b.SpikeMonitor(cells)
    network = b.Network(cells, spikes)
    network.run(row.duration_ms * ms)
    device = b.get_device()
    device.build(directory=folder, run=False)

    def once() -> tuple[float, int]:
        device.run(directory=folder, with_output=False, run_args=[])
        return float(device._last_run_time), int(spikes.num_spikes)

    return once


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    wanted = parser.parse_args()
    results = {}
    for row in ROWS:
        runs = {"brian2": plain_brian(row), "neurosim": ours(row)}
        best = dict.fromkeys(runs, np.inf)
        counts = {}
        for _ in range(wanted.repeats):
            for name, run in runs.items():
                seconds, counts[name] = run()
                best[name] = min(best[name], seconds)
        work = len(row.currents_nA) * row.duration_ms / DT_MS
        print(f"\n{len(row.currents_nA)} cells, {row.name}, {row.duration_ms:g} ms, 1 thread")
        for name, seconds in best.items():
            print(f"  {name:10s} {seconds / work * 1e9:8.2f} ns a cell-step  {counts[name]} spikes")
        ratio = best["brian2"] / best["neurosim"]
        print(f"  {ratio:.2f} x plain Brian2 (bar {row.bar:g} x)", flush=True)
        results[row.name] = {name: seconds / work * 1e9 for name, seconds in best.items()}
        results[row.name] |= {"ratio": ratio, "spikes": counts}
    if wanted.json:
        wanted.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
