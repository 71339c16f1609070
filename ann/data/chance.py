"""Random numbers of our own: the same seed in a user's script must not give the same stream.

A table made with `default_rng(0)` and sampled with `default_rng(0)` is not sampled at random: the
rows kept would be those whose first random number was small.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np

__all__ = ["generator"]


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
