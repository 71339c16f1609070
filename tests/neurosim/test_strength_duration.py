"""Threshold currents of short and long pulses: the squid's, a leaky integrator's, refusals."""

import numpy as np
import pytest
from brian2 import cm, mS, ms, mV, nA, pA, um

from neurosim import LIF, Constant, Neuron, Steps, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.errors import ParameterError
from neurosim.measure import rheobase, strength_duration
from neurosim.morphology import PerBranch, at, cylinder

# Smallest current of a pulse that fires the squid axon (6.3 °C, space clamp), in µA/cm².
DURATION = [0.1, 0.2, 0.5, 1, 2, 5] * ms
THRESHOLD = [65.1, 32.7, 13.3, 6.92, 3.86, 2.35]


@pytest.fixture(scope="module")
def squid():
    leak = Leak(g=0.3 * mS / cm**2, E=-54.387 * mV)
    one = Neuron(cylinder(100 * um, 100 * um), PerBranch(1), celsius=6.3, rest=-65 * mV)
    return one.paint([HHSodium(), HHPotassium(), leak])


def density(cell, current):
    return np.asarray(current) * 1e6 / (cell.compartments.area_m2.sum() * 1e4)


@pytest.mark.slow
def test_the_squid_is_that_of_the_published_table(squid):
    found = strength_duration(squid, DURATION)
    np.testing.assert_allclose(density(squid, found.threshold), THRESHOLD, rtol=5e-3)
    # The single-spike rheobase of tests/targets/hh_fi.json.
    assert density(squid, found.rheobase) == pytest.approx(2.24036, rel=2e-3)
    charge = np.asarray(found.threshold) * np.asarray(found.duration)
    np.testing.assert_allclose(np.asarray(found.charge), charge)
    # At the chronaxie the threshold is twice the rheobase.
    there = round(float(found.chronaxie) / 1e-5) * 1e-5
    current = strength_duration(squid, [there * 1e3] * ms, long=5 * ms).threshold
    assert float(current[0] / found.rheobase) == pytest.approx(2, rel=5e-3)
    assert found.lapicque.error < found.weiss.error < 0.05


@pytest.mark.slow
def test_a_spike_after_the_pulse_counts(squid):
    found = rheobase(squid, duration=0.5 * ms)
    assert density(squid, found) == pytest.approx(13.3, rel=7e-3)
    # The spike of this pulse comes when it is long over.
    pulse = Steps(found * 1.01, 5 * ms, 0.5 * ms)
    spikes = np.asarray(simulate(squid, 40 * ms, stimulus=pulse, settle=100 * ms).spike_train(0))
    assert len(spikes) == 1
    assert spikes[0] > 5.5e-3 + 2e-3


@pytest.mark.slow
def test_a_leaky_integrator_obeys_lapicque():
    lif = LIF()
    found = strength_duration(lif, [1, 5, 20, 100] * ms, long=300 * ms)
    tau, base = 20e-3, 150e-12
    expected = base / -np.expm1(-np.asarray(found.duration) / tau)
    np.testing.assert_allclose(np.asarray(found.threshold), expected, rtol=5e-3)
    assert float(found.lapicque.chronaxie) == pytest.approx(tau * np.log(2), rel=0.01)
    assert float(found.chronaxie) == pytest.approx(tau * np.log(2), rel=0.01)
    assert found.lapicque.error < 2e-3 < found.weiss.error
    axes = found.plot()
    assert axes.get_xlabel() == "duration (ms)"
    assert "5 durations" not in repr(found)
    assert "4 durations" in found._repr_html_()


@pytest.mark.slow
def test_what_fires_by_itself_or_never_is_refused(squid):
    driven = squid.place(Constant(1 * nA), at("dendrite"))
    for measure in (rheobase, strength_duration):
        with pytest.raises(ParameterError, match="fires without any current"):
            measure(driven)
    # A pacemaker whose interval is longer than the step and what follows it.
    slow = squid.place(Steps(20 * nA, 700 * ms, 5 * ms), at("dendrite"))
    with pytest.raises(ParameterError, match="fires without any current"):
        rheobase(slow, duration=10 * ms, after=20 * ms)
    with pytest.raises(ParameterError, match=r"no spike up to 0\.1 nA"):
        rheobase(squid, duration=0.1 * ms, most=0.1 * nA)
    with pytest.raises(ParameterError, match="no whole number of time steps"):
        strength_duration(squid, [0.1, 0.123] * ms, dt=0.025 * ms)
    with pytest.raises(ParameterError, match="no whole number of time steps"):
        rheobase(squid, duration=0.33 * ms)
    with pytest.raises(ParameterError, match="no spike up to"):
        strength_duration(LIF(), [0.1] * ms, most=100 * pA)
