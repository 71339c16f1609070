"""Injected currents: constant, steps, ramp, white and coloured noise, frozen noise."""

from neurosim.stimuli.base import Drive, Stimulus, Sum
from neurosim.stimuli.constant import Constant
from neurosim.stimuli.frozen import FrozenNoise
from neurosim.stimuli.noise import OrnsteinUhlenbeck, WhiteNoise
from neurosim.stimuli.ramp import Ramp
from neurosim.stimuli.steps import Steps

__all__ = [
    "Constant",
    "Drive",
    "FrozenNoise",
    "OrnsteinUhlenbeck",
    "Ramp",
    "Steps",
    "Stimulus",
    "Sum",
    "WhiteNoise",
]
