"""Counts of spikes in time: the history of a cell, bin after bin, under levels of current.

A sweep is a stretch of time in which levels of current follow each other without a gap. Before it
the cell is rested. Just after the current has changed a cell adapts within a fraction of a second.
This is not what is asked here, so that the first second after a change is not *judged*: its spikes
drive the slow state, but no likelihood is taken of their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.counts.curve import FICurve
from bridge.counts.spike_timing import timing_of
from bridge.errors import CurveError

__all__ = ["BIN_S", "SKIP_S", "SweepCounts"]

Array = NDArray[np.float64]

SKIP_S = 1.0
"""Time after a change of current that is not judged (s)."""
BIN_S = 1.0
"""Length of a bin (s)."""
_COLUMNS = ("sweep", "start_s", "window_s", "current_pA", "count")


@dataclass(frozen=True, eq=False)
class SweepCounts:
    """Spikes in bins of time, sweep after sweep.

    Parameters
    ----------
    sweep : array_like, shape (n,)
        Which sweep each bin belongs to.
    start_s : array_like, shape (n,)
        When it begins, from the start of the sweep (s). The bins of a sweep follow each other.
    window_s : array_like, shape (n,)
        Its length (s).
    current_pA : array_like, shape (n,)
        The current during it, constant (pA).
    count : array_like, shape (n,)
        Spikes.
    trains : sequence of array_like, optional
        Spike times of each sweep (s), in ascending order of the sweeps' numbers: they tell how
        regularly the cell fires.
    resolution_s : float
        How finely they are known (s).

    Raises
    ------
    CurveError
        Bins overlap or leave a gap, a count is not a whole number, or nothing is left to judge.

    Examples
    --------
    >>> table = {"sweep": [0, 0, 0], "start_s": [0, 1, 2], "window_s": [1, 1, 1],
    ...          "current_pA": [0, 100, 100], "count": [0, 9, 7]}
    >>> SweepCounts(**table).judged.tolist()
    [False, False, True]
    """

    sweep: Array
    start_s: Array
    window_s: Array
    current_pA: Array
    count: Array
    trains: tuple[Array, ...] | None = None
    resolution_s: float = 1e-4

    def __post_init__(self) -> None:
        columns = {}
        for name in _COLUMNS:
            value = np.asarray(getattr(self, name), dtype=float)
            if value.ndim != 1 or not np.isfinite(value).all():
                raise CurveError(
                    f"{name} must be one column of finite numbers", "give one entry a bin"
                )
            columns[name] = value
        if len({len(column) for column in columns.values()}) > 1:
            told = ", ".join(f"{name} has {len(column)}" for name, column in columns.items())
            raise CurveError(f"columns differ in length: {told}", "give one entry a bin")
        order = np.lexsort((columns["start_s"], columns["sweep"]))
        for name, column in columns.items():
            column = column[order]
            column.flags.writeable = False
            object.__setattr__(self, name, column)
        if self.trains is not None:
            times = tuple(np.sort(np.asarray(train, dtype=float)) for train in self.trains)
            object.__setattr__(self, "trains", times)
            if len(times) != len(np.unique(self.sweep)):
                raise CurveError(
                    f"{len(times)} spike trains for {len(np.unique(self.sweep))} sweeps",
                    "give one train a sweep",
                )
        self._check()

    def _check(self) -> None:
        if np.any(self.window_s <= 0):
            raise CurveError("a bin has no length", "give windows longer than 0 s")
        if np.any(self.count < 0) or np.any(self.count != np.round(self.count)):
            raise CurveError("a count is negative or no whole number", "give numbers of spikes")
        for number in np.unique(self.sweep):
            rows = np.flatnonzero(self.sweep == number)
            gap = self.start_s[rows][1:] - (self.start_s + self.window_s)[rows][:-1]
            wrong = np.flatnonzero(np.abs(gap) > 1e-3 * self.window_s[rows][1:] + 1e-9)
            if len(wrong):
                at = float(self.start_s[rows][1:][wrong[0]])
                kind = "a gap before" if gap[wrong[0]] > 0 else "an overlap at"
                raise CurveError(
                    f"sweep {number:g}: {kind} {at:g} s; what the cell did there is not known",
                    "give every bin of a sweep, silent ones too, or call what follows a gap in "
                    "which the cell came to rest another sweep",
                )
        if not self.judged.any():
            raise CurveError(
                f"no bin begins {SKIP_S:g} s or more after a change of the current",
                "give bins of a second or less along levels that last several seconds",
            )

    @property
    def level(self) -> NDArray[np.int64]:
        """Number of the level each bin belongs to: a stretch of one current in one sweep."""
        new = np.append(True, (np.diff(self.sweep) != 0) | (np.diff(self.current_pA) != 0))
        return np.asarray(np.cumsum(new) - 1)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Which bins begin late enough after a change of the current, shape (n,)."""
        level = self.level
        first = self.start_s[np.searchsorted(level, np.arange(level[-1] + 1))]
        return np.asarray(self.start_s - first[level] >= SKIP_S - 1e-9)

    @property
    def duration_s(self) -> float:
        """Length of the longest sweep (s)."""
        return float((self.start_s + self.window_s).max())

    def curve(self) -> FICurve:
        """The judged bins of each level as one measurement of an f-I curve."""
        judged, level = self.judged, self.level
        kept, index = np.unique(level[judged], return_inverse=True)
        start = self.start_s[judged]
        first = np.searchsorted(index, np.arange(len(kept)))
        begin = start[first]
        window = np.bincount(index, weights=self.window_s[judged])
        timing = None
        if self.trains is not None:
            sweeps = np.unique(self.sweep)
            which = np.searchsorted(sweeps, self.sweep[judged][first])
            pieces = []
            for k, at, length in zip(which, begin, window, strict=True):
                train = self.trains[k]
                pieces.append(train[(train >= at) & (train < at + length)] - at)
            timing = timing_of(pieces, self.resolution_s, 0.0)
        current = self.current_pA[judged][first]
        trial = np.array([int(np.sum(current[:k] == amount)) for k, amount in enumerate(current)])
        counts = np.bincount(index, weights=self.count[judged])
        return FICurve(current, counts, window, trial, timing=timing)

    @classmethod
    def of_trains(
        cls,
        trains: Sequence[ArrayLike],
        levels: Sequence[Sequence[tuple[float, float]]],
        resolution_s: float = 1e-4,
    ) -> SweepCounts:
        """Count spike trains under levels of current.

        Parameters
        ----------
        trains : sequence of array_like
            Spike times of each sweep (s).
        levels : sequence of sequences of (float, float)
            Of each sweep: current (pA) and length (s) of its levels, one after the other from 0 s.
        resolution_s : float
            How finely spike times are known (s).

        Examples
        --------
        >>> SweepCounts.of_trains([[0.5, 1.5, 1.7, 2.2]], [[(100.0, 3.0)]]).count
        array([1., 2., 1.])
        """
        rows: list[tuple[float, float, float, float, float]] = []
        times = tuple(np.sort(np.asarray(train, dtype=float)) for train in trains)
        for number, (train, given) in enumerate(zip(times, levels, strict=True)):
            begin = 0.0
            for current, length in given:
                edges = begin + np.append(np.arange(max(1, int(length / BIN_S))) * BIN_S, length)
                # A spike on an edge belongs to the bin that begins there, and to no other.
                count = np.diff(np.searchsorted(train, edges))
                begin += length
                rows += [
                    (number, low, high - low, current, spikes)
                    for low, high, spikes in zip(edges[:-1], edges[1:], count, strict=True)
                ]
        sweep, start, width, current, count = np.array(rows).T
        return cls(sweep, start, width, current, count, times, resolution_s)

    @classmethod
    def from_frame(cls, table: Any) -> SweepCounts:
        """Read a table with the columns sweep, start_s, window_s, current_pA and count.

        Parameters
        ----------
        table : DataFrame or mapping of str to array_like

        Raises
        ------
        CurveError
            A column is missing, or the bins are not as they should be.
        """
        missing = [name for name in _COLUMNS if name not in table]
        if missing:
            raise CurveError(
                f"counts in time lack {', '.join(missing)}",
                f"name the columns {', '.join(_COLUMNS)}: one row a bin, every bin of a sweep",
            )
        try:
            sweep, start, width, current, count = (
                np.asarray(table[name], dtype=float) for name in _COLUMNS
            )
        except (TypeError, ValueError) as error:
            raise CurveError(
                f"counts in time: {error}", "give plain numbers in every column"
            ) from None
        return cls(sweep, start, width, current, count)

    def to_dict(self) -> dict[str, list[float]]:
        """The columns of `from_frame`, as plain values."""
        return {name: getattr(self, name).tolist() for name in _COLUMNS}
