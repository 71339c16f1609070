"""Does the rate fall after its peak: exact pooling, and a test that keeps its level."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from bridge.choice.recovery import TRUTHS, draw_curve
from bridge.choice.select_unit import BLOCK_LEVEL, scatter_of_counts, select
from bridge.counts.curve import FICurve
from bridge.counts.likelihood import sample
from bridge.counts.monotone import fall_after_peak, rising_rates


def test_rising_rates_are_isotonic_regression():
    """For Poisson counts pooled means are the maximum likelihood (Barlow et al. 1972)."""
    random = np.random.default_rng(0)
    for _ in range(20):
        count = random.poisson(random.uniform(0, 20, 12)).astype(float)
        window = random.uniform(0.2, 2, 12)
        expected = IsotonicRegression().fit_transform(
            np.arange(12), count / window, sample_weight=window
        )
        np.testing.assert_allclose(rising_rates(count[None], window)[0], expected, atol=1e-12)


def test_a_block_is_seen_and_placed():
    current = np.arange(0, 1001, 100.0)
    fall = fall_after_peak(FICurve(current, [0, 3, 6, 9, 12, 13, 12, 6, 1, 1, 1], 0.5).statistics())
    assert fall.p < 0.01
    assert (fall.peak_pA, fall.peak_Hz) == (500, 26)
    assert (fall.last_pA, fall.last_Hz) == (1000, 2)


def test_small_dips_are_no_block():
    current = np.arange(0, 1001, 100.0)
    fall = fall_after_peak(
        FICurve(current, [0, 3, 6, 9, 12, 13, 12, 14, 13, 13, 12], 0.5).statistics()
    )
    assert fall.p > 0.05


@pytest.mark.parametrize("name", ["relu", "logistic"])
def test_false_alarms_are_rare(name):
    """Rising and saturated curves are called blocked in about one of a hundred at p < .01."""
    current = np.arange(0, 601, 50.0)
    curves = [draw_curve(TRUTHS[name], current, 0.5, 2, [9, i]).statistics() for i in range(200)]
    p = [fall_after_peak(curve, draws=499, seed=i).p for i, curve in enumerate(curves)]
    assert np.mean(np.array(p) < 0.01) <= 0.03


@pytest.mark.slow
def test_scatter_known_from_few_repeats_makes_no_fall_of_chance():
    """Two repeats of ten currents tell the scatter roughly; it was taken as if it were known."""
    current = np.repeat(np.arange(10.0), 2)
    trial = np.tile([0, 1], 10)
    mean = 40 * np.minimum(current / 5, 1.0)
    alarms = 0
    for seed in range(300):
        count = sample(mean, 12.0, 1, np.random.default_rng([3, seed]))[0]
        curve = FICurve(current, count, 1.0, trial)
        fall = fall_after_peak(curve.statistics(), *scatter_of_counts(curve), seed=seed)
        alarms += fall.p < 0.01
    # Three of 300 are expected; ten or more come once in 1000 times.
    assert alarms < 10


def test_a_fall_that_may_be_a_block_is_told():
    """Between p = .001 and .01 a unit that cannot fall was fitted without a word."""
    current = np.arange(50.0, 501.0, 50.0)
    doubtful = FICurve(current, [0, 11, 22, 33, 44, 58, 50, 41, 34, 30], 1.0)
    fall = fall_after_peak(doubtful.statistics())
    assert BLOCK_LEVEL <= fall.p < 0.01
    chosen = select(doubtful, ["naka-rushton"], intervals=None)
    assert chosen.best is not None
    assert any("seems to fall after its peak" in note for note in chosen.notes)
    rising = FICurve(current, [0, 11, 22, 33, 44, 58, 57, 55, 60, 58], 1.0)
    assert not select(rising, ["naka-rushton"], intervals=None).notes
