"""Channels of Mainen and Sejnowski's neocortical cells, which models after theirs took over.

Mainen, Joerges, Huguenard and Sejnowski (1995), Neuron 15:1427; Mainen and Sejnowski (1996), Nature
382:363 (ModelDB 2488, whose program differs from what is printed). Conductances are those at 23 °C.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from brian2.units import Quantity, ms, mV, siemens, um

from neurosim.channels import Channel
from neurosim.quantities import quantity

__all__ = [
    "SLOW",
    "CalciumGatedPotassium",
    "CorticalCalcium",
    "CorticalPotassium",
    "CorticalSodium",
    "of_density",
]

# pS/µm².
_DENSITY = 1e-12 * siemens / um**2
_NONE = 0 * _DENSITY
# All rates and conductances were measured at 23 °C and grow by this for 10 °C.
_Q10 = Quantity(2.3)


@dataclass(frozen=True, eq=False, repr=False)
class CorticalSodium(Channel):
    """Sodium channel, g m³ h (E - V), rates as Mainen and Sejnowski's program has them.

    The defaults are theirs; those of the initial segment are steeper and lie elsewhere.
    """

    g: Quantity = quantity(_NONE, "conductance density at 23 °C", at_least=_NONE)
    E: Quantity = quantity(60 * mV, "sodium reversal potential")
    shift: Quantity = quantity(10 * mV, "shift of all curves")
    half: Quantity = quantity(-35 * mV, "where the rates of activation are as given")
    slope: Quantity = quantity(9 * mV, "slope of activation", above=0 * mV)
    half_h: Quantity = quantity(-65 * mV, "half of inactivation")
    q10: Quantity = quantity(_Q10, "factor on the rates for 10 °C", above=0)

    equations: ClassVar[str] = """
    u = (v - shift)/mV : 1
    z = (v - shift - half)/slope : 1
    opening = 0.182*slope/mV/exprel(-z)/ms : Hz
    closing = 0.124*slope/mV/exprel(z)/ms : Hz
    dm/dt = phi*(opening*(1 - m) - closing*m) : 1
    h_rate = 0.024*5/exprel(-(u + 50)/5)/ms + 0.0091*5/exprel((u + 75)/5)/ms : Hz
    h_inf = 1/(1 + exp((v - shift - half_h)/(6.2*mV))) : 1
    dh/dt = phi*h_rate*(h_inf - h) : 1
    """
    current: ClassVar[str] = "g*m**3*h*(E - v)"
    ion: ClassVar[str | None] = "na"


@dataclass(frozen=True, eq=False, repr=False)
class CorticalPotassium(Channel):
    """Potassium channel, g n (E - V), opened by depolarisation: the fast one, or the slow one."""

    g: Quantity = quantity(_NONE, "conductance density at 23 °C", at_least=_NONE)
    E: Quantity = quantity(-90 * mV, "potassium reversal potential")
    half: Quantity = quantity(25 * mV, "where the rates are as given")
    opens: Quantity = quantity(0.02 / ms, "rate of opening", above=0 / ms)
    closes: Quantity = quantity(0.002 / ms, "rate of closing", above=0 / ms)
    q10: Quantity = quantity(_Q10, "factor on the rates for 10 °C", above=0)

    equations: ClassVar[str] = """
    z = (v - half)/(9*mV) : 1
    dn/dt = phi*9*(opens/exprel(-z)*(1 - n) - closes/exprel(z)*n) : 1
    """
    current: ClassVar[str] = "g*n*(E - v)"
    ion: ClassVar[str | None] = "k"


@dataclass(frozen=True, eq=False, repr=False)
class CorticalCalcium(Channel):
    """Calcium channel of high threshold, g m² h (E - V), after Reuveni and colleagues (1993)."""

    g: Quantity = quantity(_NONE, "conductance density at 23 °C", at_least=_NONE)
    E: Quantity = quantity(140 * mV, "calcium reversal potential")
    q10: Quantity = quantity(_Q10, "factor on the rates for 10 °C", above=0)

    equations: ClassVar[str] = """
    dm/dt = phi*(alpha_m*(1 - m) - beta_m*m) : 1
    dh/dt = phi*(alpha_h*(1 - h) - beta_h*h) : 1
    alpha_m = 0.209/ms/exprel(-(v + 27*mV)/(3.8*mV)) : Hz
    beta_m = 0.94/ms*exp(-(v + 75*mV)/(17*mV)) : Hz
    alpha_h = 0.000457/ms*exp(-(v + 13*mV)/(50*mV)) : Hz
    beta_h = 0.0065/ms/(1 + exp(-(v + 15*mV)/(28*mV))) : Hz
    """
    current: ClassVar[str] = "g*m**2*h*(E - v)"
    ion: ClassVar[str | None] = "ca"


@dataclass(frozen=True, eq=False, repr=False)
class CalciumGatedPotassium(Channel):
    """Potassium channel that calcium opens, whatever the potential: g n (E - V)."""

    g: Quantity = quantity(_NONE, "conductance density at 23 °C", at_least=_NONE)
    E: Quantity = quantity(-90 * mV, "potassium reversal potential")
    q10: Quantity = quantity(_Q10, "factor on the rates for 10 °C", above=0)

    equations: ClassVar[str] = """
    opening = 0.01*ca_i/mM/ms : Hz
    dn/dt = phi*(opening*(1 - n) - 0.02/ms*n) : 1
    """
    current: ClassVar[str] = "g*n*(E - v)"
    ion: ClassVar[str | None] = "k"
    reads: ClassVar[tuple[str, ...]] = ("ca_i",)


# What makes `CorticalPotassium` the slow one, which muscarine closes.
SLOW: dict[str, Any] = {
    "half": -30 * mV,
    "opens": 0.001 / ms,
    "closes": 0.001 / ms,
    "name": "slow_potassium",
}


def of_density(part: type[Channel], density: float, **values: Any) -> Channel:
    """Return a channel of a density in pS/µm² at 23 °C, which grows with the temperature."""
    make: Callable[..., Channel] = part
    return make(g=density * _DENSITY, q10_g=_Q10, **values)
