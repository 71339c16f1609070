"""Does the unit miss the counts by more than counting noise does?

Pearson's statistic, summed over currents, against its distribution when the unit is right. That
distribution is simulated, because chi-squared is wrong where few spikes are expected: counts are
drawn at the fitted rates, and what refitting would take away is removed by projection.

The yardstick is the best one there is. Repeats show the counting noise themselves, and the
statistic is the lack-of-fit ratio to their scatter ("pure error"). Without them it is Poisson
noise; and where the residuals of the best family show counts to be more regular than that, every
family is held against this smaller noise as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.counts.dispersion import CountNoise, choose_noise
from bridge.counts.likelihood import TINY_MEAN, rough_variance, sample, variance
from bridge.counts.sufficient_statistics import SufficientStatistics
from bridge.units.fitting import Problem

__all__ = ["Misfit", "misfit", "noise_of_residuals"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Misfit:
    """How far a unit is from the counts.

    Attributes
    ----------
    p_fit : float
        Chance of a misfit at least as large if the unit were right.
    noise_ratio : float
        Root-mean-square residual over what counting noise alone would leave; 1 is perfect.
    residual_count : ndarray, shape (m,)
        Mean count less expected count, at each distinct current.
    residual_Hz : ndarray, shape (m,)
        The same as a rate.
    noise_Hz : ndarray, shape (m,)
        Standard deviation of the mean rate by counting noise alone.
    """

    p_fit: float
    noise_ratio: float
    residual_count: Array
    residual_Hz: Array
    noise_Hz: Array


def misfit(task: Problem, z: Array, noise: CountNoise, draws: int, seed: int) -> Misfit:
    """Compare a fitted unit with the counts.

    Parameters
    ----------
    task : Problem
        One data set.
    z : ndarray, shape (p,)
        The fit, in coordinates.
    noise : CountNoise
        Counting noise. Counts that only look more variable than Poisson because no family fits
        them are no excuse: without repeats, no noise larger than Poisson is granted.
    draws : int
        Simulated data sets.
    seed : int
        Of the simulation.

    Returns
    -------
    Misfit
    """
    if noise.source == "repeats":
        return _compare(task, z, noise.shape, "repeats", noise.freedom, draws, seed)
    plain = _compare(task, z, 1.0, "poisson", np.inf, draws, seed)
    if noise.shape <= 1:
        return plain
    strict = _compare(task, z, noise.shape, "residuals", noise.freedom, draws, seed)
    return replace(strict, p_fit=min(plain.p_fit, strict.p_fit))


def _compare(
    task: Problem, z: Array, shape: float, source: str, freedom: float, draws: int, seed: int
) -> Misfit:
    statistics = task.statistics
    rate, partials = task.jacobian(z[None])
    mean = np.maximum(statistics.window * rate[0][statistics.index], TINY_MEAN)
    spread = variance(mean, shape)
    expected = np.add.reduceat(mean, statistics.first)
    repeats = np.diff(np.append(statistics.first, len(mean)))
    # Counts are whole: trials that start alike round alike, so that part does not average out.
    rounding = np.maximum(spread - mean / shape, 0)
    total = np.add.reduceat(spread + rounding * (repeats[statistics.index] - 1), statistics.first)

    moving = np.where(rate[0][:, None] > 0, partials[0], 0.0)
    inside = task.free & (z > task.lower) & (z < task.upper)
    design = (moving * (statistics.pooled_window / np.sqrt(total))[:, None])[:, inside]
    basis, _ = np.linalg.qr(design / np.maximum(np.linalg.norm(design, axis=0), 1e-300))

    random = np.random.default_rng(seed)
    if source == "repeats":
        counts = sample(mean, shape, draws, random)
        pooled = np.add.reduceat(counts, statistics.first, axis=1)
    else:
        # Sums of Poisson counts are Poisson; and without repeats there is nothing to sum.
        counts = pooled = sample(expected, shape, draws, random)
    shared = np.sqrt(np.maximum(total - np.add.reduceat(spread, statistics.first), 0))
    error = (pooled - expected + random.standard_normal(pooled.shape) * shared) / np.sqrt(total)
    error -= (error @ basis) @ basis.T
    simulated = (error**2).sum(axis=1)
    misses = statistics.pooled_count - expected
    observed = float((misses**2 / total).sum())
    ratio = float(np.sqrt(observed / max(float(simulated.mean()), 1e-12)))
    if source == "repeats":
        # Both are relative to the scatter of their own repeats, never below that of the model.
        simulated = simulated / _scatter(counts, statistics, spread, repeats)
        observed = observed / float(
            _scatter(statistics.count[None], statistics, spread, repeats)[0]
        )
    elif source == "residuals":
        # The noise itself is an estimate: the denominator of an F ratio.
        simulated = simulated / (random.chisquare(freedom, draws) / freedom)
    p = (1 + float(np.sum(simulated >= observed * (1 - 1e-9)))) / (1 + draws)
    window = statistics.pooled_window
    return Misfit(p, ratio, misses / repeats, misses / window, np.sqrt(total) / window)


def _scatter(
    count: NDArray[Any], statistics: SufficientStatistics, spread: Array, repeats: Array
) -> Array:
    """Scatter of repeats about their own mean over that expected, but at least 1; shape (b,)."""
    index, first = statistics.index, statistics.first
    mean = np.add.reduceat(count, first, axis=1) / repeats
    squares = ((count - mean[:, index]) ** 2 / spread).sum(axis=1)
    free = float((1 - 1 / repeats[index])[spread > 1e-3].sum())
    return np.asarray(np.maximum(squares / max(free, 1.0), 1.0))


def noise_of_residuals(task: Problem, z: Array) -> CountNoise:
    """Noise from the scatter of counts about a fitted unit.

    Parameters
    ----------
    task : Problem
    z : ndarray, shape (p,)
        The fit, in coordinates.

    Returns
    -------
    CountNoise
        Poisson where there is too little to tell.
    """
    statistics = task.statistics
    rate, partials = task.jacobian(z[None])
    mean = statistics.window * rate[0][statistics.index]
    moving = np.where(rate[0][:, None] > 0, partials[0], 0.0)[:, task.free]
    design = moving[statistics.index] * statistics.window[:, None]
    scale = np.sqrt((design**2 / np.maximum(mean, 1e-9)[:, None]).sum(axis=0))
    design = design / np.where(scale > 0, scale, 1.0)
    freedom = int((mean > 0.5).sum() - task.size)
    if freedom < 3:
        return CountNoise()

    def volume(shape: float) -> float:
        weight = 1 / rough_variance(mean, shape)
        # Directions that the data do not determine must not count twice.
        information = (design * weight[:, None]).T @ design
        return float(np.linalg.slogdet(information + 1e-6 * np.eye(task.size))[1])

    return choose_noise(statistics.count, mean, volume, freedom, "residuals")
