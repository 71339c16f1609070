"""Neurons for other simulators and from them: written, compared, and read."""

from neurosim.exchange.arbor.arbor_check import check_against_arbor
from neurosim.exchange.arbor.arbor_out import InArbor, to_arbor
from neurosim.exchange.check import NeuronCheck, Traced, Watched, check_against_neuron
from neurosim.exchange.errors import ExchangeError, ExchangeWarning
from neurosim.exchange.neuron_in import from_neuron
from neurosim.exchange.neuron_out import InNeuron, to_neuron

__all__ = [
    "ExchangeError",
    "ExchangeWarning",
    "InArbor",
    "InNeuron",
    "NeuronCheck",
    "Traced",
    "Watched",
    "check_against_arbor",
    "check_against_neuron",
    "from_neuron",
    "to_arbor",
    "to_neuron",
]
