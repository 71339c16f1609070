"""The spinal motoneuron and its axon, up to 2 m long."""

from __future__ import annotations

from brian2.units import Quantity, cm, meter, mS, ms, mV, second, um

from neurosim.catalogue.textbook import Zone, bare_neuron, initiation_membrane
from neurosim.channels.leak import Leak
from neurosim.channels.m_current import MCurrent
from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError
from neurosim.morphology import at, axon, soma_with_axon, tagged, tree
from neurosim.quantities import check_quantity
from neurosim.synapses.events import Events

__all__ = ["axon_arrivals", "spinal_motoneuron"]

_UNIT = mS / cm**2


def spinal_motoneuron() -> Neuron:
    """Return a spinal motoneuron, stylised, with the first millimetre of its axon.

    A soma of 50 µm and eight thick dendritic trees with a leak of 0.15 mS/cm² (time constant 7 ms),
    whence a low input resistance and a rheobase of nanoamperes; a slow potassium current for the
    after-hyperpolarisation. Its axon reaches muscle over up to 2 m: `axon_arrivals` gives the spike
    times at its end.

    References
    ----------
    Fleshman, Segev and Burke (1988), J Neurophysiol 60:60 (shape, passive properties). Powers and
    Binder (2001), Rev Physiol Biochem Pharmacol 143:137.

    Examples
    --------
    >>> spinal_motoneuron().morphology["soma"].length
    50. * umetre
    """
    dendrites = [
        tree(3, 250 * um, 8 * um, tag="basal", name=f"basal{k}_", direction=(k - 3.5, 2, 0))
        for k in range(8)
    ]
    shape = soma_with_axon(
        50 * um,
        dendrites=dendrites,
        hillock_length=15 * um,
        hillock_diameter=8 * um,
        initial_segment_length=40 * um,
        initial_segment_diameter=4 * um,
        axon=axon(1000 * um, 4 * um),
    )
    cell = bare_neuron(shape, {"basal": 5}, R_a=70, rest=-70)
    cell = (
        initiation_membrane(cell)
        .paint(Zone("dendrite", 0, 10, -62).channels(), tagged("dendrite"))
        .paint(MCurrent(g=1 * _UNIT, E=-90 * mV), tagged("soma"))
        .paint(Leak(g=0.15 * _UNIT, E=-70 * mV))
        .probe("v", at("soma", 0.5), label="soma")
    )
    return cell.detect(at("soma", 0.5), label="soma").detect(at("axon", 0.95), label="axon")


def axon_arrivals(
    spike_times: Quantity, length: Quantity = 1 * meter, velocity: Quantity = 50 * meter / second
) -> Events:
    """Return the arrivals of spikes at the end of a myelinated axon, as a pure delay.

    Parameters
    ----------
    spike_times : Quantity, shape (n,)
        Spikes where the axon begins.
    length : Quantity
        Up to 2 m.
    velocity : Quantity
        Conduction velocity; human motor axons have about 50 m/s.

    Examples
    --------
    >>> axon_arrivals([10] * ms, 2 * meter).times
    array([50.]) * msecond
    """
    far = check_quantity(length, 1 * meter, "axon_arrivals: length", at_least=0 * meter)
    if float(far) > 2:
        raise ParameterError(f"axon_arrivals: length must be at most 2 m; got {length}")
    speed = check_quantity(
        velocity, 50 * meter / second, "axon_arrivals: velocity", above=0 * meter / second
    )
    return Events.at(check_quantity(spike_times, 1 * ms, "spike_times", many=1) + far / speed)
