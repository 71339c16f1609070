r"""Where the rate of a fitted unit may lie: a band by profile likelihood.

At every current the band runs from the lowest to the highest rate of all units whose likelihood is
close enough to the best, the profile-likelihood interval of that rate (Venzon and Moolgavkar 1988,
Appl. Stat. 37:87). It needs no normality, it always holds the fit, and it cannot leave the range of
rates that the family allows.

*Pointwise* the band holds the true rate at any one current with the confidence asked for.
*Simultaneous* it holds the whole curve: its critical value is the quantile of the largest of all
standardised errors over the currents, drawn from the normal distribution of the parameters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.choice.confidence_intervals import covariance
from bridge.units.fitting import (
    Problem,
    Pull,
    Solution,
    ascent,
    fisher_scoring,
    in_each_stretch,
)

__all__ = ["profile_band", "simultaneous_quantile"]

Array = NDArray[np.float64]

NODES = 80
"""Currents at which the band is sought; between them its distance to the fit is interpolated."""
SEARCHES = 8
"""Weights tried for each end of the band."""
CLOSE = 0.98
"""Share of the way to the edge at which an end is found."""
HALVINGS = 8


def profile_band(
    task: Problem, found: Solution, current: Array, drop: float
) -> tuple[Array, Array]:
    """Lowest and highest rate of all units that are likely enough.

    Parameters
    ----------
    task : Problem
    found : Solution
        From `best_fit`, the likeliest first.
    current : ndarray, shape (n,)
        Currents (pA).
    drop : float
        Twice the log-likelihood that a unit may lose against the best.

    Returns
    -------
    low, high : ndarray, shape (n,)
        Rates (Hz).
    """
    nodes = np.unique(current)
    if len(nodes) > NODES:
        measured = task.statistics.current
        inside = measured[(measured >= nodes[0]) & (measured <= nodes[-1])]
        nodes = np.unique(np.concatenate([np.linspace(nodes[0], nodes[-1], NODES), inside]))
    here = _rate(task, found.z[:1], nodes[:, None])[:, 0]
    ends = _extremes(task, found, nodes, drop)
    fit = _rate(task, found.z[:1], current[:, None])[:, 0]
    low, high = (np.interp(current, nodes, np.abs(end - here)) for end in ends)
    return np.maximum(fit - low, 0.0), fit + high


def simultaneous_quantile(
    task: Problem,
    z: Array,
    current: Array,
    confidence: float,
    freedom: float,
    draws: int = 2000,
    seed: int = 0,
) -> float:
    """Standard errors by which a band must reach to hold the whole curve.

    Parameters
    ----------
    task : Problem
    z : ndarray, shape (p,)
        The fit, in coordinates.
    current : ndarray, shape (n,)
        Currents that the band covers (pA).
    confidence : float
        Chance that the whole curve lies inside.
    freedom : float
        Degrees of freedom of the noise; inf where it is known.
    draws, seed : int
        Of the simulation.

    Returns
    -------
    float
        Between the quantile of Student's t and that of Scheffé's band.
    """
    rate, partials = task.family.derivatives(task.theta(z), current, **task.settings)
    moving = partials * np.where(task.logarithmic, task.theta(z), 1.0)
    moving = np.where((rate > 0)[:, None], moving, 0.0)
    spread = covariance(task, z)
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    loads = moving @ root
    size = np.linalg.norm(loads, axis=1)
    loads = loads[size > 1e-9 * max(float(size.max()), 1e-300)]
    loads /= np.linalg.norm(loads, axis=1)[:, None]
    random = np.random.default_rng(seed)
    drawn = random.standard_normal((draws, root.shape[1]))
    if np.isfinite(freedom):
        drawn /= np.sqrt(random.chisquare(freedom, draws) / freedom)[:, None]
    return float(np.quantile(np.abs(drawn @ loads.T).max(axis=1), confidence))


def _rate(task: Problem, z: Array, current: Array) -> Array:
    """Rate of each row at its own currents, shape (b, n)."""
    return task.family.evaluate(task.theta(z), current, **task.settings)


def _extremes(task: Problem, found: Solution, nodes: Array, drop: float) -> tuple[Array, Array]:
    """Lowest and highest likely rate at each node, shapes (n,).

    Each row maximises the likelihood while something pulls at its rate; how hard, is sought until
    the likelihood has fallen to the edge of what is likely (the multiplier of Lagrange). What
    counts is the most extreme point that was truly inside.
    """
    floor = float(found.log_likelihood[0]) - drop / 2
    if task.seeks_threshold:
        near = in_each_stretch(task, found.pick(slice(1)))
        free = np.tile(task.free, (len(near.z), 1))
        found = found.best_first(fisher_scoring(task, near.z, near.low, near.high, free))
        floor = max(floor, float(found.log_likelihood[0]) - drop / 2)
    likely = np.flatnonzero(found.log_likelihood > floor)
    # One of each stretch, and one of each hill where there are several.
    kinds = found.low[:, [task.location]] if task.family.sharp else found.z.round(2)
    likely = likely[np.unique(kinds[likely], axis=0, return_index=True)[1]]
    rows, where, side = (
        np.ravel(part)
        for part in np.meshgrid(likely, np.arange(len(nodes)), [-1.0, 1.0], indexing="ij")
    )
    at, low, high = nodes[where], found.low[rows], found.high[rows]
    best, spare = found.z[rows].copy(), found.log_likelihood[rows] - floor
    most = side * _rate(task, best, at[:, None])[:, 0]
    z = best.copy()
    if task.family.sharp:
        # A silent unit begins to fire at this current when its threshold comes down to it.
        edge = at - 1e-3 * float(np.ptp(task.statistics.current))
        wakes = (most == 0) & (side > 0) & (edge > low[:, task.location])
        z[wakes, task.location] = edge[wakes]
    weight = side * _first_weight(task, z, at, spare)
    outside = np.full(z.shape, np.nan)
    soft, hard = np.zeros(len(z)), np.full(len(z), np.inf)
    moving = np.flatnonzero((side > 0) | (most < 0))
    for _ in range(SEARCHES):
        pull = Pull(at[moving], weight[moving])
        free = np.tile(task.free, (len(moving), 1))
        start = z[moving]
        now = fisher_scoring(
            task, start, low[moving], high[moving], free, steps=15, gain=3e-3, pull=pull
        )
        value = side[moving] * _rate(task, now.z, at[moving, None])[:, 0]
        loss = spare[moving] + floor - (now.log_likelihood - pull.weight * side[moving] * value)
        inside = loss <= spare[moving] + 1e-6
        won = inside & (value >= most[moving])
        best[moving[won]], most[moving[won]] = now.z[won], value[won]
        lost = ~inside & (value > most[moving])
        outside[moving[lost]] = now.z[lost]
        z[moving] = np.where(inside[:, None], now.z, best[moving])
        size = np.abs(pull.weight)
        soft[moving] = np.where(inside, np.maximum(soft[moving], size), soft[moving])
        hard[moving] = np.where(inside, hard[moving], np.minimum(hard[moving], size))
        share = np.sqrt(np.maximum(loss, 1e-12) / np.maximum(spare[moving], 1e-12))
        # To first order the loss grows with the square of the weight.
        wanted = size * np.clip(1 / share, 0.1, 4.0)
        bottom, top = soft[moving], hard[moving]
        within = (wanted > bottom) & (wanted < top)
        middle = np.where(np.isfinite(top), 0.5 * (bottom + np.minimum(top, 1e300)), 2 * size)
        weight[moving] = side[moving] * np.where(within, wanted, middle)
        moving = moving[~(inside & (share > CLOSE))]
        if not len(moving):
            break
    far = np.asarray(np.isfinite(outside).all(axis=1))
    for _ in range(HALVINGS):
        halfway = np.where(far[:, None], 0.5 * (best + outside), best)
        inside = np.asarray(task.statistics.log_likelihood(task.rate(halfway)) >= floor - 1e-6)
        value = side * _rate(task, halfway, at[:, None])[:, 0]
        better = np.asarray(inside & (value >= most))
        best[better], most[better] = halfway[better], value[better]
        outside[~better] = halfway[~better]
    # Whatever is likely enough counts at every current, not only where it was sought.
    curves = _rate(task, np.concatenate([found.z[:1], best]), nodes[None])
    return curves.min(axis=0), curves.max(axis=0)


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
