"""Gradients of point neurons: against complex steps, closed forms and differences."""

import numpy as np
import pytest
from brian2 import Quantity, cm, mS, ms, mV, nS, pA, pF
from complex_points import start_complex
from complex_run import H, run_complex

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
from neurosim.engine.adjoint.point_step import as_compartment, point_step
from neurosim.errors import EngineError, ParameterError, UnknownNameError
from neurosim.gradients.losses import FiringRate, MeanPotential, SpikeTime, TraceError
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
        base, 60 * ms, SpikeTime(number=4), [name], stimulus=Constant(500 * pA),
        batch={name: shares * centre},
    )  # fmt: skip
    v = np.asarray(found.value)
    richardson = (8 * (v[3] - v[1]) - (v[4] - v[0])) / (12 * h)
    assert abs(float(found.relative(name)[2]) / richardson - 1) < 5e-6


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
