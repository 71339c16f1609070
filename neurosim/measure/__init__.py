"""Intrinsic properties of a neuron: measured on a trace, or by runs of any neuron."""

from neurosim.measure.clamp_rig import ClampRig
from neurosim.measure.current_voltage import IV, iv
from neurosim.measure.efel_features import efel_features
from neurosim.measure.excitability import (
    StrengthDuration,
    ThresholdLaw,
    rheobase,
    strength_duration,
)
from neurosim.measure.gating import (
    Boltzmann,
    GatingCurve,
    activation,
    inactivation,
)
from neurosim.measure.intrinsic import Intrinsic, fi_curve, intrinsic
from neurosim.measure.passive import StepResponse, step_response
from neurosim.measure.spikes import Spikes, adaptation_index, measure_spikes, step_features
from neurosim.measure.tails import TailCurrents, tail_currents

__all__ = [
    "IV",
    "Boltzmann",
    "ClampRig",
    "GatingCurve",
    "Intrinsic",
    "Spikes",
    "StepResponse",
    "StrengthDuration",
    "TailCurrents",
    "ThresholdLaw",
    "activation",
    "adaptation_index",
    "efel_features",
    "fi_curve",
    "inactivation",
    "intrinsic",
    "iv",
    "measure_spikes",
    "rheobase",
    "step_features",
    "step_response",
    "strength_duration",
    "tail_currents",
]
