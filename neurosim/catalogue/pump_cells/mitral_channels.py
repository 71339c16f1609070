"""Channels of the mitral cell, with the equations of Zylbertal and colleagues (2015).

Rates are those at 23 °C; the cell is run at that temperature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, cm, mS, mV, siemens
from brian2.units.stdunits import mM, uM

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = [
    "CalciumActivatedCation",
    "MitralFastPotassium",
    "MitralSlowPotassium",
    "MitralSodium",
    "UnfollowedSodiumLeak",
]

_G = siemens / cm**2


@dataclass(frozen=True, eq=False, repr=False)
class MitralSodium(Channel):
    r"""Transient sodium channel, g m³ h (E - V), with its potentials shifted as a whole.

    With u = V - shift in mV, :math:`x/(1 - e^{-x})` rates of activation, and an inactivation whose
    steady state is fitted beside its rates:

    .. math:: \alpha_m = \frac{0.182 (u + 28)}{1 - e^{-(u + 28)/9}}, \quad
              \beta_m = \frac{-0.124 (u + 28)}{1 - e^{(u + 28)/9}}, \quad
              h_\infty = \frac{1}{1 + e^{(u + 55)/6.2}}

    References
    ----------
    Mainen, Joerges, Huguenard and Sejnowski (1995), Neuron 15:1427 (form). Zylbertal, Kahan,
    Ben-Shaul, Yarom and Wagner (2015), PLoS Biol 13:e1002319 (numbers).
    """

    g: Quantity = quantity(0.01 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(59 * mV, "sodium reversal potential")
    shift: Quantity = quantity(11 * mV, "shift of all potentials")
    slower_m: Quantity = quantity(
        Quantity(0.73656601116512754), "factor on the time constant of activation", above=0
    )
    slower_h: Quantity = quantity(
        Quantity(1.2233999921732934), "factor on the time constant of inactivation", above=0
    )

    equations: ClassVar[str] = """
    u = (v - shift)/mV : 1
    opening = 0.182*9/exprel(-(u + 28)/9)/ms : Hz
    closing = 0.124*9/exprel((u + 28)/9)/ms : Hz
    dm/dt = (opening*(1 - m) - closing*m)/slower_m : 1
    h_inf = 1/(1 + exp((u + 55)/6.2)) : 1
    faster_h = 0.024*5/exprel(-(u + 50)/5)/ms + 0.0091*5/exprel((u + 75)/5)/ms : Hz
    dh/dt = (h_inf - h)*faster_h/slower_h : 1
    """
    current: ClassVar[str] = "g*m**3*h*(E - v)"
    ion: ClassVar[str | None] = "na"


@dataclass(frozen=True, eq=False, repr=False)
class MitralFastPotassium(Channel):
    """Fast potassium channel, g n (E - V).

    References
    ----------
    Zylbertal, Kahan, Ben-Shaul, Yarom and Wagner (2015), PLoS Biol 13:e1002319.
    """

    g: Quantity = quantity(0.003 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-87.442393003543842 * mV, "potassium reversal potential")
    shift: Quantity = quantity(6.911190701312437 * mV, "shift of all potentials")
    slower_n: Quantity = quantity(
        Quantity(0.11817996426017603), "factor on the time constant", above=0
    )

    equations: ClassVar[str] = """
    u = (v - shift)/mV : 1
    opening = 0.02*9/exprel(-(u - 25)/9)/ms : Hz
    closing = 0.002*9/exprel((u - 25)/9)/ms : Hz
    dn/dt = (opening*(1 - n) - closing*n)/slower_n : 1
    """
    current: ClassVar[str] = "g*n*(E - v)"
    ion: ClassVar[str | None] = "k"


@dataclass(frozen=True, eq=False, repr=False)
class MitralSlowPotassium(Channel):
    """Slow potassium channel, g a² (b + b1)/2 (E - V): two inactivations of one steady state.

    References
    ----------
    Korngreen and Sakmann (2000), J Physiol 525:621 (channel). Zylbertal, Kahan, Ben-Shaul, Yarom
    and Wagner (2015), PLoS Biol 13:e1002319. The source scales the conductance from 21 °C, and not
    the rates.
    """

    g: Quantity = quantity(0.004 * _G, "conductance density at 21 °C", at_least=0 * _G)
    E: Quantity = quantity(-87.442393003543842 * mV, "potassium reversal potential")
    shift: Quantity = quantity(42.619586356966849 * mV, "shift of all potentials")
    q10_g: Quantity = quantity(Quantity(2.3), "factor on the conductance for 10 °C", above=0)

    equations: ClassVar[str] = """
    u = (v - shift)/mV : 1
    opening = 0.0052*13.1/exprel(-(u - 11.1)/13.1)/ms : Hz
    closing = (0.01938*exp(-(u + 1.27)/71) - 0.0053)/ms : Hz
    da/dt = opening*(1 - a) - closing*a : 1
    b_inf = 1/(1 + exp((u + 58)/11)) : 1
    tau_b = (360 + (1010 + 23.7*(u + 54))*exp(-((u + 75)/48)**2))*ms : second
    tau_b1 = (2350 + 1380*exp(-0.01118*u) - 210*exp(-0.0306*u))*ms : second
    db/dt = (b_inf - b)/tau_b : 1
    db1/dt = (b_inf - b1)/tau_b1 : 1
    """
    current: ClassVar[str] = "g*a**2*(0.5*b + 0.5*b1)*(E - v)"
    ion: ClassVar[str | None] = "k"
    temperature_ref = 21.0


@dataclass(frozen=True, eq=False, repr=False)
class CalciumActivatedCation(Channel):
    r"""Cation channel that calcium opens, which makes the slow inward current.

    .. math:: \dot m = (Ca/K)^n (1 - m)/\mathrm{ms} - m/\mathrm{ms}

    References
    ----------
    Zylbertal, Kahan, Ben-Shaul, Yarom and Wagner (2015), PLoS Biol 13:e1002319.
    """

    g: Quantity = quantity(6.4175826111700689e-06 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(15 * mV, "reversal potential")
    K: Quantity = quantity(0.09305069595256222 * uM, "calcium that opens half of it", above=0 * mM)
    n: Quantity = quantity(Quantity(5.0908112859229471), "Hill coefficient", above=0)

    equations: ClassVar[str] = """
    drive = (ca_i/K)**n : 1
    dm/dt = (drive*(1 - m) - m)/ms : 1
    """
    current: ClassVar[str] = "g*m*(E - v)"
    reads: ClassVar[tuple[str, ...]] = ("ca_i",)


@dataclass(frozen=True, eq=False, repr=False)
class UnfollowedSodiumLeak(Channel):
    """Leak at the sodium reversal potential whose sodium is not counted, as in the source."""

    g: Quantity = quantity(4e-3 * mS / cm**2, "conductance density", at_least=0 * _G)

    current: ClassVar[str] = "g*(E_na - v)"
    reads: ClassVar[tuple[str, ...]] = ("E_na",)
