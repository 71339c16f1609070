"""Intervals of held-out scores hold the true score as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from ann.data.judging.held_out import HeldOut
from experiments.kit.estimate import LEVEL
from experiments.tables.score_intervals import RARE_ERRORS, score_intervals

CLASSES = np.array(["a", "b"])


def classes(rng, n, share, shift, groups=None):
    """Two normal scores `shift` apart, told apart as well as can be; the true AUC and accuracy."""
    y = (rng.random(n) < share).astype(int)
    y[:2] = 0, 1
    score = rng.normal(size=n) + shift * y
    p = 1 / (1 + np.exp(-(shift * score - shift**2 / 2 + np.log(share / (1 - share)))))
    chances = np.column_stack([1 - p, p])
    return HeldOut(np.arange(n), CLASSES[y], CLASSES[(p > 0.5).astype(int)], chances, CLASSES)


def truth(share, shift):
    edge = (shift**2 / 2 - np.log(share / (1 - share))) / shift
    accuracy = (1 - share) * norm.cdf(edge) + share * (1 - norm.cdf(edge - shift))
    return {"auc": norm.cdf(shift / np.sqrt(2)), "accuracy": accuracy}


def covered(draw, true, draws=300):
    """Share of draws whose interval holds the true score, by score."""
    rng = np.random.default_rng(0)
    hits = dict.fromkeys(true, 0)
    for _ in range(draws):
        found = score_intervals(draw(rng))
        for name, value in true.items():
            hits[name] += found[name].low <= value <= found[name].high
    return {name: n / draws for name, n in hits.items()}


def quantities(rng, n, groups=None):
    x = rng.normal(size=n)
    if groups is None:
        return HeldOut(np.arange(n), x + rng.normal(size=n), x)
    of = np.repeat(np.arange(groups), n // groups)
    error = 0.8 * rng.normal(size=groups)[of] + 0.6 * rng.normal(size=n)
    return HeldOut(np.arange(n), x + error, x, groups=of)


# Of 300 draws one standard error is .017: a coverage of .90 is found below .85 once in 500 times.
LOWEST = LEVEL - 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("n", "share", "shift"), [(30, 0.5, 1.5), (100, 0.1, 1.5), (200, 0.5, 3)])
def test_accuracy_and_auc(n, share, shift):
    found = covered(lambda rng: classes(rng, n, share, shift), truth(share, shift))
    assert min(found.values()) > LOWEST, found


def several_classes(rng, n, spread):
    """Three classes about the corners of a triangle, told apart as well as can be."""
    corners = spread * np.array([[1.0, 0.0], [-0.5, 0.87], [-0.5, -0.87]])
    y = rng.integers(0, 3, n)
    y[:3] = 0, 1, 2
    x = corners[y] + rng.normal(size=(n, 2))
    likely = np.exp(-0.5 * np.square(x[:, None] - corners).sum(axis=2))
    chances = likely / likely.sum(axis=1, keepdims=True)
    return HeldOut(np.arange(n), y, chances.argmax(axis=1), chances, np.arange(3))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "spread"), [(60, 0.8), (200, 1.5)])
def test_an_auc_of_several_classes_is_neither_too_sure_nor_too_unsure(n, spread):
    auc = several_classes(np.random.default_rng(1), 100_000, spread).scores()["auc"]
    found = covered(lambda rng: several_classes(rng, n, spread), {"auc": auc}, draws=150)
    # The mean of the classes' standard errors covered 98 to 99 times in 100.
    assert LOWEST < found["auc"] < LEVEL + 0.05, found


@pytest.mark.parametrize("groups", [None, 20])
def test_rmse_and_r2(groups):
    found = covered(lambda rng: quantities(rng, 100, groups), {"rmse": 1.0, "r2": 0.5})
    assert min(found.values()) > LOWEST, found


def test_an_interval_of_rmse_says_what_it_cannot_know():
    found = score_intervals(quantities(np.random.default_rng(0), 100))
    assert found["rmse"].method == found["r2"].method == RARE_ERRORS
    # With rare large errors it holds the true value far less often than it says.
    rng = np.random.default_rng(1)

    def heavy(rng):
        x = rng.normal(size=100)
        return HeldOut(np.arange(100), x + rng.standard_t(3, 100), x)

    assert covered(lambda _: heavy(rng), {"rmse": np.sqrt(3)}, draws=200)["rmse"] < LOWEST


def test_a_perfect_score_is_not_a_certain_one():
    y = CLASSES[np.arange(30) % 2]
    p = (np.arange(30) % 2).astype(float)
    found = score_intervals(HeldOut(np.arange(30), y, y, np.column_stack([1 - p, p]), CLASSES))
    assert found["accuracy"].low == pytest.approx(0.05 ** (1 / 30), abs=0.002)
    assert 0.8 < found["auc"].low < 0.98
    assert found["auc"].high == 1


def test_groups_are_fewer_than_rows_and_too_few_give_no_interval():
    rng = np.random.default_rng(0)
    grouped = quantities(rng, 100, 10)
    rows = HeldOut(grouped.rows, grouped.truth, grouped.answers)
    width = {k: e.high - e.low for k, e in score_intervals(rows).items()}
    for name, e in score_intervals(grouped).items():
        assert e.high - e.low > 1.3 * width[name]
    few = score_intervals(quantities(rng, 30, 3))
    assert all(e.low is None for e in few.values())
