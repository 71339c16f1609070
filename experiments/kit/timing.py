"""Where the time of a job goes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Stopwatch", "process_age"]


def process_age() -> float | None:
    """Return how many seconds ago this process began, imports included; None if unknown.

    Linux says when a process began; elsewhere nobody is asked.
    """
    try:
        with open("/proc/self/stat", encoding="ascii") as stream:
            # After the name of the program, which may hold spaces and brackets.
            started = float(stream.read().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


class Stopwatch:
    """Add up wall time by kind of work; work that overlaps is counted once.

    Examples
    --------
    >>> watch = Stopwatch()
    >>> with watch.during("simulation"):
    ...     pass
    >>> sorted(watch.seconds())
    ['simulation']
    """

    def __init__(self) -> None:
        self._spans: dict[str, list[tuple[float, float]]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def during(self, kind: str) -> Iterator[None]:
        """Count the time inside the block as `kind`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(kind, start, time.perf_counter())

    def add(self, kind: str, start: float, end: float) -> None:
        """Count the time from `start` to `end`, both of `time.perf_counter`, as `kind`."""
        with self._lock:
            self._spans.setdefault(kind, []).append((start, end))

    def seconds(self, *kinds: str) -> dict[str, float]:
        """Return the wall time of each kind (all by default)."""
        chosen = kinds or tuple(self._spans)
        return {kind: self.union(kind) for kind in chosen}

    def union(self, *kinds: str) -> float:
        """Return the wall time during which any of these kinds was going on."""
        spans = sorted(span for kind in kinds for span in self._spans.get(kind, []))
        total, reached = 0.0, float("-inf")
        for start, end in spans:
            total += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        return total
