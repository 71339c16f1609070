"""Whether the ions of a neuron balance at rest, what would balance them, and where they would rest.

A neuron at a steady potential is not at rest while its ions still move: a leak of sodium that no
pump carries out fills the cell. Here the fluxes of each ion are summed by part at a potential, with
gates at their steady state; and the state is looked for at which none of them has a net flux.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, amp, meter, mV, second, siemens, volt
from brian2.units.constants import faraday_constant
from brian2.units.stdunits import mM

from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Initial
from neurosim.dynamics.system import axial_currents
from neurosim.engine.cable.compose import Composed, Run, compose_cable
from neurosim.engine.cable.model import Kernel
from neurosim.equations.steady_state import Names, evaluated, steady_state
from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity

__all__ = ["IonBalance", "IonRest", "ion_balance", "ion_rest"]

# A net current this small beside the currents that make it up is rounding.
_BALANCED = 1e-6
# A direction in which fluxes change by less than this share of the largest change is free; slopes
# are differences, good to some 1e-11.
_FREE = 1e-9
_ROUNDS = 200


@dataclass(frozen=True, eq=False, repr=False)
class IonBalance:
    """The current of each ion that moves, in every compartment, at a potential.

    Attributes
    ----------
    by_part : dict of str to dict of str to Quantity, each of shape (compartments,)
        By ion and part, the current density (inward positive).
    reversal : dict of str to Quantity, each of shape (compartments,)
        Nernst potential of each ion.
    v : Quantity, shape (compartments,)
        The potential.
    per_charge : dict of str to ndarray, each of shape (compartments,)
        By concentration that moves, by how much a charge on an area moves it; nan where it does
        not.
    """

    by_part: Mapping[str, Mapping[str, Quantity]]
    reversal: Mapping[str, Quantity]
    v: Quantity
    per_charge: Mapping[str, np.ndarray]

    def net(self, ion: str) -> Quantity:
        """Return the net current density of an ion, shape (compartments,)."""
        parts = [np.asarray(one) for one in self.by_part[ion].values()]
        return np.sum([np.zeros(len(self.v)), *parts], axis=0) * amp / meter**2

    def drift(self, ion: str) -> Quantity:
        """Return how fast the concentration inside changes, shape (compartments,)."""
        rate = np.asarray(self.net(ion)) * self.per_charge.get(f"{ion}_i", np.nan)
        return Quantity(rate, dim=(mM / second).dim)

    def leak(self, ion: str) -> Quantity:
        """Return the conductance density of a leak of the ion that would balance it.

        Negative where no leak can, since it would carry the ion the same way.
        """
        driving = np.asarray(self.reversal[ion]) - np.asarray(self.v)
        return -np.asarray(self.net(ion)) / driving * siemens / meter**2

    @property
    def unbalanced(self) -> tuple[str, ...]:
        """Ions with a net flux somewhere."""
        return tuple(ion for ion in self.by_part if not self._balances(ion))

    def _balances(self, ion: str) -> bool:
        parts = [np.abs(np.asarray(one)) for one in self.by_part[ion].values()]
        gross = np.sum([np.zeros(len(self.v)), *parts], axis=0)
        return bool(np.all(np.abs(np.asarray(self.net(ion))) <= _BALANCED * gross))

    def describe(self) -> str:
        """Return a line for each ion that does not balance: its flux, and what would balance it."""
        lines = []
        for ion in self.unbalanced:
            net = np.asarray(self.net(ion))
            worst = int(np.argmax(np.abs(net)))
            drift = float(np.asarray(self.drift(ion))[worst])
            leak = float(np.asarray(self.leak(ion))[worst])
            said = f"{ion}: a net inward current of {1e2 * net[worst]:.4g} uA/cm**2"
            said += f" ({drift:+.3g} mM/s)" if np.isfinite(drift) else ""
            if leak > 0:
                said += f", which a leak of {ion} of {0.1 * leak:.6g} mS/cm**2 would balance"
            else:
                said += ", which no leak can balance: it needs a part that carries it the other way"
            lines.append(f"{said} (compartment {worst})")
        return "; ".join(lines) or "all ions balance"

    def __repr__(self) -> str:
        return f"IonBalance({self.describe()})"


@dataclass(frozen=True, eq=False, repr=False)
class IonRest:
    """A state at which neither charge nor ions move.

    Attributes
    ----------
    v : Quantity, shape (compartments,)
        Potential.
    concentrations : dict of str to Quantity, each of shape (compartments,)
        By name: ``"na_i"``, ``"k_o"``, ...
    neuron : Neuron
        The neuron, which starts there.
    """

    v: Quantity
    concentrations: Mapping[str, Quantity]
    neuron: Neuron

    def __repr__(self) -> str:
        held = ", ".join(
            f"{name} {float(np.asarray(c)[0]):.6g} mM" for name, c in self.concentrations.items()
        )
        return f"IonRest({float(np.asarray(self.v)[0]) * 1e3:.6g} mV, {held})"


def ion_balance(neuron: Neuron, v: Quantity | None = None) -> IonBalance:
    """Return the currents of each ion at a potential, concentrations as they start.

    Gates are at their steady state; electrodes and placed receptors are left out.

    Parameters
    ----------
    neuron : Neuron
        A neuron some of whose ions move.
    v : Quantity, optional
        Potential of all compartments (default: the neuron's ``rest``).

    Raises
    ------
    ParameterError
        No ion of the neuron moves.

    Examples
    --------
    >>> from brian2 import cm, mS, mV, uA, um
    >>> from neurosim import Neuron
    >>> from neurosim.channels import SodiumLeak
    >>> from neurosim.dynamics import ion_balance
    >>> from neurosim.ions import Potassium, Sodium, SodiumPump
    >>> from neurosim.morphology import PerBranch, cylinder
    >>> cell = Neuron(cylinder(100 * um, 2 * um), PerBranch(1), rest=-65 * mV)
    >>> cell = cell.paint([Sodium(), Potassium(held=True), SodiumPump(I_max=5 * uA / cm**2)])
    >>> balance = ion_balance(cell)
    >>> balance.unbalanced
    ('na',)
    >>> leak = SodiumLeak(g=balance.leak("na")[0])
    >>> ion_balance(cell.paint(leak)).unbalanced
    ()
    """
    patches = _Patches(neuron, "ion_balance")
    at = patches.v if v is None else float(check_quantity(v, -65 * mV, "ion_balance: v"))
    return patches.balance(np.broadcast_to(at, patches.count), patches.start)


def ion_rest(neuron: Neuron) -> IonRest:
    """Return the state nearest to the start at which neither charge nor any ion that moves flows.

    It is the root of all equations together: gates, potentials and concentrations. Electrodes and
    placed receptors are left out.

    Parameters
    ----------
    neuron : Neuron
        A neuron some of whose ions move.

    Raises
    ------
    ParameterError
        No ion moves, or there is no such state: the message says which ion does not balance where
        the neuron starts, and the leak that would balance it. Or there are many such states, since
        every current is carried by ions that move (or an ion moves between inside and outside
        only), and the start decides which one a run reaches.

    Examples
    --------
    >>> from brian2 import cm, mS, mV, uA, um
    >>> from neurosim import Neuron
    >>> from neurosim.channels import Leak, SodiumLeak
    >>> from neurosim.dynamics import ion_rest
    >>> from neurosim.ions import Potassium, Sodium, SodiumPump
    >>> from neurosim.morphology import PerBranch, cylinder
    >>> cell = Neuron(cylinder(100 * um, 2 * um), PerBranch(1), rest=-65 * mV)
    >>> cell = cell.paint([Sodium(), Potassium(held=True), SodiumPump(I_max=5 * uA / cm**2)])
    >>> cell = cell.paint([Leak(), SodiumLeak(g=0.01 * mS / cm**2)])
    >>> rest = ion_rest(cell)
    >>> ion_rest(rest.neuron)
    IonRest(-60.5754 mV, na_i 7.0552 mM)
    """
    patches = _Patches(neuron, "ion_rest")
    found = patches.root()
    if found is None:
        told = patches.balance(patches.v, patches.start).describe()
        raise ParameterError(
            f"ion_rest: no state of rest was found; where the neuron starts, {told}"
        )
    v, held = found
    if patches.leaves_free(v, held):
        raise ParameterError(
            "ion_rest: the balances do not decide where the neuron rests, since every current is "
            "carried by ions that move: where it comes to rest depends on the charge and ions it "
            "starts with. Hold one ion, as in Potassium(held=True), or run it with simulate(); "
            f"ions that move: {', '.join(held)}"
        )
    every = {**held, **patches.gates(v, held)}
    states = tuple((name, tuple(c.tolist())) for name, c in every.items())
    return IonRest(
        v * volt,
        {name: c * mM for name, c in held.items()},
        neuron.replace(initial=Initial(tuple(v.tolist()), states)),
    )


class _Patches:
    """The membrane of a neuron as functions of potentials and concentrations by compartment."""

    def __init__(self, neuron: Neuron, who: str) -> None:
        if not isinstance(neuron, Neuron):
            raise ParameterError(f"{who}: expected a Neuron; got {type(neuron).__name__}")
        run = Run(1, {}, np.zeros(1, dtype=int), 0.0, 1e-6, 1e-6, 0.0, 1.0)
        bare = neuron.replace(placed=(), probed=(), detectors=())
        self.composed: Composed = compose_cable(bare, run)
        self.kernels = self.composed.model.kernels
        self.inputs = self.composed.inputs.kernels
        self.count = len(self.composed.numbering)
        self.back = np.argsort(self.composed.numbering)
        if not any(kernel.carriers for kernel in self.kernels):
            raise ParameterError(
                f"{who}: no ion of the neuron moves; paint an ion such as Sodium(10*mM, 145*mM)"
            )
        self.v = np.asarray(self.composed.inputs.start)[self.composed.numbering]
        self.start = self._start()
        self.area = np.zeros(self.count)
        for where, values in zip(self._where(), self._values(), strict=True):
            self.area[where] = values["area"]
        self.axial = self._along() / self.area[:, np.newaxis]
        self.exchange = self._exchange()

    def _where(self) -> list[np.ndarray]:
        return [self.back[given.nodes] for given in self.inputs]

    def _values(self) -> list[dict[str, np.ndarray]]:
        return [
            {n: np.broadcast_to(x[:, 0] if x.ndim == 2 else x, one.sites)
             for n, x in one.values.items()}
            for one in self.inputs
        ]  # fmt: skip

    def _start(self) -> dict[str, np.ndarray]:
        """Return the concentrations that move, nan in compartments where they do not."""
        found: dict[str, np.ndarray] = {}
        for kernel, where, values in zip(self.kernels, self._where(), self._values(), strict=True):
            for name in _moving(kernel):
                found.setdefault(name, np.full(self.count, np.nan))[where] = values[name]
        return found

    def _along(self, up: np.ndarray | None = None) -> np.ndarray:
        """Return what flows into each compartment along the cell by what drives it there."""
        order = self.composed.numbering
        joined = axial_currents(self.composed.inputs.tree, up).toarray()
        return np.asarray(joined[np.ix_(order, order)])

    def _exchange(self) -> dict[tuple[str, str], np.ndarray]:
        """Return by two concentrations the current density into the first that the second drives.

        What diffuses is counted as a current of its ion through the membrane that it leaves.
        """
        valence = {f"{i.ion}_i": i.valence for k in self.kernels for i in k.ions}
        order = self.composed.numbering
        found = {}
        for one in self.composed.inputs.diffusions:
            ion = one.variable.removesuffix("_i")
            carried = any(ion in dict(c.ions) for k in self.kernels for c in k.carriers)
            held = self.start.get(one.variable, np.zeros(0))
            even = np.nanmin(held, initial=np.inf) == np.nanmax(held, initial=-np.inf)
            if one.settles or (even and not carried):
                # Where nothing carries it and all is even, it stays where it starts.
                continue
            charge = valence[one.variable] * float(faraday_constant)
            per_area = (charge / self.area)[:, np.newaxis]
            names = one.variables
            for k, name in enumerate(names):
                found[name, name] = per_area * self._along(one.up[k])
            for k, link in enumerate(one.radial[:, order]):
                for a, b in ((k, k + 1), (k + 1, k)):
                    found[names[a], names[b]] = per_area * np.diag(link)
                    found[names[a], names[a]] -= per_area * np.diag(link)
        return found

    def currents(self, v: np.ndarray, held: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """Return by patch the current of each carrier and the potential of each ion."""
        found = []
        for kernel, where, values in zip(self.kernels, self._where(), self._values(), strict=True):
            given = {n: x for n, x in values.items() if n not in kernel.states}
            given |= {name: held[name][where] for name in _moving(kernel)}
            states = self._steady(kernel, values, given, v[where])
            names = Names(kernel.parsed, {**given, **states, "v": v[where]})
            wanted = [one.variable for one in kernel.carriers]
            wanted += [f"E_{one.ion}" for one in kernel.ions]
            shape = len(where)
            found.append({n: np.broadcast_to(evaluated(n, names), shape) for n in wanted})
        return found

    def _steady(
        self,
        kernel: Kernel,
        values: Mapping[str, np.ndarray],
        given: Mapping[str, np.ndarray],
        v: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """Return the states of a patch at rest; one without decay stays where it starts."""
        with np.errstate(all="ignore"):
            rest = steady_state(kernel.parsed, {**given, "v": v}, start="v")
        return {n: np.where(np.isnan(rest[n]), values[n], rest[n]) for n in kernel.states}

    def gates(self, v: np.ndarray, held: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the states at rest by their names in the kernels; 0 where there are none."""
        found: dict[str, np.ndarray] = {}
        for kernel, where, values in zip(self.kernels, self._where(), self._values(), strict=True):
            given = {n: x for n, x in values.items() if n not in kernel.states}
            given |= {name: held[name][where] for name in _moving(kernel)}
            for name, rest in self._steady(kernel, values, given, v[where]).items():
                found.setdefault(name, np.zeros(self.count))[where] = rest
        return found

    def balance(self, v: np.ndarray, held: Mapping[str, np.ndarray]) -> IonBalance:
        """Return the currents of each ion by part."""
        by_part: dict[str, dict[str, np.ndarray]] = {}
        reversal: dict[str, np.ndarray] = {}
        per: dict[str, np.ndarray] = {}
        found = self.currents(v, held)
        for kernel, where, now, values in zip(
            self.kernels, self._where(), found, self._values(), strict=True
        ):
            for one in kernel.ions:
                if not (one.inside or one.outside):
                    continue
                by_part.setdefault(one.ion, {})
                blank = np.full(self.count, np.nan)
                reversal.setdefault(one.ion, blank.copy())[where] = now[f"E_{one.ion}"]
                for carrier in kernel.carriers:
                    factor = dict(carrier.ions).get(one.ion, 0)
                    if factor:
                        parts = by_part[one.ion]
                        sums = parts.setdefault(carrier.part, np.zeros(self.count))
                        sums[where] += factor * now[carrier.variable]
                for moves, side in ((one.inside, "inside"), (one.outside, "outside")):
                    if moves:
                        name = f"{one.ion}_{side[0]}"
                        of_charge = values[f"{one.part}_per_{side}"]
                        per.setdefault(name, blank.copy())[where] = of_charge
        for (into, of), matrix in self.exchange.items():
            ion, _, deeper = into.partition("_i")
            if not deeper:
                came = matrix @ np.nan_to_num(held[of])
                by_part[ion]["diffused"] = by_part[ion].get("diffused", 0.0) + came
        density = amp / meter**2
        return IonBalance(
            {ion: {p: x * density for p, x in parts.items()} for ion, parts in by_part.items()},
            {ion: x * volt for ion, x in reversal.items()},
            np.asarray(v) * volt,
            per,
        )

    def rates(self, v: np.ndarray, held: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return what must be 0, and the size of what it is made of; amp/meter**2, by unknown.

        Both have the shape (1 + concentrations, compartments); what does not move is 0.
        """
        net = np.zeros((1 + len(self.start), self.count))
        gross = np.zeros_like(net)
        row = {name: 1 + k for k, name in enumerate(self.start)}
        for kernel, where, now, values in zip(
            self.kernels, self._where(), self.currents(v, held), self._values(), strict=True
        ):
            for one in kernel.carriers:
                for k, factor in ((0, one.charge), *_rows_of(kernel, one.ions, row)):
                    net[k, where] += factor * now[one.variable]
                    gross[k, where] += np.abs(factor * now[one.variable])
            for ion in kernel.ions:
                if ion.outside:
                    # What the bath gives, as a current.
                    bath, tau = values[f"{ion.part}_outside"], values[f"{ion.part}_outside_tau"]
                    away = held[f"{ion.ion}_o"][where] - bath
                    given = -away / (tau * values[f"{ion.part}_per_outside"])
                    net[row[f"{ion.ion}_o"], where] += given
                    gross[row[f"{ion.ion}_o"], where] += np.abs(given)
        net[0] += self.axial @ v
        gross[0] += np.abs(self.axial @ v)
        for (into, of), matrix in self.exchange.items():
            came = matrix @ np.nan_to_num(held[of])
            net[row[into]] += came
            gross[row[into]] += np.abs(came)
        return net, gross

    def root(self) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
        """Return potentials and concentrations at rest, by damped Newton steps; None if none.

        Unknowns are potentials and the logarithms of concentrations. Where a combination of these
        is left free (see `leaves_free`), the step is the shortest one.
        """
        names = list(self.start)
        moves = self._unknowns()
        x = np.array([self.v / 0.025, *(np.log(self.start[n]) for n in names)])
        for _ in range(_ROUNDS):
            net, gross = self._at(x, names)
            if not np.all(np.isfinite(net[moves])):
                return None
            if np.all(np.abs(net[moves]) <= 1e-12 * gross[moves] + 1e-15):
                return x[0] * 0.025, {n: np.exp(x[1 + k]) for k, n in enumerate(names)}
            step = np.linalg.lstsq(self._matrix(x, names, moves), -net[moves], rcond=1e-13)[0]
            most = float(np.max(np.abs(step)))
            x[moves] += step * min(1.0, 0.3 / most if most else 1.0)
        net, gross = self._at(x, names)
        if np.all(np.abs(net[moves]) <= 1e-9 * gross[moves]):
            return x[0] * 0.025, {n: np.exp(x[1 + k]) for k, n in enumerate(names)}
        return None

    def leaves_free(self, v: np.ndarray, held: Mapping[str, np.ndarray]) -> bool:
        """Whether some combination of unknowns can change at a rest without making any flux.

        A concentration that nothing carries stays where it starts and is left out.
        """
        names = list(self.start)
        x = np.array([v / 0.025, *(np.log(held[n]) for n in names)])
        slopes = self._matrix(x, names, self._unknowns())
        largest = np.abs(slopes).max(axis=1)
        carried = largest > 0
        scaled = slopes[np.ix_(carried, carried)] / largest[carried, np.newaxis]
        sizes = np.linalg.svd(scaled, compute_uv=False)
        return bool(len(sizes) and sizes[-1] < _FREE * sizes[0])

    def _unknowns(self) -> np.ndarray:
        """Return which of potential and concentrations move where."""
        moving = (~np.isnan(one) for one in self.start.values())
        return np.array([np.ones(self.count), *moving], bool)

    def _at(self, x: np.ndarray, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
        held = {n: np.exp(x[1 + k]) for k, n in enumerate(names)}
        return self.rates(x[0] * 0.025, held)

    def _matrix(self, x: np.ndarray, names: list[str], moves: np.ndarray) -> np.ndarray:
        """Return the Jacobian; compartments depend on each other by v and what diffuses only."""
        rows, n, h = len(x), self.count, 1e-6
        whole = np.zeros((rows, n, rows, n))
        every = np.arange(n)
        for k in range(rows):
            up, down = x.copy(), x.copy()
            up[k] += h
            down[k] -= h
            slope = (self._at(up, names)[0] - self._at(down, names)[0]) / (2 * h)
            if k == 0:
                # The axial current is linear: its sum over all potentials moved together is 0.
                slope[0] -= 0.025 * self.axial.sum(axis=1)
                whole[0, :, 0, :] += 0.025 * self.axial
            for (into, of), matrix in self.exchange.items():
                if k and of == names[k - 1]:
                    # So is what diffuses, in concentrations whose logarithm is moved.
                    driven = matrix * np.nan_to_num(np.exp(x[k]))
                    slope[1 + names.index(into)] -= driven.sum(axis=1)
                    whole[1 + names.index(into), :, k, :] += driven
            whole[:, every, k, every] += slope
        flat = np.flatnonzero(moves.ravel())
        return whole.reshape(rows * n, rows * n)[np.ix_(flat, flat)]


def _moving(kernel: Kernel) -> list[str]:
    """Return the concentrations of a patch that move."""
    found = []
    for one in kernel.ions:
        found += [f"{one.ion}_i"] * one.inside + [f"{one.ion}_o"] * one.outside
        found += one.deeper
    return found


def _rows_of(
    kernel: Kernel, ions: tuple[tuple[str, int], ...], row: Mapping[str, int]
) -> list[tuple[int, int]]:
    """Return the unknowns that a carrier moves, and the factor of each."""
    moving = _moving(kernel)
    return [
        (row[f"{ion}_{side}"], factor)
        for ion, factor in ions
        for side in "io"
        if f"{ion}_{side}" in moving
    ]
