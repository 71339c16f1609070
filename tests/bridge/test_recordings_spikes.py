"""Spikes found in the voltage of conductance models, whose counts are known from the model."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from brian2 import ms, pA, us

from bridge.recordings import CellRecording, SpikeRule, Sweep, find_spikes, made_recording
from neurosim import HodgkinHuxley, PointNeuron, Steps, TraubMiles, simulate

FINEST_HZ = 100_000
RATES_HZ = [5_000, 10_000, 20_000, 50_000, 100_000]
# Steps that make each model fire, and some that do not: class I from 200 pA on, class II.
MODELS: dict[str, tuple[PointNeuron, list[float]]] = {
    "traub-miles": (TraubMiles(), [-200, 100, 200, 400, 800, 1600]),
    "hodgkin-huxley": (HodgkinHuxley(), [0, 40, 60, 80, 150, 200]),
}


@cache
def _model(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Voltage (mV) at 100 kHz of every step, and the spikes the model itself reports."""
    neuron, amplitudes = MODELS[name]
    run = simulate(
        neuron,
        300 * ms,
        stimulus=Steps(amplitude=0 * pA, onset=50 * ms, duration=200 * ms),
        batch={"steps.amplitude": amplitudes * pA},
        dt=10 * us,
        record=["v"],
        record_dt=10 * us,
    )
    return 1e3 * run.traces_si["v"], run.counts()


@pytest.mark.slow
@pytest.mark.parametrize("noise_mV", [0.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("rate_Hz", RATES_HZ)
@pytest.mark.parametrize("name", MODELS)
def test_counts_of_models_at_every_rate_and_noise(name: str, rate_Hz: int, noise_mV: float) -> None:
    voltage, truth = _model(name)
    random = np.random.default_rng(rate_Hz)
    found = []
    for trace in voltage:
        sampled = trace[:: FINEST_HZ // rate_Hz]
        seen = sampled + noise_mV * random.standard_normal(len(sampled))
        found.append(len(find_spikes(seen, rate_Hz, (0.05, 0.25))))
    assert found == truth.tolist()
    assert max(found) > 10
    assert min(found) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_artefacts_and_bridge_error_do_not_count(name: str) -> None:
    voltage, truth = _model(name)
    time = np.arange(voltage.shape[1]) / FINEST_HZ
    found = []
    for trace, amplitude in zip(voltage, MODELS[name][1], strict=True):
        seen = trace.copy()
        for edge, sign in ((0.05, 1), (0.25, -1)):
            decay = np.exp(-np.clip(time - edge, 0, None) / 0.0001) * (time >= edge)
            seen += sign * np.sign(amplitude) * 80 * decay
        # 20 Mohm of uncompensated access resistance.
        seen += 0.02 * amplitude * ((time >= 0.05) & (time < 0.25))
        found.append(len(find_spikes(seen, FINEST_HZ, (0.05, 0.25))))
    assert found == truth.tolist()


@pytest.mark.slow
def test_a_seal_that_hides_the_overshoot_does_not_hide_the_spikes() -> None:
    voltage, truth = _model("traub-miles")
    # As behind a poor electrode: spikes shrunk to 60 % peak near -5 mV and never reach 0 mV.
    shrunk = -65 + 0.55 * (voltage + 65)
    assert shrunk.max() < 0
    found = [len(find_spikes(trace, FINEST_HZ, (0.05, 0.25))) for trace in shrunk]
    assert found == truth.tolist()


@pytest.mark.parametrize("rate_Hz", RATES_HZ)
@pytest.mark.parametrize("width_ms", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("noise_mV", [0.05, 1.0])
def test_narrow_and_broad_spikes(rate_Hz: int, width_ms: float, noise_mV: float) -> None:
    counts = [0, 1, 7, 20]
    cell = made_recording(
        [0, 100, 200, 300], counts, sampling_rate_Hz=rate_Hz, width_ms=width_ms, noise_mV=noise_mV
    )
    assert cell.counts()["count"].tolist() == counts


def test_spikelets_plateaus_and_slow_waves_are_no_spikes() -> None:
    time = np.arange(0, 1, 5e-5)
    spikelet = -60 + 15 * np.exp(-(((time - 0.3) / 0.0006) ** 2))
    epsp = -60 + 60 * np.clip(np.exp(-(time - 0.2) / 0.03) - np.exp(-(time - 0.2) / 0.005), 0, None)
    plateau = -60 + 50 * ((time > 0.2) & (time < 0.5))
    swing = -20 + 25 * np.sin(2 * np.pi * 20 * time)
    for trace in (spikelet, epsp, plateau, swing):
        assert len(find_spikes(trace, 20_000)) == 0


def test_a_wandering_plateau_gives_crossings_but_no_spikes() -> None:
    random = np.random.default_rng(0)
    slow = np.convolve(random.standard_normal(20_000), np.ones(400) / 400, "same") * 40
    assert np.sum((slow[:-1] < 0) & (slow[1:] >= 0)) > 10
    assert len(find_spikes(slow + 0.3 * random.standard_normal(20_000), 20_000)) == 0


def test_the_peak_is_timed_on_the_trace() -> None:
    cell = made_recording([100, 200], [4, 8], sampling_rate_Hz=20_000, noise_mV=0.02)
    found = cell.spikes_in(cell.steps[0])
    np.testing.assert_allclose(found, [0.0625, 0.1875, 0.3125, 0.4375], atol=6e-5)


def test_a_spike_at_the_end_of_the_step_belongs_to_the_sample_it_peaks_on() -> None:
    base = made_recording([0, 100], [0, 0])
    sweep = base.sweeps[1]
    for peak, inside in ((0.597, 1), (0.603, 0)):
        volts = sweep.voltage_mV + 100 * np.exp(-(((sweep.time_s - peak) / 0.0005) ** 2))
        both = (base.sweeps[0], Sweep(1, sweep.sampling_rate_Hz, volts, sweep.current_pA))
        assert CellRecording(both).counts()["count"].tolist() == [0, inside]


def test_counts_hang_on_no_sharp_choice() -> None:
    """Half or twice each threshold leaves the counts of ordinary spikes as they are."""
    cell = made_recording([0, 100, 200], [0, 6, 15], noise_mV=0.5, sampling_rate_Hz=20_000)
    for change in (
        {"height_mV": 10.0},
        {"height_mV": 40.0},
        {"upstroke_V_per_s": 2.5},
        {"upstroke_V_per_s": 10.0},
        {"width_s": 0.0035},
        {"width_s": 0.014},
        {"peak_mV": -40.0},
        {"peak_mV": 0.0},
        {"smoothing_s": 0.00005},
        {"smoothing_s": 0.0002},
    ):
        found = CellRecording(cell.sweeps, rule=SpikeRule(**change)).counts()["count"]
        assert found.tolist() == [0, 6, 15], change
