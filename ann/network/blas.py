"""Two in-place products of linear algebra libraries that NumPy has no name for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ann.network.calls import Step

__all__ = ["add_outer", "add_scaled"]


@lru_cache
def _routine(name: str, dtype: np.dtype) -> Any:
    from scipy.linalg import get_blas_funcs  # takes longer to load than all of NumPy

    return get_blas_funcs(name, dtype=dtype)


def add_scaled(y: np.ndarray, x: np.ndarray, a: np.ndarray | float) -> Step:
    """The call y ← y + a x, in place, for contiguous vectors of one dtype.

    Parameters
    ----------
    y, x : ndarray of shape (n,)
    a : ndarray of shape () or float
        An array is read anew at each call.

    Returns
    -------
    Step

    Examples
    --------
    >>> y = np.ones(2)
    >>> function, arguments = add_scaled(y, np.array([1.0, 2.0]), 10.0)
    >>> _ = function(*arguments)
    >>> y
    array([11., 21.])
    """
    return _routine("axpy", y.dtype), (x, y, y.size, a)


def add_outer(z: np.ndarray, x: np.ndarray, y: np.ndarray) -> Step:
    """The call z ← z + x yᵀ, in place, for contiguous arrays of one dtype.

    Parameters
    ----------
    z : ndarray of shape (m, n)
    x, y : ndarray of shape (m,), (n,)

    Returns
    -------
    Step

    Examples
    --------
    >>> z = np.zeros((2, 2))
    >>> function, arguments = add_outer(z, np.array([1.0, 2.0]), np.ones(2))
    >>> _ = function(*arguments)
    >>> z
    array([[1., 1.],
           [2., 2.]])
    """
    # After the vectors their strides; then leave to overwrite what is given.
    return _routine("ger", z.dtype), (1.0, y, x, 1, 1, z.T, 1, 1, 1)
