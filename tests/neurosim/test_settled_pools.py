"""Pools stay at their start while a neuron settles: a run says which of them are not at rest."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from brian2 import cm, mS, ms, mV, nA, uA, um
from brian2.units.stdunits import mM

from neurosim import Circuit, Constant, Neuron, VoltageClamp, settle, simulate
from neurosim.channels import CalciumPool, Leak, PotassiumLeak, SodiumLeak
from neurosim.dynamics import ion_rest
from neurosim.ions import Potassium, Sodium, SodiumPotassiumPump
from neurosim.morphology import PerBranch, at, cylinder, distance, everywhere
from neurosim.run.continuing import SettlingWarning

ENGINES = [pytest.param("cpp", marks=pytest.mark.slow), "numpy"]


def passive(*parts, compartments: int = 1) -> Neuron:
    bare = Neuron(cylinder(100 * um, 2 * um), PerBranch(compartments), rest=-65 * mV)
    return bare.paint([Leak(g=0.3 * mS / cm**2, E=-65 * mV), *parts])


def uneven(shells: int) -> Neuron:
    """Sodium that diffuses enters along a whole cell and leaves at one end of it."""
    cell = passive(
        Sodium(diffusion=0.6 * um**2 / ms, shells=shells),
        Potassium(75 * mM, 3.5 * mM, held=True, outside_depth=0.1 * um),
        SodiumLeak(g=0.01 * mS / cm**2),
        PotassiumLeak(g=0.05 * mS / cm**2),
        compartments=4,
    )
    pump = SodiumPotassiumPump(I_max=40 * uA / cm**2)
    return cell.paint(pump, distance(below=25 * um))


@pytest.mark.parametrize("engine", ENGINES)
def test_settling_names_pools_that_are_not_at_rest_and_how_fast_they_change(engine):
    cell = uneven(1).probe("na_i", everywhere).probe("k_o", everywhere)
    with pytest.warns(SettlingWarning) as told:
        run = simulate(cell, 0.2 * ms, settle=30 * ms, dt=0.1 * ms, engine=engine)
    (message,) = [str(one.message) for one in told if one.category is SettlingWarning]
    assert "ion_rest" in message
    for name in ("na_i", "k_o"):
        traces = np.array([run.traces_si[f"{name}[{k}]"][0] for k in range(4)])
        rate = np.diff(traces, axis=1)[:, 0] / 0.1e-3
        worst = int(np.argmax(np.abs(rate) / traces[:, 0]))
        (said,) = [part for part in message.split(", ") if f"{name} changes by" in part]
        assert f"(compartment {worst})" in said
        told_rate = float(said.split("changes by ")[1].split(" mM/s")[0])
        assert told_rate == pytest.approx(rate[worst], rel=0.01)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cell_that_starts_where_all_is_at_rest_settles_in_silence(engine):
    rest = ion_rest(uneven(2)).neuron
    with warnings.catch_warnings():
        warnings.simplefilter("error", SettlingWarning)
        simulate(rest, 0.1 * ms, settle=5 * ms, dt=0.1 * ms, engine=engine)
        settle(rest, 5 * ms, dt=0.1 * ms, engine=engine)


FILLING = (Sodium(), SodiumLeak(g=0.01 * mS / cm**2))


def test_a_state_settled_once_a_batch_and_a_circuit_say_so_too():
    cell, fast = passive(*FILLING), {"dt": 0.1 * ms, "engine": "numpy"}
    with pytest.warns(SettlingWarning, match="na_i changes by"):
        settle(cell, 20 * ms, **fast)
    drive = {"stimulus": Constant(0 * nA), "batch": {"current": [0, 0.01] * nA}}
    with pytest.warns(SettlingWarning) as told:
        simulate(cell, 1 * ms, settle=20 * ms, **drive, **fast)
    assert len([one for one in told if one.category is SettlingWarning]) == 1
    differing = {"sodium_leak.g": [0, 0.01] * mS / cm**2}
    with pytest.warns(SettlingWarning, match="cell 1"):
        simulate(cell, 1 * ms, settle=20 * ms, batch=differing, **fast)
    with pytest.warns(SettlingWarning, match="na_i changes by"):
        simulate(Circuit().add("one", cell), 1 * ms, settle=20 * ms, **fast)


@pytest.mark.parametrize(
    "cell",
    [
        passive(Sodium(held=True), SodiumLeak()),
        passive(CalciumPool()),
        passive(Sodium()),
        passive(Sodium(), SodiumLeak(g=1e-6 * mS / cm**2)),
        passive(*FILLING).place(VoltageClamp(holding=-70 * mV), at("dendrite")),
    ],
    ids=[
        "held",
        "a pool that empties itself",
        "nothing carries it",
        "too slow",
        "a clamp holds it",
    ],
)
def test_what_does_not_move_or_is_held_by_a_clamp_is_not_told(cell):
    with warnings.catch_warnings():
        warnings.simplefilter("error", SettlingWarning)
        simulate(cell, 0.1 * ms, settle=20 * ms, dt=0.1 * ms, engine="numpy")


def test_without_settling_nothing_is_told():
    with warnings.catch_warnings():
        warnings.simplefilter("error", SettlingWarning)
        simulate(passive(*FILLING), 1 * ms, dt=0.1 * ms, engine="numpy")
