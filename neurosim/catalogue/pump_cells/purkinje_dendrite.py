"""Channels of the dendrite, with the numbers of Forrest (2015), BMC Neurosci 16:27.

Densities are those of the detailed cell; the cell multiplies them by its lost membrane area.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, amp, cm, meter, mV, siemens
from brian2.units.stdunits import mM

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = [
    "KM",
    "Accommodating",
    "CalciumE",
    "CalciumP",
    "CalciumT3",
    "ConstantCalcium",
    "ConstantPotassium",
    "DendriticH",
    "KCalcium",
    "KCalcium2",
    "KDelayed",
    "KTransient",
    "Kv1",
    "PotassiumPumpCurrent",
    "SodiumPumpCurrent",
]

_G = siemens / cm**2


def _gate(name: str, alpha: str, beta: str, slower: str = "1") -> str:
    """Return a gate by its opening and closing rates in 1/ms, as the source writes them."""
    return f"""
    d{name}/dt = phi/({slower})*((alpha_{name})*(1 - {name}) - (beta_{name})*{name}) : 1
    alpha_{name} = ({alpha})/ms : Hz
    beta_{name} = ({beta})/ms : Hz
    """


@dataclass(frozen=True, eq=False, repr=False)
class _Rated(Channel):
    """Channel of the dendrite whose rates are those at 37 °C."""

    g: Quantity = quantity(0.001 * _G, "conductance density", at_least=0 * _G)
    q10: Quantity = quantity(Quantity(3.0), "factor on the rates for 10 °C", above=0)

    current = "g*(0*mV - v)"
    temperature_ref = 37.0


@dataclass(frozen=True, eq=False, repr=False)
class CalciumP(_Rated):
    """Calcium channel of the P type; it does not inactivate."""

    g: Quantity = quantity(0.0016 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(135 * mV, "calcium reversal potential")

    equations = _gate("m", "8.5/(1 + exp(-(v/mV - 8)/12.5))", "35/(1 + exp((v/mV + 74)/14.5))")
    current = "g*m*(E - v)"
    ion: ClassVar[str | None] = "ca"


@dataclass(frozen=True, eq=False, repr=False)
class CalciumT3(_Rated):
    """Calcium channel of the T type."""

    g: Quantity = quantity(0.0006 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(135 * mV, "calcium reversal potential")

    equations = _gate(
        "m", "2.6/(1 + exp(-(v/mV + 21)/8))", "0.18/(1 + exp((v/mV + 40)/4))"
    ) + _gate("h", "0.0025/(1 + exp((v/mV + 40)/8))", "0.19/(1 + exp(-(v/mV + 50)/10))")
    current = "g*m*h*(E - v)"
    ion: ClassVar[str | None] = "ca"


@dataclass(frozen=True, eq=False, repr=False)
class CalciumE(_Rated):
    """Calcium channel of the E type, with gates four and ten times slower than their rates."""

    g: Quantity = quantity(0.0032 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(135 * mV, "calcium reversal potential")

    equations = _gate(
        "m", "2.6/(1 + exp(-(v/mV + 7)/8))", "0.18/(1 + exp((v/mV + 26)/4))", "4"
    ) + _gate("h", "0.0025/(1 + exp((v/mV + 32)/8))", "0.19/(1 + exp(-(v/mV + 42)/10))", "10")
    current = "g*m*h*(E - v)"
    ion: ClassVar[str | None] = "ca"


@dataclass(frozen=True, eq=False, repr=False)
class _Potassium(_Rated):
    """Potassium channel whose reversal potential follows potassium outside."""

    k_inside: Quantity = quantity(54.4 * mM, "potassium inside, which is held", above=0 * mM)

    ion: ClassVar[str | None] = "k"
    reads: ClassVar[tuple[str, ...]] = ("k_o",)


_REVERSAL = "\n    E = RT_F*log(k_o/k_inside) : volt\n"


@dataclass(frozen=True, eq=False, repr=False)
class KDelayed(_Potassium):
    """Delayed rectifier of Hodgkin and Huxley."""

    g: Quantity = quantity(0.00024 * _G, "conductance density", at_least=0 * _G)

    equations = _gate("n", "0.1/exprel(-(v/mV + 55)/10)", "0.125*exp(-(v/mV + 65)/80)") + _REVERSAL
    current = "g*n**4*(E - v)"


@dataclass(frozen=True, eq=False, repr=False)
class KM(_Potassium):
    """M current."""

    g: Quantity = quantity(0.000004 * _G, "conductance density", at_least=0 * _G)
    q10: Quantity = quantity(Quantity(2.3), "factor on the rates for 10 °C", above=0)

    equations = (
        """
    dm/dt = phi*(m_inf - m)/tau_m : 1
    m_inf = 1/(1 + exp(-(v/mV + 35)/10)) : 1
    tau_m = 1000*ms/(3.3*exp((v/mV + 35)/20) + exp(-(v/mV + 35)/20)) : second
    """
        + _REVERSAL
    )
    current = "g*m*(E - v)"
    temperature_ref = 36.0


@dataclass(frozen=True, eq=False, repr=False)
class KTransient(_Potassium):
    """A current."""

    g: Quantity = quantity(0.032 * _G, "conductance density", at_least=0 * _G)

    equations = (
        _gate("m", "1.4/(1 + exp(-(v/mV + 27)/12))", "0.49/(1 + exp((v/mV + 30)/4))")
        + _gate("h", "0.0175/(1 + exp((v/mV + 50)/8))", "1.3/(1 + exp(-(v/mV + 13)/10))")
        + _REVERSAL
    )
    current = "g*m**4*h*(E - v)"


@dataclass(frozen=True, eq=False, repr=False)
class Accommodating(_Potassium):
    """D current, which inactivates slowly."""

    g: Quantity = quantity(0.036 * _G, "conductance density", at_least=0 * _G)

    equations = (
        _gate("m", "8.5/(1 + exp(-(v/mV + 17)/12.5))", "35/(1 + exp((v/mV + 99)/14.5))", "10")
        + _gate("h", "0.0015/(1 + exp((v/mV + 89)/8))", "0.0055/(1 + exp(-(v/mV + 83)/8))", "1/1.6")
        + _REVERSAL
    )
    current = "g*m*h*(E - v)"


@dataclass(frozen=True, eq=False, repr=False)
class KCalcium(_Potassium):
    """Potassium channel (BK) that calcium and depolarisation open."""

    g: Quantity = quantity(0.06 * _G, "conductance density", at_least=0 * _G)
    q10: Quantity = quantity(Quantity(1.0), "factor on the rates for 10 °C", above=0)

    equations = (
        _gate("m", "7.5", "0.11*exp(-(v/mV - 35)/14.9)")
        + "\n    dz/dt = (1/(1 + 0.4*mM/ca_i) - z)/(10*ms) : 1\n"
        + _REVERSAL
    )
    current = "g*m*z**2*(E - v)"
    reads = ("k_o", "ca_i")


@dataclass(frozen=True, eq=False, repr=False)
class KCalcium2(_Potassium):
    """Potassium channel (K2) that less calcium opens."""

    g: Quantity = quantity(0.000156 * _G, "conductance density", at_least=0 * _G)
    q10: Quantity = quantity(Quantity(1.0), "factor on the rates for 10 °C", above=0)

    equations = (
        _gate("m", "25", "0.075*exp(-(v/mV + 5)/10)")
        + "\n    dz/dt = (1/(1 + 0.02*mM/ca_i) - z)/(10*ms) : 1\n"
        + _REVERSAL
    )
    current = "g*m*z**2*(E - v)"
    reads = ("k_o", "ca_i")


@dataclass(frozen=True, eq=False, repr=False)
class Kv1(_Potassium):
    """Potassium channel of Kv1.1 subunits (Akemann and Knöpfel 2006, J Neurosci 26:4602)."""

    g: Quantity = quantity(0.001 * _G, "conductance density", at_least=0 * _G)

    equations = (
        _gate("n", "0.12889*exp((v/mV + 45)/33.90877)", "0.12889*exp(-(v/mV + 45)/12.42101)")
        + _REVERSAL
    )
    current = "g*n**4*(E - v)"
    temperature_ref = 22.0


@dataclass(frozen=True, eq=False, repr=False)
class DendriticH(Channel):
    """Current that hyperpolarisation activates.

    Its file states a reversal potential of -32.9 mV. The published program does not use it: NEURON
    takes the reversal potential of an ion from the cell, and there that of this one stays at 0 mV.
    """

    g: Quantity = quantity(0.00028914405 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(0 * mV, "reversal potential, as the published program runs")

    equations = """
    dr/dt = (r_inf - r)/tau_r : 1
    r_inf = 1/(1 + exp((v/mV + 84.1)/10.2)) : 1
    tau_r = 100*ms + 1*ms/(exp(-17.9 - 0.116*v/mV) + exp(-1.84 + 0.09*v/mV)) : second
    """
    current = "g*r*(E - v)"


@dataclass(frozen=True, eq=False, repr=False)
class _Constant(Channel):
    """Current of an ion that nothing changes, by which the source stands for a transporter."""

    I: Quantity = quantity(0 * amp / meter**2, "current density, inward positive")  # noqa: E741

    current = "I"


@dataclass(frozen=True, eq=False, repr=False)
class ConstantPotassium(_Constant):
    """Potassium that transporters carry."""

    ion: ClassVar[str | None] = "k"


@dataclass(frozen=True, eq=False, repr=False)
class ConstantCalcium(_Constant):
    """Calcium that transporters carry."""

    ion: ClassVar[str | None] = "ca"


@dataclass(frozen=True, eq=False, repr=False)
class SodiumPumpCurrent(_Constant):
    """Sodium of the pump that follows potassium outside (half speed at 2.245 mM)."""

    equations = "flow = I/(1 + 2.245*mM/k_o) : amp/meter**2"
    current = "flow"
    ion: ClassVar[str | None] = "na"
    reads = ("k_o",)


@dataclass(frozen=True, eq=False, repr=False)
class PotassiumPumpCurrent(SodiumPumpCurrent):
    """Potassium of the same pump."""

    ion: ClassVar[str | None] = "k"
