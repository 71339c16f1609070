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
    start: float,
    stop: float,
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
    cells, seeds
        Size of the batch, and seed of each cell.
    start, stop : float
        Between which times Poisson trains are wanted, in second.

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
            drawn, point = _poisson_train(rate, len(points), [int(seed), index], start, stop)
            for one in np.flatnonzero(seeds == seed):
                add(drawn, member[point], one, 1.0)
    elif placed.arrivals is not None:
        many = placed.arrivals
        listed = [(many[k if len(many) > 1 else 0], int(m)) for k, m in enumerate(member)]
        same = [(events, where) for events, where in listed if events.weight.ndim == 1]
        if same:
            # At once, since there may be a list for each of very many points.
            sizes = [len(events.time_s) for events, _ in same]
            sites = np.repeat([where for _, where in same], sizes)
            times, weights = (
                np.concatenate([getattr(events, name) for events, _ in same])
                for name in ("time_s", "weight")
            )
            add(times, sites, -1, weights)
        for events, where in listed:
            if events.weight.ndim == 1:
                continue
            if events.trials != cells:
                raise ParameterError(
                    f"{placed.label}: the events have {events.trials} trials and the batch "
                    f"{cells} cells; give one trial a cell"
                )
            for one in range(cells):
                trial = events.trial(one)
                add(trial.time_s, where, one, trial.weight)
    time, site, cell, weight = map(np.concatenate, zip(*rows, strict=True))
    order = np.argsort(time, kind="stable")
    return Arrivals(
        time_s=time[order],
        site=site[order].astype(int),
        cell=cell[order].astype(int),
        weight=weight[order],
        factors=factors,
    )


# Poisson trains are drawn piece by piece of time, each from a stream of its own: what arrives at a
# time does not depend on when a run begins or ends.
_PIECE_S = 0.1


def _poisson_train(
    rate: float, points: int, key: list[int], start: float, stop: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return times (second) and point of the events of independent Poisson trains.

    `key` is the seed and the number of the placement, which draw apart.
    """
    times, where = [np.zeros(0)], [np.zeros(0, dtype=int)]
    for piece in range(int(start // _PIECE_S), int(np.ceil(stop / _PIECE_S))):
        generator = np.random.default_rng([*key, 0x53594E, piece])
        number = generator.poisson(rate * _PIECE_S, size=points)
        drawn = (piece + generator.random(int(number.sum()))) * _PIECE_S
        inside = (drawn >= start) & (drawn < stop)
        times.append(drawn[inside])
        where.append(np.repeat(np.arange(points), number)[inside])
    return np.concatenate(times), np.concatenate(where)
