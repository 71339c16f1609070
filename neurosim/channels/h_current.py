"""h current: a cation channel opened by hyperpolarisation, which causes the sag."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["HCurrent"]


@dataclass(frozen=True, eq=False, repr=False)
class HCurrent(Channel):
    r"""Hyperpolarisation-activated cation channel of layer-5 dendrites.

    .. math:: I = \bar g\, m\,(E - V), \quad
              \alpha_m = \frac{0.00643\,(V+154.9)}{e^{(V+154.9)/11.9} - 1}, \quad
              \beta_m = 0.193\, e^{V/33.1}

    in 1/ms and mV, at 34 °C; q10 = 4.5. Its density grows along the apical dendrite.

    References
    ----------
    Kole, Hallermann and Stuart (2006), J Neurosci 26:1677 (rates). Magee (1998), J Neurosci
    18:7613 (q10).
    """

    g: Quantity = quantity(0.2 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-45 * mV, "reversal potential of sodium and potassium together")
    q10: Quantity = quantity(4.5, "factor on the rates for 10 °C", above=0)

    equations = """
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    alpha_m = phi*0.00643*11.9/ms/exprel((v + 154.9*mV)/(11.9*mV)) : Hz
    beta_m = phi*0.193/ms*exp(v/(33.1*mV)) : Hz
    """
    current = "g*m*(E - v)"
    temperature_ref = 34.0
