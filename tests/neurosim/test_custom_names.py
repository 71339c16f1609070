"""What a model of Brian2 may call its parameters, and what of a shape may be set by hand."""

from __future__ import annotations

import brian2
import numpy as np
import pytest
from brian2 import Mohm, meter, ms, mV, siemens, um

from neurosim import from_brian2
from neurosim.errors import ParameterError

LEAK = "Im = 1*siemens/meter**2*(-70*mV - v) : amp/meter**2"


def group(word, inside="{word}*mV"):
    return brian2.NeuronGroup(
        1,
        f"""dv/dt = (-65*mV - v + 200*Mohm*I + {inside.format(word=word)})/(10*ms) : volt
        I : amp
        {word} : 1""",
        threshold="v > -50*mV",
        reset="v = -65*mV",
        method="euler",
        namespace={"Mohm": Mohm, "ms": ms, "mV": mV},
    )


@pytest.mark.parametrize(
    "word",
    ["threshold", "kind", "key_low", "key_high", "first_sample", "v_start", "start",
     "to_dict", "samples", "ordered"],
)  # fmt: skip
def test_a_name_that_every_neuron_has_is_refused(word):
    with pytest.raises(ParameterError, match=f"cannot be called '{word}'.*rename it"):
        from_brian2(group(word), start=-65 * mV)


def test_other_names_are_taken():
    model = from_brian2(group("kinds"), start=-65 * mV)
    assert model.to_dict()["kind"] == "CustomNeuron"
    assert model.to_dict()["threshold"] == "v > -50*mV"


def test_an_equation_that_brian2_cannot_read_is_named():
    whole = group("a", "a*3*mV*(t//(3*ms))")
    with pytest.raises(ParameterError, match=r"cannot read the equation of v .*[Ff]loor division"):
        from_brian2(whole, start=-65 * mV)


@pytest.mark.parametrize("word", ["area", "diameter", "r_length_1"])
def test_a_size_that_was_set_by_hand_is_refused(word):
    shape = brian2.Cylinder(length=100 * um, diameter=1 * um, n=5)
    names = {"siemens": siemens, "meter": meter, "mV": mV}
    cable = brian2.SpatialNeuron(shape, LEAK, namespace=names)
    from_brian2(cable, start=-70 * mV)
    given = getattr(cable, word)
    given[2] = 1.5 * np.asarray(given)[2] * brian2.Quantity(1, dim=given.dim)
    with pytest.raises(ParameterError, match=f"{word} was set by hand .in compartment 2"):
        from_brian2(cable, start=-70 * mV)
