"""Gradients of point neurons: against complex steps, closed forms and differences."""

import warnings

import numpy as np
import pytest
from brian2 import Hz, Quantity, cm, mS, ms, mV, nS, ohm, pA, pF
from complex_points import SpikingComplex, start_complex
from complex_run import H, run_complex

from ann import Variable
from bridge.differentiable import simulated_loss
from neurosim import (
    LIF,
    AdEx,
    Constant,
    FrozenNoise,
    HodgkinHuxley,
    OrnsteinUhlenbeck,
    Steps,
    TraubMiles,
    VoltageClamp,
    WhiteNoise,
    differentiate,
    from_brian2,
    simulate,
)
from neurosim.catalogue import GLIF, InactivatingGIF
from neurosim.engine.adjoint.point_step import as_compartment, point_step
from neurosim.engine.adjoint.spiking_maps import spiking_maps
from neurosim.engine.adjoint.spiking_run import Spikes
from neurosim.errors import EngineError, ParameterError, UnknownNameError
from neurosim.gradients.found_gradient import GrowthWarning
from neurosim.gradients.losses import (
    FiringRate,
    MeanPotential,
    SpikeTime,
    SpikeTimeError,
    TraceError,
)
from neurosim.morphology import at
from neurosim.run.argument_checks import RunSettings
from neurosim.run.batch import variable_name
from neurosim.run.point_run import prepare_point

# Gates that are linear in themselves, one of them on another, and a potential that is linear too.
GATED = """
dv/dt = (g_L*(E_L - v) + g*x*y*(E - v) + I_stim)/C : volt
dx/dt = (1/(1 + exp((V_h - v)/k)) - x)/tau_x : 1
dy/dt = (1 - x - y)/tau_y : 1
"""
GATED_VALUES = {
    "g_L": 10 * nS, "E_L": -70 * mV, "g": 30 * nS, "E": 30 * mV, "C": 200 * pF, "V_h": -55 * mV,
    "k": 4 * mV, "tau_x": 2 * ms, "tau_y": 30 * ms,
}  # fmt: skip


def gated(method):
    return from_brian2(
        GATED, threshold="v > -20*mV", parameters=GATED_VALUES, start=-68 * mV, method=method
    )


def prepared(neuron, duration, stimulus, batch, seed=0, dt=None):
    settings = RunSettings.checked(
        neuron.default_dt_ms * ms, duration, seed=seed, dt=dt, record=(), record_dt=None,
        settle=None, scheme=None, engine="auto", jobs=1, progress=None,
    ).in_whole_steps()  # fmt: skip
    return prepare_point(neuron, stimulus, settings, batch=batch)


def check(neuron, wrt, *, duration=8 * ms, stimulus, batch=None, seed=0, loss=None):
    """Compare a random directional derivative with a complex step of the whole run."""
    rng = np.random.default_rng(7)
    steps = round(float(duration / ms) / neuron.default_dt_ms)
    loss = loss or TraceError(target=rng.normal(-60, 20, steps) * mV)
    found = differentiate(neuron, duration, loss, wrt, stimulus=stimulus, batch=batch, seed=seed)
    assert np.all(found.growth < 1e4)
    directions, ours = {}, 0.0
    for name, slope in found.derivatives.items():
        at_value = float(np.abs(found.parameters[name]).max()) or 1.0
        directions[variable_name(name)] = at_value * rng.standard_normal()
        ours = ours + np.asarray(slope) * directions[variable_name(name)]
    ready = prepared(neuron, duration, stimulus, batch, seed)
    step = point_step(ready.model, ready.equations, "neuron", list(directions))
    inputs = as_compartment(ready.inputs)
    moved = {(0, name): np.asarray(direction) for name, direction in directions.items()}
    moved |= {(0, n): by for n, by in start_complex(ready, neuron, directions).items()}
    traces = run_complex([step], inputs, moved)[:, 0]
    np.testing.assert_allclose(traces.real, found.v.T / Quantity(1, dim=found.v.dim), atol=1e-9)
    slopes = loss.value(traces.real, inputs.dt)[1]
    np.testing.assert_allclose(ours, np.sum(slopes * traces.imag / H, axis=0), rtol=1e-9)
    return found


OWN = {
    HodgkinHuxley: ("area", "C_m", "g_Na", "g_K", "g_L", "E_Na", "E_K", "E_L", "V_init"),
    TraubMiles: ("area", "C_m", "g_Na", "g_K", "g_L", "E_Na", "E_K", "E_L", "V_T"),
}


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)
def test_every_parameter_of_a_neuron_of_conductances_through_a_spike(kind):
    neuron = kind()
    strength = np.array([1.0, 1.3]) * (100 if kind is HodgkinHuxley else 1000) * pA
    found = check(
        neuron, [*OWN[kind], "current"], stimulus=Constant(0 * pA), batch={"current": strength}
    )
    assert float(found.v.max() / mV) > 10


@pytest.mark.parametrize("method", ["exponential_euler", "rk4", "rk2", "euler"])
def test_own_equations_by_every_method_under_currents_of_every_kind(method):
    stimulus = Steps(150 * pA, 1 * ms, 5 * ms) + OrnsteinUhlenbeck(20 * pA, 40 * pA, 3 * ms)
    stimulus += FrozenNoise(np.array([0.0, 80.0, -30.0]) * pA, 1 * ms, onset=2 * ms)
    stimulus += WhiteNoise(20 * pA * (1 * ms) ** 0.5)
    wrt = [*GATED_VALUES, "steps.amplitude", "sd", "mean", "ornstein_uhlenbeck.tau", "intensity"]
    wrt += ["frozen_noise.amplitude", "v_start"]
    check(gated(method), wrt, stimulus=stimulus, seed=[3, 4])


def test_more_steps_than_are_written_out_share_their_amplitude():
    pulses = Steps(300 * pA, np.arange(6) * ms, 0.5 * ms)
    check(gated("rk4"), ["steps.amplitude", "g"], stimulus=pulses)


def test_the_run_is_that_of_simulate():
    given = {"stimulus": Constant(100 * pA)}
    loss = MeanPotential()
    found = differentiate(HodgkinHuxley(), 10 * ms, loss, ["g_Na"], **given)
    run = simulate(HodgkinHuxley(), 10 * ms, record=["v"], **given)
    # Samples here are those of the ends of steps, there of their beginnings.
    np.testing.assert_allclose(
        found.v[0, :-1] / mV, np.asarray(run.trace("v")[0, 1:] / mV), atol=1e-9
    )


@pytest.mark.parametrize(
    "loss", [SpikeTime(number=2), FiringRate(spikes=2)], ids=lambda x: type(x).__name__
)
def test_spikes_of_a_conductance_neuron_follow_differences_of_runs(loss):
    def at_g_Na(values):
        return differentiate(
            HodgkinHuxley(), 30 * ms, loss, ["g_Na"], stimulus=Constant(100 * pA),
            batch={"g_Na": 120 * np.asarray(values) * mS / cm**2},
        )  # fmt: skip

    # So little that a crossing stays where it is between its samples: their cubic ripples.
    h = 3e-6
    v = np.asarray(at_g_Na(np.array([1 - 2 * h, 1 - h, 1 + h, 1 + 2 * h])).value)
    richardson = (8 * (v[2] - v[1]) - (v[3] - v[0])) / (12 * h)
    ours = float(np.asarray(at_g_Na([1.0]).relative("g_Na"))[0])
    assert abs(ours / richardson - 1) < 1e-6


@pytest.mark.parametrize(
    ("neuron", "wrt", "more", "said"),
    [
        (gated("rk4"), ["g"], {"stimulus": VoltageClamp(holding=-65 * mV)}, "VoltageClamp"),
        (gated("rk4"), ["steps.onset"], {"stimulus": Steps(1 * pA, 1 * ms, 2 * ms)}, "jumps"),
        (gated("rk4"), ["steps.amplitude[2]"],
         {"stimulus": Steps(np.arange(6) * pA, np.arange(6) * ms, 1 * ms)}, "as data"),
        (gated("rk4"), ["g"], {"settle": 1 * ms}, "with extent"),
        (gated("rk4"), ["g", "g"], {}, "twice"),
        (gated("rk4"), "g", {}, "must be a list"),
        (gated("rk4"), ["leak.g"], {}, "no parameter|has a parameter"),
        (gated("heun"), ["g"], {}, "method 'heun'"),
    ],
)  # fmt: skip
def test_what_has_no_derivative_is_refused_by_name(neuron, wrt, more, said):
    with pytest.raises((ParameterError, EngineError, UnknownNameError), match=said):
        differentiate(neuron, 4 * ms, MeanPotential(), wrt, **more)


def test_a_site_is_for_neurons_with_extent():
    with pytest.raises(ParameterError, match="one point"):
        differentiate(HodgkinHuxley(), 4 * ms, MeanPotential(site=at("soma")), ["g_Na"])


LIF_OWN = ("tau_m", "R_m", "V_th", "V_reset", "E_L", "t_ref", "constant.current")


def lif_time(values, number):
    """Time of a spike of a LIF neuron under a constant current, and its derivatives, in SI."""
    tau, R, V_th, V_r, E, t_ref, current = values
    end = E + R * current
    first, other = np.log((end - E) / (end - V_th)), np.log((end - V_r) / (end - V_th))
    n = number - 1
    by_end = tau * (1 / (end - E) + n / (end - V_r) - number / (end - V_th))
    slopes = {
        "tau_m": first + n * other,
        "R_m": current * by_end,
        "V_th": number * tau / (end - V_th),
        "V_reset": -n * tau / (end - V_r),
        "E_L": by_end - tau / (end - E),
        "t_ref": n,
        "constant.current": R * by_end,
    }
    return tau * first + n * (t_ref + tau * other), slopes


@pytest.mark.parametrize("t_ref", [0.0, 2.0], ids=["no_refractoriness", "refractory"])
def test_spikes_of_lif_follow_the_closed_form(t_ref):
    neuron = LIF(t_ref=t_ref * ms, V_reset=-66 * mV)
    currents = np.array([160.0, 200.0, 313.7])
    found = differentiate(
        neuron, 300 * ms, SpikeTime(number=5), LIF_OWN, stimulus=Constant(0 * pA),
        batch={"current": currents * pA},
    )  # fmt: skip
    for k, current in enumerate(currents):
        values = (0.02, 1e8, -0.055, -0.066, -0.07, t_ref * 1e-3, current * 1e-12)
        time, slopes = lif_time(values, 5)
        assert abs(float(found.value[k]) - time) < 1e-14
        for name, slope in slopes.items():
            np.testing.assert_allclose(np.asarray(found[name])[k], slope, rtol=1e-11)


def test_the_rate_of_lif_is_that_of_the_closed_form_and_its_spikes_those_of_simulate():
    found = differentiate(
        LIF(), 400 * ms, FiringRate(), ["current", "tau_m"], stimulus=Constant(200 * pA)
    )
    period = 2e-3 + 0.02 * np.log(4)
    np.testing.assert_allclose(np.asarray(found.value), 1 / period, rtol=1e-12)
    ours = np.asarray(found["tau_m"])
    np.testing.assert_allclose(ours, -np.log(4) / period**2, rtol=1e-11)
    missed = []
    for dt in (0.1, 0.05, 0.025):
        given = {"stimulus": Constant(213 * pA), "dt": dt * ms}
        time = differentiate(LIF(), 100 * ms, SpikeTime(number=3), ["tau_m"], **given).value[0]
        run = simulate(LIF(), 100 * ms, **given)
        missed.append(abs(float(time) - run.spike_time_s[2]) / (dt * 1e-3))
    # Each of three spikes is up to one step late or early.
    assert max(missed) < 3


ADEX_OWN = ("C", "g_L", "E_L", "V_T", "Delta_T", "a", "tau_w", "b", "V_reset", "constant.current")


@pytest.mark.parametrize("name", ADEX_OWN)
def test_spikes_of_adex_follow_differences_of_runs(name):
    base = AdEx(t_ref=1 * ms)
    centre = {"constant.current": 500 * pA}.get(name)
    centre = getattr(base, name) if centre is None else centre
    h = 2e-3 if name in ("a", "tau_w", "b") else 1e-4
    shares = np.array([1 - 2 * h, 1 - h, 1, 1 + h, 1 + 2 * h])
    found = differentiate(
        base, 60 * ms, SpikeTime(number=4), ADEX_OWN, stimulus=Constant(500 * pA),
        batch={name: shares * centre},
    )  # fmt: skip
    v = np.asarray(found.value)
    richardson = (8 * (v[3] - v[1]) - (v[4] - v[0])) / (12 * h)
    # Where differences and derivative part is in tests/neurosim/test_adex_spikes.py.
    assert abs(float(found.relative(name)[2]) / richardson - 1) < 1e-6


def test_the_spikes_of_adex_do_not_depend_on_the_time_step():
    times, slopes = [], []
    for dt in (0.1, 0.05, 0.02):
        found = differentiate(
            AdEx(), 60 * ms, SpikeTime(number=4), ["constant.current"],
            stimulus=Constant(500 * pA), dt=dt * ms,
        )  # fmt: skip
        times.append(float(found.value[0]))
        slopes.append(float(found["constant.current"][0]))
    assert np.ptp(times) < 1e-9
    assert np.ptp(slopes) / abs(slopes[0]) < 2e-6
    run = simulate(AdEx(), 60 * ms, stimulus=Constant(500 * pA), dt=0.01 * ms)
    assert abs(run.spike_time_s[3] - times[-1]) < 4 * 0.01e-3


# Slow adaptation, a current that flows while the neuron is refractory, and a threshold that moves.
MOVING = """
dv/dt = (g_L*(E_L - v) - w + I_stim)/C : volt (unless refractory)
dw/dt = (a*(v - E_L) - w)/tau_w : amp
dq/dt = (V_0 - q)/tau_q : volt
"""
MOVING_VALUES = {
    "g_L": 10 * nS, "E_L": -70 * mV, "C": 200 * pF, "a": 3 * nS, "tau_w": 40 * ms, "V_0": -52 * mV,
    "tau_q": 15 * ms, "V_r": -65 * mV, "b": 20 * pA, "jump": 5 * mV, "hold": 1.7 * ms,
}  # fmt: skip


def moving(method):
    return from_brian2(
        MOVING, threshold="v > q", reset="v = V_r + 0.1*w/g_L; w += b; q += jump",
        refractory="hold", parameters=MOVING_VALUES, start=-68 * mV, method=method, dt=0.1 * ms,
    )  # fmt: skip


GLIF_OWN = (
    "C", "g_L", "E_L", "V_th", "V_reset", "f_v", "A_1", "tau_1", "R_1", "A_2", "tau_2", "R_2",
    "jump", "tau_s", "a_v", "tau_v",
)  # fmt: skip
IGIF_OWN = (
    "C", "g_L", "E_L", "V_0", "g_r", "V_r", "k_r", "E_r", "tau_r", "V_th", "V_reset", "f_v", "A_1",
    "tau_1", "A_2", "tau_2", "jump", "tau_s", "follow", "V_i", "k_i", "tau_v", "t_ref",
)  # fmt: skip
SPIKING = {
    "lif": (LIF(), LIF_OWN[:-1], 60.0),
    "adex": (AdEx(), (*ADEX_OWN[:-1], "V_peak", "t_ref"), 50.0),
    "adex_refractory": (AdEx(t_ref=1.23 * ms), (*ADEX_OWN[:-1], "t_ref"), 40.0),
    "glif": (
        GLIF(jump=3 * mV, a_v=4 * Hz, f_v=0.1, A_1=-200 * pA, V_reset=-62 * mV),
        (*GLIF_OWN, "t_ref"),
        60.0,
    ),
    "inactivating_gif": (
        InactivatingGIF(jump=3 * mV, f_v=0.1, A_1=-200 * pA, V_reset=-62 * mV),
        IGIF_OWN,
        60.0,
    ),
    "moving_exponential_euler": (moving("exponential_euler"), tuple(MOVING_VALUES), 60.0),
    "moving_rk4": (moving("rk4"), (*MOVING_VALUES, "v_start"), 60.0),
}


# Those that stand for the others where time is short.
QUICK = {"lif", "glif", "adex_refractory", "moving_rk4"}


@pytest.mark.parametrize(
    "kind", [k if k in QUICK else pytest.param(k, marks=pytest.mark.slow) for k in SPIKING]
)
def test_runs_with_located_spikes_follow_a_complex_step(kind):
    neuron, own, length = SPIKING[kind]
    rng = np.random.default_rng(11)
    stimulus = Steps(420 * pA, 1 * ms, 200 * ms) + OrnsteinUhlenbeck(20 * pA, 30 * pA, 3 * ms)
    wrt = [*own, "steps.amplitude", "ornstein_uhlenbeck.sd", "ornstein_uhlenbeck.tau"]
    directions = {}
    ready = prepared(neuron, length * ms, stimulus, None, seed=[3, 8])
    for name in map(variable_name, wrt):
        size = float(np.ravel(ready.parameters[name])[0]) or 1e-3
        directions[name] = size * rng.standard_normal()
    maps = spiking_maps(ready.model, ready.equations, kind, list(directions))
    moved = start_complex(ready, neuron, directions)
    runs = [SpikingComplex(maps, ready, row, directions, moved).run() for row in range(2)]
    dt = ready.inputs.dt
    for loss in (
        SpikeTimeError(target=[8, 20] * ms),
        TraceError(target=rng.normal(-60, 5, round(length * 1e-3 / dt)) * mV),
        MeanPotential(start=3 * ms),
    ):
        found = differentiate(neuron, length * ms, loss, wrt, stimulus=stimulus, seed=[3, 8])
        for row, (trace, spikes) in enumerate(runs):
            np.testing.assert_allclose(trace.real, np.asarray(found.v)[row], atol=1e-10)
            assert len(spikes) >= 2
            time, before, after = spikes.real.T
            seen = Spikes(time, (time / dt).astype(int), time % dt, before, after)
            value, slopes, more = loss.with_spikes(trace.real[:, None], [seen], dt)
            np.testing.assert_allclose(value[0], np.asarray(found.value)[row], rtol=1e-9)
            theirs = np.sum(slopes[:, 0] * trace.imag / H) + np.sum(more[0] * spikes.imag / H)
            ours = sum(
                np.asarray(slope)[row] * directions[variable_name(name)]
                for name, slope in found.derivatives.items()
            )
            np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def doubled(**changes):
    """Return a leaky neuron that another line of its description makes unfit."""
    given = {"threshold": "v > V_t", "reset": "v = V_r", "refractory": 2 * ms} | changes
    return from_brian2(
        "dv/dt = (E - v + R*I_stim)/tau : volt (unless refractory)",
        parameters={
            "E": -70 * mV,
            "R": 1e8 * ohm,
            "tau": 20 * ms,
            "V_t": -55 * mV,
            "V_r": -70 * mV,
        },
        start=-70 * mV,
        **given,
    )


@pytest.mark.parametrize(
    ("neuron", "more", "said"),
    [
        (LIF(), {"stimulus": WhiteNoise(1 * pA * (1 * ms) ** 0.5)}, "coloured noise"),
        (doubled(threshold="v > V_t and v < 0*mV"), {}, "one comparison"),
        (doubled(refractory="v > V_t"), {}, "no length of time"),
        (doubled(reset="v = V_r + 30*mV"), {"stimulus": Constant(200 * pA)}, "at once"),
    ],
)  # fmt: skip
def test_spikes_without_a_derivative_are_refused(neuron, more, said):
    with pytest.raises((ParameterError, EngineError), match=said):
        differentiate(
            neuron, 60 * ms, SpikeTime(), ["tau_m" if isinstance(neuron, LIF) else "tau"], **more
        )


def test_a_row_that_fires_too_little_is_refused_or_told():
    batch = {"current": [100, 200] * pA}
    given = {"stimulus": Constant(0 * pA), "batch": batch}
    with pytest.raises(ParameterError, match="cell 0 fires 0 spikes"):
        differentiate(LIF(), 60 * ms, SpikeTime(), ["tau_m"], **given)
    found = differentiate(LIF(), 60 * ms, SpikeTime(few="nan"), ["tau_m"], **given)
    assert np.isnan(found.value[0])
    assert float(found["tau_m"][0]) == 0
    np.testing.assert_allclose(float(found["tau_m"][1]), np.log(4), rtol=1e-11)
    with pytest.raises(ParameterError, match="'refuse' or 'nan'"):
        SpikeTime(few="zero")


def test_a_threshold_that_is_barely_reached_is_warned_of():
    """Next to rheobase the time of a spike follows the current without bound."""
    near = 150 * (1 + 1e-6) * pA
    with pytest.warns(GrowthWarning, match="amplifies a displacement"):
        differentiate(LIF(), 400 * ms, SpikeTime(), ["R_m"], stimulus=Constant(near))
    far = differentiate(LIF(), 400 * ms, SpikeTime(), ["R_m"], stimulus=Constant(200 * pA))
    assert far.growth[0] < 10
    # Both are exact.
    slope = float(differentiate_quietly(near)["R_m"][0])
    end = -0.07 + 1e8 * float(near)
    exact = 0.02 * float(near) * (1 / (end + 0.07) - 1 / (end + 0.055))
    np.testing.assert_allclose(slope, exact, rtol=1e-5)


def differentiate_quietly(current):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GrowthWarning)
        return differentiate(LIF(), 400 * ms, SpikeTime(), ["R_m"], stimulus=Constant(current))


def test_threads_and_blocks_of_rows_change_nothing():
    currents = np.linspace(450, 650, 19) * pA
    given = {"stimulus": Constant(0 * pA), "batch": {"current": currents}}
    wrt = ["g_L", "b", "constant.current"]
    one = differentiate(AdEx(), 40 * ms, SpikeTime(number=2), wrt, **given)
    two = differentiate(AdEx(), 40 * ms, SpikeTime(number=2), wrt, jobs=2, **given)
    alone = differentiate(
        AdEx(), 40 * ms, SpikeTime(number=2), wrt, stimulus=Constant(currents[17])
    )
    for name in wrt:
        assert np.array_equal(one[name], two[name])
        np.testing.assert_allclose(
            np.asarray(one[name])[17], np.asarray(alone[name])[0], rtol=1e-10
        )


def test_a_point_neuron_is_a_node_of_a_graph():
    tau = Variable(20.0)
    when = simulated_loss(
        LIF(), 60 * ms, SpikeTime(), {"tau_m": (tau, ms)}, unit=ms, stimulus=Constant(200 * pA)
    )
    ((when - 20.0) ** 2).sum().backward()
    np.testing.assert_allclose(tau.grad.value, 2 * (20 * np.log(4) - 20) * np.log(4), rtol=1e-10)


def test_the_table_is_in_customary_units_and_spikes_are_told():
    found = differentiate(
        LIF(),
        60 * ms,
        SpikeTime(),
        ["tau_m", "R_m", "V_th", "current"],
        stimulus=Constant(200 * pA),
    )
    table = str(found)
    for said in ("20 ms", "per ms", "100 Mohm", "ms per mV", "0.2 nA", "ms per nA"):
        assert said in table
    np.testing.assert_allclose(found.spike_times[0][0] / ms, found.value[0] / ms, rtol=1e-14)
    smooth = differentiate(HodgkinHuxley(), 4 * ms, MeanPotential(), ["g_Na", "C_m", "area"])
    assert smooth.spike_times is None
    for said in ("120 mS/cm^2", "1 uF/cm^2", "1000 um^2"):
        assert said in str(smooth)
