"""Receptors as parts, and the events that open them."""

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

__all__ = [
    "AMPA",
    "GABAA",
    "GABAB",
    "NMDA",
    "DoubleExponential",
    "Events",
    "Exponential",
    "Nicotinic",
    "Receptor",
    "magnesium_block",
]
