r"""Where the rate of a fitted unit may lie: a band by profile likelihood.

At every current the band runs from the lowest to the highest rate of all units whose likelihood is
close enough to the best, the profile-likelihood interval of that rate (Venzon and Moolgavkar 1988,
Appl. Stat. 37:87). It needs no normality, it always holds the fit, and it cannot leave the range of
rates that the family allows.

*Pointwise* the band holds the true rate at any one current with the confidence asked for.
*Simultaneous* it holds the whole curve: it is the envelope of all units in the joint confidence
region of the parameters, and so at least as wide as it has to be.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, fdtri

from bridge.units.fitting import (
    Problem,
    Pull,
    Solution,
    ascent,
    fisher_scoring,
    in_each_stretch,
)

__all__ = ["joint_drop", "profile_bands"]

Array = NDArray[np.float64]

NODES = 80
"""Currents at which the band is sought; between them its distance to the fit is interpolated."""
SEARCHES = 8
"""Weights tried for each end of the band."""
CLOSE = 0.98
"""Share of the way to the edge at which an end is found."""
HALVINGS = 8


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
    for ends in _extremes(task, found, nodes, np.asarray(drops)):
        low, high = (np.interp(current, nodes, np.abs(end - here)) for end in ends)
        bands.append((np.maximum(fit - low, 0.0), fit + high))
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


def _rate(task: Problem, z: Array, current: Array) -> Array:
    """Rate of each row at its own currents, shape (b, n)."""
    return task.family.evaluate(task.theta(z), current, **task.settings)


def _extremes(
    task: Problem, found: Solution, nodes: Array, drops: Array
) -> list[tuple[Array, Array]]:
    """Of each band the lowest and highest likely rate at each node, shapes (n,)."""
    top = float(found.log_likelihood[0])
    if task.seeks_threshold:
        near = in_each_stretch(task, found.pick(slice(1)))
        free = np.tile(task.free, (len(near.z), 1))
        found = found.best_first(fisher_scoring(task, near.z, near.low, near.high, free))
    floors = np.maximum(top, float(found.log_likelihood[0])) - drops / 2
    # One of each stretch, and one of each hill where there are several.
    kinds = found.low[:, [task.location]] if task.family.sharp else found.z.round(2)
    first = np.unique(kinds, axis=0, return_index=True)[1]
    rows, floor = np.repeat(first, len(floors)), np.tile(floors, len(first))
    likely = found.log_likelihood[rows] > floor
    rows, floor = rows[likely], floor[likely]
    many = 2 * len(nodes)
    where, side = np.tile(nodes, 2), np.repeat([-1.0, 1.0], len(nodes))
    rows, floor = np.repeat(rows, many), np.repeat(floor, many)
    at = np.tile(where, len(rows) // many)
    pull = np.tile(side, len(rows) // many)
    z, low, high = found.z[rows], found.low[rows], found.high[rows]
    pulled = _pulled(task, z, low, high, at, pull, floor)
    # Whatever is likely enough counts at every current, not only where it was sought. And it may
    # lead further: where the best unit is silent, nothing can be pulled at.
    curves = _rate(task, np.concatenate([found.z[:1], pulled]), nodes[None])
    low = np.concatenate([found.low[:1], low])
    high = np.concatenate([found.high[:1], high])
    z = np.concatenate([found.z[:1], pulled])
    own = [np.append(0, 1 + np.flatnonzero(floor == one)) for one in floors]
    again = np.concatenate(
        [np.concatenate([k[curves[k].argmin(axis=0)], k[curves[k].argmax(axis=0)]]) for k in own]
    )
    floor = np.repeat(floors, many)
    at, pull = np.tile(where, len(floors)), np.tile(side, len(floors))
    more = _pulled(task, z[again], low[again], high[again], at, pull, floor)
    further = _rate(task, more, nodes[None]).reshape(len(floors), many, len(nodes))
    ends = []
    for k, beyond in zip(own, further, strict=True):
        every = np.concatenate([curves[k], beyond])
        ends.append((every.min(axis=0), every.max(axis=0)))
    return ends


def _pulled(
    task: Problem, start: Array, low: Array, high: Array, at: Array, side: Array, floor: Array
) -> Array:
    """From likely units, those whose rate at one current is as low or as high as it may be.

    Each row maximises the likelihood while something pulls at its rate; how hard, is sought until
    the likelihood has fallen to the edge of what is likely (the multiplier of Lagrange).
    """
    best, z = start.copy(), start.copy()
    top = task.statistics.log_likelihood(task.rate(start))
    spare = np.maximum(top - floor, 0.0)
    most = side * _rate(task, best, at[:, None])[:, 0]
    if task.family.sharp:
        # A silent unit begins to fire at this current when its threshold comes down to it.
        edge = at - 1e-3 * float(np.ptp(task.statistics.current))
        wakes = (most == 0) & (side > 0) & (edge > low[:, task.location])
        z[wakes, task.location] = edge[wakes]
    weight = side * _first_weight(task, z, at, np.maximum(spare, 0.1))
    outside = np.full(z.shape, np.nan)
    soft, hard = np.zeros(len(z)), np.full(len(z), np.inf)
    moving = np.flatnonzero((side > 0) | (most < 0))
    for _ in range(SEARCHES):
        if not len(moving):
            break
        pull = Pull(at[moving], weight[moving])
        free = np.tile(task.free, (len(moving), 1))
        now = fisher_scoring(
            task, z[moving], low[moving], high[moving], free, steps=15, gain=3e-3, pull=pull
        )
        value = side[moving] * _rate(task, now.z, at[moving, None])[:, 0]
        likely = now.log_likelihood - pull.weight * side[moving] * value
        inside = likely >= floor[moving] - 1e-6
        won = inside & (value >= most[moving])
        best[moving[won]], most[moving[won]] = now.z[won], value[won]
        lost = ~inside & (value > most[moving])
        outside[moving[lost]] = now.z[lost]
        z[moving] = np.where(inside[:, None], now.z, best[moving])
        size = np.abs(pull.weight)
        soft[moving] = np.where(inside, np.maximum(soft[moving], size), soft[moving])
        hard[moving] = np.where(inside, hard[moving], np.minimum(hard[moving], size))
        loss = np.maximum(top[moving] - likely, 1e-12)
        share = np.sqrt(loss / np.maximum(spare[moving], 1e-12))
        # To first order the loss grows with the square of the weight.
        wanted = size * np.clip(1 / share, 0.1, 4.0)
        bottom, end = soft[moving], hard[moving]
        within = (wanted > bottom) & (wanted < end)
        middle = np.where(np.isfinite(end), 0.5 * (bottom + np.minimum(end, 1e300)), 2 * size)
        weight[moving] = side[moving] * np.where(within, wanted, middle)
        moving = moving[~(inside & (share > CLOSE))]
    far = np.asarray(np.isfinite(outside).all(axis=1))
    for _ in range(HALVINGS):
        halfway = np.where(far[:, None], 0.5 * (best + outside), best)
        inside = np.asarray(task.statistics.log_likelihood(task.rate(halfway)) >= floor - 1e-6)
        value = side * _rate(task, halfway, at[:, None])[:, 0]
        better = np.asarray(inside & (value >= most))
        best[better], most[better] = halfway[better], value[better]
        outside[~better] = halfway[~better]
    return best


def _first_weight(task: Problem, z: Array, at: Array, spare: Array) -> Array:
    """How hard to pull at each rate so that a quadratic likelihood falls by all that is spare."""
    theta = task.theta(z)
    rate, partials = task.family.derivatives(theta, at[:, None], **task.settings)
    steep = np.where(rate > 0, partials[:, 0], 0.0) * np.where(task.logarithmic, theta, 1.0)
    _, _, curve = ascent(task, z)
    diagonal = np.einsum("bii->bi", curve)
    ballast = 1e-9 * diagonal + 1e-10 * diagonal.max(axis=1)[:, None] + 1e-12
    fixed = ~task.free
    curve = np.where(fixed[:, None] | fixed, 0.0, curve)
    matrix = curve + np.eye(len(fixed)) * np.where(fixed, 1.0, ballast)[:, None, :]
    steep = np.where(fixed, 0.0, steep)
    along = np.linalg.solve(matrix, steep[..., None])[..., 0]
    variance = np.einsum("bp,bp->b", steep, along)
    return np.asarray(np.sqrt(2 * spare / np.maximum(variance, 1e-12)))
