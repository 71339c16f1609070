"""What axons end on: terminals that turn spikes into quanta of transmitter."""

from neurosim.terminals.base import Terminal
from neurosim.terminals.branching import release_at_all
from neurosim.terminals.plasticity import DepletingRelease, SteadyRelease, TsodyksMarkram
from neurosim.terminals.quantal import QuantalRelease, SpontaneousRelease
from neurosim.terminals.stdp import STDP
from neurosim.terminals.transmitters import TRANSMITTERS, check_match, receptors_of
from neurosim.terminals.weight_course import WeightCourse

__all__ = [
    "STDP",
    "TRANSMITTERS",
    "DepletingRelease",
    "QuantalRelease",
    "SpontaneousRelease",
    "SteadyRelease",
    "Terminal",
    "TsodyksMarkram",
    "WeightCourse",
    "check_match",
    "receptors_of",
    "release_at_all",
]
