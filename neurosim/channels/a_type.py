"""A-type potassium channel: opens fast below threshold and inactivates."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["AType"]


@dataclass(frozen=True, eq=False, repr=False)
class AType(Channel):
    r"""Transient potassium channel of layer-5 cells.

    .. math:: I = \bar g\, m^4 h\,(E - V), \quad
              m_\infty = \frac{1}{1 + e^{-(V+10)/19}}, \quad
              \tau_m = 0.34 + 0.92\, e^{-((V+81)/59)^2}, \quad
              h_\infty = \frac{1}{1 + e^{(V+76)/10}}, \quad
              \tau_h = 8 + 49\, e^{-((V+83)/23)^2}

    in ms and mV, at 21 °C; q10 = 2.3. A junction potential of 10 mV is corrected for.

    References
    ----------
    Korngreen and Sakmann (2000), J Physiol 525:621. Hay et al. (2011), PLoS Comput Biol
    7:e1002107.
    """

    g: Quantity = quantity(8 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-85 * mV, "potassium reversal potential")
    q10: Quantity = quantity(2.3, "factor on the rates for 10 °C", above=0)

    equations = """
    dm/dt = (m_inf - m)/tau_m : 1
    dh/dt = (h_inf - h)/tau_h : 1
    m_inf = 1/(1 + exp(-(v + 10*mV)/(19*mV))) : 1
    tau_m = (0.34*ms + 0.92*ms*exp(-((v + 81*mV)/(59*mV))**2))/phi : second
    h_inf = 1/(1 + exp((v + 76*mV)/(10*mV))) : 1
    tau_h = (8*ms + 49*ms*exp(-((v + 83*mV)/(23*mV))**2))/phi : second
    """
    current = "g*m**4*h*(E - v)"
    ion = "k"
    temperature_ref = 21.0
