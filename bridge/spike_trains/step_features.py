"""What a step of current shows beside its rate: latency, adaptation, irregularity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["StepFeatures", "step_features"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StepFeatures:
    """Medians over the steps that fired often enough; nan where none did.

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
        return {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in asdict(self).items()
        }


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
    currents = np.asarray(currents_pA, dtype=float)
    rows = []
    for train in trains:
        intervals = np.diff(train)
        if len(intervals) < 3:
            continue
        change = np.diff(intervals) / (intervals[1:] + intervals[:-1])
        rows.append(
            (
                change.mean(),
                intervals[-1] / intervals[0],
                intervals.std() / intervals.mean(),
                2 * np.abs(change).mean(),
            )
        )
    index, slowing, cv, cv2 = np.median(rows, axis=0) if rows else np.full(4, np.nan)
    fired = [i for i, train in enumerate(trains) if len(train)]
    top = max(fired, key=lambda i: currents[i]) if fired else None
    latency = np.nan if top is None else 1e3 * float(trains[top][0])
    return StepFeatures(float(index), float(slowing), float(cv), float(cv2), latency, len(rows))
