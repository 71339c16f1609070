"""The parts of the error add up, and what is promised of labels holds in runs that nobody saw."""

import numpy as np
import pytest
from brian2 import ms
from sklearn.datasets import load_digits

from ann import DeepNetwork, ShallowNetwork
from bridge.certificate.certificate import PARTS
from bridge.certificate.certify import certify
from bridge.certificate.time_to_accuracy import time_to_accuracy
from bridge.conversion.convert import convert
from bridge.errors import ConversionError


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:1200] / 16, X[1200:] / 16, y[:1200], y[1200:]


@pytest.fixture(scope="module")
def shallow(digits):
    network = ShallowNetwork(hidden=24, dropout=0.1, random_state=1).fit(digits[0], digits[2])
    return network, convert(network, digits[0], seed=1, jobs=2)


@pytest.fixture(scope="module")
def certificate(shallow, digits):
    return certify(shallow[1], digits[0][:80], 50 * ms, trials=3, repeats=4, seed=5, jobs=2)


def test_the_parts_add_up(certificate):
    (layer,) = certificate.layers
    assert set(layer.parts_rms) == set(PARTS)
    assert sum(layer.shares.values()) == pytest.approx(1, abs=1e-9)
    # Nothing before it, and no synapses.
    assert layer.parts_rms["inherited"] == 0
    assert layer.parts_rms["synaptic noise"] < 1e-12
    # 80 inputs, 24 neurons: their sum must be the error of other runs, too.
    assert layer.closing < 0.1


def test_the_parts_are_what_calibration_foresaw(certificate, shallow):
    calibration = shallow[1].layers[0].calibration
    (layer,) = certificate.layers
    foreseen = np.sqrt(np.mean(calibration.bias**2))
    static = np.hypot(layer.parts_rms["f-I bias"], layer.parts_rms["clipping"])
    assert static == pytest.approx(foreseen, rel=0.25)
    noise = np.sqrt(np.mean(calibration.count_noise**2))
    # The filter of the readout makes a regular train quieter than its count.
    assert 0.3 * noise < layer.parts_rms["quantisation"] < 1.3 * noise


@pytest.mark.slow
def test_waiting_removes_quantisation_and_not_bias(certificate, shallow, digits):
    later = certify(shallow[1], digits[0][:80], 200 * ms, trials=3, repeats=4, seed=5, jobs=2)
    (soon,), (late,) = certificate.layers, later.layers
    assert late.parts_rms["quantisation"] < 0.7 * soon.parts_rms["quantisation"]
    assert late.parts_rms["f-I bias"] == pytest.approx(soon.parts_rms["f-I bias"], rel=0.02)


def test_labels_that_cannot_change_do_not(certificate, shallow, digits):
    network, spiking = shallow
    X = digits[1][:300]
    run = spiking.run(X, 50 * ms, seed=77, jobs=2)
    same = run.predict() == network.predict(X)
    for risk in (None, 0.1):
        safe = certificate.safe(X, risk)
        assert 0.2 < safe.mean() < 1
        assert same[safe].all()
    assert np.all(certificate.safe(X, 0.01) <= certificate.safe(X, 0.1))
    error = np.abs(run.logits() - network.network_.logits(X))
    assert np.mean(error <= certificate.logit_bound) > 0.99
    assert "hidden layer 1 adds most" in certificate.why()


@pytest.mark.slow
def test_every_layer_of_a_deep_network_closes(digits):
    X, _, y, _ = digits
    network = DeepNetwork(hidden=(24, 16), activation="sigmoid", random_state=1).fit(X, y)
    spiking = convert(network, X, decision=100 * ms, jobs=2)
    found = certify(spiking, X[:100], 100 * ms, trials=3, repeats=4, jobs=2)
    second = found.layers[1]
    assert second.parts_rms["inherited"] > 0
    assert second.parts_rms["synaptic noise"] > 0
    assert all(layer.closing < 0.1 for layer in found.layers)
    assert [row["layer"] for row in found.rows()] == [1, 2]


def test_time_to_accuracy_has_an_interval(shallow, digits):
    network, spiking = shallow
    X, y = digits[1][:200], digits[3][:200]
    run = spiking.run(X, 50 * ms, seed=3, jobs=2)
    ann = np.mean(network.predict(X) == y)
    time, low, high = time_to_accuracy(run, y, ann - 0.02, resamples=200)
    assert 0 < low <= time <= high
    assert np.mean(run.predict(time * ms) == y) >= ann - 0.02
    assert time_to_accuracy(run, y, 1.01, resamples=10) == (np.inf, np.inf, np.inf)


def test_too_few_runs_are_refused(shallow, digits):
    with pytest.raises(ConversionError, match="at least 2 trials"):
        certify(shallow[1], digits[0][:2], trials=1)
