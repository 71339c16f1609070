"""Threads for the matrix products: several where that is quicker, and the same numbers always.

A linear algebra library that is given two threads lets them wait for each other in a busy loop.
On a machine with other work to do, one of them is often not running at all, and a product takes
many times longer than with one thread. So the library is held to a single thread here, and a
large product is cut into one part a thread by `Team`:

- The parts are those of the product done alone, so whoever computes them computes the same bits:
  a fit with n threads gives the numbers of a fit with one.
- The caller computes the first part; a helper that has not finished its own soon after is not
  waited for: the caller computes that part too, and the helper's late answer is thrown away.
- Whether sharing pays is found out by whole steps of training, a few with it and a few without:
  what a helper computed lies in the cache of another core, so a product may gain and its step
  lose. The quicker way is kept for a while, twice as long after each trial.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from ann.errors import ParameterError
from ann.network.calls import Step, run
from ann.plan.products import controller, edges_of, product_steps, steps_between

__all__ = ["Team", "count_threads"]

#: Multiplications of one product (about 0.4 ms) from which sharing it is tried.
WORTH_SHARING = 25_000_000
#: Helpers may need this much longer than the caller for their parts.
PATIENCE = 0.3
#: Steps before the first trial; steps of one kind in a row, and how often at most, in a trial.
WARM_UP, IN_A_ROW, TURNS = 2, 2, 3
#: Sharing has won if a step takes at most this much of the time without.
WORTH = 0.97
#: Steps from the first trial to the second, and most steps from one to the next.
FIRST_REST, LONGEST_REST = 256, 4096
#: Late answers after which there is no sharing until the next trial.
TOO_OFTEN_LATE = 3


def count_threads(n_jobs: int | None) -> int:
    """Number of threads meant by scikit-learn's ``n_jobs``.

    Parameters
    ----------
    n_jobs : int or None
        None is one; -1 as many as this process may run on, -2 one less, and so on.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    ParameterError
        If it is 0 or no whole number.

    Examples
    --------
    >>> count_threads(None), count_threads(3)
    (1, 3)
    """
    if n_jobs is None:
        return 1
    if not isinstance(n_jobs, int | np.integer) or isinstance(n_jobs, bool) or n_jobs == 0:
        raise ParameterError(f"n_jobs is a number of threads, -1 (all) or None, not {n_jobs!r}")
    if n_jobs > 0:
        return int(n_jobs)
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    return max(1, cores + 1 + int(n_jobs))


class Team:
    """The calling thread and its helpers, for the length of a ``with`` block.

    Parameters
    ----------
    n_threads : int
        With 1 there is no helper and nothing is shared.
    clock : callable
        Gives the time in seconds.

    Attributes
    ----------
    sharing : bool
        Whether this step's large products are shared.
    late : int
        Answers that came too late since the last trial.

    Examples
    --------
    >>> a, b, out = np.ones((2, 3)), np.ones((3, 2)), np.empty((2, 2))
    >>> with Team(1) as team:
    ...     run(team.product(a, b, out))
    >>> out
    array([[3., 3.],
           [3., 3.]])
    """

    def __init__(self, n_threads: int = 1, clock: Callable[[], float] = perf_counter) -> None:
        if not isinstance(n_threads, int | np.integer) or n_threads < 1:
            raise ParameterError(f"n_threads must be a whole number from 1, not {n_threads!r}")
        self.n_threads = int(n_threads)
        self.helpers: list[Helper] = []
        self.sharing, self.late = False, 0
        self._clock, self._began = clock, clock()
        self._trials = self._choose()
        next(self._trials)
        self._inside = ExitStack()

    def __enter__(self) -> Team:
        self._inside.enter_context(controller().limit(limits=1, user_api="blas"))
        return self

    def __exit__(self, *_: object) -> None:
        for helper in self.helpers:
            helper.dismiss()
        self.helpers = []
        self._inside.close()

    def begin_step(self) -> None:
        """Note how long the last step took, and decide how this one is done."""
        last, self._began = self._began, self._clock()
        self.sharing = self._trials.send(self._began - last)

    def _choose(self) -> Generator[bool, float, None]:
        """Yield for each step whether to share; get back how long it took."""
        yield False
        for _ in range(WARM_UP):
            yield False
        rest = FIRST_REST
        while True:
            took: dict[bool, list[float]] = {False: [], True: []}
            for _ in range(TURNS):
                for sharing in (False, True):
                    for _ in range(IN_A_ROW):
                        took[sharing].append((yield sharing))
                won = median(took[True]) <= WORTH * median(took[False])
                if not won:
                    break
            self.late = 0
            for _ in range(rest):
                yield won and self.late < TOO_OFTEN_LATE
            rest = min(2 * rest, LONGEST_REST)

    def product(self, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> list[Step]:
        """The calls that make out ← a b, shared if it is large.

        Parameters
        ----------
        a, b : ndarray of shape (m, k), (k, n)
        out : ndarray of shape (m, n)
            In C order.

        Returns
        -------
        list of Step
        """
        m, n = out.shape
        if self.n_threads == 1 or m < 2 * self.n_threads or m * n * a.shape[1] < WORTH_SHARING:
            return product_steps(a, b, out)
        if not self.helpers:
            self.helpers = [Helper() for _ in range(self.n_threads - 1)]
        return [(SharedProduct(self, a, b, out), ())]


class Helper:
    """A thread that computes one product at a time into memory of its own."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ann helper")
        self._task: Future[Any] = self._thread.submit(int)  # the thread is there from now on

    def answer(self, like: np.ndarray) -> np.ndarray:
        """Where an answer of this shape will be; answers to different products share it."""
        if self._memory.size < like.nbytes:
            self._memory = np.empty(like.nbytes, np.uint8)
        return self._memory[: like.nbytes].view(like.dtype).reshape(like.shape)

    @property
    def is_free(self) -> bool:
        """Whether the last answer has been given, in time or too late."""
        return self._task.done()

    def ask(self, steps: list[Step]) -> None:
        """Begin a product into the memory that `answer` gave."""
        self._task = self._thread.submit(self._compute, steps)

    def has_answered(self, limit: float) -> bool:
        """Whether the answer is there after waiting at most so many seconds."""
        with suppress(TimeoutError):
            self._task.result(max(limit, 0.0))
        return self._task.done()

    def dismiss(self) -> None:
        """End the thread, after what it is doing."""
        self._thread.shutdown()

    def _compute(self, steps: list[Step]) -> None:
        run(steps)


class SharedProduct:
    """out ← a b, whole by the caller or in parts by all threads; the bits are the same.

    The first call does both and compares. Where a library's parts differ from its whole, the
    product is never shared.

    Attributes
    ----------
    shared, alone : int
        How often each way was taken.
    """

    def __init__(self, team: Team, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
        self._team = team
        self._whole = product_steps(a, b, out)
        n_parts = len(team.helpers) + 1
        edges, columns = edges_of(a, b)
        if len(edges) <= n_parts:
            edges = np.linspace(0, len(out), n_parts + 1).astype(int).tolist()
        bounds = [edges[(len(edges) - 1) * i // n_parts] for i in range(n_parts + 1)]
        self._parts = [out[i:j] for i, j in pairwise(bounds)]

        def steps(part: int, target: np.ndarray) -> list[Step]:
            first, end = bounds[part], bounds[part + 1]
            inside = [e - first for e in edges if first <= e <= end]
            return steps_between(a[first:end], b, target, inside, columns)

        self._own = [steps(i, part) for i, part in enumerate(self._parts)]
        self._answers = [h.answer(p) for h, p in zip(team.helpers, self._parts[1:], strict=True)]
        self._asked = [steps(i, answer) for i, answer in enumerate(self._answers, 1)]
        self._may_share: bool | None = None
        self.shared = self.alone = 0

    def __call__(self) -> None:
        if self._may_share is None:
            self._compare()
        elif self._may_share and self._team.sharing and all(h.is_free for h in self._team.helpers):
            self._share()
        else:
            self._do_alone()

    def _compare(self) -> None:
        for steps in self._own:
            run(steps)
        in_parts = [part.copy() for part in self._parts]
        self._do_alone()
        pairs = zip(in_parts, self._parts, strict=True)
        self._may_share = all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)

    def _do_alone(self) -> None:
        run(self._whole)
        self.alone += 1

    def _share(self) -> None:
        helpers = self._team.helpers
        began = perf_counter()
        for helper, steps in zip(helpers, self._asked, strict=True):
            helper.ask(steps)
        run(self._own[0])
        done = perf_counter()
        limit = done + PATIENCE * (done - began)
        for i, (helper, answer) in enumerate(zip(helpers, self._answers, strict=True), 1):
            if helper.has_answered(limit - perf_counter()):
                np.copyto(self._parts[i], answer)
            else:
                run(self._own[i])
                self._team.late += 1
        self.shared += 1
