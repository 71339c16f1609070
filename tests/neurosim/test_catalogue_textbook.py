"""The textbook neuron: its threshold emerges at -55 mV, whatever brings it there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from brian2.units import ms, mV, nA, pA, um

from neurosim import Ramp, Steps, simulate
from neurosim.catalogue import (
    textbook_adex,
    textbook_lif,
    textbook_membrane,
    textbook_neuron,
)
from neurosim.catalogue.textbook import INITIATION_COUNTS
from neurosim.measure import intrinsic, measure_spikes
from neurosim.morphology import DLambda, MaxLength, PerBranch, at, read_swc

ONSET = 10 * ms


def _thresholds(neuron, stimulus, currents, duration=100 * ms, dt=0.01 * ms, name="amplitude"):
    run = simulate(neuron, duration, stimulus=stimulus, batch={name: currents}, dt=dt)
    found = []
    for row in range(len(currents)):
        spikes = measure_spikes(run.trace_time, run.trace("soma")[row], start=ONSET)
        if len(spikes):
            found.append(float(spikes.threshold[0] / mV))
    return np.array(found)


@pytest.mark.parametrize("length", [2, 5, 50, 200])
@pytest.mark.slow
def test_threshold_over_steps(length):
    """From rheobase to where the step itself charges the soma at the criterion's rate."""
    currents = np.linspace(0.05, 3, 60) * nA
    steps = Steps(amplitude=0 * nA, onset=ONSET, duration=length * ms)
    found = _thresholds(textbook_neuron(), steps, currents, (length + 30) * ms)
    read = found[np.isfinite(found)]
    assert len(read) >= 2
    assert np.all(np.abs(read + 55) <= 1), found


def test_a_millisecond_pulse_sets_the_potential_it_is_read_at():
    """The limit of the criterion: the soma has been charged past -55 mV when the pulse ends."""
    steps = Steps(amplitude=0 * nA, onset=ONSET, duration=1 * ms)
    found = _thresholds(textbook_neuron(), steps, np.array([1.0, 1.03, 1.1]) * nA)
    assert abs(found[0] + 55) <= 1
    assert found[1] > -54
    # A little stronger, and the slope has no dip between the pulse and the upstroke.
    assert np.isnan(found[2])


@pytest.mark.slow
def test_threshold_over_ramps():
    ramp = Ramp(end=0.5 * nA, onset=ONSET, duration=400 * ms)
    currents = np.array([0.2, 0.5, 1.0, 3.0]) * nA
    found = _thresholds(textbook_neuron(), ramp, currents, duration=420 * ms, name="end")
    assert len(found) == 4
    assert np.all(np.abs(found + 55) <= 1), found


@pytest.mark.parametrize("dt", [0.0025, 0.005, 0.025])
def test_threshold_over_time_steps(dt):
    steps = Steps(amplitude=0 * nA, onset=ONSET, duration=50 * ms)
    found = _thresholds(textbook_neuron(), steps, [0.1, 0.2] * nA, 60 * ms, dt * ms)
    assert np.all(np.abs(found + 55) <= 1), found


@pytest.mark.parametrize(
    "rule",
    [
        PerBranch(1, {"initial_segment": 5, "axon": 25}),
        PerBranch(3, {k: 3 * n for k, n in INITIATION_COUNTS.items()} | {"apical": 51}),
        MaxLength(5 * um),
        DLambda(fraction=0.03),
    ],
)
@pytest.mark.slow
def test_threshold_over_compartments(rule):
    steps = Steps(amplitude=0 * nA, onset=ONSET, duration=50 * ms)
    found = _thresholds(textbook_neuron(rule), steps, [0.1, 0.3] * nA, 60 * ms)
    assert np.all(np.abs(found + 55) <= 1), found


def test_spike_starts_in_the_initial_segment_and_runs_down_the_axon():
    steps = Steps(amplitude=0 * nA, onset=ONSET, duration=80 * ms)
    neuron = textbook_neuron().detect(at("axon", 0.9), label="far")
    run = simulate(
        neuron, 100 * ms, stimulus=steps, batch={"amplitude": [60, 200] * pA}, dt=0.005 * ms
    )
    for row in range(2):
        first = {d: float(run.spike_times_at(d, row)[0] / ms) for d in run.detectors}
        lead = first["soma"] - first["initial_segment"]
        assert 0.1 <= lead <= 0.3, lead
        assert first["initial_segment"] < first["axon"] < first["far"]


@pytest.mark.slow
def test_without_its_density_the_initial_segment_does_not_lower_the_threshold():
    """The threshold is a consequence: with somatic membrane there it is several mV higher."""
    cell = textbook_neuron()
    of_soma = {p.part.name: p.part for p in cell.painted if repr(p.region) == "tagged('soma')"}
    same = tuple(
        dataclasses.replace(p, part=of_soma[p.part.name])
        if repr(p.region) == "tagged('initial_segment')"
        else p
        for p in cell.painted
    )
    assert same != cell.painted
    steps = Steps(amplitude=0 * nA, onset=ONSET, duration=80 * ms)
    found = _thresholds(cell.replace(painted=same), steps, [0.3] * nA)
    assert found[0] > -53


@pytest.mark.slow
def test_intrinsic_properties_and_twins():
    found = intrinsic(textbook_neuron())
    assert abs(found.rest_mV + 70) < 0.2
    assert abs(found.threshold_mV + 55) <= 1
    assert found.peak_mV > 20
    assert found.threshold_mV - found.ahp_mV < found.rest_mV - 2
    assert 0.2 < found.width_ms < 1
    twin = intrinsic(textbook_adex(), dt=0.01 * ms)
    for name in ("input_resistance_Mohm", "time_constant_ms", "rheobase_pA"):
        assert getattr(twin, name) == pytest.approx(getattr(found, name), rel=0.02), name
    assert abs(twin.threshold_mV - found.threshold_mV) < 0.5
    ohmic, early = (intrinsic(textbook_lif(match)) for match in ("resistance", "rheobase"))
    assert ohmic.input_resistance_Mohm == pytest.approx(found.input_resistance_Mohm, rel=0.01)
    assert early.rheobase_pA == pytest.approx(found.rheobase_pA, rel=0.01)
    for lif in (ohmic, early):
        assert lif.time_constant_ms == pytest.approx(found.time_constant_ms, rel=0.01)
        assert lif.threshold_mV == pytest.approx(-55, abs=0.1)


@pytest.mark.slow
def test_absolute_refractory_period():
    """A pulse that fires the resting cell fires no second spike 1.5 ms later."""
    gaps = np.array([1.5, 20.0])
    counts = []
    for gap in gaps:
        pulses = Steps(amplitude=[2, 2] * nA, onset=[10, 10 + gap] * ms, duration=[1, 1] * ms)
        run = simulate(textbook_neuron(), 60 * ms, stimulus=pulses, dt=0.01 * ms)
        counts.append(int(run.counts()[0]))
    assert counts[0] == 1
    assert counts[-1] == 2


@pytest.mark.parametrize(
    "name",
    [
        "amphibian_retinal_ganglion_gc2_Miller.swc",
        "mouse_L5_pyramidal_Rbp4_488683425.swc",
        "mouse_PV_interneuron_471781218.swc",
        "rat_CA1_pyramidal_c91662.swc",
    ],
)
def test_on_a_reconstruction(shared_data: Path, name: str):
    """The same membrane on a real cell, its axon replaced: no parameter is changed."""
    cell = textbook_membrane(read_swc(shared_data / "morphologies" / "cells" / name))
    steps = Steps(amplitude=0 * nA, onset=ONSET, duration=80 * ms)
    run = simulate(
        cell, 100 * ms, stimulus=steps, batch={"amplitude": [120, 250] * pA}, dt=0.01 * ms
    )
    for row in range(2):
        spikes = measure_spikes(run.trace_time, run.trace("soma")[row], start=ONSET)
        assert abs(float(spikes.threshold[0] / mV) + 55) <= 1
        lead = run.spike_times_at("soma", row)[0] - run.spike_times_at("initial_segment", row)[0]
        assert lead > 0.05 * ms
