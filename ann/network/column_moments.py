"""Mean and spread of columns, and which of them do not vary at all."""

from __future__ import annotations

import numpy as np

from ann.errors import DataError

__all__ = ["STRETCH", "mean_and_spread", "unvaried"]

#: Numbers worked on at a time, so that double precision never needs a copy of all data.
STRETCH = 2**16


def mean_and_spread(
    X: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column, in double precision, in bounded memory.

    Parameters
    ----------
    X : ndarray of shape (n, n_columns)
    weights : ndarray of shape (n,), optional
        How much each row counts.

    Returns
    -------
    mean, spread : ndarray of shape (n_columns,)

    Raises
    ------
    DataError
        If numbers are so large that their squares overflow.

    Examples
    --------
    >>> mean_and_spread(np.array([[0.0], [4.0]]), np.array([3.0, 1.0]))
    (array([1.]), array([1.73205081]))
    """
    share = np.ones(len(X)) if weights is None else np.asarray(weights, np.float64)
    share = share / share.sum()
    mean = np.zeros(X.shape[1])
    variance = np.zeros(X.shape[1])
    rows = max(1, STRETCH // max(X.shape[1], 1))
    pieces = [slice(a, a + rows) for a in range(0, len(X), rows)]
    with np.errstate(over="ignore", invalid="ignore"):
        for c in pieces:
            mean += share[c] @ X[c].astype(np.float64, copy=False)
        for c in pieces:
            variance += share[c] @ np.square(X[c] - mean)
    too_large = np.flatnonzero(~np.isfinite(variance))
    if len(too_large):
        k = int(too_large[0])
        raise DataError(
            f"column {k} holds numbers up to {np.abs(X[:, k]).max():.3g}, too large to square; "
            "divide it by a constant first"
        )
    return mean, np.sqrt(variance)


def unvaried(X: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Which columns hold one value only.

    A mean is rounded, so the spread that is computed of a constant column need not be 0.

    Parameters
    ----------
    X : ndarray of shape (n, n_columns)
    mean, spread : ndarray of shape (n_columns,)
        As `mean_and_spread` found them.

    Returns
    -------
    ndarray of bool, shape (n_columns,)

    Examples
    --------
    >>> X = np.array([[0.1, 1e9], [0.1, 1e9 + 1], [0.1, 1e9]])
    >>> unvaried(X, *mean_and_spread(X))
    array([ True, False])
    """
    constant: np.ndarray = spread == 0
    for k in np.flatnonzero(~constant & (spread <= 1e-7 * np.abs(mean))):
        constant[k] = X[:, k].min() == X[:, k].max()
    return constant
