"""Bands and tables of the likelihood, compared with searches that know nothing of either."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import isotonic_regression
from scipy.stats import norm

from bridge.choice.confidence_intervals import covariance
from bridge.choice.fit_families import fit_all
from bridge.choice.interval_coverage import draw_counts_of
from bridge.choice.likelihood_band import (
    curve_drop,
    joint_drop,
    profile_bands,
    widest_curve_drop,
)
from bridge.choice.likelihood_edge import furthest
from bridge.counts.curve import FICurve
from bridge.counts.likelihood import log_probability_and_slope
from bridge.counts.likelihood_table import PooledLookup
from bridge.counts.monotone import rising_rates
from bridge.units import Logistic
from bridge.units.fitting import problem

NODES = 25


def fitted(family, noise, seed):
    truth, curve = draw_counts_of(family, noise, 10, 3, seed)
    _, (task,), (found,) = fit_all([problem(type(truth), curve.statistics())], curve)
    return task, found


def likely_units(task, found, floor, walkers=150, steps=500):
    """Units that are likely enough, from random walks that begin at the fit."""
    random = np.random.default_rng(0)
    z = np.repeat(found.z[:1], walkers, axis=0)
    size, seen = np.full((walkers, 1), 0.1), []
    scale = np.where(task.logarithmic, 0.5, np.where(task.natural, 50.0, 0.5)) * task.free
    for _ in range(steps):
        # Differences of other walkers point along a ridge (ter Braak 2006).
        one, other = z[random.permutation(walkers)], z[random.permutation(walkers)]
        step = size * scale * random.standard_normal(z.shape)
        along = random.random((walkers, 1)) < 0.6
        step = np.where(along, 0.7 * (one - other) + 1e-3 * step, step)
        trial = np.clip(z + step, task.lower, task.upper)
        inside = task.statistics.log_likelihood(task.rate(trial)) >= floor
        z = np.where(inside[:, None], trial, z)
        size = np.clip(np.where(inside[:, None], size * 1.3, size / 1.1), 1e-3, 3.0)
        seen.append(z)
    return np.concatenate(seen)


@pytest.mark.parametrize(
    ("family", "noise", "seed"),
    [
        ("naka-rushton", "poisson", 201),
        ("softplus", "sparse", 201),
        ("block", "poisson", 200),
        ("lif", "sparse", 200),
        ("noisy-lif", "poisson", 201),
    ],
)
def test_no_likely_unit_leaves_the_band(family, noise, seed):
    """Bands stopped at the first hill of the likelihood that their search came to."""
    task, found = fitted(family, noise, seed)
    drop = 3.84
    floor = found.log_likelihood[0] - drop / 2
    nodes = np.linspace(*task.statistics.current[[0, -1]], NODES)
    ((low, high),) = profile_bands(task, found, nodes, [drop])
    rate = task.family.evaluate(
        task.theta(likely_units(task, found, floor)), nodes, **task.settings
    )
    slack = 0.05 * (high - low) + 1e-3 * rate.max()
    beyond = np.maximum(low - slack - rate.min(axis=0), rate.max(axis=0) - high - slack)
    assert beyond.max() <= 0, (nodes[beyond.argmax()], beyond.max())


def test_a_band_of_the_whole_curve_is_as_wide_as_a_tube_has_to_be():
    """Two parameters: the chance that a curve leaves its band follows from an angle (Naiman 1986).

    The band was Scheffé's, which holds 97 to 99 of 100 curves of units with 4 to 6 parameters.
    """
    task, found = fitted("relu", "poisson", 3)
    z, measured = found.z[0], task.statistics.current
    drop = curve_drop(task, z, 0.95, np.inf)
    current = np.linspace(measured[0], measured[-1], 2000)
    rate, partials = task.family.derivatives(task.theta(z)[None], current)
    steep = (partials[0] * np.where(task.logarithmic, task.theta(z), 1.0))[rate[0] > 0]
    along = steep @ np.linalg.cholesky(covariance(task, z))
    angle = np.ptp(np.unwrap(np.arctan2(along[:, 1], along[:, 0])))
    leaves = angle / np.pi * np.exp(-drop / 2) + 2 * norm.sf(np.sqrt(drop))
    assert leaves == pytest.approx(0.05, abs=0.01)  # three standard errors of 4000 draws
    # One free parameter: the whole curve is as sure as one of its rates.
    truth, curve = draw_counts_of("relu", "poisson", 10, 3, 3)
    known = {"threshold_pA": truth.threshold_pA}
    _, (one,), (fit,) = fit_all([problem(type(truth), curve.statistics(), known)], curve)
    assert curve_drop(one, fit.z[0], 0.95, np.inf) == joint_drop(1, 0.95, np.inf)
    block, fit = fitted("block", "poisson", 3)
    assert 3.84 < curve_drop(block, fit.z[0], 0.95, np.inf) < 0.85 * joint_drop(6, 0.95, np.inf)


def test_a_band_of_the_whole_curve_allows_for_a_width_whose_best_value_is_zero():
    """There the rate does not depend on the width: the band held 89 of 100 curves."""
    truth, curve = draw_counts_of("softplus", "sparse", 40, 3, 1)
    _, (task,), (found,) = fit_all([problem(type(truth), curve.statistics())], curve)
    width = task.theta(found.z[0])[2]
    assert width < 0.1
    at_truth = curve_drop(task, task.coordinates(truth.values), 0.95, np.inf)
    assert curve_drop(task, found.z[0], 0.95, np.inf) < 0.9 * at_truth
    assert widest_curve_drop(task, found, 0.95, np.inf) == pytest.approx(at_truth, rel=0.03)


def test_with_many_counts_the_edge_is_that_of_the_normal_distribution():
    truth, curve = draw_counts_of("logistic", "poisson", 20, 3, 1)
    counts = curve.statistics()
    task = problem(type(truth), counts)
    z = task.coordinates(truth.values)[None]
    exact = task.rate(z)[0][counts.index] * 1000.0
    many = type(counts)(counts.current, counts.index, 1000 * counts.window, exact)
    task = problem(type(truth), many)
    spread = np.sqrt(np.diag(np.linalg.inv(task.information(z[0]))))
    floor = task.statistics.log_likelihood(task.rate(z)) - 1.92
    for k, axis in enumerate(np.eye(3)):

        def aim(points, rows, axis=axis):
            return points @ axis, np.tile(axis, (len(points), 1))

        found = furthest(task, z, task.lower[None], task.upper[None], aim, floor)
        assert found[0, k] - z[0, k] == pytest.approx(1.96 * spread[k], rel=0.01)


@pytest.mark.parametrize("shape", [0.3, 4.0, 60.0])
def test_pooled_table_agrees_with_the_formula(shape):
    count, window = np.array([0.0, 0, 3, 5, 40, 44]), np.array([1.0, 1, 0.5, 0.5, 1, 2])
    shapes = np.array([1.0, 1, 1, 1, 1, 2]) * shape
    first = np.array([0, 2, 4])
    rate = np.geomspace(0.5, 200, 60)[:, None] * np.ones(3)
    total, slope = PooledLookup(count, shapes, window, first)(rate)
    every = rate[:, [0, 0, 1, 1, 2, 2]] * window
    exact, score = log_probability_and_slope(count, every, shapes)
    exact = np.add.reduceat(exact, first, axis=1)
    steep = np.add.reduceat(score * window, first, axis=1)
    fair = exact > -200
    np.testing.assert_allclose(total[fair], exact[fair], atol=2e-5)
    np.testing.assert_allclose(slope[fair], steep[fair], rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("currents", [2, 5, 17])
def test_rising_rates_of_many_data_sets_are_those_of_each(currents):
    random = np.random.default_rng(currents)
    window = random.uniform(0.5, 2, currents)
    count = random.poisson(random.uniform(0, 5, (50, currents))).astype(float)
    each = [isotonic_regression(row / window, weights=window).x for row in count]
    np.testing.assert_allclose(rising_rates(count, window), each, atol=1e-12)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_counts_that_tell_next_to_nothing_give_a_huge_and_finite_covariance():
    unit = Logistic(max_rate_Hz=60, midpoint_pA=10000, width_pA=25)
    silent = FICurve(np.arange(0, 501, 100.0), np.zeros(6), 1.0)
    task = problem(Logistic, silent.statistics(), {"max_rate_Hz": 60.0})
    z = task.coordinates(unit.values)
    found = covariance(task, z)
    assert np.isfinite(found).all()
    assert not found[0].any(), "a fixed parameter has no variance"
    assert np.diag(found)[1:].max() > 1e199
    assert np.isfinite(curve_drop(task, z, 0.95, np.inf))
