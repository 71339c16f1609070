"""Which units a clockwork cell allows: all whose rate lies in the possible range at every current.

The counts of a clock are not noisy, so no likelihood falls off gradually: a unit is possible or not
(Milanese and Vicino 1991, Automatica 27:997, on estimation with bounded errors). The fit is the
analytic centre of the possible units, the one farthest from all bounds; an interval runs from the
lowest to the highest value that any possible unit has. Both are found by following the central path
of a logarithmic barrier (Boyd and Vandenberghe 2004, Convex Optimization, chapter 11), with all
ends as one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bridge.choice.likelihood_edge import at_a_stop, loosened
from bridge.counts.clockwork import RateRanges, uneven
from bridge.counts.curve import FICurve
from bridge.counts.sufficient_statistics import SufficientStatistics
from bridge.units.fitting import (
    Problem,
    Solution,
    ascent,
    fisher_scoring,
    in_each_stretch,
    longest_step,
    shortened,
)

__all__ = ["FeasibleSet", "feasible_set", "least_squares", "possible_units"]

Array = NDArray[np.float64]

Pull = Callable[[Array, NDArray[np.int64]], tuple[Array, Array]]
"""Given points and their targets: what is to grow, and its gradient."""

POWERS = (2, 4, 8, 16, 32)
"""Norms of the misses that are minimised in turn; the last all but minimises the largest miss."""
STAGES, GROWTH, NEWTON = 16, 3.0, 3
MOVES, STILL_MOVES = 0.5, 0.5
"""How far the end of a logarithm moves, at least, if another parameter's range had kept it (any
other by the whole interval), and by what share of that it moves again, if it goes on for ever."""
NEAREST = 1e-150
"""Least distance of a rate from the ends of its range (Hz)."""


@dataclass(frozen=True, eq=False)
class RangeStatistics(SufficientStatistics):
    """Ranges of possible rates in place of noisy counts.

    With a `power` its "log-likelihood" is less the sum of that power of the misses, in half ranges;
    without one it is the logarithmic barrier, minus infinity for a unit that is not possible.

    Attributes
    ----------
    ranges : RateRanges
    power : int
        Even, or 0 for the barrier.
    scale : ndarray, shape (m,)
        Misses are divided by it (Hz).
    """

    ranges: RateRanges = field(default_factory=lambda: RateRanges(np.empty(0), np.empty(0)))
    power: int = 0
    scale: Array = field(default_factory=lambda: np.empty(0))

    def log_likelihood(self, rate: Array) -> Array:
        return np.asarray(self._terms(rate)[0].sum(axis=-1))

    def slopes(self, rate: Array) -> tuple[Array, Array, Array]:
        value, slope, curve = self._terms(rate)
        return value.sum(axis=-1), slope, curve

    def _terms(self, rate: Array) -> tuple[Array, Array, Array]:
        if self.power:
            miss = (rate - self.ranges.middle) / self.scale
            n = self.power
            slope, curve = -n * miss ** (n - 1), n * (n - 1) * miss ** (n - 2)
            return -(miss**n), slope / self.scale, curve / self.scale**2 + 1e-12
        above, below = self.ranges.high - rate, rate - self.ranges.low
        # Nearer to an end than this, the square of the inverse would overflow.
        inside = (above > NEAREST) & (below > NEAREST)
        above, below = np.where(inside, above, 1.0), np.where(inside, below, 1.0)
        # -inf as lower end leaves only the upper one.
        bounded = np.isfinite(self.ranges.low)
        below = np.where(bounded, below, 1.0)
        value = np.where(inside, np.log(above) + np.log(below), -np.inf)
        up = np.where(bounded, 1 / below, 0.0)
        return value, up - 1 / above, up**2 + 1 / above**2


@dataclass(frozen=True, eq=False)
class FeasibleSet:
    """The possible units of one family.

    Attributes
    ----------
    task : Problem
        With the barrier as likelihood.
    centre : Solution
        Analytic centre of each stretch of thresholds in which some unit is possible, the one with
        most room first.
    floor : ndarray, shape (p,)
        Lowest values that were looked at.
    """

    task: Problem
    centre: Solution
    floor: Array

    def intervals(self) -> tuple[Array, Array]:
        """Lowest and highest possible value of each parameter, shapes (p,).

        Where nothing bounds it: -inf, the smallest value the parameter may take, or inf.
        """
        task, size = self.task, len(self.task.parameters)
        pulls = np.concatenate([-np.eye(size), np.eye(size)]) * task.free

        def pull(z: Array, which: NDArray[np.int64]) -> tuple[Array, Array]:
            return np.einsum("bp,bp->b", pulls[which], z), pulls[which]

        most, at = self._follow(pull, len(pulls))
        stops = at_a_stop(task, at)
        stops[np.arange(2 * size), np.tile(np.arange(size), 2)] = False
        if task.family.sharp:
            # No threshold lies above a current that fires, whatever else may go on.
            stops[size + task.location] = False
        goes_on = np.zeros(2 * size, dtype=bool)
        asked = stops.any(axis=1)
        if asked.any():
            # Is it an end only because another parameter has come to its own? It goes on for ever,
            # or to an end of its own where the equations hardly change any more.
            farther, _ = self._loosened(10.0)._follow(pull, len(pulls))
            farthest, _ = self._loosened(100.0)._follow(pull, len(pulls))
            first, second = farther - most, farthest - farther
            width = np.tile(most[size:] + most[:size], 2)
            far = np.where(np.tile(task.logarithmic, 2), MOVES, width)
            goes_on = asked & (first > far) & (second > STILL_MOVES * first)
            most = np.where(asked & ~goes_on, np.maximum(most, np.maximum(farther, farthest)), most)
        low = np.where(task.free, -most[:size], self.centre.z[0])
        high = np.where(task.free, most[size:], self.centre.z[0])
        room = 1e-6 * (np.abs(task.upper) + np.abs(task.lower))
        down = np.where(task.logarithmic | ~task.natural, task.lower, -np.inf)
        down = np.where(task.logarithmic, -np.inf, down)
        floor = np.where(task.free, self.floor, task.lower)
        low = np.where(task.free & ((low <= floor + room) | goes_on[:size]), down, low)
        high = np.where(task.free & ((high >= task.upper - room) | goes_on[size:]), np.inf, high)
        return task.theta(low), task.theta(high)

    def band(self, current: Array) -> tuple[Array, Array]:
        """Lowest and highest possible rate at some currents (pA), shapes (n,) (Hz)."""
        task, n = self.task, len(current)
        side, at = np.repeat([-1.0, 1.0], n), np.tile(current, 2)[:, None]

        def pull(z: Array, which: NDArray[np.int64]) -> tuple[Array, Array]:
            theta = task.theta(z)
            rate, partials = task.family.derivatives(theta, at[which], **task.settings)
            slope = np.where(rate > 0, partials[:, 0], 0.0)
            slope = slope * np.where(task.logarithmic, theta, 1.0) * task.free
            value, force = side[which] * rate[:, 0], side[which, None] * slope
            # A silent unit begins to fire at this current when its threshold comes down to it.
            silent = (rate[:, 0] <= 0) & (side[which] > 0)
            missing = at[which, 0] - z[:, task.location]
            value = np.where(silent, steepness * missing, value)
            force[silent, task.location] = -steepness * task.free[task.location]
            return value, force

        steepness = float(task.statistics.outline.top / (np.ptp(task.statistics.current) or 1.0))
        most, _ = self._follow(pull, 2 * n)
        return np.maximum(-most[:n], 0.0), np.maximum(most[n:], 0.0)

    def _loosened(self, times: float) -> FeasibleSet:
        """The same with so many times as much tried of each parameter."""
        low, high = loosened(self.task, times)
        centre, where = self.centre, self.task.location
        wide_low, wide_high = np.tile(low, (len(centre.z), 1)), np.tile(high, (len(centre.z), 1))
        if self.task.family.sharp:
            wide_low[:, where], wide_high[:, where] = centre.low[:, where], centre.high[:, where]
        return replace(self, centre=replace(centre, low=wide_low, high=wide_high))

    def _follow(self, pull: Pull, targets: int) -> tuple[Array, Array]:
        """Highest value of each target over the possible units, and the unit that has it.

        Returns
        -------
        most : ndarray, shape (targets,)
        at : ndarray, shape (targets, p)
            Coordinates.
        """
        task, centre = self.task, self.centre
        rows, which = (
            part.ravel()
            for part in np.meshgrid(range(len(centre.z)), range(targets), indexing="ij")
        )
        z, low, high = centre.z[rows].copy(), centre.low[rows], centre.high[rows]
        value, force = pull(z, which)
        # How far the centre's own ellipsoid reaches sets the scale of the force.
        _, _, curve = ascent(task, z)
        fixed = np.tile(~task.free, (len(z), 1))
        along = _solve(curve, force, fixed)
        length = np.sqrt(np.maximum(np.einsum("bp,bp->b", force, along), 0.0))
        # ... but no farther than the equations stay alike.
        reach = longest_step(task)
        length *= shortened(along / np.maximum(length, 1e-300)[:, None], reach)
        strength = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
        for _ in range(STAGES):
            strength = strength * GROWTH
            for _ in range(NEWTON):
                total, slope, curve = ascent(task, z)
                value, force = pull(z, which)
                slope = slope + strength[:, None] * force
                stuck = ~task.free | ((z <= low) & (slope < 0)) | ((z >= high) & (slope > 0))
                step = _solve(curve, np.where(stuck, 0.0, slope), stuck)
                step = step * shortened(step, reach)[:, None]
                merit, moving = total + strength * value, np.ones(len(z), dtype=bool)
                for _ in range(12):
                    trial = np.clip(z + step, low, high)
                    inside = task.statistics.log_likelihood(task.rate(trial))
                    better = moving & (inside + strength * pull(trial, which)[0] > merit)
                    z[better] = trial[better]
                    moving &= ~better
                    if not moving.any():
                        break
                    step = step * 0.4
        value, _ = pull(z, which)
        best = np.argmax(value.reshape(-1, targets), axis=0) * targets + np.arange(targets)
        return value[best], z[best]


def _solve(curve: Array, slope: Array, stuck: NDArray[np.bool_]) -> Array:
    """Newton's step of each row, none along coordinates that are stuck."""
    moves = ~stuck[:, :, None] & ~stuck[:, None, :]
    diagonal = np.einsum("bii->bi", curve)
    # Coordinates differ widely in scale.
    size = np.sqrt(np.maximum(diagonal, 1e-12 * diagonal.max(axis=1)[:, None]) + 1e-300)
    matrix = np.where(moves, curve / size[:, :, None] / size[:, None, :], 0.0)
    matrix += np.eye(curve.shape[1]) * np.where(stuck, 1.0, 1e-10)[:, None, :]
    return np.asarray(np.linalg.solve(matrix, (slope / size)[..., None])[..., 0] / size)


def least_squares(task: Problem, ranges: RateRanges, start: Solution, sd: Array) -> Solution:
    """Fit the middles of the ranges, as if they scattered normally.

    Parameters
    ----------
    task : Problem
    ranges : RateRanges
    start : Solution
        Where to begin.
    sd : ndarray, shape (m,)
        Standard deviation of each rate (Hz).

    Returns
    -------
    Solution
        With the normal log-likelihood, the likeliest first.
    """
    again = _with(task, ranges, 2, np.sqrt(2) * sd)
    free = np.tile(task.free, (len(start.z), 1))
    found = fisher_scoring(again, start.z, start.low, start.high, free, steps=100)
    constant = float(np.log(sd * np.sqrt(2 * np.pi)).sum())
    return replace(found, log_likelihood=found.log_likelihood - constant).best_first()


def feasible_set(task: Problem, ranges: RateRanges, start: Solution) -> FeasibleSet | None:
    """The possible units of a family; None where it has none.

    Parameters
    ----------
    task : Problem
    ranges : RateRanges
        Of the clock, at the currents of the task.
    start : Solution
        Fits to begin from, such as those of `least_squares`.

    Returns
    -------
    FeasibleSet or None
    """
    start = in_each_stretch(task, start)
    free = np.tile(task.free, (len(start.z), 1))
    z = start.z
    for power in POWERS:
        pressed = _with(task, ranges, power, ranges.half)
        z = fisher_scoring(pressed, z, start.low, start.high, free, steps=60, gain=1e-9).z
        rate = task.rate(z)
        inside = np.all((rate > ranges.low) & (rate < ranges.high), axis=1)
        if inside.all():
            break
    if not inside.any():
        return None
    barrier = _with(task, ranges, 0, ranges.half)
    centre = fisher_scoring(
        barrier, z[inside], start.low[inside], start.high[inside], free[inside], steps=100
    ).best_first()
    # One centre for each stretch of thresholds.
    _, first = np.unique(centre.low[:, task.location], return_index=True)
    return FeasibleSet(barrier, centre.pick(np.sort(first)), start.low.min(axis=0))


def _with(task: Problem, ranges: RateRanges, power: int, scale: Array) -> Problem:
    known = task.statistics
    parts = (known.current, known.index, known.window, known.count, known.shape)
    said = RangeStatistics(*parts, ranges=ranges, power=power, scale=scale)
    return replace(task, statistics=said)


def possible_units(
    task: Problem, curve: FICurve, start: Solution
) -> tuple[FeasibleSet, str] | None:
    """The units of a family that a clock allows, and by what: its spike times, else its counts."""
    for exact, by in ((True, "spike times"), (False, "counts")):
        if exact and curve.timing is None:
            continue
        found = feasible_set(task, curve.rate_ranges(exact), start)
        if found is not None:
            # No steady rate gives uneven intervals; of bursts it gives the number of spikes.
            return found, "counts" if uneven(curve.timing) else by
    return None
