"""Potassium channels opened by calcium: small (SK) and big (BK) conductance."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, ms, mV
from brian2.units.stdunits import mM, uM

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["BK", "SK"]


@dataclass(frozen=True, eq=False, repr=False)
class SK(Channel):
    r"""Small-conductance calcium-activated potassium channel: the slow after-hyperpolarisation.

    .. math:: I = \bar g\, z\,(E - V), \quad
              z_\infty = \frac{1}{1 + (K / [Ca]_i)^{4.8}}, \quad \tau_z = 1\,ms

    with K = 0.43 µM, whatever the potential. No dependence on temperature is known: q10 = 1.

    References
    ----------
    Köhler et al. (1996), Science 273:1709. Hay et al. (2011), PLoS Comput Biol 7:e1002107.
    """

    g: Quantity = quantity(1 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-85 * mV, "potassium reversal potential")
    K: Quantity = quantity(0.43 * uM, "calcium that opens half the channels", above=0 * uM)
    tau: Quantity = quantity(1 * ms, "time constant", above=0 * ms)
    q10: Quantity = quantity(1.0, "factor on the rate for 10 °C", above=0)

    # Written so that no calcium at all closes the channel instead of dividing by zero.
    equations = """
    dz/dt = phi*(z_inf - z)/tau : 1
    bound = (clip(ca_i/K, 0, 1e6))**4.8 : 1
    z_inf = bound/(1 + bound) : 1
    """
    current = "g*z*(E - v)"
    ion = "k"
    reads = ("ca_i",)
    temperature_ref = 34.0


@dataclass(frozen=True, eq=False, repr=False)
class BK(Channel):
    r"""Big-conductance potassium channel, opened by calcium and depolarisation together.

    .. math:: I = \bar g\, o\,(E - V), \quad
              \alpha = 0.28\, \frac{[Ca]_i}{[Ca]_i + K_1 e^{-2 \cdot 0.84\, FV/RT}}, \quad
              \beta = \frac{0.48}{1 + [Ca]_i / (K_2 e^{-2 FV/RT})}

    in 1/ms, with K_1 = 0.48 mM and K_2 = 0.13 µM: model 3 of the source, with the constants of
    Migliore et al. The potential acts through RT/F; the rates themselves have q10 = 1.

    References
    ----------
    Moczydlowski and Latorre (1983), J Gen Physiol 82:511. Migliore, Cook, Jaffe, Turner and
    Johnston (1995), J Neurophysiol 73:1157.
    """

    g: Quantity = quantity(10 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-85 * mV, "potassium reversal potential")
    K_1: Quantity = quantity(0.48 * mM, "calcium affinity of the closed channel", above=0 * mM)
    K_2: Quantity = quantity(0.13 * uM, "calcium affinity of the open channel", above=0 * mM)
    q10: Quantity = quantity(1.0, "factor on the rates for 10 °C", above=0)

    equations = """
    do/dt = alpha*(1 - o) - beta*o : 1
    K_closed = K_1*exp(-2*0.84*v/RT_F) : mM
    K_open = K_2*exp(-2*v/RT_F) : mM
    alpha = phi*0.28/ms*ca_i/(ca_i + K_closed) : Hz
    beta = phi*0.48/ms/(1 + ca_i/K_open) : Hz
    """
    current = "g*o*(E - v)"
    ion = "k"
    reads = ("ca_i",)
    temperature_ref = 20.0
