"""Persistent sodium channel: a small current that hardly inactivates."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["PersistentSodium"]


@dataclass(frozen=True, eq=False, repr=False)
class PersistentSodium(Channel):
    r"""Persistent sodium channel of entorhinal cells, as used for layer-5 cells.

    .. math:: I = \bar g\, m^3 h\,(E - V), \quad
              m_\infty = \frac{1}{1 + e^{-(V+52.6)/4.6}}, \quad
              h_\infty = \frac{1}{1 + e^{(V+48.8)/10}}

    with, in 1/ms and mV,

    .. math:: 6/\tau_m = \frac{0.182\,(V+38)}{1 - e^{-(V+38)/6}} -
                         \frac{0.124\,(V+38)}{1 - e^{(V+38)/6}}, \quad
              1/\tau_h = \frac{-2.88\cdot 10^{-6}\,(V+17)}{1 - e^{(V+17)/4.63}} +
                         \frac{6.94\cdot 10^{-6}\,(V+64.4)}{1 - e^{-(V+64.4)/2.63}}

    at 21 °C; q10 = 2.3. Inactivation takes seconds.

    References
    ----------
    Magistretti and Alonso (1999), J Gen Physiol 114:491. Hay et al. (2011), PLoS Comput Biol
    7:e1002107.
    """

    g: Quantity = quantity(1.7 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(50 * mV, "sodium reversal potential")
    q10: Quantity = quantity(2.3, "factor on the rates for 10 °C", above=0)

    equations = """
    dm/dt = (m_inf - m)/tau_m : 1
    dh/dt = (h_inf - h)/tau_h : 1
    m_inf = 1/(1 + exp(-(v + 52.6*mV)/(4.6*mV))) : 1
    opening = 0.182*6/ms/exprel(-(v + 38*mV)/(6*mV)) : Hz
    closing = 0.124*6/ms/exprel((v + 38*mV)/(6*mV)) : Hz
    tau_m = 6/(phi*(opening + closing)) : second
    h_inf = 1/(1 + exp((v + 48.8*mV)/(10*mV))) : 1
    recovery = 2.88e-6*4.63/ms/exprel((v + 17*mV)/(4.63*mV)) : Hz
    inactivation = 6.94e-6*2.63/ms/exprel(-(v + 64.4*mV)/(2.63*mV)) : Hz
    tau_h = 1/(phi*(recovery + inactivation)) : second
    """
    current = "g*m**3*h*(E - v)"
    ion = "na"
    temperature_ref = 21.0
