"""Sodium-calcium exchanger: three sodium ions against one calcium ion, in either direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, amp, meter
from brian2.units.stdunits import mM

from neurosim.ions.transporter import Transporter
from neurosim.quantities import quantity

__all__ = ["ElectroneutralExchanger", "SodiumCalciumExchanger"]


@dataclass(frozen=True, eq=False, repr=False)
class SodiumCalciumExchanger(Transporter):
    r"""Sodium-calcium exchanger; a positive rate takes sodium out and calcium in.

    .. math:: r = \phi I_{max}
       \frac{e^{\gamma V F/RT} [Na]_i^3 [Ca]_o - e^{(\gamma - 1) V F/RT} [Na]_o^3 [Ca]_i}
            {(K_{Na}^3 + [Na]_o^3)(K_{Ca} + [Ca]_o)(1 + k_{sat}\, e^{(\gamma - 1) V F/RT})},
       \qquad I_{Na} = -3r, \quad I_{Ca} = 2r

    It stands still at :math:`V = 3 E_{Na} - 2 E_{Ca}`. Rates at 37 °C; q10 = 3.

    References
    ----------
    Luo and Rudy (1994), Circ Res 74:1071. Courtemanche, Ramirez and Nattel (1998), Am J Physiol
    275:H301 (parameters).
    """

    I_max: Quantity = quantity(
        16 * amp / meter**2, "current at saturation", at_least=0 * amp / meter**2
    )
    K_na: Quantity = quantity(87.5 * mM, "half saturation by sodium outside", above=0 * mM)
    K_ca: Quantity = quantity(1.38 * mM, "half saturation by calcium outside", above=0 * mM)
    gamma: Quantity = quantity(
        Quantity(0.35), "place of the energy barrier, 0 to 1", at_least=0, at_most=1
    )
    k_sat: Quantity = quantity(Quantity(0.1), "saturation at negative potentials", at_least=0)
    q10: Quantity = quantity(Quantity(3.0), "factor on the rate for 10 °C", above=0)

    equations = """
    forward = exp(gamma*v/RT_F)*na_i**3*ca_o : mole**4/meter**12
    backward = exp((gamma - 1)*v/RT_F)*na_o**3*ca_i : mole**4/meter**12
    saturation = (K_na**3 + na_o**3)*(K_ca + ca_o) : mole**4/meter**12
    """
    rate = "phi*I_max*(forward - backward)/(saturation*(1 + k_sat*exp((gamma - 1)*v/RT_F)))"
    moves: ClassVar[dict[str, int]] = {"na": -3, "ca": 1}
    reads = ("na_i", "na_o", "ca_i", "ca_o")
    temperature_ref = 37.0


@dataclass(frozen=True, eq=False, repr=False)
class ElectroneutralExchanger(SodiumCalciumExchanger):
    r"""`SodiumCalciumExchanger` whose current is cancelled by ions that are not followed.

    Sodium and calcium move as in the parent; the net current is 0, as in the published model of the
    mitral cell, where the slow current after a train is to come from calcium alone.

    References
    ----------
    Zylbertal, Kahan, Ben-Shaul, Yarom and Wagner (2015), PLoS Biol 13:e1002319.
    """

    I_max: Quantity = quantity(
        32 * amp / meter**2, "current at saturation", at_least=0 * amp / meter**2
    )
    other_charge = 1
