"""How far apart places of a neuron are for the potential: space constants and attenuation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, hertz, meter, ohm, pA, second, siemens
from scipy import sparse
from scipy.sparse.linalg import splu

from neurosim.describe.neuron import Neuron
from neurosim.dynamics.fixed_points import eigenvalues
from neurosim.dynamics.impedance import answers, place_of, rest_of
from neurosim.dynamics.system import System
from neurosim.engine.cable.draft import Varied
from neurosim.engine.cable.patches import Membrane
from neurosim.errors import ParameterError
from neurosim.morphology import Site
from neurosim.quantities import check_quantity

__all__ = ["Electrotonic", "electrotonic"]


@dataclass(frozen=True, eq=False, repr=False)
class Electrotonic:
    """The cable that a neuron at rest is, compartment by compartment.

    Attributes
    ----------
    conductance : Quantity, shape (compartments,)
        Of the membrane at rest with gates held, a specific conductance (S/m²).
    space_constant : Quantity, shape (compartments,)
        sqrt(d / (4 R_a g)) of a long cylinder of this diameter and membrane.
    time_constant : Quantity, shape (compartments,)
        C_m / g.
    distance : ndarray, shape (compartments,)
        Path from the place, in space constants.
    input_resistance : Quantity, shape (compartments,)
        Steady potential over a current injected there.
    outward, inward : ndarray, shape (compartments,)
        Natural logarithm of the attenuation (Carnevale's electrotonic length) of a signal of
        `frequency` from the place to the compartment, and from the compartment to the place.
    frequency : Quantity
        Of that signal.
    slowest : Quantity, shape (n,)
        Time constants of the whole cell that decay without oscillation, the slowest first.
    """

    conductance: Quantity
    space_constant: Quantity
    time_constant: Quantity
    distance: np.ndarray
    input_resistance: Quantity
    outward: np.ndarray
    inward: np.ndarray
    frequency: Quantity
    slowest: Quantity

    def __repr__(self) -> str:
        far, out, back = self.distance.max(), self.outward.max(), self.inward.max()
        return (
            f"Electrotonic({len(self.distance)} compartments, up to {far:.3g} space constants "
            f"away; {float(self.frequency):g} Hz is attenuated to {np.exp(-out):.3g} outwards and "
            f"{np.exp(-back):.3g} inwards)"
        )


def electrotonic(
    neuron: Neuron,
    *,
    at: Site | None = None,
    frequency: Quantity = 0 * hertz,
    current: Quantity = 0 * pA,
    given: Mapping[str, Any] | None = None,
) -> Electrotonic:
    """Return space constants, electrotonic distances, attenuations and time constants at rest.

    Distances and space constants hold gates where they are at rest, as the classical cable does;
    attenuations, input resistances and time constants let them follow.

    Parameters
    ----------
    neuron : Neuron
        A neuron with extent.
    at : Site, optional
        Place that distances and attenuations count from (default: the middle of its root branch).
    frequency : Quantity
        Of the signal whose attenuation is told.
    current : Quantity
        Constant current at that place.
    given : mapping of str to Quantity, optional
        Parameters that differ, by names as in ``simulate(batch=...)``.

    Raises
    ------
    ParameterError
        It is a point neuron, has no rest, or a membrane conductance there is not positive.

    References
    ----------
    Rall (1969), Biophys J 9:1483; Carnevale, Tsai, Claiborne and Brown (1997), J Neurophysiol
    78:703.

    Examples
    --------
    >>> from brian2 import um
    >>> from neurosim import Neuron
    >>> from neurosim.channels import Leak
    >>> from neurosim.morphology import MaxLength, ball_and_stick, everywhere
    >>> stick = Neuron(ball_and_stick(20 * um, 500 * um, 2 * um), MaxLength(10 * um))
    >>> found = electrotonic(stick.paint(Leak(), everywhere))
    >>> bool(found.inward.max() > found.outward.max() > 0)
    True
    """
    if not isinstance(neuron, Neuron):
        raise ParameterError(
            f"electrotonic: expected a neuron with extent, got {type(neuron).__name__}"
        )
    hz = float(check_quantity(frequency, 10 * hertz, "electrotonic: frequency", at_least=0 * hertz))
    system, y, amount = rest_of(neuron, "electrotonic", at, current, given)
    place = place_of(neuron, system, at, "at")
    order = system.numbering
    shape = neuron.compartments
    membrane = Membrane(neuron, 1, Varied({}))
    held = _held_conductance(system, y, amount)[order]
    area = np.asarray(membrane.area, dtype=float)
    if np.any(held <= 0):
        k = int(np.argmin(held))
        name, middle = shape.middle(k)
        raise ParameterError(
            f"electrotonic: the membrane at {name!r} ({middle:.2g} of the way along it) has no "
            "positive conductance at rest; paint a leak there, or look at another potential"
        )
    g = held / area
    # Spines add area to a cylinder, and with it conductance a length.
    per_length = held / shape.length_m
    resistance = membrane.R_a * 4 / (np.pi * shape.diameter_m**2)
    constant = 1 / np.sqrt(per_length * resistance)
    capacitance = system.capacitance[order]
    matrix = system.matrix(y, amount)
    count = system.compartments
    out = answers(matrix, _push(system, place), np.array([hz]))[0]
    # Transfer impedances are the same both ways; what differs is the input impedance at the start.
    own = _own_impedances(system, matrix, hz)
    outward = np.log(np.abs(out[place] / out[:count]))[order]
    inward = np.log(np.abs(own / out[:count]))[order]
    steady = own if hz == 0 else _own_impedances(system, matrix, 0.0)
    values = eigenvalues(system, y, amount, "electrotonic")
    decays = values[(values.imag == 0) & (values.real < 0)].real
    return Electrotonic(
        Quantity(g, dim=(siemens / meter**2).dim),
        constant * meter,
        capacitance / held * second,
        _path(neuron, constant, place, order),
        Quantity(np.abs(steady)[order], dim=ohm.dim),
        outward,
        inward,
        hz * hertz,
        np.sort(-1 / decays)[::-1] * second,
    )


def _push(system: System, place: int) -> np.ndarray:
    push = np.zeros(system.size)
    push[place] = 1 / system.capacitance[place]
    return push


def _own_impedances(system: System, matrix: sparse.csc_array, hz: float) -> np.ndarray:
    """Return the input impedance of every compartment."""
    one = sparse.eye_array(system.size, format="csc")
    solver = splu(sparse.csc_array(2j * np.pi * hz * one - matrix))
    found = np.empty(system.compartments, dtype=complex)
    for k in range(system.compartments):
        found[k] = solver.solve(_push(system, k).astype(complex))[k]
    return found


def _held_conductance(system: System, y: np.ndarray, current: float) -> np.ndarray:
    """Return the slope of the outward membrane current of each compartment, gates held, siemens."""
    found = np.zeros(system.compartments)
    for block in system.blocks:
        slope = block.slope(block.read(y), 0, current)[0]
        np.add.at(found, block.compartments, -slope)
    return found


def _path(neuron: Neuron, constant: np.ndarray, place: int, order: np.ndarray) -> np.ndarray:
    """Return the path from a place to each compartment in space constants."""
    shape = neuron.compartments
    half = shape.length_m / (2 * constant)
    nodes, node = len(shape.node_parent), shape.node_compartment
    inner = np.flatnonzero(shape.node_parent >= 0)
    length = np.zeros(nodes)
    for k in inner:
        # Half of each compartment at the ends of the edge; junctions have no length.
        length[k] = sum(half[node[j]] for j in (k, shape.node_parent[k]) if node[j] >= 0)
    graph = sparse.coo_array(
        (length[inner] + 1e-300, (inner, shape.node_parent[inner])), (nodes,) * 2
    )
    start = int(np.flatnonzero(order == place)[0])
    begin = int(np.flatnonzero(node == start)[0])
    found = sparse.csgraph.shortest_path(sparse.csr_array(graph), directed=False, indices=begin)
    distance = np.empty(len(shape))
    distance[node[node >= 0]] = found[node >= 0]
    return distance
