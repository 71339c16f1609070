"""Run a circuit: from a `Circuit` to the recordings of its populations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neurosim.describe.circuit import Circuit
from neurosim.describe.neuron import Neuron
from neurosim.describe.population import Population
from neurosim.engine.cable.compose import Composed, Run, compose_cable
from neurosim.engine.cable.execute import execute_cables
from neurosim.engine.cable.inputs import CableResults
from neurosim.engine.coupling.junctions import Junctions
from neurosim.engine.coupling.links import LinkResults, Links
from neurosim.engine.coupling.spaces import Spaces
from neurosim.engine.programs.course_tables import CourseTable
from neurosim.errors import (
    DepletionError,
    DivergenceError,
    EmptySpaceError,
    EngineError,
    NeurosimError,
    ParameterError,
    UnknownNameError,
    suggest,
)
from neurosim.outside import ExtracellularPotential, Placement
from neurosim.run.argument_checks import RunSettings
from neurosim.run.circuit_junctions import (
    JunctionRecording,
    JunctionRecordings,
    came_through,
    joined,
    junction_recordings,
    junctions,
)
from neurosim.run.circuit_spaces import (
    SpaceRecording,
    SpaceRecordings,
    box_name,
    crossed_of,
    shared_ions,
    space_recordings,
    spaces,
)
from neurosim.run.continuing import check_fits, check_kind
from neurosim.run.course_settings import Courses
from neurosim.run.ion_ledger import with_junctions
from neurosim.run.neuron_run import (
    NeuronRecording,
    begun,
    diverged,
    prepare,
    recording_of,
    with_stimulus,
)
from neurosim.run.state import State, digest
from neurosim.run.wires import Wires
from neurosim.terminals import WeightCourse

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
    junctions : dict of str to JunctionRecording
        By label, the currents of gap junctions that were coupled with ``record=True``.
    weights : dict of str to WeightCourse
        By ``"source -> target (onto)"``, how the weights of a connection with plasticity changed;
        further ones of the same name get ``" #2"`` and so on.
    spaces : dict of str to SpaceRecording
        By label, the concentrations in spaces that populations share, and where particles went.
    """

    circuit: Circuit
    populations: dict[str, NeuronRecording]
    seed: int
    releases: dict[str, int]
    state: State | None = None
    outside: ExtracellularPotential | None = None
    junctions: Mapping[str, JunctionRecording] = field(default_factory=JunctionRecordings)
    weights: Mapping[str, WeightCourse] = field(default_factory=dict)
    spaces: Mapping[str, SpaceRecording] = field(default_factory=SpaceRecordings)

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
    cells = _cells_of(circuit, settings, before)
    composed = cells.composed
    wires = Wires(circuit, composed, seed) if circuit.connections else None
    if wires is not None and before is not None:
        composed = wires.resume(before, composed)
        cells = replace(cells, composed=composed)
    around = spaces(circuit, cells.neurons, composed, cells.runs, before)
    links = Links(junctions(circuit, composed), around)
    results, done = _execute(circuit, cells, settings, wires, links)
    recordings = {
        name: recording_of(
            neuron,
            population.stimulus,
            run,
            one,
            result,
            settings.engine,
            courses=changing,
        )
        for (name, population), neuron, run, one, result, changing in zip(
            circuit.populations.items(),
            cells.neurons,
            cells.runs,
            composed,
            results,
            cells.changing,
            strict=True,
        )
    }
    if wires is not None:
        wires.finish()
    released = {} if wires is None else wires.released
    state = State(
        of="Circuit",
        step=settings.start_step + composed[0].inputs.steps,
        dt_s=settings.dt,
        rows=1,
        seeds=np.array([seed]),
        arrays={**({} if wires is None else wires.memory()), **_held_by_spaces(around, done)},
        fits=_circuit_fits(circuit),
        parts={name: _held(recording.state) for name, recording in recordings.items()},
    )
    if links.junctions is not None:
        recordings = _count_junctions(recordings, links.junctions, composed, done)
    outside = _sum_outside(recordings)
    times = composed[0].inputs.trace_time()
    middle = times - (1 - cells.runs[0].theta) * settings.dt
    through = junction_recordings(circuit, links.junctions, done.currents, done.carried, middle)
    counted = [
        crossed_of(one.model, one.inputs, result.counted, () if around is None else around.ions)
        for one, result in zip(composed, results, strict=True)
    ]
    within = space_recordings(circuit, around, done.spaces, counted, times)
    weights: dict[str, WeightCourse] = {}
    if wires is not None:
        weights = wires.weights(settings.start_step * settings.dt, state.step * settings.dt)
    return CircuitRecording(
        circuit, recordings, seed, released, state, outside, through, weights, within
    )


@dataclass(frozen=True)
class _Cells:
    """What is run of each population, in their order.

    Attributes
    ----------
    neurons : list of Neuron
        With the population's stimulus.
    runs : list of Run
        What the batch of cells asks for.
    composed : list of Composed
        Program and inputs.
    changing : list of Courses
        What changes during the run.
    """

    neurons: list[Neuron]
    runs: list[Run]
    composed: list[Composed]
    changing: list[Courses]


def _cells_of(circuit: Circuit, settings: RunSettings, before: State | None) -> _Cells:
    """Compose the cells of all populations; they share waveforms and tables of courses."""
    cells = _Cells([], [], [], [])
    waveforms: list[np.ndarray] = []
    tables: list[CourseTable] = []
    for number, (name, population) in enumerate(circuit.populations.items()):
        _check_numbers(name, population)
        seeds = np.random.SeedSequence([int(settings.seed), number]).generate_state(
            population.count
        )
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
            run = replace(run, joined=joined(circuit, name), shared=shared_ions(circuit, name))
            part = None if before is None else before.parts[name]
            composed = begun(compose_cable(neuron, run, waveforms, tables), neuron, run, part)
        except NeurosimError as error:
            raise type(error)(f"population {name!r}: {error}") from None
        cells.neurons.append(neuron)
        cells.runs.append(run)
        cells.composed.append(composed)
        cells.changing.append(changing)
    return cells


def _check_numbers(name: str, population: Population) -> None:
    """Refuse a batch or courses of another number than the population has cells."""
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


def _execute(
    circuit: Circuit, cells: _Cells, settings: RunSettings, wires: Wires | None, links: Links
) -> tuple[list[CableResults], LinkResults]:
    """Run the cells together; errors name the space or the population."""
    try:
        return execute_cables(
            [(one.model, one.inputs) for one in cells.composed],
            engine=settings.engine,
            threads=settings.jobs,
            progress=settings.progress,
            exchange=wires,
            links=links if links.kinds else None,
        )
    except EmptySpaceError as error:
        raise EngineError(
            f"the concentration of {error.ion} in {box_name(circuit, error.box)} fell to zero at "
            f"{error.time_s * 1e3:g} ms: more of the ion enters the cells than comes out. Check "
            "their currents and pumps, enlarge the space, or use a smaller dt"
        ) from None
    except DivergenceError as error:
        name = list(circuit.populations)[error.group]
        told = diverged(error, cells.neurons[error.group], cells.composed[error.group], settings.dt)
        if isinstance(error, DepletionError) and any(
            error.ion in one.ions and name in (one.first, one.second) for one in circuit.couplings
        ):
            told += (
                f". Gap junctions pass {error.ion} here: a step must be shorter than the time in "
                "which they equalise two pools, so a smaller conductance or dt helps too"
            )
        raise EngineError(f"population {name!r}: {told}") from None


def _count_junctions(
    recordings: Mapping[str, NeuronRecording],
    joined: Junctions,
    composed: Sequence[Composed],
    done: LinkResults,
) -> dict[str, NeuronRecording]:
    """Return recordings whose ledgers count what came through gap junctions."""
    found = dict(recordings)
    for number, (name, one) in enumerate(recordings.items()):
        if one.ledger is None:
            continue
        entered, mine = np.zeros(one.rows), joined.group == number
        np.subtract.at(entered, joined.cell[mine], done.passed[mine])
        numbering = composed[number].numbering
        came = came_through(joined, done.carried, number, (len(numbering), one.rows))
        own = {ion: amount[numbering] for ion, amount in came.items() if ion in one.ledger.ions}
        found[name] = replace(one, ledger=with_junctions(one.ledger, entered, own))
    return found


def _held_by_spaces(around: Spaces | None, done: LinkResults) -> dict[str, np.ndarray]:
    """Return the concentrations of spaces, as a state holds them."""
    if around is None or done.spaces is None:
        return {}
    final = done.spaces.final
    return {f"space.{ion}_o": final[k] for k, ion in enumerate(around.ions)}


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
        if c.plasticity is not None:
            rule = f"{type(c.plasticity).__name__} {c.target_detector}"
            said[f"the plasticity of connection {k} ({c.source} -> {c.target})"] = rule
    for one in circuit.couplings:
        name = f"the gap junctions {one.label!r}"
        said[name] = digest(f"{one.first} {one.second}", one.pairs, one.compartments)
    for shared in circuit.shared:
        text = f"{shared.members} {shared.each} {shared.space.ions} {shared.space.boxes}"
        said[f"the members of the space {shared.label!r}"] = digest(text)
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
