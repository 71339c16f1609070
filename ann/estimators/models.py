"""Three models of growing depth: no hidden layer, one, five.

`LogisticRegression` is a single layer solved to its exact optimum; `ShallowNetwork` has one
hidden layer, `DeepNetwork` five by default. All three are scikit-learn estimators and leave a
`Network` in ``network_`` that reads the user's own columns.
"""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from ann.errors import require_number
from ann.estimators.dense import DenseEstimator
from ann.estimators.estimator_settings import checked_data
from ann.estimators.plotting import Plotting
from ann.estimators.predictions import Answering
from ann.estimators.targets import ClassTargets, class_weights
from ann.network.network import Network
from ann.training.newton import Optimum, minimise_cross_entropy

__all__ = ["DeepNetwork", "LogisticRegression", "ShallowNetwork"]

#: A column whose mean is more standard deviations from 0 leaves less than eight digits and a half.
FAR = 2e7


class ShallowNetwork(DenseEstimator):
    """One hidden layer between the columns and the answer.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ShallowNetwork(hidden=16, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """


@dataclass(eq=False, repr=False)
class DeepNetwork(DenseEstimator):
    """Several hidden layers, five of 64 units by default.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DeepNetwork(hidden=(16, 16, 16), random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    hidden: Any = (64, 64, 64, 64, 64)
    _: KW_ONLY
    max_epochs: int = 100
    l2: float = 0.2

    _peak_rate = 0.01


@dataclass(eq=False, repr=False)
class LogisticRegression(Answering, Plotting, BaseEstimator):  # type: ignore[misc]  # no types there
    """A single layer, at the exact minimum of its penalised loss.

    Minimises C Σ_i w_i L_i + ½ ΣW², L the cross-entropy, intercepts not penalised: with the same
    C this is scikit-learn's objective. Because the minimum is exact, a row of weight 2 and a row
    given twice lead to the same coefficients. Columns are centred and scaled while the minimum is
    looked for, so it does not matter how far from 0 they lie, up to a mean of 10⁷ standard
    deviations; beyond that a `ConvergenceWarning` names the column.

    Parameters
    ----------
    C : float
        How much the data count against the penalty; above 0, ``inf`` for no penalty.
    fit_intercept : bool
    class_weight : dict, "balanced" or None
        How much each class counts.
    tol : float
        Distance to the minimal loss at which to stop, relative to that loss. The step that is
        known by then is still taken, which leaves coefficients with about eight digits.
    max_iter : int
        Largest number of Newton steps.
    warm_start : bool
        Begin at the last solution.

    Attributes
    ----------
    coef_ : ndarray of shape (n_outputs, n_columns)
        One row for two classes, else one a class or label.
    intercept_ : ndarray of shape (n_outputs,)
    classes_ : ndarray
    n_iter_ : int
        Newton steps taken.
    objective_ : float
        Σ_i w_i L_i + ΣW² / (2 C) at the minimum.
    network_ : Network
        The same as a network of one layer, in double precision.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_iris(return_X_y=True)
    >>> round(LogisticRegression().fit(scale(X), y).objective_, 6)
    31.378768
    """

    task = "classification"  # no setting

    C: float = 1.0
    _: KW_ONLY
    fit_intercept: bool = True
    class_weight: Any = None
    tol: float = 1e-10
    max_iter: int = 100
    warm_start: bool = False

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LogisticRegression:
        """Find the minimum.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, n_columns)
        y : array_like of shape (n,) or (n, n_labels)
            Classes, or a table of 0 and 1 with one column a label.
        sample_weight : array_like of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        DataError
            If y has one class only.
        ParameterError
            If a setting is out of range.
        """
        no_penalty = isinstance(self.C, float) and np.isposinf(self.C)
        for name in ("tol", "max_iter") if no_penalty else ("C", "tol", "max_iter"):
            require_number(name, getattr(self, name), 0.0, low_too=False)
        X, y, given = checked_data(self, X, y, sample_weight, dtype=np.float64)
        weights = class_weights(self.class_weight, y)
        if given is not None:
            weights = given if weights is None else weights * given
        self._targets = ClassTargets(y)
        self.classes_ = self._targets.classes
        T = self._targets.encode(y)
        start = self._start(X.shape[1], T.shape[1]) if self.warm_start else None
        found = minimise_cross_entropy(
            X,
            T,
            1.0 / self.C,
            exclusive=self._targets.kind == "multiclass",
            sample_weight=weights,
            intercept=self.fit_intercept,
            start=start,
            tolerance=self.tol,
            max_iter=self.max_iter,
        )
        self.coef_ = np.ascontiguousarray(found.weights.T)
        self.intercept_ = found.bias
        self.objective_ = found.loss
        self.n_iter_ = found.iterations
        self.network_ = Network.from_arrays(
            [found.weights], [found.bias], [self._targets.output], dtype=np.float64
        )
        for told in self._doubts(found, len(T)):
            warnings.warn(told, ConvergenceWarning, stacklevel=2)
        return self

    def _doubts(self, found: Optimum, rows: int) -> list[str]:
        """What a user has to know of a minimum that is not exact, columns by their names."""
        names = getattr(self, "feature_names_in_", None)

        def column(k: int) -> str:
            return f"column {k}" if names is None else f"column {names[k]!r}"

        told = []
        d = len(found.columns.unit)
        if not found.converged:
            said = f"after {found.iterations} Newton steps the minimum is not reached"
            steepest = int(np.abs(found.gradient[:d]).max(axis=1).argmax())
            said += f"; the loss is still steepest along {column(steepest)}. "
            apart = np.isposinf(self.C) and found.loss < 1e-3 * rows
            told.append(
                said
                + (
                    "The classes can be told apart without error, so without a penalty the "
                    "weights grow for ever: choose a finite C"
                    if apart
                    else "Raise max_iter, or leave out columns that repeat each other"
                )
            )
        far = np.flatnonzero(found.columns.offset > FAR)
        if len(far):
            worst = int(far[np.argmax(found.columns.offset[far])])
            ratio = found.columns.offset[worst]
            others = f" (and {len(far) - 1} other columns)" if len(far) > 1 else ""
            told.append(
                f"{column(worst)}{others} has a mean of {ratio:.1g} times its standard deviation: "
                f"a double keeps only {max(0.0, 15.65 - np.log10(ratio)):.0f} digits of how its "
                "rows differ, and coefficients and predictions have no more; subtract a constant "
                "near the mean"
            )
        return told

    def _start(self, n_columns: int, n_outputs: int) -> np.ndarray | None:
        """The last solution, if there is one and it has the right shape."""
        network: Network | None = getattr(self, "network_", None)
        if network is None or network.sizes != (n_columns, n_outputs):
            return None
        layer = network.layers[0]
        return np.vstack([layer.weights, layer.bias]) if self.fit_intercept else layer.weights

    def decision_function(self, X: Any) -> np.ndarray:
        """Summed input of each output, (n, n_outputs), or (n,) for two classes."""
        X = self._asked(X)
        z = self.network_.logits(X)
        return z[:, 0] if self._targets.kind == "binary" else z

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of every class, shape (n, n_classes), in the order of ``classes_``."""
        X = self._asked(X)
        return np.asarray(self._targets.probabilities(self.network_.output(X)))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithm of `predict_proba`."""
        return np.asarray(np.log(np.maximum(self.predict_proba(X), np.finfo(np.float64).tiny)))
