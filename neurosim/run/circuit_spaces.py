"""Spaces that the cells of a circuit share: into a run, and what they did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, meter, second
from brian2.units.stdunits import mM

from neurosim.describe.circuit import Circuit
from neurosim.describe.neuron import Neuron
from neurosim.describe.shared_space import SharedSpace
from neurosim.engine.cable.compose import Composed, Run
from neurosim.engine.cable.inputs import CableInputs, Counted
from neurosim.engine.cable.model import CableModel
from neurosim.engine.coupling.spaces import FARADAY, SpaceResults, Spaces
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.ions.ion import Ion
from neurosim.run.ion_ledger import beyond_rounding
from neurosim.run.state import State

__all__ = [
    "SpaceLedger",
    "SpaceRecording",
    "SpaceRecordings",
    "box_name",
    "crossed_of",
    "shared_ions",
    "space_recordings",
    "spaces",
]

_IONS = {"na": 1, "k": 1, "ca": 2, "cl": -1}


@dataclass(frozen=True)
class SpaceLedger:
    """Where the particles of an ion in a space came from and went, in mol.

    Attributes
    ----------
    start, end : float
        Particles in the space.
    crossed : float
        What came out of the members: summed from the currents through their membranes, not from
        the concentrations of the space.
    exchanged : float
        What went to the bath.
    """

    start: float
    end: float
    crossed: float
    exchanged: float

    @property
    def error(self) -> float:
        """What is missing: start + crossed - exchanged - end."""
        return self.start + self.crossed - self.exchanged - self.end

    @property
    def relative_error(self) -> float:
        """The error over the largest amount that moved; rounding of `start` counts as none."""
        largest = max(abs(self.crossed), abs(self.exchanged), abs(self.end - self.start))
        error = beyond_rounding(self.error, self.start)
        return error / largest if largest else error


@dataclass(frozen=True, eq=False, repr=False)
class SpaceRecording:
    """Concentrations in a space.

    Attributes
    ----------
    label : str
        Name of the space.
    ions : tuple of str
        What it holds.
    volume_m3 : ndarray, shape (boxes,)
        Volumes; with ``each=True`` those of all cells, one after the other.
    values_si : dict of str to ndarray, each of shape (boxes, samples)
        Concentrations, in mM.
    time_s : ndarray, shape (samples,)
        When, in second.
    ledger : dict of str to SpaceLedger
        By ion, what came and went.
    """

    label: str
    ions: tuple[str, ...]
    volume_m3: np.ndarray
    values_si: Mapping[str, np.ndarray]
    time_s: np.ndarray
    ledger: Mapping[str, SpaceLedger]

    def concentration(self, ion: str) -> Quantity:
        """Return the concentration of an ion, shape (boxes, samples).

        Raises
        ------
        UnknownNameError
            The space does not hold the ion.
        """
        if ion not in self.values_si:
            raise UnknownNameError(
                f"the space {self.label!r} does not hold {ion!r}: {suggest(str(ion), self.ions)}"
            )
        return self.values_si[ion] * mM

    @property
    def time(self) -> Quantity:
        """Times of the samples."""
        return self.time_s * second

    @property
    def volume(self) -> Quantity:
        """Volume of each box."""
        return self.volume_m3 * meter**3

    def __repr__(self) -> str:
        return f"SpaceRecording({self.label}: {', '.join(self.ions)}; {len(self.volume_m3)} boxes)"


class SpaceRecordings(dict[str, SpaceRecording]):
    """What the spaces of a circuit did, by label."""

    def __missing__(self, label: str) -> SpaceRecording:
        raise UnknownNameError(f"there is no space {label!r}: {suggest(str(label), self)}")


def shared_ions(circuit: Circuit, population: str) -> tuple[str, ...]:
    """Return the ions that a population holds and shares with others, in any space."""
    painted = circuit.populations[population].neuron.painted
    held = {one.part.ion for one in painted if isinstance(one.part, Ion)}
    spaces = [one.space for one in circuit.shared if population in one.members]
    return tuple(ion for space in spaces for ion in space.ions if ion in held)


@dataclass(frozen=True)
class _Member:
    """A population around a space: boxes of its compartments, and where it holds which ion."""

    group: int
    box: np.ndarray
    volume_m3: np.ndarray
    holds: Mapping[str, np.ndarray]


def _member(one: SharedSpace, number: int, neuron: Neuron, composed: Composed, run: Run) -> _Member:
    cut, count = neuron.compartments, run.cells
    placed = np.broadcast_to(run.placement.place(cut.xyz_m), (count, len(cut), 3))
    distance = np.broadcast_to(cut.distance_m, (count, len(cut)))
    box = one.space.box_of(placed, distance).T
    if one.each:
        box = np.where(box >= 0, box + one.space.boxes * np.arange(count), -1)
    holds = {}
    for ion in one.space.ions:
        held = np.zeros(len(cut), dtype=bool)
        for painted in neuron.painted:
            if isinstance(painted.part, Ion) and painted.part.ion == ion:
                held |= painted.region.mask(cut)
        lost = np.flatnonzero(held[:, np.newaxis] & (box < 0))
        if len(lost):
            compartment, cell = divmod(int(lost[0]), count)
            branch = cut.branch_names[int(cut.branch[compartment])]
            raise ParameterError(
                f"simulate: a part of cell {cell} on branch {branch!r} holds {ion} but lies beyond "
                f"the boxes of the space {one.label!r}; make the space longer, or move the cell"
            )
        holds[ion] = held
    return _Member(number, box, cut.volume_m3, holds)


def spaces(
    circuit: Circuit,
    neurons: Sequence[Neuron],
    composed: Sequence[Composed],
    runs: Sequence[Run],
    before: State | None,
) -> Spaces | None:
    """Return the spaces of a circuit in the numbers of the engine."""
    if not circuit.shared:
        return None
    names = list(circuit.populations)
    ions = tuple(i for i in _IONS if any(i in one.space.ions for one in circuit.shared))
    shapes = [(len(ions), len(c.numbering), r.cells) for c, r in zip(composed, runs, strict=True)]
    members = [np.full(shape, -1, dtype=np.int32) for shape in shapes]
    volume, tau, start, link = [], [], [], []
    first = 0
    for one in circuit.shared:
        groups = [names.index(name) for name in one.members]
        around = [_member(one, g, neurons[g], composed[g], runs[g]) for g in groups]
        many = runs[groups[0]].cells if one.each else 1
        boxes = one.space.boxes * many
        inside = np.zeros(boxes)
        for member in around:
            ok = member.box >= 0
            each = np.broadcast_to(member.volume_m3[:, np.newaxis], ok.shape)
            np.add.at(inside, member.box[ok], each[ok])
        sizes = [one.space.volumes_m3(part) for part in np.split(inside, many)]
        own_start, own_link = np.full((len(ions), boxes), np.nan), np.zeros((len(ions), boxes))
        for k, ion in enumerate(ions):
            if ion not in one.space.ions:
                continue
            own_start[k] = float(getattr(one.space, f"{ion}_o"))
            links = [np.append(one.space.links_m3_s(ion, size), 0.0) for size in sizes]
            own_link[k] = np.concatenate(links)
            for member in around:
                numbering = composed[member.group].numbering
                held = np.where(member.holds[ion][:, np.newaxis], member.box, -1)
                target = members[member.group][k]
                target[numbering] = np.where(held >= 0, held + first, target[numbering])
        volume.append(np.concatenate(sizes))
        tau.append(np.full(boxes, float(one.space.tau)))
        start.append(own_start)
        link.append(own_link)
        first += boxes
    bath = np.concatenate(start, axis=1)
    beginning = bath.copy()
    if before is not None:
        for k, ion in enumerate(ions):
            beginning[k] = before.arrays[f"space.{ion}_o"]
    return Spaces(
        ions=ions,
        valence=np.array([_IONS[ion] for ion in ions]),
        volume=np.concatenate(volume),
        tau=np.concatenate(tau),
        start=beginning,
        bath=bath,
        link=np.concatenate(link, axis=1),
        members=members,
    )


def _many(circuit: Circuit, one: SharedSpace) -> int:
    """Return how many boxes a space has, those of all cells together."""
    cells = circuit.populations[one.members[0]].count if one.each else 1
    return one.space.boxes * cells


def box_name(circuit: Circuit, box: int) -> str:
    """Return what a box of all spaces of a run is called in messages."""
    for one in circuit.shared:
        if box < (many := _many(circuit, one)):
            return f"the space {one.label!r}" + (f" (box {box} of {many})" if many > 1 else "")
        box -= many
    raise AssertionError("no such box")


def space_recordings(
    circuit: Circuit,
    spaces: Spaces | None,
    done: SpaceResults | None,
    crossed: Sequence[np.ndarray],
    time_s: np.ndarray,
) -> Mapping[str, SpaceRecording]:
    """Return by label what the spaces of a circuit did.

    Parameters
    ----------
    crossed : sequence of ndarray, each of shape (ions, compartments, cells)
        By group, the charge of each ion that entered each compartment since the start (coulomb).
    """
    found = SpaceRecordings()
    if spaces is None or done is None:
        return found
    left = np.zeros((len(spaces.ions), spaces.boxes))
    for boxes, charge in zip(spaces.members, crossed, strict=True):
        for k in range(len(spaces.ions)):
            inside = boxes[k] >= 0
            np.add.at(left[k], boxes[k][inside], charge[k][inside])
    left /= -spaces.valence[:, np.newaxis] * FARADAY
    first = 0
    for one in circuit.shared:
        here = slice(first, first := first + _many(circuit, one))
        volume = spaces.volume[here]
        ledger = {}
        for ion in one.space.ions:
            k = spaces.ions.index(ion)
            ledger[ion] = SpaceLedger(
                start=float(volume @ spaces.start[k, here]),
                end=float(volume @ done.final[k, here]),
                crossed=float(left[k, here].sum()),
                exchanged=float(done.exchanged[k, here].sum()),
            )
        values = {ion: done.traces[spaces.ions.index(ion), here] for ion in one.space.ions}
        found[one.label] = SpaceRecording(one.label, one.space.ions, volume, values, time_s, ledger)
    return found


def crossed_of(
    model: CableModel, inputs: CableInputs, counted: Counted | None, ions: Sequence[str]
) -> np.ndarray:
    """Return the charge of each ion that entered each compartment since the start of a run.

    In coulomb, shape (ions, compartments, cells), in the order of the engine.
    """
    found = np.zeros((len(ions), inputs.tree.compartments, inputs.cells))
    if counted is None:
        return found
    for kernel, given, rows in zip(model.kernels, inputs.kernels, counted.kernels, strict=True):
        if not kernel.carriers:
            continue
        # Receptors count charges, membranes charges on an area.
        area = np.asarray(given.values["area"] if kernel.density else 1.0, dtype=float)
        area = area[:, np.newaxis] if area.ndim == 1 else area
        for one in kernel.carriers:
            for ion, share in one.ions:
                if ion in ions:
                    charge = share * rows.crossed[one.variable] * area
                    np.add.at(found[ions.index(ion)], given.nodes, charge)
    return found
