"""What arrives at receptors: given events, or Poisson trains drawn for each cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.describe.parts import Placed, Poisson
from neurosim.engine.cable.inputs import Arrivals
from neurosim.errors import ParameterError

__all__ = ["gather_arrivals"]


def gather_arrivals(
    placed: Placed,
    index: int,
    points: np.ndarray,
    member: np.ndarray,
    factors: dict[str, np.ndarray],
    *,
    cells: int,
    seeds: np.ndarray,
    duration: float,
) -> Arrivals:
    """Return what arrives at the sites of a kernel of receptors, sorted by time.

    Parameters
    ----------
    placed : Placed
        Receptors and what arrives there.
    index : int
        Number of the placement, which keeps its random numbers apart.
    points, member : ndarray of int, shape (points,)
        Compartment of each point, and the site of the kernel it belongs to.
    factors : dict of str to ndarray
        By state, what one quantum adds.
    cells, seeds, duration
        Size of the batch, seed of each cell, and length of the run in second.

    Raises
    ------
    ParameterError
        Events with trials do not fit the batch.
    """
    rows: list[Sequence[np.ndarray]] = [tuple(np.zeros((4, 0)))]

    def add(time_s: np.ndarray, site: Any, cell: int, weight: Any) -> None:
        rows.append(np.broadcast_arrays(time_s, site, cell, weight))

    if isinstance(placed.arrivals, Poisson):
        rate = float(placed.arrivals.rate)
        for seed in np.unique(seeds):
            # A stream of its own for each seed and placement, whatever else is placed.
            generator = np.random.default_rng([int(seed), index, 0x53594E])
            number = generator.poisson(rate * duration, size=len(points))
            drawn = generator.uniform(0, duration, size=int(number.sum()))
            who = np.repeat(member, number)
            for one in np.flatnonzero(seeds == seed):
                add(drawn, who, one, 1.0)
    elif placed.arrivals is not None:
        many = placed.arrivals
        for k in range(len(points)):
            events = many[k if len(many) > 1 else 0]
            if events.weight.ndim == 1:
                add(events.time_s, member[k], -1, events.weight)
                continue
            if events.trials != cells:
                raise ParameterError(
                    f"{placed.label}: the events have {events.trials} trials and the batch "
                    f"{cells} cells; give one trial a cell"
                )
            for one in range(cells):
                trial = events.trial(one)
                add(trial.time_s, member[k], one, trial.weight)
    time, site, cell, weight = map(np.concatenate, zip(*rows, strict=True))
    order = np.argsort(time, kind="stable")
    return Arrivals(
        time_s=time[order],
        site=site[order].astype(int),
        cell=cell[order].astype(int),
        weight=weight[order],
        factors=factors,
    )
