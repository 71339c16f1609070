"""Features of spikes, steps and cells, from plain arrays: one definition for models and recordings.

Everything here takes arrays in mV, pA and s, and knows neither a simulator nor a file format.
`neurosim.measure` calls it for models, `bridge.recordings` for recorded cells and
`bridge.spike_trains` for trains of spikes; so their numbers can be laid side by side.
"""

from __future__ import annotations

from neurosim.features.cell import CellProperties
from neurosim.features.detection import SpikeRule, find_spikes, level_crossings
from neurosim.features.intervals import (
    adaptation_index,
    cv,
    cv2,
    firing_features,
    local_variation,
)
from neurosim.features.membrane import (
    baseline,
    exponential_time_constant,
    extreme,
    is_blocked,
    sag_ratio,
    steady,
)
from neurosim.features.shape import SpikeShape, spike_shapes
from neurosim.features.step import step_features

__all__ = [
    "CellProperties",
    "SpikeRule",
    "SpikeShape",
    "adaptation_index",
    "baseline",
    "cv",
    "cv2",
    "exponential_time_constant",
    "extreme",
    "find_spikes",
    "firing_features",
    "is_blocked",
    "level_crossings",
    "local_variation",
    "sag_ratio",
    "spike_shapes",
    "steady",
    "step_features",
]
