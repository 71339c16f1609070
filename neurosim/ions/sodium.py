"""Sodium inside and outside."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity
from brian2.units.stdunits import mM

from neurosim.ions.ion import Ion
from neurosim.quantities import quantity

__all__ = ["Sodium"]


@dataclass(frozen=True, eq=False, repr=False)
class Sodium(Ion):
    """Sodium: ``na_i`` inside, ``na_o`` outside, ``E_na`` its Nernst potential; see `Ion`.

    Examples
    --------
    >>> from brian2 import mV
    >>> Sodium(10 * mM, 145 * mM).reversal_potential(celsius=37).in_unit(mV, precision=4)
    '71.471 mV'
    """

    inside: Quantity = quantity(10 * mM, "concentration inside at the start", above=0 * mM)
    outside: Quantity = quantity(145 * mM, "concentration outside", above=0 * mM)

    equations = "E_na = RT_F*log(na_o/na_i) : volt"
    reads = ("na_i", "na_o")
    ion = "na"
    writes = "na_i"
    valence = 1
