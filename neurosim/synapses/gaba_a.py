"""GABA-A receptors: fast inhibition through chloride."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, hertz, ms, mV
from brian2.units.stdunits import mM

from neurosim.quantities import quantity
from neurosim.synapses.exponential import DoubleExponential
from neurosim.synapses.two_state import TwoState

__all__ = ["GABAA", "KineticGABAA"]


@dataclass(frozen=True, eq=False, repr=False)
class GABAA(DoubleExponential):
    """Fast inhibition through chloride: 0.5 / 5 ms, reversal -75 mV.

    The reversal potential stays and no chloride moves, also where `Chloride` is painted. For a
    receptor that moves chloride take `ChlorideGABAA`.

    References
    ----------
    Bartos et al. (2002), PNAS 99:13222 (2.5 ms between basket cells; slower elsewhere, so that 5 ms
    is a middle value). Destexhe, Mainen and Sejnowski (1998), in Koch and Segev, Methods in
    Neuronal Modeling, ch. 1 (0.25-1.2 nS).
    """

    E: Quantity = quantity(-75 * mV, "reversal potential")
    tau_decay: Quantity = quantity(5 * ms, "time constant of the decay", above=0 * ms)
    transmitter = "gaba"


@dataclass(frozen=True, eq=False, repr=False)
class KineticGABAA(TwoState):
    """GABA-A receptor as a two-state scheme: 5 /(mM ms), 180 /s.

    References
    ----------
    Destexhe, Mainen and Sejnowski (1998), in Koch and Segev, Methods in Neuronal Modeling, ch. 1.
    """

    E: Quantity = quantity(-75 * mV, "reversal potential")
    alpha: Quantity = quantity(5 / (mM * ms), "rate of binding", above=0 / (mM * ms))
    beta: Quantity = quantity(180 * hertz, "rate of unbinding", above=0 * hertz)
    transmitter = "gaba"
