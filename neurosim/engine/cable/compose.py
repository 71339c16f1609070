"""From a described neuron to kernels and their values.

Channels that are painted become patches (`patches`), receptors and electrodes points (`points`);
here they are put together with the tree. Compartments are numbered patch after patch.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace

import numpy as np
from brian2.equations.equations import Equations
from brian2.units import Quantity
from brian2.utils.stringtools import get_identifiers

from neurosim.channels.base import Mechanism
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Painted, Placed
from neurosim.engine.cable.cable_courses import follow_courses
from neurosim.engine.cable.combined import combine
from neurosim.engine.cable.draft import TEMPERATURE, Draft, Run, Varied
from neurosim.engine.cable.inputs import CableInputs, KernelInputs, Layer, Tree
from neurosim.engine.cable.model import CableModel, Kernel
from neurosim.engine.cable.patches import Membrane, draft_layer, draft_patches, ions_move
from neurosim.engine.cable.points import check_clamps, draft_electrode, draft_receptors
from neurosim.engine.cable.probes import Reader, detectors
from neurosim.engine.coupling.junctions import OUT_OF_JUNCTIONS
from neurosim.engine.diffusion.pools import Pool, join_pools
from neurosim.engine.programs.course_tables import CourseTable
from neurosim.equations.evaluate import parse
from neurosim.equations.schemes import find_groups
from neurosim.equations.steady_state import Names, evaluated, steady_group, steady_state
from neurosim.errors import ParameterError
from neurosim.ions.ion import Ion
from neurosim.morphology import Compartments
from neurosim.outside.axial import activating_currents, node_potentials, shared_out
from neurosim.outside.layers import GROUNDED
from neurosim.synapses.base import Receptor

__all__ = ["Composed", "Run", "compose_cable"]

# Exponential Euler stays exact for a state far faster than the step, which then follows the
# potential at once; beyond this ratio the rest of the cell cannot be right.
_LONGEST_STEP = 4
# Compartments from which memory is worth the time of a garbage collection.
_LARGE = 100_000


@dataclass(frozen=True)
class Composed:
    """A neuron ready to run.

    Attributes
    ----------
    model : CableModel
        Mechanisms.
    inputs : CableInputs
        Shape and values.
    numbering : ndarray of int, shape (compartments,)
        Number in the engine of each compartment of the morphology.
    traces : list of (str, int)
        Name and compartment (of the morphology) of each trace.
    units : dict of str to Quantity
        Unit of each trace.
    receptors : dict of str to (int, ndarray of int)
        By label, the kernel of placed receptors and the site in it of each point.
    """

    model: CableModel
    inputs: CableInputs
    numbering: np.ndarray
    traces: list[tuple[str, int]]
    units: dict[str, Quantity]
    receptors: dict[str, tuple[int, np.ndarray]]


def compose_cable(
    neuron: Neuron,
    run: Run,
    waveforms: list[np.ndarray] | None = None,
    courses: list[CourseTable] | None = None,
) -> Composed:
    """Write a neuron as kernels with their values.

    `waveforms` and `courses` collect the sampled currents, and the courses of parameters, of all
    groups of a run, which share one table of each.

    Raises
    ------
    ParameterError
        A part needs what is not painted there.
    UnknownNameError
        A probe names what is not there.
    """
    shared = ([] if waveforms is None else waveforms, [] if courses is None else courses)
    found = _Composer(neuron, run.beginning(), *shared).compose()
    if len(found.numbering) >= _LARGE:
        # Equations read for the first time leave tracebacks behind that hold the frames above, and
        # with them every array, until the collector comes by.
        gc.collect()
    return found


class _Composer:
    def __init__(
        self,
        neuron: Neuron,
        run: Run,
        waveforms: list[np.ndarray],
        courses: list[CourseTable],
    ) -> None:
        self.courses = courses
        self.temperatures = np.array([neuron.celsius])
        if TEMPERATURE in run.courses:
            warming = run.courses[TEMPERATURE]
            self.temperatures = np.concatenate([table.values for table in warming])
            neuron = neuron.replace(celsius=warming[0].at(run.start_step * run.dt))
        self.neuron = neuron
        self.run = run
        self.shape: Compartments = neuron.compartments
        self.count = len(self.shape)
        self.varied = Varied(run.batch)
        self.numbering = np.empty(self.count, dtype=np.int32)
        # Whether any ion is held, and whether currents move any of its concentrations.
        self.holds = any(isinstance(p.part, Ion) for p in neuron.painted)
        self.moves = ions_move(neuron, run)
        self.kernels: list[Kernel] = []
        self.values: list[KernelInputs] = []
        self.waveforms = waveforms
        self.reader = Reader(neuron)
        self.receptors: dict[str, tuple[int, np.ndarray]] = {}
        # Of each field outside, its kernel and what each site gets of its current.
        self.fields: list[tuple[int, np.ndarray]] = []

    def compose(self) -> Composed:
        neuron, run, varied = self.neuron, self.run, self.varied
        self._check_step()
        check_clamps(neuron)
        membrane = Membrane(neuron, run.cells, varied)
        first = 0
        pools: list[tuple[np.ndarray, Pool]] = []
        for patch in draft_patches(neuron, membrane, run, varied):
            self.numbering[patch.sites] = np.arange(first, first + len(patch.sites))
            first += len(patch.sites)
            self._add(patch)
            pools += [(patch.sites, pool) for pool in patch.pools]
        tree = self._tree(membrane.R_a)
        layer = draft_layer(neuron, membrane, run, varied, self._node_numbers())
        for index, placed in enumerate(neuron.placed):
            if placed.field is not None:
                self._expose(placed, tree, layer)
            elif isinstance(placed.part, Receptor):
                draft, member = draft_receptors(neuron, placed, index, run, varied)
                self.receptors[placed.label] = (len(self.kernels), member)
                self._add(draft, ("ion_current",) if draft.ion else ())
            else:
                self._add(draft_electrode(neuron, placed, run, varied, self.waveforms))
        nodes, thresholds, refractory = detectors(neuron, self.numbering)
        readings = self.reader.read(self.kernels, self.values, self.numbering)
        assert not varied.left, varied.left
        followings = follow_courses(
            neuron, run, self.kernels, self.values, self.numbering, self.courses, membrane.area
        )
        probes, combined = readings.probes, None
        if self._combines:
            fields = [(self._current_of(kernel), share) for kernel, share in self.fields]
            fields += self._drawn()
            probes, combined = combine(probes, tree, self.shape, self.numbering, fields, run)
        inputs = CableInputs(
            tree=tree,
            kernels=tuple(self.values),
            start=self._start(),
            cells=run.cells,
            duration=run.duration,
            dt=run.dt,
            trace_dt=run.trace_dt,
            settle=run.settle,
            theta=run.theta,
            waveforms=self.waveforms,
            probes=probes,
            combined=combined,
            layer=layer,
            detector_nodes=nodes,
            detector_thresholds=thresholds,
            detector_refractory=refractory,
            start_step=run.start_step,
            followings=followings,
            courses=self.courses,
            diffusions=join_pools(pools, self.shape, self._node_numbers(), self.numbering),
        )
        return Composed(
            CableModel(tuple(self.kernels)),
            inputs,
            self.numbering,
            readings.traces,
            readings.units,
            self.receptors,
        )

    def _start(self) -> np.ndarray:
        """Return the potential of each compartment at the start, in the engine's order."""
        initial = self.neuron.initial
        if initial is None:
            return np.broadcast_to(float(self.neuron.rest), self.count)
        if len(initial.potential) != self.count:
            raise ParameterError(
                f"initial holds the potentials of {len(initial.potential)} compartments, but the "
                f"neuron has {self.count}; give initial=None with another shape or rule"
            )
        start = np.empty(self.count)
        start[self.numbering] = initial.potential
        return start

    def _check_step(self) -> None:
        """Refuse a step that no state of some part could follow at any potential."""
        entries: list[Painted | Placed] = [*self.neuron.painted, *self.neuron.placed]
        v = Quantity(np.linspace(-0.1, 0.05, 61), dim=self.neuron.rest.dim)
        parts = dict.fromkeys(e.part for e in entries if isinstance(e.part, Mechanism))
        for celsius in np.unique(self.temperatures).tolist():
            for part in parts:
                self._check_part_step(part, v, celsius)

    def _check_part_step(self, part: Mechanism, v: Quantity, celsius: float) -> None:
        # A scheme is advanced as a whole, in which fast states may follow the others at once.
        groups = find_groups(parse(part.equations))
        joint = {name for group in groups if group.sums_to_one for name in group.states}
        for state, gate in part.gates(v, celsius).items():
            if state in joint:
                continue
            slowest = float(np.max(np.asarray(gate.tau)))
            if self.run.dt > _LONGEST_STEP * slowest:
                raise ParameterError(
                    f"simulate: dt ({self.run.dt * 1e3:g} ms) is too long for {state!r} of "
                    f"{part.name!r}, whose time constant is {slowest * 1e3:.3g} ms at most (at "
                    f"{celsius:g} °C); take dt of {slowest * 250:.2g} ms or less"
                )

    def _tree(self, R_a: np.ndarray) -> Tree:
        shape = self.shape
        up = shape.axial_resistance(R_a)
        inner = shape.node_parent >= 0
        np.divide(1, up, out=up, where=inner)
        up[~inner] = 0
        number = self._node_numbers()
        parent = np.full(len(up), -1, dtype=np.int32)
        parent[number[inner]] = number[shape.node_parent[inner]]
        ordered = np.empty_like(up)
        ordered[number] = up
        return Tree(parent=parent, up=ordered, compartments=self.count)

    def _node_numbers(self) -> np.ndarray:
        """Return the number in the engine of each node: compartments by patch, then junctions."""
        shape = self.shape
        number = np.empty(len(shape.node_parent), dtype=np.int32)
        membrane = shape.node_compartment >= 0
        number[membrane] = self.numbering[shape.node_compartment[membrane]]
        number[~membrane] = self.count + np.arange(np.count_nonzero(~membrane))
        return number

    def _expose(self, placed: Placed, tree: Tree, layer: Layer | None) -> None:
        """Let a field outside act on every compartment, by the currents that do the same."""
        assert placed.field is not None
        outside = placed.field.on_compartments(self.shape, self.run.placement)
        ordered = np.empty_like(outside)
        ordered[:, self.numbering] = outside
        potential = node_potentials(tree.parent, tree.up, ordered)
        currents = activating_currents(tree.parent, tree.up, potential)
        self._act(placed, currents)
        if layer is not None:
            # The layer's own currents; junctions that are open have the potential outside.
            wall = layer.wall if layer.wall.ndim == 1 else layer.wall[:, 0]
            known = np.where(wall >= GROUNDED, potential, np.nan)
            potential = node_potentials(tree.parent, layer.up, ordered, known)
            layer.kernels.append(len(self.kernels))
            partner = replace(placed, label=f"{placed.label}__layer")
            second = activating_currents(tree.parent, layer.up, potential)
            self._act(placed, second, partner)
            currents = currents + second
        counted = shared_out(tree.parent, tree.up, currents, self.count)
        self.fields.append((len(self.kernels) - 1, self._by_compartment(counted)))

    def _by_compartment(self, currents: np.ndarray) -> np.ndarray:
        """Return currents of nodes in the order of the compartments, shape (count[, cells])."""
        share = currents[:, self.numbering].T
        return share[:, 0] if share.shape[1] == 1 else share

    def _act(self, placed: Placed, currents: np.ndarray, partner: Placed | None = None) -> None:
        """Add a kernel that injects what stands for a field."""
        share = self._by_compartment(currents)
        draft = draft_electrode(self.neuron, placed, self.run, self.varied, self.waveforms, share)
        if partner is not None:
            draft = replace(draft, name=f"point_{partner.label}")
        self._add(draft, also=("I_stim",) if self._combines else ())

    def _current_of(self, kernel: int) -> tuple[int, int, int]:
        """Return a kernel, and which of its traced variables is the current of its electrodes."""
        return kernel, self.kernels[kernel].record.index("I_stim"), 0

    def _drawn(self) -> list[tuple[tuple[int, int, int], np.ndarray]]:
        """Return what gap junctions draw: it comes along the axis and crosses no membrane."""
        joined = np.array(self.run.joined, dtype=int)
        # The engine numbers them in its own order.
        ordered = joined[np.argsort(self.numbering[joined])]
        return [
            ((OUT_OF_JUNCTIONS, 0, k), -(np.arange(self.count) == compartment).astype(float))
            for k, compartment in enumerate(ordered)
        ]

    @property
    def _combines(self) -> bool:
        """Whether membrane currents are wanted, of compartments or at electrodes outside."""
        probed = any(probe.variable == "i_membrane" for probe in self.neuron.probed)
        return probed or self.run.outside is not None

    def _add(self, draft: Draft, also: tuple[str, ...] = ()) -> None:
        """Make a kernel of a draft, its states at rest; `also` are traced beside what is probed."""
        conducts = draft.density or not draft.updates or bool(draft.amplifier)
        equations = "\n".join([*draft.text.lines, *(["v : volt"] if conducts else [])])
        kernel = Kernel(
            name=draft.name,
            equations=equations,
            current=draft.text.current,
            density=draft.density,
            updates=draft.updates,
            integers=draft.integers,
            events=draft.events,
            amplifier=draft.amplifier,
            ion=draft.ion,
            carriers=tuple(draft.text.carriers) if self.moves else (),
            ions=tuple(draft.text.ions) if self.holds else (),
            gathers=tuple(draft.text.gathers),
            above=tuple(draft.text.above),
            empties=draft.empties,
            nonlinear=tuple(draft.text.nonlinear),
            record=tuple(
                dict.fromkeys(
                    (*self.reader.recorded(draft.name, Equations(equations), draft.sites), *also)
                )
            ),
        )
        values, sites = draft.values, len(draft.sites)
        given = self._given_states(kernel, draft.sites)
        if set(kernel.states) - set(given):
            values = values | self._rest(
                kernel, values, sites, draft.text.starts, zero=bool(draft.events)
            )
        values = values | given
        whole = draft.density and sites == self.count
        nodes = self.numbering if whole else self.numbering[draft.sites]
        self.kernels.append(kernel)
        self.values.append(KernelInputs(sites, nodes, values, draft.arrivals))

    def _given_states(self, kernel: Kernel, sites: np.ndarray) -> dict[str, np.ndarray]:
        """Return the states of a patch whose start the neuron says."""
        initial = self.neuron.initial
        if initial is None or not kernel.density:
            return {}
        told = {name.replace(".", "_", 1): values for name, values in initial.states}
        moved = {f"{one.ion}_{side}" for one in kernel.ions for side in "io"}
        moved.update(*(one.deeper for one in kernel.ions))
        wanted = [name for name in kernel.kept if name in moved or name in kernel.states]
        return {name: np.array(told[name])[sites] for name in wanted if name in told}

    def _rest(
        self,
        kernel: Kernel,
        values: dict[str, np.ndarray],
        sites: int,
        starts: dict[str, str],
        *,
        zero: bool,
    ) -> dict[str, np.ndarray]:
        """Return the initial states: zero for receptors, else steady at the resting potential.

        States whose part says where they start do so; nan stands for one that nothing tells.

        The states of a kinetic scheme of receptors, which cannot all be 0, are where they rest
        without transmitter.
        """
        if zero:
            return _at_rest(kernel, values, sites, float(self.neuron.rest))
        # What the cable has does not move a gate; where nothing else differs, one row tells all.
        given = {name: v for name, v in values.items() if name not in ("area", "C_m")}
        wide = any(value.ndim == 2 for value in given.values())
        each = any(value.ndim for value in given.values())
        shape = (sites, self.run.cells) if wide else (sites,) if each else (1,)

        def spread(value: np.ndarray) -> np.ndarray:
            if value.ndim == 1 and wide:
                value = value[:, np.newaxis]
            return np.broadcast_to(value, shape).astype(float).ravel()

        flat = {name: spread(value) for name, value in given.items()}
        flat |= {name: np.ones(int(np.prod(shape))) for name in values.keys() - given.keys()}
        flat["v"] = np.full(int(np.prod(shape)), float(self.neuron.rest))
        told = {state: f"start_of_{state}" for state in starts}
        for state, code in _in_order(kernel, starts):
            # Of states that start elsewhere, those that this one depends on are told before.
            names = Names(
                kernel.parsed, {**flat, **{s: flat[n] for s, n in told.items() if n in flat}}
            )
            flat[told[state]] = np.broadcast_to(evaluated(code, names), flat["v"].shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = steady_state(kernel.parsed, flat, start="v", starts=told)
        rest = {name: found[name].reshape(shape) for name in kernel.states}
        return rest if each else {name: np.broadcast_to(v, sites) for name, v in rest.items()}


def _in_order(kernel: Kernel, starts: dict[str, str]) -> list[tuple[str, str]]:
    """Return where states start, each after those that it depends on."""
    waiting, found = dict(starts), []
    while waiting:
        ready = [
            state for state, code in waiting.items() if not _needs(kernel, code) & set(waiting)
        ]
        if not ready:
            names = ", ".join(waiting)
            raise ParameterError(f"the starts of {names} depend on one another")
        found += [(state, waiting.pop(state)) for state in ready]
    return found


def _needs(kernel: Kernel, code: str) -> set[str]:
    """Return the names that an expression depends on, through all that it uses."""
    expressions = set(kernel.parsed.subexpr_names)
    seen: set[str] = set()
    waiting = get_identifiers(code)
    while waiting:
        seen |= (now := set(waiting))
        inner = (kernel.parsed[one].expr.code for one in now & expressions)
        waiting = set().union(*map(get_identifiers, inner)) - seen
    return seen


def _at_rest(
    kernel: Kernel, values: dict[str, np.ndarray], sites: int, v: float
) -> dict[str, np.ndarray]:
    """Return the states of receptors where nothing has arrived."""
    groups = [
        group
        for group in find_groups(kernel.parsed)
        if group.sums_to_one and not set(group.states) & set(kernel.events)
    ]
    if not groups:
        return {name: np.zeros(sites) for name in kernel.states}
    cells = max((value.shape[1] for value in values.values() if value.ndim == 2), default=1)
    given = {
        name: np.broadcast_to(value[:, np.newaxis] if value.ndim == 1 else value, (sites, cells))
        for name, value in values.items()
    }
    rest = {name: np.zeros((sites, cells)) for name in kernel.states}
    given |= {"v": np.full((sites, cells), v)}
    for group in groups:
        rest |= steady_group(kernel.parsed, group, {**given, **rest})
    return {name: value[:, 0] if cells == 1 else value for name, value in rest.items()}
