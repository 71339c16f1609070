r"""How far a number of a unit can go before the unit is no longer likely enough.

The number may be a parameter or the rate at one current. Its extreme among all units whose
log-likelihood is at least :math:`\ell_0` is sought on the edge itself (Venzon and Moolgavkar 1988,
Appl. Stat. 37:87): with the gradients :math:`g` of the log-likelihood :math:`\ell` and :math:`s` of
the number, and the expected curvature :math:`H`, the quadratic model has its extreme at

.. math:: d = H^{-1} (g + t s), \quad
          t = \sqrt{(2 (\ell - \ell_0) + g^\top H^{-1} g) \, / \, s^\top H^{-1} s}

from here. A few such steps arrive where a search that pulls at the number ever harder takes dozens.

Some ends of ranges are no facts: that no rate is below 0 is one, the largest rate that is tried is
none. `at_a_stop` tells whether a unit has come to an end of that kind.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bridge.units.fitting import LIKELY, Problem, Solution, ascent, rough_units, shortened

__all__ = [
    "SURE", "Aim", "at_a_stop", "furthest", "loosened", "parameter_ends", "scattered_units",
]  # fmt: skip

Array = NDArray[np.float64]
Aim = Callable[[Array, NDArray[np.int64]], tuple[Array, Array]]
"""Of points, shape (b, p), and the rows they belong to: the numbers, (b,), and their gradients."""

STEPS = 30
INSIDE = 2e-3
"""The edge that is aimed at, as a share of the log-likelihood that may be lost, from inside."""
SURE = 1e-6
"""A unit counts as likely enough when its log-likelihood falls short by no more than this."""
TINY_GAIN = 1e-3
"""A search has arrived when a step promises less than this share of the way from the fit."""
GUESSES = 10
"""Rough guesses from which the ends of the parameters are sought as well."""
NEAR = 1e-3
"""Distance in coordinates at which a parameter has come to an end of its range."""


def furthest(task: Problem, start: Array, low: Array, high: Array, aim: Aim, floor: Array) -> Array:
    """Of each row the unit with the largest number among those that are likely enough.

    Parameters
    ----------
    task : Problem
    start : ndarray, shape (b, p)
        Coordinates to begin at.
    low, high : ndarray, shape (b, p)
        Bounds of each row.
    aim : callable
        The number that is to become as large as possible, and its gradient.
    floor : ndarray, shape (b,)
        Least log-likelihood of a unit that is likely enough.

    Returns
    -------
    ndarray, shape (b, p)
        The best unit found that is likely enough. Where there was none, `start`, which is not
        likely enough either.
    """
    z, best = start.copy(), start.copy()
    rows = np.arange(len(z))
    total, slope, curve = ascent(task, z)
    value, steep = aim(z, rows)
    first = value.copy()
    most = np.where(total >= floor - SURE, value, -np.inf)
    spare = np.maximum(total - floor, 0.05)
    goal = floor + INSIDE * spare
    reach = np.where(task.logarithmic, 1.0, np.where(task.natural, _span(task) / 4, 0.2))
    damping = np.full(len(z), 1e-4)
    for _ in range(STEPS):
        if not len(rows):
            break
        here = (z[rows], low[rows], high[rows], task.free)
        step, weight = _step(
            *here, slope[rows], curve[rows], steep[rows], (total - goal)[rows], damping[rows]
        )
        promised = np.einsum("bp,bp->b", steep[rows], step)
        near = (total - goal)[rows] > -5 * INSIDE * spare[rows]
        small = promised < TINY_GAIN * np.maximum(np.abs(value - first)[rows], 1e-9)
        done = near & small
        step *= shortened(step, reach)[:, None]
        trial = np.clip(here[0] + step, low[rows], high[rows])
        now, new_slope, new_curve = ascent(task, trial)
        number, new_steep = aim(trial, rows)
        inside = (now >= floor[rows] - SURE) & (number > most[rows])
        best[rows[inside]], most[rows[inside]] = trial[inside], number[inside]
        # The number and what is missing of the likelihood, at the rate of exchange of the edge.
        gain = weight * (number - value[rows])
        gain += 1.5 * (np.minimum(now, goal[rows]) - np.minimum(total[rows], goal[rows]))
        better = gain > 0
        moved = trial - here[0]
        model = total[rows] + np.einsum("bp,bp->b", slope[rows], moved)
        model -= 0.5 * np.einsum("bp,bpq,bq->b", moved, curve[rows], moved)
        hoped = weight * np.einsum("bp,bp->b", steep[rows], moved)
        hoped += 1.5 * (np.minimum(model, goal[rows]) - np.minimum(total[rows], goal[rows]))
        share = gain / np.maximum(hoped, 1e-12)
        took = rows[better]
        z[took], total[took], value[took] = trial[better], now[better], number[better]
        slope[took], curve[took], steep[took] = (
            new_slope[better], new_curve[better], new_steep[better],
        )  # fmt: skip
        # Steps that gain much less than the model says leap to and fro across the edge.
        change = np.where(share > 0.75, 0.2, np.where(share < 0.3, 5.0, 1.0))
        damping[rows] = np.maximum(damping[rows] * change, 1e-9)
        stays = ~better & (damping[rows] > 1e4)
        rows = rows[~done & ~stays]
    return best


def scattered_units(task: Problem, top: float) -> Solution:
    """Some of the rough guesses that are not hopeless, from all over their grid.

    Parameters
    ----------
    task : Problem
    top : float
        Log-likelihood of the best unit.
    """
    z, total = rough_units(task)
    hopeful = np.flatnonzero(total > top - LIKELY)
    if len(hopeful) > GUESSES:
        hopeful = hopeful[np.linspace(0, len(hopeful) - 1, GUESSES).astype(int)]
    return Solution(z[hopeful], total[hopeful], *task.bounds(z[hopeful]))


def parameter_ends(task: Problem, hills: Solution, floor: float) -> Solution:
    """Likely units of which one parameter is as small or as large as can be.

    Parameters
    ----------
    task : Problem
    hills : Solution
        Units to begin at, the best first; rough guesses are added to them.
    floor : float
        Least log-likelihood of a unit that is likely enough.

    Returns
    -------
    Solution
        Of every start and every end those that are likely enough, in no order.
    """
    begun = hills.concatenated(scattered_units(task, float(hills.log_likelihood[0])))
    axes = np.eye(len(task.free))[task.free]
    axes = np.concatenate([axes, -axes])
    kind = np.tile(np.arange(len(axes)), len(begun.z))
    start = begun.pick(np.repeat(np.arange(len(begun.z)), len(axes)))

    def aim(z: Array, rows: NDArray[np.int64]) -> tuple[Array, Array]:
        axis = axes[kind[rows]]
        return (axis * z).sum(axis=1), axis

    z = furthest(task, start.z, start.low, start.high, aim, np.full(len(kind), floor))
    total = task.statistics.log_likelihood(task.rate(z))
    return Solution(z, total, start.low, start.high).pick(total >= floor - 2 * SURE)


def _span(task: Problem) -> float:
    return float(np.ptp(task.statistics.current)) or 1.0


def _step(
    z: Array,
    low: Array,
    high: Array,
    free: NDArray[np.bool_],
    slope: Array,
    curve: Array,
    steep: Array,
    spare: Array,
    damping: Array,
) -> tuple[Array, Array]:
    """The step to the extreme on the edge of the quadratic model, and its weight t."""
    diagonal = np.einsum("bii->bi", curve)
    ballast = (damping[:, None] + 1e-12) * diagonal + 1e-14
    identity = np.eye(z.shape[1])
    stuck = np.tile(~free, (len(z), 1))
    step, weight = np.zeros_like(z), np.zeros(len(z))
    rows = np.arange(len(z))
    for _ in range(3):
        fixed = stuck[rows]
        g, s = np.where(fixed, 0.0, slope[rows]), np.where(fixed, 0.0, steep[rows])
        moves = ~fixed[:, :, None] & ~fixed[:, None, :]
        matrix = np.where(moves, curve[rows], 0.0)
        matrix += identity * np.where(fixed, 1.0, ballast[rows])[:, None, :]
        up, along = np.moveaxis(np.linalg.solve(matrix, np.stack([g, s], axis=-1)), -1, 0)
        room = 2 * spare[rows] + np.einsum("bp,bp->b", g, up)
        width = np.einsum("bp,bp->b", s, along)
        weight[rows] = np.sqrt(np.maximum(room, 0.0) / np.maximum(width, 1e-300))
        step[rows] = up + weight[rows, None] * along
        outward = ((z <= low) & (step < 0)) | ((z >= high) & (step > 0))
        rows = np.flatnonzero((outward & ~stuck).any(axis=1))
        if not len(rows):
            break
        stuck |= outward
    return np.where(stuck, 0.0, step), weight


def _may_stop(task: Problem) -> NDArray[np.bool_]:
    # A share has an end at 1, which is a fact.
    stops = task.free & (task.logarithmic | (task.upper != 1.0))
    if task.family.sharp:
        # A threshold has stretches of its own.
        stops[task.location] = False
    return np.asarray(stops)


def at_a_stop(task: Problem, z: Array) -> NDArray[np.bool_]:
    """Whether each parameter of some units has come to where it is no longer tried.

    Parameters
    ----------
    task : Problem
    z : ndarray, shape (b, p)
        Their coordinates.

    Returns
    -------
    ndarray of bool, shape (b, p)
    """
    room = NEAR * np.maximum(np.abs(task.upper), 1.0)
    low = task.logarithmic & (z <= task.lower + room)
    return np.asarray((low | (z >= task.upper - room)) & _may_stop(task))


def loosened(task: Problem, times: float) -> tuple[Array, Array]:
    """Ends of the ranges, in coordinates, if so many times as much were tried; shape (p,) each."""
    more = np.where(task.logarithmic, np.log(times), (times - 1) * np.abs(task.upper))
    more = more * _may_stop(task)
    return task.lower - np.where(task.logarithmic, more, 0.0), task.upper + more
