"""Each thing that can be wrong with a recording is told from the others, with a remedy."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.recordings import CellRecording, RecordingError, Sweep, made_recording
from bridge.recordings.plausible import check_plausible

TIME = np.arange(0, 1, 1e-4)
RNG = np.random.default_rng(5)
QUIET = -70 + 0.1 * RNG.standard_normal(len(TIME))


def _cell(*currents: np.ndarray) -> CellRecording:
    return CellRecording(tuple(Sweep(k, 1e4, QUIET, i) for k, i in enumerate(currents)), "cell")


def _scaled(cell: CellRecording, current: float = 1.0, voltage: float = 1.0) -> CellRecording:
    return CellRecording(
        tuple(
            Sweep(s.number, s.sampling_rate_Hz, voltage * s.voltage_mV, current * s.current_pA)
            for s in cell.sweeps
        ),
        cell.name,
    )


def _reason(cell: CellRecording) -> tuple[str, str]:
    with pytest.raises(RecordingError) as caught:
        cell.fi_curve()
    return caught.value.reason, str(caught.value)


RAMP = np.clip((TIME - 0.2) * 600, 0, 300)
NOISE = 3 * RNG.standard_normal(len(TIME))
TRIANGLE = np.interp(TIME, [0, 0.2, 0.5, 0.8, 1], [0, 0, 300, 0, 0])


@pytest.mark.parametrize(
    "current",
    [RAMP, RAMP + NOISE, 15 * np.round(RAMP / 15), TRIANGLE, TRIANGLE + NOISE, -RAMP, TIME * 200],
    ids=["ramp", "noisy", "treads", "triangle", "noisy-triangle", "falling", "whole-sweep"],
)
def test_ramps(current: np.ndarray) -> None:
    reason, message = _reason(_cell(current, 2 * current))
    assert reason == "ramp"
    assert "record steps" in message


def _smooth(width: int) -> np.ndarray:
    kernel = np.ones(width) / np.sqrt(width)
    return 50 * np.convolve(RNG.standard_normal(len(TIME)), kernel, "same")


@pytest.mark.parametrize(
    "current",
    [
        50 * RNG.standard_normal(len(TIME)),
        _smooth(30),
        _smooth(300),
        100 * np.sin(2 * np.pi * 8 * TIME),
        100 * np.sin(2 * np.pi * 20 * TIME**2),
    ],
    ids=["white", "coloured", "slow", "sine", "chirp"],
)
def test_fluctuating_current(current: np.ndarray) -> None:
    assert _reason(_cell(current))[0] == "fluctuating"


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_no_step_at_all(noise: float) -> None:
    reason, message = _reason(_cell(*(40 + noise * RNG.standard_normal((3, len(TIME))))))
    assert reason == "no-step"
    assert 'current="..."' in message


def test_steps_too_brief_for_a_rate() -> None:
    pulse = ((TIME > 0.2) & (TIME < 0.205)).astype(float)
    reason, message = _reason(_cell(100 * pulse, 200 * pulse))
    assert reason == "no-step"
    assert "at least 50 ms" in message


def test_one_sweep_and_one_current_are_two_things() -> None:
    assert _reason(made_recording([100], [5]))[0] == "one-sweep"
    reason, message = _reason(made_recording([100] * 3, [5] * 3))
    assert reason == "one-current"
    assert "two currents" in message


def test_a_test_pulse_beside_the_one_step_is_still_one_sweep() -> None:
    single = made_recording([100], [5]).sweeps[0]
    current = single.current_pA.copy()
    current[200:800] = -50
    reason, message = _reason(
        CellRecording((Sweep(0, single.sampling_rate_Hz, single.voltage_mV, current),))
    )
    assert reason == "one-sweep"
    assert "100 pA" in message


def test_sampled_too_slowly_for_spikes() -> None:
    with pytest.raises(RecordingError, match="at least 2500 Hz") as caught:
        check_plausible(made_recording([0, 100], [0, 5], sampling_rate_Hz=1000))
    assert caught.value.reason == "format"


def test_voltage_clamp_is_named_before_the_sampling_rate() -> None:
    slow = made_recording([0, 100], [0, 5], sampling_rate_Hz=1000)
    swapped = tuple(Sweep(s.number, 1000, s.current_pA, s.voltage_mV) for s in slow.sweeps)
    with pytest.raises(RecordingError, match="flat pieces") as caught:
        check_plausible(CellRecording(swapped))
    assert caught.value.reason == "voltage-clamp"


def test_one_sweep_with_several_steps_is_no_mistake() -> None:
    current, volts = np.zeros(len(TIME)), QUIET.copy()
    current[200:800] = -50.0  # a test pulse, which is no point of the staircase
    for k in range(3):
        current[1000 + 3000 * k : 3000 + 3000 * k] = 50.0 * (k + 1)
        for spike in range(k + 1):
            at = 1500 + 3000 * k + 400 * spike
            volts[at - 20 : at + 20] += 100 * np.exp(-((np.arange(-20, 20) / 5) ** 2))
    curve = CellRecording((Sweep(0, 1e4, volts, current),)).fi_curve()
    assert curve.current_pA.tolist() == [50, 100, 150]
    assert curve.count.tolist() == [1, 2, 3]
    assert curve.window_s.tolist() == [0.2, 0.2, 0.2]


def test_silent_cell() -> None:
    reason, message = _reason(made_recording([-50, 50, 100], [0, 0, 0]))
    assert reason == "silent"
    assert "inject more current" in message


def test_block_from_the_first_step_is_not_silence() -> None:
    # The cell fires at its holding current; steps of 110 pA and more end that at -37 mV and above.
    blocked = made_recording([-50, 110, 200], [0, 0, 0], resistance_Mohm=300)
    spike = 100 * np.exp(-(((TIME[:7000] - 0.05) / 0.0005) ** 2))
    sweeps = [
        Sweep(s.number, s.sampling_rate_Hz, s.voltage_mV + spike, s.current_pA)
        for s in blocked.sweeps
    ]
    reason, message = _reason(CellRecording(tuple(sweeps)))
    assert reason == "block"
    assert "below 110 pA" in message


def test_one_spike_and_then_block_is_block() -> None:
    onset = made_recording([0, 200, 300], [0, 0, 0], resistance_Mohm=200)
    spike = 100 * np.exp(-(((TIME[:7000] - 0.105) / 0.0005) ** 2))
    sweeps = [onset.sweeps[0]] + [
        Sweep(s.number, s.sampling_rate_Hz, s.voltage_mV + spike, s.current_pA)
        for s in onset.sweeps[1:]
    ]
    cell = CellRecording(tuple(sweeps))
    assert cell.counts()["count"].tolist() == [0, 1, 1]
    assert _reason(cell)[0] == "block"


def test_block_after_healthy_firing_is_named_not_refused() -> None:
    healthy = made_recording([50, 100], [4, 8]).sweeps
    blocked = made_recording([400], [0]).sweeps[0]
    cell = CellRecording((*healthy, blocked))
    assert cell.fi_curve().provenance["blocked_pA"] == [400]


FIRING = made_recording([-50, 0, 50, 100, 150], [0, 0, 3, 8, 12])
SILENT = made_recording([-50, 0, 50, 100], [0, 0, 0, 0])


@pytest.mark.parametrize(
    ("cell", "looks_like"),
    [
        (_scaled(FIRING, current=1e-3), "nanoampere"),
        (_scaled(SILENT, current=1e-3), "Gohm: they look like nanoampere"),
        (_scaled(FIRING, current=1e3), "kohm: they look like picoampere labelled nA"),
        (_scaled(FIRING, current=1e-12), "look like ampere"),
        (_scaled(FIRING, voltage=1e-3), "it looks like volt"),
        (_scaled(FIRING, voltage=1e3), "microvolt"),
        (_scaled(FIRING, voltage=10), "divide it by the gain"),
    ],
)
def test_wrong_units(cell: CellRecording, looks_like: str) -> None:
    with pytest.raises(RecordingError, match=looks_like) as caught:
        check_plausible(cell)
    assert caught.value.reason == "units"


@pytest.mark.parametrize("resistance", [0.5, 5, 50, 500, 5000])
def test_cells_large_and_small_are_plausible(resistance: float) -> None:
    steps = np.array([-5, 5, 10, 15, 20]) * 1e3 / resistance
    check_plausible(made_recording(steps, [0, 0, 0, 4, 9], resistance_Mohm=resistance))


def test_the_seal_of_small_cells_is_no_mistake_in_units() -> None:
    check_plausible(made_recording([-2, 2, 6], [0, 0, 5], resistance_Mohm=5000))


def test_dead_voltage_channel() -> None:
    flat = CellRecording(tuple(Sweep(k, 1e4, 0 * TIME, RAMP) for k in range(2)), "cell")
    with pytest.raises(RecordingError, match="0 mV throughout") as caught:
        check_plausible(flat)
    assert caught.value.reason == "no-voltage"


def test_sweeps_of_other_protocols_are_left_out_and_named() -> None:
    other = Sweep(9, 1e4, QUIET[:7000], RAMP[:7000])
    cell = CellRecording((*FIRING.sweeps, other))
    curve = cell.fi_curve()
    assert len(curve) == 5
    assert curve.provenance["left_out"] == {9: "its current is a ramp"}


def test_window_outside_the_step() -> None:
    with pytest.raises(RecordingError, match=r"between 0 and 0\.5 s"):
        FIRING.fi_curve(window=(0.2, 0.6))
    assert FIRING.fi_curve(window=(0.0, 0.25)).count.tolist() == [0, 0, 1, 4, 6]


def test_step_that_does_not_exist() -> None:
    with pytest.raises(RecordingError, match="choose among 1"):
        FIRING.fi_curve(step=2)


def test_measured_currents_that_agree_within_noise_are_repeats() -> None:
    cell = made_recording([100] * 4 + [200] * 4, [5, 5, 6, 5, 11, 11, 12, 12], noise_pA=4)
    curve = cell.fi_curve()
    assert len(curve.currents) == 2
    assert curve.trial.tolist() == [0, 1, 2, 3] * 2
    np.testing.assert_allclose(curve.currents, [100, 200], atol=1)
