"""Recordings made up from known spikes, to try things on where the truth must be known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.cell import CellRecording
from bridge.recordings.formats.sweeps import Sweep

__all__ = ["made_recording"]


def made_recording(
    steps_pA: Sequence[float],
    counts: Sequence[int],
    *,
    holding_pA: float = 0.0,
    start_s: float = 0.1,
    duration_s: float = 0.5,
    length_s: float = 0.7,
    sampling_rate_Hz: float = 10000.0,
    rest_mV: float = -70.0,
    resistance_Mohm: float = 100.0,
    time_constant_ms: float = 20.0,
    peak_mV: float = 30.0,
    width_ms: float = 1.0,
    noise_mV: float = 0.1,
    noise_pA: float = 0.0,
    artefact_mV: float = 0.0,
    seed: int = 0,
    name: str = "made",
) -> CellRecording:
    """Make the recording of a passive membrane that fires a given number of spikes a step.

    Spikes are Gaussian bumps at equal distances; between them the membrane charges as a resistor
    and capacitor do, held below -45 mV where it fires (threshold).

    Parameters
    ----------
    steps_pA : sequence of float
        Current above holding of each sweep (pA).
    counts : sequence of int
        Spikes in each step.
    holding_pA : float
        Current outside the steps (pA).
    start_s, duration_s, length_s : float
        Of the step, and of the whole sweep (s).
    sampling_rate_Hz : float
        Sampling rate (Hz).
    rest_mV, resistance_Mohm, time_constant_ms : float
        Of the membrane; rest is at the holding current.
    peak_mV, width_ms : float
        Height and full width at half height of a spike.
    noise_mV, noise_pA : float
        Standard deviation of white noise on voltage and current; with the latter the current is a
        measured one.
    artefact_mV : float
        Height of the electrode's transient at both edges of the step (mV; 0.1 ms).
    seed : int
        Of the noise.
    name : str
        Name of the recording.

    Returns
    -------
    CellRecording

    Examples
    --------
    >>> cell = made_recording([0, 100, 200], [0, 5, 12])
    >>> cell.fi_curve().count
    array([ 0,  5, 12])
    """
    random = np.random.default_rng(seed)
    time = np.arange(round(length_s * sampling_rate_Hz)) / sampling_rate_Hz
    inside = (time >= start_s - 1e-9) & (time < start_s + duration_s - 1e-9)
    sweeps = []
    for k, (amplitude, count) in enumerate(zip(steps_pA, counts, strict=True)):
        volts = rest_mV + _charging(
            time, start_s, duration_s, amplitude * resistance_Mohm * 1e-3, time_constant_ms * 1e-3
        )
        if count:
            volts = np.minimum(volts, -45.0)
        for spike in start_s + duration_s * (np.arange(count) + 0.5) / max(count, 1):
            sigma = width_ms * 1e-3 / 2.3548
            bump = np.exp(-0.5 * ((time - spike) / sigma) ** 2)
            volts = volts + bump * (peak_mV - volts)
        for edge in (start_s, start_s + duration_s):
            late = time >= edge - 1e-9
            sign = 1 if edge == start_s else -1
            decay = np.exp(-np.clip(time - edge, 0, None) / 1e-4)
            volts = volts + sign * np.sign(amplitude) * artefact_mV * decay * late
        volts = volts + noise_mV * random.standard_normal(len(time))
        current = holding_pA + amplitude * inside + noise_pA * random.standard_normal(len(time))
        sweeps.append(
            Sweep(k, sampling_rate_Hz, volts, current, "measured" if noise_pA else "command")
        )
    return CellRecording(tuple(sweeps), name)


def _charging(
    time: NDArray[np.float64], start: float, duration: float, final: float, tau: float
) -> NDArray[np.float64]:
    up = 1 - np.exp(-np.clip(time - start, 0, None) / tau)
    down = 1 - np.exp(-np.clip(time - start - duration, 0, None) / tau)
    return np.asarray(final * (up - down))
