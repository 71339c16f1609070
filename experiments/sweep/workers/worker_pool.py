"""Processes on this machine that compute chunks.

On Linux a worker is forked from this process, so that it has everything imported and knows the
user's functions, wherever they stand; elsewhere it is a fresh Python that gets the task pickled.
Each has at most one chunk at a time, so that nothing piles up. A worker that dies is replaced, and
says by its end which chunk it had. Workers end with this process, however that ends.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple, Protocol

import numpy as np

from experiments.sweep.workers.compute import Outcome, Task, compute

__all__ = ["Done", "Pool", "ProcessPool"]

# How often a worker looks whether the process that started it is still there (s).
_LOOK_S = 0.5


class Done(NamedTuple):
    """What became of a piece of work: numbers, an error, or neither where its worker died."""

    key: int
    outcome: Outcome | None
    error: Exception | None


class Pool(Protocol):
    """What computes chunks: `ProcessPool`, or a client of Dask."""

    def free(self) -> bool:
        """Whether it takes another piece of work now."""

    def submit(self, key: int, columns: Mapping[str, np.ndarray], hashes: np.ndarray) -> None:
        """Give it the rows of a piece of work."""

    def next(self) -> Done:
        """Wait for the next piece that is done."""

    def close(self) -> None:
        """End it; what it has not finished is lost."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    key: int | None = None


class ProcessPool:
    """Processes on this machine.

    Parameters
    ----------
    task : Task
    jobs : int
        How many.
    """

    def __init__(self, task: Task, jobs: int) -> None:
        self._task = task
        forks = sys.platform == "linux"
        self._context: Any = multiprocessing.get_context("fork" if forks else "spawn")
        self._workers: list[_Worker] = []
        try:
            for _ in range(jobs):
                self._workers.append(self._start())
        except BaseException:
            self.close()
            raise

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        task: Any = self._task
        if self._context.get_start_method() != "fork":
            import cloudpickle

            task = cloudpickle.dumps(task)
        process = self._context.Process(
            target=_work, args=(theirs, task, os.getpid()), name="sweep worker", daemon=True
        )
        with warnings.catch_warnings():
            # That this process has threads: a worker uses nothing that they may hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def free(self) -> bool:
        """Whether a worker waits for work."""
        return any(worker.key is None for worker in self._workers)

    def submit(self, key: int, columns: Mapping[str, np.ndarray], hashes: np.ndarray) -> None:
        """Give the rows of a piece of work to a worker that waits."""
        k = next(k for k, worker in enumerate(self._workers) if worker.key is None)
        for _ in range(2):
            try:
                self._workers[k].connection.send((dict(columns), hashes))
                break
            except OSError:
                # It died while it waited, so that it had nothing to lose.
                self._replace(k)
        self._workers[k].key = key

    def next(self) -> Done:
        """Wait for the next piece that is done; a worker that died is replaced."""
        busy = {w.connection: k for k, w in enumerate(self._workers) if w.key is not None}
        connection = wait(list(busy))[0]
        k = busy[connection]  # type: ignore[index]
        key = self._workers[k].key
        assert key is not None
        try:
            outcome, error = self._workers[k].connection.recv()
        except (EOFError, OSError):
            self._replace(k)
            return Done(key, None, None)
        self._workers[k].key = None
        return Done(key, outcome, error)

    def _replace(self, k: int) -> None:
        dead = self._workers[k]
        dead.connection.close()
        dead.process.join()
        self._workers[k] = self._start()

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()
        self._workers = []


def _work(connection: Connection, task: Any, parent: int) -> None:
    """Compute what comes until nothing comes any more."""
    # A forked worker shares the memory of this process until it writes there; a collector that
    # counted all that was imported would copy it.
    gc.freeze()
    # Ctrl-C is for the process that started this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if isinstance(task, bytes):
        import pickle

        task = pickle.loads(task)
    with contextlib.suppress(EOFError, OSError):
        while True:
            columns, hashes = connection.recv()
            try:
                answer: tuple[Outcome | None, Exception | None] = (
                    compute(task, columns, hashes),
                    None,
                )
            except Exception as error:
                answer = None, error
            try:
                connection.send(answer)
            except (TypeError, AttributeError, ValueError):
                # An error that cannot be pickled.
                from experiments.sweep.errors import SweepError

                connection.send((None, SweepError(f"{type(answer[1]).__name__}: {answer[1]}")))


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)
