"""The passive answer to a step of current: baseline, steady state, sag, time constant, block."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BLOCK_MV",
    "baseline",
    "exponential_time_constant",
    "extreme",
    "is_blocked",
    "sag_ratio",
    "steady",
]

Array = NDArray[np.float64]

# Baseline and steady state are medians over this long before a step, and this share at its end.
_REST_S = 0.05
_STEADY_SHARE = 0.2
# The farthest potential is a mean over this long: a single extreme sample is noise.
_EXTREME_S = 0.005
# Sodium channels stay inactivated above about here: a cell that rests there cannot fire.
BLOCK_MV = -40.0


def baseline(voltage_mV: Array, sampling_rate_Hz: float, start_s: float) -> float:
    """Return the median potential over the 50 ms before a step (mV); nan if it opens the trace."""
    stop = round(start_s * sampling_rate_Hz)
    part = voltage_mV[max(0, stop - round(_REST_S * sampling_rate_Hz)) : stop]
    return float(np.median(part)) if len(part) else float("nan")


def steady(voltage_mV: Array, sampling_rate_Hz: float, start_s: float, stop_s: float) -> float:
    """Return the median potential over the last fifth of a step (mV).

    Examples
    --------
    >>> steady(np.linspace(-70, -60, 1001), 1000.0, 0.0, 1.0)
    -61.01
    """
    start = round((stop_s - _STEADY_SHARE * (stop_s - start_s)) * sampling_rate_Hz)
    # The last millisecond is left out: edges of two channels need not coincide.
    stop = max(start + 1, round((stop_s - 0.001) * sampling_rate_Hz))
    return float(np.median(voltage_mV[start:stop]))


def extreme(
    voltage_mV: Array, sampling_rate_Hz: float, start_s: float, stop_s: float, sign: float = -1.0
) -> float:
    """Return the lowest (sign -1) or highest (1) mean over 5 ms within a step (mV)."""
    first, stop = round((start_s + 0.002) * sampling_rate_Hz), round(stop_s * sampling_rate_Hz)
    part = voltage_mV[first:stop]
    width = min(max(1, round(_EXTREME_S * sampling_rate_Hz)), len(part))
    means = np.convolve(part, np.full(width, 1 / width), "valid")
    return float(sign * (sign * means).max())


def sag_ratio(extreme_mV: float, steady_mV: float, baseline_mV: float) -> float:
    """Return the share of the farthest deflection that relaxes by the end of the step.

    (extreme - steady) / (extreme - baseline): 0 without sag, 1 for a full return.

    Examples
    --------
    >>> sag_ratio(-90.0, -85.0, -70.0)
    0.25
    """
    return (extreme_mV - steady_mV) / (extreme_mV - baseline_mV)


def exponential_time_constant(time_s: ArrayLike, voltage_mV: ArrayLike) -> float:
    """Return the time constant of a + b exp(-t / tau), by least squares (s); nan if it fails.

    Examples
    --------
    >>> t = np.linspace(0, 0.1, 200)
    >>> round(exponential_time_constant(t, -75 + 5 * np.exp(-t / 0.02)), 6)
    0.02
    """
    from scipy.optimize import curve_fit

    t, volts = np.asarray(time_s, dtype=float), np.asarray(voltage_mV, dtype=float)
    since, change = t - t[0], volts[0] - volts[-1]
    if len(t) < 4 or change == 0:
        return float("nan")
    try:
        found, _ = curve_fit(
            lambda x, end, size, tau: end + size * np.exp(-x / tau),
            since,
            (volts - volts[-1]) / change,
            p0=(0.0, 1.0, since[-1] / 3),
            bounds=([-2, -2, 1e-7], [2, 2, 100]),
        )
    except RuntimeError:
        return float("nan")
    return float(found[2])


def is_blocked(spikes_s: ArrayLike, duration_s: float, steady_mV: float) -> bool:
    """Say whether a step ends in depolarisation block.

    The second half is without spikes although the membrane lies above -40 mV, where sodium channels
    stay inactivated: a silent but hyperpolarised cell is not blocked. One step alone cannot tell a
    blocked cell from a passive membrane: whether the cell fires at this or a weaker current has to
    be known besides.

    Parameters
    ----------
    spikes_s : array_like
        Spike times from the start of the step (s).
    duration_s : float
        Length of the step (s).
    steady_mV : float
        Potential at its end (mV).

    Examples
    --------
    >>> is_blocked([0.01, 0.02], 0.5, -30.0), is_blocked([], 0.5, -60.0)
    (True, False)
    """
    late = bool((np.asarray(spikes_s) >= duration_s / 2).any())
    return not late and steady_mV > BLOCK_MV
