"""How a neuron answers small currents of every frequency, from one place to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import Mohm, Quantity, hertz, ohm, pA
from scipy import sparse
from scipy.sparse.linalg import splu

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.drawing.dynamics import draw_impedance
from neurosim.dynamics.system import System, system_of
from neurosim.errors import ParameterError
from neurosim.morphology import Site, root_site
from neurosim.quantities import check_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Impedance", "impedance", "rest_of"]


@dataclass(frozen=True, eq=False, repr=False)
class Impedance:
    """Potential over injected current, as a complex number a frequency.

    Attributes
    ----------
    frequency : Quantity, shape (n,)
        Frequencies.
    complex_ohm : ndarray of complex, shape (n,)
        Impedance in ohm; the phase is that of the potential before the current.
    """

    frequency: Quantity
    complex_ohm: np.ndarray

    def __repr__(self) -> str:
        peak = self.resonance
        most = float(np.max(self.magnitude) / Mohm)
        said = f"{len(self.frequency)} frequencies, at most {most:.4g} Mohm"
        if peak is not None:
            said += f", resonance at {float(peak):.3g} Hz (Q {self.quality:.3g})"
        return f"Impedance({said})"

    @property
    def magnitude(self) -> Quantity:
        """Size of the impedance, shape (n,)."""
        return Quantity(np.abs(self.complex_ohm), dim=ohm.dim)

    @property
    def phase(self) -> np.ndarray:
        """Phase of the potential before that of the current, in degrees, shape (n,)."""
        return np.degrees(np.angle(self.complex_ohm))

    @property
    def resonance(self) -> Quantity | None:
        """Frequency of the largest impedance; None where the impedance only falls.

        Between the frequencies asked for a parabola through the highest three.
        """
        size = np.abs(self.complex_ohm)
        k = int(np.argmax(size))
        if k in (0, len(size) - 1):
            return None
        x, y = np.asarray(self.frequency)[k - 1 : k + 2], size[k - 1 : k + 2]
        a, b, _ = np.polyfit(x - x[1], y, 2)
        return float(x[1] - b / (2 * a)) * hertz

    @property
    def quality(self) -> float:
        """Largest impedance over that of the lowest frequency (Q); 1 without resonance."""
        size = np.abs(self.complex_ohm)
        return float(size.max() / size[0])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the size of the impedance over frequency.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        """
        peak = self.resonance
        return draw_impedance(
            np.asarray(self.frequency),
            np.abs(self.complex_ohm) / 1e6,
            None if peak is None else float(peak),
            ax,
        )


def impedance(
    neuron: Neuron | PointNeuron,
    frequency: Quantity,
    *,
    inject: Site | None = None,
    read: Site | None = None,
    current: Quantity = 0 * pA,
    given: Mapping[str, Any] | None = None,
) -> Impedance:
    """Return the impedance of a neuron at rest, linearised with all its channels.

    The input impedance where `read` and `inject` are one place, else the transfer impedance, which
    is the same in both directions.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
        The neuron; threshold, noise and synaptic events are left out.
    frequency : Quantity, shape (n,)
        Frequencies, 0 Hz for the resistance.
    inject, read : Site, optional
        One place each on a neuron with extent (default: the middle of its root branch).
    current : Quantity
        Constant current that enters at `inject` and sets the potential around which is linearised.
    given : mapping of str to Quantity, optional
        Parameters that differ, by names as in ``simulate(batch=...)``.

    Raises
    ------
    ParameterError
        It has no stable rest, or a place is more than one.
    UnitError
        A frequency or current without its unit.

    References
    ----------
    Koch (1984), Biol Cybern 50:15; Hutcheon and Yarom (2000), Trends Neurosci 23:216.

    Examples
    --------
    >>> from neurosim import LIF
    >>> found = impedance(LIF(), [0, 7.957747] * hertz)
    >>> (found.magnitude / Mohm).round(2).tolist(), found.phase.round(1).tolist()
    ([100.0, 70.71], [0.0, -45.0])
    """
    asked = check_quantity(
        frequency, 10 * hertz, "impedance: frequency", at_least=0 * hertz, many=1
    )
    hz = np.atleast_1d(np.asarray(asked, dtype=float))
    system, y, amount = rest_of(neuron, "impedance", inject, current, given)
    enters, taken = (
        place_of(neuron, system, inject, "inject"),
        place_of(neuron, system, read if read is not None else inject, "read"),
    )
    matrix, push = system.matrix(y, amount), system.by_current(y, amount)
    if not system.point:
        push = np.zeros(system.size)
        push[enters] = 1 / system.capacitance[enters]
    return Impedance(Quantity(hz, dim=hertz.dim), answers(matrix, push, hz)[:, taken])


def answers(matrix: sparse.csc_array, push: np.ndarray, hz: np.ndarray) -> np.ndarray:
    """Return the answer of all unknowns to a unit push at each frequency, shape (n, unknowns)."""
    found = np.empty((len(hz), len(push)), dtype=complex)
    one = sparse.eye_array(len(push), format="csc")
    for row, f in zip(found, hz, strict=True):
        row[:] = splu(sparse.csc_array(2j * np.pi * f * one - matrix)).solve(push.astype(complex))
    return found


def rest_of(
    neuron: Neuron | PointNeuron,
    who: str,
    at: Site | None,
    current: Quantity,
    given: Mapping[str, Any] | None,
) -> tuple[System, np.ndarray, float]:
    """Return the system of a neuron, its state of rest nearest to its start, and the current.

    Raises
    ------
    ParameterError
        It has none, or leaves it by itself.
    """
    amount = float(check_quantity(current, 10 * pA, f"{who}: current"))
    where = None if isinstance(neuron, PointNeuron) else at
    system = system_of(neuron, who, at=where, given=given)
    # A step towards the current, so that the state found is the one the neuron drifts to.
    y: np.ndarray | None = system.start
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = None if y is None else system.rest_from(y, share * amount)
    if y is None:
        raise ParameterError(f"{who}: no state of rest was found near the start; see fixed_points")
    return system, y, amount


def place_of(neuron: Neuron | PointNeuron, system: System, site: Site | None, name: str) -> int:
    """Return the unknown that is the potential at a place."""
    if isinstance(neuron, PointNeuron):
        if site is not None:
            raise ParameterError(f"a point neuron has no places; leave out {name}")
        return 0
    chosen = np.asarray((site or root_site).compartments(neuron.compartments), dtype=int)
    if len(chosen) != 1:
        raise ParameterError(f"{name} must be one place; {site} is {len(chosen)}")
    return int(system.numbering[chosen[0]])
