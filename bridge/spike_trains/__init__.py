"""What a rate unit cannot say of a cell: adaptation, timing, reliability, information."""

from __future__ import annotations

from bridge.spike_trains.distances import (
    coincidence_factor,
    isi_distance,
    spike_distance,
    van_rossum,
)
from bridge.spike_trains.information import (
    Bits,
    bin_information,
    gaussian_information,
    spike_information,
)
from bridge.spike_trains.reliability import Reliability, nth_spike_jitter, reliability
from bridge.spike_trains.score import RateScore, score_rates
from bridge.spike_trains.step_features import StepFeatures, step_features

__all__ = [
    "Bits",
    "RateScore",
    "Reliability",
    "StepFeatures",
    "bin_information",
    "coincidence_factor",
    "gaussian_information",
    "isi_distance",
    "nth_spike_jitter",
    "reliability",
    "score_rates",
    "spike_distance",
    "spike_information",
    "step_features",
    "van_rossum",
]
