"""The bipolar cell of the retina: graded potentials, few inputs, no spike."""

from __future__ import annotations

from brian2.units import cm, mS, mV, ohm, um

from neurosim.channels.delayed_rectifier import DelayedRectifier
from neurosim.channels.h_current import HCurrent
from neurosim.channels.leak import Leak
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.morphology import MaxLength, at, cylinder, tagged, tree

__all__ = ["bipolar_cell"]


def bipolar_cell() -> Neuron:
    """Return a bipolar cell: a small soma, a few short dendrites, an axon to its terminal.

    It signals by graded potentials: no sodium channels, a leak of 40 µS/cm² at -50 mV that gives an
    input resistance of gigaohms, a delayed rectifier that bounds depolarisation and an h current
    that bounds hyperpolarisation. Densities are round numbers within what the sources show, and
    not a fit to one cell.

    References
    ----------
    Tessier-Lavigne, Attwell, Mobbs and Wilson (1988), J Gen Physiol 91:49 (membrane currents).
    Oltedal, Veruki and Hartveit (2009), J Physiol 587:829 (passive properties).

    Examples
    --------
    >>> from brian2 import ms, pA
    >>> from neurosim import Constant, simulate
    >>> int(simulate(bipolar_cell(), 100 * ms, stimulus=Constant(5 * pA)).counts()[0])
    0
    """
    dendrites = tree(3, 10 * um, 1 * um, diameter_end=0.3 * um, direction=(0, 1, 0))
    axon = cylinder(30 * um, 0.5 * um, name="axon", tag="axon", direction=(0, -1, 0))
    ending = cylinder(4 * um, 4 * um, name="terminal", tag="terminal", direction=(0, -1, 0))
    shape = cylinder(8 * um, 8 * um, name="soma", tag="soma", direction=(0, -1, 0))
    shape = shape.join(dendrites, "soma", at=0).join(axon, "soma").join(ending, "axon")
    unit = mS / cm**2
    return (
        Neuron(shape, MaxLength(5 * um), cable=Cable(R_a=130 * ohm * cm), rest=-50 * mV)
        .paint(Leak(g=0.04 * unit, E=-50 * mV))
        .paint(DelayedRectifier(g=2 * unit), tagged("soma", "terminal"))
        .paint(HCurrent(g=0.05 * unit), tagged("soma", "dendrite"))
        .probe("v", at("soma", 0.5), label="soma")
        .probe("v", at("terminal", 0.5), label="terminal")
    )
