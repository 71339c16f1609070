"""ATP for each thing a neuron does, against the shares that were published."""

import numpy as np
import pytest
from brian2 import ms, mV
from sklearn.datasets import load_iris

from ann import DeepNetwork
from bridge.conversion.convert import convert
from bridge.spiking.energy import ATTWELL_LAUGHLIN, HOWARTH, cost


def test_shares_of_attwell_and_laughlin():
    # A neuron at 4 Hz with 8000 terminals that release with probability 0.25 (2001, figure 3):
    # 47 % action potentials, 34 % postsynaptic receptors, 13 % resting potentials.
    shares = ATTWELL_LAUGHLIN.shares(rate_Hz=4, events_per_spike=2000)
    assert shares["action potentials"] == pytest.approx(0.47, abs=0.01)
    assert shares["postsynaptic"] == pytest.approx(0.34, abs=0.01)
    assert shares["rest"] == pytest.approx(0.13, abs=0.01)


def test_shares_of_howarth():
    # 2012, abstract: 50 % postsynaptic, 21 % action potentials, 20 % rest, 5 % release, 4 %
    # recycling.
    shares = HOWARTH.shares(rate_Hz=4, events_per_spike=2000)
    assert shares["postsynaptic"] == pytest.approx(0.50, abs=0.01)
    assert shares["action potentials"] == pytest.approx(0.21, abs=0.01)
    assert shares["rest"] == pytest.approx(0.20, abs=0.01)
    assert shares["presynaptic"] == pytest.approx(0.09, abs=0.01)


@pytest.mark.slow
def test_operations_are_counted_by_hand():
    X, y = load_iris(return_X_y=True)
    network = DeepNetwork(hidden=(6, 5), activation="sigmoid", random_state=0).fit(X / 8, y)
    spiking = convert(network, X / 8)
    run = spiking.run(X[::15] / 8, 50 * ms, settle=30 * ms)
    found = cost(run, 40 * ms)
    counts = run.spikes_by_neuron(40 * ms)
    assert counts.shape == (10, 11)
    by_hand = np.mean(counts[:, :6].sum(axis=1) * 5 + counts[:, 6:].sum(axis=1) * 3)
    assert found.synaptic_operations == pytest.approx(by_hand)
    assert found.spikes == pytest.approx(run.spikes_per_decision(40 * ms))
    assert found.ann_operations == 4 * 6 + 6 * 5 + 5 * 3
    assert found.input_operations == 4 * 6
    assert found.neurons == 11
    assert found.atp["rest"] == pytest.approx(HOWARTH.rest * 11 * 0.04)
    assert found.atp_total == pytest.approx(sum(found.atp.values()))
    assert cost(run, 40 * ms, ATTWELL_LAUGHLIN).atp_total > found.atp_total
    assert found.to_dict()["ann_joule"] == pytest.approx(69 * 4.6e-12)
    assert spiking.synapses == 6 * 5 + 5 * 3
    assert spiking.neuron.V_th == -55 * mV
