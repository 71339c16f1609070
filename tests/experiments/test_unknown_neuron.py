"""The unknown neuron: one for each reader, and intervals that hold what they say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from brian2.units import Mohm, ms, mV, pA, volt

from experiments.exercises import UnknownNeuron, Verdict, estimate
from experiments.exercises.membrane_fit import PARAMETERS, membrane_course
from experiments.exercises.unknown_neuron import inject_all
from neurosim import LIF
from neurosim.errors import ParameterError, UnitError, UnknownNameError

CURRENTS = np.array([-100.0, 0.0, 40.0, 150.0, 300.0, 500.0]) * pA
STEP = 80 * ms


def _truth(neuron: UnknownNeuron) -> dict[str, float]:
    lif = neuron.reveal()
    return {name: float(getattr(lif, name) / unit) for name, unit in PARAMETERS.items()}


@pytest.fixture(scope="module")
def ada():
    return UnknownNeuron("Ada")


@pytest.fixture(scope="module")
def recorded(ada):
    return ada.inject(CURRENTS, STEP)


def test_a_reader_has_one_neuron_and_another_reader_another(ada):
    assert UnknownNeuron("Ada").reveal() == ada.reveal()
    assert UnknownNeuron("Bob").reveal() != ada.reveal()
    # Fixed for ever: a reader comes back after an update.
    assert float(ada.reveal().R_m / Mohm) == pytest.approx(201.20727822627882)


def test_a_neuron_of_every_name_is_possible_and_fires():
    for k in range(200):
        lif = UnknownNeuron(f"reader {k}").reveal()
        assert isinstance(lif, LIF)
        # The strongest current that may be injected makes it fire.
        assert float(lif.rheobase / pA) < 500


def test_what_is_printed_does_not_tell_the_parameters(ada):
    assert repr(ada) == "UnknownNeuron(reader='Ada')"
    assert {field.name for field in dataclasses.fields(ada)} == {"reader"}


def test_the_model_of_the_fit_is_the_neuron(ada, recorded):
    """The course between the spikes agrees with the simulation, so what is left is the noise."""
    for one in recorded:
        course, before = membrane_course(one, _truth(ada))
        left = one.potential_mV - course
        # A sample beside a spike or an edge may be off by what the potential moves in a step.
        assert np.std(left) == pytest.approx(0.5, rel=0.06)
        assert abs(np.mean(left)) < 4 * 0.5 / np.sqrt(len(left))
        threshold = _truth(ada)["V_th"]
        assert np.all(before[:, 0] < threshold + 1e-6)
        assert np.all(before[:, 1] > threshold - 1e-6)
    assert len(recorded[-1].spikes_ms) > 3


@pytest.mark.slow
def test_intervals_hold_the_true_values_as_often_as_they_say():
    """Of 40 readers' neurons: at 95 %, 35 hits or fewer have a chance of 5 % for one parameter."""
    held = {name: [] for name in PARAMETERS}
    neurons = [UnknownNeuron(f"reader {k}") for k in range(40)]
    for neuron, recordings in zip(neurons, inject_all(neurons, CURRENTS, STEP), strict=True):
        found, truth = estimate(recordings), _truth(neuron)
        for name, one in found.items():
            assert one.known
            held[name].append(one.low <= truth[name] <= one.high)
    shares = {name: float(np.mean(all_)) for name, all_ in held.items()}
    assert min(shares.values()) >= 0.85, shares
    assert np.mean(list(shares.values())) >= 0.92, shares


def test_a_better_experiment_gives_narrower_intervals(ada, recorded):
    few, many = estimate([recorded[0], recorded[3]]), estimate(recorded)
    for name in ("E_L", "R_m", "tau_m"):
        assert many[name].high - many[name].low < few[name].high - few[name].low


def test_a_recording_that_is_given_twice_counts_once(recorded):
    once, twice = estimate(recorded), estimate([*recorded, *recorded])
    assert once == twice


def test_recordings_of_another_reader_are_refused(recorded):
    with pytest.raises(ParameterError, match="Ada"):
        UnknownNeuron("Bob").grade(recorded, E_L=[-75, -65] * mV)


def test_what_recordings_do_not_tell_is_not_determined(ada, recorded):
    silent = estimate(recorded[:1])
    assert silent["R_m"].known
    for name in ("V_th", "V_reset", "t_ref"):
        assert not silent[name].known
        assert np.isnan(silent[name].value)
    none = estimate(recorded[1:2])
    assert none["E_L"].known
    assert not none["R_m"].known
    assert not none["tau_m"].known
    grade = ada.grade(recorded[:1], V_th=[-60, -50] * mV)
    assert grade.answers[0].verdict is Verdict.UNDETERMINED


def test_verdicts(ada, recorded):
    truth, told = _truth(ada), estimate(recorded, confidence=0.999)
    right = {name: one.interval for name, one in told.items()}
    assert ada.grade(recorded, **right).passed
    beside = (truth["R_m"] + np.array([20, 21])) * Mohm
    wide = (truth["E_L"] + np.array([-10, 10])) * mV
    grade = ada.grade(recorded, **(right | {"R_m": beside, "E_L": wide}))
    verdicts = {one.name: one.verdict for one in grade.answers}
    assert verdicts.pop("R_m") is Verdict.MISSES
    assert verdicts.pop("E_L") is Verdict.WIDE
    assert set(verdicts.values()) == {Verdict.RIGHT}
    assert not grade.passed
    # Every answer right, but one left out.
    del right["t_ref"]
    left_out = ada.grade(recorded, **right)
    assert left_out.missing == ("t_ref",)
    assert not left_out.passed


def test_what_is_refused(ada, recorded):
    with pytest.raises(ParameterError, match="a name"):
        UnknownNeuron(" ")
    with pytest.raises(UnitError):
        ada.inject(100)
    with pytest.raises(ParameterError):
        ada.inject([6000] * pA)
    with pytest.raises(UnknownNameError, match="R_m"):
        ada.grade(recorded, R_n=[1, 2] * Mohm)
    with pytest.raises(UnitError):
        ada.grade(recorded, R_m=[1, 2] * volt)
    for ends in ([2, 1] * Mohm, [1, 2, 3] * Mohm, [np.nan, 1] * Mohm):
        with pytest.raises(ParameterError):
            ada.grade(recorded, R_m=ends)
    with pytest.raises(ParameterError):
        estimate([])


@pytest.mark.slow
def test_a_trial_is_the_same_again_alone_and_among_others(ada, recorded):
    """The noise depends on reader, current and trial, and on nothing else."""
    together = inject_all([UnknownNeuron("Bob"), ada], CURRENTS[::-1], STEP)[1][::-1]
    for first, again in zip(recorded, together, strict=True):
        assert np.allclose(first.potential_mV, again.potential_mV, atol=1e-9)
        assert np.array_equal(first.spikes_ms, again.spikes_ms)
    other = ada.inject(CURRENTS[:1], STEP, trial=2)[0]
    assert np.std(other.potential_mV - recorded[0].potential_mV) > 0.5
