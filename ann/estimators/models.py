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
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from ann.errors import DataError, require_number
from ann.estimators.dense import DenseEstimator
from ann.estimators.plotting import Plotting
from ann.estimators.targets import ClassTargets, class_weights
from ann.network.network import Network
from ann.training.newton import minimise_cross_entropy

__all__ = ["DeepNetwork", "LogisticRegression", "ShallowNetwork"]

_PARAMETERS = """
    Parameters
    ----------
    hidden : {hidden}
    task : {{"classification", "regression"}}
        What is predicted. Classes may be two, several, or labels that coincide (y a table of 0
        and 1); quantities may be one or several.
    activation : str, object or list
        Of the hidden layers: a name of `ann.ACTIVATIONS`, or any object with a value and a
        gradient; one, or one for each layer.
    loss : str or callable
        ``"auto"`` is the cross-entropy for classes and the quadratic loss for quantities. Else a
        name of `ann.LOSSES` or a function for `ann.OwnLoss`.
    optimiser : str, Optimiser or dict
        A name of `ann.OPTIMISERS`, or ``"lbfgs"`` for small data, where every step sees all rows.
    learning_rate : float or "auto"
        Above 0; with a schedule, its highest value. ``"auto"`` is the optimiser's own, and for
        Adam a rate that suits the depth and the number of columns: {rate} for up to 64 columns,
        less in proportion for more, a tenth of it where the schedule is constant.
    schedule : str or callable
        How the rate changes on the way, see `ann.SCHEDULES`. ``"plateau"``: constant, but a
        fifth of itself whenever the loss (with early stopping, on the rows held out) has not
        fallen by `tol` for half of `patience` epochs.
    max_epochs : int
        Passes over the data.
    batch_size : int
        Rows a step.
    l1, l2 : float
        Penalties: the mean loss is joined by (l1 / n) Σ|W| + (l2 / 2n) ΣW² for n rows (or
        weights of that sum), so l2 is the λ of the textbooks and 1 / C of logistic regression.
        Biases are left out.
    dropout : float or list
        Fraction of each hidden layer silenced at each step.
    batch_norm : bool
        Normalise the sums of hidden layers over the batch.
    max_norm : float, optional
        Longest vector of weights into a hidden unit.
    clip_norm : float, optional
        Longest gradient.
    initialisation : str
        See `ann.initial_weights`.
    standardise : {{"auto", True, False}}
        Whether columns are brought to mean 0 and variance 1 while training. ``"auto"`` leaves
        alone what is on a common scale already. Folded into the first layer afterwards.
    class_weight : dict, "balanced" or None
        How much each class counts.
    early_stopping : bool
        Hold out `validation_fraction` of the rows, stop when the loss on them has not fallen by
        `tol` (relative to the loss of knowing nothing) for `patience` epochs, and keep the best
        weights. Never stops on the plateau on which deep sigmoid networks begin.
    validation_fraction : float
    patience : int
    tol : float
    hooks : list of Hook, optional
        See `ann.training.hooks`.
    progress : bool
        Show a line on the terminal.
    warm_start : bool
        Let `fit` go on from the weights of the last one.
    n_jobs : int, optional
        Threads for large matrix products; None is one, -1 all.
    dtype : {{"auto", "float32", "float64"}}
        Precision of training. ``"auto"`` is single, but double where all rows fit one batch.
    random_state : int, RandomState or Generator, optional
        Source of the initial weights, the order of rows and dropout.

    Attributes
    ----------
    network_ : Network
        Reads the columns given to `fit`; ``activations(X)`` gives every layer's output. In
        double precision.
    classes_ : ndarray
        For classification.
    history_ : list of dict
        One record an epoch; ``loss_curve_`` has the losses alone.
    n_iter_ : int
        Epochs done.
    n_features_in_ : int
"""


class ShallowNetwork(DenseEstimator):
    __doc__ = (
        "One hidden layer between the columns and the answer.\n"
        + _PARAMETERS.format(hidden="int\n        Units of the hidden layer.", rate="0.1")
        + """
    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ShallowNetwork(hidden=16, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """
    )


@dataclass(eq=False, repr=False)
class DeepNetwork(DenseEstimator):
    __doc__ = (
        "Several hidden layers, five of 64 units by default.\n"
        + _PARAMETERS.format(
            hidden="sequence of int\n        Units of each hidden layer, first layer first.",
            rate="0.01",
        )
        + """
    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DeepNetwork(hidden=(16, 16, 16), random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """
    )

    hidden: Any = (64, 64, 64, 64, 64)
    _: KW_ONLY
    max_epochs: int = 100
    l2: float = 0.2

    _peak_rate = 0.01


@dataclass(eq=False, repr=False)
class LogisticRegression(Plotting, ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # no types there
    """A single layer, at the exact minimum of its penalised loss.

    Minimises C Σ_i w_i L_i + ½ ΣW², L the cross-entropy, intercepts not penalised: with the same
    C this is scikit-learn's objective. Because the minimum is exact, a row of weight 2 and a row
    given twice lead to the same coefficients.

    Parameters
    ----------
    C : float
        How much the data count against the penalty; above 0, ``inf`` for no penalty.
    fit_intercept : bool
    class_weight : dict, "balanced" or None
        How much each class counts.
    tol : float
        Distance to the minimal loss at which to stop, relative to that loss.
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

    C: float = 1.0
    _: KW_ONLY
    fit_intercept: bool = True
    class_weight: Any = None
    tol: float = 1e-10
    max_iter: int = 100
    warm_start: bool = False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags

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
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, multi_output=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        weights = class_weights(self.class_weight, y)
        if sample_weight is not None:
            given = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
            if not np.any(given > 0):
                raise DataError("every sample weight is 0; nothing is left to learn from")
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
        if not found.converged:
            advice = "" if abs(X).max() <= 10 else "; standardise the columns, or"
            warnings.warn(
                f"after {found.iterations} Newton steps the minimum is not reached{advice} "
                "raise max_iter",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _start(self, n_columns: int, n_outputs: int) -> np.ndarray | None:
        """The last solution, if there is one and it has the right shape."""
        network: Network | None = getattr(self, "network_", None)
        if network is None or network.sizes != (n_columns, n_outputs):
            return None
        layer = network.layers[0]
        return np.vstack([layer.weights, layer.bias]) if self.fit_intercept else layer.weights

    def _fitted(self) -> Network:
        check_is_fitted(self, "network_")
        return self.network_

    def _asked(self, X: Any) -> Any:
        return validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)

    def decision_function(self, X: Any) -> np.ndarray:
        """Summed input of each output, (n, n_outputs), or (n,) for two classes."""
        z = self._fitted().logits(self._asked(X))
        return z[:, 0] if self._targets.kind == "binary" else z

    def predict(self, X: Any) -> np.ndarray:
        """Class of each row, or a table of 0 and 1 for labels."""
        output = self._fitted().output(self._asked(X))
        return self._targets.decode(output)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of every class, shape (n, n_classes), in the order of ``classes_``."""
        output = self._fitted().output(self._asked(X))
        return self._targets.probabilities(output)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithm of `predict_proba`."""
        return np.asarray(np.log(np.maximum(self.predict_proba(X), np.finfo(np.float64).tiny)))
