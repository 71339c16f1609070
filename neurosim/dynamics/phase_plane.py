"""The phase plane of a neuron with two variables: where each stands still, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import Quantity, get_dimensions, mV, pA, second
from scipy.integrate import solve_ivp

from neurosim.describe.point_neuron import PointNeuron
from neurosim.drawing.dynamics import draw_phase_plane
from neurosim.dynamics.fixed_points import FixedPoint, fixed_points
from neurosim.dynamics.system import System, system_of
from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity, in_best_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PhasePlane", "phase_plane"]

_COLUMNS, _ROWS = 241, 241


@dataclass(frozen=True, eq=False, repr=False)
class PhasePlane:
    """Speeds of both variables over a grid, and states of rest.

    Attributes
    ----------
    name : str
        The variable beside the potential.
    v, w : Quantity, shape (columns,), (rows,)
        The grid: potentials, and values of the other variable.
    dv, dw : Quantity, each of shape (rows, columns)
        How fast both change.
    v_nullcline, w_nullcline : Quantity or None, shape (columns,)
        Value of the other variable at which each stands still, by potential; nan where there is
        none on the grid.
    points : tuple of FixedPoint
        States of rest.
    """

    name: str
    v: Quantity
    w: Quantity
    dv: Quantity
    dw: Quantity
    v_nullcline: Quantity
    w_nullcline: Quantity
    points: tuple[FixedPoint, ...]
    system: System
    current: float

    def __repr__(self) -> str:
        return f"PhasePlane(v and {self.name}: {len(self.points)} state(s) of rest)"

    def trajectory(
        self, v: Quantity, w: Quantity, duration: Quantity
    ) -> tuple[Quantity, Quantity, Quantity]:
        """Return times, potentials and values of the other variable from a state on.

        The equations alone: no threshold ends the upstroke of an integrate-and-fire neuron but the
        edge of the plane.

        Parameters
        ----------
        v, w : Quantity
            Where it begins.
        duration : Quantity
            How long at most.

        Raises
        ------
        UnitError
            A value without its unit.
        """
        begin = [
            float(check_quantity(v, -70 * mV, "trajectory: v")),
            float(
                check_quantity(
                    w, Quantity(1.0, dim=get_dimensions(self.w)), f"trajectory: {self.name}"
                )
            ),
        ]
        length = float(check_quantity(duration, second, "trajectory: duration", above=0 * second))
        low, high = float(self.v[0]), float(self.v[-1])

        def edge(_: float, y: np.ndarray) -> float:
            return float(min(high - y[0], y[0] - low + (high - low)))

        edge.terminal = True  # type: ignore[attr-defined]
        size = np.array([1e-9, 1e-9 * max(abs(float(self.w[0])), abs(float(self.w[-1])))])
        found = solve_ivp(
            lambda _, y: self.system.rate(y, self.current), (0, length), begin,
            method="LSODA", rtol=1e-8, atol=size, events=edge,
        )  # fmt: skip
        dims = get_dimensions(self.w)
        return (
            found.t * second,
            Quantity(found.y[0], dim=self.v.dim),
            Quantity(found.y[1], dim=dims),
        )

    def plot(
        self,
        ax: Axes | None = None,
        *,
        trajectories: Sequence[tuple[Quantity, Quantity, Quantity]] = (),
    ) -> Axes:
        """Draw nullclines, directions and states of rest: filled where stable, open where not.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        trajectories : sequence of (Quantity, Quantity, Quantity)
            Of `trajectory`.
        """
        w, label = in_best_unit(self.w, self.name)
        factor = float(self.w[-1]) / w[-1] if w[-1] else float(self.w[0]) / w[0]
        names = ("v", self.name)
        points = [
            (1e3 * p.state[names[0]], p.state[names[1]] / factor, p.stable) for p in self.points
        ]
        paths = [(np.asarray(v / mV), np.asarray(x) / factor) for _, v, x in trajectories]
        rates = (1e3 * np.asarray(self.dv), np.asarray(self.dw) / factor)
        return draw_phase_plane(np.asarray(self.v / mV), w, rates, points, paths, label, ax)


def phase_plane(
    neuron: PointNeuron,
    current: Quantity = 0 * pA,
    *,
    v: tuple[Quantity, Quantity] = (-90 * mV, -20 * mV),
    w: tuple[Quantity, Quantity] | None = None,
    given: Mapping[str, Any] | None = None,
) -> PhasePlane:
    """Return the phase plane of a neuron whose equations have two variables.

    Parameters
    ----------
    neuron : PointNeuron
        With a potential and one more state, as `neurosim.AdEx`, or a model of `from_brian2`.
    current : Quantity
        Injected current.
    v : (Quantity, Quantity)
        Range of potentials.
    w : (Quantity, Quantity), optional
        Range of the other variable (default: that of its nullcline and of the states of rest, with
        a margin).
    given : mapping of str to Quantity, optional
        Parameters that differ.

    Raises
    ------
    ParameterError
        The neuron has another number of variables, or an empty range.

    References
    ----------
    Rinzel and Ermentrout (1989), in Methods in Neuronal Modeling; Touboul and Brette (2008), Biol
    Cybern 99:319.

    Examples
    --------
    >>> from neurosim import AdEx
    >>> phase_plane(AdEx())
    PhasePlane(v and w: 2 state(s) of rest)
    """
    if not isinstance(neuron, PointNeuron):
        raise ParameterError(
            f"phase_plane: expected a point neuron, got {type(neuron).__name__}; a neuron with "
            "extent has a variable a compartment"
        )
    amount = float(check_quantity(current, 10 * pA, "phase_plane: current"))
    system = system_of(neuron, "phase_plane", given=given)
    if system.size != 2:
        raise ParameterError(
            f"phase_plane: {type(neuron).__name__} has {system.size} variables "
            f"({', '.join(system.names)}); a plane needs two"
        )
    low, high = (float(check_quantity(x, -70 * mV, "phase_plane: v")) for x in v)
    if low >= high:
        raise ParameterError("phase_plane: v must be a lower and a higher potential")
    points = fixed_points(neuron, current, given=given, between=v)
    name = system.names[1]
    block = system.blocks[0]
    dim = block.parsed[name].dim
    like = Quantity(1.0, dim=dim)
    grid = np.linspace(low, high, _COLUMNS)
    if w is None:
        bottom, top = _range(system, grid, points, amount)
    else:
        bottom, top = (float(check_quantity(x, like, f"phase_plane: {name}")) for x in w)
        if bottom >= top:
            raise ParameterError(f"phase_plane: w must be a lower and a higher value of {name}")
    other = np.linspace(bottom, top, _ROWS)
    columns, rows = np.meshgrid(grid, other)
    with np.errstate(all="ignore"):
        speed = block.evaluate([columns.reshape(-1, 1), rows.reshape(-1, 1)], amount)[..., 0]
    dv, dw = (x.reshape(columns.shape) for x in speed)
    per_second = second.dim**-1
    return PhasePlane(
        name,
        Quantity(grid, dim=Quantity(low * mV).dim),
        Quantity(other, dim=dim),
        Quantity(dv, dim=Quantity(mV).dim * per_second),
        Quantity(dw, dim=dim * per_second),
        Quantity(_nullcline(dv, other), dim=dim),
        Quantity(_nullcline(dw, other), dim=dim),
        points,
        system,
        amount,
    )


def _range(
    system: System, grid: np.ndarray, points: tuple[FixedPoint, ...], current: float
) -> tuple[float, float]:
    """Return a range that shows the nullcline of the second variable and the states of rest."""
    rest = system.at_potential(grid)[:, 1]
    rest = rest[np.isfinite(rest)]
    known = [*rest, *(p.state[system.names[1]] for p in points)]
    low, high = min(known), max(known)
    # What balances the current at the least potential that the second variable can balance.
    margin = 0.3 * (high - low) or 0.3 * abs(high) or 1e-12
    return low - margin, high + margin


def _nullcline(rate: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return by column the lowest value of w at which a rate changes its sign, nan if none."""
    found = np.full(rate.shape[1], np.nan)
    changes = np.signbit(rate[:-1]) != np.signbit(rate[1:])
    for k in np.flatnonzero(changes.any(axis=0)):
        row = int(np.argmax(changes[:, k]))
        a, b = rate[row, k], rate[row + 1, k]
        found[k] = w[row] + (w[row + 1] - w[row]) * a / (a - b)
    return found
