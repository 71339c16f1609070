"""Gap junctions: cells joined by conductances, held against closed forms and a second solver."""

from __future__ import annotations

import json

import numpy as np
import pytest
from brian2 import Mohm, cm, meter, ms, mV, nA, nS, ohm, pA, siemens, um
from scipy.linalg import expm

from neurosim import Circuit, Constant, Neuron, Steps, VoltageClamp, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.describe.parts import Cable
from neurosim.engine.coupling import junctions as gap
from neurosim.engine.programs.compiler import find_compiler
from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.morphology import PerBranch, at, ball_and_stick, cylinder, every, everywhere, points
from neurosim.morphology import branch as named
from neurosim.outside import ElectrodeArray, Extracellular, UniformField
from neurosim.synapses import AMPA

compiled = pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
ENGINES = ["numpy", pytest.param("cpp", marks=compiled)]
BEST = "cpp" if find_compiler() else "numpy"
SCHEMES = ["backward-euler", "crank-nicolson"]

# One compartment of 1000 um2, so that g_leak is 1 nS and C is 10 pF: tau is 10 ms.
_LENGTH = 1000 / (20 * np.pi) * um
REST, G, C = -70 * mV, 1e-9, 1e-11


def passive() -> Neuron:
    ball = Neuron(cylinder(_LENGTH, 20 * um, tag="soma"), PerBranch(1), rest=REST)
    leak = Leak(g=1 * siemens / meter**2, E=REST)
    return ball.paint(leak).probe("v", at("soma")).probe("i_membrane", everywhere)


def cells(count: int, current_pA: list[float], **more) -> Circuit:
    """Passive cells, which all tests of them share, so that they are compiled once."""
    return Circuit().add(
        "cells",
        passive(),
        count,
        stimulus=Constant(),
        batch={"current": np.resize(np.array([*current_pA, *[0] * count]), count) * pA},
        **more,
    )


def above_rest(recording) -> np.ndarray:
    """Potentials of the cells above rest, in volt, shape (cells, samples)."""
    return np.asarray(recording["cells"].trace("v")) - float(REST)


def chain(count: int) -> list[tuple[int, int]]:
    return [(k, k + 1) for k in range(count - 1)]


@pytest.mark.slow
def test_coupling_coefficient_and_time_course_of_two_passive_cells():
    pair = cells(2, [50]).couple("cells", "cells", conductance=0.7 * nS, record=True)
    found = simulate(pair, 150 * ms, dt=0.1 * ms, engine=BEST)
    v, time = above_rest(found), np.asarray(found["cells"].trace_time)
    j, tau = 0.7e-9, C / G
    # The sum of the potentials has the time constant of a cell, their difference a shorter one.
    total = 50e-12 / G * (1 - np.exp(-time / tau))
    apart = 50e-12 / (G + 2 * j) * (1 - np.exp(-time * (G + 2 * j) / C))
    assert v[0] == pytest.approx((total + apart) / 2, rel=1e-3, abs=1e-7)
    assert v[1] == pytest.approx((total - apart) / 2, rel=1e-3, abs=1e-7)
    assert (v[1] / v[0])[-1] == pytest.approx(j / (G + j), rel=1e-6)
    current = found.junctions["cells -- cells"]
    assert float(current.current[0, -1]) == pytest.approx(j * (v[0] - v[1])[-1], rel=1e-6)
    assert current.pairs.tolist() == [[0, 1]]


def test_syncytium_of_twenty_is_the_discrete_cable_in_space_and_time():
    ladder = cells(20, [100]).couple("cells", "cells", conductance=5 * nS, pairs=chain(20))
    found = above_rest(simulate(ladder, 200 * ms, dt=0.02 * ms, engine=BEST))
    # Closed ladder: v_k ~ cosh((N - k - 1/2) a), where 2 cosh(a) - 2 = g_leak / g_junction.
    a = np.arccosh(1 + G / 5e-9 / 2)
    k = np.arange(20)
    shape = np.cosh((20 - k - 0.5) * a)
    first = 100e-12 / (G + 5e-9 * (1 - shape[1] / shape[0]))
    assert found[:, -1] == pytest.approx(first * shape / shape[0], rel=1e-6)
    joined = np.diag(np.full(19, 5e-9), 1)
    laplacian = np.diag((joined + joined.T).sum(axis=0)) - joined - joined.T
    system = -(laplacian + G * np.eye(20)) / C
    for step in (500, 1500):
        wanted = (np.eye(20) - expm(system * step * 2e-5)) @ (first * shape / shape[0])
        assert found[:, step - 1] == pytest.approx(wanted, rel=1e-3)


def test_strong_coupling_makes_one_cell_whatever_the_conductance():
    # Backward Euler, since Crank-Nicolson rings where a step is long for what it should follow.
    given = {"dt": 0.1 * ms, "engine": BEST, "scheme": "backward-euler"}
    alone = above_rest(simulate(cells(1, [50]), 30 * ms, **given))
    for conductance in (1e4, 1e6, 1e9, 1e15):
        five = cells(5, [250]).couple("cells", "cells", conductance=conductance * nS)
        v = above_rest(simulate(five, 30 * ms, **given))
        # 200 pA go from the first cell to the four others, each joined to all the rest. Below a
        # nanovolt the difference is the rounding of the potentials (1e-17 V), 1e7 times.
        wanted = 250e-12 / (G + 5 * conductance * 1e-9)
        assert (v[0] - v[1:])[:, 3:] == pytest.approx(wanted, rel=1e-6, abs=1e-9)
        assert v.mean(axis=0) == pytest.approx(alone[0], rel=1e-9)


@compiled
@pytest.mark.slow
def test_engines_agree_above_the_largest_conductance_that_potentials_tell():
    # A cell answers a step with 1/(C/dt + G): the largest conductance is 0.505 S here.
    largest = (C / 1e-4 + G) / 2e-7
    found = {}
    for times in (2, 100):
        pair = cells(2, [100]).couple(
            "cells", "cells", conductance=times * largest * siemens, record=True
        )
        for engine in ("cpp", "numpy"):
            run = simulate(pair, 3 * ms, dt=0.1 * ms, engine=engine, scheme="backward-euler")
            current = np.asarray(run.junctions["cells -- cells"].current)
            found[engine] = current.ravel(), above_rest(run)
        # The compiled current is that of the largest conductance, off by 1e-7 of itself; that of
        # the other engine has the rounding of 70 mV (1.4e-17 V) times the conductance.
        rounding = 1.4e-17 * times * largest
        (one, v), (other, expected) = found["cpp"], found["numpy"]
        assert np.median(one) > 1e-11
        assert one == pytest.approx(other, rel=1e-7, abs=2 * rounding)
        # Such a current, wrong in each of the 30 steps, moves the potentials by as much.
        assert v == pytest.approx(expected, rel=1e-7, abs=30 * rounding * 1e-4 / C)


def test_no_charge_is_lost_between_cells():
    pairs = [*chain(20), (0, 7), (3, 12), (19, 0)]
    ring = cells(20, [100, 0, -60, 0, 30]).couple(
        "cells", "cells", conductance=np.linspace(0.1, 400, 22) * nS, pairs=pairs, record=True
    )
    found = simulate(ring, 20 * ms, dt=0.1 * ms, engine=BEST)
    through = found.junctions["cells -- cells"].current_si
    membrane = found["cells"].trace("i_membrane")
    out = np.zeros((20, through.shape[1]))
    for (a, b), current in zip(pairs, through, strict=True):
        out[a] += current
        out[b] -= current
    # The current of the electrode crosses the membrane by the convention of i_membrane, so that
    # what a cell gives to others crosses its membrane inwards.
    membrane = np.asarray(found["cells"].trace("i_membrane"))
    largest = np.abs(through).max()
    assert largest > 1e-11
    assert np.abs(membrane + out).max() <= 1e-12 * largest
    assert np.abs(membrane.sum(axis=0)).max() <= 1e-12 * largest
    # Charge given less that which leaked out is on the membranes, step by step: a step of
    # Crank-Nicolson leaks what the mean of both its ends does.
    v = above_rest(found).sum(axis=0)
    leaked = G * 1e-4 * (v[1:] + v[:-1]) / 2
    assert np.abs(C * np.diff(v) - (70e-12 * 1e-4 - leaked)).max() <= 1e-12 * C * v.max()


def test_a_run_in_two_halves_and_on_two_threads_is_the_same_run():
    ladder = cells(20, [100]).couple("cells", "cells", conductance=5 * nS, pairs=chain(20))
    whole = simulate(ladder, 20 * ms, dt=0.1 * ms, engine=BEST, jobs=1)
    twice = simulate(ladder, 20 * ms, dt=0.1 * ms, engine=BEST, jobs=2)
    half = simulate(ladder, 10 * ms, dt=0.1 * ms, engine=BEST)
    rest = simulate(ladder, 10 * ms, dt=0.1 * ms, engine=BEST, initial=half.state)
    for other in (twice, rest):
        assert np.array_equal(whole["cells"].final_v_si, other["cells"].final_v_si)
    longer = cells(20, [100]).couple("cells", "cells", conductance=5 * nS, pairs=chain(19))
    with pytest.raises(ParameterError, match="gap junctions 'cells -- cells'"):
        simulate(longer, 10 * ms, dt=0.1 * ms, engine=BEST, initial=half.state)


def test_a_factor_without_fill_finds_the_same_currents(monkeypatch):
    grid = np.arange(36).reshape(6, 6)
    pairs = [*zip(grid[:-1].ravel(), grid[1:].ravel(), strict=True),
             *zip(grid[:, :-1].ravel(), grid[:, 1:].ravel(), strict=True)]  # fmt: skip
    sheet = cells(36, [300]).couple("cells", "cells", conductance=200 * nS, pairs=pairs)
    exact = simulate(sheet, 5 * ms, dt=0.1 * ms, engine=BEST)
    monkeypatch.setattr(gap, "_MOST_FILL", 0)
    made = simulate(sheet, 5 * ms, dt=0.1 * ms, engine=BEST)
    assert np.abs(above_rest(made) - above_rest(exact)).max() < 1e-14


def test_elimination_holds_every_pair_of_ends():
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, 12, (30, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    ends = [np.stack([np.zeros(len(p), int), p, rng.integers(0, 3, len(p))], 1) for p in pairs.T]
    made = gap.Junctions.between(
        *ends, np.ones(len(pairs)), np.zeros(0, int),
        ions=(), share=np.zeros((0, len(pairs))), thermal=np.ones(len(pairs)),
    )  # fmt: skip
    plan = made.elimination()
    assert plan.exact
    rows = np.repeat(np.arange(made.ends), np.diff(plan.starts))
    assert np.all(plan.columns < rows)
    for m in range(len(pairs)):
        at_row = (
            plan.order[rows[plan.junction_at[m]]],
            plan.order[plan.columns[plan.junction_at[m]]],
        )
        assert set(at_row) == {made.first[m], made.second[m]}


def test_without_junctions_nothing_changes():
    bare, coupled = cells(3, [50]), cells(3, [50]).couple("cells", "cells", conductance=0 * nS)
    first, second = (simulate(c, 10 * ms, dt=0.1 * ms, engine=BEST) for c in (bare, coupled))
    assert np.array_equal(above_rest(first), above_rest(second))
    assert not bare.couplings
    assert first.junctions == {}
    with pytest.raises(UnknownNameError, match="record=True"):
        first.junctions["cells -- cells"]


# ---- cells that fire ----------------------------------------------------------------------------
def fibre() -> Neuron:
    shape = ball_and_stick(20 * um, 300 * um, 2 * um)
    bare = Neuron(shape, PerBranch(5), celsius=6.3, rest=-65 * mV)
    firing = bare.paint([HHSodium(), HHPotassium(), Leak()])
    return firing.probe("v", at("soma")).probe("v", at("dendrite", 1.0), label="tip")


def firing(**more) -> Circuit:
    both = (at("soma"), at("dendrite", 1.0))
    return (
        Circuit()
        .add("a", fibre(), 3, stimulus=Constant(), batch={"current": [0.5, 0.1, 0] * nA})
        .add("b", fibre(), 2)
        .couple("a", "b", conductance=[1, 20, 4] * nS, pairs=[(0, 0), (1, 1), (2, 1)], sites=both,
                record=True)
        .couple("a", "a", conductance=2 * nS, record=True)
        .couple("b", "b", conductance=3 * nS, pairs=[(1, 1)], sites=both, label="own")
    )  # fmt: skip


@compiled
@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_two_solvers_agree_on_cells_that_fire(scheme):
    found = [
        simulate(firing(), 5 * ms, dt=0.05 * ms, engine=engine, scheme=scheme, jobs=2)
        for engine in ("numpy", "cpp")
    ]
    assert found[1]["a"].counts()[0] == 1
    for name in ("a", "b"):
        for trace in ("v", "tip"):
            one, other = (np.asarray(run[name].trace(trace)) for run in found)
            assert np.abs(one - other).max() < 1e-10
    for label in ("a -- b", "a -- a"):
        one, other = (run.junctions[label].current_si for run in found)
        assert np.abs(other).max() > 1e-12
        assert np.abs(one - other).max() < 1e-18
    with pytest.raises(UnknownNameError, match="known: a -- a, a -- b"):
        found[0].junctions["own"]


@compiled
@pytest.mark.slow
def test_two_fibres_that_are_one_by_their_junction_fire_as_one():
    def pair(many, current):
        return Circuit().add(
            "a", fibre(), many, stimulus=Constant(), batch={"current": current * nA}
        )

    one = simulate(pair(1, np.array([0.4])), 20 * ms, dt=0.05 * ms)["a"]
    both = pair(2, np.array([0.8, 0])).couple("a", "a", conductance=1e6 * nS)
    joined = simulate(both, 20 * ms, dt=0.05 * ms)["a"]
    assert one.counts()[0] >= 1
    assert np.abs(np.asarray(joined.trace("v") - one.trace("v"))).max() < 2e-4
    # Joined weakly, the second follows the first; without a junction it is silent.
    weak = pair(2, np.array([0.8, 0])).couple("a", "a", conductance=60 * nS)
    assert simulate(weak, 20 * ms, dt=0.05 * ms)["a"].counts().min() >= 1
    apart = simulate(pair(2, np.array([0.8, 0])), 20 * ms, dt=0.05 * ms)["a"]
    assert apart.counts()[1] == 0


@compiled
@pytest.mark.slow
def test_two_unequal_fibres_synchronise():
    def spread(conductance):
        pair = Circuit().add(
            "a", fibre(), 2, stimulus=Constant(), batch={"current": [0.5, 0.6] * nA}
        )
        if conductance:
            pair = pair.couple("a", "a", conductance=conductance * nS)
        trains = [np.asarray(t) for t in simulate(pair, 400 * ms, dt=0.05 * ms)["a"].spike_trains()]
        late = [train[train > 0.2] for train in trains]
        nearest = np.abs(late[0][:, np.newaxis] - late[1]).min(axis=1)
        return nearest.max(), [len(train) for train in late]

    free, counts = spread(0)
    held, together = spread(20)
    assert counts[0] != counts[1]
    assert together[0] == together[1] > 5
    assert held < 1e-3 < free


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.slow
def test_paired_voltage_clamp_measures_the_junction(engine):
    # The cell that is held still passes the current of the junction, with the other sign.
    clamp = VoltageClamp(levels=[-70, -40] * mV, durations=[2, 8] * ms, onset=0 * ms)
    clamped = (
        Neuron(ball_and_stick(20 * um, 100 * um, 2 * um), PerBranch(3), rest=REST)
        .paint(Leak(g=1 * siemens / meter**2, E=REST))
        .place(clamp, at("soma"), label="pipette")
        .probe("pipette.current", at("soma"))
        .probe("v", at("soma"))
    )
    still = {"pipette.levels[1]": [-40, -70] * mV}
    pair = Circuit().add("cells", clamped, 2, batch=still)
    joined = pair.couple("cells", "cells", conductance=3 * nS, record=True)
    found = simulate(joined, 10 * ms, dt=0.1 * ms, engine=engine)
    bare = simulate(pair, 10 * ms, dt=0.1 * ms, engine=engine)
    passed, without = (
        np.asarray(run["cells"].trace("pipette.current"))[:, -2] for run in (found, bare)
    )
    assert np.asarray(found["cells"].trace("v"))[:, -2] == pytest.approx([-0.04, -0.07], abs=1e-9)
    assert passed - without == pytest.approx([90e-12, -90e-12], rel=1e-9)
    assert found.junctions["cells -- cells"].current_si[0, -2] == pytest.approx(90e-12, rel=1e-9)
    # Through a series resistance the second cell is moved by the first.
    series = Circuit().add("cells", clamped, 2, batch=still | {"pipette.R_s": [0, 40] * Mohm})
    leaky = series.couple("cells", "cells", conductance=3 * nS)
    loose = simulate(leaky, 10 * ms, dt=0.1 * ms, engine=engine)["cells"]
    v, current = (np.asarray(loose.trace(n))[:, -2] for n in ("v", "pipette.current"))
    assert v[0] == pytest.approx(-0.04, abs=1e-9)
    assert v[1] > -0.068
    assert current[1] == pytest.approx((-0.07 - v[1]) / 40e6, rel=1e-3)
    assert current[0] - without[0] == pytest.approx(3e-9 * (v[0] - v[1]), rel=1e-6)


@compiled
@pytest.mark.slow
def test_junctions_and_axons_in_one_circuit_and_the_potential_outside():
    receiver = fibre().place(AMPA(g=4 * nS), every(named("dendrite")), label="ampa")
    both = (
        Circuit()
        .add("a", fibre(), 2, stimulus=Constant(), batch={"current": [0.5, 0] * nA})
        .add("b", receiver, 2)
        .connect("a", "b", onto="ampa", pairs=[(0, 0)], delay=1 * ms)
    )
    coupled = both.couple("b", "b", conductance=100 * nS).couple("a", "b", conductance=0.5 * nS)
    near = ElectrodeArray(x=[60, 2e7] * um, y=[30, 0] * um)
    runs = [
        simulate(coupled, 10 * ms, dt=0.05 * ms, engine=engine, outside=near)
        for engine in ("numpy", "cpp")
    ]
    receiving = [np.asarray(run["b"].trace("v")) for run in runs]
    assert np.abs(receiving[0] - receiving[1]).max() < 1e-10
    outside = [run.outside.values_si for run in runs]
    assert np.abs(outside[0] - outside[1]).max() < 1e-15
    # The other receiver, on which no axon ends, is moved by its junction alone.
    apart = np.asarray(simulate(both, 10 * ms, dt=0.05 * ms)["b"].trace("v"))
    assert np.ptp(apart[0] - apart[1]) > 1e-3
    assert np.abs(receiving[1][1] - apart[1]).max() > 1e-3
    half = simulate(coupled, 5 * ms, dt=0.05 * ms)
    rest = simulate(coupled, 5 * ms, dt=0.05 * ms, initial=half.state)
    assert np.array_equal(rest["b"].final_v_si, runs[1]["b"].final_v_si)


@compiled
@pytest.mark.slow
def test_coupled_fibres_are_those_of_neuron(shared_targets):
    """The table is written by benchmarks/gap_junctions_neuron.py; its step is ours."""
    table = json.loads((shared_targets / "gap_junctions.json").read_text())
    leak = Leak(g=0.3e-3 * siemens / cm**2, E=table["cell"]["hh_el_mV"] * mV)
    bare = Neuron(ball_and_stick(20 * um, 300 * um, 2 * um), PerBranch(5), celsius=6.3,
                  rest=-65 * mV, cable=Cable(R_a=100 * ohm * cm))  # fmt: skip
    neuron = bare.paint([HHSodium(), HHPotassium(), leak]).probe("v", at("soma"))
    assert len(table["cases"]) == 5
    for case in table["cases"]:
        currents = np.array(case["current_nA"]) * nA
        pair = (
            Circuit()
            .add("a", neuron, 2, stimulus=Constant(), batch={"current": currents})
            .couple("a", "a", conductance=case["conductance_nS"] * nS, pairs=[(0, 1)],
                    sites=(at("dendrite", 0.9), at("soma")))
        )  # fmt: skip
        found = simulate(
            pair, case["duration_ms"] * ms, dt=case["dt_ms"] * ms, record_dt=0.5 * ms,
            scheme="backward-euler",
        )["a"]  # fmt: skip
        v = np.asarray(found.trace("v")) / 1e-3
        assert found.counts().tolist() == [len(one) for one in case["spikes_ms"]]
        assert np.abs(v - case["v_mV"]).max() < 2e-6


# ---- what is refused ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"conductance": 3}, UnitError, "must carry a unit"),
        ({"conductance": 3 * mV}, UnitError, "conductance"),
        ({"conductance": -1 * nS}, ParameterError, "conductance"),
        ({"conductance": np.inf * nS}, ParameterError, "conductance"),
        ({"conductance": [1, 2, 3] * nS}, ParameterError, "one value or 1"),
        ({"conductance": (1 * nS, 2 * nS)}, ParameterError, "rectifying"),
        ({"conductance": [[1, 2]] * nS}, ParameterError, "rectifying"),
        ({"pairs": [(0, 2)]}, ParameterError, "cells from 0 to 1"),
        ({"pairs": [(0, 1), (1, 0)]}, ParameterError, "there 2 times"),
        ({"pairs": [(1, 1)]}, ParameterError, "to itself"),
        ({"pairs": []}, ParameterError, "give pairs"),
        ({"pairs": "every"}, UnknownNameError, "all"),
        ({"pairs": [(0.0, 1.0)]}, ParameterError, "whole numbers"),
        ({"probability": 2}, ParameterError, "between 0 and 1"),
        ({"probability": 0}, ParameterError, "higher probability"),
        ({"seed": -1}, ParameterError, "seed"),
        ({"sites": "soma"}, ParameterError, "sites"),
        ({"sites": (at("soma"),)}, ParameterError, "sites"),
        ({"sites": at("axon")}, UnknownNameError, "axon"),
        ({"sites": every(named("soma"))}, ParameterError, "say with points"),
        ({"points": [(0, 1)]}, ParameterError, "numbers from 0 to 0"),
        ({"points": [0]}, ParameterError, "shape"),
        ({"label": 3}, ParameterError, "label"),
        ({"label": "first"}, ParameterError, "already"),
    ],
)
def test_couplings_that_are_refused(wrong, error, said):
    fine = Circuit().add("a", fibre(), 2).couple("a", "a", conductance=1 * nS, label="first")
    with pytest.raises(error, match=said):
        fine.couple("a", "a", **{"conductance": 1 * nS, **wrong})


def test_populations_that_cannot_be_coupled_are_named():
    circuit = Circuit().add("a", fibre(), 2)
    with pytest.raises(UnknownNameError, match="no population 'b'"):
        circuit.couple("a", "b", conductance=1 * nS)
    layered = fibre().paint(Extracellular())
    exposed = fibre().expose(UniformField(), Steps())
    for neuron, what in ((layered, "layers"), (exposed, "a field outside")):
        with pytest.raises(ParameterError, match=f"'other' have {what}"):
            circuit.add("other", neuron).couple("a", "other", conductance=1 * nS)


def test_a_circuit_tells_its_junctions():
    both = points([("soma", 0.5), ("dendrite", 0.5), ("dendrite", 1.0)])
    circuit = (
        Circuit()
        .add("a", fibre(), 3)
        .couple("a", "a", conductance=1 * nS)
        .couple("a", "a", conductance=1 * nS)
        .couple("a", "a", conductance=1 * nS, sites=both, pairs=[(0, 1), (0, 1), (2, 2)],
                points=[(0, 0), (1, 1), (0, 2)])
    )  # fmt: skip
    assert repr(circuit) == "Circuit(3 a; 0 contacts, 9 gap junctions)"
    assert [one.label for one in circuit.couplings] == ["a -- a", "a -- a (2)", "a -- a (3)"]
    assert circuit.couplings[0].pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert circuit.couplings[2].compartments.tolist() == [[2, 2], [7, 7], [2, 9]]
    few = [
        Circuit()
        .add("a", fibre(), 30)
        .couple("a", "a", conductance=1 * nS, probability=0.2, seed=s)
        for s in (1, 1, 2)
    ]
    kept = [one.couplings[0].pairs.tolist() for one in few]
    assert kept[0] == kept[1] != kept[2]
    assert 50 < len(kept[0]) < 130
