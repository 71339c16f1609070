"""The shape of a neuron: branches, how they are cut into compartments, and places on them."""

from neurosim.morphology.axons import (
    Sheath,
    axon,
    myelinated_axon,
    soma_with_axon,
    telodendria,
)
from neurosim.morphology.build import ball_and_stick, cone, cylinder, polyline, tree
from neurosim.morphology.compartments import Compartments
from neurosim.morphology.discretisation import DLambda, MaxLength, PerBranch, Rule
from neurosim.morphology.errors import MorphologyError, MorphologyNote, MorphologyWarning
from neurosim.morphology.geometry import TAGS, Branch
from neurosim.morphology.picture import plot_morphology
from neurosim.morphology.reconstruction.any_file import SHAPE_ENDINGS, read_shape
from neurosim.morphology.regions import (
    Region,
    branch,
    distance,
    everywhere,
    numbered,
    order,
    radius,
    subtree,
    tagged,
)
from neurosim.morphology.shape import Morphology
from neurosim.morphology.sites import (
    Site,
    at,
    by_density,
    centre,
    every,
    every_nth,
    points,
    root_site,
    tips,
    uniformly,
)
from neurosim.morphology.swc import read_swc, read_swc_forest

__all__ = [
    "SHAPE_ENDINGS",
    "TAGS",
    "Branch",
    "Compartments",
    "DLambda",
    "MaxLength",
    "Morphology",
    "MorphologyError",
    "MorphologyNote",
    "MorphologyWarning",
    "PerBranch",
    "Region",
    "Rule",
    "Sheath",
    "Site",
    "at",
    "axon",
    "ball_and_stick",
    "branch",
    "by_density",
    "centre",
    "cone",
    "cylinder",
    "distance",
    "every",
    "every_nth",
    "everywhere",
    "myelinated_axon",
    "numbered",
    "order",
    "plot_morphology",
    "points",
    "polyline",
    "radius",
    "read_shape",
    "read_swc",
    "read_swc_forest",
    "root_site",
    "soma_with_axon",
    "subtree",
    "tagged",
    "telodendria",
    "tips",
    "tree",
    "uniformly",
]
