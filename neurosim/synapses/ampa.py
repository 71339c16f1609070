"""AMPA receptors: fast excitation by glutamate, as a double exponential and as a kinetic scheme."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, ms

from neurosim.quantities import quantity
from neurosim.synapses.exponential import DoubleExponential
from neurosim.synapses.two_state import TwoState

__all__ = ["AMPA", "KineticAMPA"]


@dataclass(frozen=True, eq=False, repr=False)
class AMPA(DoubleExponential):
    """Fast glutamate receptor: reversal 0 mV, 0.2 / 1.7 ms at 35 °C.

    References
    ----------
    Häusser and Roth (1997), J Neurosci 17:7606 (time course). Destexhe, Mainen and Sejnowski
    (1998), in Koch and Segev, Methods in Neuronal Modeling, ch. 1 (quantal conductance
    0.35-1 nS, reversal).
    """

    tau_rise: Quantity = quantity(0.2 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(1.7 * ms, "time constant of the decay", above=0 * ms)
    transmitter = "glutamate"


@dataclass(frozen=True, eq=False, repr=False)
class KineticAMPA(TwoState):
    """AMPA receptor as a two-state scheme: 1.1 /(mM ms), 190 /s.

    References
    ----------
    Destexhe, Mainen and Sejnowski (1998), in Koch and Segev, Methods in Neuronal Modeling, ch. 1.
    """

    transmitter = "glutamate"
