"""Asking a fitted network: classes, probabilities, quantities, and how right it is.

What an estimator is in scikit-learn's eyes, a classifier or a regressor, follows from its setting
``task``, and so does what it can be asked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ann.network.network import Network

__all__ = ["Answering"]


def _classifies(estimator: Any) -> bool:
    if estimator.task != "classification":
        raise AttributeError(
            f"task={estimator.task!r} predicts quantities, which have no probabilities"
        )
    return True


class Answering:
    """Predictions of an estimator that has ``task``, ``network_`` and coded targets."""

    task: str
    network_: Network
    _targets: Any

    @property
    def _estimator_type(self) -> str:
        return "regressor" if self.task == "regression" else "classifier"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.estimator_type = self._estimator_type
        if self.task == "regression":
            tags.regressor_tags = RegressorTags()
            tags.target_tags.multi_output = True
        else:
            tags.classifier_tags = ClassifierTags(multi_label=True)
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        return tags

    def _asked(self, X: Any) -> Any:
        check_is_fitted(self, "network_")
        return validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )

    def predict(self, X: Any) -> np.ndarray:
        """Class of each row, table of labels, or quantities.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, n_columns)

        Returns
        -------
        ndarray of shape (n,) or (n, n_outputs)
        """
        X = self._asked(X)
        return np.asarray(self._targets.decode(self.network_.output(X)))

    @available_if(_classifies)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of every class, shape (n, n_classes), in the order of ``classes_``."""
        return np.asarray(np.exp(self.predict_log_proba(X)))

    @available_if(_classifies)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithm of `predict_proba`, computed without rounding small probabilities to 0."""
        X = self._asked(X)
        z = self.network_.logits(X)
        if self._targets.kind == "multiclass":
            if self.network_.layers[-1].activation.name != "softmax":
                # One output a class, trained apart from the others: their shares of the sum.
                z = np.log(np.maximum(self.network_.layers[-1].activation.value(z), 1e-300))
            z -= z.max(axis=1, keepdims=True)
            return np.asarray(z - np.log(np.exp(z).sum(axis=1, keepdims=True)))
        log_one: np.ndarray = -np.logaddexp(0.0, -z)
        if self._targets.kind == "binary":
            return np.column_stack([-np.logaddexp(0.0, z[:, 0]), log_one[:, 0]])
        return log_one

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy for classes and labels, R² for quantities."""
        measure = accuracy_score if self.task == "classification" else r2_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))
