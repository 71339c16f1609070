"""The shape of spikes: threshold, peak, amplitude, width, slopes, after-hyperpolarisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

__all__ = ["CRITERION_V_PER_S", "SMOOTHING_S", "SpikeShape", "spike_shapes", "threshold_crossing"]

Array = NDArray[np.float64]

CRITERION_V_PER_S = 10.0
"""dV/dt that stands for the threshold (V/s, the same number in mV/ms)."""

SMOOTHING_S = 0.00005
"""The slope is that of the potential seen through a Gaussian of this standard deviation (s): a
matter of time and not of the sampling rate. It acts as a filter of some 3 kHz."""
# How far before a peak its threshold is looked for (s).
_RISE_S = 0.005
# A stimulus that charges the membrane at the criterion by itself hides the threshold: the slope
# must have been below this share of the criterion before the upstroke.
_DIP_SHARE = 0.75


@dataclass(frozen=True)
class SpikeShape:
    """One action potential; nan where a number has no meaning.

    Parameters
    ----------
    time_s : float
        Of the peak, from where the caller counts (s).
    threshold_mV : float
        Potential where dV/dt reaches the criterion (mV); see `spike_shapes`.
    peak_mV : float
        Highest potential (mV).
    amplitude_mV : float
        Peak less threshold (mV).
    width_ms : float
        Time above half way between threshold and peak (ms); nan where the spike does not fall so
        far before the next.
    upstroke_V_per_s, downstroke_V_per_s : float
        Fastest rise and fall (V/s).
    trough_mV : float
        Lowest potential until the next spike or the end of the step (mV).
    ahp_mV : float
        After-hyperpolarisation: threshold less trough (mV).
    """

    time_s: float
    threshold_mV: float
    peak_mV: float
    amplitude_mV: float
    width_ms: float
    upstroke_V_per_s: float
    downstroke_V_per_s: float
    trough_mV: float
    ahp_mV: float


def spike_shapes(
    voltage_mV: ArrayLike,
    sampling_rate_Hz: float,
    peaks: Sequence[int] | NDArray[np.int64],
    *,
    start_s: float = 0.0,
    skip_s: float = 0.0,
    stop_s: float | None = None,
    criterion_V_per_s: float = CRITERION_V_PER_S,
) -> list[SpikeShape]:
    """Measure the shape of each spike of a trace.

    dV/dt is the slope of a cubic spline through the potential smoothed by a Gaussian of 0.05 ms.
    The threshold is the potential of that spline where its slope last reaches the criterion before
    the upstroke, between samples. So the number does not move with the sampling rate: of the
    textbook neuron it varies by 0.01 mV from 20 to 100 kHz, and by 0.3 mV down to 10 kHz.

    If the stimulus charges the membrane at nearly the criterion by itself, there is no threshold to
    read: where the slope did not fall below 3/4 of the criterion before the upstroke, the threshold
    is nan, and so are amplitude, width and after-hyperpolarisation.

    Parameters
    ----------
    voltage_mV : array_like, shape (n,)
        Membrane potential (mV), evenly sampled.
    sampling_rate_Hz : float
        Samples a second.
    peaks : sequence of int
        Samples of the peaks, ascending; see `find_spikes` and `level_crossings`.
    start_s : float
        Onset of the stimulus (s): earlier samples are not looked at; times count from here.
    skip_s : float
        How long after the onset the trace says nothing of the membrane (s), such as the transient
        of an electrode.
    stop_s : float, optional
        End of the stimulus (s); the end of the trace where left out.
    criterion_V_per_s : float
        Rate of rise that stands for the threshold (V/s).

    Returns
    -------
    list of SpikeShape
        One a peak.

    Examples
    --------
    >>> t = np.arange(0, 0.02, 1e-5)
    >>> volts = -70 + 100 * np.exp(-0.5 * ((t - 0.01) / 2e-4) ** 2)
    >>> found, = spike_shapes(volts, 1e5, [1000])
    >>> round(found.peak_mV), round(found.upstroke_V_per_s), round(found.threshold_mV)
    (30, 285, -69)
    """
    raw = np.asarray(voltage_mV, dtype=float)
    if not len(peaks):
        return []
    smooth = gaussian_filter1d(raw, SMOOTHING_S * sampling_rate_Hz)
    last = len(raw) if stop_s is None else min(round(stop_s * sampling_rate_Hz), len(raw))
    # The smoothed slope just after the onset still holds what was before it.
    earliest = int(np.ceil((start_s + skip_s + 3 * SMOOTHING_S) * sampling_rate_Hz))
    shapes = []
    for peak, end in pairwise([*map(int, peaks), last]):
        begin = max(earliest, peak - round(_RISE_S * sampling_rate_Hz))
        stop = min(max(end, peak + 2), len(raw))
        found = _one(raw, smooth, begin, peak, stop, sampling_rate_Hz, criterion_V_per_s)
        shapes.append(SpikeShape(peak / sampling_rate_Hz - start_s, *found))
        earliest = peak
    return shapes


def threshold_crossing(
    voltage_mV: ArrayLike,
    sampling_rate_Hz: float,
    peak: int,
    *,
    start_s: float = 0.0,
    criterion_V_per_s: float = CRITERION_V_PER_S,
) -> tuple[float, float]:
    """Return when (s, after the first sample) and where (mV) a spike has its threshold.

    The potential is the ``threshold_mV`` that `spike_shapes` tells of this spike. Both are nan
    where there is no threshold to read.

    Parameters
    ----------
    voltage_mV, sampling_rate_Hz, start_s, criterion_V_per_s
        As in `spike_shapes`.
    peak : int
        Sample of the peak.

    Examples
    --------
    >>> t = np.arange(0, 0.02, 1e-5)
    >>> volts = -70 + 100 * np.exp(-0.5 * ((t - 0.01) / 2e-4) ** 2)
    >>> where, level = threshold_crossing(volts, 1e5, 1000)
    >>> round(1e3 * where, 2), round(level)
    (9.35, -69)
    """
    raw = np.asarray(voltage_mV, dtype=float)
    smooth = gaussian_filter1d(raw, SMOOTHING_S * sampling_rate_Hz)
    earliest = int(np.ceil((start_s + 3 * SMOOTHING_S) * sampling_rate_Hz))
    begin = max(earliest, peak - round(_RISE_S * sampling_rate_Hz))
    first = max(0, min(begin, peak - 3))
    # Beyond the peak the spline has no say in what is before the upstroke.
    stop = min(peak + round(_RISE_S * sampling_rate_Hz), len(raw))
    spline = CubicSpline(np.arange(first, stop) / (1e-3 * sampling_rate_Hz), smooth[first:stop])
    fastest = int(np.argmax(spline(spline.x[: peak - first + 1], 1)))
    where = _threshold_time(spline, max(begin, first) - first, fastest, criterion_V_per_s)
    return 1e-3 * where, float(spline(where))


def _one(
    raw: Array, smooth: Array, begin: int, peak: int, stop: int, sampling_rate: float, rate: float
) -> tuple[float, ...]:
    """Return threshold, peak, amplitude, width, upstroke, downstroke, trough and AHP."""
    first = max(0, min(begin, peak - 3))
    time = np.arange(first, stop) / (1e-3 * sampling_rate)
    spline = CubicSpline(time, smooth[first:stop])
    slope = spline(time, 1)
    fastest = int(np.argmax(slope[: peak - first + 1]))
    threshold = float(spline(_threshold_time(spline, max(begin, first) - first, fastest, rate)))
    top = float(raw[peak])
    half = (threshold + top) / 2
    rise = _samples_above(raw[first : peak + 1][::-1], half)
    fall = _samples_above(raw[peak:stop], half)
    trough = float(smooth[peak:stop].min()) if stop - peak > 1 else float("nan")
    return (
        threshold,
        top,
        top - threshold,
        1e3 * (rise + fall) / sampling_rate,
        _steepest(spline, fastest, 1),
        _steepest(spline, peak - first + int(np.argmin(slope[peak - first :])), -1),
        trough,
        threshold - trough,
    )


def _threshold_time(spline: CubicSpline, begin: int, fastest: int, rate: float) -> float:
    """Return when (ms) the slope last rises through the criterion, or nan."""
    time = spline.x
    if fastest <= begin:
        return float("nan")
    slope = spline.derivative()
    roots = slope.solve(rate, extrapolate=False)
    rising = roots[(roots > time[begin]) & (roots < time[fastest]) & (slope(roots, 1) > 0)]
    if not len(rising):
        return float("nan")
    where = rising[-1]
    before = slope(np.append(time[begin:][time[begin:] < where], where))
    return float(where) if before.min() < _DIP_SHARE * rate else float("nan")


def _steepest(spline: CubicSpline, sample: int, sign: int) -> float:
    """Return the steepest rise (sign 1) or fall (-1) around a sample, between samples."""
    first, last = spline.x[max(sample - 1, 0)], spline.x[min(sample + 1, len(spline.x) - 1)]
    return float(sign * (sign * spline(np.linspace(first, last, 21), 1)).max())


def _samples_above(from_peak: Array, level: float) -> float:
    """Count samples from the peak to where a level is crossed, between samples; nan if never."""
    below = np.flatnonzero(from_peak < level)
    if not len(below) or below[0] == 0:
        return float("nan")
    k = int(below[0])
    return k - float((level - from_peak[k]) / (from_peak[k - 1] - from_peak[k]))
