"""Where the spike starts: the cell that it needs, and when a potential crosses 0 mV."""

import numpy as np
import pytest

from experiments import Context, find
from experiments.gallery.neurons.cortical_channels import CorticalSodium, of_density
from experiments.gallery.neurons.segment_sodium import _crossing
from neurosim.errors import ParameterError


def test_a_crossing_lies_between_two_samples_and_is_the_first_upward_one():
    time = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    assert _crossing(time, np.array([5.0, -1.0, 3.0, -2.0, 1.0])) == pytest.approx(1.25)
    assert np.isnan(_crossing(time, np.array([5.0, 4.0, -3.0, -2.0, -1.0])))


def test_a_cell_that_is_not_there_is_asked_for():
    found = find("segment-sodium")
    with pytest.raises(ParameterError, match=r"no cell at 'none\.swc': give .* published cell"):
        found.run(found.with_values({"morphology": "none.swc"}), Context(quick=True))


def test_the_curves_of_a_sodium_channel_follow_its_shift_and_its_rates_the_temperature():
    """Rates in 1/ms at 23 °C as the program has them: 0.182 (u + 35)/(1 - exp(-(u + 35)/9))..."""
    from brian2.units import ms, mV

    v = np.array([-80.0, -51.3, -30.2, 5.7])
    u = v - 10
    opening = 0.182 * (u + 35) / (1 - np.exp(-(u + 35) / 9))
    closing = -0.124 * (u + 35) / (1 - np.exp((u + 35) / 9))
    cold, warm = (CorticalSodium().gates(v * mV, celsius)["m"] for celsius in (23, 33))
    assert np.asarray(cold.steady) == pytest.approx(opening / (opening + closing), rel=1e-9)
    assert np.asarray(cold.tau / ms) == pytest.approx(1 / (opening + closing), rel=1e-9)
    assert np.asarray(cold.tau / warm.tau) == pytest.approx(2.3, rel=1e-9)
    shifted = of_density(CorticalSodium, 1, shift=3 * mV).gates((v - 7) * mV, 23)["m"]
    assert np.asarray(shifted.steady) == pytest.approx(np.asarray(cold.steady), rel=1e-9)
