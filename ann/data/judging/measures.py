"""How good predictions are, the same way for single columns, models and tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import r2_score, roc_auc_score

__all__ = ["Answers", "mean_auc", "r_squared"]

#: One target a row: object (str) for classes, float for quantities.
Answers = NDArray[Any]


def mean_auc(chances: NDArray[Any], codes: NDArray[Any]) -> float:
    """Return the mean area under the ROC curve over classes, one against the rest.

    Parameters
    ----------
    chances : (rows, classes) array
        Stated chance of each class.
    codes : (rows,) array of int
        Place of the true class.

    Returns
    -------
    float
        NaN where the rows are all of one class.

    Examples
    --------
    >>> mean_auc(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]))
    1.0
    """
    # Of two classes, the second tells all.
    places = [1] if chances.shape[1] == 2 else range(chances.shape[1])
    parts = [
        roc_auc_score(codes == k, chances[:, k])
        for k in places
        if 0 < np.sum(codes == k) < len(codes)
    ]
    return float(np.mean(parts)) if parts else np.nan


def r_squared(values: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Return the share of the variance that is predicted; zero where there is no variance.

    Examples
    --------
    >>> r_squared(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    >>> r_squared(np.ones(3), np.ones(3))
    0.0
    """
    return float(r2_score(values, predicted)) if np.ptp(values) > 0 else 0.0
