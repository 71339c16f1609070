"""A network of dendritic neurons that learns digits."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ann import Variable
from experiments.gallery.networks import dendritic_digits
from neurosim.errors import ParameterError


def test_a_dendritic_network_follows_its_gradient():
    X, y = load_digits(return_X_y=True)
    X, y = X[:64] / 16, y[:64]
    p = dendritic_digits.Parameters(units=3, batch=32)
    network = dendritic_digits.DendriticNetwork(p, seed=4, jobs=1)
    assert len(network.cell.compartments) >= 10
    network.fit(X, y, 4, None)
    losses = [row["loss"] for row in network.history]
    assert losses[-1] < losses[0]
    assert network.off_differences(X[:4], y[:4]) < 1e-6
    assert network.predict(X).shape == (64,)


def test_a_pixel_excites_or_inhibits_by_the_sign_of_its_weight():
    cell = dendritic_digits.dendritic_unit()
    weights = np.zeros((3, 64))
    weights[0, 20], weights[1, 20] = 1.0, -1.0
    image = np.zeros((1, 64))
    image[0, 20] = 0.8
    v = dendritic_digits.potentials(cell, Variable(weights), image, 1).value[0]
    assert v[0] > v[2] > v[1]
    assert abs(v[2] + 70) < 1e-6


def test_no_networks_give_no_accuracy():
    with pytest.raises(ParameterError, match="a share of images needs at least 1"):
        dendritic_digits.accuracy([])
