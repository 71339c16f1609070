"""What an axon does: how fast a spike travels, where it fails, and the delay that stands for it."""

from neurosim.axon.conduction import conduction_velocity, travel_times
from neurosim.axon.delay import DelayLine
from neurosim.axon.mammalian_fibre import mammalian_fibre
from neurosim.axon.myelin import demyelinated, myelinated

__all__ = [
    "DelayLine",
    "conduction_velocity",
    "demyelinated",
    "mammalian_fibre",
    "myelinated",
    "travel_times",
]
