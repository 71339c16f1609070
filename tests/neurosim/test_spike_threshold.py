"""The threshold of a spike, as it is measured and as it follows the potential."""

import numpy as np
import pytest
from brian2 import ms, mV, nA, second, volt

from neurosim import Steps, differentiate, simulate
from neurosim.catalogue import textbook_neuron
from neurosim.errors import ParameterError
from neurosim.features.spike_shape import spike_shapes, threshold_crossing
from neurosim.gradients.losses import SpikeTime
from neurosim.gradients.spike_threshold import SpikeThreshold
from neurosim.measure import measure_spikes

DT = 2e-5


def trace(bend=0.0):
    """Two spikes (volt) on a slow rise."""
    t = np.arange(1, 1501) * DT
    v = -0.07 + 0.3 * t + bend * t**2
    for peak, width in ((0.01, 2e-4), (0.02, 3e-4)):
        v += 0.09 * np.exp(-0.5 * ((t - peak) / width) ** 2)
    return v[:, np.newaxis]


@pytest.mark.parametrize("number", [1, 2])
def test_slopes_are_those_of_differences(number):
    loss = SpikeThreshold(number=number, criterion=12 * volt / second)
    v = trace()
    slopes = loss.value(v, DT)[1]
    assert np.count_nonzero(slopes) > 30
    random = np.random.default_rng(number)
    for _ in range(5):
        # Ripples longer than the smoothing, of a millionth of a volt.
        phase, rate = random.uniform(0, 6), random.uniform(200, 2000)
        way = np.sin(rate * np.arange(len(v)) * DT + phase)[:, np.newaxis]
        more, less = (loss.value(v + by * way, DT)[0][0] for by in (1e-6, -1e-6))
        assert np.sum(slopes * way) == pytest.approx((more - less) / 2e-6, rel=1e-4, abs=1e-4)


def test_the_value_is_the_one_that_is_measured():
    step = Steps(onset=5 * ms, duration=20 * ms, amplitude=0.3 * nA)
    cell = textbook_neuron()
    found = differentiate(
        cell, 20 * ms, SpikeThreshold(start=5 * ms), ["everywhere.C_m"], stimulus=step,
        dt=0.01 * ms,
    )  # fmt: skip
    recording = simulate(cell, 20 * ms, stimulus=step, dt=0.01 * ms)
    spikes = measure_spikes(recording.trace_time, recording.trace("soma")[0], start=5 * ms)
    assert float((found.value[0] - spikes.threshold[0]) / mV) == pytest.approx(0, abs=1e-6)


def test_the_time_of_the_threshold_is_where_its_potential_is():
    volts = 1e3 * trace()[:, 0]
    peaks = [int(0.01 / DT) - 1, int(0.02 / DT) - 1]
    shapes = spike_shapes(volts, 1 / DT, peaks)
    for peak, shape in zip(peaks, shapes, strict=True):
        where, level = threshold_crossing(volts, 1 / DT, peak)
        assert level == pytest.approx(shape.threshold_mV, abs=1e-9)
        assert 1e-4 < peak * DT - where < 3e-3


def test_what_has_no_threshold_is_refused():
    with pytest.raises(ParameterError, match="fires 2 spikes"):
        SpikeThreshold(number=3).value(trace(), DT)
    # The first of the two spikes peaks at 10 ms.
    for loss in (SpikeThreshold(number=2), SpikeTime(number=2)):
        with pytest.raises(ParameterError, match="fires 1 spike, and"):
            loss.value(trace()[: round(0.015 / DT)], DT)
    with pytest.raises(ParameterError, match="no threshold to read"):
        SpikeThreshold(criterion=0.2 * volt / second).value(trace(), DT)
