"""A noise without a unit is told with an example of the unit that fits the neuron."""

import pytest
from brian2 import Quantity, mV, pA

from bridge.stimulate.step_responses import noise_stimulus
from neurosim import LIF, AdEx
from neurosim.errors import UnitError


@pytest.mark.parametrize("bare", [3, 3.0, Quantity(3)])
def test_a_noise_without_unit_names_that_of_the_neuron(bare):
    with pytest.raises(UnitError, match=r"such as 3\*mV"):
        noise_stimulus(bare, LIF())
    with pytest.raises(UnitError, match=r"such as 50\*pA"):
        noise_stimulus(bare, AdEx())
    assert noise_stimulus(3 * mV, LIF()) is not None
    assert noise_stimulus(50 * pA, LIF()) is not None
