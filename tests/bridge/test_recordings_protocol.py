"""Steps are found in currents as amplifiers deliver them: noisy, humming, drifting, slow."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bridge.recordings import CellRecording, Sweep, made_recording, read
from neurosim.errors import ExtraMissingError

STEPS = [-50, 0, 50, 100, 150]
BASE = made_recording(STEPS, [0, 0, 3, 8, 12], length_s=0.8)


def _measured(change: Callable[[Sweep, np.random.Generator], np.ndarray]) -> CellRecording:
    random = np.random.default_rng(3)
    return CellRecording(
        tuple(
            Sweep(s.number, s.sampling_rate_Hz, s.voltage_mV, change(s, random), "measured")
            for s in BASE.sweeps
        )
    )


def _white(s: Sweep, random: np.random.Generator) -> np.ndarray:
    return s.current_pA + 5 * random.standard_normal(len(s))


def _hum(s: Sweep, random: np.random.Generator) -> np.ndarray:
    hum = 5 * np.sin(2 * np.pi * 50 * s.time_s + s.number)
    return s.current_pA + hum + 2 * random.standard_normal(len(s))


def _drift(s: Sweep, random: np.random.Generator) -> np.ndarray:
    return s.current_pA + 3 * s.time_s + 2 * random.standard_normal(len(s))


def _holding_moves(s: Sweep, random: np.random.Generator) -> np.ndarray:
    return s.current_pA - 20 + 4 * s.number + 2 * random.standard_normal(len(s))


def _slow_and_coloured(s: Sweep, random: np.random.Generator) -> np.ndarray:
    kernel = np.exp(-np.arange(100) / 10)
    noisy = s.current_pA + 10 * random.standard_normal(len(s))
    return np.convolve(noisy, kernel / kernel.sum())[: len(s)]


def _quantised(s: Sweep, random: np.random.Generator) -> np.ndarray:
    return 3.125 * np.round((s.current_pA + 4 * random.standard_normal(len(s))) / 3.125)


@pytest.mark.parametrize(
    "change", [_white, _hum, _drift, _holding_moves, _slow_and_coloured, _quantised]
)
def test_measured_currents(change: Callable[[Sweep, np.random.Generator], np.ndarray]) -> None:
    cell = _measured(change)
    curve = cell.fi_curve()
    np.testing.assert_allclose(curve.current_pA, STEPS, atol=2)
    assert curve.count.tolist() == [0, 0, 3, 8, 12]
    for step in cell.steps:
        assert step.start_s == pytest.approx(0.1, abs=1e-3)
        assert step.stop_s == pytest.approx(0.6, abs=1.5e-3)


def test_small_steps_in_noise() -> None:
    amounts = np.arange(0, 55, 5)
    curve = made_recording(amounts, [0] * 5 + [1, 2, 3, 4, 5, 6], noise_pA=3).fi_curve()
    np.testing.assert_allclose(curve.current_pA, amounts, atol=0.5)


def test_test_pulse_is_no_step() -> None:
    sweeps = []
    for s in made_recording([0, 50, 100], [0, 3, 7], noise_pA=2).sweeps:
        current = s.current_pA.copy()
        current[200:300] -= 20
        sweeps.append(Sweep(s.number, s.sampling_rate_Hz, s.voltage_mV, current, "measured"))
    cell = CellRecording(tuple(sweeps))
    assert {step.start_s for step in cell.steps} == {0.1}
    assert [round(pulse.amplitude_pA) for pulse in cell.protocol.pulses] == [-20, -20, -20]


@pytest.mark.parametrize("noise_pA", [0.0, 2.0])
def test_second_step_from_the_holding_current_is_a_repeat(noise_pA: float) -> None:
    once = made_recording([0, 50, 100], [0, 3, 7], noise_pA=noise_pA)
    again = made_recording([0, 50, 100], [0, 4, 8], noise_pA=noise_pA, seed=1)
    cell = CellRecording(
        tuple(
            Sweep(
                a.number,
                a.sampling_rate_Hz,
                np.concatenate([a.voltage_mV, b.voltage_mV]),
                np.concatenate([a.current_pA, b.current_pA]),
                a.current_kind,
            )
            for a, b in zip(once.sweeps, again.sweeps, strict=True)
        )
    )
    curve = cell.fi_curve()
    np.testing.assert_allclose(curve.current_pA, [0, 0, 50, 50, 100, 100], atol=0.5)
    assert len(curve.currents) == 3
    assert curve.count.tolist() == [0, 0, 3, 4, 7, 8]
    assert curve.trial.tolist() == [0, 1, 0, 1, 0, 1]
    assert cell.fi_curve(step=2).count.tolist() == [0, 4, 8]


def test_sweeps_cut_to_the_step_alone() -> None:
    cell = CellRecording(
        tuple(
            Sweep(k, 1e4, s.voltage_mV[1000:6000], s.current_pA[1000:6000])
            for k, s in enumerate(BASE.sweeps)
        )
    )
    curve = cell.fi_curve()
    assert curve.current_pA.tolist() == STEPS
    assert curve.count.tolist() == [0, 0, 3, 8, 12]


def test_steps_behind_one_another_without_a_pause() -> None:
    rate, pieces = 1e4, [0, 50, 120, 0]
    current = np.repeat(np.array(pieces, dtype=float), 2000)
    volts = -70 + 0.1 * np.random.default_rng(0).standard_normal(len(current))
    for at in (2500, 3500, 4300, 4800, 5300, 5800):
        volts[at - 20 : at + 20] += 100 * np.exp(-((np.arange(-20, 20) / 5) ** 2))
    cell = CellRecording((Sweep(0, rate, volts, current),))
    assert [(s.current_pA, s.before_pA) for s in cell.steps] == [(50, 0), (120, 50)]
    assert [len(cell.spikes_in(s)) for s in cell.steps] == [2, 4]


@pytest.mark.parametrize(("package", "name"), [("pyabf", "a.abf"), ("pynwb", "a.nwb")])
def test_missing_package_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: str, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExtraMissingError, match=r"neurosim-bridge\[recordings\]"):
        read(path)


@pytest.mark.parametrize("edge_ms", [0.0, 0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 5.0])
def test_an_edge_may_take_some_samples(edge_ms):
    """As a slewing amplifier writes it: from 4 to 30 samples, they were taken for a ramp."""
    rate, samples = 20e3, 12000
    rises = round(edge_ms * rate / 1e3)
    sweeps = []
    for number, size in enumerate((-100.0, -50.0, 50.0, 100.0, 150.0)):
        current = np.zeros(samples)
        current[2000:8000] = size
        if rises:
            way = np.arange(rises) / rises
            current[2000 : 2000 + rises] = size * way
            current[8000 : 8000 + rises] = size * (1 - way)
        sweeps.append(Sweep(number, rate, np.full(samples, -70.0), current))
    steps = CellRecording(tuple(sweeps)).steps
    assert [step.amplitude_pA for step in steps] == [-100.0, -50.0, 50.0, 100.0, 150.0]
    assert steps[0].start_s == pytest.approx(0.1 + edge_ms / 2e3, abs=1e-4)
