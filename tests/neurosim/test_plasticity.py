"""A synapse whose strength follows calcium: its equations, and the pairing of Shouval et al."""

from __future__ import annotations

import numpy as np
import pytest
from brian2.units import cm, mS, ms, mV, nS, pA, second, um
from scipy.integrate import solve_ivp

from neurosim import Circuit, Neuron, Steps, VoltageClamp, simulate
from neurosim.channels import Leak
from neurosim.morphology import PerBranch, at, cylinder
from neurosim.synapses import AMPA, Events, PlasticAMPA


def spine(events, synapse=None):
    """One compartment with a leak and a plastic synapse, strength and calcium traced."""
    shape = cylinder(20 * um, 20 * um, name="soma")
    cell = Neuron(shape, PerBranch(1), rest=-70 * mV).paint(Leak(g=0.1 * mS / cm**2, E=-70 * mV))
    here = at("soma", 0.5)
    cell = cell.place(synapse or PlasticAMPA(g=1 * nS), here, events, label="synapse")
    return cell.probe("synapse.change", here).probe("synapse.calcium", here).probe("v", here)


def held_at(levels, seconds=20, hertz=1.0):
    """Return the change of strength after releases at a rate while the membrane is held."""
    events = Events.at(np.arange(0.1, seconds, 1 / hertz) * second)
    clamp = VoltageClamp(holding=-70 * mV, levels=[-70] * mV, durations=[seconds] * second)
    run = simulate(
        spine(events), seconds * second, stimulus=clamp, batch={"levels": levels * mV},
        dt=0.2 * ms, record_dt=1000 * ms,
    )  # fmt: skip
    return np.asarray(run.trace("synapse.change"))[:, -1]


@pytest.mark.slow
def test_pairing_weakens_at_moderate_and_strengthens_at_large_depolarisation():
    """Shouval et al. (2002), figure 3A: nothing at rest, then weaker, then stronger."""
    rest, moderate, large = held_at(np.array([-90.0, -55.0, -10.0]))
    assert abs(rest) < 0.03
    assert moderate < -0.3
    assert large > 0.5


@pytest.mark.slow
def test_strength_and_calcium_follow_their_equations():
    times = np.array([5.0, 25.0, 45.0, 65.0, 85.0])
    run = simulate(
        spine(Events.at(times * ms), PlasticAMPA(g=20 * nS)), 200 * ms, dt=0.02 * ms,
        stimulus=Steps(amplitude=50 * pA, onset=10 * ms, duration=100 * ms),
    )  # fmt: skip
    t = np.asarray(run.trace_time)
    v, calcium, change = (
        np.asarray(run.trace(n))[0] for n in ("v", "synapse.calcium", "synapse.change")
    )

    def rate(now, y):
        v_now = np.interp(now, t, v) * 1e3
        gone = now - times[times * 1e-3 <= now] * 1e-3
        opened = 0.5 * np.exp(-gone / 0.05).sum() + 0.5 * np.exp(-gone / 0.2).sum()
        block = 1 / (1 + np.exp(-0.062 * v_now) / 3.57)
        target = 1 / (1 + np.exp(-80 * (y[0] - 0.55))) - 0.25 / (1 + np.exp(-80 * (y[0] - 0.35)))
        learn = 1 / (0.1 / (1e-5 + max(y[0], 0) ** 3) + 1)
        return [opened * block * (130 - v_now) - y[0] / 0.05, learn * (4 * target - y[1])]

    theory = solve_ivp(rate, (0, t[-1]), [0, 0], t_eval=t, rtol=1e-8, atol=1e-12, max_step=2e-4)
    np.testing.assert_allclose(calcium * 1e3, theory.y[0], rtol=0, atol=2e-3 * theory.y[0].max())
    np.testing.assert_allclose(change, theory.y[1], rtol=0, atol=5e-3 * abs(theory.y[1]).max())
    assert abs(change[-1]) > 1e-4


@pytest.mark.slow
def test_synapses_of_one_compartment_keep_strengths_of_their_own():
    shape = cylinder(20 * um, 20 * um, name="soma")
    cell = Neuron(shape, PerBranch(1), rest=-40 * mV).paint(Leak(E=-40 * mV))
    here = at("soma", 0.5)
    busy, idle = Events.at(np.arange(5, 100, 10) * ms), Events.at([50] * ms)
    cell = cell.place(PlasticAMPA(), here, busy, label="busy").place(
        PlasticAMPA(), here, idle, label="idle"
    )
    cell = cell.probe("busy.change", here).probe("idle.change", here)
    run = simulate(cell, 150 * ms, dt=0.1 * ms)
    busy_end, idle_end = (abs(run.trace(f"{n}.change"))[0, -1] for n in ("busy", "idle"))
    assert busy_end > 1.3 * idle_end > 0


def test_circuits_end_on_plastic_synapses():
    shape = cylinder(20 * um, 20 * um, name="soma")
    cell = Neuron(shape, PerBranch(1), rest=-70 * mV).paint(Leak(E=-70 * mV))
    target = cell.place(PlasticAMPA(), at("soma", 0.5), label="plastic")
    circuit = Circuit().add("a", cell).add("b", target, 2)
    joined = circuit.connect("a", "b", onto="plastic")
    assert len(joined.connections[0].pairs) == 2


def test_every_cell_gets_or_gives_a_number_of_contacts():
    shape = cylinder(20 * um, 20 * um, name="soma")
    cell = Neuron(shape, PerBranch(1)).paint(Leak()).place(AMPA(), at("soma", 0.5), label="ampa")
    circuit = Circuit().add("cells", cell, 30).add("others", cell, 20)
    pairs = circuit.connect("cells", "others", onto="ampa", incoming=7, seed=1).connections[0].pairs
    assert np.bincount(pairs[:, 1], minlength=20).tolist() == [7] * 20
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    pairs = circuit.connect("cells", "cells", onto="ampa", outgoing=5, seed=1).connections[0].pairs
    assert np.bincount(pairs[:, 0], minlength=30).tolist() == [5] * 30
    assert np.all(pairs[:, 0] != pairs[:, 1])
    # Every source is as likely as any other.
    many = Circuit().add("cells", cell, 200).connect("cells", "cells", onto="ampa", incoming=50)
    given = np.bincount(many.connections[0].pairs[:, 0], minlength=200)
    assert given.mean() == 50
    assert 4 < given.std() < 9  # binomial: 6.1
