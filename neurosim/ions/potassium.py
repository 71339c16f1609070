"""Potassium inside and outside."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity
from brian2.units.stdunits import mM

from neurosim.ions.ion import Ion
from neurosim.quantities import quantity

__all__ = ["Potassium"]


@dataclass(frozen=True, eq=False, repr=False)
class Potassium(Ion):
    """Potassium: ``k_i`` inside, ``k_o`` outside, ``E_k`` its Nernst potential; see `Ion`.

    Examples
    --------
    >>> from brian2 import mV
    >>> Potassium(140 * mM, 3.5 * mM).reversal_potential(celsius=37).in_unit(mV, precision=4)
    '-98.5914 mV'
    """

    inside: Quantity = quantity(140 * mM, "concentration inside at the start", above=0 * mM)
    outside: Quantity = quantity(3.5 * mM, "concentration outside", above=0 * mM)

    equations = "E_k = RT_F*log(k_o/k_i) : volt"
    reads = ("k_i", "k_o")
    ion = "k"
    writes = "k_i"
    valence = 1
