"""Fast sodium channel of neocortical pyramidal cells, for soma, dendrite and initial segment."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["FastSodium"]


@dataclass(frozen=True, eq=False, repr=False)
class FastSodium(Channel):
    r"""Fast sodium channel of Mainen et al., all curves shifted together by ``shift``.

    .. math:: I = \bar g\, m^3 h\,(E - V), \quad u = V - shift, \quad
              \alpha_m = \frac{0.182\,(u+35)}{1 - e^{-(u+35)/9}}, \quad
              \beta_m = \frac{-0.124\,(u+35)}{1 - e^{(u+35)/9}}, \quad
              h_\infty = \frac{1}{1 + e^{(u+65)/6.2}}, \quad
              1/\tau_h = \frac{0.024\,(u+50)}{1 - e^{-(u+50)/5}} +
                         \frac{-0.0091\,(u+75)}{1 - e^{(u+75)/5}}

    in 1/ms and mV, at 23 °C; q10 = 2.3. The default shift of 5 mV is that of Mainen and Sejnowski
    (1996). In the initial segment half-activation lies some 5-10 mV lower: there set the shift by
    so much lower. The conductance is the one at the temperature of the run.

    References
    ----------
    Mainen, Joerges, Huguenard and Sejnowski (1995), Neuron 15:1427. Mainen and Sejnowski (1996),
    Nature 382:363. Hu et al. (2009), Nat Neurosci 12:996 (initial segment).
    """

    g: Quantity = quantity(50 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(60 * mV, "sodium reversal potential")
    shift: Quantity = quantity(5 * mV, "shift of all curves along the voltage axis")
    q10: Quantity = quantity(2.3, "factor on the rates for 10 °C", above=0)

    equations = """
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dh/dt = (h_inf - h)/tau_h : 1
    u = v - shift : volt
    alpha_m = phi*0.182*9/ms/exprel(-(u + 35*mV)/(9*mV)) : Hz
    beta_m = phi*0.124*9/ms/exprel((u + 35*mV)/(9*mV)) : Hz
    h_inf = 1/(1 + exp((u + 65*mV)/(6.2*mV))) : 1
    recovery = 0.024*5/ms/exprel(-(u + 50*mV)/(5*mV)) : Hz
    inactivation = 0.0091*5/ms/exprel((u + 75*mV)/(5*mV)) : Hz
    tau_h = 1/(phi*(recovery + inactivation)) : second
    """
    current = "g*m**3*h*(E - v)"
    ion = "na"
    temperature_ref = 23.0
