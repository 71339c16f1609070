"""What ions along a line did: concentrations, potential, and where every particle went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from brian2.units import Quantity, meter, mole, second, volt
from brian2.units.stdunits import mM

from neurosim.display import axes_or_new
from neurosim.electrodiffusion.strip import Electrodiffusion
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.ions.transporter import VALENCE
from neurosim.quantities import check_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Electrodiffused", "Entry"]

_SIDES = ("outside", "inside")


@dataclass(frozen=True)
class Entry:
    """The account of one ion on one side, in moles on a cross-section of tissue.

    Attributes
    ----------
    start, end : Quantity
        Amount at the start and at the end, mol/m².
    membrane : Quantity
        What came through the membrane, negative where it left, summed from the fluxes.
    neurons : Quantity
        What the neurons around released, negative where they took it up.
    error : float
        What start and crossings leave unexplained at any moment, over the largest amount that
        crossed up to one (over the amount at the start if nothing did).
    """

    start: Quantity
    end: Quantity
    membrane: Quantity
    neurons: Quantity
    error: float


@dataclass(frozen=True, eq=False, repr=False)
class Electrodiffused:
    """Concentrations and potential along a line over time.

    Attributes
    ----------
    strip : Electrodiffusion
        What was run.
    times_s : ndarray, shape (frames,)
        Moments, in seconds.
    places_m : ndarray, shape (pieces,)
        Middle of each piece, in metre from the beginning.
    """

    strip: Electrodiffusion
    times_s: np.ndarray
    places_m: np.ndarray
    _potential: Callable[[np.ndarray], np.ndarray]
    _state: np.ndarray

    @property
    def ions(self) -> tuple[str, ...]:
        return tuple(one.ion for one in self.strip.ions)

    def concentration(self, ion: str, side: str) -> Quantity:
        """Return a concentration, shape (frames, pieces).

        Parameters
        ----------
        ion : str
            One of `ions`.
        side : {"inside", "outside"}
            Side of the membrane.
        """
        number, of = self._number(side, _SIDES, "side"), self._number(ion, self.ions, "ion")
        return Quantity(self._state[:, :, number, of], dim=mM.dim)

    def _number(self, name: str, known: tuple[str, ...], what: str) -> int:
        """Return which of the known names one is, or say which there are."""
        if name not in known:
            raise UnknownNameError(f"Electrodiffused: {what} {name!r}: {suggest(str(name), known)}")
        return known.index(name)

    def __repr__(self) -> str:
        pieces = len(self.places_m)
        return (
            f"{type(self).__name__}({', '.join(self.ions)}, {self.times_s[-1] * second}, "
            f"{len(self.times_s)} frames, {pieces} piece{'s'[: pieces != 1]})"
        )

    @property
    def v(self) -> Quantity:
        """Membrane potential, shape (frames, pieces)."""
        return Quantity(self._potential(self._state[:, :, 0]), dim=volt.dim)

    def gained(self, ion: str, side: str, places: np.ndarray | None = None) -> np.ndarray:
        """Return by how much the amount on a side has grown, mol/m², shape (frames,).

        Parameters
        ----------
        ion, side : str
            See `concentration`.
        places : ndarray of bool, shape (pieces,), optional
            Which pieces count (default: all).
        """
        held = np.asarray(self.concentration(ion, side))
        return self._sum(held - held[0], _SIDES.index(side), places)

    def entered(self, ion: str, places: np.ndarray | None = None) -> np.ndarray:
        """Return what has come into the cell through the membrane; see `gained`."""
        return self._sum(self._state[:, :, 2, self._number(ion, self.ions, "ion")], 1, places)

    def released(self, ion: str, places: np.ndarray | None = None) -> np.ndarray:
        """Return what the neurons around have released, less what they took up; see `gained`."""
        return self._sum(self._state[:, :, 3, self._number(ion, self.ions, "ion")], 0, places)

    def _sum(self, change: np.ndarray, side: int, places: np.ndarray | None) -> np.ndarray:
        """Return changes of a concentration as moles on a cross-section of tissue."""
        share = (self.strip.outside_share, self.strip.inside_share)[side]
        dx = float(self.strip.length) / len(self.places_m)
        chosen = change if places is None else change[:, places]
        return np.asarray(float(share) * dx * chosen.sum(axis=1))

    def ledger(self) -> dict[tuple[str, str], Entry]:
        """Return the account of each ion on each side, by ion and side.

        Examples
        --------
        >>> from neurosim.electrodiffusion import MovingIon, electrodiffuse
        >>> salt = (MovingIon("k", 140 * mM, 3 * mM), MovingIon("cl", 5 * mM, 130 * mM))
        >>> found = electrodiffuse(Electrodiffusion(salt), 1 * second, pieces=10, frames=2)
        >>> found.ledger()["k", "inside"].error < 1e-9
        True
        """
        unit = mole / meter**2
        found = {}
        for ion in self.ions:
            through, released = self.entered(ion), self.released(ion)
            for side in _SIDES:
                gained = self.gained(ion, side)
                held = np.asarray(self.concentration(ion, side))
                start = self._sum(held, _SIDES.index(side), None)[0]
                into = through if side == "inside" else -through
                added = released if side == "outside" else np.zeros_like(released)
                moved = max(np.abs(into).max(), np.abs(added).max()) or start
                error = float(np.abs(into + added - gained).max() / moved)
                found[ion, side] = Entry(
                    start * unit,
                    (start + gained[-1]) * unit,
                    into[-1] * unit,
                    added[-1] * unit,
                    error,
                )
        return found

    def net_charge(self) -> np.ndarray:
        """Return by how much the charge of both sides together has changed, relative to what moved.

        Returns
        -------
        ndarray, shape (frames,)
            Charge of all ions on both sides, minus that at the start, over the largest amount by
            which any one ion on one side has changed in any frame (summed over the pieces without
            sign). If nothing has moved, the charge itself, in mM summed over the pieces.
        """
        z = np.array([VALENCE[ion] for ion in self.ions], dtype=float)
        shares = np.array([float(self.strip.outside_share), float(self.strip.inside_share)])
        total = np.einsum("fpsi,s,i->f", self._state[:, :, :2], shares, z)
        moved = np.abs(self._state[:, :, :2] - self._state[:1, :, :2]).sum(axis=1)
        largest = float((moved * shares[:, np.newaxis]).max())
        return np.asarray((total - total[0]) / largest if largest else total - total[0])

    def plot(
        self, ion: str, side: str = "outside", *, at: Quantity | None = None, ax: Axes | None = None
    ) -> Axes:
        """Draw a concentration over time at a place, by default the beginning of the line."""
        place = 0 if at is None else self._piece(at)
        axes = axes_or_new(ax)
        axes.plot(self.times_s, np.asarray(self.concentration(ion, side))[:, place])
        axes.set(xlabel="time (s)", ylabel=f"{ion} {side} (mM)")
        return axes

    def frame(self, time: Quantity) -> int:
        """Return the number of the moment nearest to a time."""
        at = float(check_quantity(time, 1 * second, "Electrodiffused: frame: time"))
        return int(np.argmin(np.abs(self.times_s - at)))

    def _piece(self, at: Quantity) -> int:
        if not 0 <= float(at) <= float(self.strip.length):
            raise ParameterError(f"plot: at ({at}) lies outside of the line of {self.strip.length}")
        return int(np.argmin(np.abs(self.places_m - float(at))))
