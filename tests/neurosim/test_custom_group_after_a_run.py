"""A group that has been run goes on here as it would there, or is refused by name."""

from __future__ import annotations

import brian2
import numpy as np
import pytest
from brian2 import Mohm, ms, mV, pA

from neurosim import simulate
from neurosim.custom.point_model import from_brian2
from neurosim.errors import ParameterError

pytestmark = pytest.mark.usefixtures("brian")


def driven(**changes):
    given = {
        "threshold": "v > -50*mV",
        "reset": "v = -65*mV",
        "method": "euler",
        "namespace": {"tau": 10 * ms, "R": 100 * Mohm, "E": -60 * mV},
        "dt": 0.1 * ms,
    }
    equations = changes.pop("equations", "dv/dt = (E - v + R*I)/tau : volt\nI : amp")
    group = brian2.NeuronGroup(1, equations, **(given | changes))
    group.v, group.I = -60 * mV, 150 * pA
    return group


def regular(code, **when):
    def make():
        group = driven()
        group.run_regularly(code, **when)
        return group

    return make


def own_event(condition, code):
    def make():
        group = driven(events={"late": condition})
        group.run_on_event("late", code)
        return group

    return make


TIMED = {
    "equation": lambda: driven(equations="dv/dt = (E - v + R*I*int(t > 9*ms))/tau : volt\nI : amp"),
    "threshold": lambda: driven(threshold="v > -50*mV and t > 100*ms"),
    "threshold, last spike": lambda: driven(
        threshold="v > -50*mV + 15*mV*exp(-(t - lastspike)/(20*ms))", refractory=1 * ms
    ),
    "reset": lambda: driven(reset="v = E + t/second*50*mV"),
    "refractory": lambda: driven(refractory="t < 20*ms"),
    "operation": regular("I = 250*pA*int(t > 50*ms)"),
    "operation, steps": regular("I = 250*pA*int(t_in_timesteps > 500)", dt=1 * ms),
    "event": own_event("t > 50*ms", "v -= 1*mV"),
    "what an event does": own_event("v > -55*mV", "v -= 1*mV*int(t > 50*ms)"),
}


@pytest.mark.parametrize("make", TIMED.values(), ids=TIMED)
def test_what_depends_on_the_time_is_refused_after_a_run(make):
    from_brian2(make())
    group = make()
    network = brian2.Network(group)
    network.run(5 * ms)
    with pytest.raises(ParameterError, match="has been run"):
        from_brian2(group)
    del network
    with pytest.raises(ParameterError, match="has been run"):
        from_brian2(group)


@pytest.mark.slow
@pytest.mark.parametrize("gone_ms", [5.0, 34.0, 40.3])
def test_an_operation_keeps_its_phase(gone_ms):
    group = regular("v = -70*mV", dt=17 * ms)()
    network = brian2.Network(group)
    network.run(gone_ms * ms)
    neuron = from_brian2(group)
    spikes = brian2.SpikeMonitor(group)
    network.add(spikes)
    network.run(200 * ms)
    theirs = np.rint((np.asarray(spikes.t) - gone_ms * 1e-3) / 1e-4)
    run = simulate(neuron, 200 * ms, engine="numpy")
    assert len(theirs) > 2
    np.testing.assert_array_equal(np.rint(run.spike_time_s / 1e-4), theirs)


@pytest.mark.slow
def test_the_run_of_another_group_is_not_its_own():
    other = driven(threshold="v > -50*mV and t > 100*ms")
    brian2.Network(driven()).run(5 * ms)
    taken = from_brian2(other)
    # It begins at its own 0 ms: no spike before the 100 ms that its threshold names.
    run = simulate(taken, 200 * ms, engine="numpy")
    assert run.counts().sum() > 0
    assert run.spike_time_s.min() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("method", ["exact", "euler"])
def test_a_waveform_is_not_integrated_exactly(method):
    wave = brian2.TimedArray([0, 1, 0, 1], dt=50 * ms)
    names = {"tau": 10 * ms, "R": 100 * Mohm, "E": -60 * mV, "wave": wave}
    group = driven(
        equations="dv/dt = (E - v + R*I*wave(t))/tau : volt\nI : amp",
        method=method,
        namespace=names,
    )
    if method == "exact":
        with pytest.raises(ParameterError, match="method='euler'"):
            from_brian2(group)
    neuron = from_brian2(group, method="euler")
    assert simulate(neuron, 200 * ms, engine="numpy").counts().sum() > 3
