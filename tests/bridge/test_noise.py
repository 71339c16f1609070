"""The regularity of counts: found where it is there, Poisson kept where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.choice.goodness_of_fit import noise_of_residuals
from bridge.choice.recovery import TRUTHS, draw_curve
from bridge.choice.select_unit import select
from bridge.counts.curve import FICurve
from bridge.counts.dispersion import CountNoise, copies, noise_of_repeats
from bridge.counts.likelihood import sample
from bridge.counts.sufficient_statistics import SufficientStatistics
from bridge.units import SquareRoot
from bridge.units.fitting import best_fit, problem

CURRENTS = np.arange(0, 501, 25.0)


def regular_curve(shape, trials, seed, unit=TRUTHS["square-root"]):
    current = np.repeat(CURRENTS, trials)
    count = sample(unit.rate(current), shape, 1, np.random.default_rng(seed))[0]
    return FICurve(current, count, 1.0, np.tile(np.arange(trials), len(CURRENTS)))


@pytest.mark.parametrize("shape", [0.2, 8.0, 40.0])
def test_shape_is_found_from_repeats_and_residuals(shape):
    repeats, residuals = [], []
    for seed in range(20):
        repeats.append(noise_of_repeats(SufficientStatistics.of(regular_curve(shape, 5, seed))))
        task = problem(SquareRoot, SufficientStatistics.of(regular_curve(shape, 1, seed)))
        residuals.append(noise_of_residuals(task, best_fit(task).z[0]))
    for found, spread in ((repeats, 0.12), (residuals, 0.35)):
        shapes = np.log([one.shape for one in found if one.estimated])
        assert len(shapes) >= 15
        # Unbiased on the log scale within a few standard errors, thanks to Cox and Reid.
        assert abs(shapes.mean() - np.log(shape)) < spread


def test_poisson_is_kept_for_poisson_counts():
    kept = 0
    for seed in range(60):
        curve = draw_curve(TRUTHS["square-root"], CURRENTS, 1.0, 5, [4, seed])
        kept += not noise_of_repeats(SufficientStatistics.of(curve)).estimated
    # AIC adds one idle parameter in about 16 of 100.
    assert kept >= 44


def test_intervals_are_as_wide_as_the_noise():
    """A regular cell's parameters are known better, a bursting cell's worse."""
    widths = []
    for shape in (0.2, 1.0, 20.0):
        fit = select(regular_curve(shape, 5, 2), ["square-root"])["square-root"]
        interval = fit.intervals["gain_Hz_per_sqrt_pA"]
        widths.append(interval.high - interval.low)
    assert widths[0] > 1.5 * widths[1] > 3 * widths[2]


def test_copies_count_once():
    once = regular_curve(1.0, 1, 0)
    twice = FICurve(
        np.repeat(once.current_pA, 3),
        np.repeat(once.count, 3),
        1.0,
        np.tile([0, 1, 2], len(once)),
    )
    assert copies(once) is None
    assert copies(regular_curve(1.0, 3, 0)) is None
    assert copies(twice) == once
    chosen = select(twice, intervals=None)
    assert "identical" in chosen.notes[0]
    alone = select(once, intervals=None)
    assert [fit.aicc for fit in chosen.fits] == [fit.aicc for fit in alone.fits]


def test_interval_quantiles():
    assert CountNoise().drop(0.95) == pytest.approx(3.8415, abs=1e-4)
    # Student's t with 10 degrees of freedom: 2.228^2
    assert CountNoise(5.0, "residuals", 10).drop(0.95) == pytest.approx(2.228**2, abs=1e-2)
