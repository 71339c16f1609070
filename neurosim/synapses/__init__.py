"""Receptors as parts, the events that open them, modulators and spines."""

from neurosim.synapses.ampa import AMPA, KineticAMPA
from neurosim.synapses.base import Receptor
from neurosim.synapses.calcium_plasticity import PlasticAMPA
from neurosim.synapses.chloride_gaba_a import ChlorideGABAA, KineticChlorideGABAA
from neurosim.synapses.dopamine import Dopamine
from neurosim.synapses.events import Events
from neurosim.synapses.exponential import DoubleExponential, Exponential
from neurosim.synapses.gaba_a import GABAA, KineticGABAA
from neurosim.synapses.gaba_b import GABAB, KineticGABAB
from neurosim.synapses.nicotinic import Nicotinic
from neurosim.synapses.nmda import NMDA, KineticNMDA, magnesium_block
from neurosim.synapses.spine import Spine
from neurosim.synapses.two_state import TwoState

__all__ = [
    "AMPA",
    "GABAA",
    "GABAB",
    "NMDA",
    "ChlorideGABAA",
    "Dopamine",
    "DoubleExponential",
    "Events",
    "Exponential",
    "KineticAMPA",
    "KineticChlorideGABAA",
    "KineticGABAA",
    "KineticGABAB",
    "KineticNMDA",
    "Nicotinic",
    "PlasticAMPA",
    "Receptor",
    "Spine",
    "TwoState",
    "magnesium_block",
]
