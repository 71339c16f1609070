"""Fits: at the top of the likelihood, from anywhere, with honest intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from bridge.choice.confidence_intervals import profile_intervals
from bridge.choice.fit_families import fit_all
from bridge.choice.interval_coverage import draw_counts_of
from bridge.choice.recovery import TRUTHS, draw_curve
from bridge.choice.select_unit import select
from bridge.counts.likelihood import log_probability
from bridge.units.fitting import best_fit, fisher_scoring, in_each_stretch, problem, stretches

CURRENTS = np.arange(0, 501, 25.0)


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("shape", [1.0, 12.0])
def test_no_other_search_finds_a_likelier_unit(name, shape):
    """Nelder-Mead from the truth and from the fit gains nothing over the climb."""
    curve = draw_curve(TRUTHS[name], CURRENTS, 1.0, 2, [1, 1])
    statistics = curve.statistics(shape)
    task = problem(type(TRUTHS[name]), statistics)
    found = best_fit(task)
    own = log_probability(curve.count, task.rate(found.z[0])[statistics.index], shape).sum()
    assert found.log_likelihood[0] == pytest.approx(own, abs=1e-3)

    def loss(z):
        inside = np.all((z >= task.lower) & (z <= task.upper))
        return -task.statistics.log_likelihood(task.rate(z[None]))[0] if inside else 1e9

    for start in (task.coordinates(TRUTHS[name].values), found.z[0]):
        other = minimize(
            loss,
            start,
            method="Nelder-Mead",
            options={"maxiter": 1500, "xatol": 1e-7, "fatol": 1e-7},
        )
        assert -other.fun < found.log_likelihood[0] + 0.02


def test_relu_profile_against_a_direct_grid():
    """Given the threshold, the gain is spikes over (time x current above): a profile by hand."""
    curve = draw_curve(TRUTHS["relu"], CURRENTS, 1.0, 5, [1, 2])
    statistics = curve.statistics()
    task = problem(type(TRUTHS["relu"]), statistics)
    found = best_fit(task)
    thresholds = np.linspace(60, 124.9, 12000)
    above = np.maximum(statistics.current - thresholds[:, None], 0)
    gain = statistics.pooled_count.sum() / (above @ statistics.pooled_window)
    profile = statistics.log_likelihood(gain[:, None] * above)
    assert found.log_likelihood[0] == pytest.approx(profile.max(), abs=1e-5)
    inside = thresholds[2 * (profile.max() - profile) <= 3.841]
    ends = profile_intervals(task, found, 3.841)
    assert ends.low[1] == pytest.approx(inside[0], abs=0.1)
    assert ends.high[1] == pytest.approx(inside[-1], abs=0.1)


def test_intervals_in_gaussian_limit():
    """With many counts the profile interval is the estimate +- 1.96 standard errors."""
    truth = TRUTHS["logistic"]
    curve = draw_curve(truth, CURRENTS, 100.0, 2, [1, 3])
    task = problem(type(truth), curve.statistics())
    found = best_fit(task)
    ends = profile_intervals(task, found, 3.8415)
    error = np.sqrt(np.diag(np.linalg.inv(task.information(found.z[0]))))
    z_low, z_high = task.coordinates(ends.low), task.coordinates(ends.high)
    np.testing.assert_allclose(z_high - found.z[0], 1.96 * error, rtol=0.03)
    np.testing.assert_allclose(found.z[0] - z_low, 1.96 * error, rtol=0.03)


@pytest.mark.parametrize("name", ["logistic", "softplus", "relu", "square-root", "naka-rushton"])
def test_bootstrap_agrees_with_profile(name):
    curve = draw_curve(TRUTHS[name], CURRENTS, 1.0, 5, [0, 3])
    profile = select(curve, [name])[name].intervals
    bootstrap = select(curve, [name], intervals="bootstrap", seed=1)[name].intervals
    for parameter, ends in profile.items():
        width = ends.high - ends.low
        assert bootstrap[parameter].low == pytest.approx(ends.low, abs=0.25 * width)
        assert bootstrap[parameter].high == pytest.approx(ends.high, abs=0.25 * width)


def test_what_was_not_seen_is_open():
    """No saturation in the data, no upper end for the saturated rate."""
    curve = draw_curve(TRUTHS["relu"], CURRENTS, 1.0, 5, [1, 4])
    fit = select(curve, ["naka-rushton"])["naka-rushton"]
    assert fit.intervals["max_rate_Hz"].high == np.inf
    assert any("saturation" in note for note in fit.notes)


def likeliest_with(task, found, held, value):
    """The likeliest unit with one coordinate held, from the fit and from every stretch."""
    start = in_each_stretch(task, found)
    z, low, high = start.z.copy(), start.low.copy(), start.high.copy()
    z[:, held] = low[:, held] = high[:, held] = value
    free = np.tile(task.free, (len(z), 1))
    free[:, held] = False
    for _ in range(3):
        z = fisher_scoring(task, z, low, high, free, steps=200, gain=1e-7).z
    return float(task.statistics.log_likelihood(task.rate(z)).max())


@pytest.mark.parametrize(
    ("family", "noise", "seed"),
    [
        ("naka-rushton", "poisson", 4),
        ("naka-rushton", "poisson", 6),
        ("naka-rushton", "under-dispersed", 1),
        ("block", "poisson", 6),
        ("noisy-lif", "poisson", 3),
    ],
)
def test_no_unit_beyond_the_end_of_an_interval_is_likely_enough(family, noise, seed):
    """Units whose threshold lies between other currents were left out: ends came too early."""
    truth, curve = draw_counts_of(family, noise, 10, 3, seed)
    known, (task,), (found,) = fit_all([problem(type(truth), curve.statistics())], curve)
    drop = known.drop(0.95)
    ends = profile_intervals(task, found, drop)
    for j, parameter in enumerate(task.parameters):
        for end in (ends.low[j], ends.high[j]):
            if not np.isfinite(end) or not parameter.lower < end < parameter.upper:
                continue
            value = np.log(end) if parameter.logarithmic else end
            further = value + 0.05 * (value - found.z[0, j])
            if task.seeks_threshold and j == task.location:
                # Above the first current that fires there is no threshold to look for.
                further = min(further, stretches(task.statistics)[-1])
            lost = 2 * (found.log_likelihood[0] - likeliest_with(task, found, j, further))
            assert lost > 0.95 * drop, (parameter.name, end)
