"""What a gradient costs: processor time over that of the run alone, memory, and the first one.

``python benchmarks/gradient.py`` differentiates Hodgkin-Huxley cables (48 cells of 200
compartments, 128 of 500) by three conductance densities and the injected current, on one thread. It
prints nanoseconds of processor time a compartment and step for the run alone and for the gradient;
what does not grow with the steps (files, processes, composition) is subtracted. ``--points`` does
the same for point neurons, a row and step. ``--memory`` takes
100,000 steps of one cell of 1,000 compartments and prints the most memory that the program took
(Linux). ``--first`` prints what a first gradient takes with an empty cache of programs, and
``--jaxley`` sets agreement and cost beside those of Jaxley (extra ``compare``).
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

DT_MS = 0.025
WRT = ["hh_sodium.g", "hh_potassium.g", "leak.g", "stimulus.constant.current"]


def cable(compartments: int):
    """Return a Hodgkin-Huxley cable of 1 mm."""
    from brian2 import cm, mS, mV, um

    from neurosim import Neuron
    from neurosim.channels import HHPotassium, HHSodium, Leak
    from neurosim.morphology import PerBranch, cylinder

    bare = Neuron(cylinder(1000 * um, 1 * um), PerBranch(compartments), celsius=6.3, rest=-65 * mV)
    return bare.paint([HHSodium(), HHPotassium(), Leak(g=0.3 * mS / cm**2, E=-54.387 * mV)])


def children() -> float:
    """Return the processor time of all child processes that have ended, in second."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def spent(run: Callable[[float], object], duration_ms: float) -> float:
    """Return the processor time of the steps of a run, what a run of few steps takes subtracted."""
    start = children()
    run(duration_ms)
    middle = children()
    run(10 * DT_MS)
    return (middle - start) - (children() - middle)


def compare(cells: int, compartments: int, duration_ms: float, repeats: int) -> None:
    """Print nanoseconds a compartment and step of the run alone and of the gradient."""
    from brian2 import ms, nA

    from neurosim import Constant, differentiate, simulate
    from neurosim.gradients.losses import MeanPotential

    cell = cable(compartments)
    given = {
        "stimulus": Constant(0 * nA),
        "batch": {"current": np.linspace(0.05, 0.15, cells) * nA},
        "dt": DT_MS * ms,
        "scheme": "backward-euler",
    }

    def alone(length_ms: float) -> object:
        return simulate(cell, length_ms * ms, **given)

    def gradient(length_ms: float) -> object:
        return differentiate(cell, length_ms * ms, MeanPotential(), WRT, **given)

    alone(1.0)
    gradient(1.0)
    steps = round(duration_ms / DT_MS) - 10
    best = [np.inf, np.inf]
    for _ in range(repeats):
        # One after the other, since no machine is quite idle.
        for k, run in enumerate((alone, gradient)):
            best[k] = min(best[k], spent(run, duration_ms) / (steps * cells * compartments) * 1e9)
    print(
        f"{cells:4d} x {compartments:4d}: run {best[0]:5.1f} ns, gradient {best[1]:5.1f} ns a "
        f"compartment and step, {best[1] / best[0]:.2f} times the run"
    )


def points(rows: int, duration_ms: float, repeats: int) -> None:
    """Print nanoseconds a row and step of runs of point neurons and of their gradients."""
    from brian2 import ms, pA

    from neurosim import LIF, AdEx, Constant, HodgkinHuxley, TraubMiles, differentiate, simulate
    from neurosim.gradients.losses import FiringRate

    for neuron, current, wrt in (
        (HodgkinHuxley(), 100, ["g_Na", "g_K", "g_L", "constant.current"]),
        (TraubMiles(), 1000, ["g_Na", "g_K", "g_L", "constant.current"]),
        (LIF(), 250, ["tau_m", "R_m", "V_th", "constant.current"]),
        (AdEx(), 500, ["C", "g_L", "V_T", "Delta_T", "a", "b", "tau_w", "constant.current"]),
    ):
        given = {
            "stimulus": Constant(0 * pA),
            "batch": {"current": np.linspace(1, 1.5, rows) * current * pA},
        }

        def alone(length_ms: float, neuron=neuron, given=given) -> object:
            return simulate(neuron, length_ms * ms, **given)

        def gradient(length_ms: float, neuron=neuron, given=given, wrt=wrt) -> object:
            return differentiate(neuron, length_ms * ms, FiringRate(few="nan"), wrt, **given)

        alone(1.0)
        gradient(1.0)
        steps = round(duration_ms / neuron.default_dt_ms) - round(10 * DT_MS / neuron.default_dt_ms)
        best = [np.inf, np.inf]
        for _ in range(repeats):
            for k, run in enumerate((alone, gradient)):
                best[k] = min(best[k], spent(run, duration_ms) / (steps * rows) * 1e9)
        print(
            f"{type(neuron).__name__:13s} {rows} rows: run {best[0]:5.1f} ns, gradient "
            f"{best[1]:5.1f} ns a row and step, {best[1] / best[0]:.2f} times the run; "
            f"{best[1] * 1e-3 / neuron.default_dt_ms:.2f} ms a row and second"
        )


def memory() -> None:
    """Print the most memory of the program that takes a long run back."""
    from brian2 import ms, nA

    from neurosim import Constant, differentiate
    from neurosim.gradients.losses import MeanPotential

    for steps in (100, 100_000):
        # The first compiles it, which takes more.
        most, done = [0], threading.Event()
        watch = threading.Thread(target=_watch, args=(most, done))
        watch.start()
        differentiate(
            cable(1000), steps * DT_MS * ms, MeanPotential(), WRT,
            stimulus=Constant(0.1 * nA), dt=DT_MS * ms, scheme="backward-euler",
        )  # fmt: skip
        done.set()
        watch.join()
    print(f"{steps} steps of 1,000 compartments: {most[0] / 1024:.0f} MB")


def _watch(most: list[int], done: threading.Event) -> None:
    """Take note of the most memory (kB) of a program of ours while it runs."""
    while not done.wait(0.05):
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                status = (folder / "status").read_text()
                if "Name:\tmain\n" not in status or f"PPid:\t{os.getpid()}\n" not in status:
                    continue
                peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
            except (OSError, StopIteration):
                continue
            most[0] = max(most[0], int(peak.split()[1]))


def first() -> None:
    """Print what the first gradient of a new model takes, and what the second."""
    code = (
        "import sys, time; began = time.perf_counter()\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from gradient import cable, children, WRT\n"
        "from brian2 import ms, nA\n"
        "from neurosim import Constant, differentiate\n"
        "from neurosim.gradients.losses import MeanPotential\n"
        "for k in range(2):\n"
        "    begun, used = time.process_time(), children()\n"
        "    differentiate(cable(20), 5*ms, MeanPotential(), WRT, stimulus=Constant(0.1*nA))\n"
        "    own, theirs = time.process_time() - begun, children() - used\n"
        "    print(f'gradient {k + 1}: {own + theirs:.1f} s of processor time', flush=True)\n"
        "    print(f'  {time.perf_counter() - began:.1f} s since the interpreter started')\n"
    )
    with tempfile.TemporaryDirectory() as cache:
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"NEUROSIM_CACHE": cache}, check=True
        )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    for name in ("memory", "first", "points", "jaxley"):
        parser.add_argument(f"--{name}", action="store_true")
    asked = parser.parse_args()
    if asked.memory:
        memory()
    elif asked.first:
        first()
    elif asked.points:
        points(32, 1000.0, asked.repeats)
    elif asked.jaxley:
        from gradient_jaxley import beside_jaxley

        beside_jaxley(asked.repeats)
    else:
        compare(48, 200, 50.0, asked.repeats)
        compare(128, 500, 20.0, asked.repeats)


if __name__ == "__main__":
    main()
