"""What identifies a row: a hash of its own coordinates and of the sweep's seed.

A row keeps its hash, and so its random numbers, wherever it stands in a grid, and in a grid that
has grown. The hash chains the keyed SplitMix64 rounds of `neurosim.randomness`, once an axis.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from neurosim.randomness import row_keys

__all__ = ["row_hashes", "seeds_of"]


def row_hashes(seed: int, coordinates: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return one 64-bit number a row.

    Parameters
    ----------
    seed : int
        Seed of the sweep.
    coordinates : mapping of str to ndarray, each of shape (rows,)
        By axis: numbers in SI units, whole numbers, or labels. The order of the axes is of no
        effect.

    Returns
    -------
    ndarray of uint64, shape (rows,)

    Examples
    --------
    A row has the same hash alone and among others.

    >>> many = row_hashes(1, {"current": np.array([1e-10, 2e-10]), "repeat": np.array([0, 1])})
    >>> one = row_hashes(1, {"repeat": np.array([1]), "current": np.array([2e-10])})
    >>> bool(many[1] == one[0]), bool(many[0] == many[1])
    (True, False)
    """
    rows = len(next(iter(coordinates.values())))
    found = np.full(rows, seed, dtype=np.uint64)
    for name in sorted(coordinates):
        bits = _bits(coordinates[name]) ^ _of_text(name)
        low, high = row_keys(found, bits)
        found = (high.view(np.uint32).astype(np.uint64) << np.uint64(32)) | low.view(np.uint32)
    return found


def seeds_of(hashes: np.ndarray) -> np.ndarray:
    """Return the seed of each row's noise: its hash without the sign, which seeds may not have.

    Examples
    --------
    >>> seeds_of(np.array([5], dtype=np.uint64)).tolist()
    [2]
    """
    return (hashes >> np.uint64(1)).astype(np.int64)


def _bits(values: np.ndarray) -> np.ndarray:
    """Return 64 bits that differ where values do."""
    if values.dtype.kind == "f":
        # There are two zeros, which are one value.
        return np.ascontiguousarray(values + 0.0, dtype=np.float64).view(np.uint64)
    if values.dtype.kind in "iu":
        return values.astype(np.int64).view(np.uint64)
    labels, which = np.unique(values, return_inverse=True)
    return np.array([_of_text(str(label)) for label in labels], dtype=np.uint64)[which]


def _of_text(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))
