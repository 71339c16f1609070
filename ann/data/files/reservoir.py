"""A uniform sample of rows from a table that passes by in chunks."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["Reservoir"]


class Reservoir:
    """Keep a uniform sample of rows: those with the smallest random keys.

    Parameters
    ----------
    size : int
        Rows to keep at most.
    rng : numpy.random.Generator
        Where the keys come from.

    Examples
    --------
    >>> reservoir = Reservoir(3, np.random.default_rng(0))
    >>> reservoir.add(pd.DataFrame({"k": range(10)}))
    >>> reservoir.add(pd.DataFrame({"k": range(10, 20)}, index=range(10, 20)))
    >>> len(reservoir.frame())
    3
    """

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.size = size
        self._rng = rng
        self._frames: list[pd.DataFrame] = []
        self._keys: list[np.ndarray] = []
        self._held = 0
        self._bar = 1.0

    def add(self, chunk: pd.DataFrame) -> None:
        """Show the next rows."""
        key = self._rng.random(len(chunk))
        take = key < self._bar
        # A slice would keep the whole chunk in memory; a choice of rows is a copy.
        self._frames.append(chunk if take.all() else chunk[take])
        self._keys.append(key[take])
        self._held += int(take.sum())
        if self._held > 1.25 * self.size:
            self._thin()

    def _thin(self) -> None:
        frame, key = pd.concat(self._frames), np.concatenate(self._keys)
        self._bar = float(np.partition(key, self.size)[self.size])
        take = key < self._bar
        self._frames, self._keys = [frame[take]], [key[take]]
        self._held = int(take.sum())

    def frame(self) -> pd.DataFrame:
        """Return the rows kept, in their order."""
        if self._held > self.size:
            self._thin()
        return self._frames[0] if len(self._frames) == 1 else pd.concat(self._frames)
