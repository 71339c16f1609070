"""Spaces outside that cells share: concentrations that all members move and read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import meter, ms, mV, nA, nS, second, siemens, um
from brian2.units.constants import faraday_constant, gas_constant
from brian2.units.stdunits import mM

from neurosim import Circuit, Constant, Course, Neuron, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak, PotassiumLeak
from neurosim.engine.coupling.spaces import Spaces, move_boxes
from neurosim.engine.programs.compiler import find_compiler
from neurosim.errors import EngineError, ParameterError, UnitError, UnknownNameError
from neurosim.ions import Potassium, Sodium, SodiumPotassiumPump
from neurosim.morphology import PerBranch, at, cylinder, every, everywhere
from neurosim.outside import Placement, Space, SpaceAlong
from neurosim.synapses import Exponential

compiled = pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
ENGINES = ["numpy", pytest.param("cpp", marks=[compiled, pytest.mark.slow])]
FARADAY = float(faraday_constant)
SQUARE = siemens / meter**2


def leaky(g: float = 1.0, k_o: float = 3.5, cuts: int = 1, length: float = 20) -> Neuron:
    """A cell that potassium leaks out of, since it is 30 mV above its reversal potential."""
    bare = Neuron(cylinder(length * um, 10 * um, tag="soma"), PerBranch(cuts), rest=-60 * mV)
    parts = [
        PotassiumLeak(g=g * SQUARE),
        Leak(g=1 * SQUARE, E=-40 * mV),
        Potassium(outside=k_o * mM),
    ]
    cell = bare.paint(parts).probe("k_o", everywhere).probe("i_k", everywhere)
    return cell.probe("E_k", everywhere).probe("k_i", everywhere)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_shared_space_takes_what_the_currents_of_all_members_carry(engine):
    tau = 0.02
    circuit = (
        Circuit()
        .add("one", leaky(), 2, batch={"potassium_leak.g": [1.0, 3.0] * SQUARE})
        .add("other", leaky(2.0, cuts=2, length=40))
        .share(Space(k_o=3.5 * mM, tau=tau * second, fraction=0.2))
    )
    found = simulate(circuit, 5 * ms, dt=0.1 * ms, engine=engine)
    space = found.spaces["space"]
    inside = np.pi * 25 * (20 + 20 + 40) * 1e-18
    assert space.volume_m3 == pytest.approx([inside / 4], rel=1e-12)
    # From the recorded currents alone: what came in each step, and the bath's share of it.
    area = np.pi * 10 * 20 * 1e-12
    entered = np.zeros(len(space.time_s))
    for name, cuts in (("one", 1), ("other", 2)):
        currents = found[name].matrix("i_k").values
        entered += np.asarray(currents).sum(axis=(0, 2)) * area
        assert currents.shape[2] == cuts
    came, now, wanted = -entered / FARADAY / space.volume_m3[0], 3.5, []
    for rate in came:
        target = 3.5 + tau * rate
        now = target + (now - target) * np.exp(-1e-4 / tau)
        wanted.append(now)
    assert now > 3.503
    values = np.asarray(space.concentration("k") / mM)[0]
    assert values == pytest.approx(wanted, rel=1e-12)
    ledger = space.ledger["k"]
    assert ledger.crossed > 0 < ledger.exchanged
    assert ledger.relative_error < 1e-11
    # All members read it, and the reversal potentials follow in the same sample.
    for name in ("one", "other"):
        read = np.asarray(found[name].matrix("k_o").values) / float(mM)
        assert np.abs(read - values[:, np.newaxis]).max() == 0
        reversal, inner = (found[name].matrix(one).values for one in ("E_k", "k_i"))
        RT_F = float(gas_constant) * 310.15 / FARADAY
        wanted = RT_F * np.log(values[:, np.newaxis] / (np.asarray(inner) / float(mM)))
        assert np.asarray(reversal) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_each_cell_has_a_space_of_its_own_with_its_partner(engine):
    def pair(currents, **more):
        count = len(currents)
        driven = {"potassium_leak.g": np.array(currents) * SQUARE}
        return (
            Circuit().add("a", leaky(), count, batch=driven).add("b", leaky(0.5), count)
            .share(Space(k_o=3.5 * mM), **more)
        )  # fmt: skip

    both = simulate(pair([1.0, 4.0], each=True), 3 * ms, dt=0.1 * ms, engine=engine)
    for k, current in enumerate([1.0, 4.0]):
        alone = simulate(pair([current]), 3 * ms, dt=0.1 * ms, engine=engine)
        assert both.spaces["space"].values_si["k"][k] == pytest.approx(
            alone.spaces["space"].values_si["k"][0], rel=1e-13
        )
        assert both["b"].final_v_si[:, k] == pytest.approx(alone["b"].final_v_si[:, 0], rel=1e-13)
    assert both.spaces["space"].ledger["k"].relative_error < 1e-11


def spread(time: float, boxes: int, length: float) -> np.ndarray:
    """A pulse of 10 mM in boxes 8 to 15, some time later: the series in cos(n pi x / L)."""
    D, edges = 1.96e-9 / 1.6**2, np.arange(boxes + 1) / boxes
    n = np.arange(1, 200)[:, np.newaxis]
    mean = np.diff(np.sin(n * np.pi * edges), axis=1) / (n * np.pi) * boxes
    decay = np.exp(-D * (n * np.pi / length) ** 2 * time)
    pulse = mean[:, 8:16].sum(axis=1, keepdims=True) / boxes
    return 10 * (8 / boxes + 2 * (pulse * mean * decay).sum(axis=0))


def test_boxes_pass_a_pulse_on_as_the_series_says():
    boxes, length, dt = 100, 100e-6, 2e-4
    column = SpaceAlong(k_o=3.5 * mM, length=length * meter, boxes=boxes, volume=1e4 * um**3)
    volume = column.volumes_m3(np.zeros(boxes))
    start = np.zeros((1, boxes))
    start[0, 8:16] = 10
    made = Spaces(("k",), np.ones(1), volume, np.zeros(boxes), start, start,
                  np.append(column.links_m3_s("k", volume), 0)[np.newaxis], [])  # fmt: skip
    now, nothing = start, np.zeros((1, boxes))
    for step in range(1, 1501):
        now, lost = move_boxes(made, now, nothing, dt)
        if step in (400, 1500):
            wanted = spread(step * dt, boxes, length)
            assert np.abs(now[0] - wanted).max() < 5e-3 * wanted.max()
    assert now.sum() == pytest.approx(80, rel=1e-12)
    assert not lost.any()


@compiled
@pytest.mark.slow
def test_the_compiled_program_passes_a_pulse_on_as_the_series_says():
    boxes, length = 100, 100e-6
    column = SpaceAlong(k_o=3.5 * mM, length=length * meter, boxes=boxes, fraction=0.2)
    circuit = Circuit().add("cell", leaky(0.0, cuts=boxes, length=100)).share(column)
    first = simulate(circuit, 0.1 * ms, dt=0.1 * ms)
    pulse = np.full((1, boxes), 3.5)
    pulse[0, 8:16] += 10
    begin = replace(first.state.restarted(), arrays={**first.state.arrays, "space.k_o": pulse})
    run = simulate(circuit, 300 * ms, dt=0.1 * ms, initial=begin, record_dt=40 * ms)
    found = run.spaces["space"]
    for sample, time in enumerate(found.time_s):
        wanted = 3.5 + spread(time, boxes, length)
        error = np.abs(found.values_si["k"][:, sample] - wanted).max()
        assert error < 5e-3 * (wanted.max() - 3.5)
    assert found.ledger["k"].end == pytest.approx(found.ledger["k"].start, rel=1e-13)
    assert found.ledger["k"].crossed == 0


@compiled
@pytest.mark.slow
def test_two_engines_agree_with_junctions_a_space_along_them_and_threads():
    neuron = Neuron(cylinder(100 * um, 4 * um), PerBranch(5), celsius=6.3, rest=-65 * mV).paint(
        [HHSodium(), HHPotassium(), Leak(g=3 * SQUARE, E=-54.4 * mV), Sodium(outside=145 * mM),
         Potassium(outside=4 * mM), SodiumPotassiumPump()]
    )  # fmt: skip
    neuron = neuron.probe("v", at("dendrite", 0.5)).probe("k_o", at("dendrite", 0.9))
    column = SpaceAlong(k_o=4 * mM, na_o=145 * mM, tau=1 * second, length=100 * um, boxes=5)
    circuit = (
        Circuit()
        .add("a", neuron, 2, stimulus=Constant(), batch={"current": [0.2, 0] * nA})
        .add("b", neuron, 9)
        .couple("a", "b", conductance=2 * nS, pairs=[(0, 3), (1, 8)], sites=at("dendrite", 0.5))
        .share(column, label="cortex")
    )
    runs = [
        simulate(circuit, 4 * ms, dt=0.05 * ms, engine=engine, jobs=jobs)
        for engine, jobs in (("numpy", 1), ("cpp", 1), ("cpp", 2))
    ]
    assert runs[1]["a"].counts()[0] == 1
    for name in ("a", "b"):
        for trace, values in runs[0][name].traces_si.items():
            assert np.abs(values - runs[1][name].traces_si[trace]).max() < 1e-9
        assert np.array_equal(runs[1][name].final_v_si, runs[2][name].final_v_si)
    for ion in ("na", "k"):
        one, other = (run.spaces["cortex"].values_si[ion] for run in runs[:2])
        assert np.ptp(other, axis=1).min() > 1e-6
        assert np.abs(one - other).max() < 1e-9
        assert max(run.spaces["cortex"].ledger[ion].relative_error for run in runs) < 1e-9
    for run in runs:
        # The charge that came through gap junctions is in the ledger of each population.
        charges = [run[name].ledger.charge for name in ("a", "b")]
        assert max(charge.relative_error for charge in charges) < 1e-9
        through = [charge.injected["gap junctions"].sum() for charge in charges]
        assert through[0] == pytest.approx(-through[1], rel=1e-12)
        assert max(run[name].ledger["k"].relative_error for name in ("a", "b")) < 1e-9
    half = simulate(circuit, 2 * ms, dt=0.05 * ms)
    rest = simulate(circuit, 2 * ms, dt=0.05 * ms, initial=half.state)
    assert np.array_equal(rest["b"].final_v_si, runs[1]["b"].final_v_si)
    end = rest.spaces["cortex"].values_si["k"][:, -1]
    assert np.array_equal(end, runs[1].spaces["cortex"].values_si["k"][:, -1])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_space_that_is_emptied_is_told(engine):
    # Potassium flows in: the cell is far below the reversal potential of a little space.
    cell = leaky(30.0, k_o=100).replace(rest=-90 * mV)
    circuit = Circuit().add("cell", cell, 2).share(Space(k_o=100 * mM, volume=0.002 * um**3))
    with pytest.raises(EngineError, match="concentration of k in the space 'space' fell to zero"):
        simulate(circuit, 20 * ms, dt=0.1 * ms, engine=engine)


def test_cells_belong_to_the_boxes_where_they_lie():
    column = SpaceAlong(k_o=3.5 * mM, length=100 * um, boxes=4, volume=1000 * um**3)
    cell = leaky(cuts=2, length=20)
    moved = {"cell": Placement(x=[0, 40, 79] * um)}
    circuit = Circuit().add("cell", cell, 3).share(column)
    found = simulate(circuit, 0.5 * ms, dt=0.1 * ms, engine="numpy", placement=moved)
    space = found.spaces["space"]
    assert space.volume_m3 == pytest.approx([250e-18] * 4)
    # Centres at 5 and 15, 45 and 55, 84 and 94 um: two in the first box, two in the last.
    gained = space.values_si["k"][:, 0] - 3.5
    assert gained[[0, 3]] == pytest.approx([2 * gained[1], 2 * gained[1]], rel=0.01)
    assert gained[2] == pytest.approx(gained[1], rel=0.01)
    far = {"cell": Placement(x=[0, 40, 95] * um)}
    with pytest.raises(ParameterError, match="cell 2 on branch 'soma' holds k but lies beyond"):
        simulate(circuit, 0.5 * ms, dt=0.1 * ms, engine="numpy", placement=far)
    sparse = Circuit().add("cell", cell).share(column.replace(volume=0 * um**3))
    with pytest.raises(ParameterError, match="no cell lies in box 1 of 4"):
        simulate(sparse, 0.5 * ms, dt=0.1 * ms, engine="numpy")


# ---- what is refused ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({}, ParameterError, "holds no ion"),
        ({"k_o": 3.5}, UnitError, "unit"),
        ({"k_o": -1 * mM}, ParameterError, "k_o"),
        ({"k_o": 3.5 * mM, "fraction": 1}, ParameterError, "between 0 and 1"),
        ({"k_o": 3.5 * mM, "tau": -1 * second}, ParameterError, "tau"),
    ],
)
def test_spaces_that_are_none(given, error, said):
    for kind in (Space, SpaceAlong):
        with pytest.raises(error, match=said):
            kind(**given)


def test_columns_that_are_none():
    with pytest.raises(UnknownNameError, match="path"):
        SpaceAlong(k_o=3.5 * mM, along="paths")
    with pytest.raises(ParameterError, match="boxes"):
        SpaceAlong(k_o=3.5 * mM, boxes=0)


class PotassiumSynapse(Exponential):
    """A receptor whose current is of potassium."""

    ion = "k"


def bare_receptors():
    """Return a cell whose receptors carry potassium where it holds none."""
    cell = Neuron(cylinder(100 * um, 2 * um), PerBranch(1), rest=-65 * mV).paint(Leak())
    return cell.place(PotassiumSynapse(g=1 * nS), every(everywhere), label="girk")


@pytest.mark.parametrize(
    ("cell", "space", "more", "said"),
    [
        (leaky(), 3.5 * mM, {}, "must be a Space"),
        (leaky(k_o=4), Space(k_o=3.5 * mM), {}, "4 mM outside, and the space starts with 3.5"),
        (leaky(), Space(k_o=3.5 * mM, na_o=145 * mM), {}, "holds na, and no member does"),
        (leaky().paint(Sodium()), Space(k_o=3.5 * mM), {"label": ""}, "a name"),
        (
            leaky(),
            Space(k_o=3.5 * mM),
            {"each": True, "populations": ["a", "more"]},
            "same number of cells",
        ),
        (leaky().paint(HHSodium()), Space(k_o=3.5 * mM, na_o=145 * mM), {}, "carries na"),
        (leaky(), Space(k_o=3.5 * mM, ca_o=2 * mM), {}, r"such as Calcium\(outside"),
        (bare_receptors(), Space(k_o=3.5 * mM), {"populations": ["a", "more"]}, "'girk' of 'a'"),
    ],
)
def test_sharing_that_is_refused(cell, space, more, said):
    circuit = Circuit().add("a", cell).add("more", leaky(), 2)
    with pytest.raises(ParameterError, match=said):
        circuit.share(space, **{"populations": "a", **more})


def test_what_differs_outside_cannot_be_shared():
    own = leaky().replace(painted=()).paint([PotassiumLeak(), Potassium(outside_depth=0.1 * um)])
    with pytest.raises(ParameterError, match="space of its own"):
        Circuit().add("a", own).share(Space(k_o=3.5 * mM))
    varied = Circuit().add("a", leaky(), 2, batch={"potassium.outside": [3.5, 4] * mM})
    with pytest.raises(ParameterError, match="differs between cells"):
        varied.share(Space(k_o=3.5 * mM))
    rising = Course([0, 10] * ms, [3.5, 9] * mM)
    moving = Circuit().add("a", leaky(), courses={"potassium.outside": rising})
    with pytest.raises(ParameterError, match="over time"):
        moving.share(Space(k_o=3.5 * mM))
    shared = Circuit().add("a", leaky()).share(Space(k_o=3.5 * mM))
    with pytest.raises(ParameterError, match="shares k with the space 'space' already"):
        shared.share(Space(k_o=3.5 * mM), label="second")
    with pytest.raises(ParameterError, match="add populations"):
        Circuit().share(Space(k_o=3.5 * mM))
    with pytest.raises(UnknownNameError, match="known: a"):
        shared.share(Space(k_o=3.5 * mM), "b", label="second")
