"""Cells of one kind in a circuit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.describe.course import Course
from neurosim.describe.neuron import Neuron
from neurosim.stimuli import Stimulus

__all__ = ["Population"]


@dataclass(frozen=True)
class Population:
    """Cells that share a description; what differs between them is an array."""

    neuron: Neuron
    count: int
    stimulus: Stimulus | None
    batch: Mapping[str, Any]
    courses: Mapping[str, Course | Sequence[Course]] = field(default_factory=dict)
    positions_um: np.ndarray | None = None
