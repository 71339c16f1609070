"""M current: slow potassium channel that muscarine closes, a cause of adaptation."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["MCurrent"]


@dataclass(frozen=True, eq=False, repr=False)
class MCurrent(Channel):
    r"""M current of sympathetic and pyramidal cells.

    .. math:: I = \bar g\, m\,(E - V), \quad
              \alpha_m = 0.0033\, e^{0.1\,(V+35)}, \quad
              \beta_m = 0.0033\, e^{-0.1\,(V+35)}

    in 1/ms and mV, at 21 °C; q10 = 2.3.

    References
    ----------
    Adams, Brown and Constanti (1982), J Physiol 330:537. Hay et al. (2011), PLoS Comput Biol
    7:e1002107.
    """

    g: Quantity = quantity(0.07 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-85 * mV, "potassium reversal potential")
    q10: Quantity = quantity(2.3, "factor on the rates for 10 °C", above=0)

    equations = """
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    alpha_m = phi*0.0033/ms*exp((v + 35*mV)/(10*mV)) : Hz
    beta_m = phi*0.0033/ms*exp(-(v + 35*mV)/(10*mV)) : Hz
    """
    current = "g*m*(E - v)"
    ion = "k"
    temperature_ref = 21.0
