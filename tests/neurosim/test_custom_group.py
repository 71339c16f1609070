"""A NeuronGroup comes in whole: what it does in Brian2 it does here, or it is refused by name."""

from __future__ import annotations

import brian2
import numpy as np
import pytest
from brian2 import Hz, Mohm, ms, mV, pA, second

from neurosim import simulate
from neurosim.custom.point_model import from_brian2
from neurosim.errors import ParameterError, UnitError

pytestmark = pytest.mark.usefixtures("brian")

NAMES = {"tau": 10 * ms, "R": 100 * Mohm, "E": -60 * mV}
LEAKY = "dv/dt = (E - v + R*I)/tau : volt\nI : amp"


def leaky(equations=LEAKY, n=1, **changes):
    given = {
        "threshold": "v > -50*mV",
        "reset": "v = -65*mV",
        "method": "euler",
        "namespace": NAMES,
        "dt": 0.1 * ms,
    }
    group = brian2.NeuronGroup(n, equations, **(given | changes))
    group.v = -60 * mV
    return group


def check_both(group, *, duration=150 * ms, variable="v", at_least=3, **options):
    """Run the group in Brian2 and here: spikes on the same steps, traces to 1e-6 of their range."""
    neuron = from_brian2(group, **options)
    trace = brian2.StateMonitor(group, variable, record=[options.get("index", 0)])
    spikes = brian2.SpikeMonitor(group)
    brian2.Network(group, trace, spikes).run(duration)
    theirs = np.asarray(trace.get_states()[variable]).ravel()
    named = "v" if variable == options.get("voltage") else variable
    run = simulate(neuron, duration, record=[named], engine="numpy")
    ours = run.traces_si[named][0]
    assert np.abs(ours - theirs).max() <= 1e-6 * np.ptp(theirs)
    steps = np.asarray(spikes.t)[np.asarray(spikes.i) == options.get("index", 0)] / 1e-4
    np.testing.assert_array_equal(np.rint(run.spike_time_s / 1e-4), np.rint(steps))
    assert len(steps) >= at_least
    return neuron


def regular(group):
    group.run_regularly("v += 4*mV", dt=2 * ms)


def every_step(group):
    group.run_regularly("v += 0.15*mV; I = 40*pA")


def own_current(group):
    group.I = 200 * pA


def own_event(group):
    group.I = 170 * pA
    group.run_on_event("high", "v -= 0.02*mV; I += 1*pA")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prepare", "options"),
    [
        (regular, {}),
        (every_step, {}),
        (own_current, {}),
        (own_event, {"events": {"high": "v > -54*mV"}}),
    ],
)
def test_what_a_group_does_beside_its_equations(prepare, options):
    """Each was dropped without a word: 0 spikes for 20, 0 for 35, 35 for 0."""
    group = leaky(**options)
    prepare(group)
    check_both(group)


def test_states_start_where_they_are():
    """A state set on the group was put to its steady value."""
    group = leaky(LEAKY.replace("R*I", "R*(I + w)") + "\ndw/dt = -w/(50*ms) : amp")
    group.w = 300 * pA
    neuron = check_both(group)
    assert float(neuron.w_start / pA) == pytest.approx(300)


def test_a_potential_of_0_is_where_it_starts():
    group = leaky("dv/dt = (10*mV - v + R*I)/tau : volt\nI : amp", threshold="v > 8*mV",
                  reset="v = -5*mV")  # fmt: skip
    group.v = 0 * mV
    neuron = check_both(group)
    assert float(neuron.v_start) == 0.0


@pytest.mark.slow
def test_numbers_without_unit():
    group = leaky(
        "dv/dt = (E - v + k*gain*4*mV*(1 + sin(2*pi*t*20*Hz)) + R*I)/tau : volt\nI : amp\nk : 1",
        method="rk4", namespace=NAMES | {"gain": 2.0},
    )  # fmt: skip
    group.k = 1.5
    check_both(group)


def test_a_reset_that_moves_the_threshold():
    group = leaky(LEAKY + "\nv_t : volt", threshold="v > v_t",
                  reset="step = 0.3*mV; v = -65*mV; v_t += step")  # fmt: skip
    group.I, group.v_t = 250 * pA, -52 * mV
    neuron = check_both(group)
    assert neuron.changing == ("v_t",)


def test_a_state_that_nothing_but_spikes_moves():
    equations = LEAKY + "\ndv_t/dt = 0*volt/second : volt"
    group = leaky(equations, threshold="v > v_t", reset="v = -65*mV; v_t += 0.3*mV")
    group.I, group.v_t = 250 * pA, -52 * mV
    check_both(group)
    given = {"threshold": "v > v_t", "reset": "v = -65*mV", "parameters": NAMES, "start": -60 * mV}
    with pytest.raises(ParameterError, match="'v_t' has no steady value to start from"):
        from_brian2(equations, **given)
    neuron = from_brian2(equations, **given | {"parameters": {**NAMES, "v_t": -52 * mV}})
    assert float(neuron.v_t_start / mV) == pytest.approx(-52)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_a_waveform_is_played(method):
    wave = brian2.TimedArray(np.array([0, 2, 1, 3] * 3) * 100 * pA, dt=10 * ms)
    group = leaky(
        "dv/dt = (E - v + R*(wave(t) + I))/tau : volt\nI : amp",
        method=method, namespace=NAMES | {"wave": wave},
    )  # fmt: skip
    check_both(group)
    two = np.array([[0, 1], [0, 2], [0, 3]]) * 100 * pA
    by_neuron = brian2.TimedArray(two, dt=20 * ms)
    group = leaky(
        "dv/dt = (E - v + R*(by_neuron(t, i) + I))/tau : volt\nI : amp",
        n=2, namespace=NAMES | {"by_neuron": by_neuron},
    )  # fmt: skip
    check_both(group, index=1)


@pytest.mark.slow
@pytest.mark.parametrize("refractory", [3 * ms, "rest + 1*ms", "v < -60*mV"])
def test_refractory_periods(refractory):
    where = "" if refractory == "v < -60*mV" else " (unless refractory)"
    held = LEAKY.replace(": volt", f": volt{where}", 1)
    group = leaky(held + "\nrest : second", refractory=refractory)
    group.I, group.rest = 250 * pA, 2 * ms
    check_both(group)


def test_the_number_of_a_neuron_and_which_it_is():
    group = leaky("dv/dt = (E - v + R*(I + i*100*pA/N))/tau : volt\nI : amp", n=4)
    group.I = [150, 100, 50, 80] * pA
    with pytest.raises(ParameterError, match=r"I differs from neuron to neuron.*index=0"):
        from_brian2(group)
    check_both(group, index=3)
    group.I = 100 * pA
    group.v = [-60, -61, -62, -63] * mV
    with pytest.raises(ParameterError, match="v differs"):
        from_brian2(group)
    with pytest.raises(ParameterError, match="from 0 to 3"):
        from_brian2(group, index=4)


def test_a_potential_in_plain_numbers_if_it_is_named():
    group = brian2.NeuronGroup(
        1, "dx/dt = (1.5 - x)/tau : 1", threshold="x > 1", reset="x = 0", method="exact",
        namespace=NAMES, dt=0.1 * ms,
    )  # fmt: skip
    with pytest.raises(ParameterError, match="which of x is the membrane potential"):
        from_brian2(group, current=False)
    check_both(group, variable="x", voltage="x", current=False)


def test_methods_are_those_that_brian2_takes():
    group = leaky(method=("exact", "euler"))
    assert from_brian2(group).method == "exact"
    square = leaky("dv/dt = -v**2/(volt*tau) + R*I/tau : volt\nI : amp", method=("exact", "euler"))
    assert from_brian2(square).method == "euler"
    with pytest.raises(ParameterError, match="'gsl_rkf45' is not carried over"):
        from_brian2(leaky(method="gsl_rkf45"))


def noisy(n=1, **changes):
    return leaky("dv/dt = (E - v + R*I)/tau + 4*mV*xi*sqrt(2/tau) : volt\nI : amp", n=n, **changes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["noise", "regular", "reset", "threshold"])
def test_random_numbers_have_brian2s_law(kind):
    """Rate and CV of 20 seeds within 3 standard errors of those of 60 neurons in Brian2."""
    count, duration = 60, 1 * second
    options = {"reset": "v = -65*mV - 5*mV*rand()"} if kind == "reset" else {}
    if kind == "threshold":
        options = {"threshold": "rand() < dt*30*Hz", "reset": ""}
    group = noisy(count, **options) if kind == "noise" else leaky(n=count, **options)
    group.I = {"noise": 80, "regular": 90, "reset": 150, "threshold": 0}[kind] * pA
    if kind == "regular":
        group.run_regularly("v += 1*mV*randn()", dt=0.5 * ms)
    neuron = from_brian2(group)
    brian2.seed(1)
    spikes = brian2.SpikeMonitor(group)
    brian2.Network(group, spikes).run(duration)
    run = simulate(neuron, duration, seed=np.arange(20), engine="numpy")
    theirs = [np.asarray(train) for train in spikes.spike_trains().values()]
    ours = [run.spike_time_s[run.spike_row == k] for k in range(20)]
    for statistic in (len, variation):
        a, b = ([statistic(train) for train in trains] for trains in (theirs, ours))
        error = np.hypot(np.std(a, ddof=1) / np.sqrt(len(a)), np.std(b, ddof=1) / np.sqrt(len(b)))
        assert abs(np.mean(a) - np.mean(b)) < 3 * error
    assert np.mean([len(train) for train in ours]) > 5
    again = simulate(neuron, duration, seed=np.arange(20), engine="numpy")
    np.testing.assert_array_equal(again.spike_time_s, run.spike_time_s)
    assert len({len(train) for train in ours}) > 1


def variation(train):
    gaps = np.diff(train)
    return float(gaps.std() / gaps.mean())


def synapses(group):
    return brian2.Synapses(group, group, on_pre="v += 1*mV")


def slice_of_synapses(group):
    return brian2.Synapses(group, group[:1], on_pre="v += 1*mV")


def poisson(group):
    return brian2.PoissonInput(group, "v", 10, 5 * Hz, 1 * mV)


@pytest.mark.parametrize(
    ("make", "says"),
    [(synapses, "synapses .* act on it"), (slice_of_synapses, "synapses .* act on it"),
     (poisson, "PoissonInput .* acts on it")],
)  # fmt: skip
def test_what_others_do_to_a_group_is_refused_by_name(make, says):
    group = leaky()
    other = make(group)
    with pytest.raises(ParameterError, match=says):
        from_brian2(group)
    other.active = False
    assert from_brian2(group).method == "euler"
    other.active = True
    del other
    # A monitor changes nothing.
    monitors = brian2.StateMonitor(group, "v", record=True), brian2.SpikeMonitor(group)
    assert from_brian2(group).method == "euler"
    del monitors


def test_more_that_is_refused_by_name():
    other = leaky()
    group = leaky(LEAKY + "\nx : volt (linked)")
    group.x = brian2.linked_var(other, "v")
    with pytest.raises(ParameterError, match="'x' is linked to a variable of another group"):
        from_brian2(group)
    with pytest.raises(ParameterError, match="give its NeuronGroup and index"):
        from_brian2(leaky(n=2)[:1])
    with pytest.raises(ParameterError, match="cannot be called 'noise'"):
        from_brian2(leaky(LEAKY.replace("R*I", "R*I*noise") + "\nnoise : 1"))
    with pytest.raises(ParameterError, match="poisson"):
        from_brian2(leaky(reset="v = -65*mV - poisson(2)*mV"))
    group = leaky()
    group.run_regularly("v += 1*mV", dt=0.25 * ms)
    with pytest.raises(ParameterError, match="no whole number of its time steps"):
        from_brian2(group)
    with pytest.raises(ParameterError, match="threshold=False runs a model for its traces"):
        from_brian2(leaky(threshold=None, reset=None))
    with pytest.raises(UnitError, match="or say voltage='v'"):
        from_brian2("dv/dt = (1 - v + I)/(10*ms) : 1\nI : 1", threshold="v > 1", current="I")
    operation = brian2.NetworkOperation(lambda: None)
    with pytest.warns(UserWarning, match="network_operation"):
        from_brian2(leaky())
    del operation


def test_a_refractory_group_is_taken_over_before_it_is_run():
    group = leaky(refractory=20 * ms)
    group.I = 300 * pA
    network = brian2.Network(group)
    network.run(14 * ms)
    with pytest.raises(ParameterError, match="refractory at present"):
        from_brian2(group)
    del network


def test_a_waveform_that_is_nowhere_is_asked_for_by_name():
    equations = "dv/dt = (-70*mV - v + 100*Mohm*J(t))/(10*ms) : volt"
    said = {"threshold": "v > -50*mV", "reset": "v = -70*mV", "start": -70 * mV, "current": False}
    with pytest.raises(ParameterError, match=r"it calls J\(\.\.\.\).*give parameters=\{'J'"):
        from_brian2(equations, **said)
    with pytest.raises(ParameterError, match=r"it calls high\(\.\.\.\)"):
        from_brian2("dv/dt = -v/(10*ms) : volt", **{**said, "threshold": "v > high(t)"})
    J = brian2.TimedArray([100, 300] * pA, dt=10 * ms)
    assert from_brian2(equations, parameters={"J": J}, method="rk4", **said).samples
    assert from_brian2(equations, method="rk4", **said).samples
