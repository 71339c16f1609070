"""Neurons, described by what they are and run with Brian2.

Names are loaded when first used, so that `neurosim.errors` does not bring the simulator with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.catalogue import LIF, AdEx, HodgkinHuxley, TraubMiles
    from neurosim.catalogue.textbook import textbook_neuron
    from neurosim.custom.point_model import from_brian2
    from neurosim.describe.circuit import Circuit
    from neurosim.describe.neuron import Neuron
    from neurosim.describe.point_neuron import PointNeuron
    from neurosim.describe.wiring import FeedForward
    from neurosim.run.recording import Recording
    from neurosim.run.simulate import simulate
    from neurosim.stimuli import (
        Constant,
        FrozenNoise,
        OrnsteinUhlenbeck,
        Ramp,
        Steps,
        Stimulus,
        WhiteNoise,
    )

__all__ = [
    "LIF",
    "AdEx",
    "Circuit",
    "Constant",
    "FeedForward",
    "FrozenNoise",
    "HodgkinHuxley",
    "Neuron",
    "OrnsteinUhlenbeck",
    "PointNeuron",
    "Ramp",
    "Recording",
    "Steps",
    "Stimulus",
    "TraubMiles",
    "WhiteNoise",
    "from_brian2",
    "simulate",
    "textbook_neuron",
]

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


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'neurosim' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__
