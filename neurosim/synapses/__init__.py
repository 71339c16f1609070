"""Receptors as parts, the events that open them, modulators and spines."""

from neurosim.synapses.base import Receptor
from neurosim.synapses.events import Events
from neurosim.synapses.exponential import (
    AMPA,
    GABAA,
    GABAB,
    NMDA,
    DoubleExponential,
    Exponential,
    Nicotinic,
    magnesium_block,
)
from neurosim.synapses.kinetic import (
    KineticAMPA,
    KineticGABAA,
    KineticGABAB,
    KineticNMDA,
    TwoState,
)
from neurosim.synapses.modulators import Dopamine
from neurosim.synapses.spine import Spine

__all__ = [
    "AMPA",
    "GABAA",
    "GABAB",
    "NMDA",
    "Dopamine",
    "DoubleExponential",
    "Events",
    "Exponential",
    "KineticAMPA",
    "KineticGABAA",
    "KineticGABAB",
    "KineticNMDA",
    "Nicotinic",
    "Receptor",
    "Spine",
    "TwoState",
    "magnesium_block",
]
