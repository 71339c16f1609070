"""Threads: the same bits whoever computes them, and no harm from a helper that comes late."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from ann import ShallowNetwork
from ann.errors import ParameterError
from ann.threads import Helper, SharedProduct, Team, count_threads


def factors(m=512, k=512, n=128, seed=0):
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal(shape, dtype=np.float32) for shape in ((m, k), (k, n)))
    return a, b, np.empty((m, n), np.float32)


def shared(team, *arrays):
    [(call, arguments)] = team.product(*arrays)
    assert isinstance(call, SharedProduct)
    assert arguments == ()
    return call


@pytest.mark.parametrize("n_threads", [2, 3])
def test_a_shared_product_is_bit_for_bit_the_one_done_alone(n_threads):
    a, b, out = factors()
    with Team(n_threads) as team:
        call = shared(team, a, b, out)
        call._do_alone()
        alone = out.copy()
        for seed in range(5):
            while not all(helper.is_free for helper in call._helpers):
                time.sleep(1e-3)
            out[...] = seed
            call._share()
            assert np.array_equal(out, alone)
        assert call.shared == 5
    assert np.allclose(alone, a.astype(float) @ b.astype(float), rtol=1e-3, atol=1e-3)


def test_a_helper_that_is_late_is_not_waited_for_and_does_no_harm(monkeypatch):
    let_go = threading.Event()
    whole = Helper._compute

    def late(self, *task):
        let_go.wait(20)
        whole(self, *task)

    monkeypatch.setattr(Helper, "_compute", late)
    a, b, out = factors()
    with Team(2) as team:
        call = shared(team, a, b, out)
        call()
        right = out.copy()
        for _ in range(6):
            out[...] = np.nan
            call()
            assert np.array_equal(out, right)
        assert call.shared == 1  # and from then on alone, for the helper is not free
        out[...] = 7
        let_go.set()
        while not call._helpers[0].is_free:
            time.sleep(1e-3)
        assert np.all(out == 7)  # its answer went nowhere


def test_losing_makes_sharing_rare_and_winning_makes_it_common(monkeypatch):
    a, b, out = factors()
    with Team(2) as team:
        call = shared(team, a, b, out)
        call()
        monkeypatch.setattr(Helper, "has_answered", lambda self, wait: False)
        monkeypatch.setattr(Helper, "is_free", True)
        for _ in range(300):
            call()
        assert call.shared <= 10
        monkeypatch.undo()
    with Team(2) as team:
        call = shared(team, a, b, out)
        call()
        for _ in range(100):
            call._takes = np.inf  # nothing ever took longer, so sharing has always won
            monkeypatch.setattr(Helper, "has_answered", lambda self, wait: True)
            monkeypatch.setattr(Helper, "is_free", True)
            call()
        assert call.shared >= 90


def test_small_products_and_single_threads_are_plain_calls():
    with Team(2) as team:
        assert team.product(*factors(64, 64, 64))[0][0] is np.dot
        assert not team.helpers
    with Team(1) as team:
        assert team.product(*factors())[0][0] is np.dot


def test_a_team_leaves_the_library_and_the_threads_as_they_were():
    def blas():
        return [x["num_threads"] for x in threadpool_info() if x["user_api"] == "blas"]

    before, threads = blas(), threading.active_count()
    with Team(3) as team:
        team.product(*factors())
        assert set(blas()) == {1}
        assert threading.active_count() == threads + 2
    assert blas() == before
    assert threading.active_count() == threads


@pytest.mark.filterwarnings("ignore:after:sklearn.exceptions.ConvergenceWarning")
def test_a_fit_with_two_threads_gives_the_numbers_of_one():
    rng = np.random.default_rng(0)
    X = rng.random((512, 500), dtype=np.float32)
    y = X[:, 0] + X[:, 1] > 1
    settings = {"hidden": 500, "max_epochs": 4, "learning_rate": 1e-3, "random_state": 0}
    settings["batch_size"] = 128
    one = ShallowNetwork(**settings).fit(X, y)
    two = ShallowNetwork(n_jobs=2, **settings).fit(X, y)
    again = ShallowNetwork(n_jobs=2, **settings).fit(X, y)
    assert np.array_equal(two.network_.parameters, again.network_.parameters)
    assert np.allclose(one.network_.parameters, two.network_.parameters, atol=1e-4)


def test_numbers_of_threads():
    assert count_threads(None) == 1
    assert count_threads(-1) >= 1
    assert count_threads(-1000) == 1
    for wrong in (0, 1.5, True, "two"):
        with pytest.raises(ParameterError, match="n_jobs"):
            count_threads(wrong)
    with pytest.raises(ParameterError, match="n_threads"):
        Team(0)
