"""The generalised integrate-and-fire neuron: its spikes, from closed forms and from its rules."""

from dataclasses import fields

import numpy as np
import pytest
from brian2 import Hz, ms, mV, pA

from neurosim import LIF, Constant, differentiate, simulate
from neurosim.catalogue import GLIF
from neurosim.gradients.losses import SpikeTime

# What makes it a leaky neuron with the constants of `LIF`.
LEVEL_1 = {"A_1": 0 * pA, "A_2": 0 * pA, "V_reset": -70 * mV}
LEVELS = {
    1: LEVEL_1,
    2: {**LEVEL_1, "V_reset": -68 * mV, "f_v": 0.2, "jump": 4 * mV, "tau_s": 30 * ms},
    3: {"A_1": -120 * pA, "A_2": -20 * pA, "R_2": 0.7, "V_reset": -70 * mV},
    5: {"A_1": -80 * pA, "A_2": -20 * pA, "jump": 2 * mV, "f_v": 0.1, "a_v": 5 * Hz},
}


def by_the_publication(neuron, current_pA, length_ms, dt_ms=0.002):
    """Return spikes (ms) as Teeter and others (2018) run them: nothing goes on during a spike.

    Euler steps, on which nothing of ours rests. After a spike, the states that decay have decayed
    for as long as it lasts, then what it adds is added.
    """
    p = {one.name: float(getattr(neuron, one.name)) for one in fields(neuron)}
    dt, wait = dt_ms * 1e-3, p["t_ref"]
    v, first, second, s, a = p["E_L"], 0.0, 0.0, 0.0, 0.0
    time, spikes = 0.0, []
    while time < length_ms * 1e-3:
        slope = (p["g_L"] * (p["E_L"] - v) + first + second + current_pA * 1e-12) / p["C"]
        a += dt * (p["a_v"] * (v - p["E_L"]) - a / p["tau_v"])
        v += dt * slope
        first -= dt * first / p["tau_1"]
        second -= dt * second / p["tau_2"]
        s -= dt * s / p["tau_s"]
        time += dt
        if v > p["V_th"] + s + a:
            spikes.append(time * 1e3)
            v = p["V_reset"] + p["f_v"] * (v - p["E_L"])
            first = p["R_1"] * first * np.exp(-wait / p["tau_1"]) + p["A_1"]
            second = p["R_2"] * second * np.exp(-wait / p["tau_2"]) + p["A_2"]
            s = s * np.exp(-wait / p["tau_s"]) + p["jump"]
            time += wait
    return np.array(spikes)


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_spikes_as_published(level):
    neuron = GLIF(**LEVELS[level])
    theirs = by_the_publication(neuron, 400, 150)
    assert len(theirs) > 4
    run = differentiate(
        neuron, 150 * ms, SpikeTime(), ["C"], stimulus=Constant(400 * pA), dt=0.05 * ms
    )
    ours = run.spike_times[0] / ms
    assert len(ours) == len(theirs)
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_the_first_level_is_a_leaky_neuron():
    given = {"stimulus": Constant(213 * pA), "dt": 0.02 * ms}
    ours = simulate(GLIF(**LEVEL_1), 200 * ms, **given)
    theirs = simulate(LIF(), 200 * ms, **given)
    assert len(ours.spike_time_s) > 4
    np.testing.assert_allclose(ours.spike_time_s, theirs.spike_time_s, atol=1e-9)


def test_a_spike_adds_its_currents_when_it_is_over():
    neuron = GLIF(A_1=-100 * pA, A_2=40 * pA, jump=3 * mV)
    run = simulate(
        neuron, 40 * ms, stimulus=Constant(300 * pA), record=["I_1", "I_2", "theta_s"],
        dt=0.01 * ms,
    )  # fmt: skip
    first = run.spike_time_s[0]
    assert len(run.spike_time_s) >= 1
    # Spikes are on the grid: a reset follows the sample of its time.
    at = np.searchsorted(run.trace_time_s, first + 2e-3 + 1e-9)
    for name, expected in (("I_1", -100e-12), ("I_2", 40e-12), ("theta_s", 3e-3)):
        assert run.traces_si[name][0, at] == pytest.approx(expected, rel=0.003)
