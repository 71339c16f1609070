"""What a transporter is: ions moved across the membrane in fixed whole numbers per cycle.

A channel lets one ion through; a pump, an exchanger or a cotransporter moves several at once. Its
net current follows from how many of each it moves, so that it cannot lose charge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from brian2.units import Quantity, amp, meter

from neurosim.channels.base import IONS, Mechanism
from neurosim.equations.evaluate import evaluate, gate_curves
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import quantity

__all__ = ["VALENCE", "Transporter"]

VALENCE: Mapping[str, int] = MappingProxyType({"na": 1, "k": 1, "ca": 2, "cl": -1})
assert set(VALENCE) == set(IONS)


@dataclass(frozen=True, eq=False, repr=False)
class Transporter(Mechanism):
    r"""Moves ions across the membrane in a fixed ratio.

    If a cycle moves :math:`n_x` ions of valence :math:`z_x` into the cell, and cycles of one
    elementary charge each would carry the current density :math:`r`, then

    .. math:: I_x = z_x n_x r, \qquad I = r\,\Bigl(\sum_x z_x n_x + c\Bigr)

    where c is the charge that ions which nobody follows carry in per cycle.

    Parameters
    ----------
    blocked : Quantity
        Share of the transporters that are blocked, 0 to 1 (ouabain on a sodium-potassium pump). It
        is a parameter like the others: a batch may vary it, and a time course may move it in a run.

    Attributes
    ----------
    rate : str
        Cycles of unblocked transporters, times the elementary charge, on an area: amp/meter**2. It
        may use the fields, ``v``, named expressions and states of the equations, and what `reads`
        lists (``na_i``, ``k_o``, ...). `expressions` hands over the rate with what is blocked.
    moves : dict of str to int
        How many ions of each kind a cycle moves into the cell; negative: out of it. The
        sodium-potassium pump is ``{"na": -3, "k": 2}``.
    other_charge : int
        Elementary charges that a cycle moves into the cell on ions that are not followed, such as
        protons or bicarbonate.
    above : str
        Field with the potential that the membrane must stay above, since the rate has no value
        there; "" if there is none. A run that comes to it ends with an error.
    """

    _: KW_ONLY
    blocked: Quantity = quantity(
        Quantity(0.0), "share that is blocked, 0 to 1", at_least=0, at_most=1
    )

    rate: ClassVar[str]
    moves: ClassVar[dict[str, int]]
    other_charge: ClassVar[int] = 0
    above: ClassVar[str] = ""

    def expressions(self) -> dict[str, tuple[str, Quantity]]:
        rate = f"(1 - blocked)*({self.rate})"
        return {"rate": (rate, amp / meter**2)}

    @property
    def net_charge(self) -> int:
        """Elementary charges that a cycle moves into the cell.

        Examples
        --------
        >>> from neurosim.ions import SodiumPotassiumPump
        >>> SodiumPotassiumPump().net_charge
        -1
        """
        return sum(VALENCE[ion] * count for ion, count in self.moves.items()) + self.other_charge

    def check(self) -> None:
        label = type(self).__name__
        if not self.moves:
            raise ParameterError(f'{label}: moves names no ion; give it such as {{"na": -3}}')
        for ion, count in self.moves.items():
            if ion not in VALENCE:
                raise UnknownNameError(f"{label}: moves names {ion!r}: {suggest(ion, VALENCE)}")
            if not _is_whole(count) or count == 0:
                raise ParameterError(
                    f"{label}: moves[{ion!r}] must be a whole number of ions per cycle, positive "
                    f"into the cell and negative out of it; got {count!r}"
                )
        if not _is_whole(self.other_charge):
            raise ParameterError(
                f"{label}: other_charge must be a whole number; got {self.other_charge!r}"
            )

    def cycles(
        self, v: Quantity, temperature_celsius: float | None = None, **given: Any
    ) -> Quantity:
        """Return `rate` at a potential, with what is blocked: amp/meter**2.

        Parameters
        ----------
        v : Quantity
            Membrane potential, one value or an array.
        temperature_celsius : float, optional
            Temperature in °C.
        **given
            Concentrations that the rate reads (``na_i=20*mM``) and states. A concentration that is
            not given has its typical value; a state that is not given is at its steady state.
        """
        values = self.values(v, temperature_celsius, **given)
        steady = {name: gate.steady for name, gate in gate_curves(self.equations, values).items()}
        code, like = self.expressions()["rate"]
        found = evaluate(self.equations, code, {**steady, **values})
        return Quantity(np.asarray(found, dtype=float), dim=like.dim)

    def density(
        self, v: Quantity, temperature_celsius: float | None = None, **given: Any
    ) -> Quantity:
        """Return the net current density at a potential, inward positive; see `cycles`.

        Examples
        --------
        >>> from brian2 import mV
        >>> from brian2.units.stdunits import mM
        >>> from neurosim.ions import SodiumPotassiumPump
        >>> pump = SodiumPotassiumPump()
        >>> bool(pump.density(-70 * mV, na_i=20 * mM) < pump.density(-70 * mV, na_i=10 * mM) < 0)
        True
        """
        return self.net_charge * self.cycles(v, temperature_celsius, **given)

    def ion_densities(
        self, v: Quantity, temperature_celsius: float | None = None, **given: Any
    ) -> dict[str, Quantity]:
        """Return the current density of each ion it moves, inward positive; see `cycles`."""
        cycles = self.cycles(v, temperature_celsius, **given)
        return {ion: VALENCE[ion] * count * cycles for ion, count in self.moves.items()}


def _is_whole(count: Any) -> bool:
    return isinstance(count, (int, np.integer)) and not isinstance(count, bool)
