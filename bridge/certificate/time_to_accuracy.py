"""How long a converted network has to run until its answers are as right as they become."""

from __future__ import annotations

import numpy as np
from brian2.units import ms

from bridge.spiking.spiking_network import SpikingRun

__all__ = ["time_to_accuracy"]


def time_to_accuracy(
    run: SpikingRun,
    y: np.ndarray,
    target: float,
    times_ms: np.ndarray | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return from when on a network is as accurate as wanted, with a 95 % interval (ms).

    Parameters
    ----------
    run : SpikingRun
        What ran.
    y : ndarray, shape (n_samples,)
        True labels.
    target : float
        Accuracy wanted, such as that of the trained network minus half a point.
    times_ms : ndarray, optional
        Times that are looked at (default: 40 up to the end).
    resamples, seed : int
        Bootstrap over the samples.

    Returns
    -------
    time, low, high : float
        Infinite where the accuracy is not reached for good.
    """
    end = 1e3 * run.duration_s
    times = (
        np.linspace(end / 40, end, 40) if times_ms is None else np.asarray(times_ms, dtype=float)
    )
    right = np.stack([run.predict(t * ms) == y for t in times])
    rng = np.random.default_rng(seed)

    def first(correct: np.ndarray) -> float:
        reached = np.logical_and.accumulate((correct.mean(axis=1) >= target)[::-1])[::-1]
        return float(times[np.argmax(reached)]) if reached.any() else np.inf

    drawn = [
        first(right[:, rng.integers(0, right.shape[1], right.shape[1])]) for _ in range(resamples)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf")
    return first(right), float(low), float(high)
