"""Six reconstructed cells: they read, agree with NEURON's import of the same file, run and fire."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from brian2.units import cm, ms, mV, nA, siemens, um

from neurosim import Constant, Neuron, simulate
from neurosim.channels import Leak, spike_initiation
from neurosim.morphology import DLambda, everywhere, read_swc, root_site, tagged

# NEURON 9.0.2, Import3d_SWC_read and instantiate, Ra 100 ohm cm, cm 1 uF/cm2, g_pas 1e-4 S/cm2,
# nseg by the d_lambda rule at 0.1: sections, total length (um), membrane area (um2), input
# resistance at soma(0.5) (Mohm, Impedance at 0 Hz). The Purkinje file gives its soma the radius 0;
# both programs were given 30 um.
NEURON = {
    "amphibian_retinal_ganglion_gc2_Miller.swc": (29, 1783.25172, 4119.96995, 250.598861),
    "cat_motoneuron_v_e_moto1.swc": (249, 77687.5885, 621059.735, 2.27262025),
    "guineapig_purkinje_v_e_purk2.swc": (840, 8409.01792, 41159.3980, 26.6432816),
    "mouse_L5_pyramidal_Rbp4_488683425.swc": (103, 5561.48426, 8630.57748, 185.003629),
    "mouse_PV_interneuron_471781218.swc": (63, 4294.05006, 7726.25900, 154.029397),
    "rat_CA1_pyramidal_c91662.swc": (194, 15346.1085, 19505.5392, 75.6957153),
}


def morphology(folder, name):
    """Read a cell of the shared data."""
    diameter = 30 * um if "purkinje" in name else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_swc(folder / "morphologies" / "cells" / name, soma_diameter=diameter)


@pytest.mark.parametrize("name", NEURON)
def test_shape_and_input_resistance_are_those_of_neuron(shared_data, name):
    sections, length, area, resistance = NEURON[name]
    shape = morphology(shared_data, name)
    cell = Neuron(shape, DLambda()).paint(Leak(g=1e-4 * siemens / cm**2, E=-70 * mV))
    compartments = cell.compartments
    assert len(shape.names) == sections
    assert compartments.length_m.sum() * 1e6 == pytest.approx(length, rel=1e-5)
    assert compartments.area_m2.sum() * 1e12 == pytest.approx(area, rel=1e-5)
    recording = simulate(
        cell,
        300 * ms,
        stimulus=Constant(0.01 * nA),
        dt=0.1 * ms,
        scheme="backward-euler",
        record=["v"],
        record_dt=300 * ms,
    )
    # Thirty time constants: the steady state.
    rise = float(np.asarray(recording.trace("v"))[0, -1]) + 0.07
    assert rise / 1e-11 * 1e-6 == pytest.approx(resistance, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", NEURON)
def test_it_fires(shared_data, name):
    shape = morphology(shared_data, name)
    resistance = NEURON[name][3] * 1e6
    cell = Neuron(shape, DLambda(), rest=-75 * mV, celsius=36)
    zone = tagged("soma")
    cell = cell.paint(spike_initiation("soma"), zone).paint(
        spike_initiation("dendrite"), everywhere - zone
    )
    # From no drive to what would lift the passive cell by 150 mV.
    currents = np.array([0, 0.15 / resistance * 1e9]) * nA
    recording = simulate(
        cell, 30 * ms, stimulus=Constant(), batch={"current": currents}, settle=20 * ms
    )
    quiet, driven = recording.counts()
    assert quiet == 0
    assert driven >= 1
    assert root_site.compartments(cell.compartments).size == 1
