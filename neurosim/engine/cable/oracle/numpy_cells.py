"""A batch of cells in plain NumPy: potential, ions and spikes, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import block_array, block_diag, csc_array, csr_array, diags_array
from scipy.sparse.linalg import spsolve

from neurosim.engine.cable.inputs import (
    LAYER,
    CableInputs,
    CableResults,
    Counted,
    CountedRows,
)
from neurosim.engine.cable.model import CableModel
from neurosim.engine.cable.oracle.numpy_rows import Rows, under
from neurosim.engine.coupling.junctions import OUT_OF_JUNCTIONS
from neurosim.engine.diffusion.along_tree import NumpyDiffusion
from neurosim.engine.programs.course_tables import follow
from neurosim.errors import DepletionError, DivergenceError, PoleError

__all__ = ["Cells"]


class Cells:
    """One batch of cells on its way."""

    def __init__(self, number: int, model: CableModel, inputs: CableInputs) -> None:
        self.number, self.inputs = number, inputs
        tree, cells = inputs.tree, inputs.cells
        self.rows = [Rows(k, g, inputs) for k, g in zip(model.kernels, inputs.kernels, strict=True)]
        start = np.asarray(inputs.start, dtype=float)
        start = start if start.ndim == 2 else start[:, np.newaxis]
        self.v = np.broadcast_to(start, (tree.compartments, cells)).copy()
        self.v_start, self.began = self.v, self._concentrations()
        self.order, self.around = tree.order(), tree.around()[:, np.newaxis]
        self.spikes: list[tuple[int, int, float]] = []
        self.last_spike = np.array(inputs.last_spikes())
        self.samples: list[list[np.ndarray]] = []
        # Current out of each node through gap junctions.
        self.drawn = np.zeros((tree.nodes, cells))
        self.ends = np.zeros(0, dtype=int)
        self.arriving: dict[str, np.ndarray] = {}
        self.diffusing = [
            NumpyDiffusion(one, tree.parent, cells, inputs.dt) for one in inputs.diffusions
        ]
        # Potential in the layer outside each node, and that which the implicit step solved for.
        self.outer = self.y = np.zeros((tree.nodes, cells))
        if (layer := inputs.layer) is not None:
            self.wall = np.array(np.broadcast_to(layer.wall.T, (cells, tree.nodes)).T)
            if layer.start is not None:
                self.outer[: tree.compartments] = layer.start

    def step(self, step: int) -> None:
        self.begin(step)
        self.end(step)
        if step >= self.inputs.start_step:
            self.watch(step)

    def begin(self, step: int) -> None:
        """Advance the membrane, and write the equations of the potentials."""
        inputs, tree = self.inputs, self.inputs.tree
        time, settling = step * inputs.dt, step < inputs.start_step
        clock: dict[str, Any] = {"t": time, "dt": inputs.dt, "t_in_timesteps": step}
        diagonal = np.zeros((tree.nodes, inputs.cells))
        # Into the membrane, the inside, and the layer outside.
        into = np.zeros((3, tree.nodes, inputs.cells))
        # Just after, where that is the time of a jump.
        now = inputs.moment(step) + 1e-6 * inputs.dt
        for one in inputs.followings:
            values = one.factors[:, np.newaxis] * follow(inputs.courses, one.tables, now)
            if one.kernel == LAYER:
                self.wall[one.sites] = values
                continue
            following = self.rows[one.kernel]
            target = following.factors if one.event else following.values
            target[one.name][one.sites] = values
        asked: dict[Rows, tuple[np.ndarray, np.ndarray]] = {}
        carried = self._carry(step, clock)
        for number, part in enumerate(self.rows):
            injects = part.kernel.injects
            if settling and injects:
                continue
            if not settling and part not in carried:
                part.deliver(step)
            # Injected currents are those of the middle of a Crank-Nicolson step.
            moment = time + (1 - inputs.theta) * inputs.dt if injects else time
            v = self.v[part.nodes]
            g, i = carried.get(part) or part.advance(
                {**clock, "t": moment}, v, inputs.dt * inputs.theta
            )
            np.add.at(diagonal, part.nodes, g)
            electrode = not (part.kernel.conducts or part.kernel.density)
            outer = inputs.layer is not None and number in inputs.layer.kernels
            np.add.at(into[1 + outer] if electrode else into[0], part.nodes, i)
            asked[part] = (g, i)
        self.asked, self.into = asked, into
        self.diagonal = diagonal if inputs.layer is not None else diagonal + self.around

    def end(self, step: int, coupled: np.ndarray | None = None) -> None:
        """Take the potentials of the step; `coupled` are those that junctions left."""
        inputs, tree, asked, into = self.inputs, self.inputs.tree, self.asked, self.into
        time, settling = step * inputs.dt, step < inputs.start_step
        diagonal, before = self.diagonal, self.v
        if step == inputs.start_step:
            self.v_start = before
            self.began = self._concentrations()
            for one in self.diffusing:
                # What came while the cells settled is in the start.
                one.came[:] = 0
        if inputs.layer is None:
            right = into[0] + into[1] - self.drawn
            solved = self._solved(diagonal, right) if coupled is None else coupled
            self.v = before + (solved[: tree.compartments] - before) / inputs.theta
            self._measure(asked, solved, diagonal, right, settling=settling)
        else:
            solved, self.y = self._solve_layered(diagonal, into)
            across = (solved - self.y)[: tree.compartments]
            self.outer = self.outer + (self.y - self.outer) / inputs.theta
            self.v = before + (across - before) / inputs.theta
        if not np.all(np.abs(self.v) < 10):
            worst = int(np.argmax(np.where(np.isnan(self.v), np.inf, np.abs(self.v))))
            compartment, cell = divmod(worst, inputs.cells)
            raise DivergenceError(self.number, int(cell), int(compartment), time + inputs.dt)
        self._look_below(time + inputs.dt)
        if settling:
            self._diffuse(settling=True)
            return
        self._move_ions(before, solved - self.y if inputs.layer is not None else solved, time)
        self._take_arriving(time + inputs.dt)
        self._diffuse(settling=False)
        for part, (g, i) in asked.items():
            if not part.kernel.density:
                taken = (
                    part.values["I_stim"] if part.kernel.amplifier else i - g * solved[part.nodes]
                )
                part.passed += inputs.dt * taken
        self.before, self.solved = before, solved

    def _look_below(self, time: float) -> None:
        """Say where the potential has fallen to where the equation of a part has no value."""
        for rows in self.rows:
            v = self.v[rows.nodes] if rows.kernel.above else np.zeros(())
            for part, field in rows.kernel.above:
                fallen = np.argwhere(~(v > rows.values[f"{part}_{field}"]))
                if len(fallen):
                    row, cell = fallen[0].tolist()
                    raise PoleError(self.number, cell, int(rows.nodes[row]), time, part, field)

    def watch(self, step: int) -> None:
        """Detect spikes and take samples, once all that a step moves is moved."""
        inputs = self.inputs
        self._detect(self.before, step * inputs.dt)
        if (step + 1) % inputs.trace_stride == 0:
            sums = self._combine(self.solved)
            own = {-2: lambda probe: sums[probe[1]], -3: lambda probe: self.y[probe[2]].copy()}
            self.samples.append(
                [
                    own[probe[0]](probe) if probe[0] in own else _probe(self.rows, self.v, probe)
                    for probe in inputs.probes
                ]
            )

    def crossed(self, ion: str) -> np.ndarray:
        """Return the charge of an ion that entered in the step where a space is outside.

        In coulomb, shape (compartments, cells).
        """
        found = np.zeros(self.v.shape)
        for part in self.rows:
            if ion in part.entered:
                found[part.nodes] = part.entered[ion]
        return found

    def surround(self, ion: str, box: np.ndarray, values: np.ndarray) -> None:
        """Put compartments into boxes of given concentrations of an ion."""
        for part in self.rows:
            if ion in part.entered:
                here = box[part.nodes]
                name = f"{ion}_o"
                part.values[name] = np.where(here >= 0, values[here], part.values[name])
                part.retrace()

    def _move_ions(self, before: np.ndarray, solved: np.ndarray, time: float) -> None:
        dt = self.inputs.dt
        patches = [part for part in self.rows if part.kernel.density]
        for patch in patches:
            patch.placed = {held.ion: np.zeros(patch.shape) for held in patch.kernel.ions}
        for part in self.rows:
            for one in part.kernel.carriers if not part.kernel.density else ():
                current, slope = part.given[one.variable]
                moved = dt * (current - slope * (solved[part.nodes] - before[part.nodes]))
                part.crossed[one.variable] += moved
                for patch, row, site in under(part, patches):
                    charge = moved[site] / patch.values["area"][row]
                    patch.placed[one.ions[0][0]][row] += charge
        for part in patches:
            if not part.kernel.moves_ions:
                continue
            short = part.move_ions(before[part.nodes], solved[part.nodes], dt)
            if short:
                row, cell = np.argwhere(~(part.values[short] > 0))[0].tolist()
                where = (self.number, cell, int(part.nodes[row]), time + dt)
                ion, side = short.split("_")
                raise DepletionError(*where, ion, "outside" if side == "o" else "inside")

    def inside(self, ion: str) -> np.ndarray:
        """Return the concentration of an ion in its pools, shape (compartments, cells)."""
        found = np.ones(self.v.shape)
        for part in self.rows:
            if part.pool_of(ion):
                found[part.nodes] = part.values[f"{ion}_i"]
        return found

    def _take_arriving(self, time: float) -> None:
        """Let pools take what came through gap junctions in a step."""
        for ion, charge in self.arriving.items():
            for part in self.rows:
                held = part.pool_of(ion)
                if not held:
                    continue
                change = charge[part.nodes] / part.values["area"]
                name = f"{ion}_i"
                part.values[name] = part.values[name] + change * part.values[f"{held}_per_inside"]
                part.retrace()
                fallen = np.argwhere(~(part.values[name] > 0))
                if len(fallen):
                    row, cell = fallen[0].tolist()
                    where = (self.number, cell, int(part.nodes[row]), time)
                    raise DepletionError(*where, ion, "inside")

    def _concentrations(self) -> list[np.ndarray]:
        """Return each concentration that diffuses, shape (shells, compartments, cells)."""
        return [self._gathered(one.variables) for one in self.inputs.diffusions]

    def _gathered(self, names: Sequence[str]) -> np.ndarray:
        found = np.zeros((len(names), *self.v.shape))
        for into, name in zip(found, names, strict=True):
            for part in self._holders(name):
                into[part.nodes] = part.values[name]
        return found

    def _holders(self, name: str) -> list[Rows]:
        return [part for part in self.rows if part.kernel.density and name in part.values]

    def _diffuse(self, *, settling: bool) -> None:
        """Let concentrations diffuse for a step, those that move while the cells settle."""
        for one in self.diffusing:
            if settling and not one.of.settles:
                continue
            names = one.of.variables
            for name, after in zip(names, one.step(self._gathered(names)), strict=True):
                for part in self._holders(name):
                    part.values[name] = after[part.nodes]
                    if name in part.traced:
                        part.traced[name] = part.values[name]
        if self.diffusing and not settling:
            for part in self.rows:
                if part.kernel.moves_ions:
                    part.retrace()

    def _carry(self, step: int, clock: dict[str, Any]) -> dict[Rows, tuple[np.ndarray, np.ndarray]]:
        """Advance the receptors that carry an ion, and give it to the patches that hold it."""
        found: dict[Rows, tuple[np.ndarray, np.ndarray]] = {}
        for part in self.rows:
            for name in part.kernel.gathers:
                for patch, row, site in under(part, [p for p in self.rows if p.kernel.density]):
                    part.values[name][site] = patch.values[patch.kernel.source_of(name)][row]
        carriers = [part for part in self.rows if part.kernel.ion]
        for part in self.rows:
            for name in {carrier.kernel.ion for carrier in carriers} & set(part.values):
                part.values[name] = np.zeros(part.shape)
        for carrier in carriers:
            if step >= self.inputs.start_step:
                carrier.deliver(step)
            v = self.v[carrier.nodes]
            found[carrier] = carrier.advance(clock, v, self.inputs.dt * self.inputs.theta)
            current = carrier.traced["ion_current"]
            for part in self.rows:
                if not part.kernel.density or carrier.kernel.ion not in part.values:
                    continue
                place = {int(node): k for k, node in enumerate(part.nodes)}
                for site, node in enumerate(carrier.nodes.tolist()):
                    if node in place:
                        row = place[node]
                        density = current[site] / part.values["area"][row]
                        part.values[carrier.kernel.ion][row] += density
        return found

    def _solve_layered(
        self, diagonal: np.ndarray, into: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the potential inside and in the layer, by one sparse matrix a cell."""
        inputs, tree, layer = self.inputs, self.inputs.tree, self.inputs.layer
        assert layer is not None
        inner, shape = np.flatnonzero(tree.parent >= 0), (tree.nodes, tree.nodes)
        ends = (inner, tree.parent[inner])

        def joined(up: np.ndarray) -> Any:
            one = csr_array((up[inner], ends), shape=shape)
            both = one + one.T
            return diags_array(both.sum(axis=1)) - both

        found = np.empty((2, tree.nodes, inputs.cells))
        every = np.arange(inputs.cells)
        for cell in every:
            wall, capacity = self.wall[:, cell], layer.capacity
            capacity = capacity if capacity.ndim == 1 else capacity[:, cell]
            charge = capacity / (inputs.dt * inputs.theta)
            across = diags_array(diagonal[:, cell])
            matrix = block_array(
                [
                    [joined(tree.up) + across, -across],
                    [-across, joined(layer.up) + across + diags_array(charge + wall)],
                ]
            )
            inside = into[0][:, cell] + into[1][:, cell]
            outside = charge * self.outer[:, cell] - into[0][:, cell] + into[2][:, cell]
            solved = spsolve(csc_array(matrix), np.concatenate([inside, outside]))
            found[:, :, cell] = solved.reshape(2, -1)
        return found[0], found[1]

    def _combine(self, solved: np.ndarray) -> np.ndarray:
        """Return the sums that probes read, shape (sums, cells)."""
        combined, tree = self.inputs.combined, self.inputs.tree
        if combined is None:
            return np.zeros((0, self.inputs.cells))
        inner = tree.parent >= 0
        axial = np.zeros_like(solved)
        axial[inner] = tree.up[inner, np.newaxis] * (solved[inner] - solved[tree.parent[inner]])
        if self.inputs.layer is not None:
            up = self.inputs.layer.up[inner, np.newaxis]
            axial[inner] += up * (self.y[inner] - self.y[tree.parent[inner]])
        # A junction keeps nothing: what rounding leaves there is shared out.
        excess = -axial
        np.add.at(excess, tree.parent[inner], axial[inner])
        excess[: tree.compartments] = 0
        shift = np.divide(excess, self.around, out=np.zeros_like(excess), where=self.around > 0)
        up = tree.up[:, np.newaxis]
        axial[inner] += (up * shift)[inner] - up[inner] * shift[tree.parent[inner]]
        given = [
            self.drawn[self.ends[probe[2]]]
            if probe[0] == OUT_OF_JUNCTIONS
            else _probe(self.rows, self.v, probe)
            for probe in combined.variables
        ]
        terms = np.concatenate([axial, np.reshape(given, (-1, self.inputs.cells))])
        weight = combined.weight
        weight = weight if weight.ndim == 2 else weight[:, np.newaxis]
        found = np.zeros((len(combined.starts) - 1, self.inputs.cells))
        which = np.repeat(np.arange(len(found)), np.diff(combined.starts))
        np.add.at(found, which, weight * terms[combined.term])
        return found

    def _solved(self, diagonal: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Solve the tree; a compartment under an ideal clamp has the potential of the command."""
        tree = self.inputs.tree
        diagonal, right = self._held(diagonal, right)
        return _solve(tree.parent, tree.up, diagonal, right, self.order)

    def _held(self, diagonal: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        theta, diagonal, right = self.inputs.theta, diagonal.copy(), right.copy()
        for part in self.rows:
            if part.kernel.amplifier == "voltage":
                ideal, v = part.values["ideal"] != 0, self.v[part.nodes]
                wanted = v + theta * (part.values["command"] - v)
                # A row so heavy that nothing else in it counts.
                diagonal[part.nodes] = np.where(ideal, 1e30, diagonal[part.nodes])
                right[part.nodes] = np.where(ideal, 1e30 * wanted, right[part.nodes])
        return diagonal, right

    def matrix(self) -> tuple[Any, np.ndarray]:
        """Return the equations of all nodes of all cells, cell after cell."""
        tree = self.inputs.tree
        diagonal, right = self._held(self.diagonal, self.into[0] + self.into[1])
        inner = np.flatnonzero(tree.parent >= 0)
        shape = (tree.nodes, tree.nodes)
        one = csr_array((tree.up[inner], (inner, tree.parent[inner])), shape=shape)
        joined = one + one.T
        blocks = [diags_array(column) - joined for column in diagonal.T]
        return block_diag(blocks), right.T.ravel()

    def _measure(
        self,
        asked: dict[Rows, tuple[np.ndarray, np.ndarray]],
        solved: np.ndarray,
        diagonal: np.ndarray,
        right: np.ndarray,
        *,
        settling: bool,
    ) -> None:
        """Let the clamps take note of what they pass into the cell."""
        tree = self.inputs.tree
        for part in self.rows:
            if not part.kernel.amplifier:
                continue
            if part not in asked:
                part.measure(np.zeros(part.shape), self.v[part.nodes], settling=settling)
                continue
            g, i = asked[part]
            passed = i - g * solved[part.nodes]
            if part.kernel.amplifier == "voltage":
                missing = diagonal * solved - right
                for node, above in enumerate(tree.parent):
                    if above >= 0:
                        missing[node] -= tree.up[node] * solved[above]
                        missing[above] -= tree.up[node] * solved[node]
                passed = np.where(part.values["ideal"] != 0, missing[part.nodes], passed)
            part.measure(passed, self.v[part.nodes], settling=settling)

    def _detect(self, before: np.ndarray, time: float) -> None:
        inputs, v = self.inputs, self.v
        for d, (node, threshold, refractory) in enumerate(
            zip(
                inputs.detector_nodes,
                inputs.detector_thresholds,
                inputs.detector_refractory,
                strict=True,
            )
        ):
            crossed = (before[node] < threshold) & (v[node] >= threshold)
            for cell in np.flatnonzero(crossed):
                share = (threshold - before[node, cell]) / (v[node, cell] - before[node, cell])
                crossing = time + inputs.dt * share
                if crossing - self.last_spike[d, cell] >= refractory:
                    self.last_spike[d, cell] = crossing
                    self.spikes.append((d, int(cell), crossing))

    def results(self) -> CableResults:
        found = np.array(self.spikes).reshape(-1, 3)
        shape = (len(self.samples), len(self.inputs.probes), self.inputs.cells)
        traces = np.array(self.samples).reshape(shape).transpose(1, 2, 0)
        detector, cell = found[:, 0].astype(int), found[:, 1].astype(int)
        kept = [{name: part.values[name] for name in part.kernel.kept} for part in self.rows]
        counted = None
        if any(part.kernel.moves_ions for part in self.rows):
            rows = [CountedRows(r.crossed, r.starts, r.exchanged, r.passed) for r in self.rows]
            shells = [
                shell
                for one, began in zip(self.diffusing, self.began, strict=True)
                for shell in zip(began, one.came, strict=True)
            ]
            counted = Counted(self.v_start, rows, shells)
        return CableResults(
            detector,
            cell,
            found[:, 2],
            traces,
            self.v,
            kept,
            self.last_spike,
            counted,
            None if self.inputs.layer is None else self.outer[: len(self.v)],
        )


def _probe(rows: list[Rows], v: np.ndarray, probe: tuple[int, int, int]) -> np.ndarray:
    kernel, variable, site = probe
    part = None if kernel < 0 else rows[kernel]
    source = v if part is None else part.traced[part.kernel.record[variable]]
    return np.array(source[site])


def _solve(
    parent: np.ndarray, up: np.ndarray, diagonal: np.ndarray, right: np.ndarray, order: np.ndarray
) -> np.ndarray:
    for node in order:
        above = parent[node]
        if above >= 0:
            share = up[node] / diagonal[node]
            diagonal[above] -= share * up[node]
            right[above] += share * right[node]
    for node in order[::-1]:
        above = parent[node]
        pull = up[node] * right[above] if above >= 0 else 0.0
        right[node] = (right[node] + pull) / diagonal[node]
    return right
