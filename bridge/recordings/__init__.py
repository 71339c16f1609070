"""Recorded cells: sweeps in, spikes counted in each current step, an f-I curve out.

>>> from bridge.recordings import read
>>> cell = read("cell.abf")      # doctest: +SKIP
>>> cell.fi_curve()              # doctest: +SKIP
"""

from __future__ import annotations

from bridge.recordings.cell import CellRecording
from bridge.recordings.errors import REASONS, RecordingError
from bridge.recordings.formats.readers_compared import ReaderDifference, ReadersCompared
from bridge.recordings.formats.second_reader import compare_readers
from bridge.recordings.formats.sweeps import Sweep
from bridge.recordings.protocol import Protocol, Step
from bridge.recordings.read_recording import read
from bridge.recordings.synthetic import made_recording
from neurosim.features.properties import CellProperties
from neurosim.features.spike_detection import SpikeRule, find_spikes
from neurosim.features.spike_shape import SpikeShape

__all__ = [
    "REASONS",
    "CellProperties",
    "CellRecording",
    "Protocol",
    "ReaderDifference",
    "ReadersCompared",
    "RecordingError",
    "SpikeRule",
    "SpikeShape",
    "Step",
    "Sweep",
    "compare_readers",
    "find_spikes",
    "made_recording",
    "read",
]
