"""Random numbers of our own: the same seed in a user's script must not give the same stream.

A table made with `default_rng(0)` and sampled with `default_rng(0)` is not sampled at random: the
rows kept would be those whose first random number was small.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

__all__ = ["generator", "sample"]


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Return a generator for one purpose.

    Parameters
    ----------
    seed : int
        The caller's.
    purpose : str
        What the numbers are for; each purpose has its own stream.

    Returns
    -------
    numpy.random.Generator

    Examples
    --------
    >>> float(generator(0, "sample").random()) == float(np.random.default_rng(0).random())
    False
    """
    return np.random.default_rng([seed, crc32(purpose.encode())])


def sample(rows: int, most: int, seed: int) -> NDArray[np.intp]:
    """Return the places of at most `most` rows, in order: all of them, or a uniform sample.

    Parameters
    ----------
    rows : int
        How many there are.
    most : int
        How many are wanted at most.
    seed : int
        The caller's.

    Returns
    -------
    (min(rows, most),) array of int

    Examples
    --------
    >>> sample(3, 5, 0).tolist(), len(sample(100, 5, 0))
    ([0, 1, 2], 5)
    """
    if rows <= most:
        return np.arange(rows)
    return np.sort(generator(seed, "sample").choice(rows, most, replace=False))
