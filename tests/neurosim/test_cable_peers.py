"""Branched neurons beside two other simulators: the same scheme gives the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from brian2.units import cm, mS, ms, mV, nA, ohm, uF, um

from neurosim import Constant, Neuron, Steps, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak, squid_axon
from neurosim.morphology import PerBranch, at, ball_and_stick, branch, cylinder, every, tagged

DT_MS = 0.025
MEMBRANE = """
Im = g_l*(E_l - v) + g_na*m**3*h*(50*mV - v) + g_k*n**4*(-77*mV - v) : amp/meter**2
I : amp (point current)
g_na : siemens/meter**2
g_k : siemens/meter**2
g_l : siemens/meter**2
E_l : volt
dm/dt = alpha_m*(1 - m) - beta_m*m : 1
dh/dt = alpha_h*(1 - h) - beta_h*h : 1
dn/dt = alpha_n*(1 - n) - beta_n*n : 1
alpha_m = 1/ms/exprel(-(v + 40*mV)/(10*mV)) : Hz
beta_m = 4/ms*exp(-(v + 65*mV)/(18*mV)) : Hz
alpha_h = 0.07/ms*exp(-(v + 65*mV)/(20*mV)) : Hz
beta_h = 1/ms/(1 + exp(-(v + 35*mV)/(10*mV))) : Hz
alpha_n = 0.1/ms/exprel(-(v + 55*mV)/(10*mV)) : Hz
beta_n = 0.125/ms*exp(-(v + 65*mV)/(80*mV)) : Hz
"""


def spatial_neuron(brian, morphology, excitable, current, duration):
    """Run Brian2's own branched neuron; return the potentials (mV), shape (compartments, steps).

    `excitable` gives the compartments with Hodgkin-Huxley channels; the others have a leak.
    """
    cell = brian.SpatialNeuron(
        morphology, MEMBRANE, Cm=1 * uF / cm**2, Ri=100 * ohm * cm, method="exponential_euler",
        dt=DT_MS * ms,
    )  # fmt: skip
    cell.g_l, cell.E_l = 0.1 * mS / cm**2, -65 * mV
    for name, inside in (("g_na", 120), ("g_k", 36), ("g_l", 0.3)):
        getattr(cell, name)[excitable] = inside * mS / cm**2
    cell.E_l[excitable] = -54.387 * mV
    cell.v = -65 * mV
    for gate in "mhn":
        setattr(cell, gate, f"alpha_{gate}/(alpha_{gate} + beta_{gate})")
    cell.I[0] = current
    monitor = brian.StateMonitor(cell, "v", record=True, when="end")
    brian.Network(cell, monitor).run(duration)
    return np.asarray(monitor.v) * 1e3


def ours(cell, current, duration):
    """Return the potentials (mV) of the same neuron here, shape (compartments, steps)."""
    cell = cell.place(Constant(current), at(cell.morphology.names[0], 0.0))
    recording = simulate(
        cell.probe("v", every()), duration, dt=DT_MS * ms, scheme="backward-euler"
    )  # fmt: skip
    return np.concatenate(list(recording.traces_si.values())) * 1e3


@pytest.mark.slow
def test_a_hodgkin_huxley_cable_is_that_of_brian2(brian):
    shape = brian.Cylinder(diameter=1 * um, length=1000 * um, n=60)
    theirs = spatial_neuron(brian, shape, slice(None), 0.1 * nA, 10 * ms)
    cell = Neuron(cylinder(1000 * um, 1 * um), PerBranch(60), celsius=6.3, rest=-65 * mV)
    here = ours(cell.paint(squid_axon()), 0.1 * nA, 10 * ms)
    assert here.shape == theirs.shape == (60, 400)
    # A spike travels the whole length.
    assert np.all(theirs.max(axis=1) > 0)
    np.testing.assert_allclose(here, theirs, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_a_branched_cell_is_that_of_brian2(brian):
    shape = brian.Cylinder(diameter=20 * um, length=20 * um, n=1)
    shape.trunk = brian.Cylinder(diameter=3 * um, length=200 * um, n=11)
    shape.trunk.tuft = brian.Cylinder(diameter=1 * um, length=150 * um, n=9)
    shape.trunk.oblique = brian.Cylinder(diameter=0.8 * um, length=100 * um, n=5)
    shape.axon = brian.Cylinder(diameter=1 * um, length=500 * um, n=31)
    excitable = np.r_[0:1, 26:57]
    theirs = spatial_neuron(brian, shape, excitable, 0.4 * nA, 20 * ms)
    morphology = (
        cylinder(20 * um, 20 * um, name="soma", tag="soma")
        .join(cylinder(200 * um, 3 * um, name="trunk"), "soma")
        .join(cylinder(150 * um, 1 * um, name="tuft"), "trunk")
        .join(cylinder(100 * um, 0.8 * um, name="oblique"), "trunk")
        .join(cylinder(500 * um, 1 * um, name="axon", tag="axon"), "soma")
    )
    cut = PerBranch(1, {"trunk": 11, "tuft": 9, "oblique": 5, "axon": 31})
    dendrites = branch("trunk", "tuft", "oblique")
    cell = (
        Neuron(morphology, cut, celsius=6.3, rest=-65 * mV)
        .paint(squid_axon(), tagged("soma", "axon"))
        .paint(Leak(g=0.1 * mS / cm**2, E=-65 * mV), dendrites, label="dendrite_leak")
    )
    here = ours(cell, 0.4 * nA, 20 * ms)
    assert here.shape == theirs.shape == (57, 800)
    crossings = np.count_nonzero((theirs[0, :-1] < 0) & (theirs[0, 1:] >= 0))
    assert crossings >= 2
    np.testing.assert_allclose(here, theirs, rtol=0, atol=1e-6)


def neuron_cell(sections, currents, duration_ms, dt_ms):
    """Run a cell in NEURON, second order; return the spike times (ms) at each asked place.

    Parameters
    ----------
    sections : dict
        By name: parent, length and diameter (um), segments, and "hh" or the conductance of a leak
        (S/cm2); "hh" may carry a leak (conductance, potential) of its own.
    currents : tuple
        Section, place, onset, duration (ms), amplitude (nA), and places of the detectors.
    """
    neuron = pytest.importorskip(
        "neuron", reason="NEURON is not installed: pip install neurosim-bridge[compare]"
    )
    h = neuron.h
    h.load_file("stdrun.hoc")
    made = {}
    for name, (parent, length, diameter, segments, membrane) in sections.items():
        section = made[name] = h.Section(name=name)
        section.L, section.diam, section.nseg, section.Ra, section.cm = (
            length, diameter, segments, 100, 1,
        )  # fmt: skip
        if parent:
            section.connect(made[parent](1))
        if isinstance(membrane, float):
            section.insert("pas")
            section.g_pas, section.e_pas = membrane, -65
        else:
            section.insert("hh")
            for segment in section:
                segment.hh.gl, segment.hh.el = membrane
    where, place, onset, length, amplitude, detectors = currents
    clamp = h.IClamp(made[where](place))
    clamp.delay, clamp.dur, clamp.amp = onset, length, amplitude
    traces = [h.Vector().record(made[name](x)._ref_v) for name, x in detectors]
    h.usetable_hh, h.secondorder = 0, 2
    h.celsius, h.dt, h.steps_per_ms = 6.3, dt_ms, 1 / dt_ms
    h.finitialize(-65)
    h.continuerun(duration_ms)
    h.secondorder = 0
    found = []
    for trace in traces:
        v = np.asarray(trace)
        up = np.flatnonzero((v[:-1] < 0) & (v[1:] >= 0))
        found.append((up - v[up] / (v[up + 1] - v[up])) * dt_ms)
    return found


def test_rallpack_3_is_that_of_neuron():
    dt = 0.025
    theirs = neuron_cell(
        {"cable": ("", 1000, 1, 1000, (2.5e-5, -65))},
        ("cable", 0, 0, 1e9, 0.1, [("cable", 0.0005), ("cable", 0.9995)]), 250, dt,
    )  # fmt: skip
    cell = (
        Neuron(cylinder(1000 * um, 1 * um, name="c"), PerBranch(1000), celsius=6.3, rest=-65 * mV)
        .paint((HHSodium(), HHPotassium(), Leak(g=0.025 * mS / cm**2, E=-65 * mV)))
        .place(Constant(0.1 * nA), at("c", 0.0))
        .detect(at("c", 0.0), 0 * mV, label="near")
        .detect(at("c", 1.0), 0 * mV, label="far")
    )
    recording = simulate(cell, 250 * ms, dt=dt * ms)
    for place, times in zip(("near", "far"), theirs, strict=True):
        here = np.asarray(recording.spike_times_at(place)) * 1e3
        assert len(here) == len(times) >= 17
        np.testing.assert_allclose(here, times, rtol=0, atol=dt)


@pytest.mark.slow
def test_the_ball_and_stick_is_that_of_neuron():
    dt = 0.025
    cell = (
        Neuron(
            ball_and_stick(20 * um, 500 * um, 2 * um), PerBranch(1, {"dendrite": 101}),
            celsius=6.3, rest=-65 * mV,
        )
        .paint(squid_axon(), tagged("soma"))
        .paint(Leak(g=0.1 * mS / cm**2, E=-65 * mV), tagged("dendrite"), label="dendrite_leak")
        .detect(at("soma", 0.5), 0 * mV)
    )  # fmt: skip
    amplitudes = [0.05, 0.1, 0.2, 0.3]
    recording = simulate(
        cell, 250 * ms, stimulus=Steps(onset=10 * ms, duration=230 * ms), dt=dt * ms,
        batch={"amplitude": amplitudes * nA},
    )  # fmt: skip
    for row, amplitude in enumerate(amplitudes):
        (theirs,) = neuron_cell(
            {"soma": ("", 20, 20, 1, (3e-4, -54.387)), "dendrite": ("soma", 500, 2, 101, 1e-4)},
            ("soma", 0.5, 10, 230, amplitude, [("soma", 0.5)]), 250, dt,
        )  # fmt: skip
        here = np.asarray(recording.spike_train(row)) * 1e3
        assert len(here) == len(theirs)
        np.testing.assert_allclose(here, theirs, rtol=0, atol=dt)
    assert len(theirs) > 10
