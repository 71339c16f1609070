"""Charge and particles of a run with ions: at the start, at the end, and what crossed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from brian2.units.constants import faraday_constant

from neurosim.display import html_table
from neurosim.engine.cable.compose import Composed, Run
from neurosim.engine.cable.inputs import CableResults, Counted, KernelInputs
from neurosim.engine.cable.model import HeldIon
from neurosim.errors import UnknownNameError, suggest
from neurosim.ions.transporter import VALENCE

__all__ = [
    "ChargeAccount",
    "IonAccount",
    "Ledger",
    "beyond_rounding",
    "ledger_of",
    "with_junctions",
]

_FARADAY = float(faraday_constant)
# An amount has some 16 digits, of which the steps of a run leave about 13.
_ROUNDING = 1e-13


def beyond_rounding(error: np.ndarray | float, held: np.ndarray | float) -> float:
    """Return the largest error that is more than rounding of the amount that is there, or 0."""
    size = np.abs(np.asarray(error))
    return float(np.where(size < _ROUNDING * np.abs(held), 0.0, size).max(initial=0.0))


@dataclass(frozen=True, eq=False, repr=False)
class IonAccount:
    """One ion: how much there was, how much there is, and what crossed where.

    All arrays have the shape (compartments, cells), in mol. They count the bound share too where
    buffers bind some of the ion. A side that does not move has 0.

    Attributes
    ----------
    inside_start, inside_end, outside_start, outside_end : ndarray
        Amount on each side.
    crossed : dict of str to ndarray
        By part, what it carried into the cell, summed over the steps from the currents that the
        potential was solved with.
    diffused : ndarray
        What came from neighbouring compartments along the inside.
    to_bath : ndarray
        What the space outside lost to the bath.
    through_junctions : ndarray
        What came from other cells through gap junctions.
    removed : ndarray
        What buffers and pumps removed from a `CalciumPool`, whose decay stands for both. There
        `crossed` has all calcium currents together, as ``"calcium currents"``.
    """

    inside_start: np.ndarray
    inside_end: np.ndarray
    outside_start: np.ndarray
    outside_end: np.ndarray
    crossed: Mapping[str, np.ndarray]
    diffused: np.ndarray
    to_bath: np.ndarray
    removed: np.ndarray
    through_junctions: np.ndarray
    _moves: tuple[np.ndarray, np.ndarray]

    @property
    def entered(self) -> np.ndarray:
        """What all parts together carried into the cell."""
        return np.asarray(sum(self.crossed.values(), np.zeros_like(self.diffused)))

    @property
    def inside_error(self) -> np.ndarray:
        """What was inside and came, less what was removed and what is inside now."""
        came = self.entered + self.diffused + self.through_junctions - self.removed
        missing = self.inside_start + came - self.inside_end
        return np.where(self._moves[0], missing, 0.0)

    @property
    def outside_error(self) -> np.ndarray:
        """What was outside, less what left and what is outside now."""
        missing = self.outside_start - self.entered - self.to_bath - self.outside_end
        return np.where(self._moves[1], missing, 0.0)

    @property
    def largest_moved(self) -> float:
        """The largest amount that one part or way moved in one compartment."""
        ways = [self.diffused, self.through_junctions, self.to_bath, self.removed]
        every = [*self.crossed.values(), *ways]
        return float(max((np.abs(one).max(initial=0.0) for one in every), default=0.0))

    @property
    def relative_error(self) -> float:
        """The largest error over the largest amount moved.

        An error below 1e-13 of the amount that is there is rounding of that amount and counts as
        none: where almost nothing moved, it would be large beside what did.
        """
        worst = max(
            beyond_rounding(self.inside_error, self.inside_start),
            beyond_rounding(self.outside_error, self.outside_start),
        )
        return worst / self.largest_moved if self.largest_moved else worst


@dataclass(frozen=True, eq=False, repr=False)
class ChargeAccount:
    """Charge that crossed the membrane of each cell, and where it went; in coulomb.

    Attributes
    ----------
    capacitor : ndarray, shape (compartments, cells)
        Change of the charge on the membrane's capacitance.
    crossed : dict of str to ndarray, each of shape (compartments, cells)
        By part, what it carried into the cell.
    injected : dict of str to ndarray, each of shape (cells,)
        By label of electrodes and receptors, what entered there.
    """

    capacitor: np.ndarray
    crossed: Mapping[str, np.ndarray]
    injected: Mapping[str, np.ndarray]

    @property
    def error(self) -> np.ndarray:
        """What entered each cell, less what is on its membrane; shape (cells,)."""
        entered = sum((one.sum(axis=0) for one in self.crossed.values()), np.zeros(self._cells))
        return np.asarray(entered + sum(self.injected.values()) - self.capacitor.sum(axis=0))

    @property
    def _cells(self) -> int:
        return int(self.capacitor.shape[1])

    @property
    def relative_error(self) -> float:
        """The largest error over the largest charge that one part or electrode moved."""
        moved = [np.abs(one.sum(axis=0)) for one in self.crossed.values()]
        moved += [np.abs(one) for one in self.injected.values()]
        largest = max((float(one.max(initial=0.0)) for one in moved), default=0.0)
        worst = float(np.abs(self.error).max(initial=0.0))
        return worst / largest if largest else worst


@dataclass(frozen=True, eq=False, repr=False)
class Ledger:
    """The accounts of a run whose ions move.

    Attributes
    ----------
    ions : dict of str to IonAccount
        By ion: ``"na"``, ``"k"``, ``"ca"``, ``"cl"``.
    charge : ChargeAccount
        Charge of the membrane.

    Examples
    --------
    >>> from brian2 import ms, um
    >>> from neurosim import Neuron, simulate
    >>> from neurosim.channels import SodiumLeak
    >>> from neurosim.ions import Sodium
    >>> from neurosim.morphology import cylinder
    >>> cell = Neuron(cylinder(100 * um, 2 * um)).paint([Sodium(), SodiumLeak()])
    >>> ledger = simulate(cell, 1 * ms, engine="numpy").ledger
    >>> list(ledger["na"].crossed), ledger["na"].relative_error < 1e-9
    (['sodium_leak'], True)
    """

    ions: Mapping[str, IonAccount]
    charge: ChargeAccount

    def __getitem__(self, ion: str) -> IonAccount:
        if ion not in self.ions:
            raise UnknownNameError(f"the ledger has no ion {ion!r}: {suggest(ion, self.ions)}")
        return self.ions[ion]

    def __iter__(self) -> Iterator[str]:
        return iter(self.ions)

    def rows(self) -> list[tuple[str, str, float]]:
        """Return what moved in sum over compartments and cells: ion, what, and mol."""
        found = []
        for name, ion in self.ions.items():
            found += [(name, part, float(moved.sum())) for part, moved in ion.crossed.items()]
            found += [(name, "diffusion", float(ion.diffused.sum()))]
            found += [(name, "to bath", float(ion.to_bath.sum()))]
            if ion.through_junctions.any():
                found += [(name, "gap junctions", float(ion.through_junctions.sum()))]
            if ion.removed.any():
                found += [(name, "removed by buffers and pumps", float(ion.removed.sum()))]
            found += [(name, "gained inside", float((ion.inside_end - ion.inside_start).sum()))]
            found += [(name, "gained outside", float((ion.outside_end - ion.outside_start).sum()))]
        return found

    def __repr__(self) -> str:
        errors = ", ".join(f"{name} {ion.relative_error:.1e}" for name, ion in self.ions.items())
        return f"Ledger(relative errors: {errors}, charge {self.charge.relative_error:.1e})"

    def _repr_html_(self) -> str:
        rows = [(name, what, f"{moved:.6g}") for name, what, moved in self.rows()]
        return html_table("Ledger", rows, ("ion", "what", "mol"), repr(self))


@dataclass
class _Sheet:
    """An account being written."""

    shape: tuple[int, int]
    sides: dict[str, np.ndarray] = field(default_factory=dict)
    moves: dict[str, np.ndarray] = field(default_factory=dict)
    crossed: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, into: dict[str, np.ndarray], name: str, where: np.ndarray, what: object) -> None:
        into.setdefault(name, np.zeros(self.shape))[where] += what

    def side(self, name: str) -> np.ndarray:
        return self.sides.get(name, np.zeros(self.shape))

    def account(self) -> IonAccount:
        nowhere = np.zeros(self.shape, dtype=bool)
        return IonAccount(
            self.side("inside0"),
            self.side("inside1"),
            self.side("outside0"),
            self.side("outside1"),
            self.crossed,
            self.side("diffused"),
            self.side("bath"),
            self.side("removed"),
            np.zeros(self.shape),
            (self.moves.get("i", nowhere), self.moves.get("o", nowhere)),
        )


def ledger_of(run: Run, composed: Composed, results: CableResults) -> Ledger | None:
    """Return the ledger of a run, None where no ion moves."""
    if results.counted is None:
        return None
    back = np.empty_like(composed.numbering)
    back[composed.numbering] = np.arange(len(back))
    shape = (len(back), run.cells)
    sheets: dict[str, _Sheet] = {}
    charge: dict[str, np.ndarray] = {}
    injected: dict[str, np.ndarray] = {}
    capacitor = np.zeros(shape)
    counted = results.counted
    parts = zip(
        composed.model.kernels, composed.inputs.kernels, counted.kernels, results.kept, strict=True
    )
    for kernel, given, rows, kept in parts:
        where = back[given.nodes]
        if not kernel.density:
            label = kernel.name.removeprefix("point_")
            injected[label] = injected.get(label, 0.0) + rows.passed.sum(axis=0)
            for one in kernel.carriers:
                (ion, _), moved = one.ions[0], rows.crossed[one.variable] / _FARADAY
                sheet = sheets[ion]
                np.add.at(
                    sheet.crossed.setdefault(label, np.zeros(shape)), where, moved / VALENCE[ion]
                )
            continue
        area, C_m = _across(given, "area"), _across(given, "C_m")
        capacitor[where] = area * C_m * _rise(given, counted, results)
        for held in kernel.ions:
            sheet = sheets.setdefault(held.ion, _Sheet(shape))
            _sides(sheet, held, where, area, given, rows.starts, rows.exchanged, kept)
        for pool in kernel.empties:
            sheet = sheets.setdefault("ca", _Sheet(shape))
            _emptied(sheet, pool, where, area, given, kept, begun=run.start_step > 0)
        for one in kernel.carriers:
            moved = rows.crossed[one.variable] * area
            charge.setdefault(one.part, np.zeros(shape))[where] += one.charge * moved
            valences = {held.ion: held.valence for held in kernel.ions}
            for ion, factor in one.ions:
                if ion in valences:
                    amount = factor * moved / (valences[ion] * _FARADAY)
                    sheets[ion].add(sheets[ion].crossed, one.part, where, amount)
    _diffused(sheets, back, composed, results)
    accounts = {ion: sheet.account() for ion, sheet in sheets.items()}
    return Ledger(accounts, ChargeAccount(capacitor, charge, injected))


def _diffused(
    sheets: dict[str, _Sheet], back: np.ndarray, composed: Composed, results: CableResults
) -> None:
    """Write what came along the cell, and what is in shells below the outermost."""
    assert results.counted is not None
    shells = iter(results.counted.shells)
    for one in composed.inputs.diffusions:
        counted = [next(shells) for _ in one.variables]
        sheet = sheets[one.variable.removesuffix("_i")]
        for name, capacity, (start, came) in zip(one.variables, one.capacity, counted, strict=True):
            held = capacity[: len(back)]
            held = held if held.ndim == 2 else held[:, np.newaxis]
            sheet.add(sheet.sides, "diffused", back, came)
            if name == one.variable:
                continue
            sheet.add(sheet.sides, "inside0", back, start * held)
            for given, kept in zip(composed.inputs.kernels, results.kept, strict=True):
                if name in kept:
                    amount = kept[name] * held[given.nodes]
                    sheet.add(sheet.sides, "inside1", back[given.nodes], amount)


def with_junctions(ledger: Ledger, entered: np.ndarray, came: Mapping[str, np.ndarray]) -> Ledger:
    """Return a ledger with what came through gap junctions.

    Parameters
    ----------
    entered : ndarray, shape (cells,)
        Charge, in coulomb.
    came : mapping of str to ndarray, each of shape (compartments, cells)
        By ion, particles, in mol.
    """
    injected = {**ledger.charge.injected, "gap junctions": entered}
    ions = {
        name: replace(one, through_junctions=came[name]) if name in came else one
        for name, one in ledger.ions.items()
    }
    return Ledger(ions, replace(ledger.charge, injected=injected))


def _across(given: KernelInputs, name: str) -> np.ndarray:
    """Return a parameter of a patch so that it fits an array of sites and cells."""
    value = np.asarray(given.values[name], dtype=float)
    return value[:, np.newaxis] if value.ndim == 1 else value


def _rise(given: KernelInputs, counted: Counted, results: CableResults) -> np.ndarray:
    return np.asarray(results.final[given.nodes] - counted.v[given.nodes])


def _emptied(
    sheet: _Sheet,
    pool: str,
    where: np.ndarray,
    area: np.ndarray,
    given: KernelInputs,
    kept: Mapping[str, np.ndarray],
    *,
    begun: bool,
) -> None:
    """Write what a pool of calcium that empties by itself held, was brought, and lost.

    `begun` says that the run goes on from another one, whose counts go on too.
    """
    each = area * _across(given, f"{pool}_depth") / _across(given, f"{pool}_free")
    start = _across(given, "ca_i") if begun else kept[f"{pool}_started"]

    def since(what: str) -> np.ndarray:
        name = f"{pool}_{what}"
        return np.asarray(kept[name] - (_across(given, name) if begun else 0.0))

    sheet.moves.setdefault("i", np.zeros(sheet.shape, dtype=bool))[where] = True
    sheet.add(sheet.sides, "inside0", where, start * each)
    sheet.add(sheet.sides, "inside1", where, kept["ca_i"] * each)
    sheet.add(sheet.sides, "removed", where, since("removed") * each)
    sheet.add(sheet.crossed, "calcium currents", where, since("brought") * each)


def _sides(
    sheet: _Sheet,
    held: HeldIon,
    where: np.ndarray,
    area: np.ndarray,
    given: KernelInputs,
    starts: Mapping[str, np.ndarray],
    exchanged: Mapping[str, np.ndarray],
    kept: Mapping[str, np.ndarray],
) -> None:
    """Write the amounts of an ion in a patch at the start and at the end."""
    for moves, letter, side in ((held.inside, "i", "inside"), (held.outside, "o", "outside")):
        if not moves:
            continue
        name = f"{held.ion}_{letter}"
        # Amount by concentration: the volume, with what buffers hold.
        each = np.abs(area / (_across(given, f"{held.part}_per_{side}") * held.valence * _FARADAY))
        sheet.moves.setdefault(letter, np.zeros(sheet.shape, dtype=bool))[where] = True
        sheet.add(sheet.sides, f"{side}0", where, starts[name] * each)
        sheet.add(sheet.sides, f"{side}1", where, kept[name] * each)
        if letter == "o":
            sheet.add(sheet.sides, "bath", where, exchanged[name] * each)
