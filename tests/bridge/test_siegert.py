"""The first-passage integral against slow, exact quadrature, over its whole range."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfcx

from bridge.units import NoisyLIF
from bridge.units.siegert import erfcx_area, scaled_passage


def slow_rate(mean_mV, sigma_mV, dt_s=0.0):
    """The rate by adaptive quadrature of erfcx(-u) e^(-b^2): -55 / -70 mV, 20 ms, 2 ms."""
    barrier = -55 + 0.5825971579390106 * sigma_mV * np.sqrt(2 * dt_s / 0.02)
    b = (barrier - mean_mV) / (np.sqrt(2) * sigma_mV)
    a = (-70 - mean_mV) / (np.sqrt(2) * sigma_mV)
    high = max(b, 0.0)
    scaled = 0.0
    # Panels keep the steep end near b resolved.
    edges = np.unique(np.concatenate([[a, b], b - (b - a) * np.geomspace(1e-6, 1, 40)]))
    for left, right in pairwise(edges):
        scaled += quad(
            lambda u: (
                erfcx(-u) * np.exp(-(high**2))
                if u < 5
                else 2 * np.exp(u**2 - high**2) - erfcx(u) * np.exp(-(high**2))
            ),
            left,
            right,
            epsrel=1e-12,
            epsabs=0,
        )[0]
    shrink = np.exp(-(high**2))
    return shrink / (0.002 * shrink + 0.02 * np.sqrt(np.pi) * scaled)


@pytest.mark.filterwarnings("ignore:The occurrence of roundoff")
@pytest.mark.parametrize("sigma", [0.05, 0.3, 1.0, 2.0, 5.0, 15.0, 60.0])
def test_rate_is_exact_over_the_whole_range(sigma):
    for mean in (-200, -90, -70, -60, -56, -55, -54.9, -50, -30, 50, 400):
        for dt in (0.0, 1e-4):
            expected = slow_rate(mean, sigma, dt)
            unit = NoisyLIF.from_membrane(sigma_mV=sigma, dt_s=dt)
            found = unit.rate((mean + 70) * 10)
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-290)


def test_area_under_erfcx():
    y = np.array([0, 1e-6, 0.01, 0.5, 1.5, 4, 20, 300, 1e4])
    expected = [quad(erfcx, 0, end, epsabs=0, epsrel=1e-13, limit=500)[0] for end in y]
    np.testing.assert_allclose(erfcx_area(y), expected, rtol=1e-11, atol=1e-15)


def test_nothing_overflows_deep_below_threshold():
    with np.errstate(all="raise", under="ignore"):
        passage, shrink = scaled_passage(np.array([-10.0, 5.0]), np.array([40.0, 1e6]))
        rate = NoisyLIF.from_membrane(sigma_mV=0.01).rate(np.array([-1e6, 0.0, 149.0]))
        slope = NoisyLIF.from_membrane(sigma_mV=0.01).gradient(np.array([-1e6, 0.0, 149.0]))
    assert np.all(np.isfinite(passage))
    assert not shrink.any()
    assert not rate[:2].any()
    assert not slope[:2].any()
    assert 0 < rate[2] < 1e-15


def test_time_step_lowers_the_rate():
    """Barrier shift (Chernoff 1965): simulated rates at 0.1 ms lie 2-7 % below continuous time."""
    for mean, sigma in ((-60, 5), (-55, 5), (-50, 2)):
        current = (mean + 70) * 10
        exact = NoisyLIF.from_membrane(sigma_mV=sigma).rate(current)
        stepped = NoisyLIF.from_membrane(sigma_mV=sigma, dt_s=1e-4).rate(current)
        assert 0.01 < 1 - stepped / exact < 0.1


def test_barrier_shift_against_a_simulated_neuron():
    """Exact Euler steps of the Ornstein-Uhlenbeck voltage, dt 0.5 ms: within sampling error."""
    random = np.random.default_rng(3)
    dt, tau, sigma, mean, n = 5e-4, 0.02, 5.0, -58.0, 4000
    decay = np.exp(-dt / tau)
    kick = sigma * np.sqrt(1 - decay**2)
    v, rest, spikes = np.full(n, -70.0), np.zeros(n, int), 0
    steps, settle = 3000, 400
    for step in range(steps):
        v = mean + (v - mean) * decay + kick * random.standard_normal(n)
        v[rest > 0] = -70.0
        rest = np.maximum(rest - 1, 0)
        fired = v > -55
        v[fired], rest[fired] = -70.0, 4
        spikes += int(fired.sum()) if step >= settle else 0
    seen = spikes / (n * (steps - settle) * dt)
    told = NoisyLIF.from_membrane(sigma_mV=sigma, dt_s=dt).rate((mean + 70) * 10)
    error = np.sqrt(spikes) / (n * (steps - settle) * dt)
    assert abs(seen - told) < 3 * error + 0.005 * told
    continuous = NoisyLIF.from_membrane(sigma_mV=sigma).rate((mean + 70) * 10)
    assert abs(seen - continuous) > 5 * error


def test_the_slopes_are_those_of_the_rate_also_far_above_reset():
    """Reset above the mean voltage (a > 0), below it, and a threshold far away: each branch."""
    unit = NoisyLIF(rheobase_pA=150.0, span_pA=60.0, tau_s=0.02, refractory_s=0.002, noise_pA=25.0)
    current = np.array([0.0, 60.0, 89.0, 91.0, 149.0, 151.0, 400.0])
    rate, partials = unit.derivatives(unit.values, current)
    np.testing.assert_allclose(rate, unit.rate(current), rtol=1e-13)
    for k, value in enumerate(unit.values):
        step = 1e-5 * value
        moved = [unit.values.copy(), unit.values.copy()]
        moved[0][k] -= step
        moved[1][k] += step
        low, high = (unit.evaluate(theta, current) for theta in moved)
        # Differences of rates near 1e-7 Hz have lost their digits.
        slope = (high - low) / (2 * step)
        np.testing.assert_allclose(partials[:, k], slope, rtol=1e-6, atol=1e-14)
