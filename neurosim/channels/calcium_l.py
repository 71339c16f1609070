"""High-voltage-activated calcium channel of the L type."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["CalciumL"]


@dataclass(frozen=True, eq=False, repr=False)
class CalciumL(Channel):
    r"""High-voltage-activated, long-lasting calcium channel; ohmic, as in the source.

    .. math:: I = \bar g\, m^2 h\,(E - V), \quad
              \alpha_m = \frac{-0.055\,(V+27)}{e^{-(V+27)/3.8} - 1}, \quad
              \beta_m = 0.94\, e^{-(V+75)/17}, \quad
              \alpha_h = 0.000457\, e^{-(V+13)/50}, \quad
              \beta_h = \frac{0.0065}{1 + e^{-(V+15)/28}}

    in 1/ms and mV, at 23 °C; q10 = 2.3.

    References
    ----------
    Reuveni, Friedman, Amitai and Gutnick (1993), J Neurosci 13:4609. Mainen and Sejnowski (1996),
    Nature 382:363.
    """

    g: Quantity = quantity(0.3 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(140 * mV, "calcium reversal potential")
    q10: Quantity = quantity(2.3, "factor on the rates for 10 °C", above=0)

    equations = """
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    alpha_m = phi*0.055*3.8/ms/exprel(-(v + 27*mV)/(3.8*mV)) : Hz
    beta_m = phi*0.94/ms*exp(-(v + 75*mV)/(17*mV)) : Hz
    alpha_h = phi*0.000457/ms*exp(-(v + 13*mV)/(50*mV)) : Hz
    beta_h = phi*0.0065/ms/(1 + exp(-(v + 15*mV)/(28*mV))) : Hz
    """
    current = "g*m**2*h*(E - v)"
    ion = "ca"
    temperature_ref = 23.0
