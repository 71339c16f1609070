"""Chloride inside and outside."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity
from brian2.units.stdunits import mM

from neurosim.ions.ion import Ion
from neurosim.quantities import quantity

__all__ = ["Chloride"]


@dataclass(frozen=True, eq=False, repr=False)
class Chloride(Ion):
    """Chloride: ``cl_i`` inside, ``cl_o`` outside, ``E_cl`` its Nernst potential; see `Ion`.

    Examples
    --------
    >>> from brian2 import mV
    >>> Chloride(7 * mM, 130 * mM).reversal_potential(celsius=37).in_unit(mV, precision=4)
    '-78.0852 mV'
    """

    inside: Quantity = quantity(7 * mM, "concentration inside at the start", above=0 * mM)
    outside: Quantity = quantity(130 * mM, "concentration outside", above=0 * mM)

    equations = "E_cl = -RT_F*log(cl_o/cl_i) : volt"
    reads = ("cl_i", "cl_o")
    ion = "cl"
    writes = "cl_i"
    valence = -1
