"""A second process for work in Python, which one process does on one core only."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

__all__ = ["second_process", "timed"]


@contextmanager
def second_process(jobs: int) -> Iterator[Executor]:
    """Give what runs functions beside this process: a copy of it, else a thread.

    The copy is made at once, so that what is imported before need not be imported again; enter the
    block before threads are started. It ends with the block, and with this process, however that
    ends. Ctrl-C is for this process alone to hear.

    Parameters
    ----------
    jobs : int
        Processes that may work at the same time; for a single one nothing is copied.
    """
    if jobs < 2 or not sys.platform.startswith("linux"):
        with ThreadPoolExecutor(1) as pool:
            yield pool
        return
    watched, held = os.pipe()
    process = ProcessPoolExecutor(
        1, get_context("fork"), initializer=_begin, initargs=(watched, held)
    )
    try:
        with warnings.catch_warnings():
            # Newer Pythons warn of copies made while threads run, such as that of a progress bar.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.submit(int).result()
        yield process
    except BaseException:
        os.close(held)
        held = -1
        raise
    finally:
        process.shutdown(wait=True, cancel_futures=True)
        os.close(watched)
        if held >= 0:
            os.close(held)


def _begin(watched: int, held: int) -> None:
    """Let the copy end as soon as the other end of a pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.close(held)

    def watch() -> None:
        os.read(watched, 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def timed(function: Callable[..., Any], *given: Any, **options: Any) -> tuple[float, float, Any]:
    """Return when a call began and ended, and what it returned.

    The clock is that of `time.perf_counter`, which on Linux is one for all processes.

    Examples
    --------
    >>> start, end, found = timed(max, 1, 2)
    >>> start <= end, found
    (True, 2)
    """
    start = time.perf_counter()
    found = function(*given, **options)
    return start, time.perf_counter(), found
