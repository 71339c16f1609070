"""Information against channels whose amount is known in closed form, within 5 %, over seeds."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.spike_trains import (
    bin_information,
    gaussian_information,
    score_rates,
    spike_information,
)
from bridge.spike_trains.score import draw_trains
from bridge.units import Softplus
from neurosim.errors import ParameterError


def entropy(p):
    p = np.asarray(p, dtype=float)
    return -p * np.log2(p) - (1 - p) * np.log2(1 - p)


@pytest.mark.parametrize("snr", [0.1, 1.0, 10.0])
def test_a_white_gaussian_channel(snr):
    # Shannon 1948: B log2(1 + SNR) with B half the sampling rate.
    random = np.random.default_rng(7)
    s = random.standard_normal(120_000)
    r = s + random.standard_normal(120_000) / np.sqrt(snr)
    found = gaussian_information(s, r, 0.001)
    assert found.per_second == pytest.approx(500 * np.log2(1 + snr), rel=0.05)
    # A channel that carries nothing: the correction takes the bias away.
    nothing = gaussian_information(s, random.standard_normal(120_000), 0.001)
    assert abs(nothing.per_second) < 0.1 * nothing.bias_per_second


def test_a_coloured_gaussian_channel():
    # An Ornstein-Uhlenbeck signal in white noise: int log2(1 + S(f)/N) df over the band.
    random = np.random.default_rng(8)
    step, tau, n = 0.001, 0.01, 400_000
    keep = np.exp(-step / tau)
    s = np.empty(n)
    drawn = random.standard_normal(n)
    s[0] = drawn[0]
    for i in range(1, n):
        s[i] = keep * s[i - 1] + np.sqrt(1 - keep**2) * drawn[i]
    found = gaussian_information(s, s + random.standard_normal(n), step)
    f = np.linspace(0, 500, 200_001)
    spectrum = (1 - keep**2) / (1 - 2 * keep * np.cos(2 * np.pi * f * step) + keep**2)
    assert found.per_second == pytest.approx(np.trapezoid(np.log2(1 + spectrum), f), rel=0.05)


@pytest.mark.parametrize(("low", "high"), [(0.05, 0.4), (0.0001, 0.5)])
def test_two_rates_in_alternation(low, high):
    # A binary channel: H of the mean chance less the mean of the H of both chances.
    random = np.random.default_rng(9)
    chance = np.tile([low, high], 300)
    trains = [0.01 * (np.flatnonzero(random.random(600) < chance) + 0.5) for _ in range(100)]
    known = entropy((low + high) / 2) - (entropy(low) + entropy(high)) / 2
    found = bin_information(trains, 6.0, 0.01)
    assert found.per_second * 0.01 == pytest.approx(known, rel=0.05)
    assert found.bias_per_second > 0


def test_poisson_spikes_of_a_sinusoidal_rate():
    # mean of (1 + m cos) log2(1 + m cos) = [1 - q + ln((1 + q) / 2)] / ln 2, q = sqrt(1 - m^2)
    m, rate = 0.9, 30.0
    q = np.sqrt(1 - m**2)
    known = rate * (1 - q + np.log((1 + q) / 2)) / np.log(2)
    time = (np.arange(4000) + 0.5) * 0.005
    trains = draw_trains(rate * (1 + m * np.cos(2 * np.pi * time)), 0.005, 60, seed=3)
    found = spike_information(trains, 20.0, 0.02)
    assert found.per_second == pytest.approx(known, rel=0.05)
    # Fewer trials, about one spike in the emptiest bins: a quarter of the plain estimate is bias.
    few = [
        spike_information(
            draw_trains(rate * (1 + m * np.cos(2 * np.pi * time)), 0.005, 15, [4, k]), 20.0, 0.02
        )
        for k in range(12)
    ]
    assert np.mean([bits.per_second for bits in few]) == pytest.approx(known, rel=0.05)
    assert np.mean([bits.per_second + bits.bias_per_second for bits in few]) > 1.15 * known


def test_the_unit_that_made_the_rates_scores_one():
    unit = Softplus(0.2, 150, 30)
    powers, bits, shuffled = [], [], []
    for seed in range(20):
        random = np.random.default_rng([5, seed])
        current = 200 + 80 * np.repeat(random.standard_normal(500), 2)
        rate = unit.rate(current)
        trains = draw_trains(rate, 0.02, 30, [6, seed])
        told = score_rates(trains, rate, 20.0)
        powers.append(told.power)
        bits.append(told.bits)
        shuffled.append(score_rates(trains, random.permutation(rate), 20.0).power)
    # Unbiased: the mean over seeds is one, and each single score is near it.
    for found in (powers, bits):
        assert np.mean(found) == pytest.approx(1, abs=0.01)
        assert np.abs(np.array(found) - 1).max() < 0.05
    assert np.max(shuffled) < 0


def test_a_unit_with_half_the_gain_loses_what_it_should():
    # r = mean + half of the modulation: the share of power is 1 - (1/2)^2.
    rate = 30 * (1 + 0.8 * np.sin(np.arange(3000) / 7))
    trains = draw_trains(rate, 0.02, 60, 2)
    half = 0.5 * (rate + rate.mean())
    assert score_rates(trains, half, 60.0).power == pytest.approx(0.75, abs=0.02)


def test_errors_say_what_to_do():
    with pytest.raises(ParameterError, match="at least two trials"):
        bin_information([np.array([0.1])], 1.0)
    with pytest.raises(ParameterError, match="shorter"):
        spike_information([np.array([0.1])], 1.0, 0.9)
    with pytest.raises(ParameterError, match="fewer than four"):
        gaussian_information(np.zeros(1000), np.zeros(1000), 0.001)
    with pytest.raises(ParameterError, match="one a bin"):
        score_rates([np.array([0.1])] * 2, [1.0], 1.0)
