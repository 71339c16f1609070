"""Outside the membrane: potentials at electrodes, fields that act, and the space with its ions."""

from neurosim.outside.electrodes import ElectrodeArray, ExtracellularPotential
from neurosim.outside.extracellular import Extracellular
from neurosim.outside.fields import Field, PointElectrodes, UniformField
from neurosim.outside.placement import Placement
from neurosim.outside.space import Space, SpaceAlong

__all__ = [
    "ElectrodeArray",
    "Extracellular",
    "ExtracellularPotential",
    "Field",
    "Placement",
    "PointElectrodes",
    "Space",
    "SpaceAlong",
    "UniformField",
]
