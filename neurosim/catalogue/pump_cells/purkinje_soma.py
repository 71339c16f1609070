"""Channels of the soma, with the numbers of Forrest (2015), BMC Neurosci 16:27."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, cm, mV, second, siemens
from brian2.units.stdunits import mM

from neurosim.channels.base import Channel
from neurosim.equations.kinetic import kinetic
from neurosim.quantities import quantity

__all__ = [
    "Captain",
    "DelayedTEA",
    "HyperpolarisationActivated",
    "LargeConductance",
    "LowTEA",
    "ResurgentSodium",
    "SlowTEA",
    "SmallConductance",
]

_G = siemens / cm**2


def _resurgent() -> str:
    """Return the scheme of Raman and Bean: closed, open, blocked, and inactivated beside each."""
    lines = [f"C{k} <-> C{k + 1} ({5 - k}*opening, {k}*closing)" for k in range(1, 5)]
    lines += [
        "C5 <-> O (150/ms, 40/ms)",
        "O <-> B (1.75/ms, unblock)",
        "O <-> I6 (0.75/ms, 0.005/ms)",
    ]
    lines += [
        f"I{k} <-> I{k + 1} ({5 - k}*opening*150**0.25, {k}*closing*0.01**0.25)"
        for k in range(1, 5)
    ]
    lines += ["I5 <-> I6 (150/ms, 40/ms)"]
    lines += [
        f"C{k} <-> I{k} (0.005/ms*150**{(k - 1) / 4}, 0.5/ms*0.01**{(k - 1) / 4})"
        for k in range(1, 6)
    ]
    return kinetic("\n".join(lines))


@dataclass(frozen=True, eq=False, repr=False)
class ResurgentSodium(Channel):
    """Sodium channel with an open-channel block (Raman and Bean 2001, Biophys J 80:729)."""

    g: Quantity = quantity(0.156 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(70 * mV, "sodium reversal potential, which the source holds")

    equations = (
        _resurgent()
        + """
    opening = 150/ms*exp(v/(20*mV)) : Hz
    closing = 3/ms*exp(-v/(20*mV)) : Hz
    unblock = 0.03/ms*exp(-v/(25*mV)) : Hz
    """
    )
    current = "g*O*(E - v)"
    ion: ClassVar[str | None] = "na"


@dataclass(frozen=True, eq=False, repr=False)
class HyperpolarisationActivated(Channel):
    """Current that hyperpolarisation activates, within a second."""

    g: Quantity = quantity(0.00104 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-30 * mV, "reversal potential")

    equations = """
    dn/dt = (n_inf - n)/tau_n : 1
    n_inf = 1/(1 + exp((v + 90.1*mV)/(9.9*mV))) : 1
    tau_n = 190*ms + 720*ms*exp(-((v + 81.5*mV)/(11.9*mV))**2) : second
    """
    current = "g*n*(E - v)"


@dataclass(frozen=True, eq=False, repr=False)
class LargeConductance(Channel):
    """Potassium channel (BK) that calcium and depolarisation open, and that inactivates."""

    g: Quantity = quantity(0.0728 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-88 * mV, "potassium reversal potential")

    equations = """
    dm/dt = (m_inf - m)/tau_m : 1
    dh/dt = (h_inf - h)/tau_h : 1
    dz/dt = (1/(1 + 0.001*mM/ca_i) - z)/(1*ms) : 1
    m_inf = 1/(1 + exp(-(v + 33.9*mV)/(6.2*mV))) : 1
    tau_m = 0.505*ms + 1000*ms/(exp(-(v - 28.3*mV)/(10*mV)) + exp((v + 91.4*mV)/(10.1*mV))) : second
    h_inf = 0.085 + 0.915/(1 + exp((v + 37*mV)/(5.8*mV))) : 1
    tau_h = 1.9*ms + 1000*ms/(exp(-(v - 49.2*mV)/(12.9*mV)) + exp((v + 53.5*mV)/(5.2*mV))) : second
    """
    current = "g*m**3*z**2*h*(E - v)"
    ion: ClassVar[str | None] = "k"
    reads = ("ca_i",)


@dataclass(frozen=True, eq=False, repr=False)
class DelayedTEA(Channel):
    """Potassium channel that TEA blocks, fast."""

    g: Quantity = quantity(0.0416 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-88 * mV, "potassium reversal potential")

    equations = """
    dm/dt = (m_inf - m)/tau_m : 1
    dh/dt = (h_inf - h)/tau_h : 1
    u = v/mV + 11 : 1
    m_inf = 1/(1 + exp(-(u + 24)/15.4)) : 1
    tau_m = (int(u < -35)*3*(0.034225 + 4.98*exp(u/28.29)) + int(u >= -35)*(0.12851 + 1000/(exp((u + 100.7)/12.9) + exp(-(u - 56)/23.1))))*ms : second
    h_inf = 0.31 + 0.78/(1 + exp((u + 5.802)/11.2)) : 1
    tau_h = (int(u > 0)*(1.2 + 2.3*exp(-0.141*u)) + int(u <= 0)*(0.012202 + 12*exp(-((u + 56.3)/49.6)**2)))*ms : second
    """  # noqa: E501
    current = "g*m**3*h*(E - v)"
    ion: ClassVar[str | None] = "k"


@dataclass(frozen=True, eq=False, repr=False)
class LowTEA(Channel):
    """Potassium channel that TEA blocks little."""

    g: Quantity = quantity(0.0208 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-88 * mV, "potassium reversal potential")

    equations = """
    dn/dt = (n_inf - n)/tau_n : 1
    u = v/mV + 11 : 1
    n_inf = 1/(1 + exp(-(u + 24)/20.4)) : 1
    tau_n = (int(u < -20)*(0.688 + 1000/(exp((u + 64.2)/6.5) + exp(-(u - 141.5)/34.8))) + int(u >= -20)*(0.16 + 0.8*exp(-0.0267*u)))*ms : second
    """  # noqa: E501
    current = "g*n**4*(E - v)"
    ion: ClassVar[str | None] = "k"


@dataclass(frozen=True, eq=False, repr=False)
class SlowTEA(Channel):
    """Potassium channel that TEA does not block, slow."""

    g: Quantity = quantity(0.0416 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-88 * mV, "potassium reversal potential")

    equations = """
    dn/dt = (n_inf - n)/tau_n : 1
    u = v/mV + 11 : 1
    n_inf = 1/(1 + exp(-(u + 16.5)/18.4)) : 1
    tau_n = (0.796 + 1000/(exp((u + 73.2)/11.7) + exp(-(u - 306.7)/74.2)))*ms : second
    """
    current = "g*n**4*(E - v)"
    ion: ClassVar[str | None] = "k"


@dataclass(frozen=True, eq=False, repr=False)
class Captain(Channel):
    """Calcium channel of the P type, by the equation of Goldman, Hodgkin and Katz at 22 °C."""

    P: Quantity = quantity(0.00052 * cm / second, "permeability", at_least=0 * cm / second)
    ca_o: Quantity = quantity(2 * mM, "calcium outside", above=0 * mM)

    equations = """
    dm/dt = (m_inf - m)/tau_m : 1
    m_inf = 1/(1 + exp(-(v + 19*mV)/(5.5*mV))) : 1
    tau_m = (int(v > -50*mV)*(0.191 + 3.76*exp(-((v + 41.9*mV)/(27.8*mV))**2)) + int(v <= -50*mV)*(0.26367 + 127.8*exp(0.10327*v/mV)))*ms : second
    u = 2*v/(25.4381*mV) : 1
    flow = -P*m*2*F*(ca_i - ca_o*exp(-u))/exprel(-u) : amp/meter**2
    """  # noqa: E501
    current = "flow"
    ion: ClassVar[str | None] = "ca"
    reads = ("ca_i",)


@dataclass(frozen=True, eq=False, repr=False)
class SmallConductance(Channel):
    """Potassium channel (SK) that calcium opens at once; the source takes 0 mV for its reversal."""

    g: Quantity = quantity(0.01 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(0 * mV, "reversal potential, as the published program runs")

    equations = "open = 1/(1 + (0.00019*mM/ca_i)**4) : 1"
    current = "g*open*(E - v)"
    ion: ClassVar[str | None] = "k"
    reads = ("ca_i",)
