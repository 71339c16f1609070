"""Nicotinic acetylcholine receptors of the muscle end-plate."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, ms, mV, nS

from neurosim.quantities import quantity
from neurosim.synapses.exponential import DoubleExponential

__all__ = ["Nicotinic"]


@dataclass(frozen=True, eq=False, repr=False)
class Nicotinic(DoubleExponential):
    """Acetylcholine receptors under one quantum at the muscle end-plate.

    50 nS, 0.2 / 1.3 ms, reversal -10 mV; an average neuronal synapse is a hundredfold smaller.

    References
    ----------
    Anderson and Stevens (1973), J Physiol 235:655. Hille (2001), Ion Channels of Excitable
    Membranes, ch. 6.
    """

    g: Quantity = quantity(50 * nS, "peak conductance of one quantum", at_least=0 * nS)
    E: Quantity = quantity(-10 * mV, "reversal potential")
    tau_rise: Quantity = quantity(0.2 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(1.3 * ms, "time constant of the decay", above=0 * ms)
    transmitter = "acetylcholine"
