"""The charge that a current carries, as a loss: its value, its gradient, and what is refused."""

import numpy as np
import pytest
from brian2 import Quantity, cm, mS, ms, mV, nA, nS, pA, pF, um
from complex_run import H, rest_complex, run_complex

from neurosim import LIF, Constant, HodgkinHuxley, Neuron, differentiate, from_brian2, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.engine.adjoint.execute import values_with_count
from neurosim.engine.adjoint.step_derivative import COUNTED
from neurosim.engine.cable.compose import compose_cable
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.gradients.cell_steps import resting_states, steps_of
from neurosim.gradients.charge import Charge, count_in_cell
from neurosim.gradients.places import find_places, resolve
from neurosim.morphology import PerBranch, at, ball_and_stick
from neurosim.run.argument_checks import RunSettings
from neurosim.run.neuron_run import prepare, with_stimulus
from neurosim.synapses import AMPA, Events

SHAPE = ball_and_stick(20 * um, 300 * um, 2 * um)
SQUID = Neuron(SHAPE, PerBranch(3), celsius=6.3, rest=-65 * mV)
SQUID = SQUID.paint([HHSodium(), HHPotassium(), Leak(g=0.3 * mS / cm**2, E=-54.387 * mV)])
SQUID = SQUID.place(AMPA(g=5 * nS), at("dendrite", 0.3), [Events.at([2] * ms)], label="syn")
SITE = {"syn.current": at("dendrite", 0.3), "leak.current": at("dendrite", 0.9)}
GIVEN = {"stimulus": Constant(0 * nA), "batch": {"current": [0.2, 0.5] * nA}}
WRT = ["hh_sodium.g", "leak.g", "leak.E", "everywhere.C_m", "syn.g", "current"]


def charge(current, **window):
    return Charge(current=current, site=SITE.get(current, at("soma")), **window)


@pytest.mark.parametrize("current", ["hh_sodium.current", "syn.current", "stimulus.current"])
def test_it_is_the_sum_of_what_simulate_traces(current):
    loss = charge(current, start=3 * ms, stop=7 * ms)
    found = differentiate(SQUID, 8 * ms, loss, ["leak.g"], **GIVEN)
    cell = with_stimulus(SQUID, GIVEN["stimulus"], ()).probe(current, loss.site, label="here")
    run = simulate(cell, 8 * ms, batch=GIVEN["batch"])
    trace = run.trace("here")
    if "hh_sodium" in current:
        trace = trace * cell.compartments.area_m2[loss.site.compartments(cell.compartments)[0]]
    total = np.asarray(trace)[:, 120:280].sum(axis=1) * 0.025e-3
    np.testing.assert_allclose(np.asarray(found.value), total, rtol=1e-9)


@pytest.mark.parametrize("scheme", ["crank-nicolson", "backward-euler"])
@pytest.mark.parametrize("current", ["hh_sodium.current", "leak.current", "syn.current"])
def test_its_gradient_is_that_of_a_complex_step(current, scheme):
    loss = charge(current, start=1 * ms, stop=6 * ms)
    more = {"settle": 1 * ms, "scheme": scheme}
    found = differentiate(SQUID, 8 * ms, loss, WRT, **GIVEN, **more)
    assert np.all((found.growth > 0) & (found.growth < 1e4))
    rng = np.random.default_rng(3)
    directions = {
        name: float(np.abs(found.parameters[name]).max()) * rng.standard_normal()
        for name in found.derivatives
    }
    settings = RunSettings.checked(
        0.025 * ms, 8 * ms, seed=0, dt=None, record=(), record_dt=None, engine="auto", jobs=1,
        progress=None, **more,
    ).in_whole_steps()  # fmt: skip
    cell = with_stimulus(SQUID, GIVEN["stimulus"], ()).probe("v", loss.site, label="loss")
    cell = cell.probe(current, loss.site, label="charge")
    run, _ = prepare(cell, GIVEN["batch"], settings.seed, settings, "")
    composed = compose_cable(cell, run)
    inputs, places = composed.inputs, find_places(cell, run, resolve(cell, list(directions)))
    count = count_in_cell(loss, composed)
    steps = steps_of(composed, places, count)
    moved = {}
    for name, direction in directions.items():
        for kernel, array, share in places[name].arrays:
            given = moved.get((kernel, array), 0.0)
            moved[kernel, array] = given + share[:, np.newaxis] * direction
    given = inputs.kernels[count.kernel]
    given.values.update(values_with_count(given, run.cells, count))
    resting = [resting_states(cell, step.kernel) for step in steps]
    moved = rest_complex(steps, inputs, moved, resting, float(cell.rest))
    ends = []
    run_complex(steps, inputs, moved, ends=ends)
    end = ends[count.kernel][COUNTED][count.site]
    np.testing.assert_allclose(end.real, np.asarray(found.value), rtol=1e-9)
    ours = sum(np.asarray(found[name]) * by for name, by in directions.items())
    np.testing.assert_allclose(ours, end.imag / H, rtol=1e-9)


OWN = """
dv/dt = (I_leak + I_gate + I_stim)/C : volt
I_leak = g_L*(E_L - v) : amp
I_gate = g*x*(E - v) : amp
dx/dt = (1/(1 + exp((V_h - v)/k)) - x)/tau_x : 1
"""
VALUES = {
    "g_L": 10 * nS, "E_L": -70 * mV, "g": 30 * nS, "E": 30 * mV, "C": 200 * pF, "V_h": -55 * mV,
    "k": 4 * mV, "tau_x": 2 * ms,
}  # fmt: skip
POINT = from_brian2(OWN, threshold="v > 0*mV", parameters=VALUES, start=-68 * mV, method="rk4")


@pytest.mark.parametrize("current", ["I_gate", "I_stim"])
def test_of_a_point_neuron_it_follows_differences_of_runs(current):
    loss = Charge(current=current, start=2 * ms, stop=15 * ms)
    for name in ("g", "V_h", "E_L", "current"):
        centre = VALUES.get(name, 150 * pA)
        h = 1e-3
        shares = np.array([1 - 2 * h, 1 - h, 1, 1 + h, 1 + 2 * h])
        found = differentiate(
            POINT, 20 * ms, loss, [name], stimulus=Constant(150 * pA),
            batch={name: shares * centre},
        )  # fmt: skip
        v = np.asarray(found.value)
        richardson = (8 * (v[3] - v[1]) - (v[4] - v[0])) / (12 * h)
        ours = float(found.relative(name)[2])
        np.testing.assert_allclose(ours, richardson, rtol=1e-7, atol=1e-9 * abs(v[2]))
    run = simulate(POINT, 20 * ms, stimulus=Constant(150 * pA), record=[current])
    dt = float(run.dt) if hasattr(run, "dt") else POINT.default_dt_ms * 1e-3
    first, stop = round(2e-3 / dt), round(15e-3 / dt)
    total = np.asarray(run.trace(current))[0, first:stop].sum() * dt
    np.testing.assert_allclose(v[2], total, rtol=2e-3)


@pytest.mark.parametrize(
    ("cell", "loss", "said"),
    [
        (SQUID, Charge(current="hh_sodium.m"), "no current"),
        (SQUID, Charge(current="hh_sodum.current"), "hh_sodium.current"),
        (POINT, Charge(current="E_L"), "no current"),
        (POINT, Charge(current="I_gat"), "I_gate"),
        (HodgkinHuxley(), Charge(current="I_Na"), "no 'I_Na'"),
        (LIF(), Charge(current="I_stim"), "spikes reset"),
        (SQUID, Charge(current="leak.current", start=9 * ms), "no step of the run"),
    ],
)
def test_what_is_no_current_is_refused_by_name(cell, loss, said):
    wrt = {SQUID: "leak.g", POINT: "g_L"}.get(cell, "tau_m" if isinstance(cell, LIF) else "g_L")
    with pytest.raises((ParameterError, UnknownNameError), match=said):
        differentiate(cell, 5 * ms, loss, [wrt])


@pytest.mark.parametrize("name", ["i_membrane", ""])
def test_a_charge_says_of_which_current(name):
    with pytest.raises(ParameterError, match="current"):
        Charge(current=name)


def test_a_charge_that_nothing_moves_has_no_gradient():
    """What a constant current injects follows that current and nothing else."""
    loss = charge("stimulus.current")
    found = differentiate(SQUID, 4 * ms, loss, ["leak.g", "current"], **GIVEN)
    assert np.all(np.asarray(found["leak.g"]) == 0)
    np.testing.assert_allclose(np.asarray(found["current"]), 4e-3, rtol=1e-12)
    assert found.value.dim == Quantity(1e-9 * 1e-3 * 1, dim=(nA * ms).dim).dim
