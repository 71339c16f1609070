"""Ready neurons, one a file, each a few lines of equations with its source."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from neurosim.catalogue.adex import AdEx
from neurosim.catalogue.hodgkin_huxley import HodgkinHuxley
from neurosim.catalogue.lif import LIF
from neurosim.catalogue.traub_miles import TraubMiles

_CELLS = {
    **dict.fromkeys(
        [
            "initiation_membrane",
            "textbook_adex",
            "textbook_lif",
            "textbook_membrane",
            "textbook_morphology",
            "textbook_neuron",
            "with_textbook_axon",
        ],
        "textbook",
    ),
    "axon_arrivals": "motoneuron",
    "bipolar_cell": "bipolar",
    "ca1_pyramidal": "pyramidal",
    "fast_spiking_interneuron": "interneuron",
    "layer5_pyramidal": "pyramidal",
    "spinal_motoneuron": "motoneuron",
    "purkinje_cell": "purkinje",
    "with_parallel_fibres": "purkinje",
}

__all__ = ["LIF", "AdEx", "HodgkinHuxley", "TraubMiles", *_CELLS]


def __getattr__(name: str) -> Any:
    # Cells with extent bring morphologies and channels with them: loaded when first used.
    if name not in _CELLS:
        raise AttributeError(f"module 'neurosim.catalogue' has no attribute {name!r}")
    return getattr(import_module(f"neurosim.catalogue.{_CELLS[name]}"), name)
