"""A group comes in whole: operations with Brian2's guard and period, nothing left out."""

from __future__ import annotations

import brian2
import numpy as np
import pytest
from brian2 import Hz, Mohm, ms, mV, pA

from neurosim import simulate
from neurosim.custom.point_model import from_brian2
from neurosim.errors import ParameterError

pytestmark = pytest.mark.usefixtures("brian")

NAMES = {"tau": 10 * ms, "R": 100 * Mohm, "E": -70 * mV}
HELD = "dv/dt = (E - v + R*I)/tau : volt (unless refractory)\nI : amp"


def held(n=1, equations=HELD, **changes):
    given = {
        "threshold": "v > -50*mV",
        "reset": "v = E",
        "refractory": 2 * ms,
        "method": "euler",
        "namespace": NAMES,
        "dt": 0.1 * ms,
    }
    group = brian2.NeuronGroup(n, equations, **(given | changes))
    group.v = -70 * mV
    if "I" in group.variables and "I" not in group.equations.subexpr_names:
        group.I = 250 * pA
    return group


def check_both(group, neuron, *others, duration=60 * ms, dt=None):
    """Spikes on the same steps, traces within 1e-6 of their range."""
    trace = brian2.StateMonitor(group, "v", record=[0], when="start")
    spikes = brian2.SpikeMonitor(group)
    brian2.Network(group, trace, spikes, *others).run(duration)
    step_s = float(group.clock.dt_)
    theirs = np.asarray(trace.v)[0]
    run = simulate(neuron, duration, record=["v"], engine="numpy", **({"dt": dt} if dt else {}))
    assert np.abs(run.traces_si["v"][0] - theirs).max() <= 1e-6 * np.ptp(theirs)
    np.testing.assert_array_equal(
        np.rint(run.spike_time_s / step_s), np.rint(np.asarray(spikes.t) / step_s)
    )
    return len(spikes.t)


@pytest.mark.slow
def test_a_regular_operation_leaves_a_refractory_neuron_alone():
    """Brian2 does not write to what is marked; here it was written to: 42.1 for 40.0 ms."""
    equations = (
        "dv/dt = (E - v + R*I - w)/tau : volt (unless refractory)\n"
        "dw/dt = -w/(20*ms) : volt (unless refractory)\nI : amp\nx : 1"
    )
    group = held(equations=equations, refractory=5 * ms, events={"abc": "v > -56*mV"})
    group.I = 400 * pA
    # In one slot, by name: the event, then the operation.
    group.run_on_event("abc", "x = 0.5*x + 1")
    group.run_regularly("x = 2*x; v += 0.001*mV*x", when="after_resets", dt=1.1 * ms)
    group.run_regularly("v = v - 1*mV", dt=2.3 * ms, when="end")
    group.run_regularly("w += 0.5*mV; x += 1", dt=1 * ms, when="before_groups")
    # A name that comes after that of the state updater runs after it.
    group.run_regularly("v += 0.2*mV", dt=0.7 * ms, when="groups", name="zebra")
    assert check_both(group, from_brian2(group), duration=100 * ms) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("said", ["of the model", "of the run"])
def test_a_regular_operation_keeps_its_period_with_another_time_step(said):
    """Its period was a number of steps: every 1.5 ms for 3 ms at half the time step."""
    coarse, fine = held(), held(dt=0.05 * ms)
    for group in (coarse, fine):
        group.run_regularly("v = v + 1*mV", dt=3 * ms)
    options = {"dt": 0.05 * ms} if said == "of the model" else {}
    neuron = from_brian2(coarse, **options)
    assert check_both(fine, neuron, dt=None if options else 0.05 * ms) >= 2


def test_a_time_step_that_does_not_fit_is_refused():
    group = held()
    group.run_regularly("v = v + 1*mV", dt=3 * ms)
    with pytest.raises(ParameterError, match=r"runs every 3 ms, which is no whole number"):
        from_brian2(group, dt=0.07 * ms)
    with pytest.raises(ParameterError, match=r"no whole number of time steps of 0\.07 ms"):
        simulate(from_brian2(group), 10 * ms, dt=0.07 * ms, engine="numpy")
    with pytest.raises(ParameterError, match="no whole number of time steps of 7 ms"):
        simulate(from_brian2(group), 10 * ms, dt=7 * ms, engine="numpy")


def other():
    return brian2.NeuronGroup(3, "y : 1", threshold="y > 1", reset="", dt=0.1 * ms)


def on_post(group, target):
    return brian2.Synapses(group, target, on_post="v_pre += 5*mV")


def on_pre(group, target):
    return brian2.Synapses(group, target, on_pre="v_pre -= 5*mV")


def summed(group, target):
    return brian2.Synapses(group, target, "I_pre = 4*pA*y_post : amp (summed)", dt=0.1 * ms)


def regular(group, target):
    synapses = brian2.Synapses(group, target, "w : 1")
    synapses.run_regularly("v_pre -= 1*mV", dt=1 * ms)
    return synapses


def of_a_slice(group, target):
    return brian2.Synapses(group[1:], target, on_post="v_pre += 5*mV")


@pytest.mark.parametrize("make", [on_post, on_pre, summed, regular, of_a_slice])
def test_synapses_that_write_to_their_source_are_refused(make):
    """Only synapses that end on the group were seen: 23 spikes for 5."""
    group, target = held(3), other()
    synapses = make(group, target)
    with pytest.raises(ParameterError, match=f"the synapses '{synapses.name}' act on it"):
        from_brian2(group)
    # They end on the other group too, where nothing is written.
    synapses.active = False
    from_brian2(group)


def test_synapses_that_write_to_other_neurons_or_do_nothing_are_not_in_the_way():
    group, target = held(3), other()
    there = brian2.Synapses(group, target, "w : 1", on_pre="y_post += w")
    from_brian2(group)
    slice_only = brian2.Synapses(group[1:], target, on_post="v_pre += 5*mV")
    from_brian2(group, index=0)
    with pytest.raises(ParameterError, match="act on it"):
        from_brian2(group, index=1)
    slice_only.active = False
    back = brian2.Synapses(target, group, on_pre="v_post += 1*mV")
    with pytest.raises(ParameterError, match="act on it"):
        from_brian2(group)
    # The only part that acts is switched off.
    back.pre.active = False
    from_brian2(group)
    del there, slice_only, back


def inactive_group(group):
    group.active = False


def inactive_threshold(group):
    group.thresholder["spike"].active = False


def inactive_reset(group):
    group.resetter["spike"].active = False


def inactive_equations(group):
    group.state_updater.active = False


def inactive_event(group):
    group.run_on_event("high", "I += 1*pA")
    group.resetter["high"].active = False


def moved_equations(group):
    group.state_updater.when = "end"


def moved_threshold(group):
    group.thresholder["spike"].when = "end"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (inactive_group, "its active is False"),
        (inactive_threshold, "the threshold has active = False"),
        (inactive_reset, "the reset has active = False"),
        (inactive_equations, "the update of its equations has active = False"),
        (inactive_event, "the reset of the event 'high' has active = False"),
        (moved_equations, "the update of its equations runs in the slot 'end'"),
        (moved_threshold, "the threshold runs in the slot 'end'"),
    ],
)
def test_what_brian2_would_not_run_or_run_elsewhere_is_refused(change, says):
    group = held(events={"high": "v > -54*mV"})
    change(group)
    with pytest.raises(ParameterError, match=says):
        from_brian2(group)


def test_an_inactive_cable_is_refused():
    cable = brian2.SpatialNeuron(
        brian2.Cylinder(length=100 * brian2.um, diameter=1 * brian2.um, n=3),
        "Im = 1*siemens/meter**2*(-70*mV - v) : amp/meter**2",
    )
    cable.diffusion_state_updater.active = False
    with pytest.raises(ParameterError, match="the update of its potential has active = False"):
        from_brian2(cable)


def by_number():
    return held(3, HELD.replace("R*I", "R*I*(1 + 0.1*i)"))


def by_number_in_a_subexpression():
    return held(3, "dv/dt = (E - v + R*I)/tau : volt\nI = 100*pA*i : amp")


def by_number_in_the_threshold():
    return held(3, threshold="v > -50*mV - i*mV")


def by_number_in_the_refractory_period():
    return held(3, refractory="i*ms")


def by_waveform():
    wave = brian2.TimedArray(np.arange(30).reshape(10, 3) * pA, dt=1 * ms)
    return held(3, HELD.replace("R*I", "R*(I + wave(t, i))"), namespace=NAMES | {"wave": wave})


def by_slice():
    group = held(3)
    group[1:].run_regularly("v += 10*mV", dt=5 * ms)
    return group


def by_event():
    group = held(3, events={"high": "v > -54*mV and i > 0"})
    group.run_on_event("high", "I += 1*pA")
    return group


@pytest.mark.parametrize(
    "make",
    [by_number, by_number_in_a_subexpression, by_number_in_the_threshold, by_waveform, by_slice,
     by_number_in_the_refractory_period, by_event],
)  # fmt: skip
def test_neurons_that_differ_are_asked_about(make):
    """Number 0 was taken without a word: 5 spikes for 5, 10 and 10."""
    group = make()
    with pytest.raises(ParameterError, match=r"its neurons differ, because .* such as index=0"):
        from_brian2(group, current=False)
    from_brian2(group, current=False, index=1)


def test_one_neuron_or_a_slice_of_all_is_not_asked_about():
    alone = from_brian2(held(1, HELD.replace("R*I", "R*I*(1 + 0.1*i)")))
    assert simulate(alone, 50 * ms, engine="numpy").counts().tolist() == [
        simulate(from_brian2(held(1)), 50 * ms, engine="numpy").counts()[0]
    ]
    group = held(3)
    group[:].run_regularly("v += 10*mV", dt=5 * ms)
    cell = from_brian2(group)
    assert [action.code for action in cell.actions] == ["v += 10*mV"]


def test_an_input_to_some_neurons_is_asked_about():
    group = held(3)
    some = brian2.PoissonInput(group[1:], "v", 10, 5 * Hz, 1 * mV)
    from_brian2(group, index=0)
    for index in (None, 1):
        with pytest.raises(ParameterError, match=r"PoissonInput .* acts on it"):
            from_brian2(group, index=index)
    del some


OSCILLATING = (
    "Im = 1*siemens/meter**2*(-70*mV - v) + 30*amp/meter**2*sin(w) : amp/meter**2\n"
    "dw/dt = 2*pi/(8*ms) : 1\nvt : volt\nrest : second"
)


def oscillating(**changes):
    given = {
        "threshold": "v > -60*mV",
        "threshold_location": 0,
        "refractory": 2 * ms,
        "method": "exponential_euler",
        "dt": 0.1 * ms,
        "namespace": {"tr": 14 * ms},
    }
    shape = brian2.Cylinder(length=300 * brian2.um, diameter=2 * brian2.um, n=20)
    cable = brian2.SpatialNeuron(shape, OSCILLATING, **(given | changes))
    cable.v, cable.rest, cable.vt = -70 * mV, 4 * ms, -20 * mV
    cable.vt[5], cable.rest[5] = -60 * mV, 9 * ms
    return cable


@pytest.mark.slow
def test_a_refractory_period_by_name_is_that_of_brian2():
    """It was dropped: 7 spikes for 4."""
    cable = oscillating(refractory="tr")
    run = simulate(
        from_brian2(cable), 50 * ms, dt=0.1 * ms, scheme="backward-euler", engine="numpy"
    )
    spikes = brian2.SpikeMonitor(cable)
    brian2.Network(cable, spikes).run(50 * ms)
    theirs = np.asarray(spikes.t)
    # The potential is below the threshold where the period ends: Brian2 tests that again then.
    assert len(theirs) == 4
    # Crossings lie within the step at the end of which Brian2 sees them.
    np.testing.assert_allclose(np.asarray(run.spike_times_at("spike")), theirs, rtol=0, atol=1.5e-4)


def test_threshold_and_refractory_period_are_those_of_the_compartment():
    detector = from_brian2(
        oscillating(threshold="v > vt", threshold_location=5, refractory="rest + 1*ms")
    ).detectors[0]
    # Those of compartment 0 were taken: -20 mV.
    assert float(detector.threshold) == pytest.approx(-0.06)
    assert float(detector.refractory) == pytest.approx(0.01)
    cable = oscillating(threshold_location=5)
    there = from_brian2(cable).detectors[0].site
    assert from_brian2(cable, threshold="v > -65*mV").detectors[0].site == there
    said = from_brian2(cable, threshold="(v > -65*mV) and (i == 0)").detectors[0].site
    assert said != there


@pytest.mark.parametrize(
    ("changes", "options", "says"),
    [
        ({"threshold_location": None}, {}, r"no threshold_location.* each of its 20 compartments"),
        ({"refractory": "v > -75*mV"}, {}, r"refractory condition 'v > -75\*mV' is not carried"),
        ({"refractory": False}, {}, "no refractory period"),
        ({"refractory": "w > 3"}, {"threshold": "v > -60*mV"}, "condition 'w > 3' is not carried"),
        ({}, {"threshold": "(v > -60*mV) and (i == 20)"}, "compartment 20; the last one is 19"),
    ],
)
def test_detectors_that_are_not_carried_over_are_refused(changes, options, says):
    with pytest.raises(ParameterError, match=says):
        from_brian2(oscillating(**changes), **options)


def test_a_refractory_condition_that_repeats_the_threshold_is_a_crossing():
    detector = from_brian2(oscillating(refractory="v > -60*mV")).detectors[0]
    assert float(detector.refractory) == 0.0
    given = {"threshold": "(v > -60*mV) and (i == 3)", "refractory": 0 * ms}
    assert from_brian2(oscillating(refractory="w > 3"), **given).detectors[0].label == "spike"
