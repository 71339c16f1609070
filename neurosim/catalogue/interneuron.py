"""The fast-spiking (parvalbumin-positive) interneuron."""

from __future__ import annotations

from brian2.units import cm, mS, mV, um

from neurosim.catalogue.textbook import Zone, bare_neuron
from neurosim.channels.leak import Leak
from neurosim.describe.neuron import Neuron
from neurosim.morphology import at, axon, soma_with_axon, tagged, tree

__all__ = ["fast_spiking_interneuron"]

_UNIT = mS / cm**2
_ZONES = (
    Zone("soma", 60, 120, -60, speed=3.0),
    Zone("hillock", 60, 120, -60, speed=3.0),
    Zone("initial_segment", 500, 300, -66, speed=3.0),
    Zone("axon", 150, 100, -64, speed=3.0),
)


def fast_spiking_interneuron() -> Neuron:
    """Return a fast-spiking interneuron, stylised: narrow spikes, high rates, no adaptation.

    A small cell with a leaky membrane (10 ms), sodium and potassium channels three times as fast as
    those of a pyramidal cell, twice as much potassium as sodium conductance in the soma as Kv3
    would have it, and no slow potassium current. Densities are round numbers.

    References
    ----------
    Erisir, Lau, Rudy and Leonard (1999), J Neurophysiol 82:2476 (Kv3 and high rates). Hu, Gan and
    Jonas (2014), Science 345:1255263 (review).

    Examples
    --------
    >>> fast_spiking_interneuron().celsius
    36.0
    """
    dendrites = [
        tree(2, 80 * um, 1.5 * um, tag="basal", name=f"basal{k}_", direction=(x, y, 0))
        for k, (x, y) in enumerate(((1, 1), (-1, 1), (1, -0.5), (-1, -0.5)))
    ]
    shape = soma_with_axon(
        14 * um,
        dendrites=dendrites,
        hillock_length=5 * um,
        hillock_diameter=2 * um,
        initial_segment_length=25 * um,
        initial_segment_diameter=1 * um,
        axon=axon(500 * um, 0.8 * um),
    )
    cell = bare_neuron(shape, {"basal": 5}, R_a=150, rest=-68)
    for zone in _ZONES:
        cell = cell.paint(zone.channels(), tagged(zone.tag))
    cell = cell.paint(Leak(g=0.1 * _UNIT, E=-68 * mV)).probe("v", at("soma", 0.5), label="soma")
    return cell.detect(at("soma", 0.5), label="soma").detect(
        at("initial_segment", 0.75), label="initial_segment"
    )
