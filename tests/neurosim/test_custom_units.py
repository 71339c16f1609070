"""Values of a model taken over from Brian2 fit its equations, or the error says which does not."""

import numpy as np
import pytest
from brian2 import Mohm, ms, mV, pA

from neurosim import from_brian2
from neurosim.errors import NeurosimError, ParameterError, UnitError

MODEL = "dv/dt = (E - v + R*(I + w))/tau : volt\ndw/dt = -w/(50*ms) : amp\nx = v/E + pi : 1"
VALUES = {"E": -70 * mV, "R": 100 * Mohm, "tau": 20 * ms}


def taken(values, model=MODEL):
    return from_brian2(
        model, threshold="v > -50*mV", reset="v = E", parameters=values, start=-70 * mV, current="I"
    )


def test_values_that_fit_are_taken():
    assert taken(VALUES).tau == 20 * ms


@pytest.mark.parametrize("word", ["E", "R", "tau"])
@pytest.mark.parametrize("odd", [10, 3 * pA, 0.5, np.float64(3)])
def test_a_forgotten_or_wrong_unit_is_an_error_of_ours(word, odd):
    """It was a traceback of Brian2's, and only when the model was run."""
    with pytest.raises(UnitError, match=r"units do not fit in the equation of (v|x) \("):
        taken({**VALUES, word: odd})


@pytest.mark.parametrize("odd", [None, "x", [1, 2], {}, object()])
def test_a_value_that_is_none_is_an_error_of_ours(odd):
    with pytest.raises(NeurosimError, match="tau"):
        taken({**VALUES, "tau": odd})


@pytest.mark.parametrize("odd", [5, "tau", [("tau", 1)]])
def test_parameters_are_given_by_name(odd):
    with pytest.raises(ParameterError, match="parameters says values by name"):
        taken(odd)
