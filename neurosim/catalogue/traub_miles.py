"""A cortical cell with the fast sodium and potassium channels of Traub and Miles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, cm, mS, mV, uF, um, usiemens

from neurosim.describe.point_neuron import PointNeuron
from neurosim.quantities import quantity

__all__ = ["TraubMiles"]


@dataclass(frozen=True, eq=False, repr=False)
class TraubMiles(PointNeuron):
    r"""Regular-spiking cortical cell, Traub-Miles kinetics shifted by ``V_T``.

    .. math:: C_m \dot v = -\bar g_{Na} m^3 h (v - E_{Na}) - \bar g_K n^4 (v - E_K)
              - g_L (v - E_L) + I / A

    A class I neuron: firing starts at an arbitrarily low rate. The kinetics are those of Traub
    and Miles (1991) as used by Destexhe and Paré (1999) and, with these very values, by the
    benchmark networks of Brette et al. (2007). A spike is an upward crossing of ``V_detect``.

    References
    ----------
    Traub and Miles (1991), Neuronal Networks of the Hippocampus. Brette et al. (2007),
    J Comput Neurosci 23:349, benchmark 3.

    Examples
    --------
    >>> TraubMiles().V_T
    -63. * mvolt
    """

    area: Quantity = quantity(20000 * um**2, "membrane area", above=0 * um**2)
    C_m: Quantity = quantity(1 * uF / cm**2, "specific capacitance", above=0 * uF / cm**2)
    g_Na: Quantity = quantity(100 * mS / cm**2, "sodium conductance", at_least=0 * mS / cm**2)
    g_K: Quantity = quantity(30 * mS / cm**2, "potassium conductance", at_least=0 * mS / cm**2)
    g_L: Quantity = quantity(50 * usiemens / cm**2, "leak conductance", above=0 * mS / cm**2)
    E_Na: Quantity = quantity(50 * mV, "sodium reversal potential")
    E_K: Quantity = quantity(-90 * mV, "potassium reversal potential")
    E_L: Quantity = quantity(-65 * mV, "leak reversal potential")
    V_T: Quantity = quantity(-63 * mV, "shift of the activation curves")
    V_detect: Quantity = quantity(-20 * mV, "upward crossing that counts as a spike")

    equations: ClassVar[str] = """
    dv/dt = (g_Na*m**3*h*(E_Na - v) + g_K*n**4*(E_K - v) + g_L*(E_L - v) + I_stim/area)/C_m : volt
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    dn/dt = alpha_n*(1 - n) - beta_n*n : 1
    alpha_m = 1.28/ms/exprel((13*mV - v + V_T)/(4*mV)) : Hz
    beta_m = 1.4/ms/exprel((v - V_T - 40*mV)/(5*mV)) : Hz
    alpha_h = 0.128/ms*exp((17*mV - v + V_T)/(18*mV)) : Hz
    beta_h = 4/ms/(1 + exp((40*mV - v + V_T)/(5*mV))) : Hz
    alpha_n = 0.16/ms/exprel((15*mV - v + V_T)/(5*mV)) : Hz
    beta_n = 0.5/ms*exp((10*mV - v + V_T)/(40*mV)) : Hz
    """
    threshold: ClassVar[str] = "v > V_detect"
    refractory: ClassVar[str] = "v > V_detect"
    default_dt_ms: ClassVar[float] = 0.025
