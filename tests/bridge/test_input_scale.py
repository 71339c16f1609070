"""Inputs on another scale than a network knows are refused, and said which column it is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from brian2.units import ms
from sklearn.datasets import load_digits, load_wine
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale

from ann import ShallowNetwork, from_scikit_learn
from bridge import convert
from bridge.errors import ConversionError
from bridge.mapping.input_range import InputRange, check_training_scale, warn_of_saturation

X, Y = load_wine(return_X_y=True)
PIXELS, DIGITS = load_digits(return_X_y=True)


@pytest.fixture(scope="module")
def raw():
    return ShallowNetwork(hidden=6, max_epochs=20, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def spiking():
    net = ShallowNetwork(hidden=6, max_epochs=20, random_state=0).fit(
        PIXELS[:300] / 16, DIGITS[:300]
    )
    return convert(net, PIXELS[:300] / 16)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (scale(X), "column 0 was 13"),
        (X / 100, "was"),
        (X * np.where(np.arange(13) == 0, 1000, 1), "column 0 was 13"),
        (X.mean(axis=0) + 0.02 * (X - X.mean(axis=0)), "vary 0.02 times as much"),
    ],
    ids=["standardised", "in other units", "one column", "shrunk"],
)
def test_an_estimator_knows_its_training_columns(raw, table, said):
    with pytest.raises(ConversionError, match=f"not on the scale of the training inputs: .*{said}"):
        convert(raw, table)
    # Training inputs pass, also a few of them, of one class, or noisy.
    for some in (
        X,
        X[:5],
        X[Y == 2],
        X + X.std(axis=0) * np.random.default_rng(0).normal(size=X.shape),
    ):
        check_training_scale(raw, some)


def test_a_converted_network_knows_what_it_was_calibrated_on(spiking):
    with pytest.raises(ConversionError, match="not on the scale of those calibrated on: column"):
        spiking.run(PIXELS[300:310], 10 * ms)
    with pytest.raises(ConversionError, match="not on the scale"):
        spiking.run(PIXELS[300:301], 10 * ms)
    with pytest.raises(ConversionError, match="not on the scale"):
        spiking.check_inputs(scale(PIXELS[300:400]) * 30)
    shifted = PIXELS[300:310] / 16
    shifted[:, 20] += 5
    with pytest.raises(ConversionError, match="column 20 holds"):
        spiking.check_inputs(shifted)
    with pytest.warns(UserWarning, match="less than a tenth as large"):
        spiking.check_inputs(PIXELS[300:400] / 16 / 16)


def test_inputs_of_the_same_kind_pass_in_silence(spiking):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for some in (PIXELS[300:] / 16, PIXELS[300:301] / 16, PIXELS[DIGITS == 3] / 16,
                     np.zeros((30, 64)) + PIXELS[5] / 16):  # fmt: skip
            spiking.check_inputs(some)


def test_single_inputs_far_outside_are_said_and_run(spiking):
    some = PIXELS[300:340] / 16
    some[3, 20] = 30.0
    with pytest.warns(UserWarning, match=r"1 of 40 inputs lie far outside .* column 20"):
        spiking.check_inputs(some)


def test_a_bare_network_whose_units_are_flat_is_warned_of():
    net = MLPClassifier((6,), activation="logistic", random_state=0, max_iter=20).fit(scale(X), Y)
    z = from_scikit_learn(net).layers[0].net_input(X)
    with pytest.warns(UserWarning, match="100 % of the inputs of hidden layer 1 lie where its"):
        warn_of_saturation("sigmoid", z)
    # All of its units are dead, which is refused by itself.
    with pytest.warns(UserWarning, match="is flat"):  # noqa: SIM117, the error is the inner one
        with pytest.raises(ConversionError, match="check that X is scaled"):
            convert(net, X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_saturation("relu", z)
        warn_of_saturation("sigmoid", 8 * scale(X))


def test_few_calibration_inputs_say_nothing_of_a_range():
    assert InputRange.of(X[:3]) is None
