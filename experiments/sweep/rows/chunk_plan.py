"""Which rows are computed together: the chunks of a grid, and what names each.

A chunk is one engine batch, so its rows share their structural coordinates. Which rows are in it
follows from the grid alone. A store whose grid has grown keeps its chunks: the rows that are new
are chunks of a further generation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from experiments.sweep.errors import SweepError
from experiments.sweep.rows.grids import Grid
from experiments.sweep.rows.row_hashes import row_hashes
from neurosim.errors import ParameterError

__all__ = ["Chunk", "Generation", "Plan"]

_AT_ONCE = 1 << 18


@dataclass(frozen=True, eq=False)
class Generation:
    """A grid as it was when it was first asked for, and how many rows its chunks have at most."""

    grid: Grid
    chunk_rows: int


@dataclass(frozen=True, eq=False)
class Chunk:
    """Rows that are computed together.

    Attributes
    ----------
    generation : int
        Which generation they belong to.
    index : ndarray of int
        Their numbers in that generation's grid.
    hashes : ndarray of uint64
        Their hashes, from `row_hashes`.
    places : ndarray of int
        Where they stand among the rows that are asked for; -1 where they are not.
    """

    generation: int
    index: np.ndarray
    hashes: np.ndarray
    places: np.ndarray

    @cached_property
    def asked(self) -> int:
        """How many of the rows are asked for."""
        return int(np.count_nonzero(self.places >= 0))

    def digest(self, identity: Mapping[str, Any], engine: str) -> str:
        """Return the chunk's name: of what is computed, of which rows, and by which engine.

        The rows' hashes follow from their coordinates and from the sweep's seed.
        """
        content = hashlib.sha256(json.dumps([identity, engine], sort_keys=True).encode())
        content.update(self.hashes.astype("<u8").tobytes())
        return content.hexdigest()[:40]


@dataclass(frozen=True, eq=False)
class Plan:
    """The chunks of all generations of a store.

    Parameters
    ----------
    generations : sequence of Generation
        The last is that of the grid which is asked for, unless an earlier one has all its rows.
    grid : Grid
        The grid that is asked for.
    seed : int
        Of the sweep.
    structural : tuple of str
        Axes that are one value in a chunk.

    Raises
    ------
    ParameterError
        A grid has a row twice.
    """

    generations: Sequence[Generation]
    grid: Grid
    seed: int
    structural: tuple[str, ...]

    @cached_property
    def hashes(self) -> np.ndarray:
        """Hash of each row that is asked for, in the order of the grid."""
        return self._hashes_of(self.grid, self.grid.selected)

    def _places(self, hashes: np.ndarray) -> np.ndarray:
        """Return where rows stand among those asked for; -1 where they are not."""
        at = np.minimum(np.searchsorted(self._ordered, hashes), len(self._ordered) - 1)
        return np.where(self._ordered[at] == hashes, self._order[at], -1)

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self.hashes)

    @cached_property
    def _ordered(self) -> np.ndarray:
        ordered: np.ndarray = self.hashes[self._order]
        return ordered

    @cached_property
    def chunks(self) -> list[Chunk]:
        """The chunks that have at least one of the rows asked for."""
        return [one for one in self._all() if one.asked]

    def columns(self, chunk: Chunk) -> dict[str, np.ndarray]:
        """Return the coordinates of a chunk's rows by axis, in SI units."""
        return self.generations[chunk.generation].grid.columns(chunk.index)

    def is_covered(self) -> bool:
        """Whether the generations have all rows that are asked for."""
        known = [one.hashes for one in self._all()]
        return bool(known) and bool(np.isin(self.hashes, np.concatenate(known)).all())

    def _all(self) -> Iterator[Chunk]:
        """Give the chunks of every generation: of each, the rows that those before it lack.

        Rows are slices of whole arrays wherever they can be: a sweep of a million rows spends
        little more on its chunks than their digests.
        """
        seen: list[np.ndarray] = []
        for number, generation in enumerate(self.generations):
            grid = generation.grid
            index, same = grid.selected, grid == self.grid
            hashes = self.hashes if same else self._hashes_of(grid, index)
            places = np.arange(len(index)) if same else self._places(hashes)
            rows = np.arange(len(index))
            if seen:
                rows = rows[~np.isin(hashes, np.concatenate(seen))]
            for group in self._alike(grid, index, rows):
                mine = index[group], hashes[group], places[group]
                for first in range(0, len(mine[0]), generation.chunk_rows):
                    part = slice(first, first + generation.chunk_rows)
                    yield Chunk(number, *(array[part] for array in mine))
            seen.append(hashes)

    def _alike(self, grid: Grid, index: np.ndarray, rows: np.ndarray) -> list[Any]:
        """Return rows in groups that share their structural coordinates, first come first.

        All rows in one group are a slice, so that nothing is copied.
        """
        names = [axis.name for axis in grid.axes if axis.name in self.structural]
        if not len(rows):
            return []
        if not names:
            return [slice(None) if len(rows) == len(index) else rows]
        columns = grid.columns(index[rows])
        code = np.zeros(len(rows), dtype=np.int64)
        for name in names:
            values, which = np.unique(columns[name], return_inverse=True)
            code = code * len(values) + which
        _, first, size = np.unique(code, return_index=True, return_counts=True)
        groups = np.split(rows[np.argsort(code, kind="stable")], np.cumsum(size)[:-1])
        return [groups[k] for k in np.argsort(first)]

    def _hashes_of(self, grid: Grid, index: np.ndarray) -> np.ndarray:
        parts = [
            row_hashes(self.seed, grid.columns(index[first : first + _AT_ONCE]))
            for first in range(0, len(index), _AT_ONCE)
        ]
        hashes: np.ndarray = np.concatenate(parts)
        ordered = np.sort(hashes)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(twice):
            one, other = np.flatnonzero(hashes == twice[0])[:2]
            rows = grid.columns(index[[one, other]])
            if all(values[0] == values[1] for values in rows.values()):
                raise ParameterError(
                    f"sweep: rows {index[one]} and {index[other]} of the grid are the same; to "
                    "repeat rows with other noise, add an axis such as 'repeat': range(10)"
                )
            raise SweepError(
                f"sweep: rows {index[one]} and {index[other]} have one hash by chance (of 10^7 "
                "rows that happens to one sweep in 400,000); take another seed"
            )
        return hashes
