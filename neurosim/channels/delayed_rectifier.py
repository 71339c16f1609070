"""Delayed-rectifier potassium channel of neocortical cells."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["DelayedRectifier"]


@dataclass(frozen=True, eq=False, repr=False)
class DelayedRectifier(Channel):
    r"""Delayed rectifier of Mainen et al., the partner of `FastSodium`.

    .. math:: I = \bar g\, n\,(E - V), \quad u = V - shift, \quad
              \alpha_n = \frac{0.02\,(u-25)}{1 - e^{-(u-25)/9}}, \quad
              \beta_n = \frac{-0.002\,(u-25)}{1 - e^{(u-25)/9}}

    in 1/ms and mV, at 23 °C; q10 = 2.3.

    References
    ----------
    Mainen, Joerges, Huguenard and Sejnowski (1995), Neuron 15:1427.
    """

    g: Quantity = quantity(20 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-90 * mV, "potassium reversal potential")
    shift: Quantity = quantity(0 * mV, "shift of all curves along the voltage axis")
    q10: Quantity = quantity(2.3, "factor on the rates for 10 °C", above=0)

    equations = """
    dn/dt = alpha_n*(1 - n) - beta_n*n : 1
    u = v - shift : volt
    alpha_n = phi*0.02*9/ms/exprel(-(u - 25*mV)/(9*mV)) : Hz
    beta_n = phi*0.002*9/ms/exprel((u - 25*mV)/(9*mV)) : Hz
    """
    current = "g*n*(E - v)"
    ion = "k"
    temperature_ref = 23.0
