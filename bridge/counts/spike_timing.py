"""What the times of spikes say beyond their number: the intervals between them.

How regular a cell fires shows in neighbouring intervals: of two independent intervals with gamma
distributions of one shape ``k``, the share of the first in their sum follows a beta distribution
with both parameters ``k``, whatever the rate (Lukacs 1955, Ann. Math. Stat. 26:319). So a rate
that drifts, as in a cell that adapts, is not taken for irregularity; the local variation of
Shinomoto, Shima and Tanji (2003, Neural Comput. 15:2823) rests on the same idea.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.errors import CurveError

__all__ = ["SpikeTiming", "timing_of"]

Array = NDArray[np.float64]

PER_MEASUREMENT = (
    "intervals", "shortest_s", "longest_s", "total_s", "square_s2", "pairs", "evenness", "lead_s",
    "early_s", "late_s",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class SpikeTiming:
    """Intervals between the spikes of each measurement, summed up; read-only.

    Attributes
    ----------
    intervals : ndarray, shape (n,)
        Number of intervals between spikes in the window.
    shortest_s, longest_s : ndarray, shape (n,)
        The extreme ones (s); nan where there are none.
    total_s, square_s2 : ndarray, shape (n,)
        Sum of the intervals (s) and of their squares (s²).
    resolution_s : float
        How finely spike times are known (s): the time step of a simulation or the sampling interval
        of a recording. Each interval may be off by so much.
    pairs : ndarray, shape (n,)
        Half the number of neighbouring intervals: each interval stands in two pairs. 0 where they
        are not known.
    evenness : ndarray, shape (n,)
        Half the sum of ``log(4 x (1 - x))`` over the pairs, with x the share of the first interval;
        0 for a clock, negative otherwise.
    lead_s : ndarray, shape (n,)
        From the beginning of the window to the first spike (s); nan where it is not known.
    early_s, late_s : ndarray, shape (n,)
        Sum of the first half of the intervals and of as many at the end (s).

    Examples
    --------
    >>> timing = timing_of([[0.1, 0.3, 0.6], []], 1e-4)
    >>> timing.intervals, timing.total_s
    (array([2., 0.]), array([0.5, 0. ]))
    >>> timing.evenness.round(3)
    array([-0.02,  0.  ])
    """

    intervals: Array
    shortest_s: Array
    longest_s: Array
    total_s: Array
    square_s2: Array
    resolution_s: float
    pairs: Array = None  # type: ignore[assignment]
    evenness: Array = None  # type: ignore[assignment]
    lead_s: Array = None  # type: ignore[assignment]
    early_s: Array = None  # type: ignore[assignment]
    late_s: Array = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        for name, absent in (
            ("pairs", 0.0), ("evenness", 0.0), ("lead_s", np.nan), ("early_s", np.nan),
            ("late_s", np.nan),
        ):  # fmt: skip
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(len(self.intervals), absent))
        columns = {
            name: np.array(
                [np.nan if value is None else value for value in getattr(self, name)], dtype=float
            )
            for name in PER_MEASUREMENT
        }
        if len({column.shape for column in columns.values()}) > 1:
            raise CurveError(
                "spike timing: columns differ in length", "give one entry a measurement"
            )
        if not self.resolution_s >= 0:
            raise CurveError(
                f"spike timing: resolution_s = {self.resolution_s} is negative",
                "give the time step in seconds",
            )
        for name, column in columns.items():
            column.flags.writeable = False
            object.__setattr__(self, name, column)
        object.__setattr__(self, "resolution_s", float(self.resolution_s))

    def __len__(self) -> int:
        return len(self.intervals)

    def rows(self, keep: NDArray[Any]) -> SpikeTiming:
        """Some of the measurements, by mask or indices."""
        columns = {name: getattr(self, name)[keep] for name in PER_MEASUREMENT}
        return replace(self, **columns)

    def same(self, other: SpikeTiming | None) -> bool:
        """Whether another holds the same numbers."""
        return other is not None and all(
            np.array_equal(getattr(self, name), getattr(other, name), equal_nan=True)
            for name in (*PER_MEASUREMENT, "resolution_s")
        )

    def to_dict(self) -> dict[str, Any]:
        """Every number, fit for JSON; None where there is no interval."""
        said: dict[str, Any] = {
            name: [None if np.isnan(value) else float(value) for value in getattr(self, name)]
            for name in PER_MEASUREMENT
        }
        return {**said, "resolution_s": self.resolution_s}


def timing_of(
    trains: Sequence[ArrayLike], resolution_s: float, begin_s: float | None = None
) -> SpikeTiming:
    """Sum up the intervals of spike trains.

    Parameters
    ----------
    trains : sequence of array_like
        Times of the spikes in the window of each measurement (s), ascending.
    resolution_s : float
        How finely they are known (s).
    begin_s : float, optional
        When the windows begin (s).

    Returns
    -------
    SpikeTiming
    """
    times = [np.asarray(train, dtype=float) for train in trains]
    gaps = [np.diff(train) for train in times]
    begin = np.nan if begin_s is None else begin_s
    halves = [len(gap) // 2 for gap in gaps]
    return SpikeTiming(
        np.array([len(gap) for gap in gaps], dtype=float),
        np.array([gap.min() if len(gap) else np.nan for gap in gaps]),
        np.array([gap.max() if len(gap) else np.nan for gap in gaps]),
        np.array([gap.sum() for gap in gaps]),
        np.array([(gap**2).sum() for gap in gaps]),
        resolution_s,
        np.array([max(len(gap) - 1, 0) / 2 for gap in gaps]),
        np.array([_evenness(gap) for gap in gaps]),
        np.array([train[0] - begin if len(train) else np.nan for train in times]),
        np.array([gap[:half].sum() for gap, half in zip(gaps, halves, strict=True)]),
        np.array([gap[len(gap) - half :].sum() for gap, half in zip(gaps, halves, strict=True)]),
    )


def _evenness(gap: Array) -> float:
    """Half the sum of log(4 x (1 - x)) over neighbouring intervals."""
    if len(gap) < 2:
        return 0.0
    first, second = gap[:-1], gap[1:]
    share = first * second / (first + second) ** 2
    return 0.5 * float(np.log(np.maximum(4 * share, 1e-12)).sum())


def joined(parts: Sequence[SpikeTiming | None]) -> SpikeTiming | None:
    """Several put one after the other; None where one of them is not known."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    columns = {
        name: np.concatenate([getattr(part, name) for part in known]) for name in PER_MEASUREMENT
    }
    return SpikeTiming(**columns, resolution_s=max(part.resolution_s for part in known))
