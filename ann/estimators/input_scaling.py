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
from sklearn.utils.sparsefuncs import mean_variance_axis

from ann.network.arrays import is_sparse
from ann.network.column_moments import STRETCH, mean_and_spread
from ann.network.network import Network

__all__ = ["InputScale", "fold"]


@dataclass
class InputScale:
    """Mean and spread of each column.

    Examples
    --------
    >>> scale = InputScale.measure(np.array([[0.0, 5.0], [100.0, 5.0]]))
    >>> scale.apply(np.array([[100.0, 5.0]]), np.float64)
    array([[1., 0.]])
    """

    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def measure(
        cls, X: Any, always: bool = False, weights: np.ndarray | None = None
    ) -> InputScale | None:
        """Measure columns; None where they are on a common scale already and may stay.

        That is so where all numbers lie in [-1, 1] and some column makes use of it, as for the
        pixels of an image, or where every column has about mean 0 and variance 1.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n, n_columns)
        always : bool
            Scale in any case.
        weights : ndarray of shape (n,), optional
            How much each row counts.
        """
        if is_sparse(X):
            # Subtracting a mean would fill the zeros: sparse columns keep theirs.
            _, variance = mean_variance_axis(X.tocsr(), axis=0, weights=weights)
            mean, spread = np.zeros(X.shape[1]), np.sqrt(variance)
            top = float(abs(X).max()) if X.nnz else 0.0
        else:
            mean, spread = mean_and_spread(X, weights)
            top = float(max(X.max(), -X.min()))
        varied = spread > 1e-7 * np.maximum(np.abs(mean), 1e-30)
        if not always and np.any(varied):
            s, m = spread[varied], np.abs(mean[varied])
            shared = top <= 1.0 and s.max() >= 0.1
            if shared or (s.min() >= 0.5 and s.max() <= 2.0 and m.max() <= 0.5):
                return None
        return cls(mean, np.where(varied, spread, 1.0))

    def apply(self, X: Any, dtype: Any) -> Any:
        """Scaled copy, computed in double precision a stretch of rows at a time."""
        if is_sparse(X):
            return (X.tocsr() @ sparse.diags(1.0 / self.spread)).astype(dtype)
        out = np.empty(X.shape, dtype)
        rows = max(1, STRETCH // max(X.shape[1], 1))
        for start in range(0, len(X), rows):
            c = slice(start, start + rows)
            out[c] = (X[c] - self.mean) / self.spread
        return out


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
