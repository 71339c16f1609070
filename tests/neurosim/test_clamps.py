"""Voltage clamp, dynamic clamp and current clamp through an electrode."""

from __future__ import annotations

import json

import numpy as np
import pytest
from brian2.units import Mohm, amp, cm, mS, ms, mV, nA, nS, pA, pF, um
from scipy.linalg import expm

from neurosim import (
    LIF,
    Circuit,
    Constant,
    CurrentClamp,
    DynamicClamp,
    Neuron,
    OrnsteinUhlenbeck,
    Steps,
    VoltageClamp,
    simulate,
)
from neurosim.channels import Leak, squid_axon
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.morphology import PerBranch, at, ball_and_stick, cylinder, everywhere, tagged
from neurosim.outside import UniformField

AREA_m2 = np.pi * 20e-6 * 20e-6
C_F, G_S = 0.01 * AREA_m2, 1.0 * AREA_m2


def compartment(*parts):
    """A compartment of 20 by 20 um with channels."""
    shape = cylinder(20 * um, 20 * um, name="soma")
    return Neuron(shape, PerBranch(1), celsius=6.3, rest=-65 * mV).paint(parts)


def passive():
    return compartment(Leak(E=-65 * mV))


def squid():
    return compartment(*squid_axon())


def ball():
    """The ball and stick of the table."""
    shape = ball_and_stick(20 * um, 500 * um, 2 * um)
    return (
        Neuron(shape, PerBranch(1, {"dendrite": 51}), celsius=6.3, rest=-65 * mV)
        .paint(squid_axon(), tagged("soma"))
        .paint(Leak(g=0.1 * mS / cm**2, E=-65 * mV), tagged("dendrite"), label="dendrite_leak")
    )


CURRENT, SHOWN = "stimulus.current", "stimulus.recorded"


def held(neuron, duration, clamp, site=None, **options):
    """Run a clamp with the same probes whatever it is for, so that tests share a program."""
    site = at(neuron.morphology.names[0], 0.5) if site is None else site
    neuron = neuron.place(clamp, site, label="stimulus")
    for name in ("v", CURRENT, "stimulus.command"):
        neuron = neuron.probe(name, site)
    return simulate(neuron, duration, **options)


def traces(run, *names):
    """Return traces as plain SI arrays."""
    return [np.asarray(run.trace(name)) for name in names or ("v", CURRENT, "stimulus.command")]


# ---- voltage clamp -------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("case", range(12))
def test_the_clamp_is_that_of_neuron(case, shared_targets):
    table = json.loads((shared_targets / "seclamp.json").read_text())
    case, common = table["cases"][case], table["common"]
    neuron = squid() if case["cell"] == "compartment" else ball()
    clamp = VoltageClamp(
        holding=common["holding_mV"] * mV,
        levels=[0, common["tail_mV"]] * mV,
        durations=[common["test_ms"], common["tail_ms"]] * ms,
        onset=common["holding_ms"] * ms,
        R_s=case["Rs_Mohm"] * Mohm,
    )
    run = held(
        neuron, 35 * ms, clamp, at(case["section"], case["at"]), dt=case["dt_ms"] * ms,
        batch={"levels[0]": [one["test_mV"] for one in case["family"]] * mV},
    )  # fmt: skip
    v, current, _ = traces(run)
    for row, theirs in enumerate(case["family"]):
        steps = np.round(np.array(theirs["t_ms"]) / case["dt_ms"]).astype(int) - 1
        np.testing.assert_allclose(current[row, steps] * 1e9, theirs["i_nA"], rtol=1e-4)
        np.testing.assert_allclose(v[row, steps] * 1e3, theirs["v_mV"], rtol=1e-6)


@pytest.mark.parametrize("engine", ["cpp", "numpy"])
@pytest.mark.parametrize("scheme", ["backward-euler", "crank-nicolson"])
def test_an_ideal_clamp_gives_the_command_and_the_charge_of_the_step(engine, scheme):
    clamp = VoltageClamp(holding=-65 * mV, levels=[-45] * mV, durations=[8] * ms, onset=1 * ms)
    run = held(
        passive(), 9 * ms, clamp, dt=0.02 * ms, scheme=scheme, engine=engine,
        batch={"levels": [-45, 30, -140] * mV},
    )  # fmt: skip
    v, i, command = traces(run)
    np.testing.assert_allclose(v, command, rtol=0, atol=1e-16)
    step = np.array([20e-3, 95e-3, -75e-3])[:, np.newaxis]
    steady = G_S * step  # Leak: 0.1 mS/cm2
    np.testing.assert_allclose(i[:, 60:], np.broadcast_to(steady, i[:, 60:].shape), rtol=1e-10)
    # The charge beyond that of the leak is C dV, whatever the scheme makes of the first step.
    first = 1.0 if scheme == "backward-euler" else 0.5
    charge = (i[:, 50:] - steady).sum(axis=1) * 2e-5 + (1 - first) * steady[:, 0] * 2e-5
    np.testing.assert_allclose(charge, C_F * step[:, 0], rtol=1e-10)


def test_the_transient_through_a_series_resistance_has_its_time_constant_and_charge():
    R = 20e6
    clamp = VoltageClamp(holding=-65 * mV, levels=[-55] * mV, durations=[60] * ms, onset=1 * ms)
    run = held(
        passive(), 11 * ms, clamp, dt=0.002 * ms, scheme="crank-nicolson",
        batch={"R_s": [R, 2 * R, R] * Mohm / 1e6, "compensation": [0, 0, 0.5]},
    )  # fmt: skip
    t = np.asarray(run.trace_time) - 1e-3 - 1e-6  # a current is the mean over a step
    for row, r in enumerate((R, 2 * R, R / 2)):
        tau = C_F / (G_S + 1 / r)
        steady = 0.01 * G_S / (1 + r * G_S)
        wanted = np.where(t > 0, steady + (0.01 / r - steady) * np.exp(-t / tau), 0)
        i = np.asarray(run.trace(CURRENT))[row]
        np.testing.assert_allclose(i, wanted, rtol=1e-4, atol=1e-16)
        charge = np.sum((i - steady)[t > 0]) * 2e-6
        # C dV without the leak that charging itself loses.
        np.testing.assert_allclose(charge, tau * (0.01 / r - steady), rtol=1e-4)


@pytest.mark.slow
def test_a_clamp_of_a_dendrite_draws_the_current_of_the_cable():
    # A sealed passive cable of electrotonic length L takes V G_inf tanh(L) where it is clamped.
    shape = cylinder(1000 * um, 2 * um, name="c")
    cell = Neuron(shape, PerBranch(400), rest=-65 * mV).paint(Leak(E=-65 * mV))
    clamp = VoltageClamp(holding=-65 * mV, levels=[-55] * mV, durations=[199] * ms, onset=1 * ms)
    current = traces(held(cell, 150 * ms, clamp, at("c", 0.0), dt=0.1 * ms))[1][0, -1]
    radius, g, R_a = 1e-6, 1.0, 1.0
    length = np.sqrt(radius / (2 * R_a * g))
    G_inf = np.pi * radius**2 / (R_a * length)
    # The clamped point is half a compartment (1.25 um) from the end.
    reached = (1e-3 - 1.25e-6) / length
    wanted = 10e-3 * (G_inf * np.tanh(reached) + np.pi * 2 * radius * 1.25e-6 * g)
    np.testing.assert_allclose(current, wanted, rtol=1e-4)


def test_any_number_of_segments_is_one_program():
    def run(count):
        levels = np.where(np.arange(count) % 2, -65.0, -60.0)
        clamp = VoltageClamp(
            holding=-65 * mV, levels=levels * mV, durations=np.full(count, 0.1) * ms, onset=0 * ms
        )
        return traces(held(passive(), 60 * ms, clamp, dt=0.05 * ms))[0][0]

    from neurosim.engine.programs.cache import cache_folder

    few = run(2)
    before = set(cache_folder().iterdir())
    many = run(500)
    assert set(cache_folder().iterdir()) == before
    np.testing.assert_allclose(few[:4], [-0.06, -0.06, -0.065, -0.065])
    np.testing.assert_allclose(many[:1000].reshape(-1, 4), np.tile(few[:4], (250, 1)))
    np.testing.assert_allclose(many[1000:], -0.065)


def test_onset_and_lengths_of_segments_vary_over_a_batch():
    clamp = VoltageClamp(holding=-65 * mV, levels=[-60, -50] * mV, durations=[2, 1] * ms)
    batch = {
        "onset": [1, 2, 1] * ms,
        "durations[0]": [2, 2, 3] * ms,
        "levels[1]": [-50, -40, -30] * mV,
    }
    v, _, _ = traces(held(passive(), 8 * ms, clamp, dt=0.1 * ms, batch=batch))
    for row, (onset, length, level) in enumerate([(10, 20, -50), (20, 20, -40), (10, 30, -30)]):
        wanted = np.full(80, -65.0)
        wanted[onset : onset + length] = -60
        wanted[onset + length : onset + length + 10] = level
        np.testing.assert_allclose(v[row] * 1e3, wanted)


def test_a_ramp_and_a_sampled_command_are_straight_lines():
    ramp = VoltageClamp(
        holding=-65 * mV, levels=[-25, -65] * mV, durations=[4, 2] * ms, onset=1 * ms, linear=True
    )
    run = held(passive(), 9 * ms, ramp, dt=0.01 * ms)
    t = np.asarray(run.trace_time) * 1e3
    (v,), (i,), _ = traces(run)
    wanted = np.interp(t, [0, 1, 5, 7, 9], [-65, -65, -25, -65, -65])
    np.testing.assert_allclose(v * 1e3, wanted, atol=1e-9)
    # C dV/dt on the way up, and the leak.
    up = (t > 1.5) & (t < 4.5)
    np.testing.assert_allclose(i[up], C_F * 10 + G_S * (v[up] + 65e-3), rtol=1e-9)
    sampled = VoltageClamp.sampled([-65, -25, -45, -65] * mV, 2 * ms, onset=1 * ms)
    (v,), _, _ = traces(held(passive(), 9 * ms, sampled, dt=0.01 * ms))
    wanted = np.interp(t, [0, 1, 3, 5, 7, 9], [-65, -65, -25, -45, -65, -65])
    np.testing.assert_allclose(v * 1e3, wanted, atol=1e-9)


@pytest.mark.slow
def test_an_action_potential_clamp_needs_no_current_but_the_injected_one():
    # The cell's own spike as the command: the clamp passes what the spike was elicited by.
    step = Steps(amplitude=0.15 * nA, onset=1 * ms, duration=1 * ms)
    free = simulate(squid(), 6 * ms, stimulus=step, dt=0.005 * ms, record=["v"], engine="numpy")
    v = np.concatenate([[-65e-3], np.asarray(free.trace("v"))[0]])
    assert v.max() > 0
    command = VoltageClamp.sampled(v * 1e3 * mV, 0.005 * ms, onset=0 * ms)
    run = held(squid(), 6 * ms, command, dt=0.005 * ms, scheme="crank-nicolson")
    (seen,), (current,), _ = traces(run)
    np.testing.assert_allclose(seen, v[1:], rtol=0, atol=1e-12)
    injected = np.where((run.trace_time_s > 1e-3) & (run.trace_time_s < 2e-3 + 1e-9), 0.15, 0)
    np.testing.assert_allclose(current * 1e9, injected, atol=1e-6)


@pytest.mark.slow
def test_a_clamp_holds_while_the_cell_settles_and_the_junction_potential_is_subtracted():
    clamp = VoltageClamp(holding=-40 * mV, levels=[-40] * mV, durations=[1] * ms, junction=10 * mV)
    (v,), (i,), _ = traces(held(squid(), 1 * ms, clamp, settle=200 * ms))
    assert v == pytest.approx(-0.05, abs=1e-15)
    # The current of the channels at steady state, from the first step on.
    steady = -sum(float(part.density(-50 * mV, 6.3)) for part in squid_axon()) * AREA_m2
    np.testing.assert_allclose(i, steady, rtol=1e-6)


@pytest.mark.slow
def test_clamps_of_a_circuit_and_of_two_compartments():
    clamp = VoltageClamp(holding=-65 * mV, levels=[-50] * mV, durations=[5] * ms, onset=1 * ms)
    circuit = Circuit().add("held", ball(), 3, stimulus=clamp, batch={"levels": [-50, -40, 0] * mV})
    run = simulate(circuit, 6 * ms, record=["v", CURRENT, "stimulus.command"])["held"]
    np.testing.assert_allclose(traces(run)[0][:, -1] * 1e3, [-50, -40, 0])
    both = (
        ball()
        .place(clamp, at("soma"), label="first")
        .place(clamp.replace(holding=-55 * mV), at("dendrite", 1.0), label="second")
        .probe("v", everywhere)
    )
    v = simulate(both, 1 * ms, dt=0.05 * ms, engine="numpy").matrix("v").values
    assert np.asarray(v)[0, -1, [0, -1]] == pytest.approx([-0.065, -0.055], abs=1e-15)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_cell_of_a_family_is_what_it_is_alone(jobs):
    clamp = VoltageClamp(holding=-65 * mV, levels=[0] * mV, durations=[5] * ms, onset=1 * ms)
    levels = np.linspace(-100, 50, 40) * mV
    R_s = np.where(np.arange(40) % 3, 5.0, 0.0) * Mohm
    run = held(squid(), 8 * ms, clamp, batch={"levels": levels, "R_s": R_s}, jobs=jobs)
    for row in (0, 7, 39):
        one = clamp.replace(levels=levels[row : row + 1], R_s=R_s[row])
        _, (alone,), _ = traces(held(squid(), 8 * ms, one))
        np.testing.assert_allclose(traces(run)[1][row], alone, rtol=1e-9)


def test_what_a_clamp_cannot_be_is_refused():
    clamp = VoltageClamp()
    with pytest.raises(ParameterError, match="2 levels and 1 durations"):
        VoltageClamp(levels=[0, 10] * mV, durations=[5] * ms)
    with pytest.raises(ParameterError, match="at most 1"):
        VoltageClamp(compensation=1.5)
    with pytest.raises(ParameterError, match="one by one"):
        clamp + Constant(1 * pA)
    with pytest.raises(ParameterError, match="electrode of its own"):
        Constant(1 * pA) + CurrentClamp()
    with pytest.raises(ParameterError, match="LIF is a point neuron"):
        simulate(LIF(), 5 * ms, stimulus=CurrentClamp(Constant(10 * pA)))
    with pytest.raises(ParameterError, match="clamped by 'a' already"):
        simulate(
            passive().place(clamp, at("soma", 0.2), label="a").place(clamp, at("soma", 0.8)), 1 * ms
        )
    with pytest.raises(ParameterError, match="got a clamp"):
        CurrentClamp(clamp)
    for one in (clamp, CurrentClamp(), DynamicClamp([1] * nS, interval=1 * ms)):
        with pytest.raises(ParameterError, match="is an electrode in a cell"):
            passive().expose(UniformField(), one)
    mixed = DynamicClamp([1] * nS, interval=1 * ms) + Constant(1 * pA)
    with pytest.raises(ParameterError, match="place each"):
        simulate(passive(), 1 * ms, stimulus=mixed)
    with pytest.raises(UnknownNameError, match=r"stimulus\.command"):
        simulate(passive(), 1 * ms, stimulus=clamp, record=["stimulus.comand"])
    with pytest.raises(ParameterError, match="channel must be a whole number"):
        simulate(
            passive(), 1 * ms, stimulus=DynamicClamp([1] * nS, interval=1 * ms),
            batch={"channel": [0, 1]},
        )  # fmt: skip


# ---- dynamic clamp -------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("engine", ["cpp", "numpy"])
def test_a_dynamic_clamp_charges_as_its_conductance_says(engine):
    g = np.array([[0.0, 4.0, 1.0], [2.0, -1.0, 0.0]])
    clamp = DynamicClamp(g * nS, interval=5 * ms, E=0 * mV, onset=2 * ms)
    run = simulate(
        passive(), 20 * ms, stimulus=clamp, dt=0.01 * ms, engine=engine,
        batch={"channel": [0, 1, 0], "scale": [1, 1, 2], "dynamic_clamp.E": [0, 0, -80] * mV},
        record=["v", CURRENT, "stimulus.conductance"],
    )  # fmt: skip
    t = np.asarray(run.trace_time)
    for row, (channel, scale, E) in enumerate([(0, 1, 0), (1, 1, 0), (0, 2, -0.08)]):
        v, now = np.full(len(t), -0.065), -0.065
        for k, siemens in enumerate([*(scale * g[channel] * 1e-9), 0.0]):
            start = 2e-3 + 5e-3 * k
            here = (t > start - 1e-9) & (t < start + 5e-3 + 1e-9)
            total = G_S + siemens
            steady = (G_S * -0.065 + siemens * E) / total
            v[here] = steady + (now - steady) * np.exp(-(t[here] - start) * total / C_F)
            now = v[here][-1]
        # A step of second order is off by dt^2/(12 tau^2) of what it goes: 0.1 uV at most here.
        np.testing.assert_allclose(np.asarray(run.trace("v"))[row], v, rtol=0, atol=1e-7)
    shown = np.asarray(run.trace("stimulus.conductance"))[1, [100, 400, 800, 1500, 1900]]
    np.testing.assert_allclose(shown, [0, 2e-9, -1e-9, 0, 0], atol=1e-24)


def test_a_dynamic_clamp_is_the_channel_it_stands_for():
    # The leak as a conductance of the clamp: the same cell.
    rest = compartment(Leak(g=0.3 * mS / cm**2, E=-65 * mV))
    none = compartment(Leak(g=0.1 * mS / cm**2, E=-65 * mV))
    step = Steps(amplitude=30 * pA, onset=2 * ms, duration=10 * ms)
    missing = 2.0 * AREA_m2 * 1e9
    clamp = DynamicClamp([missing] * nS, interval=100 * ms, E=-65 * mV)
    options = {"stimulus": step, "record": ["v"], "engine": "numpy"}
    whole = simulate(rest, 20 * ms, **options).trace("v")
    given = simulate(none.place(clamp, at("soma")), 20 * ms, **options).trace("v")
    np.testing.assert_allclose(np.asarray(given), np.asarray(whole), rtol=0, atol=1e-13)


@pytest.mark.slow
def test_a_point_neuron_takes_a_conductance():
    lif = LIF()
    clamp = DynamicClamp([0, 1] * nS, interval=10 * ms, E=-40 * mV)
    run = simulate(lif, 20 * ms, stimulus=clamp, dt=0.01 * ms, record=["v"], engine="numpy")
    v, g = np.asarray(run.trace("v"))[0], 1 / float(lif.R_m)
    steady = (g * float(lif.E_L) + 1e-9 * -0.04) / (g + 1e-9)
    tau = float(lif.tau_m) * g / (g + 1e-9)
    wanted = steady + (float(lif.E_L) - steady) * np.exp(-(20e-3 - 10e-3) / tau)
    # The potential of the clamp is that at the start of the step: of first order.
    assert v[-1] == pytest.approx(wanted, abs=3e-6)
    assert run.counts()[0] == 0


def test_a_conductance_is_read_from_files(tmp_path):
    text, array = tmp_path / "g.csv", tmp_path / "g.npy"
    text.write_text("# time, a, b\n0,0,1\n0.5,2,3\n1.0,4,5\n")
    np.save(array, np.array([[0, 2, 4], [1, 3, 5.0]]))
    one = DynamicClamp.from_file(text, unit=nS)
    assert one == DynamicClamp.from_file(array, unit=nS, interval=0.5 * ms)
    assert one == DynamicClamp([[0, 2, 4], [1, 3, 5]] * nS, interval=0.5 * ms)
    text.write_text("0 0\n1 1\n3 1\n")
    with pytest.raises(ParameterError, match="rise evenly"):
        DynamicClamp.from_file(text, unit=nS)
    for content in ("", "a,b\n", "1,2\n3\n"):
        text.write_text(content)
        with pytest.raises(ParameterError, match="from_file"):
            DynamicClamp.from_file(text, unit=nS, interval=1 * ms)
    with pytest.raises(ParameterError, match="cannot be read"):
        DynamicClamp.from_file(tmp_path / "none.txt", unit=nS)
    text.write_text("0\nnan\n")
    with pytest.raises(ParameterError, match="finite"):
        DynamicClamp.from_file(text, unit=nS, interval=1 * ms)


# ---- current clamp through an electrode ----------------------------------------------------------
SHOWING = ["v", CURRENT, "stimulus.command", "stimulus.electrode", SHOWN]
# A noise of nothing, so that all electrodes share one program.
SILENT = OrnsteinUhlenbeck(sd=0 * pA)
ELECTRODES = [(10, 5), (50, 1), (100, 30), (1, 0.1), (10, 0)]


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "off"), [("crank-nicolson", 2e-6), ("backward-euler", 1.5e-3)])
def test_an_electrode_charges_as_two_compartments(scheme, off):
    current, since = 1e-10, 9e-3
    R, C = (np.array(column) for column in zip(*ELECTRODES, strict=True))
    clamp = CurrentClamp(Steps(amplitude=100 * pA, onset=1 * ms, duration=50 * ms) + SILENT)
    run = simulate(
        passive(), 10 * ms, stimulus=clamp, dt=0.04 * ms, scheme=scheme,
        batch={"R_e": R * Mohm, "C_e": C * pF}, record=SHOWING,
    )  # fmt: skip
    for row, (r, c) in enumerate(zip(R * 1e6, C * 1e-12, strict=True)):
        if c:
            M = np.array([[-(1 / r + G_S) / C_F, 1 / r / C_F], [1 / r / c, -1 / r / c]])
            wanted = np.linalg.solve(M, (expm(M * since) - np.eye(2)) @ [0, current / c])
        else:
            wanted = current / G_S * (1 - np.exp(-since * G_S / C_F)) + [0, r * current]
        ends = [np.asarray(run.trace(n))[row, -1] + 0.065 for n in ("v", "stimulus.electrode")]
        np.testing.assert_allclose(ends, wanted, rtol=off)
        # All that is injected charges the electrode or enters the cell.
        entered = np.asarray(run.trace(CURRENT))[row].sum() * 4e-5
        np.testing.assert_allclose(entered + c * ends[1], current * since, rtol=1e-12)


@pytest.mark.slow
def test_bridge_balance_and_junction_potential_are_what_the_amplifier_shows():
    clamp = CurrentClamp(
        Steps(amplitude=100 * pA, onset=1 * ms, duration=50 * ms) + SILENT,
        R_e=20 * Mohm,
        junction=15 * mV,
    )
    run = simulate(
        passive(), 10 * ms, stimulus=clamp, batch={"bridge": [0, 15, 20, 25] * Mohm},
        record=SHOWING,
    )  # fmt: skip
    v, shown = (np.asarray(run.trace(name)) for name in ("v", SHOWN))
    off = shown - v - 15e-3
    np.testing.assert_allclose(off[:, -1] * 1e3, [2, 0.5, 0, -0.5], atol=1e-9)
    np.testing.assert_allclose(off[:, 10], 0, atol=1e-15)
    assert np.asarray(run.trace("stimulus.command"))[0, -1] == pytest.approx(1e-10)


@pytest.mark.slow
def test_the_two_engines_agree_on_an_electrode_under_noise():
    noise = OrnsteinUhlenbeck(mean=50 * pA, sd=30 * pA, tau=2 * ms)
    none = Steps(amplitude=0 * pA)
    clamp = CurrentClamp(none + noise, R_e=30 * Mohm, C_e=3 * pF, bridge=30 * Mohm)
    both = [
        simulate(passive(), 10 * ms, stimulus=clamp, seed=[3, 4], record=SHOWING, engine=engine,
                 settle=5 * ms)
        for engine in ("cpp", "numpy")
    ]  # fmt: skip
    for name in SHOWING:
        ours, theirs = (np.asarray(run.trace(name)) for run in both)
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-16)
    # The noise begins with the run, with or without rest before.
    other = simulate(
        passive(), 10 * ms, stimulus=none + noise, seed=3, record=[CURRENT], engine="numpy"
    )
    (given,) = traces(both[0], "stimulus.command")
    np.testing.assert_allclose(given[0], traces(other, CURRENT)[0][0], rtol=1e-12)


@pytest.mark.slow
def test_an_electrode_without_capacitance_is_the_current_alone():
    step = Steps(amplitude=0.3 * nA, onset=1 * ms, duration=5 * ms)
    alone, through = (
        simulate(squid(), 20 * ms, stimulus=one, record=["v"], engine="numpy")
        for one in (step, CurrentClamp(step))
    )
    np.testing.assert_allclose(
        np.asarray(through.trace("v")), np.asarray(alone.trace("v")), rtol=0, atol=1e-13
    )
    assert through.counts()[0] == alone.counts()[0] == 1
    assert Constant(1 * amp) != CurrentClamp(Constant(1 * amp))


@pytest.mark.slow
def test_each_cell_settles_at_its_own_holding_potential():
    clamp = VoltageClamp(holding=-80 * mV, levels=[0] * mV, durations=[1] * ms, onset=0.1 * ms)
    given = {"settle": 60 * ms, "dt": 0.05 * ms, "record": ["hh_sodium.h"], "engine": "numpy"}
    batch = {"holding": [-80, -50] * mV}
    both = simulate(squid(), 0.5 * ms, stimulus=clamp, batch=batch, **given)
    held = clamp.replace(holding=-50 * mV)
    alone = simulate(squid(), 0.5 * ms, stimulus=held, **given)
    np.testing.assert_array_equal(both.trace("hh_sodium.h")[1], alone.trace("hh_sodium.h")[0])
    assert alone.trace("hh_sodium.h")[0, 0] < 0.2 < 0.9 < both.trace("hh_sodium.h")[0, 0]
