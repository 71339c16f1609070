from .catalogue import LIF as LIF
from .catalogue import AdEx as AdEx
from .catalogue import HodgkinHuxley as HodgkinHuxley
from .catalogue import TraubMiles as TraubMiles
from .catalogue.textbook import textbook_neuron as textbook_neuron
from .clamps import CurrentClamp as CurrentClamp
from .clamps import DynamicClamp as DynamicClamp
from .clamps import VoltageClamp as VoltageClamp
from .custom.point_model import from_brian2 as from_brian2
from .describe.circuit import Circuit as Circuit
from .describe.course import Course as Course
from .describe.neuron import Neuron as Neuron
from .describe.point_neuron import PointNeuron as PointNeuron
from .describe.wiring import FeedForward as FeedForward
from .run.recording import Recording as Recording
from .run.simulate import settle as settle
from .run.simulate import simulate as simulate
from .run.state import State as State
from .stimuli import Constant as Constant
from .stimuli import FrozenNoise as FrozenNoise
from .stimuli import OrnsteinUhlenbeck as OrnsteinUhlenbeck
from .stimuli import Pulses as Pulses
from .stimuli import Ramp as Ramp
from .stimuli import Steps as Steps
from .stimuli import Stimulus as Stimulus
from .stimuli import WhiteNoise as WhiteNoise

__version__: str
