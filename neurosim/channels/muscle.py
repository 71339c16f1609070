"""Sodium and potassium channels of skeletal muscle."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["MusclePotassium", "MuscleSodium"]


@dataclass(frozen=True, eq=False, repr=False)
class MuscleSodium(Channel):
    r"""Sodium channel of the muscle fibre.

    .. math:: I = \bar g\, m^3 h\,(E - V), \quad
              \alpha_m = \frac{0.288\,(V+46)}{1 - e^{-(V+46)/10}}, \quad
              \beta_m = 1.38\, e^{-(V+46)/18}, \quad
              \alpha_h = 0.0081\, e^{-(V+45)/14.7}, \quad
              \beta_h = \frac{4.38}{1 + e^{-(V+45)/9}}

    in 1/ms and mV, at 20 °C. Slow inactivation (seconds) is left out; q10 = 2.5 is an assumption.

    References
    ----------
    Adrian, Chandler and Hodgkin (1970), J Physiol 208:607. Wallinga et al. (1999), Eur Biophys J
    28:317 (rate constants).
    """

    g: Quantity = quantity(180 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(50 * mV, "sodium reversal potential")
    q10: Quantity = quantity(2.5, "factor on the rates for 10 °C", above=0)

    equations = """
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    alpha_m = phi*2.88/ms/exprel(-(v + 46*mV)/(10*mV)) : Hz
    beta_m = phi*1.38/ms*exp(-(v + 46*mV)/(18*mV)) : Hz
    alpha_h = phi*0.0081/ms*exp(-(v + 45*mV)/(14.7*mV)) : Hz
    beta_h = phi*4.38/ms/(1 + exp(-(v + 45*mV)/(9*mV))) : Hz
    """
    current = "g*m**3*h*(E - v)"
    ion = "na"
    temperature_ref = 20.0


@dataclass(frozen=True, eq=False, repr=False)
class MusclePotassium(Channel):
    r"""Delayed rectifier of the muscle fibre.

    .. math:: I = \bar g\, n^4\,(E - V), \quad
              \alpha_n = \frac{0.0131\,(V+40)}{1 - e^{-(V+40)/7}}, \quad
              \beta_n = 0.067\, e^{-(V+40)/40}

    in 1/ms and mV, at 20 °C. Slow inactivation is left out; q10 = 2.5 is an assumption.

    References
    ----------
    Adrian, Chandler and Hodgkin (1970), J Physiol 208:607. Wallinga et al. (1999), Eur Biophys J
    28:317 (rate constants).
    """

    g: Quantity = quantity(41.5 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-90 * mV, "potassium reversal potential")
    q10: Quantity = quantity(2.5, "factor on the rates for 10 °C", above=0)

    equations = """
    dn/dt = alpha_n*(1 - n) - beta_n*n : 1
    alpha_n = phi*0.0131*7/ms/exprel(-(v + 40*mV)/(7*mV)) : Hz
    beta_n = phi*0.067/ms*exp(-(v + 40*mV)/(40*mV)) : Hz
    """
    current = "g*n**4*(E - v)"
    ion = "k"
    temperature_ref = 20.0
