"""What a certificate says of labels holds, and it says on what that rests."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms, mV
from sklearn.datasets import load_diabetes, load_digits, load_iris

import bridge.spiking.batches
import bridge.spiking.memory_limit
from ann import Network, ShallowNetwork
from bridge.certificate.certify import certify
from bridge.conversion.convert import convert
from bridge.conversion.drive import background_for, measure_for_conversion
from bridge.errors import ConversionError
from neurosim import LIF


@pytest.fixture(scope="module")
def curve():
    return measure_for_conversion(LIF(), background_for(LIF(), 2 * mV), dt=0.1 * ms)


@pytest.fixture(scope="module")
def digits(curve):
    X, y = load_digits(return_X_y=True)
    X = X / 16
    network = ShallowNetwork(hidden=24, dropout=0.1, random_state=1).fit(X[:1200], y[:1200])
    return X, y, network, convert(network, X[:1200], curve=curve)


@pytest.fixture(scope="module")
def iris(curve):
    X, y = load_iris(return_X_y=True)
    network = ShallowNetwork(hidden=8, random_state=0).fit(X / 8, y)
    return X / 8, network, convert(network, X / 8, curve=curve)


@pytest.fixture(scope="module")
def certificate(digits):
    X, _, _, spiking = digits
    return certify(spiking, X[:1200], trials=2, repeats=2, inputs=60, seed=2)


def changed(network, spiking, X, seeds=(11, 12)):
    wanted = network.predict(X)
    return np.any([spiking.run(X, 50 * ms, seed=s).predict() != wanted for s in seeds], axis=0)


def test_a_certificate_of_one_class_calls_no_other_safe(iris):
    X, network, spiking = iris
    certificate = certify(spiking, X[:40], trials=2, repeats=2)  # setosa only
    safe = certificate.safe(X)
    assert certificate.labels == ((0, 0),)
    assert safe[network.predict(X) != 0].sum() == 0
    assert not (safe & changed(network, spiking, X)).any()


def test_inputs_are_drawn_at_random(digits):
    X, y, _, spiking = digits
    order = np.argsort(y[:1200], kind="stable")
    rows = X[:1200][order]
    first = certify(spiking, rows[:60], trials=2, repeats=2, seed=3)
    drawn = certify(spiking, rows, trials=2, repeats=2, inputs=60, seed=3)
    assert len(first.labels) < 4
    assert len(drawn.labels) == 10
    assert drawn.inputs == 60
    again = certify(spiking, rows, trials=2, repeats=2, inputs=60, seed=3)
    np.testing.assert_array_equal(drawn.worst, again.worst)


@pytest.mark.slow
def test_inputs_unlike_those_certified_on_are_not_safe(digits, certificate):
    X, _, network, spiking = digits
    test = X[1200:1400]
    assert certificate.safe(test).mean() > 0.2
    # A network that has forgotten on which scale it was calibrated answers any.
    spiking = replace(spiking, seen=None)
    for other in (3 * test, 10 * test, np.random.default_rng(0).random(test.shape), -test):
        safe = certificate.safe(other)
        assert not (safe & changed(network, spiking, other)).any()
    assert certificate.safe(10 * test).mean() < certificate.safe(test).mean()


def test_a_certificate_says_on_what_it_rests(digits, certificate):
    X, _, _, spiking = digits
    said = certificate.claim(X[1200:1300])
    assert "of 100 labels cannot change while no neuron" in said
    assert "in 2 runs of 60 inputs" in said
    assert certificate.exceeded == (1 / 61, 24 / 61)
    few = certify(spiking, X[:10], trials=2, repeats=2)
    with pytest.raises(ConversionError, match="rests on 10 inputs, too few"):
        few.safe(X[:300])


def test_how_often_a_new_input_goes_beyond_is_bounded(digits, certificate):
    X, _, _, spiking = digits
    new = X[1200:1500]
    error = spiking.run(new, 50 * ms, seed=5).activations()[-1] - spiking.split.layers(new)[-1]
    beyond = np.abs(error) > certificate.worst
    one, some = certificate.exceeded
    # One draw of 60 inputs: its errors may lie lower than most draws', hence the factor.
    assert beyond.mean() < 2 * one
    assert beyond.any(axis=1).mean() < 2 * some


def test_quantities_have_bounds_and_no_labels(curve):
    X, y = load_diabetes(return_X_y=True)
    X = X / X.std(axis=0)
    model = ShallowNetwork(hidden=16, task="regression", random_state=0).fit(X, y)
    spiking = convert(model, X, curve=curve)
    certificate = certify(spiking, X, trials=2, repeats=2, inputs=60)
    with pytest.raises(ConversionError, match=r"quantities.*output_bounds"):
        certificate.safe(X)
    assert np.isnan(certificate.layers[0].agreement)
    assert "agreement" not in certificate.rows()[0]
    low, high = certificate.output_bounds(X)
    found = spiking.run(X, 50 * ms, seed=8).logits()
    assert np.mean((found >= low) & (found <= high)) > 0.99


def test_risks_and_counts_that_mean_nothing_are_refused(digits, certificate):
    X, _, _, spiking = digits
    for risk in (-1, 0, 2, np.nan, "a"):
        with pytest.raises(ConversionError, match="risk must"):
            certificate.safe(X[:3], risk=risk)
    for wrong in ({"trials": 2.5}, {"repeats": 1}):
        with pytest.raises(ConversionError, match="at least 2 trials and 2 repeats"):
            certify(spiking, X[:3], **wrong)
    with pytest.raises(ConversionError, match="inputs must be a whole number"):
        certify(spiking, X[:3], inputs=0)


@pytest.mark.slow
def test_a_certificate_obeys_the_limit_of_memory(curve, monkeypatch):
    X = np.random.default_rng(0).normal(size=(30, 4))
    net = Network([4, 10, 10, 3], ["sigmoid", "sigmoid", "identity"], rng=0, dtype=np.float64)
    spiking = convert(net, X, curve=curve)
    settings = {"trials": 2, "repeats": 2}
    whole = certify(spiking, X, 20 * ms, **settings)
    monkeypatch.setattr(bridge.spiking.memory_limit, "available_bytes", lambda: 2 * 10 * 20_000)
    largest = []
    simulate = bridge.spiking.batches.simulate

    def watched(*given, **how):
        largest.append(how["batch"]["current"].shape[0])
        return simulate(*given, **how)

    monkeypatch.setattr(bridge.spiking.batches, "simulate", watched)
    split = certify(spiking, X, 20 * ms, **settings)
    assert max(largest) < 30
    np.testing.assert_array_equal(split.worst, whole.worst)
    assert split.layers[1].shares == pytest.approx(whole.layers[1].shares)
