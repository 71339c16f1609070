"""Neurons by name, as commands take them."""

from __future__ import annotations

from typing import Any

__all__ = ["CELLS", "MODELS", "known_name", "named_neuron"]

# Point neurons.
MODELS = ("LIF", "AdEx", "HodgkinHuxley", "TraubMiles")
# With dendrites and axon; their parameters are painted, so --set does not reach them.
CELLS = (
    "textbook_neuron",
    "ca1_pyramidal",
    "layer5_pyramidal",
    "purkinje_cell",
    "fast_spiking_interneuron",
    "spinal_motoneuron",
)


def known_name(text: str) -> str:
    """Return the name of a neuron as it is spelt, for a text in any case; "" for another text.

    Examples
    --------
    >>> known_name("lif"), known_name("hodgkinhuxley"), known_name("cell.csv")
    ('LIF', 'HodgkinHuxley', '')
    """
    spelt = {name.casefold(): name for name in (*MODELS, *CELLS)}
    return spelt.get(text.casefold(), "")


def named_neuron(name: str) -> Any:
    """Return the neuron of one of the names in `MODELS` or `CELLS`."""
    import neurosim
    import neurosim.catalogue

    return getattr(neurosim if name in MODELS else neurosim.catalogue, name)()
