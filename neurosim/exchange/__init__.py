"""Neurons for other simulators and from them: written, compared, and read."""

from neurosim.exchange.check import NeuronCheck, Traced, Watched, check_against_neuron
from neurosim.exchange.errors import ExchangeError
from neurosim.exchange.neuron_out import InNeuron, to_neuron

__all__ = [
    "ExchangeError",
    "InNeuron",
    "NeuronCheck",
    "Traced",
    "Watched",
    "check_against_neuron",
    "to_neuron",
]
