"""Derivatives of traces and spike times along directions: forward mode."""

import numpy as np
import pytest
from brian2 import cm, mS, ms, mV, nA, nS, ohm, pA, uF, um
from complex_points import start_complex
from complex_run import H, rest_complex, run_complex

from neurosim import LIF, Constant, HodgkinHuxley, Neuron, differentiate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.engine.adjoint.point_step import as_compartment, point_step
from neurosim.engine.cable.compose import compose_cable
from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.gradients.cell_steps import node_numbers, resting_states, steps_of
from neurosim.gradients.charge import Charge
from neurosim.gradients.directional import directional
from neurosim.gradients.losses import FiringRate, SpikeTime, TraceError
from neurosim.gradients.places import axial_share, find_places, points_of, resolve
from neurosim.morphology import PerBranch, at, ball_and_stick
from neurosim.run.argument_checks import RunSettings
from neurosim.run.batch import variable_name
from neurosim.run.neuron_run import prepare, with_stimulus
from neurosim.run.point_run import prepare_point
from neurosim.synapses import NMDA, Events

SHAPE = ball_and_stick(20 * um, 300 * um, 2 * um)
BARE = Neuron(SHAPE, PerBranch(3), celsius=6.3, rest=-65 * mV)
SQUID = BARE.paint([HHSodium(), HHPotassium(), Leak(g=0.3 * mS / cm**2, E=-54.387 * mV)])
TRAINS = [Events.at([1, 2.03] * ms), Events.at([1.51] * ms, weight=2)]
CELL = SQUID.place(NMDA(g=2 * nS), at("dendrite", 0.3) | at("dendrite", 0.4), TRAINS, label="syn")
GIVEN = {
    "stimulus": Constant(0 * nA), "batch": {"current": [0.3, 0.6] * nA}, "settle": 1 * ms,
}  # fmt: skip
ALONG = [
    {"hh_sodium.g": 30 * mS / cm**2, "leak.E": -5 * mV, "current": 0.1 * nA},
    {
        "everywhere.C_m": 0.2 * uF / cm**2,
        "syn.weight": [0.7, -0.4],
        "everywhere.R_a": 20 * ohm * cm,
    },
]


@pytest.mark.parametrize("scheme", ["crank-nicolson", "backward-euler"])
def test_a_trace_follows_a_complex_step(scheme):
    found = directional(CELL, 8 * ms, ALONG, scheme=scheme, **GIVEN)
    assert found.derivatives.shape == (2, 2, 320)
    settings = RunSettings.checked(
        0.025 * ms, 8 * ms, seed=0, dt=None, record=(), record_dt=None, engine="auto", jobs=1,
        progress=None, scheme=scheme, settle=GIVEN["settle"],
    ).in_whole_steps()  # fmt: skip
    cell = with_stimulus(CELL, GIVEN["stimulus"], ()).probe("v", at("soma"), label="loss")
    run, _ = prepare(cell, GIVEN["batch"], settings.seed, settings, "")
    composed = compose_cable(cell, run)
    asked = resolve(cell, [name for one in ALONG for name in one])
    places, points = find_places(cell, run, asked), points_of(cell, composed, run, asked)
    steps, inputs = steps_of(composed, places), composed.inputs
    for d, direction in enumerate(ALONG):
        moved, weights, up = {}, {}, None
        for name, value in direction.items():
            full, size = next(n for n in asked if n.endswith(name)), np.asarray(value)
            if full in points:
                kernel, point, _ = points[full]
                weights[kernel] = inputs.kernels[kernel].events.weight * size[point]
            elif full in places:
                for kernel, array, share in places[full].arrays:
                    more = share[:, np.newaxis] * float(size)
                    moved[kernel, array] = moved.get((kernel, array), 0.0) + more
            else:
                numbers = node_numbers(cell, composed)
                up = axial_share(cell, full, numbers, inputs.tree.up) * float(size)
        resting = [resting_states(cell, step.kernel) for step in steps]
        moved = rest_complex(steps, inputs, moved, resting, float(cell.rest))
        theirs = run_complex(steps, inputs, moved, up=up, weights=weights)[:, 0].T
        np.testing.assert_allclose(np.asarray(found.v), theirs.real, atol=1e-12)
        ours = np.asarray(found.derivatives)[d]
        size = np.abs(theirs.imag / H).max()
        assert size > 1e-3
        np.testing.assert_allclose(ours, theirs.imag / H, rtol=1e-9, atol=1e-10 * size)


def test_losses_follow_it_as_the_run_back_says():
    rng = np.random.default_rng(1)
    found = directional(CELL, 30 * ms, ALONG, **GIVEN)
    names = [name for one in ALONG for name in one]
    for loss in (TraceError(target=rng.normal(-60, 9, 1200) * mV), SpikeTime(), FiringRate()):
        back = differentiate(CELL, 30 * ms, loss, names, **GIVEN)
        along = np.asarray(found.of(loss))
        for d, direction in enumerate(ALONG):
            theirs = 0.0
            for name, value in direction.items():
                slope, size = np.asarray(back[name]), np.asarray(value)
                theirs = theirs + (slope @ size if slope.ndim == 2 else slope * size)
            np.testing.assert_allclose(along[d], np.asarray(theirs), rtol=1e-9)
    times, moved = found.spike_times()[0]
    first = np.asarray(found.of(SpikeTime()))[:, 0]
    np.testing.assert_allclose(np.asarray(moved)[:, 0], first, rtol=1e-12)
    assert len(times) >= 2


def test_a_point_neuron_follows_a_complex_step():
    neuron, stimulus = HodgkinHuxley(), Constant(0 * pA)
    batch = {"current": [100, 130] * pA}
    along = [{"g_Na": 10 * mS / cm**2, "V_init": 1 * mV}, {"E_K": 2 * mV, "current": 3 * pA}]
    found = directional(neuron, 10 * ms, along, stimulus=stimulus, batch=batch)
    settings = RunSettings.checked(
        0.01 * ms, 10 * ms, seed=0, dt=None, record=(), record_dt=None, settle=None, scheme=None,
        engine="auto", jobs=1, progress=None,
    ).in_whole_steps()  # fmt: skip
    ready = prepare_point(neuron, stimulus, settings, batch=batch)
    for d, direction in enumerate(along):
        full = {"current": "constant.current"}
        known = {variable_name(full.get(n, n)): float(value) for n, value in direction.items()}
        step = point_step(ready.model, ready.equations, "neuron", list(known))
        moved = {(0, n): np.asarray(value) for n, value in known.items()}
        moved |= {(0, n): by for n, by in start_complex(ready, neuron, known).items()}
        theirs = run_complex([step], as_compartment(ready.inputs), moved)[:, 0].T
        size = np.abs(theirs.imag / H).max()
        ours = np.asarray(found.derivatives)[d]
        np.testing.assert_allclose(ours, theirs.imag / H, rtol=1e-9, atol=1e-10 * size)


def test_threads_and_blocks_change_nothing():
    many = {"current": np.linspace(0.1, 0.4, 60) * nA}
    along = [{"leak.g": 0.1 * mS / cm**2, "R_a": 10 * ohm * cm}]
    one = directional(SQUID, 3 * ms, along, stimulus=Constant(0 * nA), batch=many)
    two = directional(SQUID, 3 * ms, along, stimulus=Constant(0 * nA), batch=many, jobs=2)
    alone = directional(SQUID, 3 * ms, along, stimulus=Constant(many["current"][57]))
    assert np.array_equal(one.derivatives, two.derivatives)
    ours, theirs = np.asarray(one.derivatives)[0, 57], np.asarray(alone.derivatives)[0, 0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-16)
    assert "60 rows" in repr(one)


@pytest.mark.parametrize(
    ("cell", "along", "said"),
    [
        (LIF(), [{"tau_m": 1 * ms}], "spikes reset"),
        (SQUID, [{"leak.E": 1 * mS}], "leak.E"),
        (SQUID, [{"leek.E": 1 * mV}], "leak.E"),
        (SQUID, [{"leak.E": [1, 2] * mV}], "one number"),
        (CELL, [{"syn.weight": [1, 2, 3]}], "3 numbers for 2 synapses"),
        (SQUID, {"leak.E": 1 * mV}, "list of directions"),
        (SQUID, [{}], "list of directions"),
        (HodgkinHuxley(), [{"E_L": [1, 2] * mV}], "one number"),
    ],
)
def test_what_is_no_direction_is_refused_by_name(cell, along, said):
    with pytest.raises((ParameterError, UnknownNameError, UnitError), match=said):
        directional(cell, 2 * ms, along)


def test_a_loss_of_another_site_is_refused():
    found = directional(SQUID, 2 * ms, [{"leak.E": 1 * mV}])
    for loss in (SpikeTime(site=at("dendrite", 0.5)), Charge(current="leak.current")):
        with pytest.raises(ParameterError, match="does not follow"):
            found.of(loss)
