"""Measuring: against closed forms of cable theory, made traces, and eFEL."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from brian2.units import Mohm, Quantity, cm, mS, ms, mV, nA, pA, second, um, volt

from neurosim import LIF, AdEx, Neuron, Steps, simulate
from neurosim.catalogue import textbook_neuron
from neurosim.channels import HCurrent, Leak
from neurosim.errors import ExtraMissingError, ParameterError, UnitError, UnknownNameError
from neurosim.measure import (
    adaptation_index,
    efel_features,
    fi_curve,
    intrinsic,
    measure_spikes,
    rheobase,
    step_response,
)
from neurosim.morphology import PerBranch, ball_and_stick


@pytest.mark.slow
def test_passive_ball_and_stick_against_cable_theory():
    g, diameter, length, ball, R_a = 0.1e-3, 2e-4, 500e-4, 20e-4, 100.0  # S/cm2, cm, ohm cm
    cell = Neuron(ball_and_stick(20 * um, 500 * um, 2 * um), PerBranch(1, {"dendrite": 101}))
    found = intrinsic(cell.paint(Leak(g=g * 1e3 * mS / cm**2, E=-70 * mV)))
    space = np.sqrt(diameter / (4 * R_a * g))
    stick = np.pi * diameter**1.5 / 2 / np.sqrt(R_a / g) * np.tanh(length / space)
    expected = 1e-6 / (stick + g * np.pi * ball**2)
    assert found.input_resistance_Mohm == pytest.approx(expected, rel=2e-3)
    # Uniform membrane: the slowest time constant is C_m/g whatever the shape.
    assert found.time_constant_ms == pytest.approx(10, rel=5e-3)
    assert found.sag_ratio == pytest.approx(0, abs=1e-6)
    assert np.isnan(found.rheobase_pA)


@pytest.mark.parametrize("tau", [5.0, 30.0])
def test_step_response_of_a_made_trace(tau):
    t = np.arange(0, 600, 0.05)
    v = -65 - 8 * np.where(t >= 100, 1 - np.exp(-(t - 100) / tau), 0)
    found = step_response(t * ms, v * mV, onset=100 * ms, duration=500 * ms, amplitude=-50 * pA)
    assert float(found.rest / mV) == pytest.approx(-65)
    assert float(found.resistance / Mohm) == pytest.approx(160, rel=1e-4)
    assert float(found.tau / ms) == pytest.approx(tau, rel=1e-3)


@pytest.mark.slow
def test_sag_needs_an_h_current():
    plain = Neuron(ball_and_stick(), PerBranch(5)).paint(Leak())
    sagging = plain.paint(HCurrent(g=0.1 * mS / cm**2))
    assert intrinsic(plain).sag_ratio < 1e-6
    assert intrinsic(sagging, probe_current=-200 * pA).sag_ratio > 0.05


def test_made_spikes():
    """A triangle of known slope: threshold, width and after-hyperpolarisation by construction."""
    t = np.arange(0, 40, 0.01)
    v = np.interp(t, [0, 10, 15, 15.5, 16.5, 20, 40], [-70, -70, -50, 30, -80, -70, -70])
    found = measure_spikes(t * ms, v * mV, criterion=20 * volt / second)
    assert len(found) == 1
    assert float(found.threshold[0] / mV) == pytest.approx(-50, abs=1)
    assert float(found.peak[0] / mV) == pytest.approx(30, abs=0.1)
    # Half height is -10 mV: 0.25 ms on the way up, 40/110 ms on the way down.
    assert float(found.width[0] / ms) == pytest.approx(0.25 + 40 / 110, abs=0.01)
    assert float(found.ahp[0] / mV) == pytest.approx(30, abs=1)


def test_threshold_is_not_read_off_the_stimulus():
    """Where the stimulus alone reaches the criterion there is no threshold to read."""
    steps = Steps(amplitude=5 * nA, onset=10 * ms, duration=5 * ms)
    run = simulate(textbook_neuron(), 30 * ms, stimulus=steps, dt=0.01 * ms)
    found = measure_spikes(run.trace_time, run.trace("soma")[0], start=10 * ms)
    assert len(found) >= 1
    assert np.isnan(found.threshold[0])


def test_against_efel():
    pytest.importorskip("efel")
    steps = Steps(amplitude=100 * pA, onset=50 * ms, duration=300 * ms)
    run = simulate(textbook_neuron(), 400 * ms, stimulus=steps, dt=0.01 * ms)
    time, v = run.trace_time, run.trace("soma")[0]
    ours = measure_spikes(time, v, start=50 * ms)
    names = ["AP_begin_voltage", "peak_voltage", "AP_amplitude", "AP_duration_half_width",
             "min_AHP_values", "adaptation_index2", "peak_time"]  # fmt: skip
    theirs = efel_features(
        time, v, names, onset=50 * ms, duration=300 * ms, interpolation=0.01 * ms
    )
    count = len(theirs["AP_begin_voltage"])
    assert count == len(ours) > 3
    np.testing.assert_allclose(ours.peak / mV, theirs["peak_voltage"], atol=0.2)
    np.testing.assert_allclose(ours.time / ms, theirs["peak_time"], atol=0.02)
    # eFEL takes the first sample at which dV/dt stays above the criterion.
    np.testing.assert_allclose(ours.threshold / mV, theirs["AP_begin_voltage"], atol=0.3)
    np.testing.assert_allclose(ours.amplitude / mV, theirs["AP_amplitude"], atol=0.4)
    np.testing.assert_allclose(ours.width / ms, theirs["AP_duration_half_width"], atol=0.03)
    np.testing.assert_allclose(
        ours.trough[: count - 1] / mV, theirs["min_AHP_values"][: count - 1], atol=0.2
    )
    assert adaptation_index(ours.time[1:]) == pytest.approx(
        float(theirs["adaptation_index2"][0]), abs=1e-3
    )


@pytest.mark.slow
def test_efel_resistance_and_time_constant():
    pytest.importorskip("efel")
    cell = Neuron(ball_and_stick(), PerBranch(11)).paint(Leak(E=-70 * mV))
    steps = Steps(amplitude=-20 * pA, onset=100 * ms, duration=400 * ms)
    run = simulate(cell, 600 * ms, stimulus=steps, record=["v"], dt=0.05 * ms)
    time, v = run.trace_time, run.trace("v")[0]
    theirs = efel_features(
        time, v, ["ohmic_input_resistance_vb_ssse"], onset=100 * ms, duration=400 * ms,
        amplitude=-20 * pA,
    )  # fmt: skip
    ours = step_response(time, v, onset=100 * ms, duration=400 * ms, amplitude=-20 * pA)
    assert float(ours.resistance / Mohm) == pytest.approx(
        float(theirs["ohmic_input_resistance_vb_ssse"][0]), rel=1e-3
    )


def test_efel_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "efel", None)
    with pytest.raises(ExtraMissingError, match=r"neurosim-bridge\[efel\]"):
        efel_features([0, 1, 2] * ms, [0, 0, 0] * mV, ["AP_width"], onset=0 * ms, duration=1 * ms)


def test_efel_unknown_feature():
    pytest.importorskip("efel")
    with pytest.raises(UnknownNameError, match="AP_width"):
        efel_features([0, 1, 2] * ms, [0, 0, 0] * mV, ["AP_widht"], onset=0 * ms, duration=1 * ms)


@pytest.mark.slow
def test_point_neurons():
    lif = LIF()
    assert float(rheobase(lif, duration=1 * second) / pA) == pytest.approx(150, rel=0.01)
    rates = np.asarray(fi_curve(lif, [140, 200] * pA, duration=2 * second))
    expected = 1 / (0.002 + 0.02 * np.log(20 / 5))
    assert rates[0] == 0
    assert rates[1] == pytest.approx(expected, abs=0.5)
    found = intrinsic(AdEx())
    assert 0.05 < found.sag_ratio < 0.2
    assert found.adaptation_index > 0.1


@pytest.mark.parametrize(
    ("time", "v", "error"),
    [
        ([0, 1, 2], [0, 0, 0] * mV, UnitError),
        ([0, 1, 2] * ms, [0, 0, 0], UnitError),
        ([0, 1, 2] * ms, [0, 0] * mV, ParameterError),
        ([0, 2, 1] * ms, [0, 0, 0] * mV, ParameterError),
    ],
)
def test_bad_traces(time, v, error):
    with pytest.raises(error):
        measure_spikes(time, v)


@pytest.mark.slow
def test_bad_steps():
    t = np.arange(0, 100, 0.1) * ms
    v = Quantity(np.full(1000, -0.07), dim=volt.dim)
    with pytest.raises(ParameterError, match="amplitude is 0"):
        step_response(t, v, onset=10 * ms, duration=50 * ms, amplitude=0 * pA)
    with pytest.raises(ParameterError, match="must hold it"):
        step_response(t, v, onset=50 * ms, duration=100 * ms, amplitude=1 * pA)
    with pytest.raises(ParameterError, match="no spike up to"):
        rheobase(Neuron(ball_and_stick(), PerBranch(3)).paint(Leak(g=1 * mS / cm**2)), most=1 * nA)
