"""States of rest followed over a parameter, and where they gain or lose their stability."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import Quantity, get_dimensions, hertz, mV, pA, volt
from scipy.optimize import brentq

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.drawing.dynamics import draw_branches
from neurosim.dynamics.fixed_points import eigenvalues, rest_states
from neurosim.dynamics.system import System, system_of
from neurosim.errors import ParameterError
from neurosim.morphology import Site
from neurosim.quantities import check_quantity, in_best_unit
from neurosim.run.batch import batch_places, point_places, read_batch
from neurosim.stimuli import Constant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Bifurcation", "BifurcationDiagram", "Branch", "bifurcation_diagram"]

# How far a potential moves in a step of length 1; the parameter moves over its whole range.
_POTENTIAL = 0.05
_FIRST, _LEAST, _LARGEST = 0.005, 1e-7, 0.02
_MOST_STEPS = 5000


@dataclass(frozen=True)
class Bifurcation:
    """Where states of rest change their stability.

    Attributes
    ----------
    kind : str
        ``"hopf"``: a pair of complex eigenvalues crosses the imaginary axis, and an oscillation of
        `frequency` begins or ends. ``"saddle-node"``: two states of rest meet and vanish.
        ``"zero"``: a real eigenvalue crosses and the branch goes on.
    parameter, v, frequency : Quantity
        Value of the parameter, potential, and frequency (0 Hz but for Hopf).
    """

    kind: str
    parameter: Quantity
    v: Quantity
    frequency: Quantity


@dataclass(frozen=True, eq=False)
class Branch:
    """One curve of states of rest.

    Attributes
    ----------
    parameter, v : Quantity, shape (points,)
        Along the curve; the parameter may turn round.
    unstable : ndarray of int, shape (points,)
        Number of eigenvalues with positive real part.
    """

    parameter: Quantity
    v: Quantity
    unstable: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class BifurcationDiagram:
    """States of rest over a parameter.

    Attributes
    ----------
    name : str
        The parameter.
    branches : tuple of Branch
        Curves.
    points : tuple of Bifurcation
        Sorted by the parameter.
    """

    name: str
    branches: tuple[Branch, ...]
    points: tuple[Bifurcation, ...]

    def __repr__(self) -> str:
        said = ", ".join(f"{p.kind} at {p.parameter}" for p in self.points) or "no bifurcation"
        return f"BifurcationDiagram({self.name}: {said})"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the potential at rest over the parameter, stable states as a full line.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        """
        whole = Quantity(
            np.concatenate([np.asarray(b.parameter) for b in self.branches]),
            dim=get_dimensions(self.branches[0].parameter),
        )
        _, label = in_best_unit(whole, self.name)
        unit = 1.0 if get_dimensions(whole).is_dimensionless else whole.get_best_unit()
        curves = [
            (np.asarray(b.parameter / unit), np.asarray(b.v / mV), b.unstable == 0)
            for b in self.branches
        ]
        marks = [
            (float(p.parameter / unit), float(p.v / mV), p.kind, float(p.frequency / hertz))
            for p in self.points
        ]
        return draw_branches(curves, marks, label, ax)


def bifurcation_diagram(
    neuron: Neuron | PointNeuron,
    parameter: str = "current",
    *,
    between: tuple[Quantity, Quantity],
    current: Quantity = 0 * pA,
    at: Site | None = None,
    given: Mapping[str, Any] | None = None,
    potentials: tuple[Quantity, Quantity] = (-120 * mV, 60 * mV),
) -> BifurcationDiagram:
    """Follow the states of rest of a neuron over a parameter.

    Branches are followed by pseudo-arclength continuation, so that they may turn round, from the
    states of rest at both ends of the range; a closed curve that reaches neither end is not seen.
    Where stability changes, the place is found to eight digits. A warning says where a branch was
    lost, or a change of stability not resolved.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
        The neuron; noise, events, threshold and reset are left out.
    parameter : str
        ``"current"``: the injected current; else a name as in ``simulate(batch=...)``.
    between : (Quantity, Quantity)
        Range of the parameter.
    current : Quantity
        Injected current while another parameter varies.
    at : Site, optional
        Where the current enters a neuron with extent (default: the middle of its root branch).
    given : mapping of str to Quantity, optional
        Other parameters that differ.
    potentials : (Quantity, Quantity)
        Within which states of rest are looked for at both ends.

    Raises
    ------
    ParameterError
        No state of rest at either end, an empty range, or as `fixed_points`.
    UnknownNameError
        There is no such parameter.

    References
    ----------
    Keller (1977), in Applications of Bifurcation Theory; Kuznetsov (2004), Elements of Applied
    Bifurcation Theory, section 10.2.

    Examples
    --------
    >>> from brian2 import uA, cm
    >>> from neurosim import HodgkinHuxley
    >>> squid = HodgkinHuxley()
    >>> unit = squid.current(1 * uA / cm**2)
    >>> found = bifurcation_diagram(squid, between=(0 * unit, 200 * unit))
    >>> [(p.kind, round(float(p.parameter / unit), 2)) for p in found.points]
    [('hopf', 9.78), ('hopf', 154.52)]
    """
    follow = _Follower(neuron, parameter, between, current, at, given)
    low, high = (
        float(check_quantity(v, -70 * mV, "bifurcation_diagram: potentials")) for v in potentials
    )
    curves: list[_Curve] = []
    for end, direction in ((0.0, 1.0), (1.0, -1.0)):
        for y in follow.rests(end, low, high):
            if not any(curve.passes(y, end, follow.scale) for curve in curves):
                curves.append(follow.curve(y, end, direction))
    if not curves:
        raise ParameterError(
            f"bifurcation_diagram: the neuron has no state of rest between {potentials[0]} and "
            f"{potentials[1]} at either end of {parameter}; take another range"
        )
    points = sorted((p for curve in curves for p in curve.points), key=lambda p: float(p.parameter))
    return BifurcationDiagram(
        parameter, tuple(follow.branch(curve) for curve in curves), tuple(points)
    )


@dataclass
class _Curve:
    """A curve on its way: scaled states and shares of the range, and counts of instability."""

    states: list[np.ndarray]
    shares: list[float]
    unstable: list[int]
    points: list[Bifurcation]

    def passes(self, y: np.ndarray, end: float, scale: np.ndarray) -> bool:
        near = abs(self.shares[-1] - end) < 1e-9 or abs(self.shares[0] - end) < 1e-9
        ends = (self.states[0], self.states[-1])
        return near and any(np.max(np.abs(z - y / scale)) < 1e-5 for z in ends)


class _Follower:
    """Follows f(y, p) = 0 in scaled unknowns y / scale and the share of the range of p."""

    def __init__(
        self,
        neuron: Neuron | PointNeuron,
        parameter: str,
        between: tuple[Quantity, Quantity],
        current: Quantity,
        at: Site | None,
        given: Mapping[str, Any] | None,
    ) -> None:
        who = "bifurcation_diagram"
        self.current = float(check_quantity(current, 10 * pA, f"{who}: current"))
        self.by_current = parameter == "current"
        if self.by_current:
            ends = [check_quantity(p, 10 * pA, f"{who}: between") for p in between]
        else:
            # Checks the name, and each end as a value of that parameter.
            places = (
                point_places(neuron, Constant(0 * pA))
                if isinstance(neuron, PointNeuron)
                else batch_places(neuron)
            )
            for end in between:
                read_batch({parameter: end}, places)
            ends = [Quantity(p) for p in between]
        self.dim = get_dimensions(ends[0])
        self.first, self.last = (float(end) for end in ends)
        if self.first >= self.last:
            raise ParameterError(f"{who}: between must be a lower and a higher value")
        given = dict(given or {})

        def make(value: float) -> System:
            more = {} if self.by_current else {parameter: Quantity(value, dim=self.dim)}
            return system_of(neuron, who, at=at, given={**given, **more})

        self._make: Callable[[float], System] = make
        self._kept: dict[float, System] = {}
        self.system = self.at_share(0.0)
        count = self.system.compartments
        self.scale = np.ones(self.system.size)
        self.scale[:count] = _POTENTIAL
        for block in self.system.blocks:
            for k, name in enumerate(block.states):
                if not block.parsed[name].dim.is_dimensionless:
                    top = float(np.max(np.abs(self.system.start[block.place(k)]), initial=0.0))
                    self.scale[block.place(k)] = top or self._typical(block.place(k))

    def _typical(self, place: slice) -> float:
        """Return the size of a state that starts at 0: where it rests 20 mV above the start."""
        up = self.system.everywhere(float(self.system.start[0]) + 0.02)
        return float(np.max(np.abs(up[place]), initial=0.0)) or 1.0

    def value(self, share: float) -> float:
        return self.first + share * (self.last - self.first)

    def at_share(self, share: float) -> System:
        if self.by_current:
            share = 0.0
        if share not in self._kept:
            if len(self._kept) > 8:
                self._kept.clear()
            self._kept[share] = self._make(self.value(share))
        return self._kept[share]

    def drive(self, share: float) -> float:
        return self.value(share) if self.by_current else self.current

    def rests(self, share: float, low: float, high: float) -> list[np.ndarray]:
        return rest_states(self.at_share(share), self.drive(share), low, high)

    def f(self, z: np.ndarray, share: float) -> np.ndarray:
        found: np.ndarray = (
            self.at_share(share).rate(z * self.scale, self.drive(share)) / self.scale
        )
        return found

    def jacobian(self, z: np.ndarray, share: float) -> np.ndarray:
        """Return the derivatives by z and by the share, shape (unknowns, unknowns + 1)."""
        y = z * self.scale
        system, drive = self.at_share(share), self.drive(share)
        inner = system.matrix(y, drive).toarray() * self.scale / self.scale[:, np.newaxis]
        if self.by_current:
            outer = system.by_current(y, drive) * (self.last - self.first) / self.scale
        else:
            # The range of the parameter is checked, so that the difference stays inside of it.
            low, high = max(share - 1e-5, 0.0), min(share + 1e-5, 1.0)
            outer = (self.f(z, high) - self.f(z, low)) / (high - low)
        return np.column_stack([inner, outer])

    def tangent(self, z: np.ndarray, share: float, along: np.ndarray) -> np.ndarray:
        """Return the unit direction of the curve, turned to where `along` points."""
        bordered = np.vstack([self.jacobian(z, share), along])
        right = np.zeros(len(along))
        right[-1] = 1.0
        # Rows differ by the speed of what they describe.
        rows = np.maximum(np.abs(bordered).max(axis=1), 1e-300)
        found: np.ndarray = np.linalg.solve(bordered / rows[:, np.newaxis], right / rows)
        found /= np.linalg.norm(found)
        return found

    def corrected(
        self, x: np.ndarray, along: np.ndarray, length: float
    ) -> tuple[np.ndarray, int] | None:
        """Return the point of the curve at a distance along the tangent, and rounds it took."""
        guess = x + length * along
        for k in range(12):
            with np.errstate(all="ignore"):
                wrong = np.append(self.f(guess[:-1], guess[-1]), 0.0)
                wrong[-1] = along @ (guess - x) - length
                matrix = np.vstack([self.jacobian(guess[:-1], guess[-1]), along])
                rows = np.maximum(np.abs(matrix).max(axis=1), 1e-300)
                if not (np.all(np.isfinite(matrix)) and np.all(np.isfinite(wrong))):
                    return None
                step = np.linalg.solve(matrix / rows[:, np.newaxis], -wrong / rows)
            guess = guess + step
            if np.max(np.abs(step)) < 1e-11:
                return guess, k
        return None

    def spectrum(self, x: np.ndarray) -> np.ndarray:
        y, share = x[:-1] * self.scale, float(x[-1])
        return eigenvalues(self.at_share(share), y, self.drive(share), "bifurcation_diagram")

    def curve(self, y: np.ndarray, share: float, direction: float) -> _Curve:
        """Return the curve through a state of rest, until it leaves the range."""
        x = np.append(y / self.scale, share)
        along = np.zeros_like(x)
        along[-1] = direction
        along = self.tangent(x[:-1], share, along)
        values = self.spectrum(x)
        unstable = int(np.count_nonzero(values.real > 0))
        found = _Curve([x[:-1]], [share], [unstable], [])
        length = _FIRST
        for _ in range(_MOST_STEPS):
            reached = self._step(x, along, length)
            if reached is None:
                self._say_lost(x)
                break
            (after, rounds), length = reached
            turned = self.tangent(after[:-1], after[-1], along)
            inside = -1e-12 <= after[-1] <= 1 + 1e-12
            if not inside:
                end = self._at_end(x, along, length, after)
                if end is not None:
                    after, turned = end, self.tangent(end[:-1], end[-1], along)
            now = self.spectrum(after)
            many = int(np.count_nonzero(now.real > 0))
            if inside or 0 <= after[-1] <= 1:
                if many != unstable or turned[-1] * along[-1] < 0:
                    found.points += self._between(x, along, length, after, turned, unstable, many)
                found.states.append(after[:-1])
                found.shares.append(float(after[-1]))
                found.unstable.append(many)
            if not inside:
                break
            x, along, unstable = after, turned, many
            length = min(_LARGEST, length * (1.5 if rounds <= 3 else 0.8))
        else:
            self._say_lost(x)
        return found

    def _say_lost(self, x: np.ndarray) -> None:
        here = Quantity(self.value(float(x[-1])), dim=self.dim)
        warnings.warn(
            f"bifurcation_diagram: a branch could not be followed beyond {here}; its states of "
            "rest there are not shown",
            stacklevel=2,
        )

    def _step(
        self, x: np.ndarray, along: np.ndarray, length: float
    ) -> tuple[tuple[np.ndarray, int], float] | None:
        while length > _LEAST:
            try:
                found = self.corrected(x, along, length)
            except np.linalg.LinAlgError:
                found = None
            # A long step beside a fold could land on the other side of it.
            if found is not None and np.linalg.norm(found[0] - x) < 2 * length:
                return found, length
            length /= 3
        return None

    def _at_end(
        self, x: np.ndarray, along: np.ndarray, length: float, after: np.ndarray
    ) -> np.ndarray | None:
        """Return the point of the curve at the end of the range."""
        end = 0.0 if after[-1] < 0 else 1.0
        share = (end - x[-1]) / (after[-1] - x[-1])
        guess = (x + share * (after - x))[:-1] * self.scale
        y = self.at_share(end).rest_from(guess, self.drive(end))
        return None if y is None else np.append(y / self.scale, end)

    def _between(
        self,
        x: np.ndarray,
        along: np.ndarray,
        length: float,
        after: np.ndarray,
        turned: np.ndarray,
        before: int,
        many: int,
    ) -> list[Bifurcation]:
        """Return the bifurcations between two points of the curve."""
        reach = float(along @ (after - x))
        try:
            if turned[-1] * along[-1] > 0:
                return self._crossings(x, along, (0.0, reach), (before, many))

            def fold(part: float) -> float:
                here = self._point(x, along, part)
                return float(self.tangent(here[:-1], here[-1], along)[-1])

            part = brentq(fold, 0.0, reach, xtol=1e-13, rtol=1e-14)
            here = self._point(x, along, part)
            values = self.spectrum(here)
            # One eigenvalue is zero here and changes its sign. Hopf bifurcations, which change the
            # number by two, may lie on either side.
            others = np.delete(values, np.argmin(np.abs(values)))
            plain = int(np.count_nonzero(others.real > 0))
            earlier = plain if (plain - before) % 2 == 0 else plain + 1
            later = 2 * plain + 1 - earlier
            near = 1e-6 * reach
            return [
                *self._crossings(x, along, (0.0, part - near), (before, earlier)),
                self._bifurcation("saddle-node", here, 0.0),
                *self._crossings(x, along, (part + near, reach), (later, many)),
            ]
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            ends = [Quantity(self.value(float(p[-1])), dim=self.dim) for p in (x, after)]
            warnings.warn(
                f"bifurcation_diagram: the stability changes between {ends[0]} and {ends[1]}, "
                "but the place was not found; take a narrower range around it",
                stacklevel=2,
            )
            return []

    def _crossings(
        self,
        x: np.ndarray,
        along: np.ndarray,
        span: tuple[float, float],
        counts: tuple[int, int],
    ) -> list[Bifurcation]:
        """Return where the number of unstable directions changes, by bisection."""
        if counts[0] == counts[1]:
            return []
        low, high = span
        while high - low > 1e-13:
            middle = (low + high) / 2
            if middle in (low, high):
                break
            values = self.spectrum(self._point(x, along, middle))
            if int(np.count_nonzero(values.real > 0)) == counts[0]:
                low = middle
            else:
                high = middle
        here = self._point(x, along, high)
        values = self.spectrum(here)
        crosses = values[np.argmin(np.abs(values.real))]
        kind = "hopf" if crosses.imag else "zero"
        return [self._bifurcation(kind, here, abs(crosses.imag) / (2 * np.pi))]

    def _point(self, x: np.ndarray, along: np.ndarray, part: float) -> np.ndarray:
        found = self.corrected(x, along, part)
        if found is None:
            raise ArithmeticError
        return found[0]

    def _bifurcation(self, kind: str, x: np.ndarray, frequency: float) -> Bifurcation:
        return Bifurcation(
            kind,
            Quantity(self.value(float(x[-1])), dim=self.dim),
            float(x[self._enters] * _POTENTIAL) * volt,
            frequency * hertz,
        )

    @property
    def _enters(self) -> int:
        return int(np.argmax(self.system.drive))

    def branch(self, curve: _Curve) -> Branch:
        shares = np.array(curve.shares)
        v = np.array([z[self._enters] for z in curve.states]) * _POTENTIAL
        return Branch(
            Quantity(self.first + shares * (self.last - self.first), dim=self.dim),
            v * volt,
            np.array(curve.unstable),
        )
