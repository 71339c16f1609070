"""Sodium-potassium-chloride cotransporter NKCC1, which keeps chloride high in young neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, amp, meter
from brian2.units.stdunits import mM

from neurosim.ions.transporter import Transporter
from neurosim.quantities import quantity

__all__ = ["NKCC1"]


@dataclass(frozen=True, eq=False, repr=False)
class NKCC1(Transporter):
    r"""One sodium, one potassium and two chloride ions together, down their common gradient.

    .. math:: r = \frac{U}{1 + e^{([K]_{1/2} - [K]_o)/s}}
                  \ln\frac{[Na]_o [K]_o [Cl]_o^2}{[Na]_i [K]_i [Cl]_i^2}, \qquad
              I_{Na} = I_K = r, \quad I_{Cl} = -2r, \quad I = 0

    References
    ----------
    Wei, Ullah and Schiff (2014), J Neurosci 34:11733 (form; 0.1 mM/s in their cell of 7 µm radius).
    """

    U: Quantity = quantity(
        0.0225 * amp / meter**2, "strength, as the current of one ion", at_least=0 * amp / meter**2
    )
    k_half: Quantity = quantity(16 * mM, "potassium outside at half strength", at_least=0 * mM)
    k_slope: Quantity = quantity(1 * mM, "potassium over which it rises e-fold", above=0 * mM)

    rate = "U/(1 + exp((k_half - k_o)/k_slope))*log(na_o*k_o*cl_o**2/(na_i*k_i*cl_i**2))"
    moves: ClassVar[dict[str, int]] = {"na": 1, "k": 1, "cl": 2}
    reads = ("na_i", "na_o", "k_i", "k_o", "cl_i", "cl_o")
