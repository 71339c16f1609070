"""Gap junctions of a circuit on their way into a run, and the currents that come out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, amp, second, siemens

from neurosim.describe.circuit import Circuit
from neurosim.engine.cable.compose import Composed
from neurosim.engine.coupling.junctions import Junctions
from neurosim.engine.coupling.spaces import FARADAY
from neurosim.equations.thermal import thermal_potential
from neurosim.errors import UnknownNameError, suggest
from neurosim.ions.transporter import VALENCE

__all__ = [
    "JunctionRecording",
    "JunctionRecordings",
    "came_through",
    "joined",
    "junction_recordings",
    "junctions",
]


@dataclass(frozen=True, eq=False, repr=False)
class JunctionRecording:
    """Currents through gap junctions.

    Attributes
    ----------
    label : str
        Name of the junctions.
    pairs : ndarray of int, shape (junctions, 2)
        Cell of the first and cell of the second population.
    conductance_S : ndarray, shape (junctions,)
        In siemens.
    current_si : ndarray, shape (junctions, samples)
        Current out of the first cell into the second, in ampere.
    carried : dict of str to ndarray, each of shape (junctions,)
        By ion that passes, what each junction carried from the first cell into the second during
        the run, in mol.
    time_s : ndarray, shape (samples,)
        When, in second: the moment that the implicit step is about.
    """

    label: str
    pairs: np.ndarray
    conductance_S: np.ndarray
    current_si: np.ndarray
    carried: Mapping[str, np.ndarray]
    time_s: np.ndarray

    @property
    def current(self) -> Quantity:
        """Current out of the first cell into the second, shape (junctions, samples)."""
        return self.current_si * amp

    @property
    def time(self) -> Quantity:
        """Times of the samples."""
        return self.time_s * second

    @property
    def conductance(self) -> Quantity:
        """Conductance of each junction, shape (junctions,)."""
        return self.conductance_S * siemens

    def __repr__(self) -> str:
        many, samples = self.current_si.shape
        return f"JunctionRecording({self.label}: {many} junctions, {samples} samples)"


class JunctionRecordings(dict[str, JunctionRecording]):
    """Currents of the gap junctions that are recorded, by label."""

    def __missing__(self, label: str) -> JunctionRecording:
        raise UnknownNameError(
            f"there are no currents of gap junctions {label!r}: {suggest(str(label), self)}"
            if self
            else f"no currents of gap junctions were recorded; couple cells with record=True to "
            f"have those of {label!r}"
        )


def joined(circuit: Circuit, population: str) -> tuple[int, ...]:
    """Return the compartments of a population that have gap junctions in any of its cells."""
    found: set[int] = set()
    for one in circuit.couplings:
        for column, name in enumerate((one.first, one.second)):
            if name == population:
                found.update(one.compartments[:, column].tolist())
    return tuple(sorted(found))


def junctions(circuit: Circuit, composed: Sequence[Composed]) -> Junctions | None:
    """Return the gap junctions of a circuit in the numbers of the engine."""
    if not circuit.couplings:
        return None
    numbers = {name: k for k, name in enumerate(circuit.populations)}
    ends: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for one in circuit.couplings:
        for column, name in enumerate((one.first, one.second)):
            group = numbers[name]
            node = composed[group].numbering[one.compartments[:, column]]
            cell = one.pairs[:, column]
            ends[column].append(np.stack([np.full(len(cell), group), cell, node], axis=1))
    recorded = [np.full(len(one.pairs), one.record) for one in circuit.couplings]
    ions = tuple(i for i in VALENCE if any(i in one.ions for one in circuit.couplings))
    share = [
        np.array([np.full(len(one.pairs), one.ions.get(ion, 0.0)) for ion in ions])
        for one in circuit.couplings
    ]
    thermal = [
        np.full(
            len(one.pairs), float(thermal_potential(circuit.populations[one.first].neuron.celsius))
        )
        for one in circuit.couplings
    ]
    return Junctions.between(
        np.concatenate(ends[0]),
        np.concatenate(ends[1]),
        np.concatenate([one.conductance_S for one in circuit.couplings]),
        np.flatnonzero(np.concatenate(recorded)),
        ions=ions,
        share=np.concatenate(share, axis=1) if ions else np.zeros((0, sum(map(len, recorded)))),
        thermal=np.concatenate(thermal),
    )


def junction_recordings(
    circuit: Circuit,
    joined: Junctions | None,
    currents: np.ndarray,
    carried: np.ndarray,
    time_s: np.ndarray,
) -> Mapping[str, JunctionRecording]:
    """Return by label what was recorded.

    Parameters
    ----------
    joined : Junctions, optional
        Those of the run.
    currents : ndarray, shape (recorded, samples)
        In ampere.
    carried : ndarray, shape (ions, junctions)
        The charge that each ion carried, in coulomb.
    """
    found, first, at = JunctionRecordings(), 0, 0
    for one in circuit.couplings:
        many = len(one.pairs)
        if one.record and joined is not None:
            amounts = {
                ion: carried[joined.ions.index(ion), at : at + many] / (VALENCE[ion] * FARADAY)
                for ion in one.ions
            }
            rows = currents[first : first + many]
            first += many
            found[one.label] = JunctionRecording(
                one.label, one.pairs, one.conductance_S, rows, amounts, time_s
            )
        at += many
    return found


def came_through(
    joined: Junctions, carried: np.ndarray, group: int, shape: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Return by ion what came into the compartments of a group, in mol.

    Parameters
    ----------
    carried : ndarray, shape (ions, junctions)
        The charge that each ion carried, in coulomb.
    shape : (int, int)
        Compartments, in the numbers of the engine, and cells.
    """
    found, mine = {}, joined.group == group
    for ion, into in zip(joined.ions, joined.into_ends(carried), strict=True):
        found[ion] = np.zeros(shape)
        where = (joined.node[mine], joined.cell[mine])
        np.add.at(found[ion], where, into[mine] / (VALENCE[ion] * FARADAY))
    return found
