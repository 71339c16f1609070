"""Products in pieces: the right numbers, the same bits each time, and never into crumbs."""

from __future__ import annotations

import numpy as np
import pytest

import ann.plan.products as products
from ann.plan.products import edges_of, product_steps


@pytest.fixture(params=[True, False], ids=["small kernels", "none"])
def small_kernels(request, monkeypatch):
    monkeypatch.setattr(products, "has_small_kernels", lambda: request.param)
    return request.param


def factors(rng, m, k, n, orders, dtype):
    """Two factors, each by rows (C) or by columns (F)."""
    a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    return np.asarray(a, dtype, order=orders[0]), np.asarray(b, dtype, order=orders[1])


@pytest.mark.parametrize("orders", ["CC", "CF", "FC", "FF"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_all_shapes_and_layouts(small_kernels, orders, dtype):
    rng = np.random.default_rng(0)
    shapes = [(1, 1, 1), (100, 784, 32), (128, 784, 128), (10, 800, 128), (7, 3000, 70)]
    shapes += [(100, 200, 784), (33, 500, 400), (100, 784, 200)]  # cut both ways
    shapes += [tuple(int(x) for x in np.exp(rng.uniform(0, 6, 3))) for _ in range(20)]
    for m, k, n in shapes:
        a, b = factors(rng, m, k, n, orders, dtype)
        results = []
        for _ in range(2):
            out = np.full((m, n), np.nan, dtype)
            for function, arguments in product_steps(a, b, out):
                function(*arguments)
            results.append(out)
        np.testing.assert_array_equal(*results)
        tolerance = {"float32": 2e-5, "float64": 1e-13}[dtype] * np.sqrt(k)
        np.testing.assert_allclose(
            results[0], a.astype(float) @ b.astype(float), atol=10 * tolerance
        )


def cut(a, b):
    """Number of pieces and of columns of pieces, if they are what pieces must be."""
    (m, k), n = a.shape, b.shape[1]
    rows, columns = edges_of(a, b)
    for edges, end in ((rows, m), (columns, n)):
        assert edges[0] == 0
        assert edges[-1] == end
        assert np.all(np.diff(edges) > 0)
    pieces = (len(rows) - 1) * (len(columns) - 1)
    if pieces > 1:
        assert int(np.max(np.diff(rows)) * np.max(np.diff(columns))) * k <= products.SMALL
        assert pieces <= products.MANY_PIECES
        assert np.all(np.array(columns[:-1]) % 16 == 0)  # whole cache lines
    return pieces, len(columns) - 1


def test_pieces_cover_all_entries_once_and_are_small_and_few(monkeypatch):
    monkeypatch.setattr(products, "has_small_kernels", lambda: True)
    rng = np.random.default_rng(1)
    several = 0
    for _ in range(300):
        m, k, n = (int(x) for x in np.exp(rng.uniform(0, 7, 3)))
        n += -n % rng.choice([1, 16])
        a, b = factors(rng, m, k, n, rng.choice(["CC", "CF", "FC"]), "float32")
        several += cut(a, b)[0] > 1
    assert several > 30


def test_where_a_piece_would_have_few_rows_columns_are_cut_as_well(monkeypatch):
    monkeypatch.setattr(products, "has_small_kernels", lambda: True)
    rng = np.random.default_rng(1)
    assert cut(*factors(rng, 100, 128, 784, "CC", "float32"))[1] == 1
    for k in (160, 200, 300, 500, 784):
        assert cut(*factors(rng, 100, k, 784, "CC", "float32"))[1] > 1
    for n in (160, 200, 300):
        assert cut(*factors(rng, 100, 784, n, "CF", "float32"))[1] > 1
    for m in (3, 10, 32):
        pieces, columns = cut(*factors(rng, m, 200, 784, "CF", "float32"))
        assert pieces == columns > 1


def test_without_kernels_for_small_products_nothing_is_cut(monkeypatch):
    monkeypatch.setattr(products, "has_small_kernels", lambda: False)
    a, b = factors(np.random.default_rng(2), 128, 128, 128, "CC", "float32")
    assert edges_of(a, b) == ([0, 128], [0, 128])
