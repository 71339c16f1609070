"""Injected currents: constant, steps, pulses, ramp, white and coloured noise, frozen noise."""

from neurosim.stimuli.base import Drive, Stimulus, Sum
from neurosim.stimuli.constant import Constant
from neurosim.stimuli.frozen import FrozenNoise
from neurosim.stimuli.ornstein_uhlenbeck import OrnsteinUhlenbeck
from neurosim.stimuli.pulses import Pulses
from neurosim.stimuli.ramp import Ramp
from neurosim.stimuli.steps import Steps
from neurosim.stimuli.white_noise import WhiteNoise

__all__ = [
    "Constant",
    "Drive",
    "FrozenNoise",
    "OrnsteinUhlenbeck",
    "Pulses",
    "Ramp",
    "Steps",
    "Stimulus",
    "Sum",
    "WhiteNoise",
]
