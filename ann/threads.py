"""Threads for the matrix products: several where that is quicker, and the same numbers always.

A linear algebra library that is given two threads lets them wait for each other in a busy loop.
On a machine with other work to do, one of them is often not running at all, and a product takes
many times longer than with one thread. So the library is held to a single thread here, and a
large product is cut into one part a thread by `Team`:

- The parts are fixed by the sizes, and whoever computes them computes the same bits. So a fit
  with n threads gives the same numbers each time, however the work was shared.
- The caller computes the first part; a helper that has not finished its own soon after is not
  waited for: the caller computes that part too, and the helper's late answer is thrown away.
- Each product notes what sharing it and doing it alone take. Where sharing has lost, it is done
  alone for a while, twice as long each time.
"""

from __future__ import annotations

import itertools
import os
import threading
from contextlib import ExitStack
from time import perf_counter
from types import TracebackType

import numpy as np

from ann.activations import Step
from ann.errors import ParameterError
from ann.products import controller, product_steps

__all__ = ["Team", "count_threads"]

#: Multiplications of one product (about 0.4 ms) from which sharing it is tried.
WORTH_SHARING = 25_000_000
#: Helpers may need this much longer than the caller for their parts.
PATIENCE = 0.3
#: Products done alone after sharing has lost for the first time.
FIRST_REST = 16
#: Most products in a row that are done alone after sharing has lost.
LONGEST_REST = 1024
#: Products shared in a row before one is done alone, to know what that takes by now.
REMEASURE = 64


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
        With 1 there is no helper and every product is one call.

    Examples
    --------
    >>> a, b, out = np.ones((2, 3)), np.ones((3, 2)), np.empty((2, 2))
    >>> with Team(1) as team:
    ...     for function, arguments in team.product(a, b, out):
    ...         _ = function(*arguments)
    >>> out
    array([[3., 3.],
           [3., 3.]])
    """

    def __init__(self, n_threads: int = 1) -> None:
        if not isinstance(n_threads, int | np.integer) or n_threads < 1:
            raise ParameterError(f"n_threads must be a whole number from 1, not {n_threads!r}")
        self.n_threads = int(n_threads)
        self.helpers: list[Helper] = []
        self._inside = ExitStack()

    def __enter__(self) -> Team:
        self._inside.enter_context(controller().limit(limits=1, user_api="blas"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for helper in self.helpers:
            helper.dismiss()
        self.helpers = []
        self._inside.close()

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
        return [(SharedProduct(self.helpers, a, b, out), ())]


class Helper:
    """A thread that computes one product at a time into memory of its own."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)
        self._asked, self._answered = threading.Semaphore(0), threading.Semaphore(0)
        self._task: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._owes = False
        self._thread = threading.Thread(target=self._work, daemon=True, name="ann helper")
        self._thread.start()

    def answer(self, like: np.ndarray) -> np.ndarray:
        """Where an answer of this shape will be; answers to different products share it."""
        if self._memory.size < like.nbytes:
            self._memory = np.empty(like.nbytes, np.uint8)
        return self._memory[: like.nbytes].view(like.dtype).reshape(like.shape)

    @property
    def is_free(self) -> bool:
        """Whether the last answer has been given, in time or too late."""
        if self._owes and self._answered.acquire(blocking=False):
            self._owes = False
        return not self._owes

    def ask(self, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
        """Begin a product; `out` is what `answer` gave."""
        self._task, self._owes = (a, b, out), True
        self._asked.release()

    def has_answered(self, wait: float) -> bool:
        """Whether the answer is there after waiting at most so many seconds."""
        if self._owes and self._answered.acquire(timeout=max(wait, 0.0)):
            self._owes = False
        return not self._owes

    def dismiss(self) -> None:
        """End the thread, after what it is doing."""
        self._task = None
        self._asked.release()
        self._thread.join()

    def _work(self) -> None:
        while True:
            self._asked.acquire()
            task = self._task
            if task is None:
                return
            self._compute(*task)
            self._answered.release()

    def _compute(self, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
        np.dot(a, b, out)


class SharedProduct:
    """out ← a b, whole by the caller or in parts by all threads; the bits are the same.

    The first call does both and compares. Where a library's parts differ from its whole, as for
    small products, "alone" means part after part, so that the numbers never tell who did what.

    Attributes
    ----------
    shared, alone : int
        How often each way was taken.
    """

    def __init__(
        self, helpers: list[Helper], a: np.ndarray, b: np.ndarray, out: np.ndarray
    ) -> None:
        edges = np.linspace(0, len(out), len(helpers) + 2).astype(int)
        parts = [(a[i:j], b, out[i:j]) for i, j in itertools.pairwise(edges)]
        self._own, self._others = parts[0], parts[1:]
        self._answers = [h.answer(part[2]) for h, part in zip(helpers, self._others, strict=True)]
        self._helpers = helpers
        self._calls = [(a, b, out)]
        self._rest, self._next_rest, self._streak = 0, FIRST_REST, 0
        self._takes = np.inf
        self.shared = self.alone = 0

    def __call__(self) -> None:
        if not self.alone:
            self._compare()
        elif self._rest or not all(helper.is_free for helper in self._helpers):
            self._do_alone()
        else:
            self._share()

    def _compare(self) -> None:
        parts = [self._own, *self._others]
        np.dot(*self._calls[0])
        for a, b, out in parts:
            part = np.dot(a, b)
            if not np.array_equal(part, out, equal_nan=True):
                self._calls = parts
                break
        self._do_alone()

    def _do_alone(self) -> None:
        began = perf_counter()
        for call in self._calls:
            np.dot(*call)
        # The least it takes, forgotten by and by: chance delays are not to flatter sharing.
        self._takes = min(perf_counter() - began, 1.1 * self._takes)
        self._rest = max(0, self._rest - 1)
        self.alone += 1

    def _share(self) -> None:
        began = perf_counter()
        for helper, part, answer in zip(self._helpers, self._others, self._answers, strict=True):
            helper.ask(part[0], part[1], answer)
        np.dot(*self._own)
        done = perf_counter()
        limit = done + PATIENCE * (done - began)
        late = False
        for helper, part, answer in zip(self._helpers, self._others, self._answers, strict=True):
            if helper.has_answered(limit - perf_counter()):
                np.copyto(part[2], answer)
            else:
                np.dot(*part)
                late = True
        if late or perf_counter() - began > self._takes:
            self._rest, self._next_rest = self._next_rest, min(2 * self._next_rest, LONGEST_REST)
            self._streak = 0
        else:
            self._next_rest, self._streak = max(1, self._next_rest // 2), self._streak + 1
            self._rest = int(self._streak % REMEASURE == 0)
        self.shared += 1
