"""States of rest of a neuron under a constant current, and whether it stays there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, hertz, mV, pA, second, volt
from scipy.optimize import brentq

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.dynamics.system import System, system_of
from neurosim.errors import ParameterError
from neurosim.morphology import Site
from neurosim.quantities import check_quantity

__all__ = ["FixedPoint", "eigenvalues", "fixed_points"]

# Unknowns up to which all eigenvalues are found in some seconds.
_MOST_UNKNOWNS = 3000
_GRID = 4001
# A real part this small, beside the fastest eigenvalue, is the rounding of a zero: of a state that
# nothing moves, or at a bifurcation.
_ZERO = 1e-11


@dataclass(frozen=True, eq=False, repr=False)
class FixedPoint:
    """A state at which nothing changes, and the linear dynamics around it.

    Attributes
    ----------
    v : Quantity
        Potential where the current enters.
    state : dict of str to float
        Every unknown, in SI units: potentials ``v`` or ``v[compartment]``, then the states.
    eigenvalues : ndarray of complex, shape (unknowns,)
        In 1/s, that of the largest real part first.
    """

    v: Quantity
    state: dict[str, float]
    eigenvalues: np.ndarray

    @property
    def unstable(self) -> int:
        """Number of eigenvalues with a positive real part: directions in which it is left."""
        return _positive(self.eigenvalues)

    @property
    def stable(self) -> bool:
        """Whether the neuron comes back after a small push."""
        return self.unstable == 0

    @property
    def kind(self) -> str:
        """Stable or unstable node or focus, or saddle."""
        if self.unstable == 0:
            return f"stable {'focus' if self.eigenvalues[0].imag else 'node'}"
        if np.any(self.eigenvalues[: self.unstable].imag != 0):
            return "unstable focus"
        return "unstable node" if self.unstable == len(self.eigenvalues) else "saddle"

    @property
    def time_constant(self) -> Quantity:
        """Time constant of the slowest return, or of the fastest departure (then negative)."""
        real = self.eigenvalues.real
        return Quantity(-1 / real[0] if real[0] else np.inf, dim=second.dim)

    @property
    def frequency(self) -> Quantity:
        """Frequency of the leading oscillation, 0 Hz where there is none."""
        return abs(self.eigenvalues[0].imag) / (2 * np.pi) * hertz

    def __repr__(self) -> str:
        said = f"{self.kind} at {float(self.v) * 1e3:.4g} mV"
        rate = self.eigenvalues[0].real
        if rate:
            said += f", {'return' if rate < 0 else 'departure'} in {1e3 / abs(rate):.3g} ms"
        if self.eigenvalues[0].imag:
            said += f", {float(self.frequency):.3g} Hz"
        return f"FixedPoint({said})"


def fixed_points(
    neuron: Neuron | PointNeuron,
    current: Quantity = 0 * pA,
    *,
    at: Site | None = None,
    given: Mapping[str, Any] | None = None,
    between: tuple[Quantity, Quantity] = (-120 * mV, 60 * mV),
) -> tuple[FixedPoint, ...]:
    """Return the states at which a neuron rests under a constant current, lowest potential first.

    Noise, synaptic events, threshold and reset are left out: the equations of the neuron alone.
    Of a point neuron or a cell of one compartment all are found whose potential lies `between`;
    of a cell with more compartments those that a search from eleven potentials, taken everywhere
    at once, arrives at.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
        The neuron.
    current : Quantity
        Injected current.
    at : Site, optional
        Where the current enters a neuron with extent (default: the middle of its root branch).
    given : mapping of str to Quantity, optional
        Parameters that differ, by names as in ``simulate(batch=...)``.
    between : (Quantity, Quantity)
        Potentials within which states of rest are looked for.

    Returns
    -------
    tuple of FixedPoint
        Empty where the neuron has no rest.

    Raises
    ------
    ParameterError
        It is no neuron, or an electrode or equation changes with time.
    UnitError
        A current or potential without its unit.

    References
    ----------
    Izhikevich (2007), Dynamical Systems in Neuroscience, chapters 3 and 4.

    Examples
    --------
    >>> from brian2 import uA, cm
    >>> from neurosim import HodgkinHuxley
    >>> squid = HodgkinHuxley()
    >>> fixed_points(squid)
    (FixedPoint(stable node at -65 mV, return in 8.29 ms),)
    >>> fixed_points(squid, squid.current(20 * uA / cm**2))[0].kind
    'unstable focus'
    """
    amount = float(check_quantity(current, 10 * pA, "fixed_points: current"))
    low, high = (float(check_quantity(v, -70 * mV, "fixed_points: between")) for v in between)
    if low >= high:
        raise ParameterError("fixed_points: between must be a lower and a higher potential")
    system = system_of(neuron, "fixed_points", at=at, given=given)
    return tuple(
        described(system, y, eigenvalues(system, y, amount, "fixed_points"))
        for y in rest_states(system, amount, low, high)
    )


def described(system: System, y: np.ndarray, values: np.ndarray) -> FixedPoint:
    """Return a state of rest with names; `values` are its eigenvalues."""
    enters = int(np.argmax(system.drive))
    state = dict(zip(system.names, y.tolist(), strict=True))
    return FixedPoint(float(y[enters]) * volt, state, values)


def eigenvalues(system: System, y: np.ndarray, current: float, who: str) -> np.ndarray:
    """Return the eigenvalues of the linearisation at a state, largest real part first."""
    if system.size > _MOST_UNKNOWNS:
        raise ParameterError(
            f"{who}: the neuron has {system.size} unknowns ({system.compartments} compartments), "
            f"and eigenvalues of more than {_MOST_UNKNOWNS} take too long; cut it into fewer "
            "compartments"
        )
    found = np.linalg.eigvals(system.matrix(y, current).toarray())
    # Nothing below rounding is real: states that nothing moves have an eigenvalue of exactly 0.
    size = np.max(np.abs(found), initial=0.0)
    real = np.where(np.abs(found.real) < _ZERO * size, 0.0, found.real)
    found = real + 1j * found.imag
    ordered: np.ndarray = found[np.lexsort((-found.imag, -found.real))]
    return ordered


def _positive(values: np.ndarray) -> int:
    return int(np.count_nonzero(values.real > 0))


def rest_states(system: System, current: float, low: float, high: float) -> list[np.ndarray]:
    """Return the states of rest between two potentials (volt), lowest potential first."""
    if system.compartments == 1:
        guesses = _crossings(system, current, low, high)
    else:
        guesses = [system.everywhere(v) for v in np.linspace(low, high, 11)]
    guesses.append(system.start)
    found: list[np.ndarray] = []
    for guess in guesses:
        y = system.rest_from(guess, current)
        if y is None or not low <= y[: system.compartments].min() <= high:
            continue
        first = y[: system.compartments]
        if all(np.max(np.abs(first - z[: system.compartments])) > 1e-7 for z in found):
            found.append(y)
    return sorted(found, key=lambda y: float(y[int(np.argmax(system.drive))]))


def _crossings(system: System, current: float, low: float, high: float) -> list[np.ndarray]:
    """Return states of one compartment where the steady current changes its sign with v."""
    grid = np.linspace(low, high, _GRID)

    def net(v: float) -> float:
        return float(system.steady_net(np.array([v]), current)[0])

    with np.errstate(all="ignore"):
        values = system.steady_net(grid, current)
        signs = np.sign(values)
        spans = np.flatnonzero((signs[:-1] * signs[1:] < 0) & np.isfinite(values[:-1] * values[1:]))
        exact = np.flatnonzero(signs == 0)
        roots = [brentq(net, grid[k], grid[k + 1], xtol=1e-14) for k in spans]
    return list(system.at_potential(np.array([*roots, *grid[exact]])))
