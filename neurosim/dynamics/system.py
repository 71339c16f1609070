"""A neuron as one system of ordinary differential equations, and its linearisation at a state.

The unknowns are the potentials of all compartments, then the states of the membrane, of placed
receptors, and what else the equations hold. Noise and synaptic events are left out; junctions of
branches, which have no capacitance, are eliminated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from brian2.equations.equations import Equations
from brian2.units import amp
from scipy import sparse
from scipy.sparse.linalg import splu, spsolve

from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Placed
from neurosim.describe.point_neuron import KEYS, PointNeuron
from neurosim.engine.cable.compose import Run, compose_cable
from neurosim.engine.cable.inputs import Tree
from neurosim.equations.evaluate import identifiers, parse
from neurosim.equations.schemes import find_groups
from neurosim.equations.steady_state import Names, compiled, steady_state
from neurosim.errors import ParameterError
from neurosim.morphology import Site, root_site
from neurosim.outside import Extracellular
from neurosim.run.batch import check_together, point_places, read_batch, resolve_batch
from neurosim.stimuli import Constant, Stimulus

__all__ = ["System", "system_of"]

_Neuron = Neuron | PointNeuron
# Sizes by which states are varied to find slopes, in SI units: a potential, a gate, a current, ...
_SIZE_OF_POTENTIAL = 0.01
_SMALL = 1e-3
# How fast the states of a kinetic scheme are drawn to the sum of one, in 1/s. Their equations keep
# any sum, so that rest would be a line and not a point. Nothing else changes: the sum moves by
# itself, and what was an eigenvalue of 0 is minus this.
_TO_ONE = 1e6


@dataclass(frozen=True)
class _Block:
    """Equations over sites: a patch of membrane, receptors, or a point neuron.

    Attributes
    ----------
    parsed : Equations
        States and named expressions.
    values : dict of str to ndarray, each of shape () or (sites,)
        Parameters in SI units.
    current : str
        What it adds to the unknown `v` of its compartment.
    weight : ndarray, shape (sites,)
        Factor that makes a current (amp) of it.
    compartments : ndarray of int, shape (sites,)
        Compartment of each site.
    first : int
        Where its states stand among all unknowns: state after state, site after site.
    start : dict of str to ndarray, each of shape (sites,)
        States from which a search for rest begins.
    """

    parsed: Equations
    values: dict[str, np.ndarray]
    current: str
    weight: np.ndarray
    compartments: np.ndarray
    first: int
    start: dict[str, np.ndarray]
    label: str

    @cached_property
    def states(self) -> list[str]:
        return sorted(set(self.parsed.diff_eq_names) - {"v"})

    @cached_property
    def schemes(self) -> list[list[int]]:
        """The states of each kinetic scheme, by number."""
        groups = [group for group in find_groups(self.parsed) if group.sums_to_one]
        return [[self.states.index(name) for name in group.states] for group in groups]

    @property
    def sites(self) -> int:
        return len(self.compartments)

    def place(self, k: int) -> slice:
        """Return where state `k` stands among all unknowns."""
        first = self.first + k * self.sites
        return slice(first, first + self.sites)

    def read(self, y: np.ndarray) -> list[np.ndarray]:
        """Return the potential and the states at the sites."""
        return [y[self.compartments], *(y[self.place(k)] for k in range(len(self.states)))]

    def evaluate(self, x: list[np.ndarray], drive: float) -> np.ndarray:
        """Return the current (amp) and the rate of each state, shape (1 + states, ..., sites)."""
        given = dict(zip(["v", *self.states], x, strict=True))
        clock = {"t": 0.0, "dt": 1e-6, "t_in_timesteps": 0, "not_refractory": True, "I_stim": drive}
        names = Names(self.parsed, {**clock, **self.values, **given})
        codes = [self.current, *(self.parsed[name].expr.code for name in self.states)]
        found = np.empty((len(codes), *x[0].shape))
        for row, code in zip(found, codes, strict=True):
            row[:] = eval(compiled(code), {"__builtins__": {}}, names)
        found[0] *= self.weight
        return found

    def slope(self, x: list[np.ndarray], k: int, drive: float) -> np.ndarray:
        """Return the derivative of what `evaluate` returns by unknown `k`, of fourth order."""
        size = _SIZE_OF_POTENTIAL if k == 0 else self._size(k - 1, x[k])
        h = 1e-3 * size

        def moved(steps: int) -> np.ndarray:
            return self.evaluate([*x[:k], x[k] + steps * h, *x[k + 1 :]], drive)

        found: np.ndarray = (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * h)
        return found

    def _size(self, k: int, x: np.ndarray) -> np.ndarray:
        plain = self.parsed[self.states[k]].dim.is_dimensionless
        # A current, a concentration: of its own size, and where it is 0, of the largest.
        top = float(np.max(np.abs(x), initial=0.0)) or 1e-9
        found: np.ndarray = np.maximum(np.abs(x), 1.0 if plain else _SMALL * top)
        return found


@dataclass(frozen=True)
class System:
    """dy/dt = f(y) of one neuron under a constant current.

    Attributes
    ----------
    compartments : int
        How many of the unknowns are potentials; these stand first.
    capacitance : ndarray, shape (compartments,)
        In farad; 1 for a point neuron, whose equations say dv/dt themselves.
    axial : sparse array, shape (compartments, compartments)
        Axial current into each compartment by the potentials, in siemens.
    drive : ndarray, shape (compartments,)
        Share of the injected current that enters each compartment.
    names : list of str
        What each unknown is.
    start : ndarray, shape (unknowns,)
        State at which a run would start.
    numbering : ndarray of int, shape (compartments,)
        Place among the unknowns of each compartment of the morphology.
    point : bool
        Whether it is a point neuron.
    """

    blocks: tuple[_Block, ...]
    compartments: int
    capacitance: np.ndarray
    axial: sparse.csc_array
    drive: np.ndarray
    names: list[str]
    start: np.ndarray
    numbering: np.ndarray
    point: bool

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return len(self.names)

    def rate(self, y: np.ndarray, current: float) -> np.ndarray:
        """Return dy/dt, shape (unknowns,), under a current (amp)."""
        found = np.zeros(self.size)
        inward = self.axial @ y[: self.compartments]
        if not self.point:
            inward = inward + self.drive * current
        for block in self.blocks:
            values = block.evaluate(block.read(y), current)
            np.add.at(inward, block.compartments, values[0])
            for k in range(len(block.states)):
                found[block.place(k)] = values[k + 1]
            for scheme in block.schemes:
                total = np.sum([y[block.place(k)] for k in scheme], axis=0)
                found[block.place(scheme[-1])] -= _TO_ONE * (total - 1)
        found[: self.compartments] = inward / self.capacitance
        return found

    def matrix(self, y: np.ndarray, current: float) -> sparse.csc_array:
        """Return the Jacobian of `rate`, sparse, shape (unknowns, unknowns)."""
        per_farad = 1 / self.capacitance
        axial = sparse.diags_array(per_farad) @ self.axial
        rows, columns, entries = [], [], []

        def add(row: np.ndarray, column: np.ndarray, entry: np.ndarray) -> None:
            rows.append(row)
            columns.append(column)
            entries.append(entry)

        for block in self.blocks:
            x = block.read(y)
            unknowns = [block.compartments]
            unknowns += [np.arange(block.place(k).start, block.place(k).stop)
                         for k in range(len(block.states))]  # fmt: skip
            for k, column in enumerate(unknowns):
                slope = block.slope(x, k, current)
                add(block.compartments, column, slope[0] * per_farad[block.compartments])
                for row, entry in zip(unknowns[1:], slope[1:], strict=True):
                    add(row, column, entry)
            for scheme in block.schemes:
                for k in scheme:
                    held = np.full(block.sites, -_TO_ONE)
                    add(unknowns[scheme[-1] + 1], unknowns[k + 1], held)
        shape = (self.size, self.size)
        local = sparse.coo_array(
            (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))), shape
        )
        spread = sparse.coo_array(axial)
        whole = sparse.coo_array((spread.data, spread.coords), shape)
        return sparse.csc_array(local + whole)

    def by_current(self, y: np.ndarray, current: float) -> np.ndarray:
        """Return the derivative of `rate` by the injected current, shape (unknowns,)."""
        if not self.point:
            found = np.zeros(self.size)
            found[: self.compartments] = self.drive / self.capacitance
            return found
        h = 1e-10 + 1e-3 * abs(current)
        slope: np.ndarray = (self.rate(y, current + h) - self.rate(y, current - h)) / (2 * h)
        return slope

    def rest_from(self, y: np.ndarray, current: float, rounds: int = 60) -> np.ndarray | None:
        """Return where the rate is zero, by Newton steps of at most 10 mV; None if not found."""
        with np.errstate(all="ignore"):
            for _ in range(rounds):
                now = self.rate(y, current)
                if not np.all(np.isfinite(now)):
                    return None
                try:
                    step = splu(self.matrix(y, current)).solve(-now)
                except RuntimeError:  # singular
                    return None
                if not np.all(np.isfinite(step)):
                    return None
                largest = float(np.max(np.abs(step[: self.compartments])))
                y = y + step * min(1.0, 0.01 / largest if largest else 1.0)
                if largest < 1e-12 and np.all(np.abs(step) <= 1e-9 * np.abs(y) + 1e-12):
                    return y
        return None

    def steady_net(self, v: np.ndarray, current: float) -> np.ndarray:
        """Return dv/dt of a cell of one compartment with all but v at rest, shape (points,)."""
        net = np.full(len(v), 0.0 if self.point else float(self.drive[0]) * current)
        for block in self.blocks:
            rest = _rest(block, v)
            wide = (len(v), block.sites)
            x = [
                np.broadcast_to(a[:, np.newaxis], wide)
                for a in (v, *(rest[n] for n in block.states))
            ]
            net += block.evaluate(x, current)[0].sum(axis=-1)
        found: np.ndarray = net / self.capacitance[0]
        return found

    def at_potential(self, v: np.ndarray) -> np.ndarray:
        """Return states of a cell of one compartment, all at rest but v, shape (points, unknowns).

        Parameters
        ----------
        v : ndarray, shape (points,)
            Potentials (volt).
        """
        found = np.empty((len(v), self.size))
        found[:, 0] = v
        for block in self.blocks:
            rest = _rest(block, v)
            for k, name in enumerate(block.states):
                found[:, block.place(k)] = rest[name][:, np.newaxis]
        return found

    def everywhere(self, v: float) -> np.ndarray:
        """Return a guess of the state of a cell whose compartments are all at a potential."""
        y = self.start.copy()
        y[: self.compartments] = v
        for block in self.blocks:
            values = {n: np.broadcast_to(x, block.sites) for n, x in block.values.items()}
            rest = steady_state(block.parsed, {**values, "_v": np.full(block.sites, v)}, start="_v")
            for k, name in enumerate(block.states):
                if np.all(np.isfinite(rest[name])):
                    y[block.place(k)] = rest[name]
        return y


def _rest(block: _Block, v: np.ndarray) -> dict[str, np.ndarray]:
    values = {name: np.broadcast_to(np.ravel(x)[0], len(v)) for name, x in block.values.items()}
    with np.errstate(all="ignore"):
        return steady_state(block.parsed, {**values, "_v": v}, start="_v")


def system_of(
    neuron: _Neuron, who: str, *, at: Site | None = None, given: Mapping[str, Any] | None = None
) -> System:
    """Return the system of a neuron.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
        A neuron without electrodes but constant ones.
    who : str
        Function to name in messages.
    at : Site, optional
        Where the current enters a neuron with extent (default: the middle of its root branch).
    given : mapping of str to Quantity, optional
        Parameters that differ, by names as in `simulate(batch=...)`.

    Raises
    ------
    ParameterError
        It is no neuron, changes with time by itself, or has an electrode that does.
    """
    if isinstance(neuron, PointNeuron):
        if at is not None:
            raise ParameterError(f"{who}: a point neuron has no places; leave out at")
        return _of_point(neuron, who, given or {})
    if isinstance(neuron, Neuron):
        return _of_cable(neuron, who, root_site if at is None else at, given or {})
    raise ParameterError(f"{who}: expected a neuron, got {type(neuron).__name__}")


def _of_point(neuron: PointNeuron, who: str, given: Mapping[str, Any]) -> System:
    parsed = parse(neuron.equations)
    _check_autonomous(neuron, parsed, who)
    stimulus = Constant(0 * amp)
    varied, _ = read_batch(given, point_places(neuron, stimulus))
    check_together(neuron, stimulus, varied)
    values = {
        name: np.asarray(varied.get(name, float(getattr(neuron, name))), dtype=float)
        for name in neuron.quantity_fields()
    }
    values |= {name: np.zeros(()) for name in neuron.noise}
    flat = {name: np.atleast_1d(value) for name, value in values.items()}
    start = steady_state(parsed, flat, start=neuron.start, starts=neuron.starts)
    block = _Block(
        parsed,
        values,
        parsed["v"].expr.code,
        np.ones(1),
        np.zeros(1, dtype=int),
        1,
        {name: start[name] for name in parsed.diff_eq_names if name != "v"},
        "",
    )
    return _assembled(
        (block,), np.ones(1), sparse.csc_array((1, 1)), np.ones(1), start["v"], point=True
    )


def _check_autonomous(neuron: PointNeuron, parsed: Equations, who: str) -> None:
    codes = [parsed[n].expr.code for n in (*parsed.diff_eq_names, *parsed.subexpr_names)]
    for name in ("t", "t_in_timesteps", *KEYS):
        if any(name in identifiers(code) for code in codes):
            raise ParameterError(
                f"{who}: the equations of {type(neuron).__name__} use {name!r}, so that it has no "
                "state of rest; write the neuron without what changes with time"
            )


def _of_cable(neuron: Neuron, who: str, at: Site, given: Mapping[str, Any]) -> System:
    for placed in neuron.placed:
        _check_constant(placed, who)
    if any(isinstance(painted.part, Extracellular) for painted in neuron.painted):
        raise ParameterError(
            f"{who}: the neuron has layers outside its membrane, which are not part of its system "
            "of equations; look at the neuron without them"
        )
    values, _ = resolve_batch(neuron, given)
    batch = {name: np.broadcast_to(value, 1) for name, value in values.items()}
    # Nothing runs: the step is as short as any gate allows.
    run = Run(1, batch, np.zeros(1, dtype=np.int64), 1e-9, 1e-9, 1e-9, 0.0, 1.0)
    composed = compose_cable(neuron, run)
    count = composed.inputs.tree.compartments
    capacitance = np.zeros(count)
    blocks: list[_Block] = []
    drive = np.zeros(count)
    first = count
    for kernel, inputs in zip(composed.model.kernels, composed.inputs.kernels, strict=True):
        held = {name: _flat(value) for name, value in inputs.values.items()}
        if kernel.density:
            area = np.broadcast_to(held["area"], inputs.sites)
            capacitance[inputs.nodes] = area * held["C_m"]
            weight = area
        else:
            weight = np.ones(inputs.sites)
        values_of = {n: v for n, v in held.items() if n not in kernel.states}
        start = {n: np.broadcast_to(held[n], inputs.sites) for n in kernel.states}
        parsed, current = kernel.parsed, kernel.current
        if kernel.updates and not kernel.density:
            current = _steady_current(kernel.updates)
        nodes = np.asarray(inputs.nodes)
        block = _Block(parsed, values_of, current, weight, nodes, first, start, kernel.name)
        blocks.append(block)
        first += len(block.states) * block.sites
    enters = np.asarray(at.compartments(neuron.compartments), dtype=int)
    np.add.at(drive, composed.numbering[enters], 1.0)
    v = np.broadcast_to(_flat(np.asarray(composed.inputs.start, dtype=float)), count)
    return _assembled(
        tuple(blocks),
        capacitance,
        axial_currents(composed.inputs.tree),
        drive,
        v,
        numbering=composed.numbering,
    )


def _steady_current(updates: tuple[str, ...]) -> str:
    """Return the current of a constant electrode, whose last statement says what it is."""
    return updates[-1].split("=", 1)[1].strip()


def _check_constant(placed: Placed, who: str) -> None:
    part = placed.part
    if placed.field is not None:
        raise ParameterError(
            f"{who}: the neuron is exposed to the field {placed.label!r}, which is no current into "
            "it; look at the neuron without it"
        )
    if isinstance(part, Stimulus) and any(
        not isinstance(one, Constant) for one in part.components().values()
    ):
        raise ParameterError(
            f"{who}: the electrode {placed.label!r} changes with time, so that the neuron has no "
            "state of rest; take it away or make it Constant"
        )


def _flat(value: np.ndarray) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    return value[:, 0] if value.ndim == 2 else value


def axial_currents(tree: Tree, up: np.ndarray | None = None) -> sparse.csc_array:
    """Return the matrix that makes axial currents into compartments of their potentials.

    In siemens, shape (compartments, compartments), in the order of the tree. Junctions keep no
    charge and are eliminated.

    Parameters
    ----------
    tree : Tree
    up : ndarray, shape (nodes,), optional
        How well each node is joined to its parent, if it is not by the tree's conductance: what
        diffuses flows in the same way.
    """
    child = np.flatnonzero(tree.parent >= 0)
    parent, g = tree.parent[child], (tree.up if up is None else up)[child]
    ends = np.concatenate([child, parent]), np.concatenate([parent, child])
    joined = sparse.coo_array((np.concatenate([g, g]), ends), (tree.nodes, tree.nodes)).tocsc()
    around, n = joined.sum(axis=0), tree.compartments
    # A junction that nothing is joined to passes nothing on.
    around[n:][around[n:] == 0] = 1.0
    whole = sparse.csc_array(joined - sparse.diags_array(around))
    if tree.nodes == n:
        return whole
    inner, across = whole[:n, :n], whole[:n, n:]
    solved = spsolve(sparse.csc_array(whole[n:, n:]), sparse.csc_array(whole[n:, :n]))
    if solved.ndim == 1:  # of one compartment
        solved = solved[:, np.newaxis]
    return sparse.csc_array(inner - across @ sparse.csc_array(solved))


def _assembled(
    blocks: tuple[_Block, ...],
    capacitance: np.ndarray,
    axial: sparse.csc_array,
    drive: np.ndarray,
    v: np.ndarray,
    *,
    point: bool = False,
    numbering: np.ndarray | None = None,
) -> System:
    count = len(capacitance)
    places = np.arange(count) if numbering is None else numbering
    back = np.argsort(places)
    names = ["v"] if count == 1 else [f"v[{k}]" for k in back]
    pieces = [np.asarray(v, dtype=float)]
    for block in blocks:
        for name in block.states:
            pieces.append(np.asarray(block.start[name], dtype=float))
            names += (
                [name] if block.sites == 1 and count == 1
                else [f"{name}[{back[k]}]" for k in block.compartments]
            )  # fmt: skip
    start = np.concatenate(pieces)
    return System(blocks, count, capacitance, axial, drive, names, start, places, point)
