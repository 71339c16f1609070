"""How derivatives grow: in proportion to the number of the spike, or exponentially in chaos."""

import re
import warnings

import numpy as np
import pytest
from brian2 import ms, mV, nS, pA, pF

from neurosim import LIF, AdEx, Constant, HodgkinHuxley, differentiate, simulate
from neurosim.errors import ParameterError
from neurosim.gradients.found_gradient import GrowthWarning
from neurosim.gradients.losses import MeanPotential, SpikeTime


def cell(C, g_L, E_L, a, tau_w, b, V_reset):
    """Return a cell of Naud et al. (2008)."""
    return AdEx(
        C=C * pF, g_L=g_L * nS, E_L=E_L * mV, V_T=-50 * mV, Delta_T=2 * mV, a=a * nS,
        tau_w=tau_w * ms, b=b * pA, V_reset=V_reset * mV,
    )  # fmt: skip


TONIC = (cell(200, 10, -70, 2, 30, 0, -58), 500)
IRREGULAR = (cell(100, 12, -60, -11, 130, 30, -48), 160)


def by_leak(told, number):
    neuron, current = told
    return differentiate(
        neuron, 600 * ms, SpikeTime(number=number), ["g_L"], stimulus=Constant(current * pA)
    )


def test_on_a_limit_cycle_it_grows_in_proportion_to_the_number_of_the_spike():
    with warnings.catch_warnings():
        warnings.simplefilter("error", GrowthWarning)
        found = [by_leak(TONIC, n) for n in (10, 20, 30, 40)]
    slopes = [float(one.relative("g_L")[0]) for one in found]
    more = np.diff(slopes)
    assert more[0] > 0.03
    np.testing.assert_allclose(more, more[-1], rtol=0.01)
    assert all(one.growth[0] < 5 for one in found)


def test_in_chaos_it_grows_exponentially_and_is_warned_of_with_the_number():
    numbers, growth = (2, 10, 20, 30), []
    for n in numbers:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", GrowthWarning)
            growth.append(float(by_leak(IRREGULAR, n).growth[0]))
        told = [str(one.message) for one in said if one.category is GrowthWarning]
        assert bool(told) == (growth[-1] > 1e4)
        if told:
            number = float(re.search(r"up to (\S+) times", told[0])[1])
            assert number == pytest.approx(growth[-1], rel=0.05)
    assert growth[0] < 100
    assert growth[-1] > 1e6
    # About as many powers of ten every ten spikes: a straight line in the logarithm.
    powers = np.log10(growth)
    line = np.polyfit(numbers, powers, 1)
    assert 0.15 < line[0] < 0.4
    assert np.abs(powers - np.polyval(line, numbers)).max() < 1


def test_spikes_of_simulate_are_apart_by_less_than_a_step_each():
    given = {"stimulus": Constant(0 * pA), "batch": {"current": [160, 213] * pA}}
    found = differentiate(LIF(), 200 * ms, SpikeTime(), ["tau_m"], **given)
    run = simulate(LIF(), 200 * ms, **given)
    apart = found.apart(run)
    for row, late in enumerate(apart):
        assert len(late) == len(found.spike_times[row]) >= 3
        exact = np.asarray(run.spike_train(row)) - np.asarray(found.spike_times[row])
        np.testing.assert_allclose(np.asarray(late), exact)
        steps = np.abs(np.asarray(late)) / float(run.dt)
        assert np.all(steps < np.arange(1, len(steps) + 1))
    with pytest.raises(ParameterError, match="2 rows, and the gradient 1"):
        differentiate(LIF(), 200 * ms, SpikeTime(), ["tau_m"], stimulus=Constant(200 * pA)).apart(
            run
        )
    smooth = differentiate(HodgkinHuxley(), 2 * ms, MeanPotential(), ["g_Na"])
    with pytest.raises(ParameterError, match="is that of simulate"):
        smooth.apart(run)
