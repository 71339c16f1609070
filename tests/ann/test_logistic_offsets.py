"""Logistic regression on raw columns: the minimum of the centred problem, or a word about why not.

Held against Newton's method written out here, in double precision with the whole Hessian, on
columns that were centred by hand.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning

from ann import LogisticRegression

#: Mean and standard deviation of the first column of each raw table.
TABLES = {
    "pressure, Pa": (101325.0, 700.0),
    "ordinal dates": (738000.0, 105.0),
    "years": (2020.0, 5.0),
    "Unix seconds": (1.7e9, 1e6),
    "Unix nanoseconds": (1.7e18, 1e12),
    "hertz about a line": (1e9, 1e3),
    "a million and one": (1e6, 1.0),
    "negative": (-1e10, 2e3),
    "small numbers": (1e-3, 1e-9),
    "the largest": (1e12, 1.1e5),
}


def draw(mean, spread, classes, seed, n=300):
    """A raw table: two columns far from zero, two that are not, and a target that needs them."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, 4))
    latent = 2 * Z[:, 0] - Z[:, 1] + Z[:, 2] + rng.logistic(size=n)
    y = np.digitize(latent, [0.3] if classes == 2 else [-1.0, 1.2])
    return np.array([mean, mean / 7, 0, 0.5]) + np.array([spread, spread, 1, 1e-4]) * Z, y


def loss_of(z, y):
    z = np.column_stack([np.zeros(len(z)), z]) if z.shape[1] == 1 else z
    return logsumexp(z, axis=1) - z[np.arange(len(y)), y]


def newton(Z, y, C, weights):
    """Coefficients and objective at the minimum for columns that are centred already."""
    n, d = Z.shape
    size = Z.std(axis=0)
    A = np.column_stack([Z / size, np.ones(n)])
    penalty = np.append(1 / (C * size**2), 0.0)
    binary = y.max() == 1
    T = y[:, None].astype(float) if binary else np.eye(y.max() + 1)[y]
    k = T.shape[1]
    W = np.zeros((d + 1, k))
    for _ in range(60):
        z = A @ W
        P = 1 / (1 + np.exp(-z)) if binary else np.exp(z - logsumexp(z, axis=1)[:, None])
        G = A.T @ (weights[:, None] * (P - T)) + penalty[:, None] * W
        H = np.zeros((k, d + 1, k, d + 1))
        for i in range(k):
            for j in range(k):
                v = weights * P[:, i] * ((i == j) - P[:, j])
                H[i, :, j] = (A * v[:, None]).T @ A + (i == j) * np.diag(penalty)
        H = H.reshape(k * (d + 1), -1)
        unit = np.sqrt(np.diag(H))  # a penalty may weigh 10¹⁸ times as much as the data
        step = np.linalg.lstsq(H / np.outer(unit, unit), G.T.ravel() / unit, rcond=1e-15)[0]
        W -= (step / unit).reshape(k, d + 1).T
    if not binary:
        W -= W.mean(axis=1, keepdims=True)
    value = weights @ loss_of(A @ W, y) + 0.5 * np.sum(penalty[:, None] * W**2)
    return (W[:d] / size[:, None]).T, value


def compare(X, y, C=1.0, weights=None, table=None):
    """How far coefficients and objective are from the minimum; any warning is an error."""
    counted = np.ones(len(y)) if weights is None else weights
    Z = X - X.mean(axis=0)
    wanted, least = newton(Z - Z.mean(axis=0), y, C, counted)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LogisticRegression(C=C).fit(X if table is None else table, y, sample_weight=weights)
    found = counted @ loss_of(X @ model.coef_.T + model.intercept_, y)
    found += 0.5 / C * np.sum(model.coef_**2)
    size = X.std(axis=0)
    off = np.linalg.norm((model.coef_ - wanted) * size) / np.linalg.norm(wanted * size)
    return off, abs(found / least - 1)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", TABLES)
def test_the_minimum_is_that_of_the_centred_problem(name, classes):
    for seed in range(4):
        X, y = draw(*TABLES[name], classes, seed)
        for C in (1.0, 1e-3, 1e3):
            assert max(compare(X, y, C)) < 1e-8, (name, seed, C)


def test_weighted_rows_sparse_tables_and_zeros_between():
    X, y = draw(738000, 105, 3, 0)
    weights = np.random.default_rng(1).integers(0, 4, len(y)).astype(float)
    assert max(compare(X, y, weights=weights)) < 1e-8
    assert max(compare(X, y, table=sparse.csr_matrix(X))) < 1e-8
    # A column far from zero with one zero in it, and one that is mostly zeros.
    X[3, 0] = 0.0
    X[np.arange(len(y)) % 10 > 0, 2] = 0.0
    assert max(compare(X, y)) < 1e-8
    assert max(compare(X, y, table=sparse.csr_matrix(X))) < 1e-8


def test_columns_that_nearly_repeat_each_other():
    rng = np.random.default_rng(0)
    year = rng.integers(1990, 2011, 400).astype(float)
    y = (rng.random(400) < 1 / (1 + np.exp(-(year - 2000) / 4))).astype(int)
    powers = np.column_stack([year, year**2, year**3])
    for C in (1.0, 1e6):
        assert compare(powers, y, C)[1] < 1e-8
    X, y = draw(101325, 700, 2, 0)
    nearly = np.column_stack([X, X[:, 0] + 1e-3 * rng.normal(size=len(y))])
    assert compare(nearly, y, 1e6)[1] < 1e-8


def test_a_constant_column_gets_no_weight_however_large():
    X, y = draw(0, 1, 2, 0)
    plain = LogisticRegression().fit(X, y)
    for value in (0.1, 2020.0, 1e12):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = LogisticRegression().fit(np.column_stack([X, np.full(len(y), value)]), y)
        assert model.coef_[0, -1] == 0
        np.testing.assert_allclose(model.coef_[0, :-1], plain.coef_[0], rtol=1e-9)


def test_beyond_ten_million_standard_deviations_the_column_is_named():
    X, y = draw(0, 1, 2, 0)
    X[:, 1] += 1e9
    with pytest.warns(ConvergenceWarning, match="column 1 has a mean of 1e"):
        LogisticRegression().fit(X, y)
    frame = pd.DataFrame(X, columns=["a", "time", "b", "c"])
    with pytest.warns(ConvergenceWarning, match="column 'time' has a mean"):
        LogisticRegression().fit(frame, y)


def test_a_search_that_was_cut_short_names_the_steepest_column():
    X, y = draw(101325, 700, 2, 0)
    frame = pd.DataFrame(X, columns=["pressure", "b", "c", "d"])
    with pytest.warns(ConvergenceWarning, match=r"after 1 Newton steps .* column 'pressure'"):
        LogisticRegression(max_iter=1).fit(frame, y)
    with pytest.warns(ConvergenceWarning, match="choose a finite C"):
        LogisticRegression(C=np.inf).fit(X, X[:, 0] > 101325)


def test_a_warm_start_begins_at_the_minimum_of_raw_columns():
    X, y = draw(738000, 105, 3, 0)
    model = LogisticRegression(warm_start=True).fit(X, y)
    before = model.coef_.copy()
    assert model.fit(X, y).n_iter_ <= 1
    np.testing.assert_allclose(model.coef_, before, rtol=1e-8, atol=1e-9 * np.abs(before).max())


def test_without_an_intercept_a_common_offset_is_solved_too():
    rng = np.random.default_rng(0)
    X = 1e4 + rng.normal(size=(300, 3))
    y = (X[:, 0] > X[:, 1]).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LogisticRegression(fit_intercept=False).fit(X, y)
    p = model.predict_proba(X)[:, 1]
    slope = X.T @ (p - y) + model.coef_[0]
    curvature = (X * (p * (1 - p))[:, None]).T @ X + np.eye(3)
    # Twice the distance to the minimum.
    assert slope @ np.linalg.solve(curvature, slope) < 1e-10 * model.objective_
