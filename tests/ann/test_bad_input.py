"""What a user gets wrong is said in a clear error, and never ends in a wrong answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from ann import DeepNetwork, LogisticRegression, ShallowNetwork
from ann.errors import DataError, DivergenceError, ParameterError

X, Y = load_iris(return_X_y=True)
MODELS = {
    "logistic": LogisticRegression,
    "shallow": lambda **s: ShallowNetwork(**{"max_epochs": 2, **s}),
    "deep": lambda **s: DeepNetwork(**{"max_epochs": 2, **s}),
}


def spoilt(value):
    table = X.copy()
    table[3, 1] = value
    return table


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("table", "answers", "message"),
    [
        (spoilt(np.nan), Y, "contains NaN"),
        (spoilt(np.inf), Y, "contains infinity"),
        (np.char.add(X.astype(str), "a"), Y, "could not convert string"),
        (X, np.zeros(150), "one class only"),
        (X, Y[:-1], "inconsistent numbers of samples"),
        (X[:, 0], Y, "Expected 2D array"),
        (X[:0], Y[:0], "0 sample"),
        (X, np.where(Y == 0, np.nan, Y), "y contains NaN"),
        (X, X[:, 0] + 0.05, "Unknown label type: continuous"),
        (X, np.zeros((150, 2, 2)), "dim 3"),
    ],
)  # fmt: skip
def test_data_nobody_can_learn_from(model, table, answers, message):
    with pytest.raises(ValueError, match=message):
        MODELS[model]().fit(table, answers)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.filterwarnings("ignore:after:sklearn.exceptions.ConvergenceWarning")
def test_questions_nobody_can_answer(model):
    fitted = MODELS[model]().fit(X, Y)
    with pytest.raises(ValueError, match="contains NaN"):
        fitted.predict(spoilt(np.nan))
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 4"):
        fitted.predict(X[:, :3])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 0}, "hidden is a number of units"),
        ({"hidden": 1.5}, "hidden is a number of units"),
        ({"hidden": None}, "hidden is a number of units"),
        ({"dropout": "a"}, r"dropout must be a number in \[0, 1\), not 'a'"),
        ({"dropout": float("nan")}, "dropout must be a number"),
        ({"l2": "a"}, "l2 must be a number"),
        ({"l1": -1}, "l1 must be a number"),
        ({"tol": float("nan")}, "tol must be a number"),
        ({"clip_norm": "a"}, "clip_norm must be a number"),
        ({"max_norm": 0}, "max_norm must be a number"),
        ({"validation_fraction": "a"}, "validation_fraction must be a number"),
        ({"hooks": [3]}, "hooks is a list of objects"),
        ({"n_jobs": 0}, "n_jobs is a number of threads"),
        ({"learning_rate": float("inf")}, "learning_rate of Adam"),
        ({"activation": "sigmoyd"}, "did you mean 'sigmoid'"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(ParameterError, match=message):
        ShallowNetwork(**settings).fit(X, Y)


@pytest.mark.parametrize("setting", [{"C": "a"}, {"C": float("nan")}, {"C": -1}, {"tol": None}])
def test_settings_of_the_logistic_regression(setting):
    with pytest.raises(ParameterError, match="must be a number"):
        LogisticRegression(**setting).fit(X, Y)


@pytest.mark.filterwarnings("ignore:after:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("factor", [1e8, 1e30, 1e300])
def test_logistic_regression_on_enormous_columns_is_solved_not_guessed(factor, as_sparse):
    # Against numbers so large the penalty is nothing: separable classes are told apart.
    two = Y > 0
    table = sparse.csr_matrix(X * factor) if as_sparse else X * factor
    assert LogisticRegression().fit(table, two).score(table, two) == 1.0
    # The same problem in other units: C scales with the square.
    if factor == 1e8 and not as_sparse:
        small = LogisticRegression(C=1e-16).fit(table, Y)
        plain = LogisticRegression(C=1.0).fit(X, Y)
        np.testing.assert_allclose(small.coef_ * factor, plain.coef_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("model", ["shallow", "deep"])
def test_numbers_too_large_to_square_are_refused_by_networks(model):
    with pytest.raises(DataError, match=r"column 0 holds numbers up to 7.9e\+300"):
        MODELS[model]().fit(X * 1e300, Y)
    with pytest.raises(DataError, match="too large to square"):
        MODELS[model](task="regression").fit(X, X[:, 0] * 1e300)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimiser": "sgd", "learning_rate": 1e9},
        {"learning_rate": 1e6, "max_epochs": 20},
        {"learning_rate": 1e6, "max_epochs": 20, "activation": "sigmoid"},
    ],
)
def test_training_that_runs_away_is_an_error_even_if_the_numbers_stay_finite(settings):
    with pytest.raises(DivergenceError, match="a tenth of"):
        DeepNetwork(**{"activation": "relu", "random_state": 0, **settings}).fit(X, Y)


def test_columns_that_tell_nothing_are_warned_of():
    with pytest.warns(ConvergenceWarning, match="nothing was learnt"):
        ShallowNetwork(max_epochs=5, random_state=0).fit(X * 1e-300, Y)


def test_a_million_columns():
    rng = np.random.default_rng(0)
    rows, columns = np.repeat(np.arange(60), 100), rng.integers(10**6, size=6000)
    table = sparse.csr_matrix((rng.standard_normal(6000), (rows, columns)), shape=(60, 10**6))
    y = np.arange(60) % 2
    assert LogisticRegression().fit(table, y).score(table, y) == 1.0
    fitted = ShallowNetwork(hidden=2, max_epochs=3, learning_rate=0.01, random_state=0)
    assert fitted.fit(table, y).score(table, y) > 0.9
    with pytest.raises(DataError, match=r"5,000,010,001 weights and needs .* GB to train"):
        ShallowNetwork(hidden=5000).fit(table, y)
