"""The textbook neuron with a pump rests where the textbook neuron does, and its ions balance."""

from __future__ import annotations

import re

import numpy as np
import pytest
from brian2.units import cm, ms, mV, uA
from brian2.units.stdunits import mM

from experiments.exercises import pumping_textbook_neuron
from neurosim import simulate
from neurosim.catalogue import textbook_neuron
from neurosim.dynamics import ion_balance
from neurosim.errors import ParameterError


@pytest.fixture(scope="module")
def pumping():
    return pumping_textbook_neuron()


def test_its_ions_balance_at_rest_in_every_compartment(pumping):
    balance = ion_balance(pumping, -70 * mV)
    assert len(balance.v) == len(textbook_neuron().compartments)
    assert float(np.abs(balance.drift("na") / mM).max()) < 1e-9
    # What the pump carries out, leak and sodium channels let in.
    carried = np.asarray(balance.by_part["na"]["sodium_pump"])
    assert np.all(carried < 0)


def test_its_reversal_potentials_are_those_of_the_textbook_neuron(pumping):
    reversal = ion_balance(pumping, -70 * mV).reversal
    assert np.allclose(np.asarray(reversal["na"] / mV), 55)


@pytest.mark.slow
def test_it_stays_at_rest(pumping):
    run = simulate(pumping, 5 * ms, dt=0.1 * ms, engine="numpy")
    for name in ("soma", "initial_segment", "axon"):
        assert np.allclose(np.asarray(run.trace(name) / mV), -70, atol=1e-6)


def test_a_pump_that_leaks_cannot_feed_is_refused():
    with pytest.raises(ParameterError) as refused:
        pumping_textbook_neuron(20 * uA / cm**2)
    # What the message says to type is accepted.
    most = float(re.search(r"take ([\d.]+)\*uA", str(refused.value))[1])
    assert most > 1
    pumping_textbook_neuron(most * uA / cm**2)
    with pytest.raises(ParameterError):
        pumping_textbook_neuron(0 * uA / cm**2)
