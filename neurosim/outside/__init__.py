"""Electricity outside the membrane: potentials at electrodes, and fields that act on a neuron."""

from neurosim.outside.electrodes import ElectrodeArray, ExtracellularPotential
from neurosim.outside.fields import Field, PointElectrodes, UniformField
from neurosim.outside.placement import Placement

__all__ = [
    "ElectrodeArray",
    "ExtracellularPotential",
    "Field",
    "Placement",
    "PointElectrodes",
    "UniformField",
]
