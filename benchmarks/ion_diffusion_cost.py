"""What diffusion inside costs: sodium and potassium that diffuse beside ions that stay in place.

    python benchmarks/ion_diffusion_cost.py --cells 48 --compartments 200 --ms 50 --repeats 5

All have Hodgkin-Huxley channels, leaks and a sodium-potassium pump, and concentrations that move.
Printed is the processor time of a run of each, less that of a run of no duration (the smallest of
the repeats, taken in turn), and its ratio to the cell whose ions stay in their compartment.
"""

from __future__ import annotations

from dataclasses import replace

from brian2 import ms, um
from ion_cost import cell, least_seconds, options

from neurosim import Neuron
from neurosim.ions import Ion

KINDS: dict[str, dict[str, int]] = {
    "stay": {},
    "diffuse": {},
    "4 shells": {"shells": 4},
    "10 shells": {"shells": 10},
}


def diffusing(compartments: int, kind: str) -> Neuron:
    """Return the cell of one kind."""
    found = cell(compartments, ions="move")
    if kind == "stay":
        return found
    more = {"diffusion": 1 * um**2 / ms, **KINDS[kind]}
    painted = (
        replace(one, part=one.part.replace(**more)) if isinstance(one.part, Ion) else one
        for one in found.painted
    )
    return found.replace(painted=tuple(painted))


def main() -> None:
    """Measure and print."""
    given = options(__doc__)
    neurons = {kind: diffusing(given.compartments, kind) for kind in KINDS}
    least = least_seconds(neurons, given)
    steps = given.cells * given.compartments * given.ms / 0.025
    for kind, time in least.items():
        each = 1e9 * time / steps
        print(f"{kind}: {each:.2f} ns a compartment and step, {time / least['stay']:.2f} times")


if __name__ == "__main__":
    main()
