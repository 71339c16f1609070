"""Electricity outside the membrane: potentials at electrodes, and fields that act on a neuron."""

from neurosim.outside.electrodes import ElectrodeArray, ExtracellularPotential
from neurosim.outside.extracellular import Extracellular
from neurosim.outside.fields import Field, PointElectrodes, UniformField
from neurosim.outside.placement import Placement

__all__ = [
    "ElectrodeArray",
    "Extracellular",
    "ExtracellularPotential",
    "Field",
    "Placement",
    "PointElectrodes",
    "UniformField",
]
