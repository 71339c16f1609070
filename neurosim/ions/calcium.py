"""Calcium inside and outside."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity
from brian2.units.stdunits import mM

from neurosim.ions.ion import Ion
from neurosim.quantities import quantity

__all__ = ["Calcium"]


@dataclass(frozen=True, eq=False, repr=False)
class Calcium(Ion):
    """Calcium: ``ca_i`` inside, ``ca_o`` outside, ``E_ca`` its Nernst potential; see `Ion`.

    Examples
    --------
    >>> from brian2 import mV
    >>> Calcium(1e-4 * mM, 2 * mM).reversal_potential(celsius=37).in_unit(mV, precision=4)
    '132.3435 mV'
    """

    inside: Quantity = quantity(1e-4 * mM, "concentration inside at the start", above=0 * mM)
    outside: Quantity = quantity(2 * mM, "concentration outside", above=0 * mM)

    equations = "E_ca = RT_F/2*log(ca_o/ca_i) : volt"
    reads = ("ca_i", "ca_o")
    ion = "ca"
    writes = "ca_i"
    valence = 2
