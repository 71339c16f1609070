"""Mistakes at the bench are told by name, with what to do instead."""

import warnings

import numpy as np
import pytest
from brian2 import Mohm, cm, mS, ms, mV, nA, nS, pA, um
from brian2.units.stdunits import mM

from neurosim import (
    LIF,
    AdEx,
    Course,
    CurrentClamp,
    DynamicClamp,
    FrozenNoise,
    HodgkinHuxley,
    Neuron,
    Pulses,
    Ramp,
    Steps,
    TraubMiles,
    VoltageClamp,
    measure,
    simulate,
)
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.equations.fractions import shares
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.morphology import PerBranch, cylinder
from neurosim.run.continuing import ContinuationWarning
from neurosim.synapses import Dopamine, Events, KineticAMPA

CELL = Neuron(cylinder(20 * um, 20 * um, name="soma"), PerBranch(1), celsius=6.3, rest=-65 * mV)
CELL = CELL.paint([HHSodium(), HHPotassium(), Leak()])
SHORT = 0.1 * ms


def run(neuron, **given):
    return simulate(neuron, SHORT, engine="numpy", **given)


@pytest.mark.parametrize(
    ("neuron", "name"),
    [
        (CELL, "hh_sodium.m"),
        (CELL, "hh_sodium.h"),
        (CELL, "hh_potassium.n"),
        (HodgkinHuxley(), "m"),
        (TraubMiles(), "n"),
    ],
)
@pytest.mark.parametrize("value", [1.7, -0.1, [0.5, 1.01]])
def test_a_gate_starts_between_0_and_1(neuron, name, value):
    with pytest.raises(ParameterError, match=rf"{name} is a share of channels.*between 0 and 1"):
        run(neuron, initial={name: value}, seed=[1, 2])


def test_what_is_no_gate_may_start_anywhere():
    run(LIF(), initial={"v": 3 * mV})
    run(AdEx(), initial={"w": -300 * pA})
    run(CELL, initial={"hh_sodium.m": 1.0, "hh_sodium.h": 0.0})
    # A variable that decays, or that a reset moves, is no share of anything.
    assert shares("dx/dt = -x/tau : 1", (), {"tau": 5 * ms}) == set()
    relaxing = "dx/dt = (0.5 - x)/tau : 1"
    assert shares(relaxing, (), {"tau": 5 * ms}) == {"x"}
    assert shares(relaxing, {"x"}, {"tau": 5 * ms}) == set()
    # Nor is what is drawn beyond 1 by another state.
    driven = "dx/dt = (0.001*y - x)/tau : 1\ndy/dt = -y/tau : 1"
    assert shares(driven, {"y"}, {"tau": 5 * ms}) == set()


@pytest.mark.parametrize("y", ["-y/tau", "(-3 - y)/tau", "(-3 - y + 0*z)/tau"])
def test_what_another_state_can_pull_out_of_range_is_no_share(y):
    # x follows 0.5 + y as y falls to -5: a start of -2 is one of its own values.
    code = f"dx/dt = (0.5 + clip(y, -5, 0) - x)/tau : 1\ndy/dt = {y} : 1\ndz/dt = -z/tau : 1"
    assert "x" not in shares(code, (), {"tau": 5 * ms})
    # Also where two others must have opposite signs, or be of different sizes.
    code = "dx/dt = (0.5 + clip(y*z, -5, 0) - x)/tau : 1\ndy/dt = -y/tau : 1\ndz/dt = -z/tau : 1"
    assert "x" not in shares(code, (), {"tau": 5 * ms})


def test_an_equation_that_joins_conditions_is_not_sampled():
    code = "dx/dt = (int(v > -40*mV and v < 0*mV) - x)/tau : 1"
    assert shares(code, (), {"tau": 5 * ms}) == set()


def test_what_a_part_reads_is_not_always_typical():
    by_calcium = "dx/dt = (ca_i/K - x)/tau : 1"
    values = {"tau": 5 * ms, "K": 1e-4 * mM}
    assert shares(by_calcium, (), values, {"ca_i": 1e-4 * mM}) == set()
    bound = "dx/dt = (ca_i/(ca_i + K) - x)/tau : 1"
    assert shares(bound, (), values, {"ca_i": 1e-4 * mM}) == {"x"}


@pytest.mark.parametrize(("receptor", "name"), [(KineticAMPA(), "r"), (Dopamine(), "a")])
def test_receptors_that_bind_transmitter_are_a_share(receptor, name):
    values = {**receptor.parameters(), **receptor.constants(37.0)}
    moved = receptor.on_event
    assert shares(receptor.equations, moved, values, {}, moved) == {name}


TRAIN = Pulses(10 * ms, 2 * ms, 5, amplitude=1 * nA)
NOISE = FrozenNoise([[1, 2, 3], [3, 2, 1]] * pA, interval=1 * ms)
CLAMP = VoltageClamp(holding=-70 * mV, levels=[-20] * mV, durations=[3] * ms)
ELECTRODE = CurrentClamp(Steps(0.1 * nA, 1 * ms, 1 * ms), R_e=50 * Mohm)
INJECTED = DynamicClamp([1, 2, 3] * nS, interval=1 * ms)


@pytest.mark.parametrize(
    ("stimulus", "name", "values", "remedy"),
    [
        (TRAIN, "period", [10, 20] * ms, "Steps"),
        (TRAIN, "n", [1, 5], "Steps"),
        (TRAIN, "width", [1, 2] * ms, "Steps"),
        (TRAIN, "onset", [1, 2] * ms, "Steps"),
        (Steps(1 * nA, 1 * ms, 1 * ms), "onset", [1, 2] * ms, "FrozenNoise"),
        (Steps(1 * nA, [1, 3] * ms, 1 * ms), "onset[1]", [1, 2] * ms, "FrozenNoise"),
        (Steps(1 * nA, 1 * ms, 1 * ms), "duration", [1, 2] * ms, "FrozenNoise"),
        (Ramp(), "duration", [1, 2] * ms, "FrozenNoise"),
        (NOISE, "channel", [0, 1], "FrozenNoise"),
    ],
)
@pytest.mark.parametrize("neuron", [CELL, LIF()], ids=["extent", "point"])
def test_times_of_a_stimulus_follow_no_course(neuron, stimulus, name, values, remedy):
    with pytest.raises(ParameterError, match=rf"courses: .*cannot follow a course; .*{remedy}"):
        run(neuron, stimulus=stimulus, courses={name: Course([0, 5] * ms, values)})


@pytest.mark.parametrize(
    ("stimulus", "name", "values", "remedy"),
    [
        (CLAMP, "levels", [0, 5] * mV, r"VoltageClamp\.sampled"),
        (CLAMP, "holding", [0, 5] * mV, r"VoltageClamp\.sampled"),
        (CLAMP, "durations", [1, 5] * ms, r"VoltageClamp\.sampled"),
        (CLAMP, "R_s", [1, 5] * Mohm, r"recording\.state"),
        (CLAMP, "compensation", [0, 0.5], r"recording\.state"),
        (ELECTRODE, "R_e", [1, 5] * Mohm, r"recording\.state"),
        (ELECTRODE, "bridge", [1, 5] * Mohm, r"recording\.state"),
        (INJECTED, "onset", [1, 5] * ms, "scale follow"),
    ],
)
def test_settings_of_a_clamp_follow_no_course_and_the_remedy_fits(stimulus, name, values, remedy):
    with pytest.raises(ParameterError, match=rf"cannot follow a course; .*{remedy}") as told:
        run(CELL, stimulus=stimulus, courses={name: Course([0, 5] * ms, values)})
    assert "Constant" not in str(told.value)


@pytest.mark.parametrize(
    ("stimulus", "name", "low", "high"),
    [(INJECTED, "scale", 0, 2), (TRAIN, "amplitude", 0 * nA, 2 * nA)],
)
def test_what_can_follow_a_course_still_does(stimulus, name, low, high):
    """A course that stays at a value is that value; one that comes from elsewhere is not."""

    def potential(**given):
        return run(CELL, record=["v"], **given).traces_si["v"]

    def along(first, last):
        unit = nA if name == "amplitude" else 1
        return {name: Course([0, 5] * ms, [first / unit, last / unit] * unit)}

    fixed = potential(stimulus=stimulus.replace(**{name: high}))
    still = potential(stimulus=stimulus, courses=along(high, high))
    np.testing.assert_allclose(still, fixed, rtol=1e-12)
    assert np.abs(potential(stimulus=stimulus, courses=along(low, high)) - fixed).max() > 1e-4


def test_messages_of_courses_do_not_speak_of_a_batch_only():
    own = CELL.paint(Leak(name="more"), values={"E": np.array([-60.0]) * mV})
    course = Course([0, 5] * ms, [-60, -50] * mV)
    with pytest.raises(ParameterError, match="or a course") as told:
        run(own, courses={"more.E": course})
    assert not str(told.value).startswith("batch")
    two = [Course([0, 5] * ms, [0.3, 0.1] * mS / cm**2)] * 2
    with pytest.raises(ParameterError, match=r"lists of courses.*3 for.*2 for"):
        run(CELL, courses={"leak.g": two}, batch={"hh_sodium.g": [100, 110, 120] * mS / cm**2})


@pytest.mark.slow
def test_another_step_or_scheme_at_a_state_is_said():
    state = run(CELL, dt=0.025 * ms).state
    for other, said in (({"dt": 0.05 * ms}, "dt of 25. us.*50. us"),
                        ({"scheme": "backward-euler"}, "crank-nicolson.*backward-euler"),
                        ({"stimulus": CLAMP}, "backward-euler")):  # fmt: skip
        with pytest.warns(ContinuationWarning, match=said):
            run(CELL, initial=state, **other)
    point = run(LIF()).state
    with pytest.warns(ContinuationWarning, match="dt of 100. us"):
        run(LIF(), initial=point, dt=0.05 * ms)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ContinuationWarning)
        run(CELL, initial=state, scheme="crank-nicolson")
        run(LIF(), initial=point)


def test_events_without_a_weight_are_single_quanta():
    assert Events([0.005, 0.01]).weight.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("subject", [3, [], [LIF()], "channel"])
def test_what_cannot_be_clamped_is_named(subject):
    for protocol in (measure.iv, measure.activation, measure.inactivation, measure.tail_currents):
        with pytest.raises(ParameterError, match="clamp a neuron, a Channel"):
            protocol(subject, [-60, -50] * mV)


def test_an_unknown_option_of_the_rig_is_named():
    for protocol in (measure.iv, measure.activation, measure.inactivation, measure.tail_currents):
        with pytest.raises(UnknownNameError, match="did you mean 'holding'"):
            protocol(HHPotassium(), [-60, -50] * mV, holdng=-80 * mV)
