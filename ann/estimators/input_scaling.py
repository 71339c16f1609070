"""Columns on a common scale while training, and none the wiser afterwards.

A network learns badly from columns of very different size. Scaling, x' = (x - mean) / spread, is
a straight line, and so is the first thing a network does; after training the two are folded into
one, W' = W / spread and b' = b - (mean / spread) W, and the network reads the user's own columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from ann.network.arrays import is_sparse
from ann.network.column_moments import (
    STRETCH,
    mean_and_spread,
    shift_full_columns,
    sparse_mean_and_spread,
    unvaried,
)
from ann.network.network import Network

__all__ = ["InputScale", "fold"]

#: A column that varies by less than this fraction of its mean hardly has digits to tell it by.
ROUNDED = 1e-11


@dataclass
class InputScale:
    """Mean and spread of each column.

    Attributes
    ----------
    mean, spread : ndarray of shape (n_columns,)
        What is subtracted, and what is divided by.
    still : ndarray of bool, shape (n_columns,), optional
        Columns that did not vary when they were measured; nothing can be learnt from them.

    Examples
    --------
    >>> scale = InputScale.measure(np.array([[0.0, 5.0], [100.0, 5.0]]))
    >>> scale.apply(np.array([[100.0, 5.0]]), np.float64)
    array([[1., 0.]])
    """

    mean: np.ndarray
    spread: np.ndarray
    still: np.ndarray | None = None

    @classmethod
    def measure(
        cls, X: Any, always: bool = False, weights: np.ndarray | None = None
    ) -> InputScale | None:
        """Measure columns; None where they are on a common scale already and may stay.

        That is so where all numbers lie in [-1, 1] and some column makes use of it, as for the
        pixels of an image, or where every column has about mean 0 and variance 1. If among
        columns in [-1, 1] there are some whose numbers all lie within a small part of it, only
        these are scaled, to the spread of the widest.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n, n_columns)
        always : bool
            Scale in any case.
        weights : ndarray of shape (n,), optional
            How much each row counts.
        """
        if is_sparse(X):
            mean, spread, full = sparse_mean_and_spread(X, weights)
            top = float(abs(X).max()) if X.nnz else 0.0
            constant, narrow = spread == 0, np.zeros(X.shape[1], bool)
        else:
            mean, spread = mean_and_spread(X, weights)
            top = float(max(X.max(), -X.min()))
            constant = unvaried(X, mean, spread)
            mean = np.where(constant, X[0], mean)
            narrow = _narrow(X, np.where(constant, 0.0, spread)) if top <= 1.0 else ~constant
        # What is left of such a column is the rounding of its numbers.
        still = constant | (spread <= ROUNDED * np.abs(mean))
        if not always and not np.all(still):
            s, widest = spread[~still], float(spread[~still].max())
            if top <= 1.0 and widest >= 0.1:
                return (
                    cls(mean * narrow, np.where(narrow, spread / widest, 1.0))
                    if (np.any(narrow))
                    else None
                )
            if s.min() >= 0.5 and widest <= 2.0 and np.abs(mean).max() <= 0.5:
                return None
        if is_sparse(X):
            # Subtracting a mean would fill the zeros: only columns that are full are centred.
            mean = np.where(np.isin(np.arange(len(mean)), full), mean, 0.0)
        unit = np.where(still, np.maximum(np.abs(mean), 1.0), spread)
        return cls(mean, unit, still)

    def apply(self, X: Any, dtype: Any) -> Any:
        """Scaled copy, computed in double precision a stretch of rows at a time."""
        if is_sparse(X):
            moved = shift_full_columns(X.astype(np.float64, copy=False), self.mean)
            return (moved @ sparse.diags(1.0 / self.spread)).astype(dtype)
        out = np.empty(X.shape, dtype)
        rows = max(1, STRETCH // max(X.shape[1], 1))
        for start in range(0, len(X), rows):
            c = slice(start, start + rows)
            out[c] = (X[c] - self.mean) / self.spread
        return out


def _narrow(X: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Columns whose numbers vary little next to the widest, and none of them much more.

    A pixel that is rarely lit varies little, too, but its few numbers are far from the rest:
    divided by its spread they would be enormous.
    """
    few = np.flatnonzero((spread > 0) & (spread < 0.05 * spread.max(initial=0.0)))
    narrow = np.zeros(len(spread), bool)
    narrow[few] = np.ptp(X[:, few], axis=0) < 10 * spread[few]
    return narrow


def fold(
    network: Network,
    inputs: InputScale | None,
    target_mean: np.ndarray | None = None,
    target_spread: np.ndarray | None = None,
) -> Network:
    """A network for raw columns from one for scaled columns.

    Parameters
    ----------
    network : Network
        Reads scaled columns, gives scaled targets.
    inputs : InputScale or None
    target_mean, target_spread : ndarray of shape (n_outputs,), optional
        Of the targets; only for an output without activation.

    Returns
    -------
    Network
        A new one, in double precision: where a column's mean is large against its spread, single
        precision would lose the difference.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0]]], [[0.0]], "identity")
    >>> fold(net, InputScale(np.array([10.0]), np.array([2.0]))).logits(np.array([[14.0]]))
    array([[2.]])
    """
    raw = network.copy(dtype=np.float64)
    if inputs is not None:
        first = raw.layers[0]
        first.weights /= inputs.spread[:, None]
        first.bias -= inputs.mean @ first.weights
    if target_mean is not None and target_spread is not None:
        last = raw.layers[-1]
        last.weights *= target_spread
        last.bias[...] = last.bias * target_spread + target_mean
    return raw
