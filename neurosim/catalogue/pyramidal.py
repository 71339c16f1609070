"""Pyramidal cells of CA1 and of neocortical layer 5."""

from __future__ import annotations

import numpy as np
from brian2.units import Quantity, cm, mS, mV, um

from neurosim.catalogue.textbook import Zone, bare_neuron, initiation_membrane, neuron_of_shape
from neurosim.channels.a_type import AType
from neurosim.channels.calcium_l import CalciumL
from neurosim.channels.calcium_pool import CalciumPool
from neurosim.channels.calcium_potassium import SK
from neurosim.channels.h_current import HCurrent
from neurosim.channels.leak import Leak
from neurosim.channels.m_current import MCurrent
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Spines
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.morphology import (
    Morphology,
    at,
    axon,
    cylinder,
    distance,
    soma_with_axon,
    tagged,
    tree,
)

__all__ = ["ca1_pyramidal", "layer5_pyramidal"]

_UNIT = mS / cm**2


def _shape(soma: Quantity, trunk: Quantity, width: Quantity, basal: int) -> Morphology:
    """Return a pyramidal cell: basal trees, an apical trunk with oblique branches and a tuft."""
    apical = cylinder(trunk, width, name="trunk", tag="apical", direction=(0, 1, 0))
    for k, place in enumerate((0.25, 0.5, 0.75)):
        side = (1 if k % 2 else -1, 0.5, 0)
        oblique = cylinder(150 * um, 1 * um, name=f"oblique[{k}]", tag="apical", direction=side)
        apical = apical.join(oblique, "trunk", at=place)
    tuft = tree(3, 120 * um, 2 * um, tag="apical", name="tuft", direction=(0, 1, 0))
    apical = apical.join(tuft, "trunk")
    below = [
        tree(2, 70 * um, 2 * um, tag="basal", name=f"basal{k}_", direction=(k - basal / 2, -1, 0))
        for k in range(basal)
    ]
    return soma_with_axon(
        soma,
        dendrites=[*below, apical],
        hillock_length=10 * um,
        initial_segment_length=35 * um,
        axon=axon(1000 * um, 1 * um),
    )


def _watched(cell: Neuron) -> Neuron:
    cell = cell.probe("v", at("soma", 0.5), label="soma")
    if "trunk" in cell.morphology.names:
        cell = cell.probe("v", at("trunk", 0.9), label="dendrite")
    return cell.detect(at("soma", 0.5), label="soma").detect(
        at("initial_segment", 0.75), label="initial_segment"
    )


def ca1_pyramidal(morphology: Morphology | None = None) -> Neuron:
    """Return a CA1 pyramidal cell, stylised or on a reconstruction.

    Dendrites carry spines (membrane area doubled), a sodium and potassium density that lets spikes
    travel back, an A current that grows sixfold along the apical dendrite and damps them there
    (Hoffman et al.), and an h current that grows sevenfold over 350 µm (Magee). Calcium enters
    through L channels and opens SK channels. Shape, leak and densities are round numbers; the
    gradients are measured.

    Parameters
    ----------
    morphology : Morphology, optional
        A reconstruction (`neurosim.morphology.read_swc`) with basal and apical dendrites, in place
        of the shape by hand. The membrane and its gradients are the same ones; hillock, initial
        segment and axon are those of the textbook neuron unless it has its own.

    Raises
    ------
    ParameterError
        `morphology` is no shape.
    UnknownNameError
        The reconstruction has no branch tagged soma, basal or apical.

    References
    ----------
    Hoffman, Magee, Colbert and Johnston (1997), Nature 387:869. Magee (1998), J Neurosci 18:7613.
    Spruston and Johnston (1992), J Neurophysiol 67:508 (passive properties).

    Examples
    --------
    >>> ca1_pyramidal().morphology.tags.count("basal")
    12
    """
    if morphology is None:
        shape = _shape(18 * um, 400 * um, 3 * um, basal=4)
        cell = bare_neuron(shape, {"basal": 5, "apical": 5, "trunk": 15}, R_a=150, rest=-68)
    elif not isinstance(morphology, Morphology):
        raise ParameterError(
            "ca1_pyramidal: morphology must be a shape, such as read_swc('cell.swc') returns; got "
            f"{morphology!r}"
        )
    else:
        missing = {"soma", "basal", "apical"} - set(morphology.tags)
        if missing:
            raise UnknownNameError(
                f"ca1_pyramidal: no branch of the shape is tagged {' or '.join(sorted(missing))}: "
                "give a reconstruction with soma, basal and apical dendrites (types 1, 3 and 4 of "
                "SWC), or say which type is one: tags={5: 'apical'} of read_shape"
            )
        cell = neuron_of_shape(morphology, R_a=150, rest=-68)
    dendrites = tagged("dendrite")
    cell = (
        initiation_membrane(cell)
        .paint(Spines(), dendrites & distance(at_least=50 * um))
        .paint(Zone("dendrite", 5, 5, -62).channels(), dendrites)
        .paint(AType(g=2 * _UNIT, E=-90 * mV), dendrites, scale=lambda x: 1 + 5 * x / 350)
        .paint(
            HCurrent(g=0.1 * _UNIT, E=-30 * mV),
            tagged("soma", "apical", "basal"),
            scale=lambda x: np.minimum(1 + 6 * x / 350, 8),
        )
        .paint(MCurrent(g=0.2 * _UNIT, E=-90 * mV), tagged("soma"))
        .paint(
            [CalciumL(g=0.1 * _UNIT), CalciumPool(), SK(g=0.05 * _UNIT, E=-90 * mV)],
            tagged("soma", "apical"),
        )
        .paint(Leak(g=0.03 * _UNIT, E=-74 * mV))
    )
    return _watched(cell)


def layer5_pyramidal() -> Neuron:
    """Return a thick-tufted pyramidal cell of neocortical layer 5, stylised.

    The h current grows exponentially along the apical dendrite (Kole et al.). Around the root of
    the tuft lies a zone of high calcium channel density in which a strong distal input makes a
    dendritic calcium spike (Larkum et al., Hay et al.); SK channels end it. Shape, leak and the
    densities near the soma are round numbers.

    References
    ----------
    Larkum, Zhu and Sakmann (1999), Nature 398:338. Kole, Hallermann and Stuart (2006), J Neurosci
    26:1677. Hay, Hill, Schürmann, Markram and Segev (2011), PLoS Comput Biol 7:e1002107.

    Examples
    --------
    >>> layer5_pyramidal().morphology["trunk"].length
    0.7 * mmetre
    """
    shape = _shape(22 * um, 700 * um, 5 * um, basal=6)
    cell = bare_neuron(shape, {"basal": 5, "apical": 5, "trunk": 25}, R_a=120, rest=-70)
    dendrites = tagged("dendrite")
    hot = tagged("apical") & distance(at_least=600 * um, below=850 * um)
    cell = (
        initiation_membrane(cell)
        .paint(Spines(), dendrites & distance(at_least=50 * um))
        .paint(Zone("dendrite", 5, 5, -62).channels(), dendrites)
        .paint(
            HCurrent(g=0.1 * _UNIT, E=-30 * mV),
            tagged("soma", "apical", "basal"),
            scale=lambda x: np.minimum(np.exp(x / 323), 20),
        )
        .paint(MCurrent(g=0.2 * _UNIT, E=-90 * mV), tagged("soma"))
        .paint([CalciumL(g=1.5 * _UNIT), CalciumPool(), SK(g=1 * _UNIT, E=-90 * mV)], hot)
        .paint(Leak(g=0.04 * _UNIT, E=-78 * mV))
    )
    return _watched(cell)
