"""Gradients of runs: against complex steps, in which no digit is lost, and against differences."""

import numpy as np
import pytest
from brian2 import Hz, Quantity, cm, mS, ms, mV, nA, nS, ohm, pA, uF, um
from complex_run import H, rest_complex, run_complex

import neurosim.channels
import neurosim.synapses
from neurosim import (
    Constant,
    Neuron,
    OrnsteinUhlenbeck,
    Steps,
    VoltageClamp,
    differentiate,
    simulate,
)
from neurosim.channels import HHPotassium, HHSodium, Leak, TraubMilesPotassium
from neurosim.describe.parts import Cable, Initial, Poisson
from neurosim.engine.cable.compose import compose_cable
from neurosim.errors import ParameterError
from neurosim.gradients import found_gradient
from neurosim.gradients.cell_steps import node_numbers, resting_states, steps_of
from neurosim.gradients.crossings import crossings
from neurosim.gradients.losses import (
    FiringRate,
    MeanPotential,
    SpikeTime,
    SpikeTimeError,
    TraceError,
)
from neurosim.gradients.places import axial_share, find_places, points_of, resolve
from neurosim.ions import Chloride, Potassium, Sodium
from neurosim.morphology import PerBranch, at, ball_and_stick, branch, cylinder, every
from neurosim.run.argument_checks import RunSettings
from neurosim.run.batch import batch_places
from neurosim.run.neuron_run import prepare, with_stimulus
from neurosim.synapses import AMPA, Events

SCHEMES = ("crank-nicolson", "backward-euler")
BARE = Neuron(ball_and_stick(20 * um, 300 * um, 2 * um), PerBranch(3), celsius=6.3, rest=-65 * mV)
SQUID = BARE.paint([HHSodium(), HHPotassium(), Leak(g=0.3 * mS / cm**2, E=-54.387 * mV)])


def complex_derivative(
    neuron, duration, found, loss, directions, *, scheme, stimulus, batch, settle
):
    """Return the derivative of the loss of each row along directions, by a complex step."""
    settings = RunSettings.checked(
        0.025 * ms, duration, seed=0, dt=None, record=(), record_dt=None, settle=settle,
        scheme=scheme, engine="auto", jobs=1, progress=None,
    ).in_whole_steps()  # fmt: skip
    neuron = with_stimulus(neuron, stimulus, ()).probe("v", loss.site, label="loss")
    run, _ = prepare(neuron, batch, settings.seed, settings, "")
    composed = compose_cable(neuron, run)
    asked = resolve(neuron, list(directions))
    places, points = find_places(neuron, run, asked), points_of(neuron, composed, run, asked)
    steps = steps_of(composed, places)
    moved, weights, up = {}, {}, None
    for name, direction in directions.items():
        if name in places:
            for kernel, array, share in places[name].arrays:
                given = moved.get((kernel, array), 0.0)
                moved[kernel, array] = given + share[:, np.newaxis] * direction
        elif name in points:
            kernel, point, _ = points[name]
            weights[kernel] = composed.inputs.kernels[kernel].events.weight * direction[point]
        else:
            numbers = node_numbers(neuron, composed)
            up = axial_share(neuron, name, numbers, composed.inputs.tree.up) * direction
    resting = [resting_states(neuron, step.kernel) for step in steps]
    moved = rest_complex(steps, composed.inputs, moved, resting, float(neuron.rest))
    traces = run_complex(steps, composed.inputs, moved, up=up, weights=weights)[:, 0]
    np.testing.assert_allclose(traces.real, found.v.T / Quantity(1, dim=found.v.dim), atol=1e-9)
    slopes = loss.value(traces.real, run.dt)[1]
    return np.sum(slopes * traces.imag / H, axis=0)


def check(neuron, wrt, *, duration=8 * ms, scheme=SCHEMES[0], stimulus=None, batch=None,
          settle=None, loss=None, within=1e-9):  # fmt: skip
    """Compare a random directional derivative with a complex step."""
    rng = np.random.default_rng(5)
    loss = loss or TraceError(target=rng.normal(-60, 20, round(duration / (0.025 * ms))) * mV)
    given = {"stimulus": stimulus, "batch": batch, "settle": settle, "scheme": scheme}
    found = differentiate(neuron, duration, loss, wrt, **given)
    assert np.all(found.growth < 1e4)
    directions, ours = {}, 0.0
    for name, slope in found.derivatives.items():
        at_value = float(np.abs(found.parameters[name]).max()) or 1.0
        size = np.shape(slope)[1] if np.ndim(slope) == 2 else None
        directions[name] = at_value * rng.standard_normal(size)
        more = np.asarray(slope) * directions[name]
        ours = ours + (more.sum(axis=1) if size else more)
    theirs = complex_derivative(neuron, duration, found, loss, directions, **given)
    np.testing.assert_allclose(ours, theirs, rtol=within)
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_squid_cell_with_settling_and_a_batch(scheme):
    names = [n for n in batch_places(SQUID) if "phi" not in n] + ["everywhere.R_a", "current"]
    check(
        SQUID, names, scheme=scheme, stimulus=Constant(0.3 * nA), settle=3 * ms,
        batch={"current": [0.2, 0.5] * nA, "leak.g": [0.3, 0.4] * mS / cm**2},
    )  # fmt: skip


def test_a_cell_that_starts_at_given_potentials():
    """States that are left out start where they rest at the resting potential."""
    count = len(SQUID.compartments)
    told = Initial(tuple(np.linspace(-0.07, -0.05, count)), (("hh_sodium.h", (0.4,) * count),))
    cell = SQUID.replace(initial=told).paint(TraubMilesPotassium(name="own"))
    check(cell, ["hh_sodium.g", "own.V_T", "own.g"], duration=4 * ms)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_currents_of_all_kinds(scheme):
    for stimulus, names in (
        (Steps(amplitude=[0.2, 0.3] * nA, onset=[1, 3] * ms, duration=1 * ms), ["amplitude[1]"]),
        (
            OrnsteinUhlenbeck(mean=0.2 * nA, sd=0.1 * nA, tau=2 * ms),
            ["mean", "sd", "stimulus.ornstein_uhlenbeck.tau"],
        ),
    ):  # fmt: skip
        check(SQUID, names, scheme=scheme, stimulus=stimulus, duration=5 * ms)


def _channels():
    """Return every channel of the house."""
    found = []
    for name in neurosim.channels.__all__:
        part = getattr(neurosim.channels, name)
        channel = isinstance(part, type) and issubclass(part, neurosim.channels.Channel)
        if channel and {"current", "equations"} & set(vars(part)):
            found.append(name)
    return sorted(found)


# Rows that stand for all where time is short: one of each form that an equation takes.
QUICK = {"CalciumT", "SK"}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in _channels()],
)
def test_every_channel(name, scheme):
    part = getattr(neurosim.channels, name)(name="own")
    cell = SQUID.replace(celsius=20.0).paint(part)
    if "ca_i" in part.reads:
        cell = cell.paint(neurosim.channels.CalciumL(name="source"))
        cell = cell.paint(neurosim.channels.CalciumPool(name="pool"))
        wrt = ["source.g"]
    elif part.reads:
        held = {"k_o": Potassium, "cl_i": Chloride}[part.reads[0]]
        cell, wrt = cell.paint(held(held=True)), []
    else:
        wrt = []
    wrt += [f"own.{n}" for n in part.parameters()] + ["leak.g", "hh_sodium.g"]
    offered = []
    for one in wrt:
        try:
            asked = resolve(cell, [one])
            settings = RunSettings.checked(
                0.025 * ms, 1 * ms, seed=0, dt=None, record=(), record_dt=None, settle=None,
                scheme=None, engine="auto", jobs=1, progress=None,
            )  # fmt: skip
            find_places(cell, prepare(cell, None, settings.seed, settings, "")[0], asked)
        except ParameterError:
            continue
        offered.append(one)
    assert {"leak.g", f"own.{part.strength}"} <= set(offered)
    check(cell, offered, scheme=scheme, stimulus=Constant(0.4 * nA), duration=6 * ms)


RECEPTORS = ("AMPA", "Exponential", "GABAB", "KineticAMPA", "KineticGABAB", "KineticNMDA", "NMDA")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "name", [n if n == "NMDA" else pytest.param(n, marks=pytest.mark.slow) for n in RECEPTORS]
)
def test_every_kind_of_receptor_and_its_weights(name, scheme):
    part = getattr(neurosim.synapses, name)(g=2 * nS)
    trains = [Events.at([1, 2.03] * ms), Events.at([1.51] * ms, weight=2)]
    cell = SQUID.place(part, at("dendrite", 0.3) | at("dendrite", 0.4), trains, label="syn")
    wrt = ["syn.weight", "syn.g", "syn.E", "hh_sodium.g"]
    wrt += [f"syn.{n}" for n in ("alpha", "beta", "K_d", "Mg") if n in part.parameters()]
    check(cell, wrt, scheme=scheme, stimulus=Constant(0.1 * nA), duration=6 * ms, settle=1 * ms)


def test_more_of_every_synapse_is_more_of_their_conductance():
    """Poisson trains on points that share compartments; each row draws trains of its own."""
    points = every(branch("dendrite"))
    cell = SQUID.place(AMPA(g=0.1 * nS), points, Poisson(300 * Hz), label="syn")
    found = differentiate(cell, 8 * ms, MeanPotential(), ["syn.weight", "syn.g"], seed=[1, 2])
    assert found["syn.weight"].shape == (2, 3)
    together = np.asarray(found["syn.weight"]).sum(axis=1)
    np.testing.assert_allclose(together, np.asarray(found.relative("syn.g")), rtol=1e-10)
    assert together[0] != together[1]


def test_synapses_on_one_compartment_have_each_their_own_derivative():
    trains = [Events.at([1] * ms), Events.at([3] * ms)]
    sites = at("dendrite", 0.3) | at("dendrite", 0.31)
    cell = SQUID.place(
        AMPA(g=1 * nS), at("dendrite", 0.3) | at("dendrite", 0.31), trains, label="syn"
    )
    found = differentiate(cell, 6 * ms, MeanPotential(), ["syn.weight"])["syn.weight"]
    alone = []
    for which in (0, 1):
        less = [Events.at([t] * ms, weight=w) for t, w in ((1, 1), (3, 1))]
        moved = list(less)
        moved[which] = Events.at([(1, 3)[which]] * ms, weight=1 + 1e-4)
        values = [
            differentiate(
                SQUID.place(AMPA(g=1 * nS), sites, one, label="syn"),
                6 * ms, MeanPotential(), ["syn.weight"],
            ).value[0]
            for one in (less, moved)
        ]  # fmt: skip
        alone.append(float(values[1] - values[0]) / 1e-4)
    np.testing.assert_allclose(np.asarray(found)[0], alone, rtol=1e-4)


@pytest.mark.parametrize(
    "loss",
    [
        SpikeTime(),
        SpikeTimeError(target=[2, 9] * ms),
        FiringRate(),
        MeanPotential(start=2 * ms, stop=9 * ms),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_losses_follow_a_parameter_as_differences_of_whole_runs_say(loss):
    def at_current(pA):
        return differentiate(
            SQUID, 30 * ms, loss, ["current"], stimulus=Constant(0.5 * nA),
            batch={"current": np.asarray(pA) * 1e-3 * nA},
        )  # fmt: skip

    h = 0.05
    values = at_current([500 - 2 * h, 500 - h, 500 + h, 500 + 2 * h]).value
    v = np.asarray(values)
    richardson = (8 * (v[2] - v[1]) - (v[3] - v[0])) / (12 * h * 1e-12)
    ours = float(np.asarray(at_current([500])["current"])[0])
    # The cubic through four samples ripples as a crossing moves between them.
    assert abs(ours / richardson - 1) < 1e-6


def test_the_first_run_is_that_of_simulate():
    loss = TraceError(target=np.full(400, -65) * mV)
    found = differentiate(SQUID, 10 * ms, loss, ["leak.g"], stimulus=Constant(0.3 * nA))
    run = simulate(SQUID, 10 * ms, stimulus=Constant(0.3 * nA), record=["v"])
    np.testing.assert_allclose(found.v / mV, run.trace("v") / mV, atol=1e-9)
    error = np.mean((np.asarray(run.trace("v")[0] / mV) + 65) ** 2)
    np.testing.assert_allclose(np.asarray(found.value), error * 1e-6, rtol=1e-9)


def test_threads_and_blocks_change_nothing():
    many = {"current": np.linspace(0.1, 0.4, 60) * nA}
    loss = MeanPotential()
    given = {"stimulus": Constant(0 * nA), "batch": many}
    one = differentiate(SQUID, 3 * ms, loss, ["leak.g", "R_a"], **given)
    two = differentiate(SQUID, 3 * ms, loss, ["leak.g", "R_a"], jobs=2, **given)
    alone = differentiate(
        SQUID, 3 * ms, loss, ["leak.g", "R_a"], stimulus=Constant(many["current"][41])
    )
    for name in ("leak.g", "R_a"):
        assert np.array_equal(one[name], two[name])
        np.testing.assert_allclose(
            np.asarray(one[name])[41], np.asarray(alone[name])[0], rtol=1e-11
        )


def test_a_crossing_by_a_cubic_is_exact_for_a_cubic():
    t = (np.arange(12) + 1) * 0.1

    def curve(t, a=1.0):
        return a * t**3 - t + 0.3

    found = crossings(curve(t), 0.1, 0.05)
    assert abs(curve(found.time[0]) - 0.05) < 1e-14
    # By the implicit-function theorem, dt/da = -t**3/(3 a t**2 - 1).
    first, when = found.first[0], found.time[0]
    slope = found.slopes[0] @ t[first : first + 4] ** 3
    assert abs(slope + when**3 / (3 * when**2 - 1)) < 1e-12


@pytest.mark.parametrize(
    ("duration", "loss", "wrt", "more", "said"),
    [
        (5 * ms, "count", ["leak.g"], {}, "its derivative is 0"),
        (5 * ms, SpikeTime(), ["leak.g"], {}, "fires 0 spikes"),
        (5 * ms, MeanPotential(), ["steps.onset"], {"stimulus": Steps(1 * nA, 1 * ms, 2 * ms)},
         "no straight line|something jumps"),
        (5 * ms, MeanPotential(), "leak.g", {}, "must be a list"),
        (5 * ms, MeanPotential(), ["leak.g", "leak.g"], {}, "twice"),
        (5 * ms, TraceError(target=[1, 2] * mV), ["leak.g"], {}, "has the shape"),
    ],
)  # fmt: skip
def test_what_has_no_derivative_is_refused_by_name(duration, loss, wrt, more, said):
    with pytest.raises(ParameterError, match=said):
        differentiate(SQUID, duration, loss, wrt, **more)


def test_parts_that_are_not_taken_back_are_refused_by_name():
    for cell, said in (
        (SQUID.paint(Sodium()), "ions whose concentrations"),
        (SQUID.place(VoltageClamp(holding=-65 * mV), at("soma")), "clamp"),
    ):
        with pytest.raises(ParameterError, match=said):
            differentiate(cell, 4 * ms, MeanPotential(), ["leak.g"])


def test_growth_is_told_and_warned_of(monkeypatch):
    """Backwards along a passive membrane a displacement only fades; along a spike it grows."""
    passive = Neuron(cylinder(20 * um, 20 * um), PerBranch(1)).paint(Leak())
    last = MeanPotential(start=3.975 * ms)
    assert differentiate(passive, 4 * ms, last, ["leak.g"]).growth[0] == pytest.approx(1)
    monkeypatch.setattr(found_gradient, "MOST_GROWTH", 2.0)
    with pytest.warns(found_gradient.GrowthWarning, match="amplifies a displacement"):
        found = differentiate(
            SQUID, 4 * ms, SpikeTime(), ["leak.g"], stimulus=Constant(0.3 * nA), settle=2 * ms
        )  # fmt: skip
    assert found.growth[0] > 2


def test_the_result_prints_names_units_and_shares():
    found = differentiate(SQUID, 4 * ms, MeanPotential(), ["leak.g", "leak.E"])
    text = repr(found)
    assert "leak.E" in text
    assert "for 1 % more" in text
    assert "growth backwards" in text
    share = found.relative("leak.E")[0] / (found["leak.E"][0] * found.parameters["leak.E"][0])
    assert float(share) == pytest.approx(1)
    with pytest.raises(KeyError, match="leak"):
        found["leek.g"]


def test_a_spike_at_either_end_of_the_run_has_its_time():
    """A second spike within a step of the end was refused, though the loss was on the first."""

    def curve(t):
        return np.sin(2 * np.pi * t) - 0.05

    t = np.arange(1, 104) * 0.01  # crosses upwards near 0.008 s (before), and near 1.008 s
    whole = crossings(curve(np.arange(1, 130) * 0.01), 0.01, 0.0)
    for length in (101, 102, 103):
        found = crossings(curve(t[:length]), 0.01, 0.0)
        assert found.time == pytest.approx(whole.time, abs=1e-6)
    early = curve(np.arange(1, 60) * 0.01 - 0.005)
    (time,) = crossings(early, 0.01, 0.0).time
    assert time == pytest.approx(np.arcsin(0.05) / (2 * np.pi) + 0.005, abs=1e-6)
    # Slopes by differences, with the stencil shifted to either end.
    for v in (curve(t[:101]), early):
        one = crossings(v, 0.01, 0.0)
        for k in range(4):
            moved = v.copy()
            moved[one.first[-1] + k] += 1e-6
            change = (crossings(moved, 0.01, 0.0).time[-1] - one.time[-1]) / 1e-6
            assert change == pytest.approx(one.slopes[-1, k], rel=1e-4, abs=1e-8)


def test_samples_that_do_not_count_may_be_unknown():
    mask = np.array([True, True, False, False])
    target = np.array([-70, -69, np.nan, np.nan]) * mV
    value, slopes = TraceError(target=target, mask=mask).value(np.full((4, 1), -0.07), 1e-4)
    assert value == pytest.approx(0.5e-6)
    assert slopes[:, 0] == pytest.approx([0, -1e-3, 0, 0])
    with pytest.raises(ParameterError, match="must be finite"):
        TraceError(target=target, mask=~mask)


def test_a_capacitance_that_covers_nothing_has_the_derivative_nought():
    cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), rest=-65 * mV).paint(Leak())
    cell = cell.paint(Cable(C_m=2 * uF / cm**2, R_a=100 * ohm * cm), label="all")
    found = differentiate(
        cell, 5 * ms, MeanPotential(), ["everywhere.C_m", "all.C_m"], stimulus=Constant(10 * pA)
    )
    assert float(found["everywhere.C_m"][0]) == 0
    assert float(found["all.C_m"][0]) != 0


@pytest.mark.parametrize("wrt", [None, [], "leak.g", 3])
def test_parameters_are_given_as_names(wrt):
    cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), rest=-65 * mV).paint(Leak())
    with pytest.raises(ParameterError, match="must be a list of names"):
        differentiate(cell, 1 * ms, MeanPotential(), wrt)
