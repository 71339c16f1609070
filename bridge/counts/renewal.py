"""What a spike train says about its rate: every interval, and the ends that the window cuts off.

Counts of a regular cell are rough: whether one more spike falls into the window depends on the
moment at which it opens. The intervals do not. A stationary renewal process with gamma intervals of
shape ``k`` and rate ``r`` gives n spikes at given times with the probability density (Cox and Lewis
1966, The Statistical Analysis of Series of Events, section 7)

    r Q(k, k r lead) * product of gamma densities of the n - 1 intervals * Q(k, k r trail),

with *lead* the time before the first spike, *trail* that after the last, and Q the regularised
upper incomplete gamma function. With ``k = 1`` this is the Poisson likelihood of the count. The
process is stationary only in a cell that does not adapt, which `steady_rate` tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, gammaln, polygamma, xlogy

from bridge.counts.likelihood import log_probability_and_slope
from bridge.counts.spike_timing import SpikeTiming

__all__ = ["EdgeTable", "SpikeTrains", "draw_trains", "information", "steady_rate", "trains_of"]

Array = NDArray[np.float64]

TREND = 2.58
"""Standard errors by which late intervals may differ from early ones (chance of .01)."""
LOWEST, HIGHEST = 1e-4, 1e2
"""Ends of the table, as shares of the rates that one spike more than was counted would give."""
FEW = 400
"""Least points of a table."""


@dataclass(frozen=True, eq=False)
class SpikeTrains:
    """Spike trains in their windows, as far as a renewal likelihood needs them.

    Attributes
    ----------
    window_s : ndarray, shape (n,) or (b, n)
        Length of each window (s).
    count : ndarray
        Spikes in it.
    total_s : ndarray
        Time between its first and its last spike (s).
    lead_s, trail_s : ndarray
        Time before the first and after the last spike (s); 0 where there is none.
    """

    window_s: Array
    count: Array
    total_s: Array
    lead_s: Array
    trail_s: Array

    def log_likelihood_and_slope(self, rate: Array, shape: Array) -> tuple[Array, Array]:
        """Log-likelihood of rates, less what does not depend on them, and its slope.

        Parameters
        ----------
        rate : ndarray
            Rate of each (Hz), above 0.
        shape : ndarray
            Regularity of each.

        Returns
        -------
        log_p, slope : ndarray
            The slope in 1 / Hz.

        Examples
        --------
        >>> one = SpikeTrains(*map(np.array, ([1.0], [3.0], [0.6], [0.3], [0.1])))
        >>> one.log_likelihood_and_slope(np.array([2.0]), np.array([1.0]))[1]      # 3 / 2 - 1
        array([0.5])
        """
        fires = self.count > 0
        edge, bend = _edges(rate, shape, self.lead_s, self.trail_s)
        spikes = shape * (self.count - 1) + 1
        with_spikes = spikes * np.log(rate) - shape * rate * self.total_s + edge
        silent, silent_slope = log_probability_and_slope(0, rate * self.window_s, shape)
        return (
            np.where(fires, with_spikes, silent),
            np.where(
                fires, spikes / rate - shape * self.total_s + bend, silent_slope * self.window_s
            ),
        )


def trains_of(window_s: Array, count: Array, timing: SpikeTiming) -> SpikeTrains:
    """The trains of some measurements, from what is kept of their times."""
    fires = count > 0
    lead = np.where(fires, timing.lead_s, 0.0)
    trail = np.where(fires, window_s - timing.total_s - lead, 0.0)
    return SpikeTrains(window_s, count, timing.total_s, lead, np.maximum(trail, 0.0))


def steady_rate(timing: SpikeTiming | None, count: Array, shape: float | Array) -> bool:
    """Whether spike times are known in full and the rate does not drift within the windows.

    Parameters
    ----------
    timing : SpikeTiming or None
    count : ndarray, shape (n,)
        Spikes of each measurement.
    shape : float or ndarray, shape (n,)
        Regularity of each.

    Examples
    --------
    >>> from bridge.counts.spike_timing import timing_of
    >>> steady = timing_of([np.arange(0.05, 1, 0.1)] * 4, 1e-4, 0.0)
    >>> slowing = timing_of([np.arange(1, 10) ** 2 / 100] * 4, 1e-4, 0.0)
    >>> steady_rate(steady, np.full(4, 10), 50.0), steady_rate(slowing, np.full(4, 9), 50.0)
    (True, False)
    """
    if timing is None or np.isnan(timing.lead_s[count > 0]).any():
        return False
    half = timing.intervals // 2
    several = half > 0
    if not several.any():
        return True
    shapes = np.broadcast_to(np.asarray(shape, dtype=float), half.shape)[several]
    trend = np.log(timing.late_s[several] / timing.early_s[several])
    variance = 2 * polygamma(1, shapes * half[several])
    z = (trend / variance).sum() / np.sqrt((1 / variance).sum())
    return bool(abs(z) < TREND)


def information(mean: Array, shape: float | Array) -> Array:
    """What a train is expected to tell about its rate: inverse of the variance of its mean count.

    The expected number of spikes, and ``shape - 1`` times that of intervals. Exact for Poisson
    trains and for many spikes, good to 15 % for three, and rough where hardly one is expected.

    Parameters
    ----------
    mean : ndarray
        Expected counts.
    shape : float or ndarray
        Regularity of spiking.

    Returns
    -------
    ndarray
        Divided by ``mean**2``: per expected spike squared.

    Examples
    --------
    >>> information(np.array([4.0]), 1.0)
    array([0.25])
    """
    k = np.asarray(shape, dtype=float)
    # Chance of no spike: between that of a clock and Poisson's.
    clock = np.maximum(1 - mean, 0.0)
    none = clock + (np.exp(-mean) - clock) * k**-0.25
    return np.asarray((mean + (k - 1) * (mean - 1 + none)) / mean**2)


def draw_trains(mean: float, shape: float, draws: int, random: np.random.Generator) -> SpikeTrains:
    """Stationary trains in a window of 1 s.

    Parameters
    ----------
    mean : float
        Expected count.
    shape : float
        Regularity.
    draws : int
    random : numpy.random.Generator

    Returns
    -------
    SpikeTrains
        Of shape (draws,).

    Examples
    --------
    >>> drawn = draw_trains(5.0, 10.0, 4000, np.random.default_rng(0))
    >>> round(float(drawn.count.mean()), 1)
    5.0
    """
    most = int(np.ceil(mean + 9 * np.sqrt(mean / shape + 1) + 12 / min(shape, 1.0)))
    gaps = random.gamma(shape, 1 / (shape * mean), (draws, most))
    # A window that opens at a random moment opens in a long interval more often.
    gaps[:, 0] = random.gamma(shape + 1, 1 / (shape * mean), draws) * random.random(draws)
    times = gaps.cumsum(axis=1)
    count = (times < 1).sum(axis=1)
    fires = count > 0
    last = np.take_along_axis(times, np.maximum(count - 1, 0)[:, None], axis=1)[:, 0]
    lead = np.where(fires, times[:, 0], 0.0)
    total = np.where(fires, last - times[:, 0], 0.0)
    trail = np.where(fires, 1 - last, 0.0)
    return SpikeTrains(np.ones(draws), count.astype(float), total, lead, trail)


class EdgeTable:
    """What lead and trail say about the rate, tabulated: for fitting, which asks many times.

    Cubics with exact slopes over the logarithm of the rate; beyond the table a straight line in
    the rate.

    Parameters
    ----------
    trains : SpikeTrains
        Of shape (n,).
    shape : ndarray, shape (n,)
        Regularity of each.
    """

    def __init__(self, trains: SpikeTrains, shape: Array) -> None:
        typical = (trains.count + 1) / trains.window_s
        self.low, self.high = np.log(LOWEST * typical), np.log(HIGHEST * typical)
        span = float((self.high - self.low).max())
        # A step is a quarter of the width of an interval's distribution.
        self.cells = max(FEW, int(span * 4 * np.sqrt(shape.max())))
        self.step = (self.high - self.low) / self.cells
        u = self.low[:, None] + self.step[:, None] * np.arange(self.cells + 1)
        rate = np.exp(u)
        value, slope = _edges(rate, shape[:, None], trains.lead_s[:, None], trains.trail_s[:, None])
        bend = slope * rate * self.step[:, None]
        rise, left, right = np.diff(value, axis=1), bend[:, :-1], bend[:, 1:]
        self.cubic = np.stack(
            [value[:, :-1], left, 3 * rise - 2 * left - right, left + right - 2 * rise], axis=-1
        ).reshape(-1, 4)
        self.end, self.end_slope = value[:, -1], slope[:, -1]

    def __call__(self, rate: Array) -> tuple[Array, Array]:
        """Value and slope (1 / Hz) at rates of shape (b, n), above 0."""
        u = np.log(rate)
        place = np.clip((u - self.low) / self.step, 0, self.cells - 1e-9)
        cell = place.astype(np.int64)
        x = place - cell
        c0, c1, c2, c3 = np.moveaxis(
            self.cubic[cell + np.arange(len(self.low)) * self.cells], -1, 0
        )
        value = c0 + x * (c1 + x * (c2 + x * c3))
        slope = (c1 + x * (2 * c2 + 3 * x * c3)) / (self.step * rate)
        slope = np.where(u < self.low, 0.0, slope)
        beyond = u > self.high
        if beyond.any():
            straight = self.end + self.end_slope * (rate - np.exp(self.high))
            value = np.where(beyond, straight, value)
            slope = np.where(beyond, self.end_slope, slope)
        return value, slope


def _edges(rate: Array, shape: Array, lead: Array, trail: Array) -> tuple[Array, Array]:
    """Log of Q(k, k r lead) Q(k, k r trail), and its slope in the rate."""
    value = np.zeros(np.broadcast(rate, shape, lead).shape)
    slope = np.zeros_like(value)
    for time in (lead, trail):
        one, steep = _log_q(shape, shape * rate * time)
        value = value + one
        slope = slope - steep * shape * time
    return value, slope


def _log_q(k: Array, x: Array) -> tuple[Array, Array]:
    """Log of Q(k, x), and the density over Q, which is less its slope in x."""
    k, x = np.broadcast_arrays(k, x)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        q = gammaincc(k, x)
        log_density = xlogy(k - 1, x) - x - gammaln(k)
        far = ~(q > 1e-250)
        # Far in the tail: the first terms of the asymptotic series.
        ratio = (k - 1) / np.maximum(x, 1e-300)
        tail = 1 / np.maximum(1 - ratio + ratio / np.maximum(x, 1e-300), 1e-12)
        value = np.where(far, log_density + np.log(tail), np.log(np.where(far, 1.0, q)))
        density = np.where(far, 1 / tail, np.exp(log_density) / np.where(far, 1.0, q))
    return value, np.where(x > 0, density, np.where(k == 1, 1.0, 0.0))
