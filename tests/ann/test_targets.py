"""Targets: what cannot be learnt is refused by name, and a constant quantity is answered."""

from __future__ import annotations

import datetime
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from ann import DeepNetwork, LogisticRegression, ShallowNetwork, load, save
from ann.errors import DataError

X = np.random.default_rng(0).normal(size=(40, 3))
DAYS = pd.date_range("2024-01-01", periods=40)
MODELS = {
    "logistic": LogisticRegression(),
    "classes": ShallowNetwork(max_epochs=2),
    "quantities": ShallowNetwork(task="regression", max_epochs=2),
}
FAULTS = {
    "None among text": (["a", "b", None, "a"] * 10, "no value in 10 of 40 rows, first in row 2"),
    "NaN among text": (["a", np.nan] * 20, "no value in 20 of 40 rows, first in row 1"),
    "a frame's NaN": (pd.Series(["a", np.nan] * 20), "no value in 20 of 40 rows"),
    "pandas' NA": (pd.Series([1, 2, pd.NA, 1] * 10, dtype="Int64"), "in 10 of 40 rows"),
    "pandas' NA in text": (pd.Series(["a", None] * 20, dtype="string"), "no value in 20 of 40"),
    "NaN": (np.where(np.arange(40) < 2, np.nan, X[:, 0]), "contains NaN in 2 of 40 rows"),
    "None in a table": ([[1, None]] * 40, "no value in 40 of 40 rows"),
    "infinity": (np.where(np.arange(40) == 7, np.inf, X[:, 0]), "infinite in 1 of 40 .* row 7"),
    "dates": (DAYS, "dates or times, such as 2024-01-01"),
    "a frame's dates with gaps": (pd.Series(DAYS).where(X[:, 0] > 0), "dates or times"),
    "Python's dates": ([datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)] * 20, "such as 2020"),
    "durations": (DAYS - DAYS[0], "dates or times"),
    "numbers among text": ([1, "a"] * 20, r"mixes int \(1\) with str \('a'\)"),
    "bytes": ([b"a", b"b"] * 20, r"v\.decode\(\)"),
    "complex": (X[:, 0] + 1j, "complex"),
    "objects": (np.array([{}, {}] * 20, dtype=object), "objects of type dict"),
    "intervals": (pd.cut(X[:, 0], 3), "objects of type Interval"),
    "unequal rows": ([[1], [2, 3]] * 20, "rows of unequal length"),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_learnt_is_named(model, fault):
    y, said = FAULTS[fault]
    with pytest.raises(DataError, match=said):
        MODELS[model].fit(X, y)


def test_text_is_no_quantity_even_if_it_looks_like_numbers():
    for y in ([f"{v:.1f}" for v in X[:, 0]], np.array(["a", "b"] * 20), pd.Categorical(["a"] * 40)):
        with pytest.raises(DataError, match="y holds text such as"):
            MODELS["quantities"].fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "y",
    [[0, 1] * 20, [True, False] * 20, [Decimal(1), Decimal(2)] * 20],
    ids=["whole", "yes or no", "decimals"],
)
def test_pythons_own_numbers_are_numbers(y):
    for model in MODELS.values():
        assert model.fit(X, np.array(y, dtype=object)).predict(X).shape == (40,)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e9 + 0.1, 1e-12])
@pytest.mark.parametrize(
    "model",
    [
        ShallowNetwork(task="regression", random_state=0),
        DeepNetwork(task="regression", random_state=0, max_epochs=5),
        ShallowNetwork(task="regression", optimiser="lbfgs", max_epochs=5),
        ShallowNetwork(task="regression", early_stopping=True, max_epochs=5),
        ShallowNetwork(task="regression", loss="huber", max_epochs=5),
    ],
    ids=["shallow", "deep", "lbfgs", "early stopping", "huber"],
)
def test_a_constant_quantity_is_predicted(model, value, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, np.full(40, value))
    # A loss with a scale of its own keeps y as it is, in the single precision of training.
    exact = {"rtol": 1e-7 if model.loss == "huber" else 0}
    np.testing.assert_allclose(model.predict(X), value, **exact)
    save(model, tmp_path / "m")
    np.testing.assert_allclose(load(tmp_path / "m").predict(X), value, **exact)


def test_a_constant_count_and_a_constant_beside_one_that_varies():
    counts = ShallowNetwork(task="regression", loss="poisson", max_epochs=5).fit(X, np.full(40, 7))
    np.testing.assert_allclose(counts.predict(X), 7, rtol=1e-6)
    both = np.column_stack([np.full(40, 0.1), X[:, 0]])
    model = ShallowNetwork(task="regression", random_state=0).fit(X, both)
    np.testing.assert_array_equal(model.predict(X)[:, 0], 0.1)
    assert np.corrcoef(model.predict(X)[:, 1], X[:, 0])[0, 1] > 0.9
