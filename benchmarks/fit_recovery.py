"""Fit neurons whose parameters are known: how many intervals hold the truth.

Each neuron is drawn from the middle of the bounds of its family, recorded at twelve current steps
with noise on the potential, and fitted as a recording is. The share is taken over the parameters
that the fit calls identifiable, pooled over all cells in which the fit reached a minimum and the
noise of the recording. The fit tells both itself, without knowing the truth.

    python benchmarks/fit_recovery.py --family hh2 --cells 20
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np

from bridge.fit.fit_neuron import fit_neuron
from bridge.fit.neuron_families import family_of
from bridge.fit_peers.known_truth import drawn_truth, recording_of
from neurosim.errors import ParameterError


def main() -> None:
    """Draw, record, fit and count."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--family", default="hh1")
    parser.add_argument("--cells", type=int, default=20)
    parser.add_argument("--starts", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--noise", type=float, default=0.3, help="mV")
    parser.add_argument("--step", type=float, default=200.0, help="length of a step (ms)")
    given = parser.parse_args()
    family = family_of(given.family)
    inside: list[bool] = []
    unknown, near, held, lost, seed = 0, 0, 0, 0, given.seed
    began, cells = _used(), 0
    while cells < given.cells:
        seed += 1
        truth = drawn_truth(family, seed)
        try:
            cell = recording_of(
                family, truth, step_ms=given.step, noise_mV=given.noise, seed=seed, name=f"#{seed}"
            )
        except ParameterError:
            # It does not fire, or fires without current: no recording that one would fit.
            continue
        began_cell = time.perf_counter()
        found = fit_neuron(cell, given.family, starts=given.starts, seed=seed)
        cells += 1
        reached = found.at_bottom and found.within_noise
        if not reached:
            lost += 1
        own = [
            one.low <= truth[one.name] <= one.high for one in found.parameters if one.identifiable
        ]
        if reached:
            inside += own
        unknown += sum(not one.identifiable for one in found.parameters)
        near += sum(one.near for one in found.held_out)
        held += len(found.held_out)
        misses = [
            f"{one.name} {one.value:.4g} ({one.low:.4g} .. {one.high:.4g}), true "
            f"{truth[one.name]:.4g}"
            for one in found.parameters
            if one.identifiable and not one.low <= truth[one.name] <= one.high
        ]
        print(
            f"cell {seed}: misfit {found.times_noise:.3g} of the noise"
            f"{'' if reached else ' (search failed)'}, {sum(own)} of {len(own)} inside, held-out "
            f"gamma {found.gamma:.3g}, {time.perf_counter() - began_cell:.0f} s "
            + "; ".join(misses),
            flush=True,
        )  # fmt: skip
    share = f"{np.mean(inside):.1%}" if inside else "none"
    print(
        f"{given.family}: in {lost} of {cells} cells the fit itself says that it did not find the "
        f"neuron; in the others {sum(inside)} of {len(inside)} identifiable parameters are inside "
        f"their 95 % intervals ({share}). In all cells {unknown} parameters are not identifiable; "
        f"held-out counts are near in {near} of {held} steps. "
        f"{(_used() - began) / cells:.0f} s of processor time a cell"
    )


def _used() -> float:
    """Return the processor time of this process and its runs (s)."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


if __name__ == "__main__":
    main()
