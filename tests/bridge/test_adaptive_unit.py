"""The adaptive unit: a line in closed form, known units found, none where there is none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bridge.choice.adaptive_fit import draw_steps, fit_adaptive
from bridge.counts.step_counts import StepCounts, bin_counts
from bridge.errors import CurveError, FitError
from bridge.units import Block, ReLU, SquareRoot
from bridge.units.adaptive import FINE, Adaptive, expected_counts
from neurosim.errors import ParameterError

EDGES = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.4, 1.0])
STEPS = np.arange(0, 501, 40.0)


def test_a_line_has_a_closed_form():
    # r(t) = g x [1 + g a exp(-t (1 + g a) / tau)] / (1 + g a)
    g, a, tau, x = 0.5, 2.0, 0.1, 200.0
    unit = Adaptive(ReLU(g, 100), a, tau)
    t = np.linspace(0, 1, 30)
    expected = g * x * (1 + g * a * np.exp(-t * (1 + g * a) / tau)) / (1 + g * a)
    np.testing.assert_allclose(unit.response(100 + x, t), expected, rtol=1e-6)
    assert unit.rate(100 + x) == pytest.approx(g * x / (1 + g * a))
    fine = np.linspace(0, 1, 200_001)
    exact = g * x * (1 + g * a * np.exp(-fine * (1 + g * a) / tau)) / (1 + g * a)
    counted = expected_counts(
        ReLU, unit.onset.values[None], {}, np.array([a]), np.array([tau]), [100 + x], EDGES
    )[0, 0]
    whole = [
        np.trapezoid(exact[(fine >= lo) & (fine <= hi)], fine[(fine >= lo) & (fine <= hi)])
        for lo, hi in pairwise(EDGES)
    ]
    np.testing.assert_allclose(counted, whole, rtol=0.01)


def test_steady_rate_solves_its_equation_and_frozen_drive_reaches_it():
    unit = Adaptive(SquareRoot(6, 112), 2.0, 0.1)
    rate = unit.rate(STEPS)
    np.testing.assert_allclose(rate, unit.onset.rate(STEPS - 2.0 * rate), atol=1e-6)
    assert np.all(rate <= unit.onset_rate(STEPS))
    driven = unit.drive(np.full(4000, 300.0), 0.001)
    assert driven[0] == pytest.approx(unit.onset_rate(300))
    assert driven[-1] == pytest.approx(unit.rate(300), rel=1e-3)


def test_known_adaptation_is_found_and_none_is_not_invented():
    truth = Adaptive(ReLU(0.4, 100), 3.0, 0.15)
    found = fit_adaptive(draw_steps(truth, STEPS, EDGES, 5, 1), [ReLU, SquareRoot])
    assert found.adapts
    assert found.unit.onset.name == "relu"
    assert 3.0 in found.intervals["strength_pA_per_Hz"]
    assert 0.15 in found.intervals["tau_s"]
    assert found.expected().sum() == pytest.approx(found.counts.count.sum(), rel=0.02)
    plain = fit_adaptive(draw_steps(ReLU(0.2, 100), STEPS, EDGES, 5, 2), [ReLU], intervals=False)
    assert not plain.adapts
    assert "no evidence" in str(plain)


@pytest.mark.slow
def test_adaptation_of_known_units_over_seeds():
    truth = Adaptive(ReLU(0.4, 100), 3.0, 0.15)
    adapts = strength = tau = false = 0
    for seed in range(20):
        found = fit_adaptive(draw_steps(truth, STEPS, EDGES, 5, [1, seed]), [ReLU])
        adapts += found.adapts
        strength += 3.0 in found.intervals["strength_pA_per_Hz"]
        tau += 0.15 in found.intervals["tau_s"]
        plain = draw_steps(ReLU(0.2, 100), STEPS, EDGES, 5, [2, seed])
        false += fit_adaptive(plain, [ReLU], intervals=False).adapts
    assert adapts == 20
    # 95 % of 20, within three standard errors.
    assert strength >= 16
    assert tau >= 16
    # Two more parameters that mean nothing win by AICc in about one set of ten.
    assert false <= 6


def test_errors_say_what_is_wrong():
    with pytest.raises(CurveError, match="ascend from 0"):
        StepCounts([0, 1], [0.1, 0.2], [[0], [1]])
    with pytest.raises(CurveError, match="one row a step"):
        StepCounts([0, 1], [0, 0.1, 0.2], [[0], [1]])
    with pytest.raises(FitError, match="no spikes"):
        fit_adaptive(StepCounts([0, 1], [0, 0.1, 0.2], np.zeros((2, 2))))
    with pytest.raises(FitError, match="too few"):
        fit_adaptive(StepCounts([0, 1], [0, 0.1, 0.2], np.ones((2, 2))))
    with pytest.raises(ParameterError, match="never falls"):
        Adaptive(Block(60, 50, 400, 1400, 30), 1.0, 0.1)
    assert bin_counts([np.zeros(0)], [0, 1]).tolist() == [[0]]


def test_the_onset_curve_is_evaluated_once_a_step(monkeypatch):
    """Its slope comes from the same call: fitting spends its time in calls."""
    calls = []
    evaluate = ReLU.evaluate
    monkeypatch.setattr(ReLU, "evaluate", lambda *a, **k: (calls.append(1), evaluate(*a, **k))[1])
    one, edges = np.ones(2), np.array([0, 0.1, 0.4])
    theta = np.array([[0.5, 100.0], [0.2, 50.0]])
    counts = expected_counts(ReLU, theta, {}, 2.0 * one, 0.1 * one, np.array([150.0, 300]), edges)
    assert counts.shape == (2, 2, 2)
    assert len(calls) == 2 * FINE + 1
