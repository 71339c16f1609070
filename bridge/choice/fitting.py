"""Find the most likely unit: many candidates climb the likelihood at once.

Fisher scoring (Newton's method with the expected curvature) with Marquardt's damping, in
coordinates where positive parameters are logarithms. Every array has a leading axis of
candidates, so starting points, points of a profile and resampled data sets cost one climb.

Units that are exactly silent below a threshold have a likelihood with a corner or a cusp wherever
the threshold meets a measured current. Between two neighbouring currents it is smooth, so each
such *stretch* is climbed by itself and the best one wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.counts.curve import FICurve
from bridge.counts.sufficient_statistics import Tally
from bridge.errors import FitError
from bridge.plain_numbers import strip_unit
from bridge.units.base import Parameter, Unit
from neurosim.errors import ParameterError

__all__ = [
    "Problem",
    "Solution",
    "best_fit",
    "climb",
    "fit_unit",
    "problem",
    "starting_points",
    "stretches",
]

Array = NDArray[np.float64]

LIKELY = 12.0
"""Stretches whose best log-likelihood lies further below the best of all are given up."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A family, the counts it is fitted to, and which of its numbers are known.

    Attributes
    ----------
    family : type of Unit
    tally : Tally
    settings : dict
        Fields of the family that are not fitted.
    known : ndarray, shape (p,)
        Fixed values in coordinates, nan where free.
    """

    family: type[Unit]
    tally: Tally
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

    def theta(self, z: Array) -> Array:
        """Parameters from coordinates, shape (..., p)."""
        theta = np.array(z, dtype=float)
        theta[..., self.logarithmic] = np.exp(theta[..., self.logarithmic])
        return theta

    def coordinates(self, theta: Array) -> Array:
        """Coordinates from parameters, shape (..., p)."""
        with np.errstate(divide="ignore"):
            return np.where(self.logarithmic, np.log(np.where(self.logarithmic, theta, 1.0)), theta)

    @cached_property
    def lower(self) -> Array:
        """Lower bounds in coordinates, shape (p,)."""
        return self.coordinates(np.array([parameter.lower for parameter in self.parameters]))

    @cached_property
    def upper(self) -> Array:
        """Upper bounds in coordinates, shape (p,)."""
        return self.coordinates(np.array([parameter.upper for parameter in self.parameters]))

    @cached_property
    def location(self) -> int:
        """Index of the parameter that shifts the curve."""
        return [parameter.name for parameter in self.parameters].index(self.family.location)

    def unit(self, z: Array) -> Unit:
        """The unit at a point."""
        theta = np.clip(
            self.theta(z),
            [parameter.lower for parameter in self.parameters],
            [parameter.upper for parameter in self.parameters],
        )
        names = [parameter.name for parameter in self.parameters]
        return self.family(**dict(zip(names, theta.tolist(), strict=True)), **self.settings)

    def rate(self, z: Array) -> Array:
        """Rates at the distinct currents, shape (..., m)."""
        return self.family.evaluate(self.theta(z), self.tally.current, **self.settings)

    def jacobian(self, z: Array) -> tuple[Array, Array]:
        """Rates and their slopes in the coordinates, shapes (..., m) and (..., m, p)."""
        theta = self.theta(z)
        rate, partials = self.family.derivatives(theta, self.tally.current, **self.settings)
        return rate, partials * np.where(self.logarithmic, theta, 1.0)[..., None, :]

    def information(self, z: Array) -> Array:
        """Expected information at a point, shape (p, p); fixed parameters have none."""
        rate, partials = self.jacobian(z[None])
        _, _, weight = self.tally.slopes(rate)
        partials = np.where(rate[..., None] > 0, partials, 0.0)[0] * self.free
        return partials.T @ (weight[0][:, None] * partials)


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


def problem(family: type[Unit], tally: Tally, fixed: Mapping[str, Any] | None = None) -> Problem:
    """State a fit.

    Parameters
    ----------
    family : type of Unit
    tally : Tally
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
    return Problem(family, tally, settings, known)


def climb(
    task: Problem,
    start: Array,
    low: Array,
    high: Array,
    free: NDArray[np.bool_],
    *,
    steps: int = 60,
    gain: float = 1e-7,
) -> Solution:
    """Climb from many points at once.

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

    Returns
    -------
    Solution
    """
    z = np.clip(start, low, high)
    total = np.full(len(z), -np.inf)
    damping = np.full(len(z), 1e-3)
    rows = np.arange(len(z))
    slope, curve = np.zeros_like(z), np.zeros((*z.shape, z.shape[1]))
    total[rows], slope[rows], curve[rows] = _ascent(task, z)
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
        ballast = damping[rows][:, None] * diagonal + 1e-10 * diagonal.max(axis=1)[:, None] + 1e-12
        matrix = np.where(moves, h, 0.0) + identity * np.where(stuck, 1.0, ballast)[:, None, :]
        step = np.linalg.solve(matrix, g[..., None])[..., 0]
        # Logarithms and noisy curvature: no single step may run away.
        reach = np.where(task.logarithmic, 2.0, np.inf)
        step = np.clip(step, -reach, reach)
        trial = np.clip(here + step, low[rows], high[rows])
        promised = np.einsum("bp,bp->b", g, trial - here)
        value, new_slope, new_curve = _ascent(
            Problem(task.family, task.tally.pick(rows), task.settings, task.known), trial
        )
        better = value > total[rows]
        # A damped step promises little because it is short, not because the top is near.
        arrived = promised * (1 + damping[rows]) < gain
        arrived |= ~better & ((promised < gain) | (damping[rows] > 1e6))
        took = rows[better]
        z[took], total[took] = trial[better], value[better]
        slope[took], curve[took] = new_slope[better], new_curve[better]
        damping[rows] = np.where(better, np.maximum(damping[rows] / 10, 1e-9), damping[rows] * 10)
        damping[rows] = np.where(~better, np.maximum(damping[rows], 1e-3), damping[rows])
        rows = rows[~arrived]
        if not len(rows):
            break
    return Solution(z, total, low, high)


def _ascent(task: Problem, z: Array) -> tuple[Array, Array, Array]:
    rate, partials = task.jacobian(z)
    total, slope, weight = task.tally.slopes(rate)
    # A silent unit tells nothing by its slope, however steep its likelihood.
    partials = np.where((rate > 0)[..., None], partials, 0.0)
    gradient = np.einsum("bm,bmp->bp", slope, partials)
    return total, gradient, np.matmul(np.swapaxes(partials, 1, 2), weight[..., None] * partials)


def starting_points(task: Problem, keep: int = 8) -> tuple[Array, Array, Array]:
    """The most promising rough guesses, and the bounds within which each may climb.

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
    tally = task.tally
    theta = task.family.starts(tally.outline)
    time = tally.pooled_window

    def spikes(candidates: Array) -> Array:
        return task.family.evaluate(candidates, tally.current, **task.settings) @ time

    # The scale of the rate is settled at once: as many spikes as were counted.
    for _ in range(2):
        factor = tally.pooled_count.sum() / np.maximum(spikes(theta), 1e-9)
        theta = task.family.scaled(theta, np.clip(factor, 1e-6, 1e6))
    z = np.clip(task.coordinates(theta), task.lower, task.upper)
    z = np.where(np.isnan(task.known), z, task.known)
    value = tally.log_likelihood(task.rate(z))
    low, high = np.tile(task.lower, (len(z), 1)), np.tile(task.upper, (len(z), 1))
    stretch = np.zeros(len(z), dtype=int)
    if task.family.sharp and np.isnan(task.known[task.location]):
        edges = stretches(tally)
        stretch = np.clip(
            np.searchsorted(edges, z[:, task.location], side="right") - 1, 0, len(edges) - 2
        )
        low[:, task.location], high[:, task.location] = edges[stretch], edges[stretch + 1]
    chosen: list[int] = []
    for i in np.argsort(-value):
        if not task.family.sharp or np.sum(stretch[chosen] == stretch[i]) < keep // 2:
            chosen.append(int(i))
        if len(chosen) == keep:
            break
    return z[chosen], low[chosen], high[chosen]


def stretches(tally: Tally) -> Array:
    """Currents between which a threshold moves without meeting a measured current (pA)."""
    pooled = tally.pooled_count if tally.pooled_count.ndim == 1 else tally.pooled_count.max(axis=0)
    first = int(np.argmax(pooled > 0))
    width = tally.current[-1] - tally.current[0]
    below = tally.current[0] - 20 * width
    # Just short of the first current that fired: at it the unit would be silent.
    edges = tally.current[: first + 1].copy()
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
    found = climb(task, start, low, high, free, steps=30)
    # Only what leads after a while is worth following along a winding ridge.
    lead = np.argsort(-found.log_likelihood, kind="stable")[: max(3, keep // 2)]
    found = climb(task, found.z[lead], low[lead], high[lead], free[lead], steps=300)
    order = np.argsort(-found.log_likelihood, kind="stable")
    where = task.location
    kept: list[int] = []
    for i in order:
        near = found.log_likelihood[i] > found.log_likelihood[order[0]] - LIKELY
        new = all(found.low[i, where] != found.low[j, where] for j in kept)
        if not kept or (near and new):
            kept.append(int(i))
    return Solution(found.z[kept], found.log_likelihood[kept], found.low[kept], found.high[kept])


def fit_unit(family: type[Any], curve: FICurve, fixed: Mapping[str, Any] | None = None) -> Any:
    """The most likely unit of a family under Poisson counts; see `Unit.fit`.

    Raises
    ------
    FitError
        The curve has no spikes, or fewer currents than free parameters.
    """
    tally = Tally.of(curve)
    task = problem(family, tally, fixed)
    if not tally.pooled_count.any():
        raise FitError(
            f"the curve has no spikes up to {tally.current[-1]:g} pA, so nothing can be fitted; "
            "measure at larger currents"
        )
    if len(tally.current) < task.size:
        raise FitError(
            f"{family.__name__} has {task.size} free parameters but the curve only "
            f"{len(tally.current)} currents; measure more, or fix some parameters"
        )
    if not task.size:
        return task.unit(task.known)
    return task.unit(best_fit(task).z[0])
