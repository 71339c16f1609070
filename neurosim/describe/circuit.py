"""Neurons of several kinds, connected: which cell's axon ends on which receptors of which cell.

Two verbs build a circuit, each returning a new value: `Circuit.add` puts in a population of cells
that share a description, `Circuit.connect` lets the axons of one end on receptors of another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from brian2.units import Quantity, ms

from neurosim.describe.course import Course
from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import check_quantity, check_whole
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor
from neurosim.terminals import SpontaneousRelease, Terminal, TsodyksMarkram, check_match

__all__ = ["Circuit", "Connection", "Population"]


@dataclass(frozen=True)
class Population:
    """Cells that share a description; what differs between them is an array."""

    neuron: Neuron
    count: int
    stimulus: Stimulus | None
    batch: Mapping[str, Any]
    courses: Mapping[str, Course | Sequence[Course]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Connection:
    """Axons that end on receptors.

    Attributes
    ----------
    source, target : str
        Populations.
    onto : str
        Label of the receptors in the target.
    terminal : Terminal
        What every axon ends in.
    detector : int
        Number of the source's detector whose spikes count.
    pairs : ndarray of int, shape (n, 2)
        Source and target cell of each contact.
    points : ndarray of int, shape (n,)
        Which of the points where the receptors were placed.
    delay_s : ndarray, shape (n,)
        Conduction time to the terminal, in second.
    weight : ndarray, shape (n,)
        What the released quanta are multiplied by.
    """

    source: str
    target: str
    onto: str
    terminal: Terminal
    detector: int
    pairs: np.ndarray
    points: np.ndarray
    delay_s: np.ndarray
    weight: np.ndarray

    @property
    def shortest_s(self) -> float:
        """The shortest time from a spike to what it does, in second."""
        return float(self.delay_s.min()) + float(self.terminal.delay)


@dataclass(frozen=True, eq=False)
class Circuit:
    """Populations of neurons and the connections between them, as a frozen value.

    Examples
    --------
    A cell that is driven, and a smaller one that it drives through an axon of 3 ms:

    >>> from brian2 import mV, ms, nA, nS, um
    >>> from neurosim import Circuit, Constant, Neuron, simulate
    >>> from neurosim.channels import HHPotassium, HHSodium, Leak
    >>> from neurosim.morphology import PerBranch, at, ball_and_stick
    >>> from neurosim.synapses import AMPA
    >>> def cell(length):
    ...     shape = ball_and_stick(20 * um, length, 2 * um)
    ...     bare = Neuron(shape, PerBranch(5), celsius=6.3, rest=-65 * mV)
    ...     return bare.paint([HHSodium(), HHPotassium(), Leak()])
    >>> receiver = cell(100 * um).place(AMPA(g=3 * nS), at("soma", 0.5), label="ampa")
    >>> circuit = (
    ...     Circuit()
    ...     .add("driver", cell(300 * um), stimulus=Constant(0.3 * nA))
    ...     .add("receiver", receiver, 2)
    ...     .connect("driver", "receiver", onto="ampa", pairs=[(0, 1)], delay=3 * ms)
    ... )
    >>> recordings = simulate(circuit, 60 * ms)
    >>> counts = recordings["receiver"].counts()
    >>> int(counts[0]), bool(counts[1] > 0)
    (0, True)
    """

    populations: Mapping[str, Population] = field(default_factory=dict)
    connections: tuple[Connection, ...] = ()

    def add(
        self,
        name: str,
        neuron: Neuron,
        count: int = 1,
        *,
        stimulus: Stimulus | None = None,
        batch: Mapping[str, Any] | None = None,
        courses: Mapping[str, Course | Sequence[Course]] | None = None,
    ) -> Circuit:
        """Return the circuit with a population more.

        Parameters
        ----------
        name : str
            Its name.
        neuron : Neuron
            What its cells are.
        count : int
            How many there are.
        stimulus : Stimulus, optional
            Current injected into each at the middle of the root branch.
        batch : mapping of str to Quantity array, optional
            What differs between the cells, as for `neurosim.simulate`; arrays have `count` values.
        courses : mapping of str to Course, or to one Course a cell, optional
            Parameters that change during the run, as for `neurosim.simulate`.

        Raises
        ------
        ParameterError
            The name is taken, or the population is none.
        """
        if not isinstance(name, str) or not name:
            raise ParameterError(f"add: a population has a name, such as 'pyramidal'; got {name!r}")
        if name in self.populations:
            raise ParameterError(f"add: there is a population {name!r} already; give another name")
        if not isinstance(neuron, Neuron):
            raise ParameterError(
                f"add: {name!r} must be a Neuron with extent; got {neuron!r}. Networks of point "
                "neurons are wired with FeedForward"
            )
        count = check_whole(count, "add: count")
        if stimulus is not None and not isinstance(stimulus, Stimulus):
            raise ParameterError(
                f"add: stimulus must be a current such as Constant(1 * nA); got {stimulus!r}"
            )
        if batch is not None and not isinstance(batch, Mapping):
            raise ParameterError(
                f"add: batch must map names of parameters to arrays; got {batch!r}"
            )
        if courses is not None and not isinstance(courses, Mapping):
            raise ParameterError(
                f"add: courses must map names of parameters to courses; got {courses!r}"
            )
        population = Population(neuron, count, stimulus, dict(batch or {}), dict(courses or {}))
        every = MappingProxyType({**self.populations, name: population})
        return dataclasses.replace(self, populations=every)

    def connect(
        self,
        source: str,
        target: str,
        *,
        onto: str,
        pairs: Sequence[tuple[int, int]] | np.ndarray | str = "all",
        probability: float | None = None,
        incoming: int | None = None,
        outgoing: int | None = None,
        points: Sequence[int] | np.ndarray | None = None,
        terminal: Terminal | None = None,
        delay: Quantity = 1 * ms,
        weight: float | Sequence[float] | np.ndarray = 1.0,
        detector: str = "",
        seed: int = 0,
    ) -> Circuit:
        """Return the circuit with axons of one population ending on receptors of another.

        Parameters
        ----------
        source, target : str
            Names of populations; they may be the same.
        onto : str
            Label of receptors placed in the target.
        pairs : array of int, shape (n, 2), or "all"
            Source and target cell of each contact; "all" joins every source to every target, in
            one population every cell to every other.
        probability : float, optional
            Keeps each of the pairs with this probability.
        incoming, outgoing : int, optional
            Keeps of the pairs so many for each target, or for each source, drawn without
            replacement: a fixed in-degree or out-degree.
        points : array of int, shape (n,), optional
            Which of the points where the receptors sit; by default those of a target cell in turn.
        terminal : Terminal, optional
            What every axon ends in; its synaptic delay comes on top of `delay`. By default one
            that releases a quantum for every spike, of the transmitter the receptors answer to.
        delay : Quantity
            Conduction time to the terminals: one, or one a contact. It may be 0 where the axon is
            part of the source's morphology and `detector` sits at its end. Conduction and synaptic
            delay together must take a time step at least.
        weight : float or array
            What the released quanta are multiplied by: one, or one a contact; not negative, since
            receptors decide whether they excite or inhibit.
        detector : str
            Label of the source's detector (`Neuron.detect`); by default the first.
        seed : int
            Seed of `probability`, `incoming` and `outgoing`; connections of one circuit draw apart
            under one seed.

        Raises
        ------
        UnknownNameError
            A population, the receptors or the detector do not exist.
        ParameterError
            Cells or points that are not there, or a terminal whose transmitter the receptors do
            not answer to.
        """
        before, after = self._population(source), self._population(target)
        receptor, number = _receptors(after.neuron, onto)
        if terminal is None:
            kind = receptor.transmitter or "glutamate"
            terminal = TsodyksMarkram(U=Quantity(1.0), tau_rec=0 * ms, transmitter=kind)
        if not isinstance(terminal, Terminal) or isinstance(terminal, SpontaneousRelease):
            raise ParameterError(
                "connect: terminal must release at spikes, such as QuantalRelease() or "
                f"TsodyksMarkram(); got {terminal!r}"
            )
        check_match(terminal, receptor)
        chosen = _pairs(pairs, before.count, after.count, same=source == target)
        if probability is not None:
            if not isinstance(probability, int | float | np.number) or not 0 <= probability <= 1:
                raise ParameterError(
                    f"connect: probability must be a number between 0 and 1; got {probability!r}"
                )
            # Connections draw apart under one seed.
            generator = np.random.default_rng([_whole_seed(seed), len(self.connections)])
            chosen = chosen[generator.random(len(chosen)) < probability]
        for column, many, word in ((1, incoming, "incoming"), (0, outgoing, "outgoing")):
            if many is not None:
                draw = np.random.default_rng([_whole_seed(seed), len(self.connections), column])
                chosen = _so_many(chosen, column, check_whole(many, f"connect: {word}"), draw)
        if len(chosen) == 0:
            raise ParameterError(
                f"connect: there is no contact from {source!r} to {target!r}; give pairs"
                + (", a higher probability or another seed" if probability is not None else "")
                + (" (a cell on itself only where pairs say so)" if source == target else "")
            )
        where = _in_turn(chosen[:, 1], number) if points is None else np.asarray(points)
        if not np.issubdtype(where.dtype, np.integer):
            raise ParameterError(f"connect: points must be whole numbers; got {where.dtype}")
        if where.shape != (len(chosen),) or where.min() < 0 or where.max() >= number:
            raise ParameterError(
                f"connect: points must be {len(chosen)} numbers from 0 to {number - 1}, one a "
                f"contact; {onto!r} sits at {number} points"
            )
        late = check_quantity(delay, 1 * ms, "connect: delay", at_least=0 * ms, many=1)
        connection = Connection(
            source,
            target,
            onto,
            terminal,
            _detector(before.neuron, detector),
            chosen,
            where.astype(int),
            _each(np.asarray(late, dtype=float), len(chosen), "delay"),
            _each(_weights(weight), len(chosen), "weight"),
        )
        return dataclasses.replace(self, connections=(*self.connections, connection))

    def _population(self, name: str) -> Population:
        if not isinstance(name, str) or name not in self.populations:
            raise UnknownNameError(
                f"connect: there is no population {name!r}: {suggest(name, self.populations)}"
            )
        return self.populations[name]

    def __repr__(self) -> str:
        cells = ", ".join(f"{p.count} {name}" for name, p in self.populations.items())
        contacts = sum(len(c.pairs) for c in self.connections)
        return f"Circuit({cells or 'empty'}; {contacts} contacts)"


def _receptors(neuron: Neuron, onto: str) -> tuple[Receptor, int]:
    """Return the receptors of a label, and at how many points they sit."""
    placed = {p.label: p for p in neuron.placed if isinstance(p.part, Receptor)}
    if onto not in placed:
        raise UnknownNameError(
            f"connect: the target has no receptors {onto!r}: {suggest(onto, placed)}; place them "
            "with Neuron.place"
        )
    part = placed[onto].part
    assert isinstance(part, Receptor)
    if type(part).arrivals is not Receptor.arrivals:
        raise ParameterError(
            f"connect: {part.name!r} takes the transmitter's time course, not single releases; use "
            "a receptor that sums them, such as AMPA, NMDA, GABAA or GABAB"
        )
    return part, len(placed[onto].site.compartments(neuron.compartments))


def _pairs(given: Any, sources: int, targets: int, *, same: bool) -> np.ndarray:
    if isinstance(given, str):
        if given != "all":
            raise UnknownNameError(f"connect: pairs {given!r}: {suggest(given, ['all'])}")
        grid = np.stack(np.meshgrid(range(sources), range(targets), indexing="ij"), axis=-1)
        every = grid.reshape(-1, 2)
        return every[every[:, 0] != every[:, 1]] if same else every
    try:
        pairs = np.asarray(given)
    except ValueError:
        raise ParameterError(
            f"connect: pairs must be whole numbers of shape (n, 2); got {given!r}"
        ) from None
    if pairs.size == 0:
        return np.zeros((0, 2), dtype=int)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not np.issubdtype(pairs.dtype, np.integer):
        raise ParameterError(
            f"connect: pairs must be whole numbers of shape (n, 2); got {pairs.dtype} of shape "
            f"{pairs.shape}"
        )
    if pairs.min() < 0 or np.any(pairs.max(axis=0) >= (sources, targets)):
        raise ParameterError(
            f"connect: pairs name cells from 0 to {sources - 1} and from 0 to {targets - 1}; got "
            f"{pairs.min(axis=0).tolist()} to {pairs.max(axis=0).tolist()}"
        )
    return pairs.astype(int)


def _so_many(
    pairs: np.ndarray, column: int, many: int, generator: np.random.Generator
) -> np.ndarray:
    """Keep a number of pairs, drawn at random, for each cell of a column."""
    shuffled = generator.permutation(len(pairs))
    order = shuffled[np.argsort(pairs[shuffled, column], kind="stable")]
    cells = pairs[order, column]
    first = np.searchsorted(cells, cells)
    rank = np.arange(len(cells)) - first
    present = np.bincount(cells) if len(cells) else np.zeros(0, dtype=int)
    short = np.flatnonzero((present > 0) & (present < many))
    if len(short):
        word = ("outgoing", "incoming")[column]
        raise ParameterError(
            f"connect: {word}={many} contacts are asked for, but cell {short[0]} has only "
            f"{present[short[0]]} to draw from; ask for fewer"
        )
    kept: np.ndarray = pairs[np.sort(order[rank < many])]
    return kept


def _in_turn(target: np.ndarray, points: int) -> np.ndarray:
    """Return the points of each target cell one after the other, around and around."""
    seen: dict[int, int] = {}
    chosen = np.empty(len(target), dtype=int)
    for k, cell in enumerate(target.tolist()):
        chosen[k] = seen.get(cell, 0) % points
        seen[cell] = seen.get(cell, 0) + 1
    return chosen


def _detector(neuron: Neuron, label: str) -> int:
    labels = [d.label for d in neuron.detectors] or ["root"]
    if label and label not in labels:
        raise UnknownNameError(
            f"connect: the source has no detector {label!r}: {suggest(label, labels)}"
        )
    return labels.index(label) if label else 0


def _whole_seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError(f"connect: seed must be a whole number from 0 on; got {seed!r}")
    return int(seed)


def _weights(given: Any) -> np.ndarray:
    if isinstance(given, Quantity) and not given.is_dimensionless:
        raise ParameterError(
            f"connect: weight is a number of quanta; got {given}. The conductance of one is the g "
            "of the receptor"
        )
    try:
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"connect: weight must be numbers; got {given!r}") from None
    if np.any(values < 0):
        raise ParameterError(
            "connect: weight must not be negative; inhibition is by receptors such as GABAA"
        )
    return values


def _each(values: np.ndarray, count: int, what: str) -> np.ndarray:
    if values.ndim and values.shape != (count,):
        raise ParameterError(
            f"connect: {what} must be one value or {count}, one a contact; got {values.shape}"
        )
    if not np.all(np.isfinite(values)):
        raise ParameterError(f"connect: {what} must be finite")
    found = np.broadcast_to(values, count).astype(float)
    found.setflags(write=False)
    return found
