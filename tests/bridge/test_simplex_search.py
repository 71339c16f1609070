"""Searches in a batch go where each goes alone, which is where SciPy's goes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from bridge.mapping.simplex_search import simplex_search


def rugged(x, shift):
    """A valley with ripples: reflections, expansions, both contractions and shrinkage all occur."""
    u, v = x[..., 0] - shift, x[..., 1] + 2 * shift
    return (1 - u) ** 2 + 10 * (v - u**2) ** 2 + 2 * np.abs(np.sin(3 * u)) + np.abs(v)


@pytest.mark.parametrize("steps", [3, 25, 200])
def test_each_search_ends_where_scipys_does(steps):
    random = np.random.default_rng(4)
    shifts = random.normal(0, 2, 40)
    start = random.normal(0, 3, (40, 1, 2)) + np.array([[0, 0], [1.5, 0], [0, 0.7]])
    found = simplex_search(
        lambda x, which: rugged(x, shifts[which]), start, xatol=1e-3, fatol=1e-6, steps=steps
    )
    for k, shift in enumerate(shifts):
        options = {"initial_simplex": start[k], "xatol": 1e-3, "fatol": 1e-6, "maxiter": steps}
        alone = minimize(lambda x, s=shift: float(rugged(x, s)), start[k, 0], method="Nelder-Mead",
                         options=options)  # fmt: skip
        np.testing.assert_array_equal(found[k], alone.x)
