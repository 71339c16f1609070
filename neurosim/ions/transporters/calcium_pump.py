"""Calcium pump of the plasma membrane: exchanges one calcium ion for two protons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, amp, meter
from brian2.units.stdunits import mM, uM

from neurosim.ions.transporter import Transporter
from neurosim.quantities import quantity

__all__ = ["CalciumPump"]


@dataclass(frozen=True, eq=False, repr=False)
class CalciumPump(Transporter):
    r"""Calcium pump after Michaelis and Menten, one calcium ion out for two protons in.

    .. math:: I_{Ca} = -I_{max} \frac{[Ca]_i^n}{[Ca]_i^n + K^n}, \qquad I = 0

    The protons cancel the charge. They are not followed.

    References
    ----------
    Carafoli (1992), J Biol Chem 267:2115 (half speed near 0.5 µM). Niggli, Sigel and Carafoli
    (1982), J Biol Chem 257:2350 (exchange for protons).
    """

    I_max: Quantity = quantity(
        0.01 * amp / meter**2, "calcium current at saturation", at_least=0 * amp / meter**2
    )
    K_ca: Quantity = quantity(0.5 * uM, "calcium inside at half speed", above=0 * mM)
    n: Quantity = quantity(Quantity(1.0), "Hill coefficient", above=0)

    rate = "0.5*I_max/(1 + (K_ca/ca_i)**n)"
    moves: ClassVar[dict[str, int]] = {"ca": -1}
    other_charge = 2
    reads = ("ca_i",)
