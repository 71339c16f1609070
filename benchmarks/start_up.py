"""What a run costs outside its simulation: the first run of a new model, and any later one.

``python benchmarks/start_up.py`` uses a cache folder of its own. For a Hodgkin-Huxley cable, the
CA1 cell of the catalogue and a point neuron it prints, in a new Python process each time: importing
Brian2, importing neurosim after it, the first run (until its only step is done), a later run in the
same process, and the first run of another process that finds the program in the cache. Later runs
have other values, another batch size, duration and seed; their time is that of the call less the
processor time of the compiled program. The processor time of writing and compiling the program is
printed too, since on a busy machine the first run waits for its turn.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

NAMES = ("HH cable", "CA1 pyramidal", "LIF")
BARS = {"first": 8.0, "later": 0.7}


def measure(name: str) -> dict[str, float]:
    """Run one model in this process; return the seconds of each part."""
    seen = {}
    start = time.perf_counter()
    import brian2  # noqa: F401

    seen["import brian2"] = time.perf_counter() - start
    start = time.perf_counter()
    import numpy as np
    from brian2.units import mS, ms, mV, nA, pA, um
    from brian2.units.allunits import cmetre

    from neurosim import LIF, Constant, Neuron, simulate
    from neurosim.catalogue import ca1_pyramidal
    from neurosim.channels import HHPotassium, HHSodium, Leak
    from neurosim.morphology import PerBranch, cylinder

    seen["import neurosim"] = time.perf_counter() - start
    start = time.perf_counter()
    if name == "HH cable":
        neuron = (
            Neuron(cylinder(1000 * um, 1 * um), PerBranch(200), celsius=6.3, rest=-65 * mV)
            .paint(HHSodium())
            .paint(HHPotassium())
            .paint(Leak(g=0.3 * mS / cmetre**2, E=-54.387 * mV))
        )
    elif name == "LIF":
        neuron = LIF()
    else:
        neuron = ca1_pyramidal()
    seen["description"] = time.perf_counter() - start

    def call(cells: int, length_ms: float, current: float, seed: int) -> float:
        before, start = _program_seconds(), time.perf_counter()
        simulate(
            neuron, length_ms * ms, stimulus=Constant(0 * pA), dt=0.025 * ms,
            batch={"current": np.linspace(0, current, cells) * nA}, seed=seed,
        )  # fmt: skip
        return time.perf_counter() - start - (_program_seconds() - before)

    start, before = time.perf_counter(), _program_seconds()
    call(2, 0.025, 0.1, 0)
    seen["first"] = time.perf_counter() - start
    seen["compiling"] = _program_seconds() - before
    seen["later"] = min(call(16 + k, 5.0 + k, 0.2, k) for k in range(3))
    return seen


def _program_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", choices=NAMES, help="one model, in this process, as JSON")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    wanted = parser.parse_args()
    if wanted.one:
        print(json.dumps(measure(wanted.one)))
        return
    print(f"{'s':16s}{'import brian2':>14s}{'import neurosim':>16s}{'description':>12s}"
          f"{'first run':>10s}{'(its CPU)':>10s}{'later run':>10s}"
          f"{'new process':>12s}")  # fmt: skip
    results = {}
    for name in NAMES:
        pairs = []
        for _ in range(wanted.repeats):
            with tempfile.TemporaryDirectory() as folder:
                environment = os.environ | {"NEUROSIM_CACHE": folder}
                pairs.append([_apart(name, environment) for _ in range(2)])
        best = {key: min(new[key] for new, _ in pairs) for key in pairs[0][0]}
        best["new process"] = min(again["first"] for _, again in pairs)
        results[name] = best
        print(f"{name:16s}{best['import brian2']:14.2f}{best['import neurosim']:16.2f}"
              f"{best['description']:12.2f}{best['first']:10.2f}{best['compiling']:10.2f}{best['later']:10.2f}"
              f"{best['new process']:12.2f}", flush=True)  # fmt: skip
    print(f"bars: first run {BARS['first']:g} s, later run and new process {BARS['later']:g} s")
    if wanted.json:
        wanted.json.write_text(json.dumps(results, indent=1))


def _apart(name: str, environment: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
