"""What training takes: parameters, optimiser and one batch, and nothing that grows with time."""

from __future__ import annotations

import tracemalloc
import weakref
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest

from ann import DeepNetwork, ShallowNetwork
from ann.plan.memory import PAGE, Room

pytestmark = pytest.mark.filterwarnings("ignore:.*nothing was learnt")


def peak(model, X, y):
    """Bytes allocated at the worst moment of a fit, beyond what was there before."""
    # Large pages come from the system itself and are not traced: the room for the vectors of
    # training counts from when it is made until it is given back.
    peaks, make = [], Room.__init__

    def note(extra):
        peaks.append(tracemalloc.get_traced_memory()[1] + extra)
        tracemalloc.reset_peak()

    def make_and_note(room, n_bytes):
        note(0)
        make(room, n_bytes)
        weakref.finalize(room, note, room.reserved)

    with patch.object(Room, "__init__", make_and_note):
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        model.fit(X, y)
        note(0)
        tracemalloc.stop()
    assert len(peaks) == 3  # before, with and after the room
    return max(peaks) - before


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


def test_a_room_gives_zeros_apart_from_each_other_and_never_runs_out():
    for n_bytes in (100, PAGE // 2, PAGE, 2 * PAGE + 5):
        room = Room(n_bytes)
        assert room.reserved <= n_bytes + PAGE // 4
        vectors = [room.zeros(size, "float32") for size in (1, n_bytes // 8, 17, n_bytes // 4)]
        for i, vector in enumerate(vectors):
            assert not vector.any()
            assert vector.ctypes.data % 64 == 0
            vector[:] = i + 1
        assert all(np.all(vector == i + 1) for i, vector in enumerate(vectors))


def test_memory_does_not_grow_with_epochs():
    rng = np.random.default_rng(0)
    X, y = rng.random((1000, 50), dtype=np.float32), rng.integers(3, size=1000)
    few, many = (
        peak(ShallowNetwork(hidden=200, max_epochs=n, random_state=0), X, y) for n in (5, 60)
    )
    assert many < few + 100_000  # the history of 55 epochs
