"""The amplifier's modes: voltage clamp, dynamic clamp, current clamp through an electrode."""

from neurosim.clamps.current_clamp import CurrentClamp
from neurosim.clamps.dynamic_clamp import DynamicClamp
from neurosim.clamps.voltage_clamp import VoltageClamp

__all__ = ["CurrentClamp", "DynamicClamp", "VoltageClamp"]
