"""Weights become conductances at a potential at which they carry the currents wanted."""

import numpy as np
import pytest
from brian2 import ms, mV
from sklearn.datasets import load_digits

from ann import DeepNetwork
from bridge.conversion.convert import convert
from bridge.conversion.drive import background_for, potentials_mV
from neurosim import LIF, AdEx


@pytest.mark.slow
def test_conductances_carry_a_layer_nearly_as_well_as_currents():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    network = DeepNetwork(hidden=(24, 16), activation="sigmoid", random_state=2)
    network.fit(X[:1200], y[:1200])
    test, error, curve = X[1200:1350], {}, None
    for synapse in ("current", "conductance"):
        spiking = convert(
            network, X[:1200], curve=curve, synapse=synapse, decision=100 * ms, refine_on=100
        )
        curve = spiking.curve
        run = spiking.run(test, 100 * ms)
        error[synapse] = np.sqrt(np.mean((run.logits() - network.network_.logits(test)) ** 2))
    assert np.mean(run.predict() == network.predict(test)) > 0.95
    assert error["conductance"] < 1.5 * error["current"]
    assert -65 < spiking.synapse.potential_mV < -55


def test_potentials_of_a_driven_neuron_lie_between_reset_and_threshold():
    found = potentials_mV(
        LIF(), background_for(LIF(), 2 * mV), 300.0, (0.1, 0.5, 0.9), dt=0.1 * ms, seed=0
    )
    assert -71 < found[0] < found[1] < found[2] < -55


def test_the_noise_of_a_neuron_does_not_depend_on_the_seed_of_a_conversion():
    """A curve measured at one seed was refused at another: the noise differed by 5 %."""
    one, other = (background_for(AdEx(), 2 * mV, dt=0.1 * ms, seed=seed) for seed in (1, 7))
    assert one == other
