"""Models of the Allen Institute's Cell Types Database: their files as a neuron."""

from neurosim.allen.allen_cell import AXONS, allen_files, from_allen
from neurosim.allen.allen_file import SECTIONS, AllenFit, read_allen_fit
from neurosim.allen.errors import AllenError

__all__ = [
    "AXONS",
    "SECTIONS",
    "AllenError",
    "AllenFit",
    "allen_files",
    "from_allen",
    "read_allen_fit",
]
