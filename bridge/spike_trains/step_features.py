"""What a step of current shows beside its rate: latency, adaptation, irregularity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.atomic_write import plain
from neurosim.features.spike_intervals import firing_features

__all__ = ["StepFeatures", "step_features"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StepFeatures:
    """Medians over the steps that fired often enough; nan where none did.

    What each number is stands in `neurosim.features.spike_intervals.firing_features`.

    Attributes
    ----------
    adaptation_index : float
        Mean of (next - this) / (next + this) over successive intervals: 0 for even firing,
        positive where it slows down.
    slowing : float
        Last interval over the first.
    cv : float
        Standard deviation of the intervals over their mean.
    cv2 : float
        The same from neighbouring intervals only, blind to slow changes (Holt et al. 1996,
        J. Neurophysiol. 75:1806).
    latency_ms : float
        From the onset to the first spike, at the strongest current that fired.
    steps : int
        Steps with at least four spikes, behind the first four numbers.
    """

    adaptation_index: float
    slowing: float
    cv: float
    cv2: float
    latency_ms: float
    steps: int

    def to_dict(self) -> dict[str, Any]:
        """Every number; None where it could not be told."""
        return {name: plain(value) for name, value in vars(self).items()}


def step_features(currents_pA: ArrayLike, trains: Sequence[Array]) -> StepFeatures:
    """Describe the firing during steps of current.

    Parameters
    ----------
    currents_pA : array_like, shape (n,)
        Height of each step (pA).
    trains : sequence of ndarray, length n
        Spike times since the onset of each (s).

    Returns
    -------
    StepFeatures

    Examples
    --------
    >>> told = step_features([100], [np.array([0.01, 0.02, 0.04, 0.08])])
    >>> round(told.adaptation_index, 3), round(told.slowing), told.latency_ms
    (0.333, 4, 10.0)
    """
    rows = [firing_features(train, 1.0) for train in trains if len(train) > 3]
    names = ("adaptation_index", "slowing", "cv", "cv2")
    middle = {n: float(np.median([row[n] for row in rows])) if rows else np.nan for n in names}
    fired = [
        pair
        for pair in zip(np.asarray(currents_pA, dtype=float), trains, strict=True)
        if len(pair[1])
    ]
    first = max(fired, key=lambda pair: pair[0])[1][0] if fired else np.nan
    return StepFeatures(**middle, latency_ms=1e3 * float(first), steps=len(rows))
