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
TAIL = 10
"""Draws beyond the ratio that are enough to count; with fewer the tail is extended."""


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


def fall_after_peak(
    statistics: SufficientStatistics,
    fano: float = 1.0,
    freedom: float = np.inf,
    draws: int = 999,
    seed: int = 0,
) -> Fall:
    """Test whether the rate falls after its peak.

    Parameters
    ----------
    statistics : SufficientStatistics
        One data set; its shape is not used.
    fano : float
        Variance of the counts over their mean; 1 is Poisson. Counts that scatter less say as much
        as so many more Poisson counts.
    freedom : float
        Degrees of freedom that `fano` rests on; inf where it is known. A few repeats may scatter
        less than the cell does, and would then make a fall of chance of it.
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
    count = np.atleast_2d(statistics.pooled_count) / fano
    window = statistics.pooled_window / fano
    rate = count[0] / window
    peak = int(np.argmax(rate))
    ratio = float(_ratio(count, window)[0])
    p = 1.0
    if ratio > MODEST and peak < len(rate) - 1:
        flat = _plateau(count, window) * window
        random = np.random.default_rng(seed)
        drawn = _ratio(random.poisson(flat, (draws, len(flat))).astype(float), window)
        if np.isfinite(freedom):
            # As in an F ratio, the scatter that was estimated is the denominator.
            drawn = drawn / (random.chisquare(freedom, draws) / freedom)
        p = _chance(drawn, ratio, freedom)
    current = statistics.current
    return Fall(p, float(current[peak]), float(rate[peak]), float(current[-1]), float(rate[-1]))


def _chance(drawn: Array, ratio: float, freedom: float) -> float:
    """Chance of a ratio as large.

    Beyond the draws it falls as chi-squared does, by exp(-x / 2), or as F does where the scatter
    was estimated.
    """
    beyond = float(np.sum(drawn >= ratio - 1e-9))
    if beyond >= TAIL or len(drawn) < 2 * TAIL:
        return (1 + beyond) / (1 + len(drawn))
    edge = float(np.sort(drawn)[-TAIL])
    beyond = max(ratio - edge, 0.0)
    if np.isfinite(freedom):
        beyond = freedom * float(np.log1p(beyond / (freedom + edge)))
    return TAIL / (1 + len(drawn)) * float(np.exp(-beyond / 2))


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
    return _rising(count, window, np.full(len(count), len(window)))


def _rising(count: Array, window: Array, end: NDArray[np.int64]) -> Array:
    """Rates that rise up to `end` of each row, shape (b, m); beyond they mean nothing.

    Each is the highest, over the beginnings, of the lowest, over the ends, of the means of the
    stretches around it (Barlow et al. 1972, section 1.4), which takes all rows at once.
    """
    spikes = np.pad(count.cumsum(axis=1), ((0, 0), (1, 0)))
    time = np.pad(window.cumsum(), (1, 0))
    outside = np.arange(count.shape[1]) >= end[:, None]
    rates = np.full(count.shape, -np.inf)
    for begin in range(count.shape[1]):
        mean = (spikes[:, begin + 1 :] - spikes[:, begin, None]) / (time[begin + 1 :] - time[begin])
        mean[outside[:, begin:]] = np.inf
        least = np.minimum.accumulate(mean[:, ::-1], axis=1)[:, ::-1]
        np.maximum(rates[:, begin:], least, out=rates[:, begin:])
    return rates


def _hill(count: Array, window: Array) -> Array:
    """Most likely rates that rise to the highest and fall after it, shape (b, m)."""
    m = count.shape[1]
    end = np.argmax(count / window, axis=1) + 1
    up = _rising(count, window, end)
    down = _rising(count[:, ::-1], window[::-1], m - end)[:, ::-1]
    return np.where(np.arange(m) < end[:, None], up, down)


def _ratio(count: Array, window: Array) -> Array:
    """Twice the log-likelihood gained by letting the rate fall after its peak, shape (b,)."""
    hill, flat = _hill(count, window), rising_rates(count, window)
    gain = xlogy(count, np.maximum(hill, 1e-300)) - hill * window
    loss = xlogy(count, np.maximum(flat, 1e-300)) - flat * window
    return np.asarray(2 * (gain - loss).sum(axis=1))
