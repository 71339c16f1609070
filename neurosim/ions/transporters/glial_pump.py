"""Sodium-potassium pump of an astrocyte, which takes potassium up after neurons were active."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, amp, meter

from neurosim.ions.transporters.sodium_potassium_pump import SodiumPotassiumPump
from neurosim.quantities import quantity

__all__ = ["GlialPump"]


@dataclass(frozen=True, eq=False, repr=False)
class GlialPump(SodiumPotassiumPump):
    r"""`SodiumPotassiumPump` with the strength measured for astrocytes.

    .. math:: r = F P_{max}\,\frac{[Na]_i^{1.5}}{[Na]_i^{1.5} + (10\,\mathrm{mM})^{1.5}}\,
                  \frac{[K]_o}{[K]_o + 1.5\,\mathrm{mM}}

    with :math:`P_{max}` = 1.115e-6 mol/(m² s).

    References
    ----------
    Halnes, Ostby, Pettersen, Omholt and Einevoll (2013), PLoS Comput Biol 9:e1003386.
    """

    I_max: Quantity = quantity(
        0.10758 * amp / meter**2, "net current at saturation", at_least=0 * amp / meter**2
    )
