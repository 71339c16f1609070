"""Find action potentials by their upstroke and their height, not by a voltage they cross.

An action potential is regenerative: sodium current charges the membrane faster than any current
through the electrode does, carries it past the voltage at which sodium channels are half open,
and potassium current brings it down again within milliseconds. Each part of that is asked for.
A crossing of 0 mV asks for none: in depolarisation block the membrane wanders across it, and a
cell behind a large access resistance fires without reaching it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

__all__ = ["SpikeRule", "bridged", "find_spikes", "level_crossings"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SpikeRule:
    """What counts as an action potential.

    Parameters
    ----------
    height_mV : float
        How far the peak stands out from its surroundings (prominence, mV). Spikelets from coupled
        cells and synaptic potentials are smaller.
    upstroke_V_per_s : float
        Fastest rise through the last `height_mV` before the peak (V/s). 5 V/s is a net inward
        current of 5 uA/cm2; a membrane with a time constant of 10 ms would need 50 mV of drive
        beyond the spot to be charged as fast by the electrode.
    width_s : float
        Longest time spent within half of `height_mV` of the peak (s): what lasts longer is a
        plateau, or the slow swing of a cell in depolarisation block, and no action potential.
    peak_mV : float
        Lowest peak (mV); sodium channels are half activated about there.
    smoothing_s : float
        Standard deviation of the Gaussian the voltage is seen through (s), which makes the
        derivative a matter of time and not of the sampling rate.
    artefact_s : float
        How long the transient of the electrode lasts after a jump of the current (s); bridged by
        a straight line. Too short a time for a membrane to charge to threshold.

    Examples
    --------
    >>> SpikeRule().height_mV
    20.0
    """

    height_mV: float = 20.0
    upstroke_V_per_s: float = 5.0
    width_s: float = 0.007
    peak_mV: float = -25.0
    smoothing_s: float = 0.0001
    artefact_s: float = 0.0005


def find_spikes(
    voltage_mV: ArrayLike,
    sampling_rate_Hz: float,
    edges_s: Sequence[float] = (),
    rule: SpikeRule | None = None,
) -> NDArray[np.int64]:
    """Find the peaks of action potentials.

    Parameters
    ----------
    voltage_mV : array_like, shape (n,)
        Membrane potential (mV).
    sampling_rate_Hz : float
        Sampling rate (Hz).
    edges_s : sequence of float
        When the current jumps (s): the transients there are bridged.
    rule : SpikeRule, optional
        What counts.

    Returns
    -------
    ndarray of int
        Samples of the peaks, ascending.

    Examples
    --------
    >>> t = np.arange(0, 0.1, 1e-4)
    >>> v = -70 + 100 * np.exp(-(((t - 0.05) / 0.0005) ** 2))
    >>> find_spikes(v, 1e4)
    array([500])
    """
    # Slow to import, and models need no spikes to be found.
    from scipy.signal import find_peaks

    rule = rule or SpikeRule()
    volts = bridged(voltage_mV, sampling_rate_Hz, edges_s, rule)
    smooth = _blur(volts, sampling_rate_Hz, rule)
    peaks, _ = find_peaks(smooth, height=rule.peak_mV, prominence=rule.height_mV)
    slope = np.diff(smooth) * sampling_rate_Hz * 1e-3
    longest = rule.width_s * sampling_rate_Hz
    near = round(3 * rule.smoothing_s * sampling_rate_Hz)
    found = []
    for peak in peaks:
        # A spike cut off by the end of the recording is as wide as what is left of it.
        foot = _leaves(smooth[peak::-1], rule.height_mV)
        left = _leaves(smooth[peak::-1], rule.height_mV / 2)
        right = _leaves(smooth[peak:], rule.height_mV / 2)
        fast = slope[peak - foot : peak].max(initial=0.0) >= rule.upstroke_V_per_s
        if fast and left + right <= longest:
            # Smoothing moves the top of a lopsided spike; its time is that of the trace itself.
            first = max(0, peak - near)
            found.append(first + int(np.argmax(volts[first : peak + near + 1])))
    return np.array(found, dtype=np.int64)


def level_crossings(voltage_mV: ArrayLike, level_mV: float) -> NDArray[np.int64]:
    """Find the peak that follows each upward crossing of a potential that only spikes cross.

    For traces without noise, where one knows such a potential; `find_spikes` is for recordings.

    Parameters
    ----------
    voltage_mV : array_like, shape (n,)
        Membrane potential (mV).
    level_mV : float
        The potential (mV).

    Returns
    -------
    ndarray of int
        Samples of the highest potential before it falls below the level again, ascending.

    Examples
    --------
    >>> level_crossings([-70, -10, 20, -70, -70, 10, -30], -20)
    array([2, 5])
    """
    volts = np.asarray(voltage_mV, dtype=float)
    edges = np.diff((volts >= level_mV).astype(int))
    ups, downs = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1) + 1
    stops = [*downs[downs > (ups[0] if len(ups) else 0)], len(volts)]
    return np.array(
        [up + np.argmax(volts[up:stop]) for up, stop in zip(ups, stops, strict=False)],
        dtype=np.int64,
    )


def bridged(
    voltage_mV: ArrayLike, sampling_rate_Hz: float, edges_s: Sequence[float], rule: SpikeRule
) -> Array:
    """Replace the transients at the edges of steps by straight lines."""
    volts = np.array(voltage_mV, dtype=float)
    for edge in edges_s:
        start = int(edge * sampling_rate_Hz) - 2
        stop = int(np.ceil((edge + rule.artefact_s) * sampling_rate_Hz)) + 1
        if start > 0 and stop < len(volts):
            volts[start : stop + 1] = np.linspace(volts[start], volts[stop], stop - start + 1)
    return volts


def _blur(volts: Array, sampling_rate_Hz: float, rule: SpikeRule) -> Array:
    return gaussian_filter1d(volts, rule.smoothing_s * sampling_rate_Hz) if len(volts) else volts


def _leaves(from_peak: Array, drop: float) -> int:
    """Count the samples until a trace that starts at a peak has fallen by `drop`."""
    below = from_peak < from_peak[0] - drop
    first = int(np.argmax(below))
    return first if below[first] else len(from_peak) - 1
