"""NMDA receptors: slow excitation by glutamate, blocked by magnesium at rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, hertz, ms, mV
from brian2.units.stdunits import mM

from neurosim.quantities import check_quantity, quantity
from neurosim.synapses.exponential import DoubleExponential
from neurosim.synapses.two_state import TwoState

__all__ = ["BLOCK", "NMDA", "KineticNMDA", "magnesium_block"]

BLOCK = "block = 1/(1 + Mg/(3.57*mM)*exp(-0.062*v/mV)) : 1"


def magnesium_block(v: Quantity, magnesium: Quantity = 1 * mM) -> np.ndarray:
    r"""Return the share of NMDA conductance that magnesium leaves open.

    .. math:: B(V) = \frac{1}{1 + \frac{[Mg]}{3.57\,mM} e^{-0.062 V}}

    Parameters
    ----------
    v : Quantity
        Membrane potential.
    magnesium : Quantity
        Extracellular concentration.

    References
    ----------
    Jahr and Stevens (1990), J Neurosci 10:3178.

    Examples
    --------
    >>> magnesium_block([-70, 0] * mV).round(4).tolist()
    [0.0445, 0.7812]
    """
    v = check_quantity(v, -70 * mV, "magnesium_block: v", many=2)
    magnesium = check_quantity(magnesium, 1 * mM, "magnesium_block: magnesium", at_least=0 * mM)
    ratio = float(magnesium / (3.57 * mM))
    return 1 / (1 + ratio * np.exp(-0.062 * np.asarray(v / mV, dtype=float)))


@dataclass(frozen=True, eq=False, repr=False)
class NMDA(DoubleExponential):
    r"""Slow glutamate receptor, blocked by magnesium at rest: 2 / 75 ms, reversal 0 mV.

    .. math:: I = g\,(B - A)\,\frac{1}{1 + \frac{[Mg]}{3.57\,mM} e^{-0.062 V/mV}}\,(E - V)

    References
    ----------
    Jahr and Stevens (1990), J Neurosci 10:3178 (block). Spruston, Jonas and Sakmann (1995),
    J Physiol 482:325 (time course, which varies widely with subunits and temperature).
    """

    tau_rise: Quantity = quantity(2 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(75 * ms, "time constant of the decay", above=0 * ms)
    Mg: Quantity = quantity(1 * mM, "extracellular magnesium", at_least=0 * mM)
    transmitter = "glutamate"

    equations = f"{DoubleExponential.equations}\n{BLOCK}"
    current = "g*(B - A)*block*(E - v)"


@dataclass(frozen=True, eq=False, repr=False)
class KineticNMDA(TwoState):
    """NMDA receptor as a two-state scheme with magnesium block: 0.072 /(mM ms), 6.6 /s.

    References
    ----------
    Destexhe, Mainen and Sejnowski (1998), in Koch and Segev, Methods in Neuronal Modeling, ch. 1.
    """

    alpha: Quantity = quantity(0.072 / (mM * ms), "rate of binding", above=0 / (mM * ms))
    beta: Quantity = quantity(6.6 * hertz, "rate of unbinding", above=0 * hertz)
    Mg: Quantity = quantity(1 * mM, "extracellular magnesium", at_least=0 * mM)
    transmitter = "glutamate"

    equations = f"{TwoState.equations}\n{BLOCK}"
    current = "g*r*block*(E - v)"
