"""The likelihood of spike times: right for steady trains, and left alone where a cell adapts."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.choice.select_unit import select
from bridge.counts.curve import FICurve
from bridge.counts.likelihood import log_probability_and_slope
from bridge.counts.renewal import EdgeTable, draw_trains, information, trains_of
from bridge.counts.spike_timing import timing_of
from bridge.units import SquareRoot

TRUTH = SquareRoot(3.0, 90.0)
CURRENTS = np.repeat(np.arange(50.0, 500.0, 50.0), 3)


@pytest.mark.parametrize("shape", [0.5, 1.0, 3.0, 12.0, 100.0])
@pytest.mark.parametrize("mean", [0.5, 3.0, 20.0])
def test_the_slope_is_zero_on_average_at_the_truth(shape, mean):
    """The likelihood is that of the process if its slope has mean 0 there (a score)."""
    draws = 4000
    trains = draw_trains(mean, shape, draws, np.random.default_rng(1))
    slope = trains.log_likelihood_and_slope(np.full(draws, mean), np.full(draws, shape))[1]
    assert abs(slope.mean()) < 4 * slope.std() / np.sqrt(draws)
    if mean >= 3:
        told = float(information(np.array([mean]), shape)[0])
        assert slope.var() == pytest.approx(told, rel=0.25)


def test_with_poisson_spikes_times_say_no_more_than_their_number():
    trains = draw_trains(4.0, 1.0, 50, np.random.default_rng(2))
    rate = np.linspace(1, 9, 50)
    value, slope = trains.log_likelihood_and_slope(rate, np.ones(50))
    _, of_count = log_probability_and_slope(trains.count, rate)
    np.testing.assert_allclose(slope, of_count, atol=1e-9)
    expected = np.where(trains.count > 0, trains.count * np.log(rate) - rate, -rate)
    np.testing.assert_allclose(value, expected, atol=1e-9)


def test_the_table_is_the_likelihood():
    trains = draw_trains(6.0, 30.0, 40, np.random.default_rng(3))
    shape = np.full(40, 30.0)
    table = EdgeTable(trains, shape)
    for rate in (0.01, 2.0, 6.0, 9.0, 300.0):
        rates = np.full(40, rate)
        value, slope = trains.log_likelihood_and_slope(rates, shape)
        spikes = shape * (trains.count - 1) + 1
        edge, bend = table(rates[None])
        found = spikes * np.log(rates) - shape * rates * trains.total_s + edge[0]
        np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-4)
        steep = spikes / rates - shape * trains.total_s + bend[0]
        np.testing.assert_allclose(steep, slope, rtol=1e-3, atol=1e-2)


def measured(shape, slowing=0.0, seed=0):
    """Trains that begin with the current, not at a random moment; each interval is longer."""
    random = np.random.default_rng(seed)
    trains = []
    for current in CURRENTS:
        rate = max(float(TRUTH.rate(current)), 1e-6)
        gaps = random.gamma(shape, 1 / (shape * rate), 400) * (1 + slowing * np.arange(400))
        times = np.cumsum(gaps)
        trains.append(0.2 + times[times < 1.0])
    timing = timing_of(trains, 1e-4, 0.2)
    trial = np.tile(np.arange(3), len(CURRENTS) // 3)
    return FICurve(CURRENTS, [len(train) for train in trains], 1.0, trial, timing=timing)


def test_trains_in_step_do_not_mislead():
    """Spikes that are in step with the current when counting begins leave the intervals right."""
    ends = [
        select(measured(50.0, seed=seed), ["square-root"]).fits[0].intervals for seed in range(12)
    ]
    assert sum(3.0 in one["gain_Hz_per_sqrt_pA"] for one in ends) >= 10
    assert sum(90.0 in one["threshold_pA"] for one in ends) >= 10


def test_a_cell_that_adapts_is_judged_by_its_counts():
    steady, slowing = measured(50.0), measured(50.0, slowing=0.05)
    assert select(steady, ["square-root"], intervals=None).noise.spike_times
    noise = select(slowing, ["square-root"], intervals=None).noise
    assert not noise.spike_times
    assert noise.shape > 10


def test_trains_are_put_together_from_what_is_kept():
    timing = timing_of([[0.3, 0.5, 0.9], []], 1e-4, 0.2)
    trains = trains_of(np.array([1.0, 1.0]), np.array([3.0, 0.0]), timing)
    np.testing.assert_allclose(trains.lead_s, [0.1, 0.0])
    np.testing.assert_allclose(trains.trail_s, [0.3, 0.0])
