"""Features of a train of spikes: rates, latency, adaptation, irregularity."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["adaptation_index", "cv", "cv2", "firing_features", "local_variation"]


def adaptation_index(intervals: ArrayLike) -> float:
    """Return the mean relative growth from one interval to the next.

    Parameters
    ----------
    intervals : array_like, shape (n,)
        Intervals between spikes, in any unit of time.

    Returns
    -------
    float
        Mean of (next - this) / (next + this): 0 for regular firing, positive where firing slows
        down; nan with fewer than two intervals. eFEL calls it ``adaptation_index2`` (which leaves
        out the first interval), ipfx ``adapt``.

    Examples
    --------
    >>> round(adaptation_index([0.01, 0.02, 0.02]), 4)
    0.1667
    """
    change = _changes(intervals)
    return float(change.mean()) if len(change) else float("nan")


def cv(intervals: ArrayLike) -> float:
    """Return the standard deviation of intervals over their mean; nan with fewer than two.

    Examples
    --------
    >>> cv([1, 3])
    0.5
    """
    values = np.asarray(intervals, dtype=float)
    return float(values.std() / values.mean()) if len(values) > 1 else float("nan")


def cv2(intervals: ArrayLike) -> float:
    """Return the irregularity of neighbouring intervals, blind to slow changes of the rate.

    Mean of 2 |next - this| / (next + this); nan with fewer than two intervals. 0 for regular
    firing, 1 for a Poisson process (Holt et al. 1996, J. Neurophysiol. 75:1806).

    Examples
    --------
    >>> cv2([1, 3])
    1.0
    """
    change = _changes(intervals)
    return float(2 * np.abs(change).mean()) if len(change) else float("nan")


def local_variation(intervals: ArrayLike) -> float:
    """Return the local variation Lv of intervals; nan with fewer than two.

    Three times the mean of ((next - this) / (next + this))^2. 0 for regular firing, 1 for a Poisson
    process (Shinomoto et al. 2003, Neural Comput. 15:2823).

    Examples
    --------
    >>> local_variation([1, 3])
    0.75
    """
    change = _changes(intervals)
    return float(3 * np.mean(change**2)) if len(change) else float("nan")


def firing_features(spikes_s: ArrayLike, duration_s: float) -> dict[str, float]:
    """Describe the firing during one step of current.

    Parameters
    ----------
    spikes_s : array_like, shape (n,)
        Spike times from the start of the step (s), ascending.
    duration_s : float
        Length of the step (s).

    Returns
    -------
    dict of str to float
        rate_Hz (spikes over the length of the step), latency_ms (to the first peak), first_rate_Hz
        and last_rate_Hz (of the first and last interval), steady_rate_Hz (spikes in the second half
        of the step), adaptation_index, slowing (last interval over the first), cv, cv2,
        local_variation; nan where the spikes are too few.

    Examples
    --------
    >>> told = firing_features([0.01, 0.02, 0.04, 0.08], 0.1)
    >>> told["rate_Hz"], told["latency_ms"], round(told["slowing"], 3)
    (40.0, 10.0, 4.0)
    """
    times = np.asarray(spikes_s, dtype=float)
    intervals = np.diff(times)
    first, last = (intervals[0], intervals[-1]) if len(intervals) else (np.nan, np.nan)
    half = duration_s / 2
    return {
        "rate_Hz": len(times) / duration_s,
        "latency_ms": 1e3 * float(times[0]) if len(times) else float("nan"),
        "first_rate_Hz": float(1 / first),
        "steady_rate_Hz": float(np.sum(times >= half)) / half,
        "last_rate_Hz": float(1 / last),
        "adaptation_index": adaptation_index(intervals),
        "slowing": float(last / first),
        "cv": cv(intervals),
        "cv2": cv2(intervals),
        "local_variation": local_variation(intervals),
    }


def _changes(intervals: ArrayLike) -> NDArray[np.float64]:
    """Relative growth from each interval to the next."""
    values: NDArray[np.float64] = np.asarray(intervals, dtype=float)
    change: NDArray[np.float64] = np.diff(values) / (values[1:] + values[:-1])
    return change
