"""Low-voltage-activated calcium channel of the T type, the cause of rebound bursts."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mV, second
from brian2.units.stdunits import mM

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["CalciumT"]


@dataclass(frozen=True, eq=False, repr=False)
class CalciumT(Channel):
    r"""Transient calcium channel of thalamic relay cells, with Goldman-Hodgkin-Katz current.

    .. math:: I = 2F\,\bar P\, m^2 h\, u\,
              \frac{[Ca]_o e^{-u} - [Ca]_i}{1 - e^{-u}}, \quad u = \frac{2FV}{RT}, \quad
              m_\infty = \frac{1}{1 + e^{-(V+57)/6.2}}, \quad
              h_\infty = \frac{1}{1 + e^{(V+81)/4}}

    .. math:: \tau_m = 0.612 + \frac{1}{e^{-(V+132)/16.7} + e^{(V+16.8)/18.2}}, \quad
              \tau_h = e^{(V+467)/66.6} \;(V < -80), \;\; 28 + e^{-(V+22)/10.5} \;(V \ge -80)

    in ms and mV, at 24 °C; q10 = 5 (m) and 3 (h). The jump of the second time constant at -80 mV
    is the source's.

    References
    ----------
    Huguenard and McCormick (1992), J Neurophysiol 68:1373. Coulter, Huguenard and Prince (1989),
    J Physiol 414:587 (q10).
    """

    P: Quantity = quantity(1e-4 * cm / second, "permeability", at_least=0 * cm / second)
    ca_o: Quantity = quantity(2 * mM, "extracellular calcium", above=0 * mM)
    shift: Quantity = quantity(0 * mV, "shift of all curves along the voltage axis")
    q10_m: Quantity = quantity(5.0, "factor on the rate of activation for 10 °C", above=0)
    q10_h: Quantity = quantity(3.0, "factor on the rate of inactivation for 10 °C", above=0)

    # u/(e^u - 1) is 1/exprel(u): the current is finite and smooth at zero.
    equations = """
    dm/dt = (m_inf - m)/tau_m : 1
    dh/dt = (h_inf - h)/tau_h : 1
    w = v - shift : volt
    m_inf = 1/(1 + exp(-(w + 57*mV)/(6.2*mV))) : 1
    h_inf = 1/(1 + exp((w + 81*mV)/(4*mV))) : 1
    rate_m = exp(-(w + 132*mV)/(16.7*mV)) + exp((w + 16.8*mV)/(18.2*mV)) : 1
    tau_m = (0.612*ms + 1*ms/rate_m)/phi_m : second
    deep = int(w < -80*mV) : 1
    tau_deep = 1*ms*exp((w + 467*mV)/(66.6*mV)) : second
    tau_shallow = 28*ms + 1*ms*exp(-(w + 22*mV)/(10.5*mV)) : second
    tau_h = (deep*tau_deep + (1 - deep)*tau_shallow)/phi_h : second
    u = 2*v/RT_F : 1
    ghk = 2*F*(ca_o/exprel(u) - ca_i/exprel(-u)) : coulomb/meter**3
    """
    current = "P*m**2*h*ghk"
    ion = "ca"
    reads = ("ca_i",)
    temperature_ref = 24.0
