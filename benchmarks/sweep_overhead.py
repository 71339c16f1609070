"""What a sweep costs beyond its runs: processor time against bare batches, and memory.

``python benchmarks/sweep_overhead.py --rows 1000000`` runs LIF neurons for 1 s in steps of 0.1 ms
twice: as bare calls of `simulate` in one process, 10,000 rows each, counting spikes; and as a
sweep over two processes. Both are processes of their own, and their times are those of all that
they started, imports included. The memory is the sum over all processes (proportional set size),
looked at twice a second.

``--cell textbook_neuron`` takes the textbook neuron for 100 ms. ``--rows`` may then be a part of
the 100,000: batches are alike, so that the share grows smaller with more of them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_COMMON = """
import sys
import numpy as np
from brian2 import ms, nA, pA, second
from neurosim import LIF, Constant, simulate, textbook_neuron
cell, rows, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
lif = cell == "LIF"
neuron, duration, dt = (LIF(), 1000 * ms, 0.1 * ms) if lif else (textbook_neuron(), 100 * ms, None)
stimulus = Constant(0 * pA)
currents = np.linspace(100e-12, 400e-12, rows // 10) if lif else np.linspace(0, 2e-9, rows // 10)
"""
_BARE = (
    _COMMON
    + """
for first in range(0, rows, size):
    index = np.arange(first, min(first + size, rows))
    batch = {"current": currents[index // 10] * 1e12 * pA}
    simulate(neuron, duration, stimulus=stimulus, batch=batch, seed=index, dt=dt).counts()
"""
)
_SWEEP = (
    _COMMON
    + """
from experiments.sweep import Run, product, sweep
grid = product({"current": currents * 1e12 * pA, "repeat": range(10)})
sweep(Run(neuron, duration, stimulus=stimulus, dt=dt), grid, "count", out=sys.argv[4],
      chunk_rows=size, jobs=int(sys.argv[5]))
"""
)


def measure(code: str, *arguments: object) -> tuple[float, float, float]:
    """Return processor time (s), wall time (s) and memory (MB) of a program and its children."""
    started, most = time.perf_counter(), 0.0
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stderr=subprocess.DEVNULL
    )
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        most = max(most, tree_memory(process.pid))
        time.sleep(0.5)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the program ended with status {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started, most


def tree_memory(root: int) -> float:
    """Return the memory of a process and of all below it, in MB; shared pages count once."""
    parents = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(place.parent.name)] = int(after[1])
    total = 0.0
    for pid in parents:
        above = pid
        while above in parents and above != root:
            above = parents[above]
        if above != root:
            continue
        try:
            said = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(
            float(line.split()[1]) / 1000 for line in said.splitlines() if line.startswith("Pss:")
        )
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--cell", default="LIF", choices=["LIF", "textbook_neuron"])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--times", type=int, default=1, help="How often each is run, in turn.")
    asked = parser.parse_args()
    size = (asked.cell, asked.rows, asked.batch)
    # So that neither compiles.
    measure(_BARE, asked.cell, 10, 10)
    for _ in range(asked.times):
        bare = measure(_BARE, *size)
        with tempfile.TemporaryDirectory() as folder:
            swept = measure(_SWEEP, *size, Path(folder) / "store", asked.jobs)
        for name, (processor, wall, memory) in (("bare batches", bare), ("sweep", swept)):
            print(f"{name:<13} {processor:8.2f} s of processor, {wall:8.1f} s, {memory:6.0f} MB")
        print(f"overhead      {100 * (swept[0] / bare[0] - 1):8.1f} %", flush=True)


if __name__ == "__main__":
    main()
