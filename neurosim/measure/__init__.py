"""Intrinsic properties of a neuron: measured on a trace, or by runs of any neuron."""

from neurosim.measure.efel_features import efel_features
from neurosim.measure.excitability import (
    StrengthDuration,
    ThresholdLaw,
    rheobase,
    strength_duration,
)
from neurosim.measure.intrinsic import Intrinsic, fi_curve, intrinsic
from neurosim.measure.passive import StepResponse, step_response
from neurosim.measure.spikes import Spikes, adaptation_index, measure_spikes, step_features

__all__ = [
    "Intrinsic",
    "Spikes",
    "StepResponse",
    "StrengthDuration",
    "ThresholdLaw",
    "adaptation_index",
    "efel_features",
    "fi_curve",
    "intrinsic",
    "measure_spikes",
    "rheobase",
    "step_features",
    "step_response",
    "strength_duration",
]
