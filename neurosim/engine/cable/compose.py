"""From a described neuron to kernels and their values.

Compartments that carry the same set of channels make one patch, a loop of its own, so that no
channel is computed where it is not painted; compartments are numbered patch after patch.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.equations.equations import Equations
from brian2.units import Quantity

from neurosim.cell import Cable, Neuron, Painted, Placed, Spines
from neurosim.channels.base import Mechanism
from neurosim.engine.cable.arrivals import gather_arrivals
from neurosim.engine.cable.equations import Text, write_membrane, write_receptor
from neurosim.engine.cable.inputs import Arrivals, CableInputs, KernelInputs, Tree
from neurosim.engine.cable.model import CableModel, Kernel
from neurosim.engine.cable.probes import Reader, detectors
from neurosim.engine.randomness import row_keys
from neurosim.errors import ParameterError
from neurosim.morphology import Compartments
from neurosim.steady_state import steady_state
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor

# Exponential Euler stays exact for a state far faster than the step, which then follows the
# potential at once; beyond this ratio the rest of the cell cannot be right.
_LONGEST_STEP = 4
# Compartments from which memory is worth the time of a garbage collection.
_LARGE = 100_000

__all__ = ["Composed", "Run", "batch_places", "compose_cable"]


@dataclass(frozen=True)
class Run:
    """What a run asks beyond the neuron: the batch and the times, in SI units."""

    cells: int
    batch: Mapping[str, np.ndarray]
    seeds: np.ndarray
    duration: float
    dt: float
    trace_dt: float
    settle: float
    theta: float


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


def batch_places(neuron: Neuron) -> dict[str, tuple[Quantity, dict[str, Any]]]:
    """Return what a batch can vary: full name, default value and the rule of its range.

    Full names are ``<label>.<parameter>``, for a stimulus ``<label>.<component>.<parameter>``.
    """
    found: dict[str, tuple[Quantity, dict[str, Any]]] = {}
    capacitance = dict(neuron.cable.quantity_fields()["C_m"].metadata)
    found["everywhere.C_m"] = (neuron.cable.C_m, capacitance)
    entries: list[Painted | Placed] = [*neuron.painted, *neuron.placed]
    for entry in entries:
        part = entry.part
        if isinstance(part, Cable):
            # Cells of a batch share the tree, so that the axial resistivity cannot differ.
            found[f"{entry.label}.C_m"] = (part.C_m, capacitance)
            continue
        if isinstance(part, Spines):
            continue
        if isinstance(part, Stimulus):
            for inner, component in part.components().items():
                for name, value in component.values().items():
                    rule = dict(component.quantity_fields()[name.split("[")[0]].metadata)
                    found[f"{entry.label}.{inner}.{name}"] = (value, rule)
            continue
        fields = part.quantity_fields()
        for name in part.parameters():
            found[f"{entry.label}.{name}"] = (getattr(part, name), dict(fields[name].metadata))
    return found


def compose_cable(neuron: Neuron, run: Run, waveforms: list[np.ndarray] | None = None) -> Composed:
    """Write a neuron as kernels with their values.

    `waveforms` collects the sampled currents of all groups of a run, which share one table.

    Raises
    ------
    ParameterError
        A part needs what is not painted there.
    UnknownNameError
        A probe names what is not there.
    """
    found = _Composer(neuron, run, [] if waveforms is None else waveforms).compose()
    if len(found.numbering) >= _LARGE:
        # Equations read for the first time leave tracebacks behind that hold the frames above, and
        # with them every array, until the collector comes by.
        gc.collect()
    return found


class _Composer:
    def __init__(self, neuron: Neuron, run: Run, waveforms: list[np.ndarray]) -> None:
        self.neuron = neuron
        self.run = run
        self.shape: Compartments = neuron.compartments
        self.count = len(self.shape.area_m2)
        self.used: set[str] = set()
        self.kernels: list[Kernel] = []
        self.values: list[KernelInputs] = []
        self.waveforms = waveforms
        self.reader = Reader(neuron)
        self.receptors: dict[str, tuple[int, np.ndarray]] = {}

    def compose(self) -> Composed:
        self._check_step()
        self._cable()
        self._patches()
        for index, placed in enumerate(self.neuron.placed):
            if isinstance(placed.part, Receptor):
                self._receptors(placed, index)
            else:
                self._electrode(placed)
        nodes, thresholds, refractory = detectors(self.neuron, self.numbering)
        readings = self.reader.read(self.kernels, self.values, self.numbering)
        left = set(self.run.batch) - self.used
        assert not left, left
        inputs = CableInputs(
            tree=self._tree(),
            kernels=tuple(self.values),
            start=np.broadcast_to(float(self.neuron.rest), self.count),
            cells=self.run.cells,
            duration=self.run.duration,
            dt=self.run.dt,
            trace_dt=self.run.trace_dt,
            settle=self.run.settle,
            theta=self.run.theta,
            waveforms=self.waveforms,
            probes=readings.probes,
            detector_nodes=nodes,
            detector_thresholds=thresholds,
            detector_refractory=refractory,
        )
        return Composed(
            CableModel(tuple(self.kernels)),
            inputs,
            self.numbering,
            readings.traces,
            readings.units,
            self.receptors,
        )

    def _check_step(self) -> None:
        """Refuse a step that no state of some part could follow at any potential."""
        entries: list[Painted | Placed] = [*self.neuron.painted, *self.neuron.placed]
        v = Quantity(np.linspace(-0.1, 0.05, 61), dim=self.neuron.rest.dim)
        for part in dict.fromkeys(e.part for e in entries if isinstance(e.part, Mechanism)):
            for state, gate in part.gates(v, self.neuron.celsius).items():
                slowest = float(np.max(np.asarray(gate.tau)))
                if self.run.dt > _LONGEST_STEP * slowest:
                    raise ParameterError(
                        f"simulate: dt ({self.run.dt * 1e3:g} ms) is too long for {state!r} of "
                        f"{part.name!r}, whose time constant is {slowest * 1e3:.3g} ms at most (at "
                        f"{self.neuron.celsius:g} °C); take dt of {slowest * 250:.2g} ms or less"
                    )

    # ---- cable ----------------------------------------------------------------------------------
    def _cable(self) -> None:
        cable = self.neuron.cable
        # One number for all until something is painted.
        self.C_m = self._capacitance("everywhere", _everywhere(cable.C_m, self.count), ...)
        self.R_a = _everywhere(cable.R_a, self.count)
        self.area = np.asarray(self.shape.area_m2, dtype=float)
        for painted in self.neuron.painted:
            mask = painted.region.mask(self.shape)
            if isinstance(painted.part, Cable):
                self.C_m, self.R_a = np.array(self.C_m), np.array(self.R_a)
                self.C_m[mask] = float(painted.part.C_m)
                self.C_m = self._capacitance(painted.label, self.C_m, mask)
                self.R_a[mask] = float(painted.part.R_a)
            elif isinstance(painted.part, Spines):
                self.area = np.array(self.area)
                self.area[mask] *= float(painted.part.factor)

    def _capacitance(self, label: str, now: np.ndarray, where: Any) -> np.ndarray:
        """Return the capacitance with what the batch varies, shape (compartments[, cells])."""
        key = f"{label}.C_m"
        if key not in self.run.batch:
            return now
        self.used.add(key)
        if now.ndim == 1:
            now = np.repeat(now[:, np.newaxis], self.run.cells, axis=1)
        now[where] = self.run.batch[key]
        return now

    def _tree(self) -> Tree:
        shape = self.shape
        up = shape.axial_resistance(self.R_a)
        inner = shape.node_parent >= 0
        np.divide(1, up, out=up, where=inner)
        up[~inner] = 0
        # The engine numbers compartments patch by patch, then the junctions.
        number = np.empty(len(up), dtype=np.int32)
        membrane = shape.node_compartment >= 0
        number[membrane] = self.numbering[shape.node_compartment[membrane]]
        number[~membrane] = self.count + np.arange(np.count_nonzero(~membrane))
        parent = np.full(len(up), -1, dtype=np.int32)
        parent[number[inner]] = number[shape.node_parent[inner]]
        ordered = np.empty_like(up)
        ordered[number] = up
        return Tree(parent=parent, up=ordered, compartments=self.count)

    # ---- patches --------------------------------------------------------------------------------
    def _patches(self) -> None:
        mechanisms = [(p, p.part) for p in self.neuron.painted if isinstance(p.part, Mechanism)]
        names = list(dict.fromkeys(part.name for _, part in mechanisms))
        # By name and compartment, which of the mechanisms of that name covers it; -1: none.
        owner = np.full((len(names), self.count), -1, dtype=np.int16)
        for k, (painted, part) in enumerate(mechanisms):
            owner[names.index(part.name), painted.region.mask(self.shape)] = k
        kind = _kinds(owner >= 0)
        self.numbering = np.empty(self.count, dtype=np.int32)
        first = 0
        for number in range(int(kind.max()) + 1):
            members = np.flatnonzero(kind == number).astype(np.int32)
            self.numbering[members] = np.arange(first, first + len(members))
            # Parts in the order in which they were painted.
            here = sorted((int(row[members[0]]), n) for n, row in enumerate(owner))
            covers: dict[str, list[tuple[Painted, np.ndarray]]] = {
                names[n]: [
                    (mechanisms[m][0], owner[n, members] == m) for m in np.unique(owner[n, members])
                ]
                for m, n in here
                if m >= 0
            }
            self._patch(f"patch{number}", members, covers, first)
            first += len(members)

    def _patch(
        self,
        name: str,
        members: np.ndarray,
        covers: dict[str, list[tuple[Painted, np.ndarray]]],
        first: int,
    ) -> None:
        """Write a patch; `covers` says by name of a part who of that name covers which members."""
        parts: dict[str, Mechanism] = {}
        for part_name, painters in covers.items():
            first_painted = painters[0][0].part
            assert isinstance(first_painted, Mechanism)
            parts[part_name] = first_painted
        text = Text()
        write_membrane(text, parts)
        values: dict[str, np.ndarray] = {}
        for part_name, part in parts.items():
            for field_name in part.parameters():
                values[f"{part_name}_{field_name}"] = _single(
                    self._painted_values(covers[part_name], field_name, members)
                )
            for constant, value in part.constants(self.neuron.celsius).items():
                text.declare(f"{part_name}_{constant}", value, shared=True)
                values[f"{part_name}_{constant}"] = np.asarray(float(value))
        like = {
            f"{n}_{f}": getattr(part, f) for n, part in parts.items() for f in part.parameters()
        }
        # A copy only where a patch is less than the cell.
        chosen = members if len(members) < self.count else slice(None)
        values["C_m"] = _single(self.C_m[chosen])
        values["area"] = _single(self.area[chosen])
        values["implicit_dt"] = np.asarray(self.run.dt * self.run.theta)
        like["C_m"] = self.neuron.cable.C_m
        for parameter, quantity in like.items():
            text.declare(parameter, quantity, shared=values[parameter].ndim == 0)
        shared = ", shared" if values["area"].ndim == 0 else ""
        text.lines.append(f"area : meter**2 (constant{shared})")
        text.lines.append("implicit_dt : second (constant, shared)")
        self._finish(name, text, values, members, density=True, first=first)

    def _painted_values(
        self, painters: list[tuple[Painted, np.ndarray]], field_name: str, members: np.ndarray
    ) -> np.ndarray:
        """Return a parameter over the compartments of a patch, with what the batch varies."""
        base = np.empty(len(members))
        factor: np.ndarray | None = None
        for painted, here in painters:
            base[here] = float(getattr(painted.part, field_name))
        for painted, here in painters:
            key = f"{painted.label}.{field_name}"
            if key in self.run.batch:
                self.used.add(key)
                if base.ndim == 1:
                    base = np.repeat(base[:, np.newaxis], self.run.cells, axis=1)
                base[here] = self.run.batch[key]
            if painted.scale is not None and field_name == painted.strength:
                distance = np.asarray(self.shape.distance_m)[members[here]] * 1e6
                factor = np.ones(len(members)) if factor is None else factor
                factor[here] = np.asarray(painted.scale(distance), dtype=float)
        if factor is None:
            return base
        return base * (factor if base.ndim == 1 else factor[:, np.newaxis])

    # ---- points ---------------------------------------------------------------------------------
    def _receptors(self, placed: Placed, index: int) -> None:
        part = placed.part
        assert isinstance(part, Receptor)
        points = np.asarray(placed.site.compartments(self.shape), dtype=int)
        if part.lumps:
            sites, member = np.unique(points, return_inverse=True)
        else:
            sites, member = points, np.arange(len(points))
        text = Text()
        write_receptor(text, part)
        values: dict[str, np.ndarray] = {}
        for name, quantity in part.parameters().items():
            value: np.ndarray = np.asarray(float(quantity))
            key = f"{placed.label}.{name}"
            if key in self.run.batch:
                self.used.add(key)
                value = np.broadcast_to(self.run.batch[key], (len(sites), self.run.cells))
            values[name] = value
            text.declare(name, quantity, shared=value.ndim == 0)
        for name, constant in part.constants(self.neuron.celsius).items():
            values[name] = np.asarray(float(constant))
            text.declare(name, constant, shared=True)
        for name in part.reads:
            raise ParameterError(f"{placed.label}: a placed receptor cannot read {name}")
        self.receptors[placed.label] = (len(self.kernels), member)
        factors = {state: self._factor(part, state, values, len(sites)) for state in part.on_event}
        arrivals = gather_arrivals(
            placed,
            index,
            points,
            member,
            factors,
            cells=self.run.cells,
            seeds=self.run.seeds,
            duration=self.run.duration,
        )
        self._finish(
            f"point_{placed.label}",
            text,
            values,
            sites,
            density=False,
            events=tuple(part.on_event),
            arrivals=arrivals,
        )

    def _factor(
        self, part: Receptor, state: str, values: dict[str, np.ndarray], sites: int
    ) -> np.ndarray:
        """Return what one quantum adds to a state, at every site."""
        varied = [name for name, value in values.items() if value.ndim]
        if not varied:
            return np.full(sites, part.jump(state))
        jumps = np.empty((sites, self.run.cells))
        for cell in range(self.run.cells):
            given = {
                name: Quantity(float(values[name][0, cell]), dim=getattr(part, name).dim)
                for name in varied
            }
            jumps[:, cell] = part.jump(state, **given)
        return jumps

    def _electrode(self, placed: Placed) -> None:
        part = placed.part
        assert isinstance(part, Stimulus)
        sites = np.asarray(placed.site.compartments(self.shape), dtype=int)
        text = Text()
        values: dict[str, np.ndarray] = {}
        integers: list[str] = []
        updates: list[str] = []
        terms: list[str] = []
        full = (len(sites), self.run.cells)
        if part.noisy:
            # Electrodes draw apart; that of `simulate(stimulus=...)` is the first.
            others = [p.label for p in self.neuron.placed if p.label != "stimulus"]
            first = (1 + others.index(placed.label)) << 32 if placed.label in others else 0
            low, high = row_keys(
                np.tile(self.run.seeds, len(sites)),
                first + np.repeat(np.arange(len(sites)), full[1]),
            )
            for name, key in (("key_low", low), ("key_high", high)):
                values[name] = np.reshape(key, full)
                text.lines.append(f"{name} : integer (constant)")
                integers.append(name)
        components = part.components()
        for stream, (label, component) in enumerate(components.items()):
            drive = component.drive(f"{label}_", stream)
            states = [line.split("=", 1)[0].strip() for line in drive.updates]
            for variable, unit in drive.units.items():
                text.lines.append(
                    f"{variable} : {'integer' if variable in drive.integers else unit}"
                    + ("" if variable in states else " (constant)")
                )
            for state in states:
                values[state] = np.zeros(full)
            for name, quantity in component.values().items():
                variable = f"{label}_{name.replace('[', '_').replace(']', '')}"
                value = np.full(full, float(quantity))
                place = f"{placed.label}.{label}.{name}"
                if place in self.run.batch:
                    self.used.add(place)
                    value = np.broadcast_to(self.run.batch[place], full)
                values[variable] = value
            if component.waveforms():
                values[f"{label}_first_channel"] = np.full(full, float(len(self.waveforms)))
                self.waveforms.extend(component.waveforms())
            updates += drive.updates
            terms.append(drive.current)
            integers += drive.integers
        # A name of its own, so that the equations may call it and the probes find it.
        text.lines.append("I_stim : amp")
        values["I_stim"] = np.zeros(full)
        updates.append(f"I_stim = {' + '.join(terms)}")
        text.current = "I_stim"
        self._finish(
            f"point_{placed.label}",
            text,
            values,
            sites,
            density=False,
            updates=tuple(updates),
            integers=tuple(integers),
        )

    # ---- kernels --------------------------------------------------------------------------------
    def _finish(
        self,
        name: str,
        text: Text,
        values: dict[str, np.ndarray],
        sites: np.ndarray,
        *,
        density: bool,
        first: int = 0,
        events: tuple[str, ...] = (),
        arrivals: Arrivals | None = None,
        updates: tuple[str, ...] = (),
        integers: tuple[str, ...] = (),
    ) -> None:
        conducts = not updates
        if conducts:
            text.lines.append("v : volt")
        equations = "\n".join(text.lines)
        record = self.reader.recorded(name, Equations(equations), sites)
        kernel = Kernel(
            name=name,
            equations=equations,
            current=text.current,
            density=density,
            updates=updates,
            integers=integers,
            events=events,
            record=record,
        )
        if kernel.states:
            values |= self._rest(kernel, values, len(sites), zero=bool(events))
        nodes = self.numbering if len(sites) == self.count else self.numbering[sites]
        self.kernels.append(kernel)
        self.values.append(
            KernelInputs(sites=len(sites), nodes=nodes, values=values, events=arrivals)
        )

    def _rest(
        self, kernel: Kernel, values: dict[str, np.ndarray], sites: int, *, zero: bool
    ) -> dict[str, np.ndarray]:
        """Return the initial states: zero for receptors, else steady at the resting potential."""
        if zero:
            return {name: np.zeros(sites) for name in kernel.states}
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
        found = steady_state(kernel.parsed, flat, start="v")
        rest = {name: found[name].reshape(shape) for name in kernel.states}
        return rest if each else {name: np.broadcast_to(v, sites) for name, v in rest.items()}


def _everywhere(value: Quantity, count: int) -> np.ndarray:
    """Return one value for all, in the memory of one."""
    return np.broadcast_to(float(value), count)


def _kinds(covered: np.ndarray) -> np.ndarray:
    """Return by compartment which mechanisms it has, numbered in the order of first occurrence.

    Parameters
    ----------
    covered : ndarray of bool, shape (mechanisms, compartments)
        Whether a mechanism is there.
    """
    kind = np.zeros(covered.shape[1], dtype=np.int32)
    for row in covered:
        if row.any() and not row.all():
            _, place, parted = np.unique(2 * kind + row, return_index=True, return_inverse=True)
            kind = np.argsort(np.argsort(place)).astype(np.int32)[parted]
    return kind


def _single(values: np.ndarray) -> np.ndarray:
    """Return one number where all are equal, so that it need not be read a row at a time."""
    return np.asarray(values.flat[0]) if np.all(values == values.flat[0]) else values
