"""Columns of any size and offset: networks learn from them as from standard ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from ann import DeepNetwork, ShallowNetwork, load, save
from ann.estimators.input_scaling import InputScale
from ann.network.column_moments import sparse_mean_and_spread

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(600, 4))
Y = (Z[:, 0] + Z[:, 1] * Z[:, 2] + 0.3 * RNG.normal(size=600) > 0).astype(int)
U = RNG.random((600, 4))
V = (U[:, 0] + U[:, 1] * U[:, 2] > 0.8).astype(int)
TRAIN, TEST = np.arange(600) < 400, np.arange(600) >= 400


def beside(X, value):
    return np.column_stack([X, np.full(len(X), value)])


def score(model, X, y):
    return model(random_state=0, max_epochs=60).fit(X[TRAIN], y[TRAIN]).score(X[TEST], y[TEST])


@pytest.mark.parametrize("model", [ShallowNetwork, DeepNetwork])
@pytest.mark.parametrize(
    "table",
    [
        beside(Z, 2020.0),
        beside(Z, -1e12),
        beside(Z, 2020.0).astype(np.float32),
        np.column_stack([Z, 2020 + 4e-13 * RNG.integers(0, 2, 600)]),
        Z * [1, 1e6, 1, 1e-6],
        np.add(Z, [0, 1e9, 0, 0]),
        Z * [1, 1e4, 1, 1] + [0, 1e12, 0, 0],
        sparse.csr_matrix(beside(Z, 2020.0)),
        sparse.csr_matrix(np.add(Z, [0, 738000, 0, 0])),
    ],
    ids=["2020", "-1e12", "single precision", "rounding", "sizes", "1e9 ± 1", "1e12 ± 1e4",
         "sparse 2020", "sparse 738000 ± 1"],
)  # fmt: skip
def test_a_table_is_learnt_as_its_standard_columns_are(model, table):
    assert score(model, table, Y) >= score(model, Z, Y) - 0.03


@pytest.mark.parametrize("model", [ShallowNetwork, DeepNetwork])
def test_narrow_columns_among_those_of_the_unit_range(model):
    narrow = U * [1e-4, 1, 1e-3, 1] + [0.5, 0, 0.2, 0]
    assert score(model, narrow, V) >= score(model, U, V) - 0.03
    scale = InputScale.measure(narrow)
    # Only these are scaled, to the spread of the widest.
    np.testing.assert_array_equal(scale.spread[[1, 3]], 1)
    np.testing.assert_allclose((narrow / scale.spread).std(axis=0), U.std(axis=0).max(), rtol=0.1)


def test_pixels_that_are_rarely_lit_stay_as_they_are():
    images = np.zeros((600, 3))
    images[:, 0] = U[:, 0]
    images[::150, 1] = 0.02
    assert InputScale.measure(images) is None


def test_what_a_constant_column_holds_later_changes_nothing():
    model = ShallowNetwork(random_state=0, max_epochs=20).fit(beside(Z, 2020.0), Y)
    np.testing.assert_array_equal(
        model.predict_proba(beside(Z, 2020.0)), model.predict_proba(beside(Z, 2021.0))
    )
    np.testing.assert_array_equal(model.network_.layers[0].weights[-1], 0)


def test_the_network_that_is_left_reads_raw_columns_also_from_a_file(tmp_path):
    raw = beside(Z * [1, 1e4, 1, 1] + [0, 1e12, 0, 0], 2020.0)
    model = ShallowNetwork(random_state=0, max_epochs=20).fit(raw, Y)
    standard = beside(Z * [1, 1e4, 1, 1], 0.0)
    inner = model._inner.logits(
        (standard - [*raw[:, :4].mean(axis=0) - [0, 1e12, 0, 0], 0]) / [*raw[:, :4].std(axis=0), 1]
    )
    np.testing.assert_allclose(model.network_.logits(raw), inner, atol=1e-4)
    save(model, tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m").predict_proba(raw), model.predict_proba(raw))


def test_moments_of_a_sparse_table_are_those_of_the_dense_one():
    table = np.column_stack([1e9 + Z[:, 0], np.where(U[:, 0] < 0.9, 0, Z[:, 1]), np.full(600, 0.1)])
    weights = U[:, 1]
    mean, spread, full = sparse_mean_and_spread(sparse.csr_matrix(table), weights)
    wanted = np.average(table, axis=0, weights=weights)
    np.testing.assert_allclose(mean, wanted, rtol=1e-12)
    variance = np.average((table - wanted) ** 2, axis=0, weights=weights)
    np.testing.assert_allclose(spread[:2], np.sqrt(variance[:2]), rtol=1e-6)
    assert spread[2] == 0
    assert full.tolist() == [0, 2]


def test_a_column_that_is_constant_in_the_first_part_may_vary_in_the_next():
    late = np.column_stack([Z[:, 1:], np.where(np.arange(600) < 60, 0.0, Z[:, 0])])
    model = ShallowNetwork(random_state=0, learning_rate=0.02)
    for _ in range(40):
        for rows in np.array_split(np.arange(600), 10):
            model.partial_fit(late[rows], Y[rows], classes=[0, 1])
    assert model.score(late, Y) > 0.8
