"""What moving ions cost: a cell whose ions move beside the same cell in which they stay.

    python benchmarks/ion_cost.py --cells 48 --compartments 200 --ms 50 --repeats 5

Both have Hodgkin-Huxley channels, leaks and a sodium-potassium pump, and both follow the Nernst
potentials; in one the concentrations are held. Printed is the processor time of a run of each, less
that of a run of no duration, and their ratio (the smallest of the repeats, taken in turn).
"""

from __future__ import annotations

import argparse
import resource

import numpy as np
from brian2 import cm, mS, ms, mV, nA, um
from brian2.units.stdunits import mM

from neurosim import Constant, Neuron, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak, PotassiumLeak, SodiumLeak
from neurosim.ions import Potassium, Sodium, SodiumPotassiumPump
from neurosim.morphology import PerBranch, cylinder


def cell(compartments: int, *, ions: str) -> Neuron:
    """Return the cell with ions that "move", that are "held", or "none": reversals of the parts."""
    bare = Neuron(
        cylinder(2000 * um, 2 * um), PerBranch(compartments), celsius=6.3, rest=-65 * mV
    ).paint([HHSodium(), HHPotassium(), Leak(g=0.3 * mS / cm**2, E=-54.4 * mV)])
    leaks = [SodiumLeak(g=0.01 * mS / cm**2), PotassiumLeak(g=0.05 * mS / cm**2)]
    if ions == "none":
        return bare.paint(leaks)
    held = ions == "held"
    pools = [Sodium(10 * mM, 145 * mM, held=held), Potassium(140 * mM, 3.5 * mM, held=held)]
    return bare.paint([*pools, *leaks, SodiumPotassiumPump()])


def seconds(neuron: Neuron, cells: int, duration: float) -> float:
    """Return the processor time of a run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    drive = {"current": np.linspace(0.2, 1, cells) * nA}
    simulate(neuron, duration * ms, stimulus=Constant(0 * nA), batch=drive, dt=0.025 * ms)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def options(about: str) -> argparse.Namespace:
    """Read how many cells of how many compartments run for how long, and how often."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--cells", type=int, default=48)
    parser.add_argument("--compartments", type=int, default=200)
    parser.add_argument("--ms", type=float, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def least_seconds(kinds: dict[str, Neuron], given: argparse.Namespace) -> dict[str, float]:
    """Return the processor time of a run of each kind, less that of a run of one step."""
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for neuron in kinds.values():
        seconds(neuron, given.cells, 0.025)  # compiles it
    for _ in range(given.repeats):
        for name, neuron in kinds.items():
            start = seconds(neuron, given.cells, 0.025)
            taken[name].append(seconds(neuron, given.cells, given.ms) - start)
    return {name: min(times) for name, times in taken.items()}


def main() -> None:
    """Measure and print."""
    given = options(__doc__)
    kinds = {name: cell(given.compartments, ions=name) for name in ("none", "held", "move")}
    least = least_seconds(kinds, given)
    steps = given.cells * given.compartments * given.ms / 0.025
    for name, time in least.items():
        print(f"{name}: {time:.3f} s, {1e9 * time / steps:.2f} ns a compartment and step")
    print(f"moving ions take {least['move'] / least['held']:.3f} times the cell with held ions")
    print(f"and {least['move'] / least['none']:.3f} times the cell without ions and pump")


if __name__ == "__main__":
    main()
