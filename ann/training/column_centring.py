"""Columns of mean 0 and of comparable size, and the way back to the user's own.

A column of pressures, 101325 ± 700 Pa, is almost parallel to the column of ones that carries the
intercept: the sum it adds to is 145 times what it tells. A solver that works on such columns
meets differences of large numbers at every product. Since the intercept is not penalised,
x W + b = (x - m) W + (b + m W) is the same model, and the solver can work on x - m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from ann.network.arrays import is_sparse
from ann.network.column_moments import (
    extreme_size,
    mean_and_spread,
    shift_full_columns,
    sparse_mean_and_spread,
    unvaried,
)

__all__ = ["CentredColumns", "centre_columns"]


@dataclass(frozen=True, eq=False)
class CentredColumns:
    """A table (x - shift) / unit, with a column of ones where there is an intercept.

    Attributes
    ----------
    matrix : ndarray or CSR matrix of shape (n, n_columns + intercept)
    shift : ndarray of shape (n_columns,)
        What was subtracted; 0 without an intercept, and for sparse columns with zeros.
    unit : ndarray of shape (n_columns,)
        What was divided by.
    offset : ndarray of shape (n_columns,)
        Mean over standard deviation of each column, without sign; 0 for a constant column.
    intercept : bool
    """

    matrix: Any
    shift: np.ndarray
    unit: np.ndarray
    offset: np.ndarray
    intercept: bool

    def raw(self, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights and biases for the user's own columns from those for `matrix`.

        Parameters
        ----------
        W : ndarray of shape (n_columns + intercept, n_outputs)

        Returns
        -------
        weights : ndarray of shape (n_columns, n_outputs)
        bias : ndarray of shape (n_outputs,)
        """
        weights = W[: len(self.unit)] / self.unit[:, None]
        if not self.intercept:
            return weights, np.zeros(W.shape[1])
        # Large terms of both signs: an exact sum keeps what they leave.
        terms = np.vstack([W[-1:], -self.shift[:, None] * weights])
        return weights, np.array([math.fsum(column) for column in terms.T])

    def own(self, raw: np.ndarray) -> np.ndarray:
        """The way back: what `raw` would turn into these weights, with the bias as last row."""
        W = raw.copy()
        W[: len(self.unit)] *= self.unit[:, None]
        if self.intercept:
            W[-1] += self.shift @ raw[:-1]
        return W


def centre_columns(
    X: Any, weights: np.ndarray | None, penalty: float, intercept: bool
) -> CentredColumns:
    """Centre and scale columns for a penalised loss.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, n_columns)
        In double precision, finite.
    weights : ndarray of shape (n,) or None
        How much each row counts, above 0.
    penalty : float
        Factor of half the squared weights. It counts with the spread of a column, so that a
        column that hardly varies is not blown up.
    intercept : bool
        Without one columns cannot be centred.

    Returns
    -------
    CentredColumns

    Examples
    --------
    >>> found = centre_columns(np.array([[99.0], [101.0]]), None, 0.0, True)
    >>> found.matrix, found.shift, found.offset
    (array([[-1.,  1.],
           [ 1.,  1.]]), array([100.]), array([100.]))
    """
    n, d = X.shape
    share = np.full(n, 1.0 / n) if weights is None else weights / weights.sum()
    total = float(n) if weights is None else float(weights.sum())
    least = 2.0 * math.sqrt(penalty / total)
    if is_sparse(X):
        mean, spread, full = sparse_mean_and_spread(X, share)
        shift = np.zeros(d)
        if intercept:
            shift[full] = mean[full]
        A = shift_full_columns(X, shift)
    else:
        A, shift, mean, spread = _centred_dense(np.asarray(X), share, intercept)
    with np.errstate(over="ignore", divide="ignore"):
        unit = np.hypot(spread, least) if intercept else np.hypot(np.hypot(mean, spread), least)
        unit = np.where(unit > 0, unit, 1.0)
        offset = np.where(spread > 0, np.abs(mean) / np.where(spread > 0, spread, 1.0), 0.0)
    if is_sparse(A):
        A = (A @ sparse.diags(1.0 / unit)).tocsr()
        if intercept:
            A = sparse.hstack([A, np.ones((n, 1))], format="csr")
    else:
        A[:, :d] /= unit
    return CentredColumns(A, shift, unit, offset, intercept)


def _centred_dense(
    X: np.ndarray, share: np.ndarray, intercept: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A table of its own, with room for the ones; shift, mean and spread of the columns."""
    n, d = X.shape
    A = np.ones((n, d + intercept))
    body = A[:, :d]
    size = extreme_size(np.abs(X).max(axis=0, initial=0.0))
    mean, spread = mean_and_spread(X / size if np.any(size != 1.0) else X, share)
    constant = unvaried(X, mean * size, spread * size)
    mean = np.where(constant, X[0], mean * size)
    spread = np.where(constant, 0.0, spread * size)
    if not intercept:
        body[...] = X
        return A, np.zeros(d), mean, spread
    np.subtract(X, mean, out=body)
    return A, mean, mean, spread
