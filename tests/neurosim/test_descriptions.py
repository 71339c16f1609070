"""Descriptions are plain values that refuse what makes no sense."""

import dataclasses
import json
import pickle

import numpy as np
import pytest
from brian2 import Hz, Mohm, ms, mV, nA, nS, pA, pF, second, um

from neurosim import (
    LIF,
    AdEx,
    Constant,
    FeedForward,
    FrozenNoise,
    HodgkinHuxley,
    Neuron,
    OrnsteinUhlenbeck,
    PointNeuron,
    Ramp,
    Steps,
    TraubMiles,
    WhiteNoise,
    from_brian2,
)
from neurosim.describe.parts import Poisson
from neurosim.errors import NeurosimError, ParameterError, UnitError, UnknownNameError
from neurosim.morphology import PerBranch, at, ball_and_stick
from neurosim.quantities import check_whole
from neurosim.synapses import AMPA
from neurosim.synapses.events import Events

NEURONS = [LIF(), AdEx(), AdEx.brette_gerstner(), HodgkinHuxley(), TraubMiles()]
STIMULI = [
    Constant(100 * pA),
    Steps(amplitude=[1, 2] * pA, onset=[0, 5] * ms, duration=[5, 5] * ms),
    Ramp(end=1 * nA),
    WhiteNoise(),
    OrnsteinUhlenbeck(),
    FrozenNoise(np.arange(5.0) * pA),
]


def test_lif_defaults_are_the_textbook_neuron():
    lif = LIF()
    assert (lif.E_L, lif.V_th, lif.V_reset) == (-70 * mV, -55 * mV, -70 * mV)
    assert (lif.tau_m, lif.t_ref) == (20 * ms, 2 * ms)
    assert np.isclose(float(lif.rheobase / pA), 150)
    assert np.isclose(float(lif.capacitance / pF), 200)


@pytest.mark.parametrize("value", [*NEURONS, *STIMULI], ids=lambda v: type(v).__name__)
def test_equal_descriptions_are_equal_hash_alike_and_survive_pickling(value):
    again = pickle.loads(pickle.dumps(value))
    assert again == value
    assert hash(again) == hash(value)
    assert type(value).__name__ in repr(value)
    assert value.to_dict()["kind"] == type(value).__name__


@pytest.mark.parametrize("value", [*NEURONS, *STIMULI], ids=lambda v: type(v).__name__)
def test_what_a_description_says_survives_a_json_file_and_tells_every_value_apart(value):
    told = value.to_dict()
    assert json.loads(json.dumps(told)) == told
    assert pickle.loads(pickle.dumps(value)).to_dict() == told
    for name in value.quantity_fields():
        if (name, type(value).__name__) == ("channel", "FrozenNoise"):
            continue
        changed = value.replace(**{name: getattr(value, name) * 1.01})
        assert (changed.to_dict() == told) == bool(np.all(np.asarray(getattr(value, name)) == 0))


def test_a_sum_says_the_same_in_any_order_and_a_sum_of_others_does_not():
    first, second_, third = Constant(1 * pA), WhiteNoise(), Constant(2 * pA)
    told = (first + second_ + third).to_dict()
    assert (third + (first + second_)).to_dict() == told
    assert json.loads(json.dumps(told)) == told
    assert (first + second_ + first).to_dict() != told
    assert (first + second_).to_dict() != told


def test_a_point_neuron_says_its_equations_whoever_wrote_them():
    @dataclasses.dataclass(frozen=True, eq=False, repr=False)
    class LIF(PointNeuron):
        equations = "dv/dt = I_stim/(1*pF) : volt"
        threshold = "v > -50*mV"

    assert LIF().to_dict()["kind"] == "LIF"
    assert LIF().to_dict()["equations"] == LIF.equations
    given = {"threshold": "v > -55*mV", "reset": "v = E_L", "parameters": {"E_L": -70 * mV}}
    slow, fast = (
        from_brian2(f"dv/dt = (E_L - v + I_stim*(100*Mohm))/({tau}*ms) : volt", **given)
        for tau in (20, 10)
    )
    assert slow.to_dict() != fast.to_dict()
    assert json.loads(json.dumps(slow.to_dict())) == slow.to_dict()


def test_a_network_says_whether_its_weights_are_currents_or_conductances():
    told = [FeedForward(weights=(np.ones((3, 2)) * unit,)).to_dict() for unit in (pA, nS)]
    assert [one["weights"][0]["unit"] for one in told] == ["amp", "siemens"]


def test_a_neuron_with_extent_says_where_receptors_sit_and_what_arrives_there():
    bare = Neuron(ball_and_stick(20 * um, 100 * um, 2 * um), PerBranch(5))
    ways = [
        (at("soma"), None),
        (at("dendrite", 0.9), None),
        (at("soma"), Poisson(5 * Hz)),
        (at("soma"), Poisson(6 * Hz)),
        (at("soma"), Events.at([1, 5] * ms)),
        (at("soma"), Events.at([1, 6] * ms)),
    ]
    told = [json.dumps(bare.place(AMPA(), *way, label="a").to_dict()) for way in ways]
    assert len(set(told)) == len(ways)


def test_a_changed_parameter_makes_another_value():
    assert LIF(tau_m=10 * ms) != LIF()
    assert LIF().replace(tau_m=20 * ms) == LIF()
    assert LIF() != AdEx()


def test_descriptions_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LIF().tau_m = 5 * ms
    with pytest.raises(ValueError, match="read-only"):
        FrozenNoise(np.arange(5.0) * pA).samples[0] = 1 * pA


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: LIF(tau_m=20), UnitError, r"LIF: tau_m must carry a unit, such as 20\*ms"),
        (lambda: LIF(tau_m=20 * mV), UnitError, r"must have the unit of 20\*ms; got 20\. mV"),
        (lambda: LIF(tau_m="20 ms"), UnitError, "got '20 ms'"),
        (lambda: LIF(tau_m=float("nan") * ms), ParameterError, "must be finite"),
        (lambda: LIF(tau_m=-1 * ms), ParameterError, "greater than 0"),
        (lambda: LIF(t_ref=-1 * ms), ParameterError, "at least 0"),
        (lambda: LIF(tau_m=[1, 2] * ms), ParameterError, r"simulate\(batch="),
        (lambda: LIF(V_reset=-50 * mV), ParameterError, "must lie below V_th"),
        (lambda: LIF(E_L=-50 * mV), ParameterError, "must lie below V_th"),
        (lambda: AdEx(V_peak=-60 * mV), ParameterError, r"V_T .* must lie below V_peak"),
        (lambda: LIF().replace(tau=1 * ms), UnknownNameError, "did you mean 'tau_m'"),
        (lambda: Constant(100), UnitError, "Constant: current must carry a unit"),
        (
            lambda: Steps(amplitude=[1, 2] * pA, onset=0 * ms),
            ParameterError,
            "2 for amplitude, 1 for onset",
        ),
        (lambda: FrozenNoise([] * pA), ParameterError, "is empty"),
        (
            lambda: FeedForward(weights=(np.ones((2, 3)) * pA, np.ones((4, 1)) * pA)),
            ParameterError,
            r"weights\[0\] ends in 3 units but weights\[1\] starts from 4",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_remedy(make, error, said):
    with pytest.raises(error, match=said) as caught:
        make()
    assert isinstance(caught.value, NeurosimError)


def test_parts_of_a_sum_are_told_apart_by_number():
    total = Constant(1 * pA) + WhiteNoise() + Constant(2 * pA)
    assert list(total.components()) == ["constant", "white_noise", "constant_2"]
    assert total.noisy
    assert not (Constant(1 * pA) + Ramp()).noisy


def test_white_noise_and_membrane_fluctuation_invert_each_other():
    neuron = LIF(R_m=50 * Mohm, tau_m=10 * ms)
    noise = WhiteNoise.for_membrane(3 * mV, neuron)
    assert np.isclose(float(noise.membrane_sd(neuron) / mV), 3)
    # sd = R S / sqrt(2 tau)
    expected = 3 * mV * (2 * 10 * ms) ** 0.5 / (50 * Mohm)
    assert np.isclose(float(noise.intensity / expected), 1)
    assert (1 * second).dim == (1 * ms).dim


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "3", None, float("nan"), float("inf")])
def test_a_number_of_things_is_a_whole_one(value):
    with pytest.raises(ParameterError, match="n must be a whole number of at least 1; got"):
        check_whole(value, "n")


def test_whole_numbers_may_be_floats_and_come_back_as_integers():
    assert [check_whole(value, "n") for value in (1, 3.0, np.int64(7))] == [1, 3, 7]
    assert PerBranch(3.0, {"soma": np.int64(5)}) == PerBranch(3, {"soma": 5})
