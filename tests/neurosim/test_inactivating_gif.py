"""The neuron that bends above a potential: its rest, its current, and the neuron it contains."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms, mV, nS, pA
from scipy.optimize import brentq

from neurosim import Constant, Steps, simulate
from neurosim.catalogue import GLIF, InactivatingGIF
from neurosim.stimuli import Ramp, Stimulus

SHARED = {
    "A_1": -80 * pA, "A_2": -20 * pA, "jump": 2 * mV, "f_v": 0.1, "tau_s": 30 * ms,
    "V_reset": -64 * mV,
}  # fmt: skip
SILENT = 0 * mV


def test_without_conductance_and_following_it_is_the_generalised_neuron() -> None:
    given = {"stimulus": Constant(400 * pA), "dt": 0.02 * ms}
    ours = simulate(InactivatingGIF(**SHARED, g_r=0 * nS, follow=0.0), 150 * ms, **given)
    theirs = simulate(GLIF(**SHARED), 150 * ms, **given)
    assert len(theirs.spike_time_s) > 4
    np.testing.assert_allclose(ours.spike_time_s, theirs.spike_time_s, atol=1e-9)


def test_well_above_the_bend_the_threshold_follows_as_in_the_generalised_neuron() -> None:
    # There the softened bend is the straight line v - V_i.
    share, tau = 0.4, 20 * ms
    ours = InactivatingGIF(
        **SHARED, g_r=0 * nS, follow=share, tau_v=tau, V_i=-120 * mV, k_i=1 * mV,
        V_th=-55 * mV - share * 50 * mV,
    )  # fmt: skip
    theirs = GLIF(**SHARED, a_v=share / tau, tau_v=tau)
    given = {"stimulus": Constant(500 * pA), "dt": 0.02 * ms}
    first = simulate(ours, 150 * ms, **given).spike_time_s
    assert len(first) > 4
    np.testing.assert_allclose(first, simulate(theirs, 150 * ms, **given).spike_time_s, atol=1e-9)


def test_it_rests_at_its_resting_potential_however_much_is_open_there() -> None:
    neuron = InactivatingGIF(E_L=-50 * mV, V_0=-50 * mV, V_r=-45 * mV, g_r=30 * nS, V_th=SILENT)
    v = simulate(neuron, 200 * ms, record=["v"]).traces_si["v"][0]
    assert np.abs(v + 50e-3).max() < 1e-12
    # And it comes back to it.
    other = InactivatingGIF(E_L=-50 * mV, V_0=-70 * mV, V_r=-45 * mV, g_r=30 * nS, V_th=SILENT)
    assert simulate(other, 400 * ms, record=["v"]).traces_si["v"][0, -1] == pytest.approx(
        -50e-3, abs=1e-8
    )


@pytest.mark.parametrize("current_pA", [-200.0, 300.0, 900.0])
def test_currents_balance_where_the_potential_stays(current_pA: float) -> None:
    neuron = InactivatingGIF(g_r=40 * nS, V_th=SILENT + 60 * mV)

    def left(v_mV: float) -> float:
        def opened(at: float) -> float:
            return 1 / (1 + np.exp((-45.0 - at) / 4.0))

        through = 40.0 * (opened(v_mV) * (v_mV + 90.0) - opened(-70.0) * 20.0)
        return 10.0 * (-70.0 - v_mV) - through + current_pA

    expected = brentq(left, -120.0, 60.0)
    v = simulate(neuron, 1000 * ms, stimulus=Constant(current_pA * pA), record=["v"])
    assert v.traces_si["v"][0, -1] == pytest.approx(1e-3 * expected, abs=1e-6)
    if current_pA == 900.0:
        # The leak alone would be 90 mV above rest.
        assert expected < -45.0 + 15.0


def test_below_its_threshold_at_rest_it_fires_without_current() -> None:
    restless = InactivatingGIF(E_L=-45 * mV, V_0=-60 * mV, g_r=0 * nS, follow=0.0)
    run = simulate(restless, 500 * ms, stimulus=Steps(-150 * pA, 300 * ms, 200 * ms))
    before = run.spike_time_s[run.spike_time_s < 0.3]
    assert len(before) > 3
    # A current that takes the balance below the threshold silences it.
    assert np.all(run.spike_time_s < 0.31)


def test_a_threshold_that_keeps_ahead_of_a_slow_potential_is_met_by_a_fast_one() -> None:
    def spikes(follow: float, stimulus: Stimulus) -> int:
        bends = InactivatingGIF(g_r=0 * nS, follow=follow, V_i=-60 * mV, tau_v=8 * ms)
        return len(simulate(bends, 450 * ms, stimulus=stimulus).spike_time_s)

    fast, slow = Steps(900 * pA, 20 * ms, 400 * ms), Ramp(0 * pA, 900 * pA, 20 * ms, 400 * ms)
    assert spikes(0.0, fast) > 0
    assert spikes(0.0, slow) > 0
    assert spikes(1.3, fast) > 0
    assert spikes(1.3, slow) == 0
