"""Parameters that change during a run, against closed forms and integrals."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from brian2 import Quantity, cm, mS, ms, mV, nA, nS, pA, siemens, um, volt
from scipy.integrate import solve_ivp

from neurosim import (
    LIF,
    Circuit,
    Constant,
    Course,
    Neuron,
    OrnsteinUhlenbeck,
    Steps,
    simulate,
)
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.describe.point_neuron import PointNeuron
from neurosim.engine.programs.course_tables import CourseTable, derived
from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.morphology import PerBranch, at, ball_and_stick, cylinder, every, tagged
from neurosim.quantities import quantity
from neurosim.synapses import AMPA, Events

ENGINES = [pytest.param("cpp", marks=pytest.mark.slow), pytest.param("numpy")]


def ball(celsius=6.3):
    bare = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=celsius, rest=-65 * mV)
    return bare.paint([HHSodium(), HHPotassium(), Leak()])


@pytest.mark.parametrize("engine", ENGINES)
def test_leak_that_grows_follows_its_differential_equation(engine):
    g = Course([2, 12, 12, 15] * ms, np.array([0.1, 1, 0.3, 0.3]) * mS / cm**2)
    cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), rest=-50 * mV).paint(Leak())
    run = simulate(
        cell, 20 * ms, courses={"g": g}, dt=0.01 * ms, record=["v"], record_dt=1 * ms,
        engine=engine,
    )  # fmt: skip
    capacitance, E = 0.01, float(Leak().E)

    def slope(t, v):
        return float(g.at(t * 1e3 * ms)) * (E - v) / capacitance

    # In pieces, since the course has a jump.
    edges, v, found = np.arange(21) * 1e-3, -0.05, []
    for start, stop in pairwise(edges):
        solved = solve_ivp(slope, (start, stop - 1e-15), [v], rtol=1e-11, atol=1e-13)
        v = solved.y[0, -1]
        found.append(v)
    np.testing.assert_allclose(run.traces_si["v"][0], found, rtol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_course_that_stands_still_changes_no_bit(engine):
    drive = {"stimulus": Constant(0.2 * nA), "record": ["v"], "engine": engine}
    still = Course([0, 5] * ms, np.ones(2) * 120 * mS / cm**2)
    told = simulate(ball(), 10 * ms, courses={"hh_sodium.g": still}, **drive)
    fixed = simulate(ball(), 10 * ms, **drive)
    np.testing.assert_array_equal(told.traces_si["v"], fixed.traces_si["v"])


@pytest.mark.slow
def test_temperature_moves_what_has_a_q10():
    # A conductance of one exponential decay, faster from 10 °C to 40 °C.
    synapse = AMPA(g=1 * nS)
    cell = (
        Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=10)
        .paint(Leak())
        .place(synapse, at("dendrite"), Events.at([1, 4] * ms), label="ampa")
        .probe("ampa.B", at("dendrite"))
    )
    warm = Course([2, 6] * ms, [10, 40])
    found = {}
    for engine in ("cpp", "numpy"):
        run = simulate(cell, 8 * ms, courses={"celsius": warm}, dt=0.0125 * ms, engine=engine)
        found[engine] = run.traces_si["ampa.B"][0]
    np.testing.assert_allclose(found["cpp"], found["numpy"], rtol=1e-9)
    constants = [synapse.constants(float(T))["phi"] for T in np.linspace(10, 40, 4001)]
    decay = float(synapse.tau_decay)
    # From the event at 4 ms on: half a step behind where the step is of second order.
    times = np.linspace(2e-3, 6e-3, 4001)
    index = [round(t / 0.0125e-3) - 1 for t in (4.5e-3, 5.5e-3)]
    here = (times >= 4.5e-3 - 0.00625e-3) & (times <= 5.5e-3 - 0.00625e-3)
    faded = np.exp(-np.trapezoid(np.array(constants)[here], times[here]) / decay)
    ratio = found["cpp"][index[1]] / found["cpp"][index[0]]
    assert ratio == pytest.approx(faded, rel=2e-3)


@pytest.mark.slow
def test_a_temperature_that_stands_still_is_that_temperature():
    drive = {"stimulus": Constant(0.3 * nA), "record": ["v"]}
    cold = simulate(ball(12.0), 10 * ms, **drive)
    told = simulate(ball(6.3), 10 * ms, courses={"celsius": Course([0] * ms, [12])}, **drive)
    np.testing.assert_array_equal(cold.traces_si["v"], told.traces_si["v"])


@pytest.mark.slow
def test_rows_of_a_batch_have_courses_of_their_own():
    drive = {"stimulus": Constant(0.3 * nA), "record": ["v"]}
    full, none = 120 * mS / cm**2, 0 * mS / cm**2
    wash = [Course([late, late + 5] * ms, Quantity([full, none])) for late in (3, 8, 13)]
    batch = simulate(ball(), 30 * ms, courses={"hh_sodium.g": wash}, **drive)
    counts = batch.counts().tolist()
    assert counts[0] < counts[2]
    assert not np.any(batch.spike_time_s > 0.025)
    alone = simulate(ball(), 30 * ms, courses={"hh_sodium.g": wash[1]}, **drive)
    np.testing.assert_allclose(alone.traces_si["v"][0], batch.traces_si["v"][1], rtol=1e-9)


@pytest.mark.slow
def test_scales_and_regions_hold_while_a_course_runs():
    shape = ball_and_stick(20 * um, 300 * um, 2 * um)
    cell = (
        Neuron(shape, PerBranch(5), rest=-65 * mV)
        .paint(Leak(g=0.1 * mS / cm**2), tagged("soma"), label="there")
        .paint(Leak(g=0.1 * mS / cm**2), tagged("dendrite"), label="far", scale=lambda x: 1 + x)
        .probe("leak.current", every(), label="i")
        .probe("v", every())
    )
    twice = Course([0, 4] * ms, np.array([0.1, 0.2]) * mS / cm**2)
    for engine in ("cpp", "numpy"):
        run = simulate(cell, 6 * ms, courses={"far.g": twice}, engine=engine)
        current, v = run.matrix("i"), run.matrix("v")
        g = np.asarray(current.values)[0, -1] / (float(Leak().E) - np.asarray(v.values)[0, -2])
        expected = np.where(
            current.compartments < 5, 1.0, 2 * (1 + np.asarray(current.distance) * 1e6)
        )
        np.testing.assert_allclose(g, expected, rtol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_point_neuron_follows_its_course(engine):
    rest = Course([5, 25] * ms, [-70, -60] * mV)
    rows = [rest, Course([0] * ms, [-65] * mV)]
    run = simulate(LIF(), 30 * ms, courses={"E_L": rows}, record=["v"], engine=engine)
    tau, slope = 20.0, 10 / 20
    t = np.asarray(run.trace_time / ms)
    late = np.clip(t - 5, 0, 20)
    ramp = -70 + slope * (late - tau * (1 - np.exp(-late / tau)))
    inside = t <= 25
    # The course is that of the middle of each step; what is left is of second order.
    np.testing.assert_allclose(run.traces_si["v"][0][inside] * 1e3, ramp[inside], atol=1e-5)
    np.testing.assert_allclose(run.traces_si["v"][1], -0.065, rtol=1e-12)


@pytest.mark.slow
def test_a_current_as_a_course_and_a_run_in_pieces():
    ramp = Course([0, 20] * ms, [0, 0.6] * nA)
    arguments = {
        "stimulus": Constant(0 * nA) + OrnsteinUhlenbeck(sd=0.02 * nA),
        "courses": {"current": ramp, "celsius": Course([5, 15] * ms, [6, 12])},
        "record": ["v"],
    }
    whole = simulate(ball(), 20 * ms, seed=3, **arguments)
    first = simulate(ball(), 7.3 * ms, seed=3, **arguments)
    second = simulate(ball(), 12.7 * ms, initial=first.state, **arguments)
    together = [first.traces_si["v"], second.traces_si["v"]]
    np.testing.assert_array_equal(np.concatenate(together, axis=1), whole.traces_si["v"])
    assert len(whole.spike_time_s) > 0
    assert whole.to_dict()["courses"]["celsius"][0]["times_s"] == [0.005, 0.015]


@pytest.mark.slow
def test_point_runs_in_pieces_with_courses():
    arguments = {
        "stimulus": Constant(180 * pA) + OrnsteinUhlenbeck(),
        "courses": {"tau_m": Course([5, 60] * ms, [10, 30] * ms)},
        "record": ["v"],
    }
    whole = simulate(LIF(), 80 * ms, seed=3, **arguments)
    first = simulate(LIF(), 33.3 * ms, seed=3, **arguments)
    second = simulate(LIF(), 46.7 * ms, initial=first.state, **arguments)
    together = [first.traces_si["v"], second.traces_si["v"]]
    np.testing.assert_array_equal(np.concatenate(together, axis=1), whole.traces_si["v"])


def test_courses_of_populations():
    silent = Course([0] * ms, [0] * mS / cm**2)
    circuit = (
        Circuit()
        .add("a", ball(), 2, stimulus=Constant(0.5 * nA), courses={"hh_sodium.g": silent})
        .add("b", ball(), 1, stimulus=Constant(0.5 * nA))
    )
    run = simulate(circuit, 20 * ms, engine="numpy")
    assert run["a"].counts().tolist() == [0, 0]
    assert run["b"].counts()[0] > 0


@pytest.mark.parametrize(
    ("courses", "error", "said"),
    [
        ({"g": Course([0] * ms, [1] * mV)}, UnknownNameError, "could be any"),
        ({"leak.g": Course([0] * ms, [1] * mV)}, UnitError, "leak.g"),
        ({"leak.g": Course([0] * ms, [-1] * mS / cm**2)}, ParameterError, "at least"),
        ({"leak.x": Course([0] * ms, [1] * mV)}, UnknownNameError, "leak.E"),
        ({"leak.g": 3}, ParameterError, "must be a Course"),
        ({"C_m": Course([0] * ms, [1] * siemens)}, ParameterError, "capacitance"),
        ({"celsius": Course([0] * ms, [100])}, ParameterError, "-10 to 60"),
        ({"celsius": Course([0] * ms, [10] * mV)}, ParameterError, "plain numbers"),
        (3, ParameterError, "by name"),
    ],
)
def test_courses_that_mean_nothing_are_refused(courses, error, said):
    with pytest.raises(error, match=said):
        simulate(ball(), 1 * ms, courses=courses, engine="numpy")


def test_what_is_no_course():
    with pytest.raises(ParameterError, match="as many values"):
        Course([0, 1] * ms, [1] * mV)
    with pytest.raises(ParameterError, match="ascend"):
        Course([1, 0] * ms, [1, 2] * mV)
    with pytest.raises(UnitError, match="unit"):
        Course([0, 1], [1, 2] * mV)
    with pytest.raises(ParameterError, match="finite"):
        Course([0, 1] * ms, [1, np.inf] * mV)
    batch = {"leak.g": [0.3] * mS / cm**2}
    with pytest.raises(ParameterError, match="given already by the batch"):
        simulate(ball(), 1 * ms, batch=batch, courses={"leak.g": Course([0] * ms, batch["leak.g"])})
    jump = Course([0, 1, 1, 2] * ms, [0, 1, 5, 5] * volt)
    assert np.asarray(jump.at([0.5, 1, 1.5] * ms)).tolist() == [0.5, 5, 5]


@pytest.mark.slow
def test_a_receptor_that_slows_keeps_its_peak():
    # The conductance of one quantum peaks at g whatever its time constants are.
    slow = AMPA(tau_decay=8 * ms)
    cell = (
        Neuron(cylinder(20 * um, 20 * um), PerBranch(1))
        .paint(Leak())
        .place(AMPA(), at("dendrite"), Events.at([20] * ms), label="ampa")
    )
    fixed = cell.replace(placed=()).place(slow, at("dendrite"), Events.at([20] * ms), label="ampa")
    course = Course([5, 10] * ms, Quantity([AMPA().tau_decay, slow.tau_decay]))
    drive = {"record": ["v"], "dt": 0.025 * ms, "engine": "numpy"}
    told = simulate(cell, 30 * ms, courses={"ampa.tau_decay": course}, **drive)
    wanted = simulate(fixed, 30 * ms, **drive)
    np.testing.assert_allclose(told.final_v_si, wanted.final_v_si, rtol=1e-7)
    # A batch too: before, its increments were those of the default.
    batch = simulate(cell, 30 * ms, batch={"ampa.tau_decay": [8, 8] * ms}, **drive)
    np.testing.assert_allclose(batch.final_v_si[:, 0], wanted.final_v_si[:, 0], rtol=1e-9)


@pytest.mark.slow
def test_conductances_with_a_q10_follow_the_temperature():
    leaky = Leak(g=0.2 * mS / cm**2, q10_g=2.0)
    synapse = AMPA(g=2 * nS, q10_g=1.5)

    def warm(celsius):
        bare = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=celsius, rest=-60 * mV)
        placed = bare.paint(leaky).place(synapse, at("dendrite"), Events.at([1] * ms), label="a")
        return placed.probe("a.current", at("dendrite"))

    drive = {"record": ["v"], "engine": "numpy"}
    told = simulate(warm(20), 5 * ms, courses={"celsius": Course([0] * ms, [33])}, **drive)
    fixed = simulate(warm(33), 5 * ms, **drive)
    for name in ("v", "a.current"):
        np.testing.assert_allclose(told.traces_si[name], fixed.traces_si[name], rtol=1e-9)
    # A batch of conductances, and courses of both.
    g = np.array([0.1, 0.3]) * mS / cm**2
    told = simulate(warm(20), 5 * ms, batch={"leak.g": g},
                    courses={"celsius": Course([0] * ms, [33])}, **drive)  # fmt: skip
    fixed = simulate(warm(33), 5 * ms, batch={"leak.g": g}, **drive)
    np.testing.assert_allclose(told.traces_si["v"], fixed.traces_si["v"], rtol=1e-9)
    both = {"celsius": Course([0, 2] * ms, [20, 33]), "leak.g": Course([0, 2] * ms, g)}
    told = simulate(warm(20), 30 * ms, courses=both, **drive)
    fixed = simulate(warm(33).replace(), 30 * ms, batch={"leak.g": g[1:]}, **drive)
    np.testing.assert_allclose(told.final_v_si, fixed.final_v_si, rtol=1e-4)


def test_values_by_compartment_cannot_follow_one_course():
    shape = ball_and_stick(20 * um, 300 * um, 2 * um)
    cell = Neuron(shape, PerBranch(5)).paint(
        Leak(), values={"g": np.linspace(0.1, 0.2, 10) * mS / cm**2}
    )
    with pytest.raises(ParameterError, match="value of its own in each compartment"):
        simulate(cell, 1 * ms, courses={"g": Course([0] * ms, [0.1] * mS / cm**2)}, engine="numpy")
    many = Steps(np.ones(9) * pA, onset=np.arange(9) * ms, duration=np.ones(9) * ms / 2)
    course = {"amplitude[0]": Course([0] * ms, [1] * pA)}
    with pytest.raises(ParameterError, match="cannot follow a course"):
        simulate(LIF(), 1 * ms, stimulus=many, courses=course, engine="numpy")


def test_a_course_may_begin_with_a_jump():
    table = CourseTable(np.array([0.03, 0.03]), np.array([6.3, 16.3]))
    phi = derived(lambda now: 3.0 ** ((now["T"] - 6.3) / 10), {"T": table})
    assert [round(phi.at(t), 9) for t in (0.0, 0.029, 0.03, 1.0)] == [1, 1, 3, 3]
    halves = derived(
        lambda now: now["a"] + now["b"] ** 2,
        {
            "a": CourseTable(np.array([1.0, 1.0, 2.0]), np.array([0.0, 5.0, 5.0])),
            "b": CourseTable(np.array([1.5]), np.array([2.0])),
        },
    )
    assert [halves.at(t) for t in (0.5, 1.0, 3.0)] == [4, 9, 9]


def test_a_population_has_as_many_courses_as_cells():
    course = Course([0, 10] * ms, [120, 0] * mS / cm**2)
    with pytest.raises(ParameterError, match="must map names"):
        Circuit().add("a", ball(), courses=[course])
    circuit = Circuit().add("a", ball(), 2, courses={"hh_sodium.g": [course] * 3})
    with pytest.raises(ParameterError, match="has 3 courses for 2 cells"):
        simulate(circuit, 1 * ms, engine="numpy")


@dataclass(frozen=True, eq=False, repr=False)
class Cooled(PointNeuron):
    """A membrane whose conductance follows the temperature with a q10 of 3."""

    E_L: Quantity = quantity(-70 * mV, "reversal potential")
    V_init: Quantity = quantity(-50 * mV, "potential at the start")
    celsius: Quantity = quantity(Quantity(6.3), "temperature, in °C")

    equations = "dv/dt = 3**((celsius - 6.3)/10)*(E_L - v)/(20*ms) : volt"
    threshold = "v > 0*mV"
    start = "V_init"


@pytest.mark.slow
def test_a_point_neuron_with_a_temperature_follows_its_course():
    courses = [Course([0, 10, 30] * ms, [6.3, 6.3, end]) for end in (6.3, 26.3, 0)]
    run = simulate(
        Cooled(), 40 * ms, courses={"celsius": courses}, record=["v"], dt=0.05 * ms, engine="numpy"
    )
    t = run.trace_time_s * 1e3
    for row, end in enumerate((6.3, 26.3, 0)):
        fine = np.linspace(0, 40, 40_001)
        rate = 3 ** ((np.interp(fine, [10, 30], [6.3, end]) - 6.3) / 10) / 20
        passed = np.concatenate([[0], np.cumsum((rate[1:] + rate[:-1]) / 2 * 1e-3)])
        wanted = -70 + 20 * np.exp(-np.interp(t, fine, passed))
        np.testing.assert_allclose(run.trace("v")[row] / mV, wanted, atol=1e-4)


def test_a_temperature_that_no_equation_uses_is_refused_by_name():
    with pytest.raises(UnknownNameError, match="point neuron has no temperature"):
        simulate(LIF(), 5 * ms, courses={"celsius": Course([0, 5] * ms, [37, 27])})
