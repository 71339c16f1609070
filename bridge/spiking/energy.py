r"""What a decision costs: spikes, synaptic operations, ATP, beside the operations of the network.

Brains pay in ATP for three things: sending sodium out again after an action potential, after every
synaptic event, and all the time at rest. The numbers per neuron are those of Attwell and Laughlin
(2001, J Cereb Blood Flow Metab 21:1133), for a rodent's cortical cell with 8000 terminals that
release with probability 0.25. Howarth, Gleeson and Attwell (2012, J Cereb Blood Flow Metab 32:1222)
lowered the cost of the action potential by a factor of 1.24 / 4, since sodium and potassium
currents overlap less than in the squid axon. Both add up to the shares these papers publish.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from brian2.units import Quantity

from bridge.spiking.spiking_network import SpikingRun

__all__ = ["ATTWELL_LAUGHLIN", "HOWARTH", "AtpModel", "Cost", "cost"]

# Free energy of ATP in a cell, about 50 kJ/mol, a molecule at a time.
JOULE_PER_ATP = 50e3 / 6.022e23
# Horowitz (2014, ISSCC): a 32-bit floating-point multiplication and addition, 45 nm, no memory.
JOULE_PER_MAC = 4.6e-12
JOULE_PER_ADDITION = 0.9e-12


@dataclass(frozen=True)
class AtpModel:
    """ATP molecules for each thing a neuron does.

    Attributes
    ----------
    name : str
    spike : float
        An action potential.
    postsynaptic : float
        Pumping out what one released vesicle lets into the next cell.
    presynaptic : float
        Calcium and recycling at the terminal, for each vesicle.
    rest : float
        Resting potentials of a neuron and its glia, for each second.

    Examples
    --------
    >>> shares = ATTWELL_LAUGHLIN.shares(rate_Hz=4, events_per_spike=2000)
    >>> {name: round(100 * share) for name, share in shares.items()}
    {'action potentials': 47, 'postsynaptic': 34, 'presynaptic': 6, 'rest': 14}
    """

    name: str
    spike: float
    postsynaptic: float
    presynaptic: float
    rest: float

    def molecules(self, spikes: float, events: float, seconds: float) -> dict[str, float]:
        """Return ATP molecules by what they are spent on.

        Parameters
        ----------
        spikes : float
            Action potentials.
        events : float
            Vesicles released, one a synaptic event.
        seconds : float
            Neurons times seconds.
        """
        return {
            "action potentials": self.spike * spikes,
            "postsynaptic": self.postsynaptic * events,
            "presynaptic": self.presynaptic * events,
            "rest": self.rest * seconds,
        }

    def shares(self, rate_Hz: float, events_per_spike: float) -> dict[str, float]:
        """Return the share of each at a firing rate, for a neuron with so many terminals."""
        found = self.molecules(rate_Hz, rate_Hz * events_per_spike, 1.0)
        total = sum(found.values())
        return {name: value / total for name, value in found.items()}


ATTWELL_LAUGHLIN = AtpModel(
    "Attwell and Laughlin 2001",
    spike=3.84e8,
    postsynaptic=1.37e5,
    presynaptic=2.3e4,
    rest=3.42e8 + 1.02e8,
)
HOWARTH = replace(ATTWELL_LAUGHLIN, name="Howarth et al. 2012", spike=3.84e8 * 1.24 / 4)


@dataclass(frozen=True)
class Cost:
    """What one decision costs, averaged over the samples of a run.

    Attributes
    ----------
    time_s : float
        Time of the decision after onset.
    spikes : float
        Of all neurons, from onset to decision.
    synaptic_operations : float
        Spikes times the synapses they reach, output layer included.
    input_operations : int
        Products of the first layer, made once: its input is a constant current.
    ann_operations : int
        Multiplications and additions of the trained network.
    neurons : int
        Neurons that run.
    atp : dict of str to float
        Molecules, by what they are spent on.
    model : str
        Which numbers were used.
    """

    time_s: float
    spikes: float
    synaptic_operations: float
    input_operations: int
    ann_operations: int
    neurons: int
    atp: dict[str, float]
    model: str

    @property
    def atp_total(self) -> float:
        """All molecules."""
        return sum(self.atp.values())

    @property
    def atp_joule(self) -> float:
        """Energy of these molecules, in joule."""
        return self.atp_total * JOULE_PER_ATP

    @property
    def ann_joule(self) -> float:
        """Energy of the network's operations on a 45 nm chip, memory left out, in joule."""
        return self.ann_operations * JOULE_PER_MAC

    @property
    def spiking_joule(self) -> float:
        """Energy of synaptic operations as additions on such a chip, memory left out, in joule.

        The usual figure of merit of spiking networks. It counts neither memory nor the update of
        neurons between spikes, and so flatters them.
        """
        return self.synaptic_operations * JOULE_PER_ADDITION + self.input_operations * JOULE_PER_MAC

    def to_dict(self) -> dict[str, Any]:
        """Return every number as plain values."""
        return {
            **vars(self),
            "atp_total": self.atp_total,
            "atp_joule": self.atp_joule,
            "ann_joule": self.ann_joule,
            "spiking_joule": self.spiking_joule,
        }


def cost(run: SpikingRun, at: Quantity | None = None, model: AtpModel = HOWARTH) -> Cost:
    """Count what a decision costs.

    Every synapse that a spike reaches is one event of one vesicle; a network on a chip of neurons
    pays as a brain would for the same numbers of spikes, events and seconds.

    Parameters
    ----------
    run : SpikingRun
        What ran.
    at : Quantity, optional
        Time of the decision (default: the end).
    model : AtpModel
        Price list.

    Returns
    -------
    Cost
    """
    network = run.network
    time = run.time_s(at)
    spikes = run.spikes_by_neuron(at)
    outgoing = [np.count_nonzero(layer.weights_pA, axis=1) for layer in network.layers[1:]]
    outgoing.append(np.count_nonzero(network.output_weights, axis=1))
    reached = np.concatenate(outgoing)
    mean = spikes.mean(axis=0)
    events = float(mean @ reached)
    sizes = [network.split.sizes[0], *(c.units for c in network.split.copies)]
    sizes.append(network.split.sizes[-1])
    return Cost(
        time_s=time,
        spikes=float(mean.sum()),
        synaptic_operations=events,
        input_operations=int(np.count_nonzero(network.layers[0].weights_pA)),
        ann_operations=int(sum(a * b for a, b in pairwise(sizes))),
        neurons=len(reached),
        atp=model.molecules(float(mean.sum()), events, len(reached) * time),
        model=model.name,
    )
