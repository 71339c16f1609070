"""How time and memory of the cable engine grow with the batch and with the tree.

``python benchmarks/cable_growth.py`` runs Hodgkin-Huxley cables of 1e2 to 1e6 compartments alone
and batches of 8 to 8192 cables of 100 compartments, each in a Python process of its own, and prints
the exponents of the time a step (least squares on logarithms) and the slopes of the peak memory in
bytes a compartment and cell: of the compiled program, of Python, and of both at one time (peaks
that do not coincide do not add up). Freed memory that the C library keeps for later, up to 64 MB
whatever the size, is not counted: it is told to give it back at once. The time is processor time of
the compiled program beyond a run of one step; one thread, dt 0.025 ms, one probe.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

DT_MS = 0.025
TREES = [(1, n) for n in (100, 1000, 10_000, 100_000, 1_000_000)]
BATCHES = [(b, 100) for b in (8, 64, 512, 4096, 8192)]
BAR_BYTES = 200


def measure(cells: int, compartments: int, repeats: int) -> dict[str, float]:
    """Run one size in this process; return seconds a step, seconds of the rest, and peak memory."""
    from brian2.units import mS, ms, mV, nA, um
    from brian2.units.allunits import cmetre

    from neurosim import Constant, Neuron, simulate
    from neurosim.channels import HHPotassium, HHSodium, Leak
    from neurosim.morphology import PerBranch, at, cylinder

    before = _peak_megabytes()
    start = time.perf_counter()
    cell = (
        Neuron(
            cylinder(compartments * um, 1 * um, name="cable"), PerBranch(compartments),
            celsius=6.3, rest=-65 * mV,
        )
        .paint(HHSodium())
        .paint(HHPotassium())
        .paint(Leak(g=0.3 * mS / cmetre**2, E=-54.387 * mV))
        .probe("v", at("cable", 0.5))
    )  # fmt: skip
    built = time.perf_counter() - start
    currents = np.linspace(0.05, 0.15, cells) * nA

    def program_seconds(length_ms: float) -> float:
        first = _seconds()
        simulate(
            cell, length_ms * ms, stimulus=Constant(), batch={"current": currents},
            dt=DT_MS * ms, record_dt=max(length_ms, DT_MS) * ms,
        )  # fmt: skip
        return _seconds() - first

    peak = _ChildPeak()
    steps = max(10, int(3e7 / (cells * compartments)))
    start = time.perf_counter()
    fixed = program_seconds(DT_MS)
    one = time.perf_counter() - start
    run = min(program_seconds(steps * DT_MS) for _ in range(repeats))
    fixed = min(fixed, *(program_seconds(DT_MS) for _ in range(2)))
    return {
        "cells": cells,
        "compartments": compartments,
        "step_s": (run - fixed) / (steps - 1),
        "build_s": built,
        "one_step_run_s": one,
        "python_MB": _peak_megabytes() - before,
        **peak.stop(before),
    }


class _ChildPeak(threading.Thread):
    """Reads the memory of child processes, and of this one beside them, while they run (Linux).

    What the system reports for children that have ended includes the memory of the process they
    were forked from.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._most, self._together, self._over = 0.0, 0.0, threading.Event()
        self.start()

    def run(self) -> None:
        own = os.getpid()
        while not self._over.wait(0.002):
            with contextlib.suppress(OSError):
                here = _status("self")
                for child in Path(f"/proc/{own}/task/{own}/children").read_text().split():
                    there = _status(child)
                    if there.get("Name") == "main" and "VmHWM" in there:
                        self._most = max(self._most, _megabytes(there["VmHWM"]))
                        both = _megabytes(here["VmRSS"]) + _megabytes(there["VmRSS"])
                        self._together = max(self._together, both)

    def stop(self, before: float) -> dict[str, float]:
        """Return the peak of the program, and of both beyond what Python took before, in MB."""
        self._over.set()
        self.join()
        return {"program_MB": self._most, "together_MB": self._together - before}


def _status(process: str) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _megabytes(text: str) -> float:
    return int(text.split()[0]) / 976.5625


def _seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 976.5625


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=int, nargs=2, metavar=("CELLS", "COMPARTMENTS"),
                        help="one size, in this process, as JSON")  # fmt: skip
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    wanted = parser.parse_args()
    if wanted.one:
        print(json.dumps(measure(*wanted.one, wanted.repeats)))
        return
    # Compiles the program, if need be, so that no compiler counts as the program's memory.
    _apart(2, 100, 1)
    _apart(1, 100, 1)
    results = {}
    for what, sizes in (("compartments", TREES), ("cells", BATCHES)):
        found = [_apart(cells, count, wanted.repeats) for cells, count in sizes]
        amounts = np.array([one["cells"] * one["compartments"] for one in found])
        print(f"\n{'cells':>6s} {'compartments':>13s} {'ns/comp-step':>13s} {'build s':>8s} "
              f"{'1-step run s':>13s} {'program MB':>11s} {'Python MB':>10s} "
              f"{'both MB':>8s}")  # fmt: skip
        for one, amount in zip(found, amounts, strict=True):
            print(
                f"{one['cells']:6d} {one['compartments']:13d} {one['step_s'] / amount * 1e9:13.2f} "
                f"{one['build_s']:8.2f} {one['one_step_run_s']:13.2f} {one['program_MB']:11.1f} "
                f"{one['python_MB']:10.1f} {one['together_MB']:8.1f}"
            )
        slope = np.polyfit(np.log(amounts), np.log([one["step_s"] for one in found]), 1)[0]
        print(f"time a step grows as {what} ^ {slope:.3f} (bar 1.00 +- 0.05)")
        results[what] = {"sizes": found, "exponent": float(slope)}
        for who in ("program", "python", "together"):
            # Between the two largest sizes, where it stands out from what an empty run takes.
            grown = (found[-1][f"{who}_MB"] - found[-2][f"{who}_MB"]) * 1e6
            each = grown / (amounts[-1] - amounts[-2])
            print(f"peak memory, {who}: {each:.0f} bytes a compartment (bar {BAR_BYTES})")
            results[what][f"{who}_bytes"] = float(each)
    if wanted.json:
        wanted.json.write_text(json.dumps(results, indent=1))


def _apart(cells: int, compartments: int, repeats: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", str(cells), str(compartments)]
    at_once = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}
    done = subprocess.run(
        [*command, "--repeats", str(repeats)], stdout=subprocess.PIPE, text=True, check=True,
        env=os.environ | at_once,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
