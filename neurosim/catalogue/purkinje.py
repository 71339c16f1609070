"""The Purkinje cell of the cerebellum with its 150,000 parallel-fibre synapses."""

from __future__ import annotations

from brian2.units import Hz, Quantity, cm, mS, ms, mV, nS, um

from neurosim.catalogue.textbook import Zone, bare_neuron, initiation_membrane
from neurosim.channels.leak import Leak
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Poisson, Spines
from neurosim.morphology import at, axon, by_density, soma_with_axon, tagged, tree
from neurosim.quantities import check_quantity
from neurosim.synapses.ampa import AMPA

__all__ = ["purkinje_cell", "with_parallel_fibres"]

_UNIT = mS / cm**2


def purkinje_cell() -> Neuron:
    """Return a Purkinje cell, stylised: a soma and one dense dendritic tree of 11 mm.

    The dendrites carry spines on a fivefold membrane area (Rapp et al. count 13 spines a
    micrometre) and a low density of potassium channels; sodium spikes start in the initial segment
    and hardly enter the tree (Stuart and Häusser). Calcium channels of the dendrites are left out.

    References
    ----------
    Rapp, Segev and Yarom (1994), J Physiol 474:101 (shape, spines, passive properties). Stuart and
    Häusser (1994), Neuron 13:703.

    Examples
    --------
    >>> bool(purkinje_cell().morphology.total_length > 10000 * um)
    True
    """
    dendrite = tree(
        9, 40 * um, 5 * um, diameter_end=1 * um, length_ratio=0.92, tag="dendrite",
        direction=(0, 1, 0), spread=120.0,
    )  # fmt: skip
    shape = soma_with_axon(
        25 * um,
        dendrites=[dendrite],
        hillock_length=10 * um,
        initial_segment_length=30 * um,
        axon=axon(1000 * um, 1 * um),
    )
    cell = bare_neuron(shape, {}, R_a=150, rest=-70)
    return (
        initiation_membrane(cell)
        .paint(Spines(factor=Quantity(5.0)), tagged("dendrite"))
        .paint(Zone("dendrite", 0, 2, -62).channels(), tagged("dendrite"))
        .paint(Leak(g=0.03 * _UNIT, E=-70 * mV))
        .probe("v", at("soma", 0.5), label="soma")
        .detect(at("soma", 0.5), label="soma")
    )


def with_parallel_fibres(
    cell: Neuron,
    count: int = 150_000,
    *,
    rate: Quantity = 0.3 * Hz,
    g: Quantity = 0.1 * nS,
    seed: int = 0,
) -> Neuron:
    """Return a cell with parallel-fibre synapses strewn over its dendrites, each a Poisson train.

    Parameters
    ----------
    cell : Neuron
        With branches tagged dendrite.
    count : int
        Expected number; every micrometre is equally likely.
    rate, g : Quantity
        Rate of each fibre, and peak conductance of a synapse.
    seed : int
        Of the places.

    Notes
    -----
    The mean conductance is N r g times the area under one unit of the time course (Campbell), and
    its variance N r g² times the area under its square.
    """
    check_quantity(rate, 1 * Hz, "with_parallel_fibres: rate", at_least=0 * Hz)
    compartments = cell.compartments
    inside = tagged("dendrite").mask(compartments)
    density = count / (compartments.length_m[inside].sum() * 1e6 * um)
    return cell.place(
        AMPA(g=g, tau_rise=0.3 * ms, tau_decay=3 * ms),
        by_density(tagged("dendrite"), per_length=density, seed=seed),
        Poisson(rate=rate),
        label="parallel_fibres",
    )
