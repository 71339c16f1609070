"""The fast-spiking (parvalbumin-positive) interneuron."""

from __future__ import annotations

from brian2.units import cm, mS, mV, ohm, um

from neurosim.catalogue.textbook import INITIATION_COUNTS, Zone
from neurosim.channels.leak import Leak
from neurosim.channels.traub_miles import TraubMilesPotassium, TraubMilesSodium
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.morphology import PerBranch, at, axon, soma_with_axon, tagged, tree

__all__ = ["fast_spiking_interneuron"]

_UNIT = mS / cm**2
_ZONES = (
    Zone("soma", 60, 120, -60),
    Zone("hillock", 60, 120, -60),
    Zone("initial_segment", 500, 300, -66),
    Zone("axon", 150, 100, -64),
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
    cell = Neuron(
        shape,
        PerBranch(1, {"basal": 5, **INITIATION_COUNTS}),
        cable=Cable(R_a=150 * ohm * cm),
        celsius=36.0,
        rest=-68 * mV,
    )
    for zone in _ZONES:
        shift, low = zone.shift * mV, (zone.shift - 3) * mV
        cell = cell.paint(
            [
                TraubMilesSodium(g=zone.sodium * _UNIT, E=55 * mV, V_T=shift, speed=3.0),
                TraubMilesPotassium(g=zone.potassium * _UNIT, E=-90 * mV, V_T=low, speed=3.0),
            ],
            tagged(zone.tag),
        )
    cell = cell.paint(Leak(g=0.1 * _UNIT, E=-68 * mV)).probe("v", at("soma", 0.5), label="soma")
    return cell.detect(at("soma", 0.5), label="soma").detect(
        at("initial_segment", 0.75), label="initial_segment"
    )
