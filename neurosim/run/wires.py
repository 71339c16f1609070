"""The axons of a circuit in the middle of a run: they turn spikes into events at receptors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from neurosim.describe.circuit import Circuit, Connection
from neurosim.engine.cable.compose import Composed
from neurosim.engine.programs.spike_exchange import Fired, Incoming
from neurosim.errors import ParameterError
from neurosim.run.state import State
from neurosim.terminals import WeightCourse
from neurosim.terminals.base import Ongoing
from neurosim.terminals.stdp import PlasticContacts, Released

__all__ = ["Wires"]


class _Bundle(NamedTuple):
    """Where the axon of one cell ends on the receptors of one placement; arrays have a value a
    contact."""

    connection: int
    name: str
    contacts: np.ndarray
    terminal: Ongoing
    group: int
    kernel: int
    site: np.ndarray
    cell: np.ndarray
    delay_s: np.ndarray
    weight: np.ndarray


class _Plastic(NamedTuple):
    """A connection whose weights change; arrays have a value a contact."""

    contacts: PlasticContacts
    #: For how many steps beyond the spikes that are told the weights are known.
    ahead: int
    #: From a postsynaptic spike to the synapse.
    back_s: float
    name: str
    group: int
    kernel: int
    site: np.ndarray
    cell: np.ndarray

    def incoming(self, released: Released, dt: float) -> list[Incoming]:
        step = int(np.ceil(released.time / dt - 1e-6))
        return [
            Incoming(
                self.group, self.kernel, int(self.site[k]), int(self.cell[k]), step, float(weight)
            )
            for k, weight in zip(released.contacts, released.weight, strict=True)
            if weight != 0
        ]


def _on_grid(times: np.ndarray, dt: float) -> np.ndarray:
    """Return times; one that rounding moved off the start of a time step is put there."""
    steps = np.round(times / dt)
    return np.where(np.abs(times / dt - steps) < 1e-6, steps * dt, times)


# Keeps the seeds of terminals apart from those of cells.
_WIRE = 0x57495245


class Wires:
    """Lets the terminals of a circuit turn spikes into events; see `Exchange`."""

    def __init__(self, circuit: Circuit, composed: list[Composed], seed: int) -> None:
        dt = self.dt = composed[0].inputs.dt
        first = composed[0].inputs
        self.start, self.stop = first.start_step, first.start_step + first.steps
        numbers = {name: k for k, name in enumerate(circuit.populations)}
        shortest = min(connection.shortest_s for connection in circuit.connections)
        self.window = int(shortest / dt + 1e-6)
        if self.window < 1:
            raise ParameterError(
                f"simulate: the shortest way from a spike to its effect takes {shortest * 1e3:g} "
                f"ms, less than a time step ({dt * 1e3:g} ms); give a delay or a smaller dt"
            )
        self.due = 0
        #: By connection with plasticity, its weights.
        self.plastic: dict[int, _Plastic] = {}
        #: By detector and cell (group, detector, cell), the connections whose weights it changes.
        self.changing: dict[tuple[int, int, int], list[int]] = {}
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
            if connection.plasticity is not None:
                self._make_plastic(k, name, connection, group, composed[group])
            for cell in np.unique(connection.pairs[:, 0]):
                here = np.flatnonzero(connection.pairs[:, 0] == cell)
                bundle = _Bundle(
                    k,
                    name,
                    here,
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

    def _make_plastic(
        self, k: int, name: str, connection: Connection, group: int, composed: Composed
    ) -> None:
        rule = connection.plasticity
        assert rule is not None
        ahead = min(connection.shortest_s, float(rule.backpropagation))
        kernel, member = composed.receptors[connection.onto]
        plastic = self.plastic[k] = _Plastic(
            PlasticContacts(rule, connection.pairs, connection.weight),
            int(ahead / self.dt + 1e-6),
            float(rule.backpropagation),
            name,
            group,
            kernel,
            member[connection.points],
            connection.pairs[:, 1],
        )
        # The weight that an arrival finds depends on all spikes before it.
        self.window = min(self.window, max(1, plastic.ahead))
        for cell in np.unique(connection.pairs[:, 1]).tolist():
            self.changing.setdefault((group, connection.target_detector, cell), []).append(k)

    def __call__(self, fired: Sequence[Fired], until: int) -> list[Incoming]:
        events: list[Incoming] = []
        for spike in fired:
            where = (spike.group, spike.detector, spike.cell)
            for k in self.changing.get(where, ()):
                plastic = self.plastic[k]
                plastic.contacts.fire(spike.time + plastic.back_s, spike.cell)
            for bundle in self.bundles.get(where, ()):
                events += self._release(bundle, spike.time)
        events += self._advance(until)
        return sorted(events, key=lambda event: event.step)

    def _advance(self, until: int) -> list[Incoming]:
        """Return what acts through plastic contacts, as far as the spikes before the start of step
        `until` decide it; set when to ask again."""
        events: list[Incoming] = []
        self.due = _NEVER
        for k, one in self.plastic.items():
            # What comes after the end is the affair of the run that goes on from here.
            known = min(until + one.ahead, self.stop) * self.dt
            for released in one.contacts.advance(known):
                events += self._in_time(k, one.name, one.incoming(released, self.dt))
            if np.isfinite(one.contacts.next):
                soonest = int(np.ceil(one.contacts.next / self.dt - 1e-6)) - one.ahead
                self.due = min(self.due, soonest)
        return events

    def finish(self) -> None:
        """Work off what the last window left."""
        self._advance(self.stop)

    def weights(self, start_s: float, end_s: float) -> dict[str, WeightCourse]:
        """Return the weights of plastic connections over the run, by name."""
        found: dict[str, WeightCourse] = {}
        for plastic in self.plastic.values():
            name = plastic.name
            several = sum(each == name or each.startswith(f"{name} #") for each in found)
            key = f"{name} #{several + 1}" if several else name
            found[key] = plastic.contacts.course(start_s, end_s)
        return found

    def _release(self, bundle: _Bundle, time: float) -> list[Incoming]:
        """Return what a spike releases at the contacts of an axon."""
        quanta = bundle.terminal.spike(time)
        if bundle.connection in self.plastic:
            arrivals = _on_grid(time + bundle.delay_s, self.dt)
            contacts = self.plastic[bundle.connection].contacts
            for arrival in np.unique(arrivals).tolist():
                here = np.flatnonzero(arrivals == arrival)
                contacts.arrive(arrival, bundle.contacts[here], quanta[here])
            return []
        weights = quanta * bundle.weight
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
        for k, plastic in self.plastic.items():
            for name, values in plastic.contacts.memory().items():
                found[f"plastic.{k}.{name}"] = values
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
        for k, plastic in self.plastic.items():
            head = f"plastic.{k}."
            plastic.contacts.resume({name: state.arrays[head + name] for name in _PLASTIC})
        columns = [state.arrays[f"flight.{name}"] for name in _FLIGHT]
        arriving: dict[tuple[int, int], list[Incoming]] = {}
        of = {bundles[0].connection: bundles[0] for bundles in self._by_connection().values()}
        for k, site, cell, step, weight in zip(*(c.tolist() for c in columns), strict=True):
            bundle = of[k]
            event = Incoming(bundle.group, bundle.kernel, site, cell, step, weight)
            for one in self._in_time(k, bundle.name, [event]):
                arriving.setdefault((one.group, one.kernel), []).append(one)
        for one in self._advance(self.start):
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


# No window asks for an answer without spikes.
_NEVER = 2**62
_PLASTIC = (
    "weight", "before", "before.last", "after", "after.last",
    "waiting.times_s", "waiting.kind", "waiting.where", "waiting.quanta",
)  # fmt: skip
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
