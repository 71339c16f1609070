"""What an axon does: how fast a spike travels, where it fails, and a delay to replace it."""

from neurosim.axon.conduction import conduction_velocity, travel_times
from neurosim.axon.delay import DelayLine
from neurosim.axon.mammalian_fibre import mammalian_fibre
from neurosim.axon.myelin import demyelinated, myelinated
from neurosim.axon.node_glia import axon_and_glia

__all__ = [
    "DelayLine",
    "axon_and_glia",
    "conduction_velocity",
    "demyelinated",
    "mammalian_fibre",
    "myelinated",
    "travel_times",
]
