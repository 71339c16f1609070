"""The ledger of calcium that empties by itself: what came, what was removed, what stays."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from brian2 import cm, mS, ms, mV, nA, nS, um
from brian2.units.constants import faraday_constant
from brian2.units.stdunits import mM

from neurosim import Circuit, Constant, Neuron, simulate
from neurosim.channels import CalciumL, CalciumPool, Leak, SodiumLeak
from neurosim.ions import Calcium, Sodium
from neurosim.morphology import PerBranch, at, cylinder, distance, everywhere
from neurosim.synapses import NMDA, Events

FARADAY = float(faraday_constant)
AREA = np.pi * 2e-6 * 25e-6


def cell(pool: CalciumPool, *more) -> Neuron:
    bare = Neuron(cylinder(100 * um, 2 * um), PerBranch(4), rest=-65 * mV)
    bare = bare.paint([Sodium(), SodiumLeak(g=0.01 * mS / cm**2), Leak(), pool, *more])
    bare = bare.paint(CalciumL(), distance(below=50 * um))
    return bare.probe("ca_i", everywhere).probe("i_ca", everywhere)


@pytest.mark.parametrize("engine", [pytest.param("cpp", marks=pytest.mark.slow), "numpy"])
@pytest.mark.parametrize("diffusion", [0, 0.2])
def test_what_came_was_removed_and_stays_adds_up(engine, diffusion):
    pool = CalciumPool(tau=20 * ms, diffusion=diffusion * um**2 / ms)
    drive = {"stimulus": Constant(0.1 * nA), "batch": {"calcium_pool.free": [0.05, 0.2]}}
    fast = {"dt": 0.1 * ms, "engine": engine}
    run = simulate(cell(pool), 15 * ms, settle=5 * ms, **drive, **fast)
    account = run.ledger["ca"]
    assert account.relative_error < 1e-9
    assert list(account.crossed) == ["calcium currents"]
    # In both compartments with channels, of the size of what is left inside.
    assert np.all(account.removed[:2] > 0.05 * (account.inside_end - account.inside_start)[:2])
    assert bool(account.diffused.any()) == bool(diffusion)
    # The same from the traces: what decays is the mean over each step, here by the trapezoid.
    each = AREA * 0.1e-6 / np.array([0.05, 0.2])
    names = [f"ca_i[{k}]" for k in range(4)]
    held = np.array([run.traces_si[name] for name in names])
    decay = (held - 1e-4) / 20e-3
    steps = (decay[..., 1:] + decay[..., :-1]).sum(axis=2) / 2 * 0.1e-3
    first = (decay[..., 0] + (account.inside_start / each - 1e-4) / 20e-3) / 2 * 0.1e-3
    assert account.removed == pytest.approx((steps + first) * each, rel=0.02, abs=1e-24)
    assert account.inside_end == pytest.approx(held[..., -1] * each, rel=1e-12)
    current = np.array([run.traces_si[f"i_ca[{k}]"] for k in range(4)])
    came = current.sum(axis=2) * 0.1e-3 * AREA / (2 * FARADAY)
    assert account.entered == pytest.approx(came, rel=0.1, abs=1e-24)
    assert "removed by buffers and pumps" in [what for _, what, _ in run.ledger.rows()]


def test_a_run_that_goes_on_counts_from_where_it_begins():
    fast = {"dt": 0.1 * ms, "engine": "numpy", "stimulus": Constant(0.1 * nA)}
    one = cell(CalciumPool(tau=20 * ms))
    whole = simulate(one, 10 * ms, **fast).ledger["ca"]
    first = simulate(one, 6 * ms, **fast)
    second = simulate(one, 4 * ms, initial=first.state, **fast)
    restarted = simulate(one, 4 * ms, initial=first.state.restarted(), **fast)
    for later in (second.ledger["ca"], restarted.ledger["ca"]):
        assert later.relative_error < 1e-9
        assert later.inside_start == pytest.approx(first.ledger["ca"].inside_end, rel=1e-12)
        assert first.ledger["ca"].removed + later.removed == pytest.approx(whole.removed, rel=1e-9)


class CalciumNMDA(NMDA):
    """An NMDA receptor of whose current a tenth is calcium."""

    ion: ClassVar[str | None] = "ca"
    ion_current: ClassVar[str] = "0.1*g*(B - A)*block*(E - v)"


def test_calcium_of_receptors_and_pools_of_two_kinds_in_one_cell():
    bare = Neuron(cylinder(100 * um, 2 * um), PerBranch(4), rest=-65 * mV)
    bare = bare.paint(Leak()).paint(CalciumPool(), distance(below=50 * um))
    kept = Calcium(1e-4 * mM, 2 * mM, free=0.05)
    two = bare.paint([kept, CalciumL()], ~distance(below=50 * um))
    events = Events.at([2] * ms)
    for name, where in (("one", 0.1), ("other", 0.9)):
        two = two.place(CalciumNMDA(g=5 * nS), at("dendrite", where), events, label=name)
    account = simulate(two, 15 * ms, dt=0.1 * ms, engine="numpy").ledger["ca"]
    assert account.relative_error < 1e-9
    # The pool under the receptor is brought calcium, its neighbour none; a pool that keeps what it
    # has is told by part.
    assert account.removed[0] > 0
    assert account.crossed["calcium currents"][0] > 0
    assert not np.any(account.removed[1:])
    assert not np.any(account.crossed["calcium currents"][1:])
    assert account.crossed["other"][3] > 0
    assert np.all(account.crossed["calcium_l"][2:] > 0)
    again = simulate(Circuit().add("one", two), 15 * ms, dt=0.1 * ms, engine="numpy")["one"]
    assert again.ledger["ca"].removed == pytest.approx(account.removed, rel=1e-9)
