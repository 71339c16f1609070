"""Does the unit miss the counts by more than counting noise does?

Pearson's statistic, summed over currents, against its distribution when the unit is right. That
distribution is simulated, because chi-squared is wrong where few spikes are expected: counts are
drawn at the fitted rates, and what refitting would take away is removed by projection. Counts are
discrete, so the chance of a tie is split at random; p is then uniform when the unit is right.

The yardstick is the noise that the fits took. Where repeats or the intervals between spikes show
it, the statistic is held against their own scatter (an F ratio, "pure error"). With counts alone
the yardstick is Poisson noise, unless the residuals of the best family show beyond doubt that
counts are more regular than that. Then this smaller noise judges the other families, and the best
gets no p: it set the yardstick itself. A unit with as many parameters as there are informative
currents passes through all of them, right or wrong: it gets no p either.

Refitting takes away nothing along a direction in which a fit has plainly left a misfit, as that of
a LIF unit whose span has come down to 0: there it stays, in what is observed and in what is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bridge.counts.dispersion import CountNoise, Counts, infer_noise
from bridge.counts.likelihood import TINY_MEAN, rough_variance, sample, variance
from bridge.counts.renewal import SpikeTrains, draw_trains, information
from bridge.counts.sufficient_statistics import SufficientStatistics
from bridge.units.fitting import Problem

__all__ = [
    "Misfit", "groups_of_currents", "informative_currents", "misfit", "noise_of_residuals",
]  # fmt: skip

Array = NDArray[np.float64]

REGULAR = 6.63
"""Twice the gain of log-likelihood at which residuals show counts to be more regular than Poisson
(chance of .01 where they are Poisson)."""
ITSELF = "its own residuals"
SAME_CURRENT = 1e-3
"""Share of the usual distance of two currents (the third quartile) below which they are one."""
ALIKE = 1e-9
"""Directions in which the rates change by less, as a share of the most, are none."""
LEFT = 3.0
"""Standard deviations of misfit along a direction that a fit which could go there would not leave;
by chance a right unit leaves as much in 3 of 1,000 data sets."""
MANY = 20.0
"""Expected spikes of a train from which on what it tells about the rate is normal."""


@dataclass(frozen=True, eq=False)
class Misfit:
    """How far a unit is from the counts.

    Attributes
    ----------
    p_fit : float
        Chance of a misfit at least as large if the unit were right; nan where there are no more
        informative currents than parameters, so that nothing is left to tell a misfit by.
    noise_ratio : float
        Root-mean-square residual over what counting noise alone would leave; 1 is perfect.
    residual_count : ndarray, shape (m,)
        Mean count less expected count, at each distinct current.
    residual_Hz : ndarray, shape (m,)
        The same as a rate.
    noise_Hz : ndarray, shape (m,)
        Standard deviation of the mean rate by counting noise alone, as the fits took it.
    tested_by : {"", "Poisson counts", "its own residuals"}
        What `p_fit` and `noise_ratio` are held against, where that is not the noise of the fits, or
        is its own, so that there is no `p_fit`.
    tested_Hz : float
        Root mean square of the noise that Poisson counts would have, if they are the test (Hz).
    """

    p_fit: float
    noise_ratio: float
    residual_count: Array
    residual_Hz: Array
    noise_Hz: Array
    tested_by: str = ""
    tested_Hz: float = np.nan


def misfit(
    task: Problem,
    z: Array,
    noise: CountNoise,
    draws: int,
    seed: int,
    sets_yardstick: bool = False,
) -> Misfit:
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
    sets_yardstick : bool
        Whether the noise comes from the residuals of this very fit: then nothing tests it.

    Returns
    -------
    Misfit
    """
    shapes = noise.shapes(task.statistics)
    if noise.source != "residuals":
        own = np.array(noise.freedom_by_current) if noise.freedom_by_current else noise.freedom
        return _compare(task, z, shapes, own, draws, seed)
    if noise.shape <= 1 or noise.evidence < REGULAR:
        found = _compare(task, z, 1.0, np.inf, draws, seed)
        poisson = float(np.sqrt(np.mean(found.noise_Hz**2)))
        scatter = _scatter(task, z, shapes)
        return replace(found, noise_Hz=scatter, tested_by="Poisson counts", tested_Hz=poisson)
    found = _compare(task, z, shapes, noise.freedom, draws, seed)
    return replace(found, p_fit=np.nan, tested_by=ITSELF) if sets_yardstick else found


def _scatter(task: Problem, z: Array, shape: float | Array) -> Array:
    """Standard deviation of the mean rate at each current, at the fitted rates (Hz)."""
    statistics = task.statistics
    rate = task.rate(z[None])[0]
    mean = np.maximum(statistics.window * rate[statistics.index], TINY_MEAN)
    total = np.add.reduceat(variance(mean, shape), statistics.first)
    return np.asarray(np.sqrt(total) / statistics.pooled_window)


def groups_of_currents(statistics: SufficientStatistics) -> NDArray[np.int64]:
    """Number the distinct currents, those that are as good as equal by the same, shape (m,)."""
    current = statistics.current
    # Most neighbours are farther apart than those that only their digits tell apart.
    near = SAME_CURRENT * float(np.quantile(np.diff(current), 0.75)) if len(current) > 1 else 0.0
    groups, first = np.zeros(len(current), dtype=np.int64), 0
    for k in range(1, len(current)):
        apart = current[k] - current[first] > near
        groups[k] = groups[k - 1] + apart
        first = k if apart else first
    return groups


def informative_currents(statistics: SufficientStatistics) -> int:
    """How many currents say something about the curve: those that fire, and silent neighbours.

    Further silent currents repeat what the nearest one says, and currents a thousand times closer
    together than their neighbours mostly are say what one of them says.

    Examples
    --------
    >>> from bridge.counts.curve import FICurve
    >>> informative_currents(FICurve([0, 1, 2, 3], [0, 0, 3, 5], 1.0).statistics())
    3
    >>> informative_currents(FICurve([0, 1, 2, 2.0005, 3], [0, 0, 3, 3, 5], 1.0).statistics())
    3
    """
    fires = np.bincount(groups_of_currents(statistics), weights=statistics.pooled_count) > 0
    near = np.zeros_like(fires)
    near[:-1] |= fires[1:]
    near[1:] |= fires[:-1]
    return int((fires | near).sum())


def _compare(
    task: Problem,
    z: Array,
    shape: float | Array,
    freedom: float | Array,
    draws: int,
    seed: int,
) -> Misfit:
    statistics = task.statistics
    rate, partials = task.jacobian(z[None])
    mean = np.maximum(statistics.window * rate[0][statistics.index], TINY_MEAN)
    trains = statistics.trains
    counts = statistics.count
    if trains is None:
        each = variance(mean, shape)
    else:
        # The count that the times of the spikes stand for: more exact than their number.
        each = 1 / information(mean, shape)
        counts = mean + each * _pull(trains, mean, shape)
    total = np.add.reduceat(each, statistics.first)
    expected = np.add.reduceat(mean, statistics.first)
    pooled_count = np.add.reduceat(counts, statistics.first)
    misses = pooled_count - expected
    window = statistics.pooled_window
    repeats = np.diff(np.append(statistics.first, len(mean)))

    moving = np.where(rate[0][:, None] > 0, partials[0], 0.0)
    inside = task.free & (z > task.lower) & (z < task.upper)
    design = (moving * (window / np.sqrt(total))[:, None])[:, inside]
    basis = _reached(design, misses / np.sqrt(total))

    def squares(pooled: Array, doubt: float | Array = 1.0) -> Array:
        error = (pooled - expected) / np.sqrt(total * doubt)
        left = error - (error @ basis) @ basis.T
        return np.asarray((left**2).sum(axis=-1))

    random = np.random.default_rng(seed)
    if np.all(shape == 1.0):
        # Sums of Poisson counts are Poisson.
        pooled = random.poisson(expected, (draws, len(expected))).astype(float)
    else:
        drawn = (
            sample(mean, shape, draws, random)
            if trains is None
            else _drawn(mean, np.broadcast_to(shape, mean.shape), each, draws, random)
        )
        pooled = np.add.reduceat(drawn, statistics.first, axis=1)
    simulated = squares(pooled)
    plain = float((misses**2 / total).sum())
    ratio = float(np.sqrt(plain / max(float(simulated.mean()), 1e-12)))
    p = np.nan
    if informative_currents(statistics) > task.size:
        observed = float(squares(pooled_count))
        if np.ndim(freedom):
            # The noise itself is an estimate, at each current one of its own.
            shape_of_draws = (draws, len(expected))
            simulated = squares(pooled, random.chisquare(freedom, shape_of_draws) / freedom)
        elif np.isfinite(freedom):
            # One estimate for all currents: the denominator of an F ratio.
            simulated = simulated / (random.chisquare(freedom, draws) / freedom)
        above = float(np.sum(simulated > observed * (1 + 1e-9)))
        equal = float(np.sum(np.abs(simulated - observed) <= observed * 1e-9))
        p = (above + random.random() * (1 + equal)) / (1 + draws)
    # What is shown beside the counts is what is left of them, and how they scatter.
    left = statistics.pooled_count - expected
    scatter = total
    if trains is not None:
        scatter = np.add.reduceat(variance(mean, shape), statistics.first)
    return Misfit(p, ratio, left / repeats, left / window, np.sqrt(scatter) / window)


def _reached(design: Array, error: Array) -> Array:
    """An orthonormal basis of the directions in which a fit can lessen a misfit, (m, at most p).

    A fit that leaves much of a misfit along a direction cannot go there: a LIF unit without a span
    is a straight line whatever its time constant, and no misfit of a line can be taken away by it.

    Parameters
    ----------
    design : ndarray, shape (m, p)
        How the rates change with each coordinate, in standard deviations.
    error : ndarray, shape (m,)
        The misfit.
    """
    size = np.maximum(np.linalg.norm(design, axis=0), 1e-300)
    basis, strength, _ = np.linalg.svd(design / size, full_matrices=False)
    told = strength > ALIKE * max(float(strength.max(initial=0.0)), 1e-300)
    return np.asarray(basis[:, told & (np.abs(error @ basis) < LEFT)])


def _pull(trains: SpikeTrains, mean: Array, shape: float | Array) -> Array:
    """Slope of the log-likelihood of each train in its expected count."""
    rate = mean / trains.window_s
    shapes = np.broadcast_to(np.asarray(shape, dtype=float), mean.shape)
    return trains.log_likelihood_and_slope(rate, shapes)[1] / trains.window_s


def _drawn(
    mean: Array, shape: Array, each: Array, draws: int, random: np.random.Generator
) -> Array:
    """What trains at these means would stand for, shape (draws, n)."""
    # Of many spikes the sum is normal.
    drawn = mean + np.sqrt(each) * random.standard_normal((draws, len(mean)))
    for k in np.flatnonzero(mean < MANY):
        trains = draw_trains(max(float(mean[k]), 1e-6), float(shape[k]), draws, random)
        level = np.full(draws, mean[k])
        drawn[:, k] = mean[k] + each[k] * _pull(trains, level, shape[k])
    return drawn


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
        Of source "prior" where no residual is left to tell by.
    """
    statistics = task.statistics
    rate, partials = task.jacobian(z[None])
    mean = statistics.window * rate[0][statistics.index]
    moving = np.where(rate[0][:, None] > 0, partials[0], 0.0)[:, task.free]
    design = moving[statistics.index] * statistics.window[:, None]
    scale = np.sqrt((design**2 / np.maximum(mean, 1e-9)[:, None]).sum(axis=0))
    design = design / np.where(scale > 0, scale, 1.0)

    def volume(shape: Array) -> float:
        weight = 1 / rough_variance(mean, shape)
        # Directions that the data do not determine must not count twice.
        information = (design * weight[:, None]).T @ design
        return float(np.linalg.slogdet(information + 1e-6 * np.eye(task.size))[1])

    left = len(statistics.count) - len(statistics.current)
    left += informative_currents(statistics) - task.size
    counts = Counts(statistics.count, mean, volume)
    return infer_noise(counts, "residuals" if left > 0 else "prior")
