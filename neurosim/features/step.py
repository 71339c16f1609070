"""Features of a step of current: its firing, its first spike, the potential around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.features.membrane import baseline, is_blocked, steady
from neurosim.features.spike_intervals import firing_features
from neurosim.features.spike_shape import SpikeShape

__all__ = ["step_features"]


def step_features(
    voltage_mV: NDArray[np.float64],
    sampling_rate_Hz: float,
    start_s: float,
    stop_s: float,
    spikes_s: NDArray[np.float64],
    first: SpikeShape | None = None,
) -> dict[str, float | bool]:
    """Describe a step of current.

    Parameters
    ----------
    voltage_mV : ndarray, shape (n,)
        Membrane potential (mV), evenly sampled.
    sampling_rate_Hz : float
        Samples a second.
    start_s, stop_s : float
        The step (s).
    spikes_s : ndarray, shape (spikes,)
        Spike times from its start (s).
    first : SpikeShape, optional
        Shape of its first spike.

    Returns
    -------
    dict of str to float or bool
        count, then `firing_features`, then baseline_mV, steady_mV, threshold_mV and width_ms (of
        the first spike), blocked (whether it ends in depolarisation block).

    Examples
    --------
    >>> told = step_features(np.full(1000, -70.0), 1e4, 0.02, 0.08, np.zeros(0))
    >>> told["count"], told["rate_Hz"], told["steady_mV"]
    (0, 0.0, -70.0)
    """
    end = steady(voltage_mV, sampling_rate_Hz, start_s, stop_s)
    duration = stop_s - start_s
    return {
        "count": len(spikes_s),
        **firing_features(spikes_s, duration),
        "baseline_mV": baseline(voltage_mV, sampling_rate_Hz, start_s),
        "steady_mV": end,
        "threshold_mV": first.threshold_mV if first else float("nan"),
        "width_ms": first.width_ms if first else float("nan"),
        "blocked": is_blocked(spikes_s, duration, end),
    }
