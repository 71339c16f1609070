"""Every unit is calibrated on its own range, and the scatter said of its counts is the real one."""

from itertools import pairwise

import numpy as np
import pytest
from brian2 import ms, mV, pA

from ann import Network
from bridge.conversion.convert import convert
from bridge.conversion.drive import background_for, measure_for_conversion
from bridge.counts.count_variance import count_variance, fano_by_current
from bridge.counts.curve import FICurve
from bridge.mapping.calibration import calibrate
from bridge.stimulate.fi_curve import measure
from neurosim import LIF

X = np.random.default_rng(0).normal(size=(200, 6))


@pytest.fixture(scope="module")
def curve():
    return measure_for_conversion(LIF(), background_for(LIF(), 2 * mV), dt=0.1 * ms)


def network(activation="relu", dead=(), sizes=(6, 20, 3)):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=pair) / np.sqrt(pair[0]) for pair in pairwise(sizes)]
    biases = [np.zeros(width) for width in sizes[1:]]
    biases[0][list(dead)] = -30.0
    kinds = [activation] * (len(sizes) - 2) + ["identity"]
    return Network.from_arrays(weights, biases, kinds, dtype=np.float64)


def agreement(net, curve, seeds=(0,)):
    """Share of inputs with the label of the network, mean over runs of these seeds."""
    spiking, label = convert(net, X, curve=curve), net.logits(X).argmax(axis=1)
    return np.mean([spiking.run(X, 50 * ms, seed=seed).predict() == label for seed in seeds])


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["relu", "softplus"])
def test_a_dead_unit_does_not_silence_its_layer(curve, activation):
    seeds = range(4)
    whole = agreement(network(activation), curve, seeds)
    # Over 12 seeds .891 with a standard deviation of .02 (relu) and .98 (softplus): the mean of
    # four lies within .01.
    assert whole > 0.86
    assert agreement(network(activation, dead=[0]), curve, seeds) > whole - 0.03


def test_a_unit_of_other_scale_is_the_same_unit(curve):
    net = network()
    before = agreement(net, curve)
    net.layers[0].weights[:, 0] *= 300
    net.layers[1].weights[0] /= 300
    assert agreement(net, curve) > before - 0.03


def test_neighbours_leave_a_calibration_as_it_was(curve):
    relu = network().layers[0].activation
    z = np.random.default_rng(1).normal(size=(400, 3))
    alone = calibrate(curve, z, activation=relu)
    beside = calibrate(curve, np.column_stack([z, z[:, 0] - 30]), activation=relu)
    for name in ("holding_pA", "gain_pA", "offset", "slope_s", "count_noise"):
        np.testing.assert_array_equal(getattr(beside, name)[:3], getattr(alone, name))
    scaled = calibrate(curve, 1000 * z, activation=relu)
    np.testing.assert_allclose(1000 * scaled.gain_pA, alone.gain_pA, rtol=0.02)
    np.testing.assert_allclose(scaled.count_noise, 1000 * alone.count_noise, rtol=0.02)


def test_a_unit_that_hardly_moves_spends_hardly_any_spikes(curve):
    net = network("sigmoid")
    net.layers[0].weights[:, 0] *= 1e-3
    net.layers[0].bias[0] = -4.0
    run = convert(net, X, curve=curve).run(X, 50 * ms)
    spikes = run.spikes_by_neuron().mean(axis=0)
    assert spikes[0] < 0.3 * np.median(spikes)


def test_a_count_scatters_as_much_as_is_said(curve):
    current = np.linspace(100, 700, 13)
    recording = measure(
        LIF(), current * pA, duration=100 * ms, trials=500, settle=150 * ms,
        background=background_for(LIF(), 2 * mV), seed=3,
    )  # fmt: skip
    since = recording.spike_time_s - 0.15
    for window in (0.02, 0.05, 0.1):
        inside = (since >= 0) & (since < window)
        counts = np.bincount(recording.spike_row[inside], minlength=recording.rows)
        counts = counts.reshape(len(current), -1)
        said = count_variance(counts.mean(axis=1), np.interp(current, *fano_by_current(curve)))
        # A variance of 500 counts has a standard error of 6 %, one of ten trials at three currents
        # 27 %: two standard errors of what is said of one current, and less for all together.
        np.testing.assert_allclose(said, counts.var(axis=1, ddof=1), rtol=0.55)
        assert np.mean(said) == pytest.approx(counts.var(axis=1, ddof=1).mean(), rel=0.1)


def test_counts_of_a_train_without_jitter_only_scatter_by_their_phase():
    mean = np.array([0.01, 0.3, 0.99, 2.5, 7.2])
    np.testing.assert_allclose(count_variance(mean, 0.0), (mean % 1) * (1 - mean % 1), atol=2e-3)
    # Rare spikes scatter like those of a coin, however regular the train.
    np.testing.assert_allclose(count_variance(0.01, [0.004, 1.0]), 0.01, rtol=0.1)
    slow_and_fast = FICurve(
        [0, 0, 0, 500, 500, 500, 600, 600, 600, 700, 700, 700],
        [0, 1, 2, 99, 100, 101, 99, 100, 101, 99, 100, 101],
        1.0,
        trial=[0, 1, 2] * 4,
    )
    assert fano_by_current(slow_and_fast)[1][-1] == pytest.approx(0.01)


def test_what_was_said_of_the_error_is_the_error(curve):
    net = network(dead=[0])
    spiking = convert(net, X, curve=curve)
    run = spiking.run(X, 50 * ms)
    error = run.activations()[0] - spiking.split.layers(X)[0]
    calibration = spiking.layers[0].calibration
    said = np.hypot(calibration.bias, calibration.count_noise)
    # The filter of the readout makes a regular train quieter than its count.
    assert 0.6 * np.mean(said) < np.sqrt(np.mean(error**2, axis=0)).mean() < 1.2 * np.mean(said)
