"""Courses of parameters as tables of plain numbers, for programs of both engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

__all__ = ["CourseTable", "derived", "follow", "write_tables"]


@dataclass(frozen=True, eq=False)
class CourseTable:
    """Values at ascending times, held before the first and after the last.

    Attributes
    ----------
    times, values : ndarray, shape (n,)
        Times in second, and values in SI units.
    geometric : bool
        Whether equal times change the value by equal factors, not by equal amounts.
    """

    times: np.ndarray
    values: np.ndarray
    geometric: bool = False

    def at(self, time: float, *, before: bool = False) -> float:
        """Return the value at a time; at a jump the one after it, or `before` it.

        Examples
        --------
        >>> table = CourseTable(np.array([0.0, 1.0, 1.0]), np.array([2.0, 4.0, 8.0]))
        >>> table.at(0.5), table.at(1.0), table.at(1.0, before=True), table.at(9.0)
        (3.0, 8.0, 4.0, 8.0)
        """
        k = int(np.searchsorted(self.times, time, side="left" if before else "right"))
        if k == 0:
            return float(self.values[0])
        if k == len(self.times):
            return float(self.values[-1])
        low, high = float(self.values[k - 1]), float(self.values[k])
        share = (time - self.times[k - 1]) / (self.times[k] - self.times[k - 1])
        return float(low * (high / low) ** share if self.geometric else low + share * (high - low))


def follow(tables: Sequence[CourseTable], number: np.ndarray, time: float) -> np.ndarray:
    """Return the value of the course that each number names."""
    numbers = np.atleast_1d(np.asarray(number)).astype(int)
    found = np.empty(numbers.shape)
    for k in np.unique(numbers):
        found[numbers == k] = tables[int(k)].at(time)
    return found


def write_tables(tables: Sequence[CourseTable], folder: Path) -> None:
    """Write courses as ``courses.h`` reads them."""
    lengths = [len(table.times) for table in tables]
    empty = np.zeros(0)
    np.asarray([len(lengths)], dtype=np.float64).tofile(folder / "course_count")
    np.cumsum([0, *lengths]).astype(np.int64).tofile(folder / "course_starts")
    geometric = np.array([float(table.geometric) for table in tables])
    geometric.tofile(folder / "course_geometric")
    np.concatenate([empty, *(table.times for table in tables)]).tofile(folder / "course_times")
    np.concatenate([empty, *(table.values for table in tables)]).tofile(folder / "course_values")


_CLOSE = 1e-9
_FINEST = 256


def derived(
    value: Callable[[dict[str, float]], float], courses: Mapping[str, CourseTable]
) -> CourseTable:
    """Return the course of what follows from parameters that have courses.

    Where it is linear or exponential in them the course is exact; elsewhere it is sampled until
    straight lines between the samples are off by less than 1e-9, or 256 samples to a piece.

    Parameters
    ----------
    value : callable
        Gets the parameters by name and returns what follows from them.
    courses : mapping of str to CourseTable
        Piecewise-linear courses of the parameters.

    Examples
    --------
    >>> cooling = CourseTable(np.array([0.0, 2.0]), np.array([37.0, 27.0]))
    >>> phi = derived(lambda now: 3.0 ** ((now["T"] - 37) / 10), {"T": cooling})
    >>> phi.geometric, round(phi.at(1.0), 6), round(3**-0.5, 6)
    (True, 0.57735, 0.57735)
    """
    edges = np.unique(np.concatenate([table.times for table in courses.values()]))
    begin = float(edges[0])
    # Held until the first edge, which may itself be a jump.
    first = value({name: table.at(begin, before=True) for name, table in courses.items()})
    pieces = []
    for start, stop in pairwise(edges.tolist()):
        limits = {
            name: (table.at(start), table.at(stop, before=True)) for name, table in courses.items()
        }

        def inside(share: float, limits: dict[str, tuple[float, float]] = limits) -> float:
            return value({name: a + share * (b - a) for name, (a, b) in limits.items()})

        pieces.append((float(start), float(stop), inside))
    last = value({name: table.at(float(edges[-1])) for name, table in courses.items()})
    if pieces and all(_is_geometric(inside) for _, _, inside in pieces):
        ends = [(time, inside(x)) for a, b, inside in pieces for x, time in ((0.0, a), (1.0, b))]
        every = np.array([(begin, first), *ends, (edges[-1], last)])
        return CourseTable(every[:, 0], every[:, 1], geometric=True)
    times, values = [edges[:1]], [np.array([first])]
    for start, stop, inside in pieces:
        shares, found = _sampled(inside)
        times.append(start + shares * (stop - start))
        values.append(np.array(found))
    return CourseTable(
        np.concatenate([*times, edges[-1:]]), np.concatenate([*values, np.array([last])])
    )


def _is_geometric(inside: Callable[[float], float]) -> bool:
    low, high = inside(0.0), inside(1.0)
    if not (low > 0 and high > 0):
        return False
    return all(
        abs(inside(share) / (low * (high / low) ** share) - 1) < 1e-12 for share in (0.3, 0.5, 0.8)
    )


def _sampled(inside: Callable[[float], float]) -> tuple[np.ndarray, list[float]]:
    count = 1
    while True:
        shares = np.linspace(0, 1, count + 1)
        found = [inside(float(share)) for share in shares]
        middle = [inside(float(share)) for share in (shares[1:] + shares[:-1]) / 2]
        line = (np.array(found[1:]) + np.array(found[:-1])) / 2
        size = float(np.max(np.abs(found))) or 1.0
        if count >= _FINEST or np.max(np.abs(line - middle)) <= _CLOSE * size:
            return shares, found
        count *= 2
