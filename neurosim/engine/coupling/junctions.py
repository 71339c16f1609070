"""Gap junctions of a run as plain arrays, and the order in which their equations are eliminated."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from neurosim.ions.transporter import VALENCE

__all__ = ["OUT_OF_JUNCTIONS", "Elimination", "Junctions", "write_junctions"]

#: Kernel by which a sum names the current out of a compartment through its junctions.
OUT_OF_JUNCTIONS = -4

# Elimination may fill in so many entries for each that is there; beyond it the factor keeps the
# pattern of the junctions and serves as a preconditioner.
_MOST_FILL = 3


@dataclass(frozen=True)
class Elimination:
    """Pattern of the triangular factor of the equations of all ends.

    Attributes
    ----------
    order : ndarray of int, shape (ends,)
        Which end is eliminated at each place.
    starts : ndarray of int, shape (ends + 1,)
        Where the entries of each row of the factor begin.
    columns : ndarray of int, shape (entries,)
        Their columns, which lie before the row, in rising order.
    junction_at : ndarray of int, shape (junctions,)
        Entry between the two ends of each junction.
    within_at : ndarray of int
        Entries between the ends of one cell, cell after cell: (1, 0), (2, 0), (2, 1), (3, 0), ...
    exact : bool
        Whether the factor holds all that elimination fills in.
    """

    order: np.ndarray
    starts: np.ndarray
    columns: np.ndarray
    junction_at: np.ndarray
    within_at: np.ndarray
    exact: bool


@dataclass(frozen=True)
class Junctions:
    """Ohmic junctions between compartments of the cells of a run.

    Attributes
    ----------
    group, cell, node : ndarray of int, shape (ends,)
        Compartments that have junctions: group of the run, cell in it, and compartment in the
        numbers of the engine. Sorted, each once.
    first, second : ndarray of int, shape (junctions,)
        Ends that each junction joins.
    conductance : ndarray, shape (junctions,)
        In siemens.
    recorded : ndarray of int, shape (k,)
        Junctions whose current is traced.
    ions : tuple of str
        Ions that pass some junction.
    share : ndarray, shape (ions, junctions)
        Which share of each conductance an ion carries.
    thermal : ndarray, shape (junctions,)
        RT/F of each, in volt.
    """

    group: np.ndarray
    cell: np.ndarray
    node: np.ndarray
    first: np.ndarray
    second: np.ndarray
    conductance: np.ndarray
    recorded: np.ndarray
    ions: tuple[str, ...]
    share: np.ndarray
    thermal: np.ndarray

    @classmethod
    def between(
        cls,
        first: np.ndarray,
        second: np.ndarray,
        conductance: np.ndarray,
        recorded: np.ndarray,
        *,
        ions: tuple[str, ...],
        share: np.ndarray,
        thermal: np.ndarray,
    ) -> Junctions:
        """Make junctions from (group, cell, node) of both ends, each of shape (junctions, 3)."""
        ends, number = np.unique(np.concatenate([first, second]), axis=0, return_inverse=True)
        here, there = np.split(number.ravel(), 2)
        return cls(
            ends[:, 0], ends[:, 1], ends[:, 2], here, there, conductance, recorded, ions, share,
            thermal,
        )  # fmt: skip

    @property
    def valence(self) -> np.ndarray:
        """Charges of the ions that pass, shape (ions,)."""
        return np.array([VALENCE[ion] for ion in self.ions], dtype=float)

    def equilibrium(self, inside: np.ndarray) -> np.ndarray:
        """Return the potential of the first end less that of the second at which an ion rests.

        Parameters
        ----------
        inside : ndarray, shape (ions, ends)
            Concentrations.

        Returns
        -------
        ndarray, shape (ions, junctions)
            In volt; 0 for what does not pass.
        """
        passes = self.share > 0
        ratio = np.where(passes, inside[:, self.second] / inside[:, self.first], 1.0)
        return np.asarray(self.thermal / self.valence[:, np.newaxis] * np.log(ratio))

    def into_ends(self, carried: np.ndarray) -> np.ndarray:
        """Return what each end got of each ion, shape (ions, ends), from what junctions carried."""
        found = np.zeros((len(self.ions), self.ends))
        for into, row in zip(found, carried, strict=True):
            np.subtract.at(into, self.first, row)
            np.add.at(into, self.second, row)
        return found

    @property
    def ends(self) -> int:
        """Number of compartments that have junctions."""
        return len(self.node)

    @cached_property
    def cells(self) -> list[np.ndarray]:
        """Ends of each cell that has any."""
        changes = (np.diff(self.group) != 0) | (np.diff(self.cell) != 0)
        return np.split(np.arange(self.ends), np.flatnonzero(changes) + 1)

    def nodes_of(self, group: int) -> np.ndarray:
        """Return the compartments of a group that have junctions in any of its cells, sorted."""
        return np.unique(self.node[self.group == group])

    def out_of_ends(self, current: np.ndarray) -> np.ndarray:
        """Return the current out of each end, from that of each junction from first to second."""
        found = np.zeros(self.ends)
        np.add.at(found, self.first, current)
        np.subtract.at(found, self.second, current)
        return found

    def elimination(self) -> Elimination:
        """Return in which order the ends are eliminated, and what that fills in."""
        within = [
            (int(a), int(b)) for own in self.cells for k, a in enumerate(own) for b in own[:k]
        ]
        joined = list(zip(self.first.tolist(), self.second.tolist(), strict=True))
        near: list[set[int]] = [set() for _ in range(self.ends)]
        for a, b in [*within, *joined]:
            near[a].add(b)
            near[b].add(a)
        entries = sum(map(len, near)) // 2
        filled = _minimum_degree(near, _MOST_FILL * (entries + self.ends))
        if filled is None:
            order = _narrow(near)
            place = np.argsort(order)
            rows = [sorted({int(place[b]) for b in near[a] if place[b] < place[a]}) for a in order]
        else:
            order, rows = filled
            place = np.argsort(order)
        starts = np.cumsum([0, *map(len, rows)])
        at = {(i, j): int(starts[i]) + k for i, row in enumerate(rows) for k, j in enumerate(row)}

        def entry(a: int, b: int) -> int:
            i, j = int(place[a]), int(place[b])
            return at[max(i, j), min(i, j)]

        return Elimination(
            order=np.asarray(order),
            starts=starts,
            columns=np.array([j for row in rows for j in row], dtype=np.int32),
            junction_at=np.array([entry(a, b) for a, b in joined], dtype=np.int32),
            within_at=np.array([entry(a, b) for a, b in within], dtype=np.int32),
            exact=filled is not None,
        )


def _minimum_degree(near: list[set[int]], most: int) -> tuple[np.ndarray, list[list[int]]] | None:
    """Return an order, and the rows of the factor, that fill in little; None beyond `most` entries.

    The end with the fewest neighbours goes first, and its neighbours become neighbours of each
    other (Tinney and Walker 1967).
    """
    left = [set(one) for one in near]
    queue = [(len(one), k) for k, one in enumerate(left)]
    heapq.heapify(queue)
    order: list[int] = []
    gone = [False] * len(near)
    below: list[set[int]] = []
    entries = 0
    while queue:
        degree, k = heapq.heappop(queue)
        if gone[k] or degree != len(left[k]):
            continue
        gone[k] = True
        order.append(k)
        below.append(left[k])
        entries += degree
        if entries > most:
            return None
        for other in left[k]:
            left[other] |= left[k]
            left[other] -= {other, k}
            heapq.heappush(queue, (len(left[other]), other))
    place = np.argsort(order)
    rows: list[list[int]] = [[] for _ in near]
    for column, later in enumerate(below):
        for k in later:
            rows[int(place[k])].append(column)
    return np.array(order), rows


def _narrow(near: list[set[int]]) -> np.ndarray:
    """Return an order in which neighbours are close (reverse Cuthill-McKee)."""
    starts = np.cumsum([0, *map(len, near)])
    columns = np.array([k for one in near for k in sorted(one)], dtype=np.int32)
    graph = csr_array((np.ones(len(columns)), columns, starts), shape=(len(near),) * 2)
    return np.asarray(reverse_cuthill_mckee(graph, symmetric_mode=True))


def write_junctions(junctions: Junctions, folder: Path) -> None:
    """Write what `junctions.h` reads."""
    plan = junctions.elimination()

    def put(name: str, values: np.ndarray, dtype: type) -> None:
        array: np.ndarray = np.ascontiguousarray(values, dtype=dtype)
        array.tofile(folder / f"junctions.{name}")
        np.asarray([array.size], dtype=np.float64).tofile(folder / f"junctions.{name}.count")

    for name in ("group", "cell", "node", "first", "second", "recorded"):
        put(name, getattr(junctions, name), np.int64)
    for name in ("conductance", "valence", "share", "thermal"):
        put(name, getattr(junctions, name), np.float64)
    names = b"".join(ion.ljust(2).encode() for ion in junctions.ions)
    (folder / "junctions.ions").write_bytes(names)
    put("order", plan.order, np.int64)
    put("starts", plan.starts, np.int64)
    put("columns", plan.columns, np.int64)
    put("junction_at", plan.junction_at, np.int64)
    put("within_at", plan.within_at, np.int64)
