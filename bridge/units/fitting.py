"""Find the most likely unit: the likelihood of many candidates is maximised at once.

Fisher scoring (Newton's method with the expected curvature) with Marquardt's damping, in
coordinates where positive parameters are logarithms. Every array has a leading axis of
candidates, so starting points, points of a profile and resampled data sets are one batch.

Units that are exactly silent below a threshold have a likelihood with a corner or a cusp wherever
the threshold meets a measured current. Between two neighbouring currents it is smooth, so each
such *stretch* is searched by itself and the best one wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bridge.counts.sufficient_statistics import SufficientStatistics
from bridge.errors import FitError
from bridge.plain_numbers import strip_unit
from bridge.units.rate_function import Array, Parameter, RateFunction
from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from bridge.counts.curve import FICurve

__all__ = [
    "Problem",
    "Solution",
    "ascent",
    "best_fit",
    "fisher_scoring",
    "fit_unit",
    "in_each_stretch",
    "longest_step",
    "problem",
    "rough_units",
    "shortened",
    "starting_points",
    "stretches",
]

LIKELY = 12.0
"""Stretches whose best log-likelihood lies further below the best of all are given up."""

OVERTAKE = 5.0
"""Steps' worth of likelihood that a candidate may still gain on a rival that has arrived."""

NEAR = 4
"""Stretches of thresholds, below the first current that fires, that `in_each_stretch` adds."""

Family = TypeVar("Family", bound=RateFunction)


@dataclass(frozen=True, eq=False)
class Problem:
    """A family, the counts it is fitted to, and which of its numbers are known.

    Attributes
    ----------
    family : type of RateFunction
    statistics : SufficientStatistics
    settings : dict
        Fields of the family that are not fitted.
    known : ndarray, shape (p,)
        Fixed values in coordinates, nan where free.
    """

    family: type[RateFunction]
    statistics: SufficientStatistics
    settings: dict[str, float]
    known: Array

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters of the family."""
        return self.family.parameters

    @cached_property
    def free(self) -> NDArray[np.bool_]:
        """Which of them are fitted, shape (p,)."""
        return np.isnan(self.known)

    @property
    def size(self) -> int:
        """How many are fitted."""
        return int(self.free.sum())

    @cached_property
    def logarithmic(self) -> NDArray[np.bool_]:
        """Which coordinates are logarithms, shape (p,)."""
        return np.array([parameter.logarithmic for parameter in self.parameters])

    @cached_property
    def natural(self) -> NDArray[np.bool_]:
        """Which coordinates are logarithms or currents, shape (p,); others are small numbers."""
        return np.array([p.logarithmic or p.quantity == "pA" for p in self.parameters])

    def theta(self, z: Array) -> Array:
        """Parameters from coordinates, shape (..., p)."""
        theta = np.array(z, dtype=float)
        return np.asarray(np.exp(theta, out=theta, where=self.logarithmic))

    def coordinates(self, theta: Array) -> Array:
        """Coordinates from parameters, shape (..., p)."""
        with np.errstate(divide="ignore"):
            return np.where(self.logarithmic, np.log(np.where(self.logarithmic, theta, 1.0)), theta)

    @cached_property
    def _range(self) -> Array:
        return np.array([(parameter.lower, parameter.upper) for parameter in self.parameters]).T

    @cached_property
    def lower(self) -> Array:
        """Lower bounds in coordinates, shape (p,)."""
        return self.coordinates(self._range[0])

    @cached_property
    def upper(self) -> Array:
        """Upper bounds in coordinates, shape (p,)."""
        return self.coordinates(self._range[1])

    @cached_property
    def location(self) -> int:
        """Index of the parameter that shifts the curve."""
        return [parameter.name for parameter in self.parameters].index(self.family.location)

    @property
    def seeks_threshold(self) -> bool:
        """Whether the likelihood has a cusp at every silent current: see `stretches`."""
        return self.family.sharp and bool(self.free[self.location])

    def bounds(self, z: Array) -> tuple[Array, Array]:
        """Within what each of many points may move, shapes (b, p): the range, and its stretch."""
        low, high = np.tile(self.lower, (len(z), 1)), np.tile(self.upper, (len(z), 1))
        if self.seeks_threshold:
            edges, where = stretches(self.statistics), self.location
            stretch = np.searchsorted(edges, z[:, where], side="right") - 1
            stretch = np.clip(stretch, 0, len(edges) - 2)
            low[:, where], high[:, where] = edges[stretch], edges[stretch + 1]
        return low, high

    def pick(self, rows: NDArray[np.int64]) -> Problem:
        """The same for the data sets of some candidates; itself where all share one data set."""
        if self.statistics.count.ndim == 1:
            return self
        return replace(self, statistics=self.statistics.pick(rows))

    def unit(self, z: Array) -> Any:
        """The unit of the family at a point."""
        theta = np.clip(self.theta(z), *self._range)
        names = [parameter.name for parameter in self.parameters]
        return self.family(**dict(zip(names, theta.tolist(), strict=True)), **self.settings)

    def fixed(self, unit: Any) -> dict[str, float]:
        """The parameters of a unit that were known and not fitted, by name."""
        names = [p.name for p, free in zip(self.parameters, self.free, strict=True) if not free]
        return {name: float(getattr(unit, name)) for name in names}

    def rate(self, z: Array) -> Array:
        """Rates at the distinct currents, shape (..., m)."""
        return self.family.evaluate(self.theta(z), self.statistics.current, **self.settings)

    def jacobian(self, z: Array) -> tuple[Array, Array]:
        """Rates and their slopes in the coordinates, shapes (..., m) and (..., m, p)."""
        theta = self.theta(z)
        rate, partials = self.family.derivatives(theta, self.statistics.current, **self.settings)
        return rate, partials * np.where(self.logarithmic, theta, 1.0)[..., None, :]

    def information(self, z: Array) -> Array:
        """Expected information at a point, shape (p, p); fixed parameters have none."""
        rate, partials = self.jacobian(z[None])
        _, _, weight = self.statistics.slopes(rate)
        partials = np.where(rate[..., None] > 0, partials, 0.0)[0] * self.free
        return np.asarray(partials.T @ (weight[0][:, None] * partials))


@dataclass(frozen=True, eq=False)
class Solution:
    """Where candidates arrived.

    Attributes
    ----------
    z : ndarray, shape (b, p)
        Coordinates.
    log_likelihood : ndarray, shape (b,)
    low, high : ndarray, shape (b, p)
        The bounds each one kept to.
    """

    z: Array
    log_likelihood: Array
    low: Array
    high: Array

    def pick(self, rows: Any) -> Solution:
        """Some of the candidates, in this order."""
        return Solution(self.z[rows], self.log_likelihood[rows], self.low[rows], self.high[rows])

    def concatenated(self, *others: Solution) -> Solution:
        """These candidates, then those of others."""
        parts = [(one.z, one.log_likelihood, one.low, one.high) for one in (self, *others)]
        return Solution(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def best_first(self, *others: Solution) -> Solution:
        """These candidates and those of others, the likeliest first."""
        found = self.concatenated(*others)
        return found.pick(np.argsort(-found.log_likelihood, kind="stable"))


def problem(
    family: type[RateFunction],
    statistics: SufficientStatistics,
    fixed: Mapping[str, Any] | None = None,
) -> Problem:
    """State a fit.

    Parameters
    ----------
    family : type of RateFunction
    statistics : SufficientStatistics
    fixed : mapping, optional
        Known parameters and settings, by name.

    Returns
    -------
    Problem

    Raises
    ------
    UnknownNameError, ParameterError
        A name the family does not have; a value outside its range.
    """
    given = dict(fixed or {})
    family.check_names(given)
    known = np.full(len(family.parameters), np.nan)
    for i, parameter in enumerate(family.parameters):
        if parameter.name in given:
            value = float(strip_unit(given.pop(parameter.name), parameter.quantity, parameter.name))
            if not parameter.lower <= value <= parameter.upper:
                raise ParameterError(
                    f"{family.__name__}: fixed {parameter.name} = {value:g} lies outside "
                    f"{parameter.lower:g} to {parameter.upper:g}"
                )
            known[i] = np.log(value) if parameter.logarithmic else value
    settings = {name: float(strip_unit(value, "s", name)) for name, value in given.items()}
    return Problem(family, statistics, settings, known)


def fisher_scoring(
    task: Problem,
    start: Array,
    low: Array,
    high: Array,
    free: NDArray[np.bool_],
    *,
    steps: int = 60,
    gain: float = 1e-7,
    rivals: NDArray[np.int64] | None = None,
) -> Solution:
    """Maximise the likelihood from many points at once.

    Parameters
    ----------
    task : Problem
        Its counts may hold one data set a candidate.
    start : ndarray, shape (b, p)
        Coordinates to begin at.
    low, high : ndarray, shape (b, p)
        Bounds of each candidate.
    free : ndarray of bool, shape (b, p)
        Coordinates that may move.
    steps : int
        At most so many steps.
    gain : float
        A candidate has arrived when a step promises less log-likelihood than this.
    rivals : ndarray of int, shape (b,), optional
        Candidates with the same number, from 0 on, race for one place: when one has arrived,
        those that do not promise to overtake it are given up where they are.

    Returns
    -------
    Solution
    """
    z = np.clip(start, low, high)
    damping = np.full(len(z), 1e-3)
    rows = np.arange(len(z))
    total, slope, curve = ascent(task, z)
    reached = np.full(0 if rivals is None else 1 + rivals.max(), -np.inf)
    identity = np.eye(z.shape[1])
    for _ in range(steps):
        g, h = slope[rows], curve[rows]
        here = z[rows]
        stuck = ~free[rows]
        stuck |= (here <= low[rows]) & (g < 0)
        stuck |= (here >= high[rows]) & (g > 0)
        g = np.where(stuck, 0.0, g)
        moves = ~stuck[:, :, None] & ~stuck[:, None, :]
        diagonal = np.einsum("bii->bi", h)
        # Each coordinate by its own curvature: they differ in unit, and so by powers of ten.
        ballast = (damping[rows][:, None] + 1e-12) * diagonal + 1e-14
        matrix = np.where(moves, h, 0.0) + identity * np.where(stuck, 1.0, ballast)[:, None, :]
        step = np.linalg.solve(matrix, g[..., None])[..., 0]
        # Of the whole step: cut off at a bound it may promise nothing, and yet not have arrived.
        promised = np.einsum("bp,bp->b", g, step)
        # Logarithms and noisy curvature: no single step may run away.
        reach = np.where(task.logarithmic, 2.0, np.inf)
        step = np.clip(step, -reach, reach)
        trial = np.clip(here + step, low[rows], high[rows])
        value, new_slope, new_curve = ascent(task.pick(rows), trial)
        better = value > total[rows]
        # A damped step promises little because it is short, not because the top is near.
        arrived = promised * (1 + damping[rows]) < gain
        arrived |= ~better & ((promised < gain) | (damping[rows] > 1e6))
        if rivals is not None:
            lead = np.where(arrived, np.maximum(value, total[rows]), -np.inf)
            np.maximum.at(reached, rivals[rows], lead)
            hope = total[rows] + OVERTAKE * promised * (1 + damping[rows])
            arrived |= hope < reached[rivals[rows]]
        took = rows[better]
        z[took], total[took] = trial[better], value[better]
        slope[took], curve[took] = new_slope[better], new_curve[better]
        # Along a winding ridge too much damping costs more steps than a step that fails.
        damping[rows] = np.where(better, np.maximum(damping[rows] / 5, 1e-12), damping[rows] * 3)
        rows = rows[~arrived]
        if not len(rows):
            break
    return Solution(z, total, low, high)


def ascent(task: Problem, z: Array) -> tuple[Array, Array, Array]:
    """Log-likelihood of many points, its gradient and its expected curvature.

    Parameters
    ----------
    task : Problem
    z : ndarray, shape (b, p)
        Coordinates.

    Returns
    -------
    log_likelihood : ndarray, shape (b,)
    gradient : ndarray, shape (b, p)
    information : ndarray, shape (b, p, p)
    """
    rate, partials = task.jacobian(z)
    total, slope, weight = task.statistics.slopes(rate)
    # A silent unit tells nothing by its slope, however steep its likelihood.
    partials = np.where((rate > 0)[..., None], partials, 0.0)
    gradient = np.einsum("bm,bmp->bp", slope, partials)
    return total, gradient, np.matmul(np.swapaxes(partials, 1, 2), weight[..., None] * partials)


def in_each_stretch(task: Problem, start: Solution) -> Solution:
    """The same starts, and each moved to the middle of the stretches near the first that fires."""
    if not task.seeks_threshold:
        return start
    edges, where = stretches(task.statistics)[-NEAR - 1 :], task.location
    parts = [start]
    for low, high in pairwise(edges):
        moved = replace(start, z=start.z.copy(), low=start.low.copy(), high=start.high.copy())
        moved.low[:, where], moved.high[:, where] = low, high
        outside = (start.z[:, where] <= low) | (start.z[:, where] >= high)
        moved.z[outside, where] = 0.5 * (low + high)
        parts.append(moved)
    return Solution(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("z", "log_likelihood", "low", "high")
        )
    )


def longest_step(task: Problem) -> Array:
    """How far each coordinate may move at once while the equations stay alike, shape (p,)."""
    span = float(np.ptp(task.statistics.current)) or 1.0
    small = np.where(task.natural, span / 4, 0.01)
    return np.where(task.logarithmic, 1.0, small)


def shortened(step: Array, reach: Array) -> Array:
    """The share of each step, shape (b, p), that stays within reach in all coordinates; (b,)."""
    return np.asarray(1 / np.maximum(np.abs(step / reach).max(axis=1), 1.0))


def starting_points(task: Problem, keep: int = 8) -> tuple[Array, Array, Array]:
    """The most promising rough guesses, and the bounds within which each may move.

    Parameters
    ----------
    task : Problem
        With one data set.
    keep : int
        How many, at most half of them in one stretch.

    Returns
    -------
    start, low, high : ndarray, shape (b, p)
        In coordinates.
    """
    z, value = rough_units(task)
    low, high = task.bounds(z)
    stretch = low[:, task.location]
    chosen: list[int] = []
    for i in np.argsort(-value):
        if not task.family.sharp or np.sum(stretch[chosen] == stretch[i]) < keep // 2:
            chosen.append(int(i))
        if len(chosen) == keep:
            break
    return z[chosen], low[chosen], high[chosen]


def rough_units(task: Problem) -> tuple[Array, Array]:
    """Rough guesses, scaled to fire as often as was counted, and their log-likelihoods.

    Parameters
    ----------
    task : Problem
        With one data set.

    Returns
    -------
    z : ndarray, shape (s, p)
    log_likelihood : ndarray, shape (s,)
    """
    statistics = task.statistics
    theta = task.family.starts(statistics.outline)
    time = statistics.pooled_window

    def spikes(candidates: Array) -> Array:
        return task.family.evaluate(candidates, statistics.current, **task.settings) @ time

    # The scale of the rate is settled at once: as many spikes as were counted.
    for _ in range(2):
        factor = statistics.pooled_count.sum() / np.maximum(spikes(theta), 1e-9)
        theta = task.family.scaled(theta, np.clip(factor, 1e-6, 1e6))
    z = np.clip(task.coordinates(theta), task.lower, task.upper)
    z = np.where(np.isnan(task.known), z, task.known)
    return z, statistics.log_likelihood(task.rate(z))


def stretches(statistics: SufficientStatistics) -> Array:
    """Currents between which a threshold moves without meeting a measured current (pA)."""
    pooled = np.atleast_2d(statistics.pooled_count).max(axis=0)
    first = int(np.argmax(pooled > 0))
    width = statistics.current[-1] - statistics.current[0]
    below = statistics.current[0] - 20 * width
    # Just short of the first current that fired: at it the unit would be silent.
    edges = statistics.current[: first + 1].copy()
    edges[-1] -= 1e-9 * max(width, abs(edges[-1]))
    return np.concatenate([[below], edges])


def best_fit(task: Problem, keep: int = 8, near: Solution | None = None) -> Solution:
    """Fit from the best starting points; the likeliest comes first.

    Parameters
    ----------
    task : Problem
    keep : int
        Starting points.
    near : Solution, optional
        Fits of the same family to the same counts under other noise, to begin from as well.

    Returns
    -------
    Solution
        Arrived candidates, best first; for sharp families one for each stretch still likely.
    """
    start, low, high = starting_points(task, keep)
    if near is not None:
        start = np.concatenate([near.z, start])
        low, high = np.concatenate([near.low, low]), np.concatenate([near.high, high])
    free = np.tile(task.free, (len(start), 1))
    found = fisher_scoring(task, start, low, high, free, steps=30)
    # Only what leads after a while is worth following along a winding ridge.
    lead = found.best_first().pick(slice(max(3, keep // 2)))
    free = free[: len(lead.z)]
    found = fisher_scoring(task, lead.z, lead.low, lead.high, free, steps=300).best_first()
    likely = found.log_likelihood > found.log_likelihood[0] - LIKELY
    _, first = np.unique(found.low[:, task.location], return_index=True)
    return found.pick([i for i in range(len(likely)) if i == 0 or (likely[i] and i in first)])


def fit_unit(
    family: type[Family], curve: FICurve, fixed: Mapping[str, Any] | None = None
) -> Family:
    """The most likely unit of a family under Poisson counts; see `Unit.fit`.

    Raises
    ------
    FitError
        The curve has no spikes, or fewer currents than free parameters.
    """
    statistics = curve.statistics()
    task = problem(family, statistics, fixed)
    if not statistics.pooled_count.any():
        raise FitError(
            f"the curve has no spikes up to {statistics.current[-1]:g} pA, so nothing can be "
            "fitted; measure at larger currents",
            "silent",
        )
    if len(statistics.current) < task.size:
        raise FitError(
            f"{family.__name__} has {task.size} free parameters but the curve only "
            f"{len(statistics.current)} currents; measure more, or fix some parameters",
            "few-currents",
        )
    found: Family = task.unit(best_fit(task).z[0] if task.size else task.known)
    return found
