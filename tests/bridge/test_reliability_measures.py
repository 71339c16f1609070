"""Distances by hand and against other packages; events, jitter and reliability of made trains."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.spike_trains import (
    coincidence_factor,
    isi_distance,
    nth_spike_jitter,
    reliability,
    spike_distance,
    step_features,
    van_rossum,
)
from bridge.spike_trains.reliability import spike_events
from neurosim.errors import ParameterError


def test_coincidence_factor_by_hand():
    # 2 of 3 coincide; by chance 2 * .002 * 4 Hz * 3 = .048; factor 1 / (1 - .016) / 3.5
    cell, model = [0.1, 0.2, 0.3], [0.101, 0.2005, 0.5, 0.7]
    expected = (2 - 0.048) / 3.5 / (1 - 0.016)
    assert coincidence_factor(cell, model, 1.0, 0.002) == pytest.approx(expected)
    assert coincidence_factor(cell, cell, 1.0, 0.002) == pytest.approx(1)
    assert np.isnan(coincidence_factor([], cell, 1.0))
    # A spike is used once: two beside one are one coincidence.
    assert coincidence_factor([0.1], [0.0995, 0.1005], 1.0, 0.002) == pytest.approx(
        (1 - 0.008) / 1.5 / (1 - 0.008)
    )


def test_chance_scores_nothing():
    random = np.random.default_rng(1)
    gammas = [
        coincidence_factor(
            np.sort(random.uniform(0, 100, 1000)),
            np.sort(random.uniform(0, 100, 1000)),
            100.0,
            0.004,
        )
        for _ in range(20)
    ]
    assert abs(np.mean(gammas)) < 0.01


def test_van_rossum_by_hand_and_against_elephant():
    # Two spikes a time d apart: sqrt(2 (1 - exp(-d / tau))).
    assert van_rossum([0.1], [0.12], 0.01) == pytest.approx(np.sqrt(2 * (1 - np.exp(-2))))
    neo = pytest.importorskip("neo", reason="needs the extra 'distances'")
    measures = pytest.importorskip("elephant.spike_train_dissimilarity")
    import quantities as pq

    random = np.random.default_rng(2)
    trains = [np.sort(random.uniform(0, 5, 40)) for _ in range(2)]
    made = [neo.SpikeTrain(train, units="s", t_stop=5.0) for train in trains]
    theirs = measures.van_rossum_distance(made, time_constant=10 * pq.ms)[0, 1]
    assert van_rossum(*trains, 0.01) == pytest.approx(float(theirs), rel=1e-6)


def test_isi_and_spike_distance_by_hand():
    pytest.importorskip("pyspike", reason="needs the extra 'distances'")
    even = np.arange(0.05, 1, 0.1)
    twice = np.arange(0.025, 1, 0.05)
    # Intervals of .1 beside .05: |.1 - .05| / .1, but for the rims.
    assert isi_distance(even, twice, 1.0) == pytest.approx(0.5, abs=0.06)
    assert isi_distance(even, even, 1.0) == spike_distance(even, even, 1.0) == 0
    # A shift far smaller than the interval: about shift / interval.
    assert spike_distance(even, even + 0.005, 1.0) == pytest.approx(0.05, abs=0.015)


def test_events_jitter_and_reliability_are_those_that_were_drawn():
    random = np.random.default_rng(3)
    times, jitter, chance = np.arange(0.1, 4.9, 0.12), 0.0008, 0.8
    trains = []
    for _ in range(40):
        here = times[random.random(len(times)) < chance]
        stray = random.uniform(0, 5, 3)
        trains.append(np.sort(np.concatenate([here + random.normal(0, jitter, len(here)), stray])))
    events = spike_events(trains, 5.0)
    assert len(events) == len(times)
    told = reliability(trains, 5.0)
    assert told.jitter_ms == pytest.approx(0.8, rel=0.3)
    expected = chance * len(times) / (chance * len(times) + 3)
    assert told.reliability == pytest.approx(expected, abs=0.05)
    # Spikes without memory of the trial have no events.
    loose = [np.sort(random.uniform(0, 5, 35)) for _ in range(40)]
    assert reliability(loose, 5.0).events <= 2
    assert abs(reliability(loose, 5.0).coincidence) < 0.05


def test_jitter_of_the_nth_spike_grows_as_the_root_of_its_number():
    random = np.random.default_rng(4)
    trains = [np.cumsum(random.normal(0.05, 0.004, 20)) for _ in range(4000)]
    expected = 4 * np.sqrt(np.arange(1, 21))
    np.testing.assert_allclose(nth_spike_jitter(trains), expected, rtol=0.06)


def test_features_of_a_slowing_train():
    train = np.cumsum([0.01, 0.02, 0.04, 0.08])
    told = step_features([50, 100], [np.zeros(0), train])
    assert told.adaptation_index == pytest.approx(1 / 3)
    assert told.slowing == pytest.approx(4)
    assert told.cv2 == pytest.approx(2 / 3)
    assert told.steps == 1
    assert step_features([50], [np.zeros(0)]).to_dict()["cv"] is None


def test_one_trial_is_refused():
    with pytest.raises(ParameterError, match="two trials"):
        reliability([np.array([0.1])], 1.0)
    with pytest.raises(ParameterError, match="positive"):
        coincidence_factor([0.1], [0.1], 0.0)
