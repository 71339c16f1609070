"""What the layer-5 pyramidal cell with moving sodium has of its own, after Zylbertal (2017).

Its channels are those of Hay and colleagues (2011), whose rates are those at 34 °C: their q10 of
2.3 counts from 21 °C, and stands still there. The source runs them at 35 °C all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, cm, ms, mV, nS, siemens

from neurosim.channels.base import Channel
from neurosim.ions.transporters.sodium_calcium_exchanger import SodiumCalciumExchanger
from neurosim.quantities import quantity
from neurosim.synapses.base import Receptor

__all__ = [
    "CalciumOnlyExchanger",
    "HighVoltageCalcium",
    "LowVoltageCalcium",
    "PersistentPotassium",
    "PyramidalSodium",
    "ShawPotassium",
    "SodiumPotassiumReceptor",
]

_G = siemens / cm**2
# The factor on rates from 21 °C to 34 °C, whatever the temperature of the cell.
_FASTER = 2.3**1.3


@dataclass(frozen=True, eq=False, repr=False)
class PyramidalSodium(Channel):
    r"""Transient sodium channel, g m³ h (E - V), its curves shifted together.

    With u = V - shift in mV and rates at 21 °C in 1/ms:

    .. math:: \alpha_m = \frac{0.182 (u + 38)}{1 - e^{-(u + 38)/6}}, \quad
              \beta_m = \frac{-0.124 (u + 38)}{1 - e^{(u + 38)/6}}, \quad
              \alpha_h = \frac{-0.015 (u + 66)}{1 - e^{(u + 66)/6}}, \quad
              \beta_h = \frac{0.015 (u + 66)}{1 - e^{-(u + 66)/6}}

    References
    ----------
    Colbert and Pan (2002), Nat Neurosci 5:533. Hay, Hill, Schürmann, Markram and Segev (2011), PLoS
    Comput Biol 7:e1002107 (shift of 6 mV at soma and dendrites, none in the axon).
    """

    g: Quantity = quantity(0.021489 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(50 * mV, "sodium reversal potential")
    shift: Quantity = quantity(6 * mV, "shift of all potentials")
    faster: Quantity = quantity(Quantity(_FASTER), "factor on the rates", above=0)

    equations: ClassVar[str] = """
    u = (v - shift)/mV : 1
    opening = faster*0.182*6/exprel(-(u + 38)/6)/ms : Hz
    closing = faster*0.124*6/exprel((u + 38)/6)/ms : Hz
    dm/dt = opening*(1 - m) - closing*m : 1
    recovering = faster*0.015*6/exprel((u + 66)/6)/ms : Hz
    inactivating = faster*0.015*6/exprel(-(u + 66)/6)/ms : Hz
    dh/dt = recovering*(1 - h) - inactivating*h : 1
    """
    current: ClassVar[str] = "g*m**3*h*(E - v)"
    ion: ClassVar[str | None] = "na"


@dataclass(frozen=True, eq=False, repr=False)
class PersistentPotassium(Channel):
    r"""Slow potassium channel, g m² h (E - V).

    With u = V + 10 in mV: m∞ = 1/(1 + exp(-(u + 1)/12)), h∞ = 1/(1 + exp((u + 54)/11)), and in ms
    at 21 °C, below and above u = -50,

    .. math:: \tau_m = 1.25 + 175.03 e^{0.026 u}, \quad 1.25 + 13 e^{-0.026 u}, \qquad
              \tau_h = 360 + (1010 + 24 (u + 55)) e^{-((u + 75)/48)^2}

    References
    ----------
    Korngreen and Sakmann (2000), J Physiol 525:621. Hay et al. (2011), PLoS Comput Biol
    7:e1002107.
    """

    g: Quantity = quantity(0.188851 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-85 * mV, "potassium reversal potential")
    faster: Quantity = quantity(Quantity(_FASTER), "factor on the rates", above=0)

    equations: ClassVar[str] = """
    u = v/mV + 10 : 1
    m_inf = 1/(1 + exp(-(u + 1)/12)) : 1
    low = int(u < -50) : 1
    tau_m = (1.25 + low*175.03*exp(0.026*u) + (1 - low)*13*exp(-0.026*u))*ms/faster : second
    dm/dt = (m_inf - m)/tau_m : 1
    h_inf = 1/(1 + exp((u + 54)/11)) : 1
    tau_h = (360 + (1010 + 24*(u + 55))*exp(-((u + 75)/48)**2))*ms/faster : second
    dh/dt = (h_inf - h)/tau_h : 1
    """
    current: ClassVar[str] = "g*m**2*h*(E - v)"
    ion: ClassVar[str | None] = "k"


@dataclass(frozen=True, eq=False, repr=False)
class ShawPotassium(Channel):
    r"""Fast potassium channel of the Shaw kind (Kv3.1), g m (E - V).

    .. math:: m_\infty = \frac{1}{1 + e^{-(V - 18.7)/9.7}}, \qquad
              \tau_m = \frac{4\,\mathrm{ms}}{1 + e^{-(V + 46.56)/44.14}}

    References
    ----------
    Rettig et al. (1992), EMBO J 11:2473. Hay et al. (2011), PLoS Comput Biol 7:e1002107.
    """

    g: Quantity = quantity(0.001808 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-85 * mV, "potassium reversal potential")

    equations: ClassVar[str] = """
    m_inf = 1/(1 + exp(-(v - 18.7*mV)/(9.7*mV))) : 1
    tau_m = 4*ms/(1 + exp(-(v + 46.56*mV)/(44.14*mV))) : second
    dm/dt = (m_inf - m)/tau_m : 1
    """
    current: ClassVar[str] = "g*m*(E - v)"
    ion: ClassVar[str | None] = "k"


# What drives calcium in the source: an equation of Goldman, Hodgkin and Katz in mV, and 106 mV more
# whatever the potential.
_DRIVE = "drive = f*(1 - ca_i/ca_o*exp(v/f))/exprel(v/f) + more : volt"


@dataclass(frozen=True, eq=False, repr=False)
class HighVoltageCalcium(Channel):
    r"""Calcium channel of high threshold, g m² h D, whose drive D the source made of two terms.

    .. math:: D = f \frac{1 - \frac{[Ca]_i}{[Ca]_o} e^{V/f}}{(e^{V/f} - 1) f / V}
              + 106\,\mathrm{mV}, \qquad
              f = \frac{25\,\mathrm{mV}}{2} \frac{T}{293.15\,\mathrm{K}}

    References
    ----------
    Reuveni, Friedman, Amitai and Gutnick (1993), J Neurosci 13:4609 (gates). Zylbertal, Yarom and
    Wagner (2017), Front Comput Neurosci 11:85 (drive).
    """

    g: Quantity = quantity(0.000701 * _G, "conductance density", at_least=0 * _G)
    f: Quantity = quantity(25 / 2 * 308.15 / 293.15 * mV, "half of what it takes for RT/F")
    more: Quantity = quantity(106 * mV, "drive at any potential")

    equations: ClassVar[str] = f"""
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    alpha_m = 0.055*3.8/ms/exprel(-(v + 27*mV)/(3.8*mV)) : Hz
    beta_m = 0.94/ms*exp(-(v + 75*mV)/(17*mV)) : Hz
    alpha_h = 0.000457/ms*exp(-(v + 13*mV)/(50*mV)) : Hz
    beta_h = 0.0065/ms/(1 + exp(-(v + 15*mV)/(28*mV))) : Hz
    {_DRIVE}
    """
    current: ClassVar[str] = "g*m**2*h*drive"
    ion: ClassVar[str | None] = "ca"
    reads: ClassVar[tuple[str, ...]] = ("ca_i", "ca_o")


@dataclass(frozen=True, eq=False, repr=False)
class LowVoltageCalcium(Channel):
    r"""Calcium channel of low threshold, g m² h D, with the drive D of `HighVoltageCalcium`.

    With u = V + 10 in mV, m∞ = 1/(1 + exp(-(u + 30)/6)), h∞ = 1/(1 + exp((u + 80)/6.4)), and in ms
    at 21 °C

    .. math:: \tau_m = 5 + \frac{20}{1 + e^{(u + 25)/5}}, \qquad
              \tau_h = 20 + \frac{50}{1 + e^{(u + 40)/7}}

    References
    ----------
    Avery and Johnston (1996), J Neurosci 16:5567; Randall and Tsien (1997), Neuropharmacology
    36:879 (gates). Zylbertal, Yarom and Wagner (2017), Front Comput Neurosci 11:85 (drive).
    """

    g: Quantity = quantity(0.141954 * _G, "conductance density", at_least=0 * _G)
    f: Quantity = quantity(25 / 2 * 308.15 / 293.15 * mV, "half of what it takes for RT/F")
    more: Quantity = quantity(106 * mV, "drive at any potential")
    faster: Quantity = quantity(Quantity(_FASTER), "factor on the rates", above=0)

    equations: ClassVar[str] = f"""
    u = v/mV + 10 : 1
    m_inf = 1/(1 + exp(-(u + 30)/6)) : 1
    tau_m = (5 + 20/(1 + exp((u + 25)/5)))*ms/faster : second
    dm/dt = (m_inf - m)/tau_m : 1
    h_inf = 1/(1 + exp((u + 80)/6.4)) : 1
    tau_h = (20 + 50/(1 + exp((u + 40)/7)))*ms/faster : second
    dh/dt = (h_inf - h)/tau_h : 1
    {_DRIVE}
    """
    current: ClassVar[str] = "g*m**2*h*drive"
    ion: ClassVar[str | None] = "ca"
    reads: ClassVar[tuple[str, ...]] = ("ca_i", "ca_o")


@dataclass(frozen=True, eq=False, repr=False)
class CalciumOnlyExchanger(SodiumCalciumExchanger):
    """`SodiumCalciumExchanger` that sodium drives and that moves calcium alone, without current.

    References
    ----------
    Zylbertal, Yarom and Wagner (2017), Front Comput Neurosci 11:85: the program counts neither the
    sodium of the exchanger nor its charge.
    """

    moves: ClassVar[dict[str, int]] = {"ca": 1}
    other_charge = -2


@dataclass(frozen=True, eq=False, repr=False)
class SodiumPotassiumReceptor(Receptor):
    r"""Synapse that opens for sodium and potassium, each with its own reversal potential.

    .. math:: I = g\,q\,\bigl(s\,(E_{Na} - V) + (1 - s)(E_K - V)\bigr), \qquad
              q = \max(0, e^{-t/\tau_d} - 2.26\, e^{-t/\tau_r})

    The share s = 95/135 of sodium makes the current reverse at 10 mV where sodium does at 50 mV.

    References
    ----------
    Zylbertal, Yarom and Wagner (2017), Front Comput Neurosci 11:85.
    """

    g: Quantity = quantity(5 * nS, "conductance", at_least=0 * nS)
    sodium: Quantity = quantity(Quantity(19 / 17), "share of sodium", at_least=0)
    E_k: Quantity = quantity(-85 * mV, "potassium reversal potential")
    tau_rise: Quantity = quantity(0.5 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(10 * ms, "time constant of the decay", above=0 * ms)

    equations: ClassVar[str] = """
    dA/dt = -A/tau_rise : 1
    dB/dt = -B/tau_decay : 1
    q = clip(B - A, 0, 1e9) : 1
    E_na = RT_F*log(na_o/na_i) : volt
    """
    on_event: ClassVar[dict[str, str]] = {"A": "2.26*weight", "B": "weight"}
    current: ClassVar[str] = "g*q*(sodium*(E_na - v) + (1 - sodium)*(E_k - v))"
    ion_current: ClassVar[str] = "g*q*sodium*(E_na - v)"
    ion: ClassVar[str | None] = "na"
    reads: ClassVar[tuple[str, ...]] = ("na_i", "na_o")
    transmitter: ClassVar[str] = "glutamate"
    lumps: ClassVar[bool] = False
