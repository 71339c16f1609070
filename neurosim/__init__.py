"""Neurons, described by what they are and run with Brian2.

Names are loaded when first used, so that `neurosim.errors` does not bring the simulator with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.catalogue import LIF, AdEx, HodgkinHuxley, TraubMiles
    from neurosim.catalogue.textbook import textbook_neuron
    from neurosim.cell import Neuron
    from neurosim.circuit import Circuit
    from neurosim.custom import from_brian2
    from neurosim.neuron import PointNeuron
    from neurosim.recording import Recording
    from neurosim.simulation import simulate
    from neurosim.stimuli import (
        Constant,
        FrozenNoise,
        OrnsteinUhlenbeck,
        Ramp,
        Steps,
        Stimulus,
        WhiteNoise,
    )
    from neurosim.wiring import FeedForward

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
    "FeedForward": "neurosim.wiring",
    "Neuron": "neurosim.cell",
    "Circuit": "neurosim.circuit",
    "from_brian2": "neurosim.custom",
    "PointNeuron": "neurosim.neuron",
    "Recording": "neurosim.recording",
    "simulate": "neurosim.simulation",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'neurosim' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__
