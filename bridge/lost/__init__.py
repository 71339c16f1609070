"""What a rate unit cannot say of a cell: adaptation, timing, reliability, information."""

from __future__ import annotations

from bridge.lost.distances import coincidence_factor, isi_distance, spike_distance, van_rossum
from bridge.lost.features import StepFeatures, step_features
from bridge.lost.information import (
    Bits,
    bin_information,
    gaussian_information,
    spike_information,
)
from bridge.lost.reliability import Reliability, nth_spike_jitter, reliability
from bridge.lost.score import RateScore, score_rates

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
