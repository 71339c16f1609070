"""The counts of a cell that fires like a clock: not noisy, but known only up to one spike.

A clock of rate r that is watched for a time T from an unknown phase gives a count n with
``|n - r T| < 1``, whatever the phase. Its spike times say more: every interval is 1 / r up to the
resolution of the times. So each current leaves a range of possible rates, and nothing in it is more
probable than the rest.

A cell without noise may also fire in bursts. A count n in a window T then leaves rates from
n / (T + L) to n / (T - L), where L is the longest gap between two spikes: what the ends of the
window may have cut off. For a clock, whose gaps are 1 / r, that is the same as above.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.counts.spike_timing import SpikeTiming

__all__ = ["RateRanges", "rate_ranges", "steady_intervals", "uneven"]

Array = NDArray[np.float64]

BURSTING = 1.0
"""Coefficient of variation of its intervals above which a cell without noise fires in bursts."""
EVEN = 0.05
"""Coefficient of variation up to which intervals are called even; the time step makes some."""
ENOUGH = 3
"""Currents with two intervals or more that must be steady before a cell is called a clock."""


@dataclass(frozen=True, eq=False)
class RateRanges:
    """Possible rates of a clock at each distinct current; -inf where nothing bounds from below.

    Attributes
    ----------
    low, high : ndarray, shape (m,)
        Ends of the ranges (Hz).
    """

    low: Array
    high: Array

    @property
    def middle(self) -> Array:
        """The middle of each range; 0 for silent currents (Hz)."""
        return np.where(np.isfinite(self.low), 0.5 * (self.low + self.high), 0.0)

    @property
    def half(self) -> Array:
        """How far the rate may be from the middle (Hz)."""
        return self.high - self.middle


def rate_ranges(
    index: NDArray[np.int64],
    count: Array,
    window: Array,
    timing: SpikeTiming | None,
    spike_times: bool = True,
) -> RateRanges:
    """The rates that counts, and the times of spikes where they are known, leave possible.

    Parameters
    ----------
    index : ndarray, shape (n,)
        Which distinct current each measurement used.
    count, window : ndarray, shape (n,)
        Spikes, and the time in which they were counted (s).
    timing : SpikeTiming or None
        Its resolution widens all ranges: a simulation in steps dt is late by up to dt an interval.
    spike_times : bool
        Whether to use the intervals themselves as well.

    Returns
    -------
    RateRanges
        Several measurements of one current narrow its range together. Where intervals contradict
        the counts or each other, as in a cell that adapts, only the counts are used.

    Examples
    --------
    >>> ranges = rate_ranges(np.array([0, 1]), np.array([0.0, 9.0]), np.full(2, 2.0), None)
    >>> ranges.low, ranges.high
    (array([-inf,   4.]), array([0.5, 5. ]))
    """
    currents = int(index.max()) + 1

    def meet(low: Array, high: Array) -> tuple[Array, Array]:
        lowest, highest = np.full(currents, -np.inf), np.full(currents, np.inf)
        np.maximum.at(lowest, index, low)
        np.minimum.at(highest, index, high)
        return lowest, highest

    slack = 0.0 if timing is None else timing.resolution_s
    with np.errstate(divide="ignore"):
        longest = np.where(count > 1, window / (count - 1), np.inf)
        shortest = window / (count + 1)
    if timing is not None:
        bursts = np.nan_to_num(_interval_cv(timing)) > BURSTING
        gap, spikes = timing.longest_s[bursts], count[bursts]
        longest[bursts] = (window[bursts] + gap) / spikes
        shortest[bursts] = (window[bursts] - gap) / spikes
    longest, shortest = longest + slack, np.maximum(shortest - slack, 1e-12)
    low = np.where(count > 0, 1 / longest, -np.inf)
    high = 1 / shortest
    ends = meet(low, high)
    apart = ends[0] >= ends[1]
    if apart.any():
        # Repeats that no single clock could give: all of them stay possible.
        wide_low, wide_high = np.full(currents, np.inf), np.full(currents, -np.inf)
        np.minimum.at(wide_low, index, low)
        np.maximum.at(wide_high, index, high)
        ends = np.where(apart, wide_low, ends[0]), np.where(apart, wide_high, ends[1])
    if timing is None or not spike_times:
        return RateRanges(*ends)
    seen = timing.intervals > 0
    longest = np.where(seen, timing.longest_s, np.inf) + slack
    shortest = np.where(seen, timing.shortest_s, np.inf) - slack
    fine_low, fine_high = meet(
        np.where(seen, 1 / longest, -np.inf),
        np.where(seen & (shortest > 0), 1 / np.where(shortest > 0, shortest, 1.0), np.inf),
    )
    fine_low, fine_high = np.maximum(fine_low, ends[0]), np.minimum(fine_high, ends[1])
    agree = fine_low < fine_high
    return RateRanges(np.where(agree, fine_low, ends[0]), np.where(agree, fine_high, ends[1]))


def _interval_cv(timing: SpikeTiming) -> Array:
    """Coefficient of variation of the intervals of each measurement; nan with fewer than three."""
    n = np.where(timing.intervals >= 3, timing.intervals, np.nan)
    variance = np.maximum(timing.square_s2 - timing.total_s**2 / n, 0.0) / (n - 1)
    return np.asarray(np.sqrt(variance) * n / timing.total_s)


def uneven(timing: SpikeTiming | None) -> bool:
    """Whether intervals between spikes are known to differ, at one current or more.

    Not by what the resolution of their times alone makes of equal intervals.
    """
    if timing is None:
        return False
    several = timing.intervals >= 2
    differ = timing.longest_s - timing.shortest_s > 2.001 * timing.resolution_s
    return bool(np.any((_interval_cv(timing) > EVEN) & several & differ))


def steady_intervals(current: Array, timing: SpikeTiming) -> bool:
    """Whether the cell fires like a clock: no interval differs from another by more than rounding.

    Parameters
    ----------
    current : ndarray, shape (n,)
        Of each measurement (pA).
    timing : SpikeTiming

    Examples
    --------
    >>> from bridge.counts.spike_timing import timing_of
    >>> trains = [[0.1, 0.2, 0.3], [0.05, 0.1, 0.15], [0.01, 0.03, 0.05]]
    >>> steady_intervals(np.array([1.0, 2.0, 3.0]), timing_of(trains, 1e-4))
    True
    """
    several = timing.intervals >= 2
    if len(np.unique(current[several])) < ENOUGH:
        return False
    spread = timing.longest_s[several] - timing.shortest_s[several]
    return bool(np.all(spread <= 2.001 * timing.resolution_s))
