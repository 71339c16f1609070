"""From a described neuron to kernels and their values.

Compartments that carry the same set of channels make one patch, a loop of its own, so that no
channel is computed where it is not painted; compartments are numbered patch after patch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.equations.equations import Equations
from brian2.units import Quantity

from neurosim.cell import Cable, Neuron, Painted, Placed, Poisson, Spines
from neurosim.channels.base import Channel, IonPool, Mechanism
from neurosim.channels.evaluate import parse
from neurosim.engine.cable.inputs import Arrivals, CableInputs, KernelInputs, Tree
from neurosim.engine.cable.model import CableModel, Kernel
from neurosim.engine.randomness import row_keys
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.morphology import Compartments, root_site
from neurosim.quantities import unit_name
from neurosim.steady_state import steady_state
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor

# Exponential Euler stays exact for a state far faster than the step, which then follows the
# potential at once; beyond this ratio the rest of the cell cannot be right.
_LONGEST_STEP = 4

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
    """

    model: CableModel
    inputs: CableInputs
    numbering: np.ndarray
    traces: list[tuple[str, int]]
    units: dict[str, Quantity]


def batch_places(neuron: Neuron) -> dict[str, tuple[Quantity, dict[str, Any]]]:
    """Return what a batch can vary: full name, default value and the rule of its range.

    Full names are ``<label>.<parameter>``, for a stimulus ``<label>.<component>.<parameter>``.
    """
    found: dict[str, tuple[Quantity, dict[str, Any]]] = {}
    entries: list[Painted | Placed] = [*neuron.painted, *neuron.placed]
    for entry in entries:
        part = entry.part
        if isinstance(part, (Cable, Spines)):
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


def compose_cable(neuron: Neuron, run: Run) -> Composed:
    """Write a neuron as kernels with their values.

    Raises
    ------
    ParameterError
        A part needs what is not painted there.
    UnknownNameError
        A probe names what is not there.
    """
    composer = _Composer(neuron, run)
    return composer.compose()


class _Composer:
    def __init__(self, neuron: Neuron, run: Run) -> None:
        self.neuron = neuron
        self.run = run
        self.shape: Compartments = neuron.compartments
        self.count = len(self.shape.area_m2)
        self.used: set[str] = set()
        self.kernels: list[Kernel] = []
        self.values: list[KernelInputs] = []
        self.probes: list[tuple[int, int, int]] = []
        self.traces: list[tuple[str, int]] = []
        self.units: dict[str, Quantity] = {}

    def compose(self) -> Composed:
        self._check_step()
        self._cable()
        self._patches()
        for index, placed in enumerate(self.neuron.placed):
            if isinstance(placed.part, Receptor):
                self._receptors(placed, index)
            else:
                self._electrode(placed)
        self._detectors()
        self._probe_all()
        left = set(self.run.batch) - self.used
        assert not left, left
        inputs = CableInputs(
            tree=self._tree(),
            kernels=tuple(self.values),
            start=np.full(self.count, float(self.neuron.rest)),
            cells=self.run.cells,
            duration=self.run.duration,
            dt=self.run.dt,
            trace_dt=self.run.trace_dt,
            settle=self.run.settle,
            theta=self.run.theta,
            waveforms=self._waveforms,
            probes=self.probes,
            detector_nodes=self._detector_nodes,
            detector_thresholds=self._detector_thresholds,
        )
        model = CableModel(tuple(self.kernels))
        return Composed(model, inputs, self.numbering, self.traces, self.units)

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
        self.C_m = np.full(self.count, float(cable.C_m))
        self.R_a = np.full(self.count, float(cable.R_a))
        self.area = np.array(self.shape.area_m2, dtype=float)
        for painted in self.neuron.painted:
            mask = painted.region.mask(self.shape)
            if isinstance(painted.part, Cable):
                self.C_m[mask] = float(painted.part.C_m)
                self.R_a[mask] = float(painted.part.R_a)
            elif isinstance(painted.part, Spines):
                self.area[mask] *= float(painted.part.factor)

    def _tree(self) -> Tree:
        shape = self.shape
        resistance = (
            self.R_a[shape.own_compartment] * shape.own_factor_per_m
            + self.R_a[shape.parent_compartment] * shape.parent_factor_per_m
        )
        inner = np.asarray(shape.node_parent) >= 0
        up = np.zeros(len(resistance))
        up[inner] = 1 / resistance[inner]
        # The engine numbers compartments patch by patch, then the junctions.
        number = np.empty(len(resistance), dtype=int)
        membrane = np.asarray(shape.node_compartment) >= 0
        number[membrane] = self.numbering[np.asarray(shape.node_compartment)[membrane]]
        number[~membrane] = self.count + np.arange(np.count_nonzero(~membrane))
        parent = np.full(len(number), -1)
        parent[number[inner]] = number[np.asarray(shape.node_parent)[inner]]
        ordered = np.zeros(len(number))
        ordered[number] = up
        return Tree(parent=parent, up=ordered, compartments=self.count)

    # ---- patches --------------------------------------------------------------------------------
    def _patches(self) -> None:
        covers: list[list[Painted]] = [[] for _ in range(self.count)]
        for painted in self.neuron.painted:
            if isinstance(painted.part, Mechanism):
                for c in np.flatnonzero(painted.region.mask(self.shape)):
                    covers[c].append(painted)
        sets = [tuple(sorted(p.part.name for p in here)) for here in covers]  # type: ignore[union-attr]
        kinds = list(dict.fromkeys(sets))
        self.numbering = np.empty(self.count, dtype=int)
        self.patch_of = np.empty(self.count, dtype=int)
        first = 0
        for k, kind in enumerate(kinds):
            members = np.array([c for c in range(self.count) if sets[c] == kind])
            self.numbering[members] = first + np.arange(len(members))
            self.patch_of[members] = k
            self._patch(f"patch{k}", members, [covers[c] for c in members], first)
            first += len(members)

    def _patch(
        self, name: str, members: np.ndarray, covers: list[list[Painted]], first: int
    ) -> None:
        parts: dict[str, Mechanism] = {}
        for painted in covers[0]:
            assert isinstance(painted.part, Mechanism)
            parts[painted.part.name] = painted.part
        text = _Text()
        self._describe(text, parts)
        values: dict[str, np.ndarray] = {}
        for part_name, part in parts.items():
            mine = [next(p for p in here if p.part.name == part_name) for here in covers]  # type: ignore[union-attr]
            for field_name in part.parameters():
                values[f"{part_name}_{field_name}"] = self._painted_values(
                    mine, field_name, members
                )
            for constant, value in part.constants(self.neuron.celsius).items():
                text.declare(f"{part_name}_{constant}", value, shared=True)
                values[f"{part_name}_{constant}"] = np.asarray(float(value))
        like = {
            f"{n}_{f}": getattr(part, f) for n, part in parts.items() for f in part.parameters()
        }
        values["C_m"] = self.C_m[members]
        values["area"] = _single(self.area[members])
        values["implicit_dt"] = np.asarray(self.run.dt * self.run.theta)
        like["C_m"] = self.neuron.cable.C_m
        for parameter, quantity in like.items():
            values[parameter] = _single(values[parameter])
            text.declare(parameter, quantity, shared=values[parameter].ndim == 0)
        shared = ", shared" if values["area"].ndim == 0 else ""
        text.lines.append(f"area : meter**2 (constant{shared})")
        text.lines.append("implicit_dt : second (constant, shared)")
        self._finish(name, text, values, members, density=True, first=first)

    def _describe(self, text: _Text, parts: dict[str, Mechanism]) -> None:
        """Write the equations of the parts of a patch, with the names they have together."""
        pools = {part.writes: part for part in parts.values() if isinstance(part, IonPool)}
        currents: dict[str, list[str]] = {}
        total = []
        for name, part in parts.items():
            for need in part.reads:
                if need.endswith("_i") and need not in pools:
                    raise ParameterError(
                        f"{name!r} depends on {need}, and nothing there holds it: paint an ion "
                        f"pool that writes {need} (such as CalciumPool) on the same region"
                    )
            keep = {*part.reads, "v"} | ({part.writes} if isinstance(part, IonPool) else set())
            rename = _renamer(name, part, keep)
            for equation in parse(part.equations).values():
                unit = unit_name(Quantity(1.0, dim=equation.dim))
                left, code = rename(equation.varname), rename(equation.expr.code)
                if equation.type == "differential equation":
                    text.lines.append(f"d{left}/dt = {code} : {unit}")
                else:
                    text.lines.append(f"{left} = {code} : {unit}")
            if isinstance(part, Channel):
                text.lines.append(f"{name}_current = {rename(part.current)} : amp/meter**2")
                total.append(f"{name}_current")
                if part.ion is not None:
                    currents.setdefault(part.ion, []).append(f"{name}_current")
        wanted = {need for part in parts.values() for need in part.reads if need.startswith("i_")}
        for ion, terms in currents.items():
            wanted.add(f"i_{ion}") if f"i_{ion}" in wanted else None
            if f"i_{ion}" in wanted:
                text.lines.append(f"i_{ion} = {' + '.join(terms)} : amp/meter**2")
        for need in wanted - {f"i_{ion}" for ion in currents}:
            text.lines.append(f"{need} = 0*amp/meter**2 : amp/meter**2")
        text.current = " + ".join(total) or "0*amp/meter**2"

    def _painted_values(
        self, mine: list[Painted], field_name: str, members: np.ndarray
    ) -> np.ndarray:
        """Return a parameter over the compartments of a patch, with what the batch varies."""
        base = np.array([float(getattr(p.part, field_name)) for p in mine])
        factor = np.ones(len(mine))
        for painted in dict.fromkeys(mine):
            here = np.array([p is painted for p in mine])
            key = f"{painted.label}.{field_name}"
            if key in self.run.batch:
                self.used.add(key)
                if base.ndim == 1:
                    base = np.repeat(base[:, np.newaxis], self.run.cells, axis=1)
                base[here] = self.run.batch[key]
            if painted.scale is not None and field_name == "g":
                distance = np.asarray(self.shape.distance_m)[members[here]] * 1e6
                factor[here] = np.asarray(painted.scale(distance), dtype=float)
                if np.any(~np.isfinite(factor)) or np.any(factor < 0):
                    raise ParameterError(
                        f"{painted.label}: scale must return finite numbers that are not negative"
                    )
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
        text = _Text()
        # Names stay local: a kernel of points holds one kind of receptor.
        for equation in parse(part.equations).values():
            unit = unit_name(Quantity(1.0, dim=equation.dim))
            if equation.type == "differential equation":
                text.lines.append(f"d{equation.varname}/dt = {equation.expr.code} : {unit}")
            else:
                text.lines.append(f"{equation.varname} = {equation.expr.code} : {unit}")
        text.lines.append(f"current = {part.current} : amp")
        text.current = "current"
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
        factors = {state: self._factor(part, state, values, len(sites)) for state in part.on_event}
        arrivals = self._arrivals(placed, index, points, member, factors)
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

    def _arrivals(
        self,
        placed: Placed,
        index: int,
        points: np.ndarray,
        member: np.ndarray,
        factors: dict[str, np.ndarray],
    ) -> Arrivals:
        time, site, cell, weight = [], [], [], []
        if isinstance(placed.arrivals, Poisson):
            rate = float(placed.arrivals.rate)
            for seed in np.unique(self.run.seeds):
                # A stream of its own for each seed and placement, whatever else is placed.
                generator = np.random.default_rng([int(seed), index, 0x53594E])
                number = generator.poisson(rate * self.run.duration, size=len(points))
                drawn = generator.uniform(0, self.run.duration, size=int(number.sum()))
                who = np.repeat(member, number)
                for one in np.flatnonzero(self.run.seeds == seed):
                    time.append(drawn)
                    site.append(who)
                    cell.append(np.full(len(drawn), one))
                    weight.append(np.ones(len(drawn)))
        elif placed.arrivals is not None:
            many = placed.arrivals
            for k in range(len(points)):
                events = many[k if len(many) > 1 else 0]
                if events.weight.ndim == 2:
                    if events.trials != self.run.cells:
                        raise ParameterError(
                            f"{placed.label}: the events have {events.trials} trials and the batch "
                            f"{self.run.cells} cells; give one trial a cell"
                        )
                    for one in range(self.run.cells):
                        trial = events.trial(one)
                        time.append(trial.time_s)
                        weight.append(trial.weight)
                        site.append(np.full(len(trial.time_s), member[k]))
                        cell.append(np.full(len(trial.time_s), one))
                else:
                    time.append(events.time_s)
                    weight.append(events.weight)
                    site.append(np.full(len(events.time_s), member[k]))
                    cell.append(np.full(len(events.time_s), -1))

        def flat(parts: list[np.ndarray], kind: type) -> np.ndarray:
            return np.concatenate(parts).astype(kind) if parts else np.zeros(0, dtype=kind)

        when = flat(time, float)
        order = np.argsort(when, kind="stable")
        return Arrivals(
            time_s=when[order],
            site=flat(site, int)[order],
            cell=flat(cell, int)[order],
            weight=flat(weight, float)[order],
            factors=factors,
        )

    def _electrode(self, placed: Placed) -> None:
        part = placed.part
        assert isinstance(part, Stimulus)
        sites = np.asarray(placed.site.compartments(self.shape), dtype=int)
        text = _Text()
        values: dict[str, np.ndarray] = {}
        integers: list[str] = []
        updates: list[str] = []
        terms: list[str] = []
        full = (len(sites), self.run.cells)
        if part.noisy:
            low, high = row_keys(
                np.tile(self.run.seeds, len(sites)), np.repeat(np.arange(len(sites)), full[1])
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
                values[f"{label}_first_channel"] = np.full(full, float(len(self._waveforms)))
                self._waveforms.extend(component.waveforms())
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
    @property
    def _waveforms(self) -> list[np.ndarray]:
        return self.__dict__.setdefault("_all_waveforms", [])

    def _finish(
        self,
        name: str,
        text: _Text,
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
        record = self._recorded(name, Equations(equations), sites)
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
        nodes = self.numbering[sites]
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
        wide = any(value.ndim == 2 for value in values.values())
        shape = (sites, self.run.cells) if wide else (sites,)

        def spread(value: np.ndarray) -> np.ndarray:
            if value.ndim == 1 and wide:
                value = value[:, np.newaxis]
            return np.broadcast_to(value, shape).astype(float).ravel()

        flat = {name: spread(value) for name, value in values.items()}
        flat["v"] = np.full(int(np.prod(shape)), float(self.neuron.rest))
        found = steady_state(kernel.parsed, flat, start="v")
        return {name: found[name].reshape(shape) for name in kernel.states}

    # ---- what is read ---------------------------------------------------------------------------
    def _recorded(self, kernel: str, equations: Equations, sites: np.ndarray) -> tuple[str, ...]:
        """Return the variables of a kernel that probes ask for."""
        wanted = []
        for probe in self.neuron.probed:
            if probe.variable == "v":
                continue
            variable = self._variable(probe.variable, kernel)
            here = set(probe.site.compartments(self.shape).tolist()) & set(sites.tolist())
            if variable is not None and here and variable in equations:
                wanted.append(variable)
        return tuple(dict.fromkeys(wanted))

    def _variable(self, name: str, kernel: str) -> str | None:
        """Return the name a probed variable has in a kernel, if it can be there."""
        labels = {p.label: p for p in self.neuron.placed}
        head, _, tail = name.partition(".")
        if head in labels:
            if kernel != f"point_{head}":
                return None
            return (
                "I_stim" if tail == "current" and isinstance(labels[head].part, Stimulus) else tail
            )
        return None if kernel.startswith("point_") else name.replace(".", "_")

    def _probe_all(self) -> None:
        for probe in self.neuron.probed:
            points = list(dict.fromkeys(np.asarray(probe.site.compartments(self.shape)).tolist()))
            for k, compartment in enumerate(points):
                name = probe.label if len(points) == 1 else f"{probe.label}[{k}]"
                self.probes.append(self._find(probe.variable, compartment))
                self.traces.append((name, compartment))
                kernel, variable, _ = self.probes[-1]
                if kernel < 0:
                    self.units[name] = self.neuron.rest
                else:
                    equations = self.kernels[kernel].parsed
                    traced = self.kernels[kernel].record[variable]
                    self.units[name] = Quantity(1.0, dim=equations[traced].dim)

    def _find(self, variable: str, compartment: int) -> tuple[int, int, int]:
        number = int(self.numbering[compartment])
        if variable == "v":
            return (-1, 0, number)
        known = {"v"}
        for k, (kernel, values) in enumerate(zip(self.kernels, self.values, strict=True)):
            where = np.flatnonzero(values.nodes == number)
            if not len(where):
                continue
            name = self._variable(variable, kernel.name)
            if name in kernel.record:
                return (k, kernel.record.index(name), int(where[0]))
            known |= self._names(kernel)
        place = self.shape.branch_names[int(self.shape.branch[compartment])]
        raise UnknownNameError(
            f"probe: there is no {variable!r} on branch {place!r}: {suggest(variable, known)}"
        )

    def _names(self, kernel: Kernel) -> set[str]:
        """Return the names by which a user may probe a kernel."""
        inner = set(kernel.parsed.diff_eq_names) | set(kernel.parsed.subexpr_names)
        if kernel.name.startswith("point_"):
            head = kernel.name.removeprefix("point_")
            return {f"{head}.{name}" for name in inner} | {f"{head}.current"}
        found = set()
        parts = [p.part.name for p in self.neuron.painted if isinstance(p.part, Mechanism)]
        for name in inner:
            owner = max((p for p in parts if name.startswith(f"{p}_")), key=len, default="")
            found.add(f"{owner}.{name[len(owner) + 1 :]}" if owner else name)
        return found

    def _detectors(self) -> None:
        sites, thresholds = [], []
        for detector in self.neuron.detectors:
            compartment = int(np.asarray(detector.site.compartments(self.shape))[0])
            sites.append(self.numbering[compartment])
            thresholds.append(detector.threshold)
        if not sites:
            root = int(root_site.compartments(self.shape)[0])
            sites, thresholds = [self.numbering[root]], [-0.02]
        self._detector_nodes = np.array(sites)
        self._detector_thresholds = np.array(thresholds)


class _Text:
    """Equations being written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.current = "0*amp/meter**2"

    def declare(self, name: str, like: Any, *, shared: bool) -> None:
        unit = unit_name(like) if isinstance(like, Quantity) else "1"
        self.lines.append(f"{name} : {unit} (constant{', shared' if shared else ''})")


def _single(values: np.ndarray) -> np.ndarray:
    """Return one number where all are equal, so that it need not be read a row at a time."""
    return np.asarray(values.flat[0]) if np.all(values == values.flat[0]) else values


def _renamer(part_name: str, part: Mechanism, keep: set[str]) -> Any:
    """Return a function that gives a part's local names their names within the cell."""
    local = {*parse(part.equations), *part.quantity_fields(), *part.constants()} - keep
    pattern = re.compile(r"\b(" + "|".join(sorted(map(re.escape, local), key=len)[::-1]) + r")\b")

    def rename(code: str) -> str:
        return pattern.sub(lambda found: f"{part_name}_{found[1]}", code) if local else code

    return rename
