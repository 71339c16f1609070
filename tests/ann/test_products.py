"""Products in pieces: the right numbers, the same bits each time, and never into crumbs."""

from __future__ import annotations

import numpy as np
import pytest

import ann.products as products
from ann.products import edges_of, product_steps


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


def test_pieces_cover_all_rows_once_and_are_small_and_few(monkeypatch):
    monkeypatch.setattr(products, "has_small_kernels", lambda: True)
    rng = np.random.default_rng(1)
    cut = 0
    for _ in range(300):
        m, k, n = (int(x) for x in np.exp(rng.uniform(0, 7, 3)))
        n += -n % rng.choice([1, 16])
        a, b = factors(rng, m, k, n, rng.choice(["CC", "CF", "FC"]), "float32")
        edges = edges_of(a, b)
        assert edges[0] == 0
        assert edges[-1] == m
        assert np.all(np.diff(edges) > 0)
        if len(edges) > 2:
            cut += 1
            rows = int(np.max(np.diff(edges)))
            assert rows * k * n <= products.SMALL
            assert len(edges) - 1 <= products.MANY_PIECES
    assert cut > 30


def test_without_kernels_for_small_products_nothing_is_cut(monkeypatch):
    monkeypatch.setattr(products, "has_small_kernels", lambda: False)
    a, b = factors(np.random.default_rng(2), 128, 128, 128, "CC", "float32")
    assert edges_of(a, b) == [0, 128]
