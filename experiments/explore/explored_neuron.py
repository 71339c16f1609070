"""Cells as the explorer shows them: watched everywhere, with synapses to be placed.

The explorer's page and the Python lines that it shows call the same function, so both run the same
description: a synapse that nobody placed is there too, and nothing arrives at it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, mV, nS, pA

from neurosim import Constant, catalogue
from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.morphology import Compartments, Site, at, every, everywhere, tagged
from neurosim.morphology.picture import drawn_frusta
from neurosim.quantities import check_quantity
from neurosim.synapses import AMPA, GABAA, Events

__all__ = ["DENDRITE", "RECEIVING", "explored_neuron", "shape_data", "site_data"]

#: Where synapses can be placed: each compartment of these.
RECEIVING = every(tagged("soma") | tagged("dendrite"))
#: By name in the catalogue: where in the dendrites a cell is traced, and a current enters.
DENDRITE: dict[str, Site] = {
    "textbook_neuron": at("apical", 0.8),
    "fast_spiking_interneuron": at("basal0_[1]", 0.5),
    "ca1_pyramidal": at("trunk", 0.9),
    "layer5_pyramidal": at("trunk", 0.9),
    "spinal_motoneuron": at("basal3_[3]", 0.5),
    "purkinje_cell": at("dendrite[30]", 0.5),
}
#: Where it is traced at the end of its axon.
TERMINAL = at("axon", 1.0)
#: Peak conductance of one quantum; a synapse sends several.
QUANTUM = 0.5 * nS
#: Peak conductance of a synapse, and when it acts, until a reader chooses others.
SYNAPSE_PEAK = 2 * nS
SYNAPSE_TIME = 5 * ms

Places = Iterable[tuple[str, float]]


def explored_neuron(
    excitatory: Places = (),
    inhibitory: Places = (),
    *,
    of: str = "textbook_neuron",
    excitatory_peak: Quantity = SYNAPSE_PEAK,
    inhibitory_peak: Quantity = SYNAPSE_PEAK,
    excitatory_time: Quantity = SYNAPSE_TIME,
    inhibitory_time: Quantity = SYNAPSE_TIME,
) -> Neuron:
    """Return a cell of the catalogue with synapses, a second electrode, and probes everywhere.

    Parameters
    ----------
    excitatory, inhibitory : iterable of (str, float)
        Where an AMPA and a GABA-A synapse acts: branch, and 0 for its proximal end, 1 for its
        distal end. A place that occurs twice has two synapses.
    of : str
        Which cell: a name of `DENDRITE`.
    excitatory_peak, inhibitory_peak : Quantity
        Peak conductance of each synapse, in siemens.
    excitatory_time, inhibitory_time : Quantity
        When all of them act once, in second.

    Returns
    -------
    Neuron
        The labels of what was added are ``excitatory`` and ``inhibitory``; ``into_dendrite``, a
        current of 0 pA into a dendrite, and ``dendrite``, a probe there; ``terminal``, a probe and
        a detector at the end of the axon; ``cell``, the potential everywhere.

    Raises
    ------
    ParameterError
        A place is neither on the soma nor on a dendrite, or a number is negative.
    UnknownNameError
        The explorer shows no such cell.
    UnitError
        A conductance or a time has another unit.

    Examples
    --------
    >>> neuron = explored_neuron([("apical", 0.5), ("apical", 0.5)])
    >>> [int(events.weight.sum()) for events in neuron.placed[0].arrivals if len(events.time_s)]
    [8]
    """
    if of not in DENDRITE:
        raise UnknownNameError(f"explored_neuron: no cell {of!r} is shown: {suggest(of, DENDRITE)}")
    neuron: Neuron = getattr(catalogue, of)()
    cut = neuron.compartments
    for part, places, peak, time, label in (
        (AMPA(g=QUANTUM), excitatory, excitatory_peak, excitatory_time, "excitatory"),
        (GABAA(g=QUANTUM), inhibitory, inhibitory_peak, inhibitory_time, "inhibitory"),
    ):
        check_quantity(time, 5 * ms, f"explored_neuron: {label}_time", at_least=0 * ms)
        check_quantity(peak, 1 * nS, f"explored_neuron: {label}_peak", at_least=0 * nS)
        counts, quanta = _counted(places, cut, label), float(peak / QUANTUM)
        arriving = [_events(counts[int(k)] * quanta, time) for k in RECEIVING.compartments(cut)]
        neuron = neuron.place(part, RECEIVING, arriving, label=label)
    neuron = neuron.place(Constant(0 * pA), DENDRITE[of], label="into_dendrite")
    for name, where in (("dendrite", DENDRITE[of]), ("terminal", TERMINAL)):
        # Some cells of the catalogue are traced in this very place themselves.
        if name not in {probe.label for probe in neuron.probed}:
            neuron = neuron.probe("v", where, label=name)
    neuron = neuron.detect(TERMINAL, -20 * mV, label="terminal")
    return neuron.probe("v", everywhere, label="cell")


def _counted(places: Places, cut: Compartments, label: str) -> Counter[int]:
    """Return how many synapses there are in each compartment."""
    receiving = set(RECEIVING.compartments(cut).tolist())
    counts: Counter[int] = Counter()
    for branch, position in places:
        (here,) = at(branch, position).compartments(cut).tolist()
        if here not in receiving:
            raise ParameterError(
                f"explored_neuron: {label} synapses lie on the soma or a dendrite; {branch!r} is "
                "neither"
            )
        counts[here] += 1
    return counts


def _events(weight: float, time: Quantity) -> Events:
    return Events(np.array([float(time)]), np.array([weight])) if weight else _NOTHING


_NOTHING = Events(np.zeros(0), np.zeros(0))


def shape_data(neuron: Neuron) -> dict[str, Any]:
    """Return how a neuron is drawn, seen along the third axis, as plain values.

    Parameters
    ----------
    neuron : Neuron

    Returns
    -------
    dict
        ``pieces``: of each frustum x, y of both ends and both diameters (µm) and its compartment;
        and of each compartment ``branch``, ``position`` of its middle, and path ``distance`` (µm).
    """
    cut = neuron.compartments
    begin, end, wide, owner = drawn_frusta(cut)
    table = np.column_stack([begin[:, :2], end[:, :2], wide]) * 1e6
    middles = [cut.middle(k) for k in range(len(cut))]
    return {
        "pieces": [
            [*np.round(row, 3).tolist(), int(k)] for row, k in zip(table, owner, strict=True)
        ],
        "branch": [name for name, _ in middles],
        "position": [round(place, 4) for _, place in middles],
        "distance": np.round(cut.distance_m * 1e6, 2).tolist(),
    }


def site_data(neuron: Neuron) -> list[int]:
    """Return the compartments at which synapses can be placed, in the order of their sites."""
    return [int(k) for k in RECEIVING.compartments(neuron.compartments)]
