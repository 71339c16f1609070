"""What training takes: parameters, optimiser and one batch, and nothing that grows with time."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from ann import DeepNetwork, ShallowNetwork

pytestmark = pytest.mark.filterwarnings("ignore:.*nothing was learnt")


def peak(model, X, y):
    """Bytes allocated at the worst moment of a fit, beyond what was there before."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    model.fit(X, y)
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return top - before


@pytest.mark.parametrize(
    ("kind", "hidden", "rows"),
    [
        (ShallowNetwork, (800,), 1280),
        (DeepNetwork, (300,) * 5, 1280),
        (ShallowNetwork, (800,), 1300),
    ],
)
@pytest.mark.parametrize("standardise", [False, True])
def test_five_times_the_parameters_three_times_a_batch_and_the_data(
    kind, hidden, rows, standardise
):
    rng = np.random.default_rng(0)
    X = rng.random((rows, 784), dtype=np.float32)
    y = rng.integers(10, size=rows)
    model = kind(
        hidden=hidden,
        batch_size=128,
        max_epochs=2,
        learning_rate=1e-4,
        standardise=standardise,
        random_state=0,
        activation="relu",
    )
    kind(hidden=(4,), max_epochs=1, standardise=standardise).fit(X, y)  # imports and caches
    sizes = [784, *hidden, 10]
    parameters = sum((a + 1) * b for a, b in pairwise(sizes))
    allowed = 4 * (5 * parameters + 3 * 128 * sum(sizes)) + X.nbytes
    assert peak(model, X, y) <= allowed


def test_memory_does_not_grow_with_epochs():
    rng = np.random.default_rng(0)
    X, y = rng.random((1000, 50), dtype=np.float32), rng.integers(3, size=1000)
    few, many = (
        peak(ShallowNetwork(hidden=200, max_epochs=n, random_state=0), X, y) for n in (5, 60)
    )
    assert many < few + 100_000  # the history of 55 epochs
