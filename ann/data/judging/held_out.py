"""What a model answered on the rows that were set aside, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.judging.measures import Answers, mean_auc, r_squared

__all__ = ["HeldOut"]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Answers to rows that nothing has learned from, beside what is true.

    Attributes
    ----------
    rows : (n,) array of int
        Their places in the table that was read, from 0.
    truth, answers : (n,) array
        Classes or quantities.
    chances : (n, classes) array or None
        Stated chance of each class.
    classes : (classes,) array or None
    groups : (n,) array or None
        Rows of one group are not independent of each other.
    """

    rows: NDArray[np.intp]
    truth: Answers
    answers: Answers
    chances: NDArray[np.float64] | None = None
    classes: NDArray[Any] | None = None
    groups: NDArray[Any] | None = None

    @property
    def codes(self) -> NDArray[np.intp]:
        """Place of the true class of each row; -1 of a class the model never saw."""
        known = pd.Index(np.asarray(self.classes))
        return np.asarray(known.get_indexer(pd.Index(self.truth)))

    def scores(self) -> dict[str, float]:
        """Return accuracy and AUC, or R² and RMSE; what is not defined is left out.

        Examples
        --------
        >>> HeldOut(np.arange(2), np.array([1.0, 3.0]), np.array([1.0, 3.0])).scores()
        {'r2': 1.0, 'rmse': 0.0}
        """
        if self.chances is None:
            r2 = {"r2": r_squared(self.truth, self.answers)} if np.ptp(self.truth) > 0 else {}
            return {**r2, "rmse": float(np.sqrt(np.mean((self.truth - self.answers) ** 2)))}
        out = {"accuracy": float(np.mean(self.answers == self.truth))}
        auc = mean_auc(self.chances, self.codes)
        return out if np.isnan(auc) else {**out, "auc": auc}
