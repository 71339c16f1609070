"""Counts of spikes in bins along a step of current."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.counts.curve import FICurve
from bridge.errors import CurveError

__all__ = ["StepCounts", "bin_counts"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StepCounts:
    """Spikes in bins after the onset of steps of current.

    Parameters
    ----------
    current_pA : array_like, shape (n,)
        Height of each step (pA).
    edges_s : array_like, shape (b + 1,)
        Edges of the bins since the onset, the first 0 (s).
    count : array_like, shape (n, b)
        Spikes.

    Raises
    ------
    CurveError
        Shapes do not agree, edges do not ascend from 0, or a count is not a whole number.

    Examples
    --------
    >>> StepCounts([0, 100], [0, 0.1, 0.5], [[0, 0], [3, 8]]).curve().count
    array([ 0, 11])
    """

    current_pA: Array
    edges_s: Array
    count: Array

    def __post_init__(self) -> None:
        current = np.asarray(self.current_pA, dtype=float)
        edges = np.asarray(self.edges_s, dtype=float)
        count = np.asarray(self.count, dtype=float)
        if edges.ndim != 1 or len(edges) < 2 or edges[0] != 0 or np.any(np.diff(edges) <= 0):
            raise CurveError(f"edges {edges} do not ascend from 0", "give edges such as 0, .1, .5")
        if current.ndim != 1 or count.shape != (len(current), len(edges) - 1):
            raise CurveError(
                f"{len(np.atleast_1d(current))} steps and {len(edges) - 1} bins, but counts of "
                f"shape {count.shape}",
                "give one row a step and one column a bin",
            )
        if np.any(count < 0) or np.any(count != np.round(count)):
            raise CurveError("a count is negative or no whole number", "give numbers of spikes")
        order = np.argsort(current, kind="stable")
        for name, value in (
            ("current_pA", current[order]),
            ("edges_s", edges),
            ("count", count[order]),
        ):
            value.flags.writeable = False
            object.__setattr__(self, name, value)

    def curve(self, bins: slice = slice(None)) -> FICurve:
        """The f-I curve of some of the bins, all by default."""
        widths = np.diff(self.edges_s)[bins]
        _, index = np.unique(self.current_pA, return_inverse=True)
        order = np.argsort(index, kind="stable")
        trial = np.empty(len(index), dtype=int)
        trial[order] = np.arange(len(index)) - np.searchsorted(index[order], index[order])
        return FICurve(self.current_pA, self.count[:, bins].sum(axis=1), widths.sum(), trial)


def bin_counts(trains: list[Array], edges: ArrayLike) -> Array:
    """Count the spikes of each train in bins.

    Parameters
    ----------
    trains : list of ndarray
        Spike times since the onset of the step (s).
    edges : array_like, shape (n + 1,)
        Edges of the bins (s).

    Returns
    -------
    ndarray, shape (len(trains), n)

    Examples
    --------
    >>> bin_counts([np.array([0.01, 0.3])], [0, 0.1, 0.5])
    array([[1., 1.]])
    """
    return np.array([np.histogram(train, edges)[0] for train in trains], dtype=float)
