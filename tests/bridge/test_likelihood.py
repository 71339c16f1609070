"""Counts are counts: the renewal likelihood against theory, simulation and its own table."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gamma, poisson

from bridge.counts.likelihood import (
    log_probability,
    log_probability_and_slope,
    probability_table,
    rough_variance,
    sample,
    variance,
)
from bridge.counts.likelihood_table import Lookup

SHAPES = [0.05, 0.3, 1.0, 1.0001, 2.0, 9.7, 100.0, 1000.0]
MEANS = np.array([1e-3, 0.05, 0.7, 3.0, 20.4, 150.0])


def test_shape_one_is_poisson():
    counts = np.arange(0, 60)
    for mean in MEANS:
        expected = poisson.logpmf(counts, mean)
        np.testing.assert_allclose(log_probability(counts, mean), expected, rtol=1e-9, atol=1e-12)
        near = log_probability(counts, mean, shape=1 + 1e-7)
        np.testing.assert_allclose(near, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_probabilities_add_up_and_the_mean_is_exact(shape):
    table = probability_table(MEANS, shape)
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-9)
    # Stationarity: the mean is rate x window whatever the shape (Cox 1962, eq. 4.2.1).
    np.testing.assert_allclose(table @ np.arange(table.shape[1]), MEANS, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("shape", [0.3, 4.0, 60.0])
def test_long_windows_have_coxs_variance(shape):
    # Cox 1962, section 4.5, for gamma intervals: mean / k + (1 - 1/k^2) / 6 + o(1).
    expected = 150 / shape + (1 - shape**-2) / 6
    np.testing.assert_allclose(variance([150.0], shape), expected, rtol=1e-3)
    np.testing.assert_allclose(rough_variance(150.0, shape), expected, rtol=1e-6)


def test_a_clock_gives_one_of_two_neighbouring_counts():
    chances = np.exp(log_probability([2, 3, 4], 3.3, shape=1000.0))
    np.testing.assert_allclose(chances, [0, 0.7, 0.3], atol=0.02)


def test_counts_of_a_simulated_renewal_process():
    """Gamma intervals watched from a random moment, against the closed form."""
    random, shape, mean = np.random.default_rng(1), 6.0, 4.5
    gaps = gamma.rvs(shape, scale=1 / (shape * mean), size=(40000, 40), random_state=random)
    # Open the window long after the start, so that it opens at a random moment.
    times = np.cumsum(gaps, axis=1) - 3.0
    counts = ((times > 0) & (times <= 1)).sum(axis=1)
    seen = np.bincount(counts, minlength=12)[:12] / len(counts)
    told = probability_table([mean], shape)[0, :12]
    np.testing.assert_allclose(seen, told, atol=4 * np.sqrt(0.25 / len(counts)))


def test_drawn_counts_have_the_mean_and_variance_promised():
    for shape in (0.2, 1.0, 30.0):
        drawn = sample([0.0, 2.5, 40.0], shape, 40000, np.random.default_rng(0))
        assert not drawn[:, 0].any()
        promised = variance([2.5, 40.0], shape)
        error = 4 * np.sqrt(promised / 40000)
        assert np.all(np.abs(drawn[:, 1:].mean(axis=0) - [2.5, 40]) < error)
        np.testing.assert_allclose(drawn[:, 1:].var(axis=0), promised, rtol=0.06)


@pytest.mark.parametrize("shape", SHAPES)
def test_slope_is_the_derivative(shape):
    counts = np.array([0, 1, 3, 20, 150.0])
    for mean in MEANS:
        step = 1e-5 * mean
        above, below = (log_probability(counts, mean + s, shape) for s in (step, -step))
        log_p, slope = log_probability_and_slope(counts, mean, shape)
        seen = log_p > -60
        numeric = (above - below) / (2 * step)
        np.testing.assert_allclose(
            slope[seen], numeric[seen], rtol=1e-4, atol=2e-4 * max(1, 1e-3 / mean)
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_tails_stay_finite_and_fall(shape):
    counts = np.array([0, 5, 50, 500.0])
    means = np.geomspace(1e-9, 1e4, 60)
    log_p = log_probability(counts, means[:, None], shape)
    assert np.all(np.isfinite(log_p))
    assert np.all(log_p <= 1e-9)
    for column, count in zip(log_p.T, counts, strict=True):
        # Likelihood rises up to the count and falls beyond it, without steps in the tails.
        away = means < 0.3 * count
        assert np.all(np.diff(column[away]) > 0)
        assert np.all(np.diff(column[means > 3 * count + 5]) < 0)


@pytest.mark.parametrize("shape", [0.05, 0.3, 0.78, 0.99, 1.01, 2.0, 20.0, 1000.0])
def test_lookup_agrees_with_the_formula(shape):
    counts = np.array([0, 1, 2, 5, 16, 28, 64, 150.0])
    random = np.random.default_rng(0)
    spread = np.sqrt(rough_variance(counts + 1, shape))
    means = np.maximum(counts + 3 * spread * random.standard_normal((500, len(counts))), 1e-3)
    table, slope = Lookup(counts, shape)(means)
    exact, exact_slope = log_probability_and_slope(counts, means, shape)
    seen = exact > -40
    np.testing.assert_allclose(table[seen], exact[seen], atol=1e-5)
    np.testing.assert_allclose(slope[seen], exact_slope[seen], rtol=1e-4, atol=1e-3)
    # Nowhere, however unlikely, may a probability exceed one.
    sweep = np.geomspace(1e-12, 1e7, 20011)[:, None] * np.ones(len(counts))
    assert np.all(Lookup(counts, shape)(sweep)[0] <= 1e-6)
    extreme = Lookup(counts, shape)(np.array([[1e-15], [1e9]]) * np.ones(len(counts)))[0]
    assert np.all(np.isfinite(extreme))
    assert np.all(extreme <= 1e-9)


@pytest.mark.parametrize("shape", [0.05, 0.3, 1.0, 9.7, 1000.0, "mixed"])
def test_a_table_has_the_probabilities_of_single_counts(shape):
    mean = np.repeat([0.0, 1e-9, 0.7, 3.0, 20.4, 150.0], 2)
    shapes = np.tile([2.0, 30.0], 6) if shape == "mixed" else np.full(12, shape)
    table = probability_table(mean, shapes)
    counts = np.arange(table.shape[1])
    each = [np.exp(log_probability(counts, m, k)) for m, k in zip(mean, shapes, strict=True)]
    np.testing.assert_array_equal(table, np.stack(each))


@pytest.mark.parametrize("shape", [0.3, 4.0, 1000.0])
def test_counts_that_are_looked_up_are_those_of_a_search(shape):
    """Some draws lie on a rung of the ladder, some on the edge of a cell."""

    class Chosen:
        def __init__(self, given):
            self.given = iter(given)

        def random(self, size):
            return next(self.given)

    means = np.repeat([0.01, 3.3, 200.0], 2)
    ladders = probability_table(means, shape).cumsum(axis=1)
    ladders /= ladders[:, -1:]
    even = np.random.default_rng(0).random(3000)
    even[:1000] = np.arange(1000) / 4096
    given = []
    for ladder in ladders:
        rungs = ladder[(ladder > 0) & (ladder < 1)][:400]
        given.append(np.concatenate([even, rungs, np.zeros(400 - len(rungs))]))
    drawn = sample(means, shape, 3400, Chosen(given))
    for column, ladder, one in zip(drawn.T, ladders, given, strict=True):
        np.testing.assert_array_equal(column, np.searchsorted(ladder, one, side="right"))
