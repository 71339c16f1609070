"""Run a circuit: from a `Circuit` to the recordings of its populations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from neurosim.describe.circuit import Circuit
from neurosim.engine.cable.compose import Composed, compose_cable
from neurosim.engine.cable.execute import execute_cables
from neurosim.engine.programs.course_tables import CourseTable
from neurosim.engine.programs.spike_exchange import Fired, Incoming
from neurosim.errors import (
    DivergenceError,
    EngineError,
    NeurosimError,
    ParameterError,
    UnknownNameError,
    suggest,
)
from neurosim.outside import ExtracellularPotential, Placement
from neurosim.run.argument_checks import RunSettings
from neurosim.run.continuing import check_fits, check_kind
from neurosim.run.course_settings import Courses
from neurosim.run.neuron_run import (
    NeuronRecording,
    begun,
    diverged,
    prepare,
    recording_of,
    with_stimulus,
)
from neurosim.run.state import State, digest
from neurosim.terminals.base import Ongoing

__all__ = ["CircuitRecording", "run_circuit"]


@dataclass(frozen=True, eq=False)
class CircuitRecording(Mapping[str, NeuronRecording]):
    """What a circuit did: by population, a `NeuronRecording` with a row a cell.

    Attributes
    ----------
    circuit : Circuit
        What was run.
    populations : dict of str to NeuronRecording
        The recordings.
    seed : int
        Seed of the run.
    releases : dict of str to int
        By ``"source -> target (onto)"``, how many releases arrived before the end.
    state : State
        All that the next step would need, at the end; ``simulate(..., initial=state)`` goes on.
    outside : ExtracellularPotential, optional
        Potential of all cells together at the electrodes outside.
    """

    circuit: Circuit
    populations: dict[str, NeuronRecording]
    seed: int
    releases: dict[str, int]
    state: State | None = None
    outside: ExtracellularPotential | None = None

    def __getitem__(self, name: str) -> NeuronRecording:
        if name not in self.populations:
            raise UnknownNameError(
                f"there is no population {name!r}: {suggest(str(name), self.populations)}"
            )
        return self.populations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.populations)

    def __len__(self) -> int:
        return len(self.populations)

    def __repr__(self) -> str:
        spikes = ", ".join(f"{int(r.counts().sum())} of {n}" for n, r in self.populations.items())
        return f"CircuitRecording(spikes: {spikes})"


def run_circuit(
    circuit: Circuit, settings: RunSettings, initial: State | Mapping[str, Any] | None = None
) -> CircuitRecording:
    """Run a circuit; `neurosim.simulate` calls this.

    Noise and terminals of every cell and contact draw random numbers of their own from the one
    seed.
    """
    if not circuit.populations:
        raise ParameterError("simulate: the circuit has no cells; add a population first")
    if settings.seed.ndim:
        raise ParameterError("simulate: a circuit takes one seed, from which its cells draw theirs")
    _check_placements(circuit, settings)
    seed = int(settings.seed)
    settings = settings.in_whole_steps()
    before = _state_of_circuit(circuit, initial)
    composed, runs, neurons = [], [], []
    waveforms: list[np.ndarray] = []
    tables: list[CourseTable] = []
    followed: dict[str, Courses] = {}
    for number, (name, population) in enumerate(circuit.populations.items()):
        for key, values in population.batch.items():
            if np.size(values) not in (1, population.count):
                raise ParameterError(
                    f"simulate: {key!r} of {name!r} has {np.size(values)} values for "
                    f"{population.count} cells; give one, or one a cell"
                )
        for key, one in population.courses.items():
            several = len(one) if isinstance(one, Sequence) else 1
            if several not in (1, population.count):
                raise ParameterError(
                    f"simulate: {key!r} of {name!r} has {several} courses for {population.count} "
                    "cells; give one, or one a cell"
                )
        seeds = np.random.SeedSequence([seed, number]).generate_state(population.count)
        try:
            neuron = with_stimulus(population.neuron, population.stimulus, settings.record)
            run, changing = prepare(
                neuron,
                population.batch,
                seeds.astype(np.int64),
                settings,
                name,
                courses=population.courses,
            )
            part = None if before is None else before.parts[name]
            cells = compose_cable(neuron, run, waveforms, tables)
            composed.append(begun(cells, neuron, run, part))
        except NeurosimError as error:
            raise type(error)(f"population {name!r}: {error}") from None
        runs.append(run)
        followed[name] = changing
        neurons.append(neuron)
    wires = _Wires(circuit, composed, seed) if circuit.connections else None
    if wires is not None and before is not None:
        composed = wires.resume(before, composed)
    try:
        results = execute_cables(
            [(one.model, one.inputs) for one in composed],
            engine=settings.engine,
            threads=settings.jobs,
            progress=settings.progress,
            exchange=wires,
        )
    except DivergenceError as error:
        name = list(circuit.populations)[error.group]
        told = diverged(error, neurons[error.group], composed[error.group], settings.dt)
        raise EngineError(f"population {name!r}: {told}") from None
    recordings = {
        name: recording_of(
            neuron,
            population.stimulus,
            run,
            one,
            result,
            settings.engine,
            courses=followed[name],
        )
        for (name, population), neuron, run, one, result in zip(
            circuit.populations.items(), neurons, runs, composed, results, strict=True
        )
    }
    released = {} if wires is None else wires.released
    state = State(
        of="Circuit",
        step=settings.start_step + composed[0].inputs.steps,
        dt_s=settings.dt,
        rows=1,
        seeds=np.array([seed]),
        arrays={} if wires is None else wires.memory(),
        fits=_circuit_fits(circuit),
        parts={name: _held(recording.state) for name, recording in recordings.items()},
    )
    outside = _sum_outside(recordings)
    return CircuitRecording(circuit, recordings, seed, released, state, outside)


def _held(state: State | None) -> State:
    assert state is not None
    return state


def _circuit_fits(circuit: Circuit) -> dict[str, str]:
    cells = ", ".join(f"{p.count} {name}" for name, p in circuit.populations.items())
    said = {"the populations": cells, "the numbers of connections": str(len(circuit.connections))}
    for k, c in enumerate(circuit.connections):
        text = f"{c.source} {c.target} {c.onto} {c.detector} {type(c.terminal).__name__}"
        name = f"the contacts of connection {k} ({c.source} -> {c.target})"
        said[name] = digest(text, c.pairs, c.points)
    return said


def _state_of_circuit(circuit: Circuit, initial: Any) -> State | None:
    """Return the state that a circuit goes on from, if it is one of this circuit."""
    if initial is None:
        return None
    if not isinstance(initial, State):
        raise ParameterError(
            "simulate: a circuit starts from the state of a run of it; starting values by name are "
            "for neurons"
        )
    check_kind(initial, "Circuit")
    check_fits(initial, _circuit_fits(circuit))
    return initial


def _sum_outside(recordings: Mapping[str, NeuronRecording]) -> ExtracellularPotential | None:
    """Return the potential of all cells together."""
    each = [one.outside for one in recordings.values() if one.outside is not None]
    if not each:
        return None
    _, electrodes, samples = each[0].values_si.shape
    total = np.zeros((1, electrodes, samples))
    for one in each:
        # Cell by cell, since the traces of many may lie on disk.
        for values in one.values_si:
            total[0] += values
    return ExtracellularPotential(each[0].electrodes, total, each[0].time_s)


def _check_placements(circuit: Circuit, settings: RunSettings) -> None:
    """Refuse placements of populations that are none."""
    for name, placement in settings.placement.items():
        if name == "" and placement == Placement.still():
            continue
        if name not in circuit.populations:
            raise UnknownNameError(
                "simulate: placement says by population where its cells lie, such as "
                f"{{{next(iter(circuit.populations))!r}: Placement(...)}}; there is no population "
                f"{name!r}: {suggest(name, circuit.populations)}"
            )


class _Bundle(NamedTuple):
    """Where the axon of one cell ends on the receptors of one placement; arrays have a value a
    contact."""

    connection: int
    name: str
    terminal: Ongoing
    group: int
    kernel: int
    site: np.ndarray
    cell: np.ndarray
    delay_s: np.ndarray
    weight: np.ndarray


# Keeps the seeds of terminals apart from those of cells.
_WIRE = 0x57495245


class _Wires:
    """Lets the terminals of a circuit turn spikes into events; see `Exchange`."""

    def __init__(self, circuit: Circuit, composed: list[Composed], seed: int) -> None:
        dt = self.dt = composed[0].inputs.dt
        first = composed[0].inputs
        self.stop = first.start_step + first.steps
        numbers = {name: k for k, name in enumerate(circuit.populations)}
        shortest = min(connection.shortest_s for connection in circuit.connections)
        self.window = int(shortest / dt + 1e-6)
        if self.window < 1:
            raise ParameterError(
                f"simulate: the shortest way from a spike to its effect takes {shortest * 1e3:g} "
                f"ms, less than a time step ({dt * 1e3:g} ms); give a delay or a smaller dt"
            )
        #: By source (group, detector, cell), where its axon ends.
        self.bundles: dict[tuple[int, int, int], list[_Bundle]] = {}
        self.released: dict[str, int] = {}
        #: By connection, what was released and is still on its way at the end.
        self.late: list[tuple[int, Incoming]] = []
        for k, connection in enumerate(circuit.connections):
            group = numbers[connection.target]
            kernel, member = composed[group].receptors[connection.onto]
            seeds = np.random.SeedSequence([seed, k, _WIRE]).generate_state(len(connection.pairs))
            name = f"{connection.source} -> {connection.target} ({connection.onto})"
            self.released[name] = 0
            for cell in np.unique(connection.pairs[:, 0]):
                here = np.flatnonzero(connection.pairs[:, 0] == cell)
                bundle = _Bundle(
                    k,
                    name,
                    connection.terminal.begin(seeds[here].astype(np.int64)),
                    group,
                    kernel,
                    member[connection.points[here]],
                    connection.pairs[here, 1],
                    connection.delay_s[here] + float(connection.terminal.delay),
                    connection.weight[here],
                )
                key = (numbers[connection.source], connection.detector, int(cell))
                self.bundles.setdefault(key, []).append(bundle)

    def __call__(self, fired: Sequence[Fired]) -> list[Incoming]:
        events: list[Incoming] = []
        for spike in fired:
            for bundle in self.bundles.get((spike.group, spike.detector, spike.cell), ()):
                events += self._release(bundle, spike.time)
        return sorted(events, key=lambda event: event.step)

    def _release(self, bundle: _Bundle, time: float) -> list[Incoming]:
        """Return what a spike releases at the contacts of an axon."""
        weights = bundle.terminal.spike(time) * bundle.weight
        steps = np.ceil((time + bundle.delay_s) / self.dt - 1e-6).astype(int)
        acting = np.flatnonzero(weights != 0)
        events = [
            Incoming(
                bundle.group,
                bundle.kernel,
                int(bundle.site[k]),
                int(bundle.cell[k]),
                int(steps[k]),
                float(weights[k]),
            )
            for k in acting
        ]
        return self._in_time(bundle.connection, bundle.name, events)

    def _in_time(self, connection: int, name: str, events: list[Incoming]) -> list[Incoming]:
        """Return the events that act before the end; the others are kept."""
        now = [event for event in events if event.step < self.stop]
        self.late += [(connection, event) for event in events if event.step >= self.stop]
        self.released[name] += len(now)
        return now

    def memory(self) -> dict[str, np.ndarray]:
        """Return what is on its way at the end, and what the terminals remember."""
        # In an order of its own, whenever each was told.
        table = sorted((k, e.site, e.cell, e.step, e.weight) for k, e in self.late)
        columns = np.array(table, dtype=float).reshape(-1, 5).T
        names = ("connection", "site", "cell", "step")
        found = {f"flight.{n}": c.astype(np.int64) for n, c in zip(names, columns, strict=False)}
        found["flight.weight"] = columns[4]
        for k, bundles in self._by_connection().items():
            kept = [bundle.terminal.memory() for bundle in bundles]
            for name in sorted(set().union(*kept)):
                kind = next(one[name].dtype for one in kept if name in one)
                parts = [one.get(name, np.zeros(0, dtype=kind)) for one in kept]
                found[f"terminal.{k}.{name}.size"] = np.array([len(part) for part in parts])
                found[f"terminal.{k}.{name}"] = np.concatenate(parts)
        return found

    def resume(self, state: State, composed: list[Composed]) -> list[Composed]:
        """Take over what another run left; return the cells with what is on its way to them."""
        for k, bundles in self._by_connection().items():
            head = f"terminal.{k}."
            names = [n.removeprefix(head) for n in state.arrays if n.startswith(head)]
            for name in (n for n in names if not n.endswith(".size")):
                sizes = state.arrays[f"{head}{name}.size"]
                parts = np.split(state.arrays[f"{head}{name}"], np.cumsum(sizes)[:-1])
                for bundle, values in zip(bundles, parts, strict=True):
                    if len(values):
                        bundle.terminal.resume({name: values})
        columns = [state.arrays[f"flight.{name}"] for name in _FLIGHT]
        arriving: dict[tuple[int, int], list[Incoming]] = {}
        of = {bundles[0].connection: bundles[0] for bundles in self._by_connection().values()}
        for k, site, cell, step, weight in zip(*(c.tolist() for c in columns), strict=True):
            bundle = of[k]
            event = Incoming(bundle.group, bundle.kernel, site, cell, step, weight)
            for one in self._in_time(k, bundle.name, [event]):
                arriving.setdefault((one.group, one.kernel), []).append(one)
        return [
            _expecting(one, {n: e for (g, n), e in arriving.items() if g == group}, self.dt)
            for group, one in enumerate(composed)
        ]

    def _by_connection(self) -> dict[int, list[_Bundle]]:
        """Return where axons end, by connection, in the order of their source cells."""
        found: dict[int, list[_Bundle]] = {}
        for bundles in self.bundles.values():
            for bundle in bundles:
                found.setdefault(bundle.connection, []).append(bundle)
        return found


_FLIGHT = ("connection", "site", "cell", "step", "weight")


def _expecting(composed: Composed, arriving: dict[int, list[Incoming]], dt: float) -> Composed:
    """Return cells to whose kernels more events come."""
    kernels = list(composed.inputs.kernels)
    for number, events in arriving.items():
        known = kernels[number].events
        assert known is not None
        more = {
            "time_s": np.array([event.step * dt for event in events]),
            "site": np.array([event.site for event in events]),
            "cell": np.array([event.cell for event in events]),
            "weight": np.array([event.weight for event in events]),
        }
        joined = {name: np.concatenate([getattr(known, name), more[name]]) for name in more}
        kernels[number] = replace(kernels[number], events=replace(known, **joined))
    return replace(composed, inputs=replace(composed.inputs, kernels=tuple(kernels)))
