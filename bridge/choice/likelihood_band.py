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
    Solution,
    ascent,
    fisher_scoring,
    in_each_stretch,
    longest_step,
    shortened,
)

__all__ = ["profile_band", "simultaneous_quantile"]

Array = NDArray[np.float64]

NODES = 80
"""Currents at which the band is sought; between them its distance to the fit is interpolated."""
STEPS = 15
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

    Each row climbs along its rate while a quadratic model of the likelihood keeps it on the edge of
    the likely region; what counts is the most extreme point that was truly inside.
    """
    floor = float(found.log_likelihood[0]) - drop / 2
    if task.seeks_threshold:
        near = in_each_stretch(task, found.pick(slice(1)))
        free = np.tile(task.free, (len(near.z), 1))
        found = found.best_first(fisher_scoring(task, near.z, near.low, near.high, free))
        floor = max(floor, float(found.log_likelihood[0]) - drop / 2)
    likely = np.flatnonzero(found.log_likelihood > floor)
    rows, where, side = (
        np.ravel(part)
        for part in np.meshgrid(likely, np.arange(len(nodes)), [-1.0, 1.0], indexing="ij")
    )
    at = nodes[where][:, None]
    z, low, high = found.z[rows].copy(), found.low[rows], found.high[rows]
    best = z.copy()
    most = side * _rate(task, z, at)[:, 0]
    outside = np.full(z.shape, np.nan)
    reach = longest_step(task)
    for _ in range(STEPS):
        total, slope, curve = ascent(task, z)
        inside = np.asarray(total >= floor - 1e-6)
        value = side * _rate(task, z, at)[:, 0]
        better = inside & ((value > most) | ((value >= most) & (value == 0)))
        best[better], most[better] = z[better], value[better]
        beyond = ~inside & (value > most)
        outside[beyond] = z[beyond]
        step = _along(task, z, at, side, total - floor, slope, curve, low, high)
        z = np.clip(z + step * shortened(step, reach)[:, None], low, high)
    far = np.asarray(np.isfinite(outside).all(axis=1))
    for _ in range(HALVINGS):
        middle = np.where(far[:, None], 0.5 * (best + outside), best)
        inside = np.asarray(task.statistics.log_likelihood(task.rate(middle)) >= floor - 1e-6)
        value = side * _rate(task, middle, at)[:, 0]
        better = np.asarray(inside & (value >= most))
        best[better], most[better] = middle[better], value[better]
        outside[~better] = middle[~better]
    low_end = np.full(len(nodes), np.inf)
    high_end = np.full(len(nodes), -np.inf)
    np.minimum.at(low_end, where[side < 0], -most[side < 0])
    np.maximum.at(high_end, where[side > 0], most[side > 0])
    fit = _rate(task, found.z[:1], nodes[:, None])[:, 0]
    return np.minimum(low_end, fit), np.maximum(high_end, fit)


def _along(
    task: Problem,
    z: Array,
    at: Array,
    side: Array,
    spare: Array,
    slope: Array,
    curve: Array,
    low: Array,
    high: Array,
) -> Array:
    """The step to the edge of the likely region in the direction in which the rate grows most."""
    theta = task.theta(z)
    rate, partials = task.family.derivatives(theta, at, **task.settings)
    pull = np.where(rate > 0, partials[:, 0], 0.0) * np.where(task.logarithmic, theta, 1.0)
    pull = side[:, None] * pull * task.free
    # A silent unit begins to fire at this current when its threshold comes down to it.
    silent = (rate[:, 0] <= 0) & (side > 0)
    pull[silent, task.location] = -1.0 * task.free[task.location]
    # Only its direction counts, and deep below threshold it all but underflows.
    pull = pull / np.maximum(np.abs(pull).max(axis=1), 1e-300)[:, None]
    stuck = np.tile(~task.free, (len(z), 1))
    for _ in range(2):
        step = _to_edge(curve, slope, pull, spare, stuck)
        # What would leave its bounds stays, and the others move without it.
        stuck |= ((z <= low) & (step < 0)) | ((z >= high) & (step > 0))
    return _to_edge(curve, slope, pull, spare, stuck)


def _to_edge(
    curve: Array, slope: Array, pull: Array, spare: Array, stuck: NDArray[np.bool_]
) -> Array:
    """Step of most pull to where a quadratic log-likelihood has fallen by all that is spare."""
    pull, slope = np.where(stuck, 0.0, pull), np.where(stuck, 0.0, slope)
    moves = ~stuck[:, :, None] & ~stuck[:, None, :]
    diagonal = np.einsum("bii->bi", curve)
    ballast = 1e-9 * diagonal + 1e-10 * diagonal.max(axis=1)[:, None] + 1e-12
    matrix = np.where(moves, curve, 0.0)
    matrix += np.eye(stuck.shape[1]) * np.where(stuck, 1.0, ballast)[:, None, :]
    solved = np.linalg.solve(matrix, np.stack([slope, pull], axis=-1))
    to_top, along = solved[..., 0], solved[..., 1]
    gain = np.einsum("bp,bp->b", slope, to_top)
    length = np.einsum("bp,bp->b", pull, along)
    room = np.maximum(gain + 2 * spare, 0.0)
    factor = np.sqrt(np.divide(room, length, out=np.zeros_like(room), where=length > 1e-200))
    step = to_top + factor[:, None] * along
    return np.where(np.isfinite(step).all(axis=1)[:, None], step, 0.0)
