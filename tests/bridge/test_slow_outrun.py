"""A converted network says by how much its rates outrun the slow state of its neurons."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from brian2.units import ms, pA, second

from ann import ShallowNetwork
from bridge.conversion.cautions_of_memory import outruns_of
from bridge.conversion.convert import convert
from bridge.counts.curve import FICurve
from bridge.errors import ConversionError
from bridge.slow_state.outrun import outrun
from bridge.units import LIFRate, ReLU, Softplus
from bridge.units.slow_unit import SlowUnit
from experiments.gallery.units.pump_cell import PumpCell
from neurosim import simulate

CURRENTS = np.arange(0.0, 520, 20)
# A curve that does not say whose it is: nothing has to be measured.
CURVE = FICurve(CURRENTS, np.round(100 * Softplus(0.4, 150, 20).rate(CURRENTS)), 100.0)


@pytest.fixture(scope="module")
def network():
    random = np.random.default_rng(0)
    X = random.random((60, 3))
    return ShallowNetwork(hidden=4, random_state=0).fit(X, X[:, 0] > 0.5), X


def test_the_loss_of_a_threshold_linear_layer_has_its_closed_form():
    """With r = g (I - a s) and k = g a = 1 the loss tends to 1/2 with tau/(1 + k) = 2.5 s."""
    found = outrun(SlowUnit(ReLU(0.5, 0), 2.0, 5.0), np.full((4, 3), 200.0), 0.5)
    assert np.isclose(found.within, 0.5 * (1 - 2.5 / 0.5 * (1 - np.exp(-0.5 / 2.5))), rtol=4e-3)
    assert np.isclose(found.in_the_end, 0.5, rtol=1e-3)
    assert np.isclose(found.notable_after_s, -2.5 * np.log(0.9), rtol=0.02)
    assert found.notable
    assert not outrun(SlowUnit(ReLU(0.5, 0), 0.01, 5.0), np.ones((2, 2)), 1.0).notable


@pytest.mark.slow
def test_the_pump_of_a_simulated_neuron_takes_what_is_foretold():
    """The onset is that of the same LIF neuron without a pump, so that nothing is fitted."""
    cell, current = PumpCell(), np.array([250.0, 320.0])
    onset = LIFRate(refractory_s=2e-3, tau_s=20e-3, span_pA=150.0, rheobase_pA=150.0)
    unit = SlowUnit(onset, cell.strength_pA_per_Hz, cell.tau_s)
    run = simulate(cell.neuron(), 45 * second, batch={"constant.current": current * pA})
    late = run.counts(35 * second) / 10.0
    first = np.array([1 / float(np.diff(train / second)[0]) for train in run.spike_trains()])
    for k in range(2):
        found = outrun(unit, current[k : k + 1, None], 0.05)
        assert abs(found.in_the_end - (1 - late[k] / first[k])) < 0.02


def test_a_converted_network_says_it(network):
    fitted, X = network
    slow = SlowUnit(ReLU(0.4, 150), strength=2.0, tau_s=5.0)
    with pytest.warns(UserWarning, match="hidden layer 1: rates of up to .* outrun"):
        spiking = convert(fitted, X, curve=CURVE, memory=slow, decision=100 * ms)
    (one,) = spiking.outruns
    assert one.notable
    assert 0 < one.within < one.worst_within < 0.05 < one.in_the_end < 1
    assert spiking.cautions == (str(one),)
    assert "outrun" in spiking._repr_html_()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weak = convert(fitted, X, curve=CURVE, memory=SlowUnit(slow.onset, 1e-3, 5.0))
    assert weak.outruns
    assert not weak.cautions
    with pytest.warns(UserWarning, match="slow state is that of another neuron"):
        convert(fitted, X, curve=CURVE, memory=SlowUnit(ReLU(0.4, 350), 1e-3, 5.0))
    with pytest.raises(ConversionError, match="memory must be a SlowUnit"):
        convert(fitted, X, memory=5.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("effect", ["subtractive", "divisive"])
@pytest.mark.parametrize("tau_s", [0.3, 5.0])
def test_a_curve_that_the_own_slow_state_lowers_is_no_other_neurons(effect, tau_s):
    """Counted from 0.2 to 1.2 s after onset, a strong state has taken much of the rate."""
    slow = SlowUnit(ReLU(0.4, 150), 3.0 if effect == "subtractive" else 0.02, tau_s, effect)
    step = np.full((len(CURRENTS), 120), CURRENTS[:, None])
    counted = slow.drive(step, 0.01)[:, 20:].mean(axis=1)
    other = "slow state is that of another neuron"
    for rates, warned in (
        (counted, False),
        (0.5 * slow.rate(CURRENTS), True),
        (2 * slow.onset_rate(CURRENTS), True),
    ):
        curve = FICurve(CURRENTS, np.round(100 * rates), 100.0)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            outruns_of(slow, [CURRENTS[:, None]], 0.1, curve)
        found = any(other in str(one.message) for one in told)
        assert found is warned, [str(one.message) for one in told]
