"""Chunks computed by an existing engine of Dask: a client that is passed in, or an address.

Where the workers come from is Dask's business: a `LocalCluster`, the queues of dask-jobqueue, or
Kubernetes. Each piece of work is one task of a chunk's rows, at most two a thread are on their way,
and a worker that joins gets work as soon as there is some.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

from experiments.sweep.errors import SweepError
from experiments.sweep.workers.compute import Outcome, Task, compute
from experiments.sweep.workers.worker_pool import Done
from neurosim.errors import ExtraMissingError, ParameterError

__all__ = ["DaskPool", "NoWorkerNotice"]

_A_THREAD = 2
# How often the scheduler is asked for its threads (s): an answer about a thousand workers takes as
# long as many pieces of work.
_COUNT_S = 1.0
_LOST = "the scheduler of Dask was lost; resume the sweep when it is back"


class NoWorkerNotice(UserWarning):
    """Said when a scheduler has no worker; the sweep waits until there is one."""


class DaskPool:
    """The workers of a client.

    Parameters
    ----------
    task : Task
    client : distributed.Client or str
        Or the address of a scheduler.
    """

    def __init__(self, task: Task, client: Any) -> None:
        try:
            import cloudpickle

            # Its functions carry no types.
            distributed: Any = import_module("distributed")
        except ImportError as error:
            raise ExtraMissingError.needed_for("sweep(client=...)", "sweep") from error
        self._distributed: Any = distributed
        self._own = isinstance(client, str)
        if not isinstance(client, str | distributed.Client):
            raise ParameterError(
                "sweep: client must be a distributed.Client or the address of a scheduler, such as "
                f"'tcp://10.0.0.1:8786'; got {client!r}"
            )
        try:
            self._client: Any = self._distributed.Client(client) if self._own else client
        except (OSError, ValueError) as error:
            raise SweepError(f"no scheduler answers at {client}: {error}") from None
        self._task = cloudpickle.dumps(task)
        self._keys: dict[Any, int] = {}
        self._done: Any = distributed.as_completed()
        self._threads, self._counted = 0, -_COUNT_S
        self._said = False

    def free(self) -> bool:
        """Whether fewer than two pieces a thread are on their way."""
        now = time.monotonic()
        if now - self._counted > _COUNT_S:
            with self._scheduler_needed():
                self._threads = sum(self._client.nthreads().values())
            self._counted = now
        return len(self._keys) < max(_A_THREAD, _A_THREAD * self._threads)

    def submit(self, key: int, columns: Mapping[str, np.ndarray], hashes: np.ndarray) -> None:
        """Give the rows of a piece of work to the scheduler."""
        with self._scheduler_needed():
            future = self._client.submit(
                _compute, self._task, dict(columns), hashes, pure=False, retries=0
            )
        self._keys[future] = key
        self._done.add(future)

    def next(self) -> Done:
        """Wait for the next piece that is done.

        The scheduler gives a piece whose worker was lost to another one by itself. One that loses
        several is reported as lost.
        """
        if not self._threads and not self._said:
            self._said = True
            warnings.warn(
                f"the scheduler at {self._client.scheduler.address} has no worker; the sweep waits "
                "until one has joined",
                NoWorkerNotice,
                stacklevel=2,
            )
        future = next(self._done)
        key = self._keys.pop(future)
        if future.status == "finished":
            # The result is fetched now, and the scheduler may be lost between the two.
            with self._scheduler_needed():
                return Done(key, future.result(), None)
        if future.status != "error":
            return Done(key, None, SweepError(_LOST))
        error = future.exception()
        killed = isinstance(error, self._distributed.KilledWorker)
        return Done(key, None, None if killed else error)

    def close(self) -> None:
        """Take back what is not finished; a client that was passed in stays open."""
        # Of a scheduler that is lost there is nothing to take back.
        with suppress(*self._losses):
            for future in self._keys:
                future.cancel()
        self._keys.clear()
        if self._own:
            with suppress(*self._losses):
                self._client.close()

    @property
    def _losses(self) -> tuple[type[BaseException], ...]:
        """What a client raises when it cannot reach its scheduler."""
        closed: type[BaseException] = import_module("distributed.client").ClosedClientError
        return (OSError, CancelledError, closed)

    @contextmanager
    def _scheduler_needed(self) -> Iterator[None]:
        """Say of whatever needs the scheduler that it is lost, if it is.

        Raises
        ------
        SweepError
        """
        try:
            yield
        except self._losses as error:
            raise SweepError(_LOST) from error


@lru_cache(maxsize=4)
def _unpickled(task: bytes) -> Task:
    import pickle

    found: Task = pickle.loads(task)
    return found


def _compute(task: bytes, columns: dict[str, np.ndarray], hashes: np.ndarray) -> Outcome:
    """Compute the rows of a piece of work, on a worker."""
    return compute(_unpickled(task), columns, hashes)
