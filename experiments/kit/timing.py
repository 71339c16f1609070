"""Where the time of a job goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Stopwatch"]


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
            with self._lock:
                self._spans.setdefault(kind, []).append((start, time.perf_counter()))

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
