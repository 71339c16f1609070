"""Cells with numbered inputs: events go in, spikes and the potential of the soma come out.

An input is one axon. On a neuron with extent it ends on a branch, where an event opens AMPA and
NMDA receptors, or GABA-A receptors; on a point neuron an event starts a current that decays. What
reduces a cell sees the inputs, the group (branch) each belongs to, and the answer; nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from brian2.units import Quantity, ms, mV, nS, pA, um
from numpy.typing import NDArray
from scipy.signal import lfilter

from bridge.reduce.errors import ReductionError
from neurosim import FrozenNoise, Neuron, PointNeuron, simulate
from neurosim.morphology import Compartments, Region, Site, root_site, tagged
from neurosim.quantities import check_quantity
from neurosim.synapses import AMPA, GABAA, NMDA, Events, Receptor

__all__ = ["Answer", "Innervated", "InnervatedDendrites", "InnervatedPoint", "innervate", "play"]

Told = Callable[[float], None] | None

BIN_MS = 1.0
"""Length of a bin, in ms: what goes in and what comes out are counted in bins."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a cell did with its inputs.

    Attributes
    ----------
    spikes : ndarray of uint8, shape (trials, bins)
        Spikes in each bin.
    voltage_mV : ndarray of float32, shape (trials, bins)
        Potential of the soma at the start of each bin.
    """

    spikes: NDArray[np.uint8]
    voltage_mV: NDArray[np.float32]


class Innervated(Protocol):
    """A cell with numbered inputs; anything of this shape can be reduced.

    Attributes
    ----------
    name : str
    branches : tuple of str
        Groups of inputs, which a two-layer reduction takes for its subunits.
    branch : ndarray of int, shape (inputs,)
        Group of each input.
    excitatory : ndarray of bool, shape (inputs,)
    """

    @property
    def name(self) -> str: ...
    @property
    def branches(self) -> tuple[str, ...]: ...
    @property
    def branch(self) -> NDArray[np.int64]: ...
    @property
    def excitatory(self) -> NDArray[np.bool_]: ...

    def respond(self, events: NDArray[np.uint8], *, jobs: int = 1, progress: Told = None) -> Answer:
        """Run the cell on events, shape (trials, inputs, bins)."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values that say what it is."""


@dataclass(frozen=True)
class _Points(Site):
    """Compartments by number."""

    numbers: tuple[int, ...]

    def compartments(self, compartments: Compartments) -> np.ndarray:
        return np.array(self.numbers)


@dataclass(frozen=True, eq=False)
class InnervatedDendrites:
    """A neuron with extent whose thin dendrites carry synapses.

    Parameters
    ----------
    neuron : Neuron
        The cell; what is placed and probed on it stays.
    name : str
        What the result calls it.
    excitatory_per_branch, inhibitory_per_branch : int
        Inputs on each branch, evenly spaced over its outer two thirds.
    ampa, nmda, gaba : Quantity
        Peak conductance that one event opens. The defaults are those of single synapses: 0.35-1 nS
        (see `neurosim.synapses.AMPA`), and as much NMDA as AMPA conductance.
    thickest : Quantity
        Branches of a larger mean diameter carry no inputs (if any is thinner).
    most_branches : int
        Of more branches than this, so many are drawn.
    region : Region
        Where inputs may end.
    dt : Quantity
        Time step.
    seed : int
        Of the draw of branches.

    Examples
    --------
    >>> from neurosim.catalogue import ca1_pyramidal
    >>> cell = InnervatedDendrites(ca1_pyramidal(), "CA1")
    >>> len(cell.branches), len(cell.branch)
    (22, 110)
    """

    neuron: Neuron
    name: str
    excitatory_per_branch: int = 4
    inhibitory_per_branch: int = 1
    ampa: Quantity = field(default_factory=lambda: 0.5 * nS)
    nmda: Quantity = field(default_factory=lambda: 0.5 * nS)
    gaba: Quantity = field(default_factory=lambda: 0.5 * nS)
    thickest: Quantity = field(default_factory=lambda: 2.5 * um)
    most_branches: int = 40
    region: Region = field(default_factory=lambda: tagged("dendrite"))
    dt: Quantity = field(default_factory=lambda: 0.05 * ms)
    seed: int = 0

    def __post_init__(self) -> None:
        for what in ("ampa", "nmda", "gaba"):
            check_quantity(getattr(self, what), 0.5 * nS, f"{self.name}: {what}", at_least=0 * nS)
        if self.excitatory_per_branch < 1 or self.inhibitory_per_branch < 0:
            raise ReductionError(
                f"{self.name}: each branch needs at least 1 excitatory and no less than 0 "
                f"inhibitory inputs; got {self.excitatory_per_branch} and "
                f"{self.inhibitory_per_branch}"
            )

    @cached_property
    def _chosen(self) -> NDArray[np.int64]:
        """Numbers of the branches that carry inputs."""
        shape = self.neuron.compartments
        dendritic = self.region.select(shape)
        if not dendritic.any():
            raise ReductionError(
                f"{self.name} has no branch in {self.region!r}; tag some branches basal, apical or "
                "dendrite, or reduce a point neuron"
            )
        found = np.unique(shape.branch[dendritic])
        width = np.array([shape.diameter_m[shape.branch == k].mean() for k in found])
        thin = found[width <= float(self.thickest)]
        chosen = thin if len(thin) else found
        if len(chosen) > self.most_branches:
            random = np.random.default_rng([self.seed, 0x4252])
            chosen = np.sort(random.choice(chosen, self.most_branches, replace=False))
        return chosen

    @property
    def branches(self) -> tuple[str, ...]:
        return tuple(self.neuron.compartments.branch_names[k] for k in self._chosen)

    @property
    def _per_branch(self) -> int:
        return self.excitatory_per_branch + self.inhibitory_per_branch

    @property
    def branch(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self._chosen)), self._per_branch)

    @property
    def excitatory(self) -> NDArray[np.bool_]:
        one = np.arange(self._per_branch) < self.excitatory_per_branch
        return np.tile(one, len(self._chosen))

    @cached_property
    def sites(self) -> NDArray[np.int64]:
        """Compartment of each input, shape (inputs,)."""
        shape = self.neuron.compartments
        places = [
            shape.at(name, 1 / 3 + 2 / 3 * (k + 0.5) / number)
            for name in self.branches
            for number in (self.excitatory_per_branch, self.inhibitory_per_branch)
            for k in range(number)
        ]
        return np.array(places)

    def respond(self, events: NDArray[np.uint8], *, jobs: int = 1, progress: Told = None) -> Answer:
        """Run the cell on events, shape (trials, inputs, bins); see `Innervated`."""
        excites = self.excitatory
        return play(
            self.neuron,
            [
                (AMPA(g=self.ampa), self.sites, excites),
                (NMDA(g=self.nmda), self.sites, excites),
                (GABAA(g=self.gaba), self.sites, ~excites),
            ],
            events,
            dt=self.dt,
            jobs=jobs,
            progress=progress,
        )

    def to_dict(self) -> dict[str, Any]:
        """Name, synapses and the cell, in plain values."""
        return {
            "kind": "InnervatedDendrites",
            "name": self.name,
            "branches": list(self.branches),
            "excitatory_per_branch": self.excitatory_per_branch,
            "inhibitory_per_branch": self.inhibitory_per_branch,
            "ampa_nS": float(self.ampa / nS),
            "nmda_nS": float(self.nmda / nS),
            "gaba_nS": float(self.gaba / nS),
            "dt_ms": float(self.dt / ms),
            "neuron": self.neuron.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class InnervatedPoint:
    """A point neuron with excitatory and inhibitory inputs, each event a current that decays.

    Parameters
    ----------
    neuron : PointNeuron
    name : str
    inputs : int
        Number of inputs.
    inhibitory : float
        Share of them that inhibits.
    current : Quantity
        Current with which one event starts (inhibition: with the opposite sign).
    tau : Quantity
        Its decay.

    Examples
    --------
    >>> from neurosim import LIF
    >>> cell = InnervatedPoint(LIF(), "LIF")
    >>> int(cell.excitatory.sum()), cell.branches
    (80, ('cell',))
    """

    neuron: PointNeuron
    name: str
    inputs: int = 100
    inhibitory: float = 0.2
    current: Quantity = field(default_factory=lambda: 240 * pA)
    tau: Quantity = field(default_factory=lambda: 2 * ms)
    dt: Quantity = field(default_factory=lambda: 0.1 * ms)

    def __post_init__(self) -> None:
        check_quantity(self.current, 240 * pA, f"{self.name}: current", above=0 * pA)
        check_quantity(self.tau, 2 * ms, f"{self.name}: tau", above=0 * ms)
        if self.inputs < 1 or not 0 <= self.inhibitory < 1:
            raise ReductionError(
                f"{self.name}: give at least 1 input, of which a share in 0 to 1 inhibits; got "
                f"{self.inputs} and {self.inhibitory}"
            )

    @property
    def branches(self) -> tuple[str, ...]:
        return ("cell",)

    @property
    def branch(self) -> NDArray[np.int64]:
        return np.zeros(self.inputs, dtype=np.int64)

    @property
    def excitatory(self) -> NDArray[np.bool_]:
        return np.arange(self.inputs) < round(self.inputs * (1 - self.inhibitory))

    def respond(self, events: NDArray[np.uint8], *, jobs: int = 1, progress: Told = None) -> Answer:
        """Run the cell on events, shape (trials, inputs, bins); see `Innervated`."""
        trials, _, bins = events.shape
        sign = np.where(self.excitatory, 1.0, -1.0)
        steps = round(BIN_MS / float(self.dt / ms))
        arriving = np.zeros((trials, bins, steps))
        arriving[:, :, 0] = np.einsum("i,tib->tb", sign, events, optimize=True)
        kept = np.exp(-float(self.dt / self.tau))
        current = lfilter([1.0], [1.0, -kept], arriving.reshape(trials, -1), axis=1)
        recording = simulate(
            self.neuron,
            bins * BIN_MS * ms,
            stimulus=FrozenNoise(current * self.current, interval=self.dt),
            batch={"channel": np.arange(trials) * Quantity(1)},
            dt=self.dt,
            record=["v"],
            record_dt=BIN_MS * ms,
            jobs=jobs,
            progress=progress,
        )
        return _binned(
            recording.spike_row, recording.spike_time_s, recording.trace("v"), trials, bins
        )

    def to_dict(self) -> dict[str, Any]:
        """Name, synapses and the cell, in plain values."""
        return {
            "kind": "InnervatedPoint",
            "name": self.name,
            "inputs": self.inputs,
            "inhibitory": self.inhibitory,
            "current_pA": float(self.current / pA),
            "tau_ms": float(self.tau / ms),
            "dt_ms": float(self.dt / ms),
            "neuron": self.neuron.to_dict(),
        }


def play(
    neuron: Neuron,
    receptors: Sequence[tuple[Receptor, NDArray[np.int64], NDArray[np.bool_]]],
    events: NDArray[np.uint8],
    *,
    dt: Quantity,
    jobs: int = 1,
    progress: Told = None,
) -> Answer:
    """Run a neuron with extent on events, a trial a cell of one batch.

    Parameters
    ----------
    neuron : Neuron
        Its own synapses and electrodes stay.
    receptors : sequence of (Receptor, ndarray of int, ndarray of bool)
        What an event opens, the compartment of each input, and which inputs have it.
    events : ndarray of uint8, shape (trials, inputs, bins)
    dt : Quantity
        Time step.
    jobs : int
        Threads.
    """
    trials, _, bins = events.shape
    time = np.arange(bins) * BIN_MS * 1e-3
    cell = neuron
    for k, (part, sites, which) in enumerate(receptors):
        mine = np.flatnonzero(which)
        if not len(mine) or not float(part.g):  # type: ignore[attr-defined]
            continue
        # Inputs that share a compartment share their states: one list a compartment.
        places, member = np.unique(sites[mine], return_inverse=True)
        arrivals = []
        for place in range(len(places)):
            number = events[:, mine[member == place]].sum(axis=1, dtype=np.uint8)
            some = number.any(axis=0)
            arrivals.append(Events(time[some], number[:, some]))
        site = _Points(tuple(int(p) for p in places))
        cell = cell.place(part, site, arrivals, label=f"reduce_{part.name}_{k}")
    recording = simulate(
        cell.replace(probed=()).probe("v", root_site, label="reduce_soma"),
        bins * BIN_MS * ms,
        seed=np.arange(trials),
        dt=dt,
        record_dt=BIN_MS * ms,
        jobs=jobs,
        progress=progress,
    )
    voltage = recording.trace("reduce_soma")
    return _binned(recording.spike_row, recording.spike_time_s, voltage, trials, bins)


def innervate(neuron: Neuron | PointNeuron, name: str, **options: Any) -> Innervated:
    """Return a neuron with inputs: on its dendrites if it has any, else at its only point.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
    name : str
    **options
        Of `InnervatedDendrites` or `InnervatedPoint`.

    Raises
    ------
    ReductionError
        It is neither, or has no dendrites.

    Examples
    --------
    >>> from neurosim import LIF
    >>> innervate(LIF(), "LIF", inputs=10).excitatory.astype(int)
    array([1, 1, 1, 1, 1, 1, 1, 1, 0, 0])
    """
    if isinstance(neuron, Neuron):
        found = InnervatedDendrites(neuron, name, **options)
        assert found.branches
        return found
    if isinstance(neuron, PointNeuron):
        return InnervatedPoint(neuron, name, **options)
    raise ReductionError(
        f"{name}: a Neuron or a PointNeuron can be reduced, such as ca1_pyramidal() or LIF(); got "
        f"{neuron!r}"
    )


def _binned(row: Any, time_s: Any, voltage: Any, trials: int, bins: int) -> Answer:
    spikes = np.zeros((trials, bins), dtype=np.uint8)
    which = np.minimum((np.asarray(time_s) / (BIN_MS * 1e-3) + 1e-6).astype(int), bins - 1)
    np.add.at(spikes, (np.asarray(row), which), 1)
    return Answer(spikes, np.asarray(voltage / mV, dtype=np.float32)[:, :bins])
