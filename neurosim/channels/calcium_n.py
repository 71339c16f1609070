"""High-voltage-activated calcium channel of the N type."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS
from brian2.units.stdunits import mM

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["CalciumN"]


@dataclass(frozen=True, eq=False, repr=False)
class CalciumN(Channel):
    r"""N-type calcium channel of hippocampal cells, slowed by the calcium it lets in.

    .. math:: I = \bar g\, m^2 h\, \frac{K}{K + [Ca]_i}\, D(V), \quad
              D = \frac{RT}{2F}\left(1 - \frac{[Ca]_i}{[Ca]_o} e^u\right) \frac{u}{e^u - 1},
              \quad u = \frac{2FV}{RT}

    the Goldman-Hodgkin-Katz driving force, in volt, with, in 1/ms and mV,

    .. math:: \alpha_m = \frac{0.1967\,(19.88-V)}{e^{(19.88-V)/10} - 1}, \quad
              \beta_m = 0.046\, e^{-V/20.73}, \quad
              \alpha_h = 0.00016\, e^{-V/48.4}, \quad
              \beta_h = \frac{1}{1 + e^{(39-V)/10}}

    The source gives no dependence of the rates on temperature: q10 = 1.

    References
    ----------
    Jaffe, Ross, Lisman, Lasser-Ross, Miyakawa and Johnston (1994), J Neurophysiol 71:1065.
    """

    g: Quantity = quantity(0.3 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    K: Quantity = quantity(0.001 * mM, "calcium that halves the current", above=0 * mM)
    ca_o: Quantity = quantity(2 * mM, "extracellular calcium", above=0 * mM)
    q10: Quantity = quantity(1.0, "factor on the rates for 10 °C", above=0)

    equations = """
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    alpha_m = phi*0.1967*10/ms/exprel((19.88*mV - v)/(10*mV)) : Hz
    beta_m = phi*0.046/ms*exp(-v/(20.73*mV)) : Hz
    alpha_h = phi*0.00016/ms*exp(-v/(48.4*mV)) : Hz
    beta_h = phi*1/ms/(1 + exp((39*mV - v)/(10*mV))) : Hz
    u = 2*v/RT_F : 1
    drive = RT_F/2*(1/exprel(u) - ca_i/ca_o/exprel(-u)) : volt
    """
    current = "g*m**2*h*K/(K + ca_i)*drive"
    ion = "ca"
    reads = ("ca_i",)
    temperature_ref = 30.0
