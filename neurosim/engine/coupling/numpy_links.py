"""Gap junctions and spaces in plain NumPy: one sparse matrix for all nodes of all cells.

An independent check of `junctions.h` and `spaces.h`, and their place without a compiler.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from scipy.sparse import block_diag, csc_array, csr_array, diags_array
from scipy.sparse.linalg import spsolve

from neurosim.engine.coupling.junctions import Junctions
from neurosim.engine.coupling.links import LinkResults, Links
from neurosim.engine.coupling.spaces import FARADAY, SpaceResults, Spaces, move_boxes
from neurosim.errors import EmptySpaceError

__all__ = ["NumpyLinks"]


class _Tree(Protocol):
    @property
    def nodes(self) -> int: ...


class _Inputs(Protocol):
    @property
    def tree(self) -> _Tree: ...
    @property
    def cells(self) -> int: ...
    @property
    def dt(self) -> float: ...
    @property
    def start_step(self) -> int: ...
    @property
    def trace_stride(self) -> int: ...


class _Cells(Protocol):
    """A batch of cells on its way.

    Attributes
    ----------
    drawn : ndarray, shape (nodes, cells)
        Current out of each node through gap junctions.
    ends : ndarray of int
        Nodes that have any.
    arriving : dict of str to ndarray, each of shape (nodes, cells)
        By ion, the charge that comes through gap junctions in the step.
    """

    drawn: np.ndarray
    ends: np.ndarray
    arriving: dict[str, np.ndarray]

    @property
    def inputs(self) -> Any: ...
    def begin(self, step: int) -> None: ...
    def matrix(self) -> tuple[Any, np.ndarray]: ...
    def inside(self, ion: str) -> np.ndarray: ...
    def end(self, step: int, coupled: np.ndarray | None = None) -> None: ...
    def watch(self, step: int) -> None: ...
    def crossed(self, ion: str) -> np.ndarray: ...
    def surround(self, ion: str, box: np.ndarray, values: np.ndarray) -> None: ...


class _Coupling:
    """Gap junctions of groups of cells."""

    def __init__(self, junctions: Junctions, groups: Sequence[_Cells]) -> None:
        self.junctions, self.groups = junctions, groups
        nodes = [group.inputs.tree.nodes for group in groups]
        cells = [group.inputs.cells for group in groups]
        self.firsts = np.cumsum([0, *(n * c for n, c in zip(nodes, cells, strict=True))])
        many = np.array(nodes)[junctions.group]
        place = self.firsts[junctions.group] + junctions.cell * many + junctions.node
        self.here, self.there = place[junctions.first], place[junctions.second]
        size = int(self.firsts[-1])
        g, rows = junctions.conductance, np.concatenate([self.here, self.there])
        columns = np.concatenate([self.there, self.here])
        off = csr_array((np.concatenate([g, g]), (rows, columns)), shape=(size, size))
        self.laplacian = diags_array(off.sum(axis=1)) - off
        self.current = np.zeros(len(g))
        self.passed = np.zeros(junctions.ends)
        # Current of each ion, and the charge that it carried since the start.
        self.of_ions = np.zeros(junctions.share.shape)
        self.carried = np.zeros(junctions.share.shape)
        for number, group in enumerate(groups):
            group.ends = junctions.nodes_of(number)

    def solve(self, dt: float) -> list[np.ndarray]:
        """Return the potentials of each group; its `drawn` and `arriving` are set.

        `dt` is 0 while the cells settle and ions stay.
        """
        matrices, rights = zip(*(group.matrix() for group in self.groups), strict=True)
        whole = csc_array(block_diag(matrices) + self.laplacian)
        junctions = self.junctions
        equal = junctions.equilibrium(self._inside())
        source = -junctions.conductance * (junctions.share * equal).sum(axis=0)
        right = np.concatenate(rights)
        np.subtract.at(right, self.here, source)
        np.add.at(right, self.there, source)
        solved = spsolve(whole, right)
        apart = solved[self.here] - solved[self.there]
        self.current = junctions.conductance * apart + source
        self.of_ions = junctions.conductance * junctions.share * (apart - equal)
        out = self.junctions.out_of_ends(self.current)
        found = []
        for number, group in enumerate(self.groups):
            mine = self.junctions.group == number
            own = solved[self.firsts[number] : self.firsts[number + 1]]
            group.drawn[self.junctions.node[mine], self.junctions.cell[mine]] = out[mine]
            found.append(own.reshape(group.inputs.cells, group.inputs.tree.nodes).T)
        self._carry(dt)
        return found

    def _inside(self) -> np.ndarray:
        """Return the concentrations at the ends, shape (ions, ends)."""
        ends = self.junctions
        found = np.ones((len(ends.ions), ends.ends))
        for row, ion in zip(found, ends.ions, strict=True):
            for number, group in enumerate(self.groups):
                mine = ends.group == number
                row[mine] = group.inside(ion)[ends.node[mine], ends.cell[mine]]
        return found

    def _carry(self, dt: float) -> None:
        """Tell the groups what their pools get in a step."""
        ends = self.junctions
        self.carried += dt * self.of_ions
        for ion, into in zip(ends.ions, ends.into_ends(dt * self.of_ions), strict=True):
            for number, group in enumerate(self.groups):
                mine = ends.group == number
                group.arriving[ion] = np.zeros(group.drawn.shape)
                group.arriving[ion][ends.node[mine], ends.cell[mine]] = into[mine]


class _Around:
    """Spaces around groups of cells."""

    def __init__(self, spaces: Spaces, groups: Sequence[_Cells]) -> None:
        self.spaces, self.groups = spaces, groups
        self.now = spaces.start.copy()
        self.exchanged = np.zeros_like(self.now)

    def step(self, time: float, dt: float) -> None:
        """Let the boxes take what crossed in a step."""
        spaces, gained = self.spaces, np.zeros_like(self.now)
        for group, boxes in zip(self.groups, spaces.members, strict=True):
            for k, ion in enumerate(spaces.ions):
                inside = boxes[k] >= 0
                charge = group.crossed(ion)
                np.add.at(gained[k], boxes[k][inside], charge[inside])
        gained /= -spaces.valence[:, np.newaxis] * FARADAY
        self.now, lost = move_boxes(spaces, self.now, gained, dt)
        self.exchanged += lost
        short = np.argwhere(self.now <= 0)
        if len(short):
            ion, box = short[0].tolist()
            raise EmptySpaceError(box, spaces.ions[ion], time)
        for group, boxes in zip(self.groups, spaces.members, strict=True):
            for k, ion in enumerate(spaces.ions):
                group.surround(ion, boxes[k], self.now[k])


class NumpyLinks:
    """What joins groups of cells; parameters as `run_oracle`."""

    def __init__(self, links: Links, groups: Sequence[_Cells], first: _Inputs) -> None:
        self.groups, self.first, self.links = groups, first, links
        self.coupling = None if links.junctions is None else _Coupling(links.junctions, groups)
        self.around = None if links.spaces is None else _Around(links.spaces, groups)
        self.currents: list[np.ndarray] = []
        self.traces: list[np.ndarray] = []

    def step(self, step: int) -> None:
        """Advance all cells by a step, together."""
        first, settling = self.first, step < self.first.start_step
        for group in self.groups:
            group.begin(step)
        solved: list[Any] = [None] * len(self.groups)
        if self.coupling is not None:
            solved = self.coupling.solve(0.0 if settling else first.dt)
        for group, own in zip(self.groups, solved, strict=True):
            group.end(step, own)
        if settling:
            return
        if self.coupling is not None:
            out = self.coupling.junctions.out_of_ends(self.coupling.current)
            self.coupling.passed += first.dt * out
        if self.around is not None:
            self.around.step((step + 1) * first.dt, first.dt)
        for group in self.groups:
            group.watch(step)
        if (step + 1) % first.trace_stride == 0:
            if self.coupling is not None:
                self.currents.append(self.coupling.current[self.coupling.junctions.recorded])
            if self.around is not None:
                self.traces.append(self.around.now.copy())

    def results(self) -> LinkResults:
        """Return what was recorded."""
        junctions, spaces = self.links.junctions, self.links.spaces
        rows = 0 if junctions is None else len(junctions.recorded)
        samples = len(self.traces) if junctions is None else len(self.currents)
        currents = np.reshape(self.currents, (samples, rows)).T if rows else np.zeros((0, samples))
        passed = np.zeros(0) if self.coupling is None else self.coupling.passed
        carried = np.zeros((0, 0)) if self.coupling is None else self.coupling.carried
        if self.around is None or spaces is None:
            return LinkResults(currents, passed, carried)
        shape = (len(self.traces), *self.around.now.shape)
        traces = np.reshape(self.traces, shape).transpose(1, 2, 0)
        done = SpaceResults(traces, self.around.now.copy(), self.around.exchanged)
        return LinkResults(currents, passed, carried, done)
