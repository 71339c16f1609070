"""Between what a user calls an answer and the columns of numbers a network learns.

Classes become one column of 0 and 1 (two classes), one column a class (more), or one column a
label (labels that may coincide); quantities become columns of mean 0 and variance 1. Each coding
knows the output activation and the loss that go with it, and the way back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ann.errors import DataError
from ann.network.column_moments import mean_and_spread, unvaried

__all__ = ["ClassTargets", "QuantityTargets", "class_weights"]


class ClassTargets:
    """Classes as columns.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, n_labels)
        Class of each row, or a table of 0 and 1 with one column a label.
    classes : array_like, optional
        All classes that may come later, for incremental fitting.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel"}
    classes : ndarray
        Sorted; for labels the column numbers.

    Raises
    ------
    DataError
        If y holds one class only, or something that is no class.

    Examples
    --------
    >>> coding = ClassTargets(np.array(["no", "yes", "no"]))
    >>> coding.encode(np.array(["yes", "no"])).ravel(), coding.decode(np.array([[0.9]]))
    (array([1., 0.]), array(['yes'], dtype='<U3'))
    """

    classes: np.ndarray

    def __init__(self, y: np.ndarray, classes: Any = None) -> None:
        try:
            check_classification_targets(y)
        except ValueError as error:
            raise DataError(f"{error} For quantities use task='regression'.") from error
        kind = type_of_target(y, input_name="y")
        if kind == "multilabel-indicator":
            self.kind, self.classes = "multilabel", np.arange(y.shape[1])
        elif kind in ("binary", "multiclass"):
            present = np.unique(y)
            self.classes = present if classes is None else np.unique(classes)
            strangers = np.setdiff1d(present, self.classes)
            if len(strangers):
                raise DataError(
                    f"y holds {strangers.tolist()}, which are not among the classes "
                    f"{self.classes.tolist()}"
                )
            if len(self.classes) < 2:
                raise DataError(
                    f"y holds one class only, {self.classes.tolist()}; a classifier needs at "
                    "least two classes"
                )
            self.kind = "binary" if len(self.classes) == 2 else "multiclass"
        else:
            raise DataError(
                f"y is {kind}; one class for each row, or a table of 0 and 1, can be learnt"
            )

    @classmethod
    def restore(cls, kind: str, classes: np.ndarray) -> ClassTargets:
        """The coding that had this kind and these classes."""
        coding = cls.__new__(cls)
        coding.kind, coding.classes = kind, classes
        return coding

    @property
    def output(self) -> str:
        """The activation of the output layer."""
        return "softmax" if self.kind == "multiclass" else "sigmoid"

    @property
    def loss(self) -> str:
        """The loss that belongs to it."""
        return "cross_entropy" if self.kind == "multiclass" else "binary_cross_entropy"

    @property
    def columns(self) -> int:
        """Number of output units."""
        return 1 if self.kind == "binary" else len(self.classes)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Columns for classes: (n, columns)."""
        if self.kind == "multilabel":
            if y.ndim != 2 or y.shape[1] != len(self.classes):
                raise DataError(f"y has shape {y.shape}; expected {len(self.classes)} labels")
            return np.asarray(y.toarray() if hasattr(y, "toarray") else y, np.float64)
        codes = np.searchsorted(self.classes, y)
        codes = np.minimum(codes, len(self.classes) - 1)
        if not np.array_equal(self.classes[codes], y):
            strangers = np.setdiff1d(y, self.classes).tolist()
            raise DataError(f"y holds {strangers}, not among {self.classes.tolist()}")
        if self.kind == "binary":
            return codes[:, None].astype(np.float64)
        table = np.zeros((len(codes), len(self.classes)))
        table[np.arange(len(codes)), codes] = 1
        return table

    def probabilities(self, output: np.ndarray) -> np.ndarray:
        """Probability of every class (or label): (n, n_classes), from the network's output."""
        if self.kind == "binary":
            return np.column_stack([1.0 - output[:, 0], output[:, 0]])
        return output

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Most probable class of each row, or a table of 0 and 1 for labels."""
        if self.kind == "multilabel":
            return (output > 0.5).astype(int)
        if self.kind == "binary":
            return np.asarray(self.classes[(output[:, 0] > 0.5).astype(int)])
        return np.asarray(self.classes[np.argmax(output, axis=1)])


class QuantityTargets:
    """Quantities as columns of mean 0 and variance 1.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, n_outputs)
    scaled : bool
        Whether to standardise; off where the loss has its own scale, as for counts.
    weights : ndarray of shape (n,), optional
        How much each row counts.

    Attributes
    ----------
    constant : ndarray of shape (columns,)
        The value of each quantity that is the same in all rows, in the network's scale; NaN for
        the others.

    Examples
    --------
    >>> coding = QuantityTargets(np.array([1.0, 3.0]))
    >>> coding.encode(np.array([1.0, 3.0])).ravel()
    array([-1.,  1.])
    """

    kind = "regression"
    output = "identity"
    loss = "quadratic"

    def __init__(
        self, y: np.ndarray, scaled: bool = True, weights: np.ndarray | None = None
    ) -> None:
        table = np.asarray(y, np.float64)
        self.flat = table.ndim == 1
        table = table.reshape(len(table), -1)
        self.columns = table.shape[1]
        self.mean, self.spread = np.zeros(self.columns), np.ones(self.columns)
        mean, spread = mean_and_spread(table, weights)
        still = unvaried(table, mean, spread)
        if scaled:
            # A constant column has nothing to scale; rounding must not make it look varied.
            self.mean = np.where(still, table[0], mean)
            varied = spread > 10 * np.finfo(float).eps * np.maximum(np.abs(self.mean), 1e-300)
            self.spread = np.where(varied & ~still, spread, 1.0)
        self.constant = np.where(still, table[0] - self.mean, np.nan)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Standardised columns: (n, n_outputs)."""
        table = np.asarray(y, np.float64).reshape(len(y), -1)
        if table.shape[1] != self.columns:
            raise DataError(f"y has {table.shape[1]} columns; expected {self.columns}")
        return (table - self.mean) / self.spread

    def decode(self, output: np.ndarray) -> np.ndarray:
        """The network's output in the shape y had; scales are folded into the network."""
        return output[:, 0] if self.flat else output


def class_weights(class_weight: Any, y: np.ndarray) -> np.ndarray | None:
    """Weight of each row from weights of its class.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        As in scikit-learn.
    y : ndarray of shape (n,) or (n, n_labels)

    Returns
    -------
    ndarray of shape (n,) or None

    Examples
    --------
    >>> class_weights({0: 1.0, 1: 3.0}, np.array([0, 1]))
    array([1., 3.])
    """
    return None if class_weight is None else compute_sample_weight(class_weight, y)
