"""A modelled and a recorded cell are measured alike: one criterion, one set of names and units."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest
from brian2.units import ms, mV, pA

from bridge.recordings import CellProperties, CellRecording, SpikeShape, Sweep, read
from bridge.spike_trains import step_features as over_steps
from neurosim import Steps, simulate
from neurosim.catalogue import textbook_neuron
from neurosim.features.spike_shape import spike_shapes
from neurosim.measure import Intrinsic, efel_features, measure_spikes, step_features

AMOUNTS = (-20.0, 60.0, 100.0, 200.0)
ONSET, LENGTH, WHOLE = 50.0, 200.0, 300.0  # ms


@pytest.fixture(scope="module")
def run():
    """The textbook neuron at its own time step of 0.01 ms."""
    steps = Steps(amplitude=0 * pA, onset=ONSET * ms, duration=LENGTH * ms)
    return simulate(
        textbook_neuron(),
        WHOLE * ms,
        stimulus=steps,
        batch={"amplitude": AMOUNTS * pA},
        dt=0.01 * ms,
    )


def _sampled(run, kHz: float) -> tuple[np.ndarray, np.ndarray]:
    """Time (ms) and potential (mV) of every row, sampled so that the onset falls on a sample."""
    every = round(100 / kHz)
    first = int(np.argmin(abs(1e3 * run.trace_time_s - ONSET))) % every
    return 1e3 * run.trace_time_s[first::every], 1e3 * run.traces_si["soma"][:, first::every]


def _recorded(run, kHz: float, path: Path) -> CellRecording:
    """Write the model's traces as a recording, and read it."""
    time, volts = _sampled(run, kHz)
    flows = (time >= ONSET - 1e-6) & (time < ONSET + LENGTH - 1e-6)
    rows = [
        np.column_stack([np.full(len(time), k), time, v, amount * flows])
        for k, (v, amount) in enumerate(zip(volts, AMOUNTS, strict=True))
    ]
    head = "sweep,time_ms,voltage_mV,current_pA"
    np.savetxt(path, np.concatenate(rows), delimiter=",", header=head, comments="", fmt="%.9g")
    return read(path)


@pytest.mark.slow
@pytest.mark.parametrize("kHz", [100, 50, 25, 20, 10])
def test_the_textbook_threshold_at_every_sampling_rate(run, kHz, tmp_path):
    """-55 +- 1 mV by models' and by recordings' measures, and the same number by both."""
    cell = _recorded(run, kHz, tmp_path / "cell.csv")
    time, volts = _sampled(run, kHz)
    finest = 1e3 * run.trace_time_s, 1e3 * run.traces_si["soma"]
    for row, answer in enumerate(cell.answers):
        modelled = measure_spikes(
            time * ms, volts[row] * mV, start=ONSET * ms, stop=(ONSET + LENGTH) * ms
        )
        assert len(modelled) == len(answer.spikes_s)
        if not len(modelled):
            continue
        ours, theirs = modelled.features(), cell.spike_features(answer.step)
        assert abs(ours["threshold_mV"][0] + 55) <= 1
        assert abs(theirs["threshold_mV"][0] + 55) <= 1
        for name in ours.columns:
            # The file keeps nine digits. The last trough may lie at the step's end, where
            # recordings are bridged since electrodes have their transients there.
            some = slice(None, -1 if name in ("trough_mV", "ahp_mV") else None)
            np.testing.assert_allclose(
                theirs[name][some], ours[name][some], rtol=1e-4, atol=1e-4, err_msg=name
            )
        best = measure_spikes(finest[0] * ms, finest[1][row] * mV, start=ONSET * ms)
        moved = ours["threshold_mV"][0] - best.features()["threshold_mV"][0]
        assert abs(moved) < (0.02 if kHz >= 20 else 0.4)


@pytest.mark.parametrize("kHz", [50, 10])
def test_steps_of_a_model_and_of_a_recording(run, kHz, tmp_path):
    cell = _recorded(run, kHz, tmp_path / "cell.csv")
    time, volts = _sampled(run, kHz)
    table = cell.features()
    for row in range(len(AMOUNTS)):
        modelled = step_features(time * ms, volts[row] * mV, onset=ONSET * ms, duration=LENGTH * ms)
        assert list(modelled) == list(table.columns)[4:]
        for name, value in modelled.items():
            assert table[name][row] == pytest.approx(value, rel=1e-4, abs=1e-4, nan_ok=True), name
    trains = [answer.spikes_s for answer in cell.answers]
    told = over_steps(AMOUNTS, trains)
    often = table["count"] >= 4
    assert told.adaptation_index == pytest.approx(table["adaptation_index"][often].median())
    assert told.cv2 == pytest.approx(table["cv2"][often].median())
    assert told.latency_ms == pytest.approx(table["latency_ms"].iloc[-1])


@pytest.mark.parametrize("kHz", [100, 50, 20])
def test_the_same_criterion_in_efel(run, kHz):
    """eFEL takes the first sample whose slope stays above it, so it reads up to a sample later."""
    pytest.importorskip("efel")
    time, volts = _sampled(run, kHz)
    names = ["AP_begin_voltage", "peak_voltage", "AP_duration_half_width", "time_to_first_spike"]
    for row in (1, 2, 3):
        ours = measure_spikes(time * ms, volts[row] * mV, start=ONSET * ms).features()
        theirs = efel_features(
            time * ms,
            volts[row] * mV,
            names,
            onset=ONSET * ms,
            duration=LENGTH * ms,
            interpolation=0.01 * ms,
        )
        count = len(theirs["AP_begin_voltage"])
        assert count == len(ours)
        np.testing.assert_allclose(ours["threshold_mV"], theirs["AP_begin_voltage"], atol=0.6)
        np.testing.assert_allclose(ours["peak_mV"], theirs["peak_voltage"], atol=0.2)
        np.testing.assert_allclose(ours["width_ms"], theirs["AP_duration_half_width"], atol=0.05)
        assert 1e3 * ours["time_s"][0] == pytest.approx(theirs["time_to_first_spike"][0], abs=0.06)


def test_one_set_of_names():
    """A modelled cell has every property a recorded one has, under the same name."""
    assert issubclass(Intrinsic, CellProperties)
    mine = [field.name for field in fields(CellProperties)]
    assert [field.name for field in fields(Intrinsic)][: len(mine)] == mine


def test_noise_moves_the_threshold_little(run):
    random = np.random.default_rng(1)
    for kHz in (50, 10):
        _, volts = _sampled(run, kHz)
        clean = spike_shapes(volts[2], 1e3 * kHz, [int(np.argmax(volts[2]))], start_s=1e-3 * ONSET)
        noisy = [
            spike_shapes(
                volts[2] + 0.1 * random.standard_normal(volts.shape[1]),
                1e3 * kHz,
                [int(np.argmax(volts[2]))],
                start_s=1e-3 * ONSET,
            )[0].threshold_mV
            for _ in range(50)
        ]
        assert np.mean(noisy) == pytest.approx(clean[0].threshold_mV, abs=0.2)
        assert np.std(noisy) < 0.3


def test_a_stimulus_as_steep_as_a_spike_leaves_no_threshold():
    """By both roads: a ramp of 12 mV/ms up to the spike never was below the criterion."""
    time = np.arange(0, 20, 0.02)
    volts = np.interp(time, [0, 10, 12, 12.3, 14, 20], [-70, -70, -46, 30, -75, -70])
    modelled = measure_spikes(time * ms, volts * mV, start=10 * ms)
    assert len(modelled) == 1
    shape = modelled.shapes[0]
    assert np.isnan([shape.threshold_mV, shape.amplitude_mV, shape.width_ms, shape.ahp_mV]).all()
    assert np.isfinite([shape.peak_mV, shape.upstroke_V_per_s, shape.trough_mV]).all()


def test_the_array_level_needs_no_simulator():
    program = (
        "import sys, neurosim.features.step, neurosim.features.properties; "
        "raise SystemExit(any(name in sys.modules for name in ('brian2', 'pandas', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_features_of_an_uneven_trace_are_those_of_the_even_one(run):
    time, volts = _sampled(run, 50)
    kept = np.ones(len(time), dtype=bool)
    kept[5:100:2] = False  # at rest, before the step
    even = measure_spikes(time * ms, volts[2] * mV, start=ONSET * ms)
    uneven = measure_spikes(time[kept] * ms, volts[2][kept] * mV, start=ONSET * ms)
    assert asdict(uneven.shapes[0]) == pytest.approx(asdict(even.shapes[0]), abs=1e-6)


def test_a_spike_at_the_end_of_a_trace():
    """A trace that ends at its peak gives what it can, and no error."""
    volts = np.interp(np.arange(100), [0, 90, 99], [-70, -68, 30])
    (shape,) = spike_shapes(volts, 1e5, [99])
    assert isinstance(shape, SpikeShape)
    assert shape.peak_mV == 30
    assert np.isnan(shape.trough_mV)
    assert np.isnan(shape.width_ms)
    assert Sweep(0, 1e4, volts, volts).sampling_rate_Hz == 1e4
