"""How far a sweep is: rows, rate, time left and failures, on one line."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["ProgressLine", "SweepProgress"]

# Seconds between two lines of a log, and between two changes of a line.
_EVERY_S = 10.0
_CHANGE_S = 0.2


@dataclass(frozen=True)
class SweepProgress:
    """How far a sweep is.

    Attributes
    ----------
    done, rows : int
        Rows that are in the store, and all that are asked for.
    computed : int
        Rows computed since the start of this process.
    failures : int
        Rows that could not be computed.
    seconds : float
        Since the start.
    """

    done: int
    rows: int
    computed: int
    failures: int
    seconds: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.computed / self.seconds if self.seconds > 0 else 0.0

    @property
    def left_s(self) -> float:
        """Seconds left at that rate."""
        return (self.rows - self.done) / self.rate if self.rate else float("inf")

    def __str__(self) -> str:
        """Return it in one line.

        >>> print(SweepProgress(300, 1000, 200, 1, 2.0))
        300 of 1,000 rows (30 %), 100 rows/s, 7 s left, 1 failed
        """
        share = f"{self.done:,} of {self.rows:,} rows ({100 * self.done / self.rows:.0f} %)"
        left = f", {_clock(self.left_s)} left" if 0 < self.left_s < float("inf") else ""
        failed = f", {self.failures:,} failed" if self.failures else ""
        return f"{share}, {self.rate:,.3g} rows/s{left}{failed}"


class ProgressLine:
    """Show progress: a line that changes on a terminal and in a notebook, lines in a log.

    Where standard error is neither, a line goes to the logger ``neurosim.sweep`` every ten seconds,
    and to standard error.
    """

    def __init__(self) -> None:
        self._last = 0.0
        self._length = 0
        self._changes = sys.stderr.isatty() or "ipykernel" in sys.modules

    def __call__(self, progress: SweepProgress) -> None:
        """Show it, unless the last time was a moment ago."""
        now, ended = time.monotonic(), progress.done >= progress.rows
        if now - self._last < (_CHANGE_S if self._changes else _EVERY_S) and not ended:
            return
        self._last = now
        text = str(progress)
        logging.getLogger("neurosim.sweep").info(text)
        if not self._changes:
            sys.stderr.write(f"{progress.seconds:.0f} s: {text}\n")
            return
        sys.stderr.write(f"\r{text.ljust(self._length)}" + ("\n" if ended else ""))
        sys.stderr.flush()
        self._length = len(text)


def _clock(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


Report = Callable[[SweepProgress], None]
