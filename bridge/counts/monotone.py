"""Does the rate fall after its peak? Depolarisation block makes every monotone unit wrong.

Two descriptions of the counts are compared by likelihood ratio: rates that never fall with
current, and rates that rise to the highest one and never rise after it. Both are fitted exactly by
pooling neighbours (Barlow, Bartholomew, Bremner and Brunk 1972, Statistical Inference under Order
Restrictions; for Poisson counts pooled means maximise the likelihood). What ratio chance alone
gives is found by drawing counts from the flattest never-falling description that the data allow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from bridge.counts.sufficient_statistics import SufficientStatistics

__all__ = ["Fall", "fall_after_peak", "rising_rates"]

Array = NDArray[np.float64]

MODEST = 4.0
"""A likelihood ratio below this cannot reach p = .01 (one-sided chi-squared with 1 df)."""


@dataclass(frozen=True)
class Fall:
    """What happens after the peak of a curve.

    Attributes
    ----------
    p : float
        Chance of such a fall if the rate never falls.
    peak_pA, peak_Hz : float
        Current and rate of the highest point.
    last_pA, last_Hz : float
        The end of the curve.
    """

    p: float
    peak_pA: float
    peak_Hz: float
    last_pA: float
    last_Hz: float


def fall_after_peak(statistics: SufficientStatistics, draws: int = 999, seed: int = 0) -> Fall:
    """Test whether the rate falls after its peak.

    Parameters
    ----------
    statistics : SufficientStatistics
        One data set; its shape is not used, the yardstick is Poisson.
    draws : int
        Simulated data sets.
    seed : int
        Of the simulation.

    Returns
    -------
    Fall

    Examples
    --------
    >>> from bridge.counts.curve import FICurve
    >>> fall = fall_after_peak(FICurve([0, 1, 2, 3], [0, 30, 40, 2], 1.0).statistics())
    >>> fall.p < 0.01, fall.peak_pA
    (True, 2.0)
    """
    count, window = np.atleast_2d(statistics.pooled_count), statistics.pooled_window
    rate = count[0] / window
    peak = int(np.argmax(rate))
    ratio = float(_ratio(count, window)[0])
    p = 1.0
    if ratio > MODEST and peak < len(rate) - 1:
        flat = _plateau(count, window) * window
        drawn = np.random.default_rng(seed).poisson(flat, (draws, len(flat))).astype(float)
        chance = np.concatenate(
            [_ratio(part, window) for part in np.array_split(drawn, max(1, len(flat) // 4))]
        )
        p = (1 + float(np.sum(chance >= ratio - 1e-9))) / (1 + draws)
    current = statistics.current
    return Fall(p, float(current[peak]), float(rate[peak]), float(current[-1]), float(rate[-1]))


def _plateau(count: Array, window: Array) -> Array:
    """The flattest rising rates the counts allow, shape (m,).

    The isotonic fit follows chance to the very top; counts drawn from it would fall after their
    peak less often than those of a saturated cell. So the plateau is widened downwards as long as
    that is no worse than chance (one likelihood unit and .92, p = .05).
    """
    rising = rising_rates(count, window)[0]
    spikes, best = count[0], rising
    top = float(np.sum(xlogy(spikes, np.maximum(rising, 1e-300)) - rising * window))
    for start in range(len(rising) - 2, -1, -1):
        pooled = np.concatenate([spikes[:start], [spikes[start:].sum()]])
        times = np.concatenate([window[:start], [window[start:].sum()]])
        flat = rising_rates(pooled[None], times)[0]
        rates = np.concatenate([flat[:start], np.full(len(rising) - start, flat[start])])
        here = float(np.sum(xlogy(spikes, np.maximum(rates, 1e-300)) - rates * window))
        if top - here > 1.92:
            break
        best = rates
    return np.asarray(best)


def rising_rates(count: Array, window: Array) -> Array:
    """Most likely rates that never fall with current.

    Parameters
    ----------
    count : ndarray, shape (b, m)
        Spikes at each current, in order of current.
    window : ndarray, shape (m,)
        Time at each (s).

    Returns
    -------
    ndarray, shape (b, m)

    Examples
    --------
    >>> rising_rates(np.array([[1.0, 4.0, 2.0]]), np.ones(3))
    array([[1., 3., 3.]])
    """
    return _rising(count, window, np.full(len(count), count.shape[1] - 1))


def _rising(count: Array, window: Array, last: NDArray[np.int64]) -> Array:
    """The same up to column `last` of each row; zero beyond."""
    m = count.shape[1]
    spikes = np.concatenate([np.zeros((len(count), 1)), np.cumsum(count, axis=1)], axis=1)
    time = np.concatenate([[0.0], np.cumsum(window)])
    begin, end = np.arange(m)[:, None], np.arange(m)[None, :]
    # Mean rate of the block from a to b; the rate at i is max over a <= i of min over b >= i.
    with np.errstate(divide="ignore", invalid="ignore"):
        blocks = (spikes[:, None, 1:] - spikes[:, :-1, None]) / (time[None, 1:] - time[:-1, None])
    blocks = np.where((end < begin) | (end > last[:, None, None]), np.inf, blocks)
    least = np.minimum.accumulate(blocks[:, :, ::-1], axis=2)[:, :, ::-1]
    least = np.where((begin > end) | (begin > last[:, None, None]), -np.inf, least)
    rates = np.maximum.accumulate(least, axis=1)[:, np.arange(m), np.arange(m)]
    return np.where(np.arange(m) <= last[:, None], rates, 0.0)


def _ratio(count: Array, window: Array) -> Array:
    """Twice the log-likelihood gained by letting the rate fall after its peak, shape (b,)."""
    m = count.shape[1]
    peak = np.argmax(count / window, axis=1)
    up = _rising(count, window, peak)
    down = _rising(count[:, ::-1], window[::-1], m - 2 - peak)[:, ::-1]
    hill = np.where(np.arange(m) <= peak[:, None], up, down)
    flat = rising_rates(count, window)
    gain = xlogy(count, np.maximum(hill, 1e-300)) - hill * window
    loss = xlogy(count, np.maximum(flat, 1e-300)) - flat * window
    return np.asarray(2 * (gain - loss).sum(axis=1))
