"""Mean and spread of columns, dense and sparse, and which of them do not vary at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ann.errors import DataError

__all__ = [
    "STRETCH",
    "extreme_size",
    "mean_and_spread",
    "shift_full_columns",
    "sparse_mean_and_spread",
    "unvaried",
]

#: A sparse column with a mean of so many standard deviations has at most one zero in a hundred:
#: written out in full and centred it takes no more memory.
FULL = 10.0
#: Numbers beyond this, or its inverse, have squares that a double does not hold.
SQUARABLE = 1e100

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


def extreme_size(largest: np.ndarray) -> np.ndarray:
    """What columns are divided by before their numbers are squared; mostly 1.

    Parameters
    ----------
    largest : ndarray of shape (n_columns,)
        Largest number of each column, without sign.

    Examples
    --------
    >>> extreme_size(np.array([3.0, 1e200]))
    array([1.e+000, 1.e+200])
    """
    extreme = (largest > SQUARABLE) | (largest < 1 / SQUARABLE)
    return np.where(extreme & (largest > 0), largest, 1.0)


def sparse_mean_and_spread(
    X: Any, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column of a sparse matrix, and which columns are full.

    Parameters
    ----------
    X : sparse matrix of shape (n, n_columns)
    weights : ndarray of shape (n,), optional
        How much each row counts.

    Returns
    -------
    mean, spread : ndarray of shape (n_columns,)
        Exactly 0 the spread of a column of one value.
    full : ndarray of int
        Columns with a mean of more than ten standard deviations, which have hardly any zeros.

    Examples
    --------
    >>> sparse_mean_and_spread(sparse.csr_matrix([[5.0, 0.0], [5.0, 2.0]]))
    (array([5., 1.]), array([0., 1.]), array([0]))
    """
    n, d = X.shape
    share = np.full(n, 1.0 / n) if weights is None else weights / weights.sum()
    X = X.tocsr().astype(np.float64, copy=False)
    top = np.asarray(abs(X).max(axis=0).toarray()).ravel() if X.nnz else np.zeros(d)
    size = extreme_size(top)
    small = (X @ sparse.diags(1.0 / size)).tocsr()
    mean = np.asarray(small.T @ share).ravel()
    power = np.asarray(small.multiply(small).T @ share).ravel()
    # Differences of large numbers are worth nothing for full columns, which follow below.
    spread = np.sqrt(np.maximum(power - mean**2, 0.0))
    full = np.flatnonzero(np.abs(mean) > FULL * spread)
    if len(full):
        table = small[:, full].toarray()
        mean[full], spread[full] = mean_and_spread(table, share)
        constant = unvaried(table, mean[full], spread[full])
        mean[full] = np.where(constant, table[0], mean[full])
        spread[full] = np.where(constant, 0.0, spread[full])
    return mean * size, spread * size, full


def shift_full_columns(X: Any, shift: np.ndarray) -> Any:
    """A sparse matrix with something subtracted from a few columns, zeros included.

    Parameters
    ----------
    X : sparse matrix of shape (n, n_columns)
    shift : ndarray of shape (n_columns,)
        0 for columns that stay as they are.

    Returns
    -------
    CSR matrix

    Examples
    --------
    >>> shift_full_columns(sparse.csr_matrix([[5.0, 0.0], [6.0, 2.0]]), np.array([5.0, 0.0])).nnz
    2
    """
    moved = np.flatnonzero(shift)
    X = X.tocsr()
    if not len(moved):
        return X
    kept = np.setdiff1d(np.arange(X.shape[1]), moved)
    shifted = sparse.csr_matrix(X[:, moved].toarray() - shift[moved])
    joined = sparse.hstack([X[:, kept], shifted], format="csc")
    return joined[:, np.argsort(np.concatenate([kept, moved]))].tocsr()
