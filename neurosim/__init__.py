"""Neurons, described by what they are and run with Brian2.

Names are loaded when first used, so that `neurosim.errors` does not bring the simulator with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.catalogue import LIF as LIF
    from neurosim.catalogue import AdEx as AdEx
    from neurosim.catalogue import HodgkinHuxley as HodgkinHuxley
    from neurosim.catalogue import TraubMiles as TraubMiles
    from neurosim.catalogue.textbook import textbook_neuron as textbook_neuron
    from neurosim.custom.point_model import from_brian2 as from_brian2
    from neurosim.describe.circuit import Circuit as Circuit
    from neurosim.describe.neuron import Neuron as Neuron
    from neurosim.describe.point_neuron import PointNeuron as PointNeuron
    from neurosim.describe.wiring import FeedForward as FeedForward
    from neurosim.run.recording import Recording as Recording
    from neurosim.run.simulate import simulate as simulate
    from neurosim.stimuli import Constant as Constant
    from neurosim.stimuli import FrozenNoise as FrozenNoise
    from neurosim.stimuli import OrnsteinUhlenbeck as OrnsteinUhlenbeck
    from neurosim.stimuli import Ramp as Ramp
    from neurosim.stimuli import Steps as Steps
    from neurosim.stimuli import Stimulus as Stimulus
    from neurosim.stimuli import WhiteNoise as WhiteNoise

_PLACES = {
    **dict.fromkeys(["LIF", "AdEx", "HodgkinHuxley", "TraubMiles"], "neurosim.catalogue"),
    **dict.fromkeys(
        ["Constant", "FrozenNoise", "OrnsteinUhlenbeck", "Ramp", "Steps", "Stimulus", "WhiteNoise"],
        "neurosim.stimuli",
    ),
    "textbook_neuron": "neurosim.catalogue",
    "FeedForward": "neurosim.describe.wiring",
    "Neuron": "neurosim.describe.neuron",
    "Circuit": "neurosim.describe.circuit",
    "from_brian2": "neurosim.custom.point_model",
    "PointNeuron": "neurosim.describe.point_neuron",
    "Recording": "neurosim.run.recording",
    "simulate": "neurosim.run.simulate",
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'neurosim' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__
