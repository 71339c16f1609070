"""Spikes of AdEx and their derivatives beside an integration that shares nothing with ours."""

from dataclasses import fields

import numpy as np
import pytest
from brian2 import ms, pA
from scipy.integrate import solve_ivp

from neurosim import AdEx, Constant, differentiate
from neurosim.gradients.losses import SpikeTime

NEURON = AdEx(t_ref=1 * ms)
CURRENT = 500 * pA
# In SI units.
VALUES = {one.name: float(getattr(NEURON, one.name)) for one in fields(NEURON)}
VALUES["constant.current"] = float(CURRENT)
# Weights of differences over one to four steps, of eighth order.
EIGHTH = np.array([672, -168, 32, -3]) / 840


def spike_of_equations(number, **changed):
    """Return the time (s) of a spike: over time until the upstroke, then over the potential."""
    p = VALUES | changed
    exact = {"method": "DOP853", "rtol": 3e-14, "atol": [1e-18, 1e-24]}

    def rates(v, w):
        upstroke = p["g_L"] * p["Delta_T"] * np.exp((v - p["V_T"]) / p["Delta_T"])
        dv = p["g_L"] * (p["E_L"] - v) + upstroke - w + p["constant.current"]
        return dv / p["C"], (p["a"] * (v - p["E_L"]) - w) / p["tau_w"]

    def over_v(v, x):
        dv, dw = rates(v, x[1])
        return [1 / dv, dw / dv]

    def near(_, x):
        return x[0] - p["V_T"] - 1e-3

    near.terminal, near.direction = True, 1
    t, v, w = 0.0, p["E_L"], 0.0
    for k in range(number):
        slow = solve_ivp(lambda _, x: rates(*x), (0, 0.2), [v, w], events=near, **exact)
        # The last step before the event ends on a state of the solver itself.
        v, w = slow.y[:, -2]
        steep = solve_ivp(over_v, (v, p["V_peak"]), [slow.t[-2], w], **exact)
        t, w, v = t + steep.y[0, -1], steep.y[1, -1] + p["b"], p["V_reset"]
        if k < number - 1:
            rest = p["a"] * (v - p["E_L"])
            w = rest + (w - rest) * np.exp(-p["t_ref"] / p["tau_w"])
            t += p["t_ref"]
    return t


def slope_of(run, name, h=2e-3):
    """Return the derivative by the logarithm of a parameter, from runs with it moved."""
    steps = h * np.arange(1, 5)
    ahead, behind = (
        np.array([run(1 + side * step) for step in steps]) for side in (1, -1)
    )  # fmt: skip
    return float(EIGHTH @ (ahead - behind)) / h


@pytest.mark.parametrize("name", ["C", "E_L", "V_T", "b", "constant.current"])
def test_spikes_and_their_derivatives_are_those_of_the_equations(name):
    number, moved = 4, 2e-3 * np.arange(-4, 5)
    centre = CURRENT if name == "constant.current" else getattr(NEURON, name)
    found = differentiate(
        NEURON, 60 * ms, SpikeTime(number=number), [name], stimulus=Constant(CURRENT),
        batch={name: (1 + moved) * centre},
    )  # fmt: skip
    ours = np.asarray(found.value)
    assert abs(ours[4] - spike_of_equations(number)) < 2e-11
    exact = slope_of(lambda share: spike_of_equations(number, **{name: VALUES[name] * share}), name)
    assert abs(float(found.relative(name)[4]) / exact - 1) < 1e-6
    # Differences of our runs are nearer still: the derivative takes the short steps of an upstroke
    # as given, whose lengths the run adapts.
    by_runs = slope_of(lambda share: ours[round((share - 1) / 2e-3) + 4], name)
    assert abs(by_runs / exact - 1) < 1e-7
