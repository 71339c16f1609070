"""The few facts about a curve from which starting values are guessed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outline", "grid"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Outline:
    """Rate at each distinct current, and what can be seen in it at a glance.

    Attributes
    ----------
    current : ndarray, shape (m,)
        Distinct currents, ascending (pA).
    rate : ndarray, shape (m,)
        Mean rate at each (Hz).
    """

    current: Array
    rate: Array

    @property
    def span(self) -> float:
        """Width of the measured range (pA)."""
        return float(self.current[-1] - self.current[0])

    @property
    def top(self) -> float:
        """Highest mean rate (Hz)."""
        return float(self.rate.max())

    def onset(self) -> Array:
        """Currents at which firing may begin, from below the range up to the first spike (pA)."""
        first = int(np.argmax(self.rate > 0))
        edges = self.current[: first + 1]
        below = self.current[0] - self.span * np.array([1.0, 0.5, 0.2, 0.05])
        if first == 0:
            return np.append(below, self.current[0] - 1e-3 * self.span)
        inside = [
            low + (high - low) * part
            for low, high in pairwise(edges)
            for part in (0.0, 0.1, 0.4, 0.7, 0.97)
        ]
        return np.concatenate([below, inside])

    def middle(self, share: float) -> float:
        """Current at which the rate first reaches a share of its highest (pA)."""
        reached = int(np.argmax(self.rate >= share * self.top))
        return float(self.current[reached])


def grid(*axes: Array | list[float]) -> Array:
    """Every combination of some values, shape (product of lengths, number of axes).

    Examples
    --------
    >>> grid([1.0, 2.0], [5.0])
    array([[1., 5.],
           [2., 5.]])
    """
    mesh = np.meshgrid(*[np.asarray(axis, dtype=float) for axis in axes], indexing="ij")
    return np.stack([axis.ravel() for axis in mesh], axis=-1)
