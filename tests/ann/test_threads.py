"""Threads: the same bits whoever computes them, and no harm from a helper that comes late."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from ann import ShallowNetwork
from ann.errors import ParameterError
from ann.network.losses import Quadratic
from ann.network.network import Network
from ann.plan.optimisers import SGD
from ann.plan.plan import Plan
from ann.plan.products import product_steps
from ann.plan.threads import (
    FIRST_REST,
    IN_A_ROW,
    TOO_OFTEN_LATE,
    TURNS,
    WARM_UP,
    Helper,
    SharedProduct,
    Team,
    count_threads,
)


def factors(m=512, k=512, n=128, seed=0):
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal(shape, dtype=np.float32) for shape in ((m, k), (k, n)))
    return a, b, np.empty((m, n), np.float32)


def shared(team, *arrays):
    [(call, arguments)] = team.product(*arrays)
    assert isinstance(call, SharedProduct)
    assert arguments == ()
    return call


def needs_equal_bits(call):
    """Skip where the first product showed that this library rounds parts of it otherwise."""
    if not call._may_share:
        pytest.skip("this processor's BLAS gives parts of a product other bits: none is shared")


def wait_for(team):
    while not all(helper.is_free for helper in team.helpers):
        time.sleep(1e-3)


@pytest.mark.parametrize("shape", [(512, 512, 128), (800, 784, 128), (301, 785, 207)])
@pytest.mark.parametrize("n_threads", [2, 3])
def test_a_shared_product_is_bit_for_bit_the_one_done_alone(n_threads, shape):
    a, b, out = factors(*shape)
    with Team(n_threads) as team:
        call = shared(team, a, b, out)
        team.sharing = True
        call()  # compares
        alone = np.empty_like(out)
        for function, arguments in product_steps(a, b, alone):
            function(*arguments)
        assert np.array_equal(out, alone)
        for seed in range(5):
            wait_for(team)
            out[...] = seed
            call()
            assert np.array_equal(out, alone)
        assert call.shared + call.alone == 6
        assert call.shared in (0, 5)  # none if the library's parts have other bits
    assert np.allclose(alone, a.astype(float) @ b.astype(float), rtol=1e-3, atol=1e-3)


def test_products_with_equal_bits_in_parts_are_shared():
    with Team(2) as team:
        call = shared(team, *factors())
        team.sharing = True
        for _ in range(4):
            wait_for(team)
            call()
            needs_equal_bits(call)
        assert call.shared == 3


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
        team.sharing = True
        call()
        needs_equal_bits(call)
        right = out.copy()
        for _ in range(6):
            out[...] = np.nan
            call()
            assert np.array_equal(out, right)
        assert call.shared == team.late == 1  # then alone, for the helper is not free
        out[...] = 7
        let_go.set()
        wait_for(team)
        assert np.all(out == 7)  # its answer went nowhere


def shared_steps(team, now, n, cost):
    """How many of n steps were shared that cost so much alone and shared."""
    count = 0
    for _ in range(n):
        team.begin_step()
        count += team.sharing
        now[0] += cost[team.sharing]
    return count


def test_steps_that_lose_by_sharing_are_hardly_shared_and_those_that_win_nearly_always():
    for cost, least, most in (((1.0, 1.1), 0, 50), ((1.0, 0.99), 0, 50), ((1.0, 0.7), 4950, 5000)):
        now = [0.0]
        team = Team(2, clock=lambda now=now: now[0])
        assert least <= shared_steps(team, now, 5000, cost) <= most
    now = [0.0]
    team = Team(2, clock=lambda: now[0])
    first = WARM_UP + 1 + 2 * IN_A_ROW * TURNS
    shared_steps(team, now, first, (1.0, 0.7))
    assert shared_steps(team, now, FIRST_REST // 2, (1.0, 0.7)) == FIRST_REST // 2
    team.late = TOO_OFTEN_LATE
    assert shared_steps(team, now, FIRST_REST // 2, (1.0, 0.7)) == 0
    # What has changed is found out at the next trial.
    assert shared_steps(team, now, 2000, (1.0, 0.7)) > 1900
    assert shared_steps(team, now, 9000, (1.0, 1.1)) < 6000


def test_a_step_of_training_is_counted_where_a_product_is_shared():
    rng = np.random.default_rng(0)
    X, T = rng.random((256, 500), dtype=np.float32), rng.random((256, 2), dtype=np.float32)
    for width, counted in ((500, True), (20, False)):
        net = Network([500, width, 2], ["relu", "identity"], rng=0)
        with Team(2) as team:
            program = Plan(net, Quadratic(), SGD()).program(128, X, T, team=team)
            assert (program.gather[0][0] == team.begin_step) is counted


def test_small_products_and_single_threads_are_plain_calls():
    with Team(2) as team:
        [(call, _)] = team.product(*factors(64, 64, 64))
        assert call is np.dot
        assert not team.helpers
    with Team(1) as team:
        assert not any(isinstance(call, SharedProduct) for call, _ in team.product(*factors()))


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
    assert np.array_equal(one.network_.parameters, two.network_.parameters)


def test_numbers_of_threads():
    assert count_threads(None) == 1
    assert count_threads(-1) >= 1
    assert count_threads(-1000) == 1
    for wrong in (0, 1.5, True, "two"):
        with pytest.raises(ParameterError, match="n_jobs"):
            count_threads(wrong)
    with pytest.raises(ParameterError, match="n_threads"):
        Team(0)


def test_the_workers_that_run_tests_share_the_processors():
    """More threads than processors spin while they wait, for more time than they compute."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1:
        pytest.skip("the tests run in one process")
    most = int(os.environ["OMP_NUM_THREADS"])
    assert all(one["num_threads"] <= most for one in threadpool_info())
