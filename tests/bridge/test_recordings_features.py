"""What a step tells besides its count, against known truth and against eFEL."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.recordings import CellRecording, Step, Sweep, made_recording, read
from neurosim.features.spike_intervals import adaptation_index


@pytest.mark.parametrize("rate_Hz", [5000, 20000, 100000])
def test_passive_membrane_is_found_again(rate_Hz: float) -> None:
    cell = made_recording(
        [-60, -40, -20, 0, 100],
        [0, 0, 0, 0, 6],
        resistance_Mohm=150,
        time_constant_ms=25,
        noise_mV=0.3,
        sampling_rate_Hz=rate_Hz,
    )
    found = cell.properties
    assert found.input_resistance_Mohm == pytest.approx(150, rel=0.01)
    assert found.time_constant_ms == pytest.approx(25, rel=0.05)
    assert found.capacitance_pF == pytest.approx(1e3 * 25 / 150, rel=0.06)
    assert found.rest_mV == pytest.approx(-70, abs=0.1)
    assert found.rheobase_pA == 100
    assert found.largest_rate_Hz == 12
    assert abs(found.sag_ratio) < 0.03


def test_resistance_is_not_told_from_a_firing_cell() -> None:
    found = made_recording([100, 200], [5, 10]).properties
    assert np.isnan(found.input_resistance_Mohm)
    assert np.isnan(found.time_constant_ms)


def test_sag() -> None:
    plain = made_recording([-100, 0], [0, 0])
    sweep = plain.sweeps[0]
    # A third of the deflection of 10 mV comes back within the step.
    since = np.clip(sweep.time_s - 0.15, 0, None)
    back = (10 / 3) * (1 - np.exp(-since / 0.04)) * (sweep.time_s < 0.6)
    sagging = Sweep(0, sweep.sampling_rate_Hz, sweep.voltage_mV + back, sweep.current_pA)
    found = CellRecording((sagging, plain.sweeps[1])).properties.sag_ratio
    # The lowest point comes before the charging is done: 9.2 to 9.3 mV deep.
    assert found == pytest.approx(1 - (10 - 10 / 3) / 9.25, abs=0.02)


@pytest.mark.parametrize("rate_Hz", [5000, 10000, 50000])
@pytest.mark.parametrize("width_ms", [0.5, 1.0, 3.0])
def test_spike_shape(rate_Hz: float, width_ms: float) -> None:
    # 400 Mohm: the bumps of 75 mV stand on the threshold of -45 mV.
    cell = made_recording(
        [0, 100],
        [0, 4],
        width_ms=width_ms,
        sampling_rate_Hz=rate_Hz,
        noise_mV=0.02,
        resistance_Mohm=400,
    )
    shapes = cell.answers[1].shapes()
    assert len(shapes) == 4
    # The bump on its ground of -45 mV, seen through the filter of 0.05 ms: its threshold by
    # construction, and the width at half height above it.
    sigma = width_ms / 2.3548
    seen = np.hypot(sigma, 0.05)
    since = np.linspace(-5 * seen, 0, 100_001)
    volts = -45 + 75 * sigma / seen * np.exp(-0.5 * (since / seen) ** 2)
    threshold = volts[np.argmax(np.gradient(volts, since) >= 10)]
    width = 2 * sigma * np.sqrt(2 * np.log(75 / ((threshold + 30) / 2 + 45)))
    for shape, time in zip(shapes[1:], [0.1875, 0.3125, 0.4375], strict=True):
        assert shape.time_s == pytest.approx(time, abs=1.01 / rate_Hz)
        # The top may fall between two samples.
        missed = 75 * (1 - np.exp(-0.5 * (500 / rate_Hz / sigma) ** 2))
        assert 29 - missed < shape.peak_mV < 31
        # Five samples a millisecond: half height is crossed on straight lines between them.
        assert shape.width_ms == pytest.approx(width, rel=0.05 if rate_Hz > 5000 else 0.1)
        if rate_Hz > 5000:
            assert shape.threshold_mV == pytest.approx(threshold, abs=0.5)
        assert -46 < shape.threshold_mV < -39
        rise = 75 * sigma / seen**2 * np.exp(-0.5)
        assert shape.upstroke_V_per_s == pytest.approx(rise, rel=0.08)


def test_adaptation_index() -> None:
    assert adaptation_index(np.full(6, 0.02)) == 0
    assert adaptation_index(np.array([0.01, 0.03])) == pytest.approx(0.5)
    assert np.isnan(adaptation_index(np.array([0.01])))


def test_a_silent_hyperpolarised_cell_is_not_blocked() -> None:
    cell = made_recording([50, 100, 600], [0, 3, 0], resistance_Mohm=80)
    assert [answer.is_blocked for answer in cell.answers] == [False, False, True]


# ----------------------------------------------------------------------------------------- eFEL

FEATURES = [
    "peak_indices",
    "AP_begin_voltage",
    "AP_duration_half_width",
    "time_to_first_spike",
    "inv_first_ISI",
    "adaptation_index2",
    "ohmic_input_resistance_vb_ssse",
    "sag_ratio1",
]


def _efel(cell: CellRecording, step: Step) -> dict[str, Any]:
    efel = pytest.importorskip("efel")
    sweep = cell.sweeps[step.sweep]
    efel.reset()
    efel.set_setting("interp_step", 1e3 / sweep.sampling_rate_Hz)
    efel.set_setting("DerivativeThreshold", 10.0)
    # Spikes of these cells cross -10 mV; eFEL counts crossings.
    efel.set_setting("Threshold", -10.0)
    efel.set_setting("strict_stiminterval", True)
    trace = {
        "T": sweep.time_s * 1e3,
        "V": sweep.voltage_mV,
        "stim_start": [step.start_s * 1e3],
        "stim_end": [step.stop_s * 1e3],
        "stimulus_current": [step.amplitude_pA * 1e-3],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = efel.get_feature_values([trace], FEATURES)[0]
    return {key: None if value is None else np.ravel(value) for key, value in found.items()}


@pytest.mark.parametrize("name", ["18713001.abf", "B6_Ch3_IDRest_183.ibw"])
def test_spikes_agree_with_efel(shared_data: Path, name: str) -> None:
    if name.endswith(".abf"):
        pytest.importorskip("pyabf")
    cell = read(shared_data / "recordings" / name)
    sample = 1e3 / cell.sweeps[0].sampling_rate_Hz
    compared = 0
    for answer in cell.answers:
        times = answer.spikes_s
        if len(times) < 4:
            continue
        theirs = _efel(cell, answer.step)
        first = answer.first_spike
        assert first is not None
        assert len(theirs["peak_indices"]) == len(times)
        assert 1e3 * times[0] == pytest.approx(theirs["time_to_first_spike"][0], abs=2 * sample)
        assert 1 / (times[1] - times[0]) == pytest.approx(theirs["inv_first_ISI"][0], rel=0.02)
        # eFEL takes a sample, which at 4 kHz lies up to 2 mV above the crossing.
        near = 1 if sample < 0.1 else 2.5
        assert first.threshold_mV == pytest.approx(theirs["AP_begin_voltage"][0], abs=near)
        # eFEL counts whole samples.
        half = theirs["AP_duration_half_width"][0]
        assert first.width_ms == pytest.approx(half, abs=2 * sample + 0.1)
        # Theirs leaves the first interval out.
        ours = adaptation_index(np.diff(times)[1:])
        assert ours == pytest.approx(theirs["adaptation_index2"][0], abs=0.01)
        compared += 1
    assert compared >= 4


def test_passive_answer_agrees_with_efel(shared_data: Path) -> None:
    pytest.importorskip("pyabf")
    cell = read(shared_data / "recordings" / "171116sh_0019.abf")
    step = next(s for s in cell.steps if s.amplitude_pA == -100 and s.number == 1)
    theirs = _efel(cell, step)
    alone = CellRecording((cell.sweeps[0], cell.sweeps[1]), "two sweeps")
    assert alone.properties.input_resistance_Mohm == pytest.approx(
        theirs["ohmic_input_resistance_vb_ssse"][0], rel=0.1
    )
    assert alone.properties.sag_ratio == pytest.approx(theirs["sag_ratio1"][0], abs=0.03)
