"""Neurons for other simulators and from them: written, compared, and read."""

from neurosim.exchange.allen import from_allen
from neurosim.exchange.allen_file import AllenFit, read_allen_fit
from neurosim.exchange.check import NeuronCheck, Traced, Watched, check_against_neuron
from neurosim.exchange.errors import ExchangeError, ExchangeWarning
from neurosim.exchange.neuron_in import from_neuron
from neurosim.exchange.neuron_out import InNeuron, to_neuron

__all__ = [
    "AllenFit",
    "ExchangeError",
    "ExchangeWarning",
    "InNeuron",
    "NeuronCheck",
    "Traced",
    "Watched",
    "check_against_neuron",
    "from_allen",
    "from_neuron",
    "read_allen_fit",
    "to_neuron",
]
