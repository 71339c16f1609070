"""Run a circuit: from a `Circuit` to the recordings of its populations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from neurosim.describe.circuit import Circuit
from neurosim.engine.cable.compose import Composed, compose_cable
from neurosim.engine.cable.execute import execute_cables
from neurosim.engine.cable.spike_exchange import Fired, Incoming
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
from neurosim.run.neuron_run import (
    NeuronRecording,
    diverged,
    prepare,
    recording_of,
    with_stimulus,
)
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
    outside : ExtracellularPotential, optional
        Potential of all cells together at the electrodes outside.
    """

    circuit: Circuit
    populations: dict[str, NeuronRecording]
    seed: int
    releases: dict[str, int]
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


def run_circuit(circuit: Circuit, settings: RunSettings) -> CircuitRecording:
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
    composed, runs, neurons = [], [], []
    waveforms: list[np.ndarray] = []
    for number, (name, population) in enumerate(circuit.populations.items()):
        for key, values in population.batch.items():
            if np.size(values) not in (1, population.count):
                raise ParameterError(
                    f"simulate: {key!r} of {name!r} has {np.size(values)} values for "
                    f"{population.count} cells; give one, or one a cell"
                )
        seeds = np.random.SeedSequence([seed, number]).generate_state(population.count)
        try:
            neuron = with_stimulus(population.neuron, population.stimulus, settings.record)
            run = prepare(neuron, population.batch, seeds.astype(np.int64), settings, name)
            composed.append(compose_cable(neuron, run, waveforms))
        except NeurosimError as error:
            raise type(error)(f"population {name!r}: {error}") from None
        runs.append(run)
        neurons.append(neuron)
    wires = _Wires(circuit, composed, seed) if circuit.connections else None
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
        name: recording_of(neuron, population.stimulus, run, one, result, settings.engine)
        for (name, population), neuron, run, one, result in zip(
            circuit.populations.items(), neurons, runs, composed, results, strict=True
        )
    }
    released = {} if wires is None else wires.released
    return CircuitRecording(circuit, recordings, seed, released, _sum_outside(recordings))


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
        self.steps = composed[0].inputs.steps
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
        for k, connection in enumerate(circuit.connections):
            group = numbers[connection.target]
            kernel, member = composed[group].receptors[connection.onto]
            seeds = np.random.SeedSequence([seed, k, _WIRE]).generate_state(len(connection.pairs))
            name = f"{connection.source} -> {connection.target} ({connection.onto})"
            self.released[name] = 0
            for cell in np.unique(connection.pairs[:, 0]):
                here = np.flatnonzero(connection.pairs[:, 0] == cell)
                bundle = _Bundle(
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
        acting = np.flatnonzero((weights != 0) & (steps < self.steps))
        self.released[bundle.name] += len(acting)
        return [
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
