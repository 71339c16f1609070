"""Synapses as currents and as conductances, and the time a spike takes to arrive."""

import numpy as np
import pytest
from brian2 import ms, mV, nS, pA

from neurosim import LIF, FeedForward, simulate
from neurosim.errors import ParameterError, UnitError

WEIGHTS = np.array([[3.0, -1.0]])


def run(wiring, engine="auto", **settings):
    """One driving neuron, two driven ones that stay below threshold."""
    return simulate(
        LIF(),
        60 * ms,
        batch={"current": np.array([[300.0, 50.0, 50.0]]) * pA},
        wiring=wiring,
        engine=engine,
        **settings,
    )


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0 * ms, 3 * ms, [7, 0, 0] * ms])
def test_a_spike_arrives_when_it_should(delay):
    wiring = FeedForward(weights=(WEIGHTS * nS,), delay=delay)
    found = run(wiring, record=["g_exc", "g_inh"], record_rows=[1, 2])
    first = found.spike_time_s[found.spike_row == 0][0]
    opened = np.argmax(found.traces_si["g_exc"][0] > 0) * 1e-4
    wait = float(np.ravel(np.asarray(delay))[0])
    # Seen by the driven neuron one step after the spike.
    assert opened == pytest.approx(first + wait + 1e-4, abs=1e-9)
    assert np.all(found.traces_si["g_inh"][0] == 0)
    assert np.all(found.traces_si["g_exc"][1] == 0)
    assert found.traces_si["g_inh"][1].max() >= 1e-9


@pytest.mark.slow
def test_conductances_follow_their_equation():
    wiring = FeedForward(weights=(WEIGHTS * nS,), tau_syn=5 * ms)
    found = run(wiring, record=["v", "g_exc", "I_stim"], record_rows=[1])
    v, g, current = (found.traces_si[name][0] for name in ("v", "g_exc", "I_stim"))
    # The current of a step is that of the conductance and the potential at its start.
    np.testing.assert_allclose(current[1:] - 50e-12, (g * (0 - v))[1:], rtol=1e-9, atol=1e-18)
    spike = int(np.argmax(g > 0))
    np.testing.assert_allclose(g[spike + 10] / g[spike], np.exp(-1 / 5), rtol=1e-6)


@pytest.mark.slow
def test_both_engines_agree_on_conductances_and_delays():
    wiring = FeedForward(weights=(WEIGHTS * nS,), delay=3 * ms)
    compiled, plain = (run(wiring, engine, record=["v"]) for engine in ("auto", "numpy"))
    np.testing.assert_array_equal(compiled.spike_time_s, plain.spike_time_s)
    np.testing.assert_allclose(compiled.traces_si["v"], plain.traces_si["v"], rtol=1e-12)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ParameterError, match="one value or 3, one for each unit; got 2"):
        FeedForward(weights=(WEIGHTS * pA,), delay=[1, 2] * ms)
    with pytest.raises(UnitError, match=r"weights\[1\]"):
        FeedForward(weights=(WEIGHTS * nS, np.ones((2, 2)) * pA))
    one, other = (FeedForward(weights=(WEIGHTS * unit,)) for unit in (nS, pA))
    assert one != other
    assert one.conductance
    assert not other.conductance
    assert FeedForward(weights=(WEIGHTS * nS,), E_inh=-75 * mV) != one
