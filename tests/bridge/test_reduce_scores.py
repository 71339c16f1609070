"""Scores of reductions against independent implementations, and their intervals."""

import numpy as np
import pytest
from sklearn.metrics import r2_score, roc_auc_score, roc_curve

from bridge.reduce.errors import ReductionError
from bridge.reduce.scores import (
    auc,
    auc_by_trial,
    bootstrapped,
    explained_variance,
    false_positive_threshold,
    functional_complexity,
    hits_and_false_alarms,
    hits_by_trial,
    subthreshold,
    variance_by_trial,
)


@pytest.fixture
def trials():
    random = np.random.default_rng(3)
    spiked = random.random((40, 500)) < 0.02
    # Coarse answers, so that many are tied.
    return np.round(random.standard_normal((40, 500)) + 1.5 * spiked, 1), spiked


def test_auc_is_that_of_scikit_learn_with_ties(trials):
    answer, spiked = trials
    assert auc(answer, spiked) == pytest.approx(roc_auc_score(spiked.ravel(), answer.ravel()))
    assert auc(np.zeros_like(answer), spiked) == 0.5
    assert np.isnan(auc(answer, np.zeros_like(spiked)))


def test_auc_from_histograms_is_the_auc(trials):
    answer, spiked = trials
    found = auc_by_trial(answer, spiked).interval(seed=1)
    assert found.value == pytest.approx(auc(answer, spiked), abs=2 / 4096)
    assert found.low < found.value < found.high


def test_an_interval_over_trials_covers_as_often_as_it_says():
    random = np.random.default_rng(5)
    inside = 0
    for k in range(200):
        values = random.standard_normal(60)
        found = bootstrapped(lambda which, v=values: float(v[which].mean()), 60, seed=k)
        inside += found.low <= 0 <= found.high
    assert 180 <= inside <= 199


def test_true_positives_use_a_threshold_of_other_trials(trials):
    answer, spiked = trials
    threshold = false_positive_threshold(answer[:20], spiked[:20], 0.01)
    _, alarms = hits_and_false_alarms(answer[:20], spiked[:20], threshold)
    assert alarms <= 0.01
    hits, _ = hits_and_false_alarms(answer[20:], spiked[20:], threshold)
    assert hits == hits_by_trial(answer[20:], spiked[20:], threshold).interval().value
    false, true, _ = roc_curve(spiked[20:].ravel(), answer[20:].ravel())
    assert np.interp(0.0, false, true) <= hits <= np.interp(0.03, false, true)


def test_too_few_silent_bins_for_a_rate_are_refused(trials):
    answer, spiked = trials
    with pytest.raises(ReductionError, match="at least 10000 ms of validation"):
        false_positive_threshold(answer[:1], spiked[:1], 0.0001)


def test_explained_variance_neither_shifts_nor_scales(trials):
    random = np.random.default_rng(1)
    seen = random.standard_normal((30, 200))
    told = seen + 0.5 * random.standard_normal((30, 200))
    away = random.random((30, 200)) < 0.8
    assert explained_variance(told, seen) == pytest.approx(r2_score(seen.ravel(), told.ravel()))
    # A z-score with the test trials' own statistics would hide this offset.
    assert explained_variance(told + 3, seen) < 0
    by = variance_by_trial(told, seen, away)
    assert by.interval().value == pytest.approx(explained_variance(told[away], seen[away]))


def test_bins_around_spikes_are_cut_out():
    spikes = np.zeros((2, 30), dtype=np.uint8)
    spikes[0, 10] = 1
    away = subthreshold(spikes, before=2, after=8)
    assert np.flatnonzero(~away[0]).tolist() == list(range(8, 19))
    assert away[1].all()


def test_complexity_index_as_published():
    assert functional_complexity(0.9) == 1
    assert functional_complexity(0.999) == pytest.approx(0)
    assert functional_complexity(0.99) == pytest.approx(0.5)
