"""From a neuron to the smallest network that answers as it does.

`innervate` gives a cell numbered inputs, `reduce_trains` goes from a point unit to a temporal
convolution until spikes or potential are foretold well enough, `reduce_rates` from a point unit to
a two-layer formula of the firing rate. Test trials have seeds of their own and are scored once.
"""

from __future__ import annotations

from bridge.reduce.architectures import FilterBank, PointUnit, TemporalConvolution, TwoLayer
from bridge.reduce.errors import ReductionError
from bridge.reduce.files import load_reduction
from bridge.reduce.innervation import (
    Answer,
    Innervated,
    InnervatedDendrites,
    InnervatedPoint,
    innervate,
    play,
)
from bridge.reduce.input_trains import Placements, Trains
from bridge.reduce.reduced_network import ReducedNetwork
from bridge.reduce.reduction import RateReduction, TrainReduction
from bridge.reduce.scores import auc, explained_variance, functional_complexity
from bridge.reduce.search import Tolerance, check_times, reduce_rates, reduce_trains, search

__all__ = [
    "Answer",
    "FilterBank",
    "Innervated",
    "InnervatedDendrites",
    "InnervatedPoint",
    "Placements",
    "PointUnit",
    "RateReduction",
    "ReducedNetwork",
    "ReductionError",
    "TemporalConvolution",
    "Tolerance",
    "TrainReduction",
    "Trains",
    "TwoLayer",
    "auc",
    "check_times",
    "explained_variance",
    "functional_complexity",
    "innervate",
    "load_reduction",
    "play",
    "reduce_rates",
    "reduce_trains",
    "search",
]
