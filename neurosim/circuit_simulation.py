"""Run a circuit: from a `Circuit` to the recordings of its populations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, second

from neurosim.cell_simulation import (
    NeuronRecording,
    check_times,
    prepare,
    recording_of,
    with_stimulus,
)
from neurosim.circuit import Circuit
from neurosim.engine import choose_engine
from neurosim.engine.cable import Fired, Incoming, execute_cables
from neurosim.engine.cable.compose import Composed, compose_cable
from neurosim.errors import ParameterError
from neurosim.quantities import check_seed

__all__ = ["CircuitRecording", "simulate_circuit"]


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
    """

    circuit: Circuit
    populations: dict[str, NeuronRecording]
    seed: int
    releases: dict[str, int]

    def __getitem__(self, name: str) -> NeuronRecording:
        return self.populations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.populations)

    def __len__(self) -> int:
        return len(self.populations)

    def __repr__(self) -> str:
        spikes = ", ".join(f"{int(r.counts().sum())} of {n}" for n, r in self.populations.items())
        return f"CircuitRecording(spikes: {spikes})"


def simulate_circuit(
    circuit: Circuit,
    duration: Quantity,
    *,
    seed: int = 0,
    dt: Quantity | None = None,
    record: Sequence[str] = (),
    record_dt: Quantity | None = None,
    settle: Quantity | None = None,
    scheme: str = "crank-nicolson",
    engine: str = "auto",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
) -> CircuitRecording:
    """Run a circuit; `neurosim.simulate` calls this.

    Parameters are those of `neurosim.simulate`. Noise and terminals of every cell and contact draw
    random numbers of their own from the one seed.
    """
    if not circuit.populations:
        raise ParameterError("simulate: the circuit has no cells; add a population first")
    drawn = check_seed(seed)
    if np.ndim(drawn):
        raise ParameterError("simulate: a circuit takes one seed, from which its cells draw theirs")
    first = next(iter(circuit.populations.values()))
    times = check_times(first.neuron, duration, dt, record_dt, settle, scheme, jobs)
    composed, runs, neurons = [], [], []
    waveforms: list[np.ndarray] = []
    for number, (name, population) in enumerate(circuit.populations.items()):
        for key, values in population.batch.items():
            if np.size(values) not in (1, population.count):
                raise ParameterError(
                    f"simulate: {key!r} of {name!r} has {np.size(values)} values for "
                    f"{population.count} cells; give one, or one a cell"
                )
        neuron = with_stimulus(population.neuron, population.stimulus, record)
        seeds = np.random.SeedSequence([int(drawn), number]).generate_state(population.count)
        run = prepare(neuron, population.batch, seeds.astype(np.int64), times)
        runs.append(run)
        neurons.append(neuron)
        composed.append(compose_cable(neuron, run, waveforms))
    wires = _Wires(circuit, composed, int(drawn)) if circuit.connections else None
    used = choose_engine(engine)
    results = execute_cables(
        [(one.model, one.inputs) for one in composed],
        engine=used,
        threads=jobs,
        progress=progress,
        exchange=wires,
    )
    recordings = {
        name: recording_of(neuron, population.stimulus, run, one, result, used)
        for (name, population), neuron, run, one, result in zip(
            circuit.populations.items(), neurons, runs, composed, results, strict=True
        )
    }
    released = {} if wires is None else wires.released
    return CircuitRecording(circuit, recordings, int(drawn), released)


class _Wires:
    """Lets the terminals of a circuit turn spikes into events; see `Exchange`."""

    def __init__(self, circuit: Circuit, composed: list[Composed], seed: int) -> None:
        dt = self.dt = composed[0].inputs.dt
        self.steps = composed[0].inputs.steps
        self.connections = circuit.connections
        numbers = {name: k for k, name in enumerate(circuit.populations)}
        shortest = min(connection.shortest_s for connection in circuit.connections)
        self.window = int(shortest / dt + 1e-6)
        if self.window < 1:
            raise ParameterError(
                f"simulate: the shortest way from a spike to its effect takes {shortest * 1e3:g} "
                f"ms, less than a time step ({dt * 1e3:g} ms); give a delay or a smaller dt"
            )
        #: By source (group, detector, cell), the contacts of each connection.
        self.contacts: dict[tuple[int, int, int], list[tuple[int, np.ndarray]]] = {}
        self.places: list[tuple[int, int, np.ndarray]] = []
        self.seeds: list[np.ndarray] = []
        self.history: dict[tuple[int, int, int], list[float]] = {}
        self.names, self.released = [], {}
        for k, connection in enumerate(circuit.connections):
            kernel, member = composed[numbers[connection.target]].receptors[connection.onto]
            self.places.append((numbers[connection.target], kernel, member[connection.points]))
            drawn = np.random.SeedSequence([seed, k, 0x57495245]).generate_state(
                len(connection.pairs)
            )
            self.seeds.append(drawn.astype(np.int64))
            name = f"{connection.source} -> {connection.target} ({connection.onto})"
            self.names.append(name)
            self.released[name] = 0
            for cell in np.unique(connection.pairs[:, 0]):
                key = (numbers[connection.source], connection.detector, int(cell))
                here = np.flatnonzero(connection.pairs[:, 0] == cell)
                self.contacts.setdefault(key, []).append((k, here))

    def __call__(self, fired: Sequence[Fired]) -> list[Incoming]:
        new: dict[tuple[int, int, int], list[float]] = {}
        for spike in fired:
            key = (spike.group, spike.detector, spike.cell)
            if key in self.contacts:
                new.setdefault(key, []).append(spike.time)
        events: list[Incoming] = []
        for key, times in new.items():
            before = self.history.setdefault(key, [])
            before += times
            for k, contacts in self.contacts[key]:
                events += self._release(k, contacts, np.array(before), len(times))
        return sorted(events, key=lambda event: event.step)

    def _release(
        self, k: int, contacts: np.ndarray, history: np.ndarray, count: int
    ) -> list[Incoming]:
        """Return what the last `count` spikes of a cell release at its contacts."""
        connection = self.connections[k]
        group, kernel, sites = self.places[k]
        # What a terminal releases at a spike depends on the spikes before it, never on later ones.
        released = connection.terminal.release(
            Quantity(history, dim=second.dim), self.seeds[k][contacts]
        )
        events = []
        for contact, weights in zip(contacts, released.weight, strict=True):
            cell = int(connection.pairs[contact, 1])
            when = released.time_s[-count:] + connection.delay_s[contact]
            steps = np.ceil(when / self.dt - 1e-6).astype(int)
            for step, weight in zip(steps, weights[-count:], strict=True):
                if weight and step < self.steps:
                    strength = float(weight) * float(connection.weight[contact])
                    site = int(sites[contact])
                    events.append(Incoming(group, kernel, site, cell, int(step), strength))
        self.released[self.names[k]] += len(events)
        return events
