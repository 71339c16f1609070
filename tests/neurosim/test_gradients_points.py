"""Gradients of point neurons: against complex steps, closed forms and differences."""

import numpy as np
import pytest
from brian2 import Quantity, cm, mS, ms, mV, nS, pA, pF
from complex_points import start_complex
from complex_run import H, run_complex

from neurosim import (
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
