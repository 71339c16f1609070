"""Neurons of several kinds, connected: which cell's axon ends on which receptors of which cell.

Verbs build a circuit, each returning a new value: `Circuit.add` puts in a population of cells that
share a description, `Circuit.connect` lets the axons of one end on receptors of another,
`Circuit.couple` joins cells by gap junctions, and `Circuit.share` puts cells around one space.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from brian2.units import Quantity, meter, ms, second, um

from neurosim.describe.cell_pairs import cell_pairs, each, whole_seed
from neurosim.describe.contacts import contact_weights, drawn_pairs, in_turn
from neurosim.describe.course import Course
from neurosim.describe.distance import DistanceProfile, check_positions, distances_um
from neurosim.describe.gap_junctions import Coupling, make_coupling
from neurosim.describe.neuron import Neuron
from neurosim.describe.population import Population
from neurosim.describe.shared_space import SharedSpace, make_shared
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.morphology import Site, root_site
from neurosim.outside import Space
from neurosim.quantities import check_quantity, check_whole
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor
from neurosim.terminals import STDP, SpontaneousRelease, Terminal, TsodyksMarkram, check_match

__all__ = ["Circuit", "Connection", "Population"]


# Keeps the draws of gap junctions apart from those of connections.
_COUPLE = 0x474150


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
        What the released quanta are multiplied by; with plasticity, at the start.
    plasticity : STDP, optional
        How spikes on both sides change the weights.
    target_detector : int
        Number of the target's detector whose spikes count for that.
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
    plasticity: STDP | None = None
    target_detector: int = 0

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
    couplings: tuple[Coupling, ...] = ()
    shared: tuple[SharedSpace, ...] = ()

    def add(
        self,
        name: str,
        neuron: Neuron,
        count: int = 1,
        *,
        stimulus: Stimulus | None = None,
        batch: Mapping[str, Any] | None = None,
        courses: Mapping[str, Course | Sequence[Course]] | None = None,
        positions: Quantity | None = None,
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
        positions : Quantity, shape (count, 2) or (count, 3), optional
            Where the cells lie, for connections by distance. What electrodes outside record
            follows `placement` of `neurosim.simulate` instead.

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
        places = None if positions is None else check_positions(positions, count, name)
        population = Population(
            neuron, count, stimulus, dict(batch or {}), dict(courses or {}), places
        )
        every = MappingProxyType({**self.populations, name: population})
        return dataclasses.replace(self, populations=every)

    def connect(
        self,
        source: str,
        target: str,
        *,
        onto: str,
        pairs: Sequence[tuple[int, int]] | np.ndarray | str = "all",
        probability: float | DistanceProfile | None = None,
        within: Quantity | None = None,
        incoming: int | None = None,
        outgoing: int | None = None,
        autapses: bool = False,
        points: Sequence[int] | np.ndarray | None = None,
        terminal: Terminal | None = None,
        delay: Quantity = 1 * ms,
        velocity: Quantity | None = None,
        weight: float | Sequence[float] | np.ndarray = 1.0,
        plasticity: STDP | None = None,
        detector: str = "",
        target_detector: str = "",
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
        probability : float or callable, optional
            Keeps each of the pairs with this probability. A function of the distance, such as
            `GaussianProfile` or `ExponentialProfile`, gets the distances of the pairs in µm and
            returns a probability for each; both populations then need `positions`.
        within : Quantity, optional
            Keeps the pairs whose cells are at most so far apart.
        incoming, outgoing : int, optional
            Keeps of the pairs so many for each target, or for each source, drawn without
            replacement: a fixed in-degree or out-degree. `within` and `probability` come first.
        autapses : bool
            Whether ``pairs="all"`` joins a cell of a population to itself too.
        points : array of int, shape (n,), optional
            Which of the points where the receptors sit; by default those of a target cell in turn.
        terminal : Terminal, optional
            What every axon ends in; its synaptic delay comes on top of `delay`. By default one
            that releases a quantum for every spike, of the transmitter the receptors answer to.
        delay : Quantity
            Conduction time to the terminals: one, or one a contact. It may be 0 where the axon is
            part of the source's morphology and `detector` sits at its end. Conduction and synaptic
            delay together must take a time step at least.
        velocity : Quantity, optional
            Adds the distance between the cells, divided by this, to `delay`.
        weight : float or array
            What the released quanta are multiplied by: one, or one a contact; not negative, since
            receptors decide whether they excite or inhibit.
        plasticity : STDP, optional
            Lets the weights follow the order of spikes; `weight` is then what they start with, and
            the recording's `weights` says what they became. The spike on the near side counts when
            it reaches the receptors, after `delay` and the synaptic delay.
        detector : str
            Label of the source's detector (`Neuron.detect`); by default the first.
        target_detector : str
            With plasticity, label of the target's detector whose spikes are the postsynaptic ones;
            by default the first.
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
        before = self._population(source, "connect")
        after = self._population(target, "connect")
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
        chosen = self._chosen(
            source, target, pairs, within, seed, autapses=autapses,
            probability=probability, incoming=incoming, outgoing=outgoing,
        )  # fmt: skip
        if len(chosen) == 0:
            raise ParameterError(
                f"connect: there is no contact from {source!r} to {target!r}; give pairs"
                + (", a higher probability or another seed" if probability is not None else "")
                + (" (a cell on itself only where pairs say so)" if source == target else "")
            )
        where = in_turn(chosen[:, 1], number) if points is None else np.asarray(points)
        if not np.issubdtype(where.dtype, np.integer):
            raise ParameterError(f"connect: points must be whole numbers; got {where.dtype}")
        if where.shape != (len(chosen),) or where.min() < 0 or where.max() >= number:
            raise ParameterError(
                f"connect: points must be {len(chosen)} numbers from 0 to {number - 1}, one a "
                f"contact; {onto!r} sits at {number} points"
            )
        late = check_quantity(delay, 1 * ms, "connect: delay", at_least=0 * ms, many=1)
        delay_s = each(np.asarray(late, dtype=float), len(chosen), "connect: delay")
        if velocity is not None:
            speed = check_quantity(
                velocity, 1 * meter / second, "connect: velocity", above=0 * meter / second
            )
            delay_s = delay_s + self._distances(source, target, chosen) * 1e-6 / float(speed)
        strength = each(contact_weights(weight), len(chosen), "connect: weight")
        _check_plasticity(plasticity, strength, target_detector)
        connection = Connection(
            source,
            target,
            onto,
            terminal,
            _detector(before.neuron, detector),
            chosen,
            where.astype(int),
            delay_s,
            strength,
            plasticity,
            _detector(after.neuron, target_detector, "target"),
        )
        return dataclasses.replace(self, connections=(*self.connections, connection))

    def couple(
        self,
        first: str,
        second: str,
        *,
        conductance: Quantity,
        pairs: Sequence[tuple[int, int]] | np.ndarray | str = "all",
        probability: float | None = None,
        sites: Site | tuple[Site, Site] = root_site,
        points: Sequence[tuple[int, int]] | np.ndarray | None = None,
        ions: Sequence[str] | Mapping[str, float] = (),
        label: str = "",
        record: bool = False,
        seed: int = 0,
    ) -> Circuit:
        """Return the circuit with gap junctions (electrical synapses) between cells.

        A junction is an ohmic conductance g between the insides of two compartments. It carries

        .. math:: I = g\\, (v_{first} - v_{second})

        out of the first cell into the second. It has no delay and conducts equally well in both
        directions. The current is solved for within the implicit step of all cells together.
        Therefore the run is stable for any conductance (with `ions`, see below), and what leaves
        one cell enters the other.

        Parameters
        ----------
        first, second : str
            Names of populations; they may be the same.
        conductance : Quantity
            Of a junction, in siemens, not negative: one, or one a junction.
        pairs : array of int, shape (n, 2), or "all"
            Cell of the first and cell of the second population of each junction; "all" joins every
            cell to every other, once. A cell may be joined to itself at another site.
        probability : float, optional
            Keeps each of the pairs with this probability.
        sites : Site, or two
            Where the junctions sit on the cells of the first and of the second population (by
            default in the middle of the root branch).
        points : array of int, shape (n, 2), optional
            Which point of each site, where a site has several.
        ions : sequence of str, or mapping of str to float
            Ions that pass from pool to pool. Of each the share of the conductance that it carries;
            if only names are given, shares are as z² D c (D in water, c inside as it is painted,
            the mean of both ends; a batch or `initial` does not change them), and these ions carry
            all of the current.
        label : str
            Name of these junctions, by default ``"first -- second"``.
        record : bool
            Whether to record the current of each junction; `CircuitRecording.junctions` has it.
        seed : int
            Seed of `probability`; gap junctions of one circuit draw apart under one seed.

        Raises
        ------
        UnknownNameError
            A population does not exist.
        ParameterError
            Cells or points that are not there, the same junction twice, a compartment that is
            joined to itself, a rectifying junction, or cells that a layer or a field outside
            surrounds; ions whose pools do not move at both ends, or whose shares exceed 1 together.

        Notes
        -----
        An ion k that carries the share s of the conductance flows towards its own equilibrium
        between the two insides:

        .. math:: I_k = s\\, g\\, (v_{first} - v_{second} - E_k), \\qquad
                  E_k = \\frac{RT}{zF} \\ln \\frac{[k]_{second}}{[k]_{first}}

        Each is an ohmic current: drift and diffusion cancel at the equilibrium of the ion. The
        conductance for an ion stays what it is at the start; in the equation of Nernst and Planck
        it would change with the concentrations. The current of the junction is the sum of
        these currents and of :math:`g (v_{first} - v_{second})` for the rest, so that potential
        and pools agree. With shells the outermost one exchanges. While cells settle, ions do not
        move. Ions flow by the concentrations at the start of a step. So the step has to be shorter
        than the time F² c V / (g R T) in which two pools of volume V equalise; with a longer one a
        pool overshoots, and the run ends with an error.

        Bennett and Zukin (2004), Neuron 41:495, review electrical synapses. Conductances that
        depend on the voltage across the junction are not provided.

        If a junction is so strong that the two cells equalise within a time step, the scheme
        "crank-nicolson" rings after a jump of the current, as it does along a thick dendrite. Their
        mean stays right. Take ``scheme="backward-euler"`` there.

        Above about 1 S (for a soma and steps of 0.1 ms) the two cells differ by less than 1e-7 of
        what the current of the junction changes in a step. The compiled program then takes that
        conductance in place of a larger one, which changes the current by at most 1e-7 of itself;
        the engine "numpy" takes yours.

        Examples
        --------
        Of two passive cells one is driven. The coupling coefficient is the conductance of the
        junction over that of the junction and the leak of the other cell (1571 um2, 1.57 nS):

        >>> from brian2 import ms, mV, nS, pA, um
        >>> from brian2 import siemens, meter
        >>> from neurosim import Circuit, Constant, Neuron, simulate
        >>> from neurosim.channels import Leak
        >>> from neurosim.morphology import PerBranch, ball_and_stick, branch, root_site
        >>> shape = ball_and_stick(20 * um, 100 * um, 1 * um)
        >>> cell = Neuron(shape, PerBranch(1), rest=-70 * mV)
        >>> cell = cell.paint(Leak(g=1 * siemens / meter**2, E=-70 * mV)).probe("v", root_site)
        >>> pair = (
        ...     Circuit()
        ...     .add("driven", cell, stimulus=Constant(50 * pA))
        ...     .add("other", cell)
        ...     .couple("driven", "other", conductance=1 * nS, record=True)
        ... )
        >>> found = simulate(pair, 200 * ms)
        >>> v = [found[name].trace("v")[0, -1] / mV + 70 for name in ("driven", "other")]
        >>> current = found.junctions["driven -- other"].current[0, -1]
        >>> round(float(v[1] / v[0]), 2), round(float(current / (1 * pA)), 1)
        (0.39, 14.0)
        """
        key = [whole_seed(seed, "couple"), len(self.couplings), _COUPLE]
        made = make_coupling(
            (first, self._population(first, "couple")),
            (second, self._population(second, "couple")),
            tuple(one.label for one in self.couplings),
            conductance=conductance,
            pairs=pairs,
            probability=probability,
            sites=sites,
            points=points,
            label=label,
            record=record,
            ions=ions,
            key=key,
        )
        return dataclasses.replace(self, couplings=(*self.couplings, made))

    def share(
        self,
        space: Space,
        populations: str | Sequence[str] | None = None,
        *,
        each: bool = False,
        label: str = "space",
    ) -> Circuit:
        """Return the circuit with a space outside whose ions its populations share.

        The currents of all members move the concentrations of the space, and all members read
        them. An ion of the space must be painted on every population that carries it, such as
        ``Potassium()``, with the concentration outside that the space starts with.

        Parameters
        ----------
        space : Space or SpaceAlong
            Its volume, its ions and its bath.
        populations : str or sequence of str, optional
            Members; by default all populations of the circuit.
        each : bool
            Whether there is a space for each cell in place of one for all: cell k of every member
            shares space k, as a neuron does with its own glial cell. Members then have as many
            cells as each other.
        label : str
            Name by which `CircuitRecording.spaces` has its concentrations.

        Raises
        ------
        UnknownNameError
            A population does not exist.
        ParameterError
            No member holds an ion of the space, a member carries an ion that it does not hold,
            starts with another concentration, or shares the ion with another space.

        Examples
        --------
        Two cells that potassium leaks out of. It stays in the fifth of the tissue around them:

        >>> from brian2 import meter, mV, ms, siemens, um
        >>> from brian2.units.stdunits import mM
        >>> from neurosim import Circuit, Neuron, simulate
        >>> from neurosim.channels import Leak, PotassiumLeak
        >>> from neurosim.ions import Potassium
        >>> from neurosim.morphology import PerBranch, cylinder
        >>> from neurosim.outside import Space
        >>> g = 1 * siemens / meter**2
        >>> cell = Neuron(cylinder(10 * um, 10 * um), PerBranch(1), rest=-60 * mV).paint(
        ...     [PotassiumLeak(g=g), Leak(g=g, E=-40 * mV), Potassium(140 * mM, 3.5 * mM)]
        ... )
        >>> tissue = Circuit().add("cells", cell, 2).share(Space(k_o=3.5 * mM))
        >>> found = simulate(tissue, 1000 * ms, dt=0.1 * ms).spaces["space"]
        >>> round(float(found.concentration("k")[0, -1] / mM), 1)
        4.0
        >>> bool(found.ledger["k"].relative_error < 1e-9)
        True
        """
        names = tuple(self.populations) if populations is None else populations
        members = (names,) if isinstance(names, str) else tuple(names)
        found = {name: self._population(name, "share") for name in members}
        made = make_shared(space, found, self.shared, each=each, label=label)
        return dataclasses.replace(self, shared=(*self.shared, made))

    def _chosen(
        self, source: str, target: str, pairs: Any, within: Any, seed: int, *, autapses: bool,
        probability: float | DistanceProfile | None, incoming: int | None, outgoing: int | None,
    ) -> np.ndarray:  # fmt: skip
        """Return the pairs of cells in contact; parameters as `connect`."""
        before, after = self._population(source), self._population(target)
        if autapses and source != target:
            raise ParameterError(
                "connect: autapses are contacts of a cell on itself; source and target must be "
                "one population"
            )
        but_self = source == target and not autapses
        chosen = cell_pairs(pairs, before.count, after.count, same=but_self, verb="connect")
        far = None
        if within is not None or callable(probability):
            far = self._distances(source, target, chosen)
        if within is not None:
            assert far is not None
            most = check_quantity(within, 100 * um, "connect: within", at_least=0 * um)
            near = far <= float(most / um)
            chosen, far = chosen[near], far[near]
        return drawn_pairs(
            chosen, (seed, len(self.connections)), far,
            probability=probability, incoming=incoming, outgoing=outgoing,
        )  # fmt: skip

    def _distances(self, source: str, target: str, pairs: np.ndarray) -> np.ndarray:
        """Return the distance between the cells of each pair, in µm."""
        first, last = (self._population(name).positions_um for name in (source, target))
        return distances_um(first, last, pairs, (source, target))

    def _population(self, name: str, verb: str = "connect") -> Population:
        if not isinstance(name, str) or name not in self.populations:
            raise UnknownNameError(
                f"{verb}: there is no population {name!r}: {suggest(name, self.populations)}"
            )
        return self.populations[name]

    def __repr__(self) -> str:
        cells = ", ".join(f"{p.count} {name}" for name, p in self.populations.items())
        contacts = sum(len(c.pairs) for c in self.connections)
        joined = sum(len(c.pairs) for c in self.couplings)
        more = f", {joined} gap junctions" if joined else ""
        return f"Circuit({cells or 'empty'}; {contacts} contacts{more})"


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


def _check_plasticity(rule: Any, weight: np.ndarray, target_detector: str) -> None:
    if rule is None:
        if target_detector:
            raise ParameterError(
                "connect: target_detector says which spikes of the target change the weights; give "
                "plasticity=STDP(), or leave it out"
            )
        return
    if not isinstance(rule, STDP):
        raise ParameterError(f"connect: plasticity must be a rule such as STDP(); got {rule!r}")
    rule.check_weights(weight)


def _detector(neuron: Neuron, label: str, side: str = "source") -> int:
    labels = [d.label for d in neuron.detectors] or ["root"]
    if label and label not in labels:
        raise UnknownNameError(
            f"connect: the {side} has no detector {label!r}: {suggest(label, labels)}"
        )
    return labels.index(label) if label else 0
