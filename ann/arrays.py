"""Small questions about arrays that several files ask."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from scipy import sparse

__all__ = ["is_sparse", "physical_memory", "scalar_like"]


def is_sparse(X: Any) -> bool:
    """Whether X is a SciPy sparse matrix or array, of any format.

    Examples
    --------
    >>> is_sparse([[1.0]])
    False
    """
    return bool(sparse.issparse(X))


def physical_memory() -> int | None:
    """Bytes of memory this machine has, or None where the system does not tell.

    Examples
    --------
    >>> physical_memory() is None or physical_memory() > 0
    True
    """
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def scalar_like(value: float, like: np.ndarray) -> np.ndarray:
    """A number as the operand NumPy handles fastest: zero-dimensional, of the right dtype.

    Examples
    --------
    >>> scalar_like(0.5, np.zeros(3, np.float32))
    array(0.5, dtype=float32)
    """
    return np.array(value, like.dtype)
