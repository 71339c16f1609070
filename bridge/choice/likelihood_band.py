r"""Where the rate of a fitted unit may lie: a band by profile likelihood.

At every current the band runs from the lowest to the highest rate of all units whose likelihood is
close enough to the best, the profile-likelihood interval of that rate (Venzon and Moolgavkar 1988,
Appl. Stat. 37:87). It needs no normality, it always holds the fit, and it cannot leave the range of
rates that the family allows. `bridge.choice.likelihood_edge` finds these units.

*Pointwise* the band holds the true rate at any one current with the confidence asked for.
*Simultaneous* it holds the whole curve between two currents: it is the envelope of all units that
lose no more log-likelihood than the worst placed rate of the curve does in 95 of 100 data sets. How
much that is follows from how the rates vary together about a unit (Liu 2010, Simultaneous
Inference in Regression, chapter 3): the fit, or a likely unit about which they vary more. The joint
confidence region of all parameters, whose envelope is Scheffé's band, would make it wider than it
has to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, fdtri

from bridge.choice.confidence_intervals import covariance
from bridge.choice.likelihood_edge import (
    SURE,
    Aim,
    furthest,
    parameter_ends,
    scattered_units,
)
from bridge.units.fitting import (
    Problem,
    Solution,
    fisher_scoring,
    in_each_stretch,
)

__all__ = ["curve_drop", "joint_drop", "profile_bands", "widest_curve_drop"]

Array = NDArray[np.float64]

NODES = 80
"""Currents at which the band is sought; between them its distance to the fit is interpolated where
no likely unit lies beyond."""
PLACES, DRAWS = 100, 4000
"""Currents and draws from which it follows how far the worst placed rate of a curve is off."""
AGAIN = 2
"""How often the search goes on from the best units of all currents."""


def profile_bands(
    task: Problem, found: Solution, current: Array, drops: Sequence[float]
) -> list[tuple[Array, Array]]:
    """Lowest and highest rate of all units that are likely enough.

    Parameters
    ----------
    task : Problem
    found : Solution
        From `best_fit`, the likeliest first.
    current : ndarray, shape (n,)
        Currents (pA).
    drops : sequence of float
        Of each band, twice the log-likelihood that a unit may lose against the best. Bands that are
        asked for together are sought together, which takes little longer than one.

    Returns
    -------
    list of (low, high)
        One a band: rates (Hz), ndarray of shape (n,).
    """
    nodes = np.unique(current)
    if len(nodes) > NODES:
        measured = task.statistics.current
        inside = measured[(measured >= nodes[0]) & (measured <= nodes[-1])]
        nodes = np.unique(np.concatenate([np.linspace(nodes[0], nodes[-1], NODES), inside]))
    here = _rate(task, found.z[:1], nodes[:, None])[:, 0]
    fit = _rate(task, found.z[:1], current[:, None])[:, 0]
    bands = []
    pool, own = _extremes(task, found, nodes, np.asarray(drops))
    curves = _rate(task, pool.z, current[None])
    at_nodes = _rate(task, pool.z, nodes[None])
    for k in own:
        low, high = (
            np.interp(current, nodes, np.abs(end(at_nodes[k], axis=0) - here))
            for end in (np.min, np.max)
        )
        # Where curves fall or jump between two nodes, their distance to the fit does not go
        # straight from one to the other: what is likely enough counts wherever it is.
        low = np.minimum(fit - low, curves[k].min(axis=0))
        bands.append((np.maximum(low, 0.0), np.maximum(fit + high, curves[k].max(axis=0))))
    return bands


def joint_drop(parameters: int, confidence: float, freedom: float) -> float:
    """Twice the log-likelihood that a whole unit may lose, all its parameters taken together.

    Parameters
    ----------
    parameters : int
        Fitted parameters.
    confidence : float
        Chance that the true unit is among those that are likely enough.
    freedom : float
        Degrees of freedom of the noise; inf where it is known.

    Returns
    -------
    float
        Of the chi-squared distribution (Wilks 1938), or where the noise was estimated of F.

    Examples
    --------
    >>> round(joint_drop(1, 0.95, np.inf), 2), round(joint_drop(3, 0.95, np.inf), 2)
    (3.84, 7.81)
    """
    if np.isfinite(freedom):
        return float(parameters * fdtri(parameters, freedom, confidence))
    return float(chdtri(parameters, 1 - confidence))


def curve_drop(task: Problem, z: Array, confidence: float, freedom: float) -> float:
    """Twice the log-likelihood that a unit may lose so that a band holds the whole curve.

    Parameters
    ----------
    task : Problem
    z : ndarray, shape (p,)
        The fit, in coordinates.
    confidence : float
        Chance that the true curve lies in the band from the first to the last measured current.
    freedom : float
        Degrees of freedom of the noise; inf where it is known.

    Returns
    -------
    float
        Between that of one rate and `joint_drop`.
    """
    joint = joint_drop(task.size, confidence, freedom)
    measured = task.statistics.current
    current = np.linspace(measured[0], measured[-1], PLACES)
    theta = task.theta(z)
    rate, partials = task.family.derivatives(theta[None], current, **task.settings)
    steep = np.where(rate[0, :, None] > 0, partials[0], 0.0) * np.where(
        task.logarithmic, theta, 1.0
    )
    values, vectors = np.linalg.eigh(covariance(task, z))
    error = steep @ (vectors * np.sqrt(np.maximum(values, 0.0)))
    size = np.linalg.norm(error, axis=1)
    told = size > 1e-9 * size.max()
    if not told.any():
        return joint
    random = np.random.default_rng(0)
    drawn = random.standard_normal((DRAWS, error.shape[1])) @ (error[told] / size[told, None]).T
    worst = (drawn**2).max(axis=1)
    if np.isfinite(freedom):
        worst = worst / (random.chisquare(freedom, DRAWS) / freedom)
    # Draws know the quantile to a percent; what it lies between is known exactly.
    one = joint_drop(1, confidence, freedom)
    return float(np.clip(np.quantile(worst, confidence), one, joint))


def widest_curve_drop(task: Problem, found: Solution, confidence: float, freedom: float) -> float:
    """`curve_drop` where it is largest: at the fit, or at a likely unit with an extreme parameter.

    The fit alone can mislead. Where counts rise so sharply that the best width is zero, the rate
    about the fit does not depend on the width, and a band from there would be that of a family with
    one parameter less. The true unit, whose width is not zero, would leave it too often.

    Parameters
    ----------
    task : Problem
    found : Solution
        From `best_fit`, the likeliest first.
    confidence, freedom : float
        As for `curve_drop`.

    Returns
    -------
    float
    """
    floor = float(found.log_likelihood[0]) - joint_drop(1, confidence, freedom) / 2
    z = np.concatenate([found.z[:1], parameter_ends(task, found.pick(slice(1)), floor).z])
    extreme = {0, *z.argmin(axis=0)[task.free].tolist(), *z.argmax(axis=0)[task.free].tolist()}
    return max(curve_drop(task, z[k], confidence, freedom) for k in sorted(extreme))


def _rate(task: Problem, z: Array, current: Array) -> Array:
    """Rate of each row at its own currents, shape (b, n)."""
    return task.family.evaluate(task.theta(z), current, **task.settings)


def _extremes(
    task: Problem, found: Solution, nodes: Array, drops: Array
) -> tuple[Solution, list[NDArray[np.int64]]]:
    """Likely units, with the lowest and highest rates at the nodes; which belong to each band."""
    many = 2 * len(nodes)
    ends = _Ends(task, np.tile(nodes, 2), np.repeat([-1.0, 1.0], len(nodes)))
    pool, floor, floors = _first_units(task, found, ends, drops)
    own = [np.append(0, 1 + np.flatnonzero(floor == one)) for one in floors]
    kind, floor = np.tile(np.arange(many), len(floors)), np.repeat(floors, many)
    for _ in range(AGAIN):
        # Whatever is likely enough counts at every current, not only where it was sought. And it
        # may lead further: where the best unit is silent, its rate has no slope to follow.
        curves = _rate(task, pool.z, nodes[None])
        again = [k[part(curves[k], axis=0)] for k in own for part in (np.argmin, np.argmax)]
        begun = pool.pick(np.concatenate(again))
        more = furthest(task, begun.z, begun.low, begun.high, ends.aim(kind), floor)
        new = len(pool.z) + np.arange(len(more)).reshape(len(floors), many)
        own = [np.concatenate(both) for both in zip(own, new, strict=True)]
        pool = pool.concatenated(replace(begun, z=more))
    return pool, own


def _first_units(
    task: Problem, found: Solution, ends: _Ends, drops: Array
) -> tuple[Solution, Array, Array]:
    """The fit and likely units with extreme rates or parameters; the floor of these; all floors."""
    top = float(found.log_likelihood[0])
    if task.seeks_threshold:
        near = in_each_stretch(task, found.pick(slice(1)))
        free = np.tile(task.free, (len(near.z), 1))
        found = found.best_first(fisher_scoring(task, near.z, near.low, near.high, free))
    floors = np.maximum(top, float(found.log_likelihood[0])) - drops / 2
    # One of each stretch, and one of each hill where there are several.
    kinds = found.low[:, [task.location]] if task.family.sharp else found.z.round(2)
    hills = found.pick(np.unique(kinds, axis=0, return_index=True)[1])
    # A width near zero has no slope that leads away from there: rough guesses begin elsewhere.
    rough = scattered_units(task, top)
    begun, numbers, floor = [], [], []
    for one in floors:
        # Ends of the parameters, too: a hill that no rate leads to is found by them.
        likely = hills.pick(hills.log_likelihood > one)
        for units, which in (
            (likely, np.arange(len(ends))),
            (rough, np.arange(ends.rates, len(ends))),
        ):
            begun.append(units.pick(np.repeat(np.arange(len(units.z)), len(which))))
            numbers.append(np.tile(which, len(units.z)))
            floor.append(np.full(len(numbers[-1]), one))
    start, least = begun[0].concatenated(*begun[1:]), np.concatenate(floor)
    aim = ends.aim(np.concatenate(numbers))
    z = furthest(task, start.z, start.low, start.high, aim, least)
    arrived = task.statistics.log_likelihood(task.rate(z)) >= least - 2 * SURE
    pool = found.pick(slice(1)).concatenated(replace(start, z=z).pick(arrived))
    return pool, least[arrived], floors


class _Ends:
    """The numbers that are to become as large as possible: rates or their negatives, parameters.

    Number k is the rate at the k-th current times its side; then come the free coordinates, each
    with both signs.
    """

    def __init__(self, task: Problem, at: Array, side: Array) -> None:
        self.task, self.at, self.side, self.rates = task, at, side, len(at)
        axes = np.eye(len(task.free))[task.free]
        self.axes = np.concatenate([axes, -axes])

    def __len__(self) -> int:
        return self.rates + len(self.axes)

    def aim(self, kind: NDArray[np.int64]) -> Aim:
        """The numbers of some kinds, and their gradients in the coordinates."""
        task, rates = self.task, self.rates

        def found(z: Array, rows: NDArray[np.int64]) -> tuple[Array, Array]:
            coordinate = kind[rows] >= rates
            which = np.where(coordinate, 0, kind[rows])
            axis = self.axes[np.where(coordinate, kind[rows] - rates, 0)]
            theta = task.theta(z)
            rate, partials = task.family.derivatives(theta, self.at[which, None], **task.settings)
            steep = np.where(rate > 0, partials[:, 0], 0.0) * np.where(task.logarithmic, theta, 1.0)
            value = np.where(coordinate, (axis * z).sum(axis=1), self.side[which] * rate[:, 0])
            slope = np.where(coordinate[:, None], axis, self.side[which, None] * steep)
            return value, slope

        return found
