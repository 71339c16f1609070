"""Voltage clamp of neurons without extent: the potential is held, and the current is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from brian2 import NeuronGroup
from brian2.units import Mohm, Quantity, amp, cm, mS, ms, mV, nS, pA, pF, um, volt

from neurosim import (
    LIF,
    AdEx,
    Constant,
    CurrentClamp,
    FeedForward,
    HodgkinHuxley,
    Neuron,
    VoltageClamp,
    from_brian2,
    measure,
    simulate,
)
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.morphology import PerBranch, cylinder
from neurosim.quantities import quantity

RECORD = ("v", "stimulus.current", "stimulus.command")
STEP = VoltageClamp(holding=-70 * mV, levels=[0] * mV, durations=[5] * ms, onset=2 * ms)
SQUID = HodgkinHuxley()


def held(neuron, clamp, duration=10 * ms, **others):
    run = simulate(neuron, duration, stimulus=clamp, record=RECORD, engine="numpy", **others)
    return run, *(np.asarray(run.trace(name)) for name in RECORD)


def squid_current(clamp, duration, **others):
    # All of these share one compiled program, that of `ClampRig`.
    run = simulate(SQUID, duration, stimulus=clamp, record=["stimulus.current"], **others)
    return run, np.asarray(run.trace("stimulus.current"))


def squid_patch():
    """The membrane of `HodgkinHuxley` as a neuron of one compartment."""
    size = np.sqrt(float(SQUID.area) / np.pi) * 1e6 * um
    bare = Neuron(cylinder(size, size), PerBranch(1), celsius=6.3, rest=SQUID.V_init)
    leak = Leak(g=0.3 * mS / cm**2, E=-54.387 * mV)
    return bare.paint([HHSodium(), HHPotassium(), leak])


def gate(part, name, v):
    return np.asarray(part.gates(v * volt, 6.3)[name].steady)


def test_the_current_of_lif_is_that_of_its_capacitance_and_its_leak():
    levels = np.array([-90.0, 0.0])
    run, v, current, command = held(LIF(), STEP, batch={"levels": levels * mV}, dt=0.1 * ms)
    neuron, t = LIF(), run.trace_time_s * 1e3
    inside = (t > 2.05) & (t < 7.05)
    wanted = np.where(inside, levels[:, None] * 1e-3, -0.07)
    np.testing.assert_allclose(v, wanted, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(command, v)
    # Of the step before each sample: C dV/dt + (V - E_L) / R.
    charge = float(neuron.capacitance) * np.diff(v, axis=1) / 1e-4
    leak = (v[:, 1:] - float(neuron.E_L)) / float(neuron.R_m)
    np.testing.assert_allclose(current[:, 1:], charge + leak, rtol=1e-9, atol=1e-20)
    # 0 mV lies 55 mV above the threshold.
    assert len(run.spike_time_s) == 0
    found = run.to_xarray()
    assert found["stimulus.current"].attrs["units"] == "A"
    assert found["voltage_clamp_levels"].attrs["units"] == "V"


@pytest.mark.slow
def test_a_series_resistance_lets_lif_spike_and_charge_slowly():
    clamp = STEP.replace(levels=[-60] * mV, R_s=50 * Mohm)
    rows = {"compensation": [0, 0.5, 0.5], "levels": [-60, -60, 0] * mV}
    run, v, current, _ = held(LIF(), clamp, dt=0.01 * ms, batch=rows)
    t = run.trace_time_s - 2e-3
    after = (t > 0) & (t < 5e-3)
    for row, R in enumerate((50e6, 25e6)):
        tau, share = 20e-3 * R / (100e6 + R), 100e6 / (100e6 + R)
        wanted = -0.07 + 0.01 * share * (1 - np.exp(-t[after] / tau))
        np.testing.assert_allclose(v[row, after], wanted, rtol=0, atol=6e-6)
        np.testing.assert_allclose(current[row, after], (-0.06 - v[row, after]) / R, rtol=1e-12)
    # Through the resistance the threshold is reached, the cell is reset, and is charged again.
    assert run.counts()[:2].tolist() == [0, 0]
    times = run.spike_time_s * 1e3
    assert len(times) >= 2
    assert all((times > 2) & (times < 7))
    refractory = np.searchsorted(run.trace_time_s * 1e3, times[0] + 1)
    assert v[2, refractory] == pytest.approx(-0.07)
    assert current[2, refractory] == pytest.approx(0.07 / 25e6)


@pytest.mark.slow
def test_a_point_neuron_is_clamped_as_the_compartment_of_the_same_membrane():
    clamp = VoltageClamp(
        holding=SQUID.V_init, levels=[-90, 0, -50] * mV, durations=[1, 3, 1] * ms,
        onset=0.5 * ms, linear=True, junction=5 * mV,
    )  # fmt: skip
    held_at = clamp.replace(holding=clamp.holding + clamp.junction)
    # From ideal through less than the membrane can feel to far more.
    rows = {
        "R_s": np.repeat([0, 1e-6, 1, 40], 2) * Mohm,
        "levels[1]": np.tile([-20, 40], 4) * mV,
    }
    both = {"dt": 0.01 * ms, "batch": rows}
    _, point = squid_current(held_at, 6 * ms, **both)
    cable = simulate(
        squid_patch(), 6 * ms, stimulus=held_at, record=["stimulus.current"], engine="numpy", **both
    )
    other = np.asarray(cable.trace("stimulus.current"))[:, :-1]
    wrong = np.abs(point[:, 1:] - other).max(axis=1) / np.abs(other).max(axis=1)
    assert wrong.max() < 1e-6


@pytest.mark.slow
def test_gates_of_the_squid_are_read_back_from_its_currents():
    v = np.arange(-80, 41, 20) * 1e-3
    curve = measure.activation(
        SQUID, v * volt, read="steady", of="g_K", E=-77 * mV, duration=40 * ms, holding=-90 * mV
    )
    n, m = gate(HHPotassium(), "n", v), gate(HHSodium(), "m", v)
    read = (np.asarray(curve.measured) / float(SQUID.g_K * SQUID.area)) ** 0.25
    np.testing.assert_allclose(read, n, rtol=1e-3)
    # All of its currents together.
    relation = measure.iv(SQUID, v * volt, duration=60 * ms, holding=-90 * mV)
    whole = float(SQUID.area) * (
        float(SQUID.g_Na) * m**3 * gate(HHSodium(), "h", v) * (v - float(SQUID.E_Na))
        + float(SQUID.g_K) * n**4 * (v - float(SQUID.E_K))
        + float(SQUID.g_L) * (v - float(SQUID.E_L))
    )
    np.testing.assert_allclose(np.asarray(relation.steady), whole, rtol=1e-3)
    before = np.arange(-110, -29, 10) * 1e-3
    curve = measure.inactivation(
        SQUID, before * volt, test=20 * mV, prepulse=80 * ms, read=1.5 * ms, duration=3 * ms,
        of="g_Na",
    )  # fmt: skip
    h = gate(HHSodium(), "h", before)
    np.testing.assert_allclose(curve.normalised, (h - h.min()) / np.ptp(h), rtol=0, atol=2e-3)
    tails = measure.tail_currents(
        SQUID, [-100, -85, -70] * mV, duration=30 * ms, length=10 * ms, of="g_K"
    )
    assert float(tails.reversal) == pytest.approx(-0.077, abs=1e-4)


@pytest.mark.slow
def test_a_clamped_run_in_two_pieces_is_the_run_in_one():
    clamp = STEP.replace(R_s=3 * Mohm)
    _, whole = squid_current(clamp, 8 * ms, dt=0.05 * ms)
    first, start = squid_current(clamp, 3 * ms, dt=0.05 * ms)
    _, later = squid_current(clamp, 5 * ms, dt=0.05 * ms, initial=first.state)
    np.testing.assert_array_equal(np.concatenate([start, later], axis=1), whole)


@dataclass(frozen=True, eq=False, repr=False)
class Gated(PointNeuron):
    """A membrane with an instantaneous gate, and a current that stands in other expressions."""

    C: Quantity = quantity(100 * pF, "capacitance", above=0 * pF)
    g: Quantity = quantity(10 * nS, "conductance", at_least=0 * nS)
    E_L: Quantity = quantity(-70 * mV, "reversal potential")
    V_cut: Quantity = quantity(20 * mV, "threshold")

    equations = """
    dv/dt = (total - leak)/C
      : volt
    total = I_stim - gated : amp
    gated = g*x*(v - 0*mV) : amp
    x = 1/(1 + exp(-(v + 20*mV)/(5*mV))) : 1
    leak = g*(v - E_L) : amp
    """
    threshold = "v > V_cut"
    reset = "v = E_L"


@pytest.mark.slow
def test_a_current_that_stands_in_named_expressions_is_found():
    clamp = STEP.replace(levels=[-10] * mV)
    _, v, current, _ = held(Gated(), clamp, dt=0.01 * ms, batch={"R_s": [0, 2] * Mohm})
    gated = 10e-9 * v / (1 + np.exp(-(v + 0.02) / 0.005))
    wanted = 100e-12 * np.diff(v) / 1e-5 + (gated + 10e-9 * (v + 0.07))[:, 1:]
    np.testing.assert_allclose(current[0, 1:], wanted[0], rtol=0, atol=1e-18)
    # Through a resistance a step is exact for what is linear in the potential.
    np.testing.assert_allclose(current[1, 1:], wanted[1], rtol=0, atol=5e-9)
    assert current[1, 600] == pytest.approx(float(wanted[1, 599]), rel=1e-6)


@pytest.mark.slow
def test_models_of_brian2_are_clamped_too():
    equations = """
    dv/dt = (-10*nS*(v + 70*mV) - w + I)/(200*pF) : volt (unless refractory)
    dw/dt = (2*nS*(v + 70*mV) - w)/(30*ms) : amp
    I : amp
    """
    group = NeuronGroup(
        1, equations, threshold="v > -50*mV", reset="v = -60*mV", refractory=3 * ms, method="exact"
    )
    group.v = -70 * mV
    run, v, current, _ = held(from_brian2(group, current="I"), STEP, dt=0.1 * ms)
    t = run.trace_time_s * 1e3
    inside = (t > 2.15) & (t < 7.05)
    np.testing.assert_allclose(v[0, inside], 0, atol=1e-15)
    w = 140e-12 * (1 - np.exp(-(t[inside] - 2.1) / 30))
    np.testing.assert_allclose(current[0, inside], 700e-12 + w, rtol=1e-6)


@pytest.mark.slow
def test_adex_is_clamped_beyond_its_clipped_potential():
    rows = {"R_s": [0, 10] * Mohm, "levels": [30, -55] * mV}
    run, v, current, _ = held(AdEx(), STEP, 6 * ms, batch=rows)
    cell, late = AdEx(), -1
    assert v[0, late] == pytest.approx(0.03)
    assert np.isfinite(current).all()
    # Through a resistance: capacitance, leak, upstroke and adaptation take what is given.
    drop = float(cell.g_L) * (v[1, late] - float(cell.E_L))
    upstroke = (v[1, late] - float(cell.V_T)) / float(cell.Delta_T)
    drop += float(cell.C) * (v[1, late] - v[1, late - 1]) / run.dt_s
    drop += run.final_si["w"][1] - float(cell.g_L * cell.Delta_T) * np.exp(upstroke)
    assert current[1, late] == pytest.approx((-0.055 - v[1, late]) / 10e6)
    assert current[1, late] == pytest.approx(drop, rel=0.005)


@dataclass(frozen=True, eq=False, repr=False)
class Exprel(PointNeuron):
    """An equation with a term that is 0/0, by itself and in its derivative, at -35 mV."""

    C: Quantity = quantity(100 * pF, "capacitance", above=0 * pF)
    E_L: Quantity = quantity(-70 * mV, "potential at the start")

    equations = "dv/dt = (10*nS*(E_L - v)/exprel((v + 35*mV)/(10*mV)) + I_stim)/C : volt"
    threshold = "v > 50*mV"


@pytest.mark.slow
def test_a_potential_where_an_equation_is_nought_by_nought_can_be_held():
    clamp = STEP.replace(levels=[-35] * mV)
    _, v, current, _ = held(Exprel(), clamp, dt=0.01 * ms, batch={"R_s": [0, 10] * Mohm})
    assert v[0, 600] == -0.035
    assert current[0, 600] == pytest.approx(10e-9 * 0.035)
    assert current[1, 600] == pytest.approx((-0.035 - v[1, 600]) / 10e6)
    _, v, current, _ = held(
        Exprel(), clamp.replace(holding=-35 * mV), batch={"R_s": [0, 10] * Mohm}
    )
    assert np.isfinite(current).all()


@dataclass(frozen=True, eq=False, repr=False)
class Integrator(PointNeuron):
    C: Quantity = quantity(100 * pF, "capacitance", above=0 * pF)
    E_L: Quantity = quantity(-70 * mV, "potential at the start")

    equations = "dv/dt = I_stim/C : volt"
    threshold = "v > 50*mV"


def test_what_nothing_but_current_moves_is_clamped():
    _, v, current, _ = held(Integrator(), STEP, dt=0.01 * ms, batch={"R_s": [0, 10] * Mohm})
    np.testing.assert_allclose(current[0, 1:], 1e-10 * np.diff(v[0]) / 1e-5, rtol=0, atol=1e-18)
    # Through a resistance the capacitance charges with C R_s = 1 ms, by backward Euler.
    np.testing.assert_allclose(np.diff(np.log(-v[1, 210:600])), -np.log(1.01), rtol=1e-9)


@dataclass(frozen=True, eq=False, repr=False)
class Deaf(PointNeuron):
    E_L: Quantity = quantity(-70 * mV, "reversal potential")
    squared: Quantity = quantity(0 * amp**-2, "zero: no current acts")

    equations = "dv/dt = (E_L - v)*(1 + squared*I_stim**2)/(10*ms) : volt"
    threshold = "v > 0*mV"


def test_a_point_neuron_that_cannot_be_clamped_is_refused_by_name():
    with pytest.raises(ParameterError, match="Deaf does not follow the injected current"):
        simulate(Deaf(), 5 * ms, stimulus=STEP)
    with pytest.raises(ParameterError, match="wiring cannot run under voltage clamp"):
        simulate(LIF(), 5 * ms, stimulus=STEP, wiring=FeedForward(weights=(np.ones((1, 2)) * pA,)))
    with pytest.raises(ParameterError, match="LIF is a point neuron"):
        simulate(LIF(), 5 * ms, stimulus=CurrentClamp(Constant(10 * pA)))
    with pytest.raises(UnknownNameError, match=r"stimulus\.command"):
        simulate(LIF(), 5 * ms, stimulus=STEP, record=["stimulus.comand"])
    with pytest.raises(UnknownNameError, match="no variable"):
        simulate(LIF(), 5 * ms, stimulus=Constant(0 * pA), record=["stimulus.current"])
    with pytest.raises(UnknownNameError, match="blocks the channel"):
        measure.iv(SQUID, [-60] * mV, of="hh_potassium")
    with pytest.raises(ParameterError, match="cannot be set to zero"):
        measure.iv(SQUID, [-60] * mV, of="g_L")
    with pytest.raises(ParameterError, match="site is for neurons with extent"):
        measure.iv(LIF(), [-60] * mV, site=lambda: None)
    with pytest.raises(ParameterError, match="celsius is for neurons with extent"):
        measure.iv(LIF(), [-60] * mV, celsius=37)


def test_what_blocks_a_channel_is_a_conductance():
    with pytest.raises(ParameterError, match="must be the conductance of a channel; V_init"):
        measure.iv(HodgkinHuxley(), [-60, -20] * mV, of="V_init")
