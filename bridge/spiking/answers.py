"""What the outputs of a network mean: one label, several labels, or quantities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, is_regressor

from ann import Network
from bridge.errors import ConversionError

__all__ = ["TASKS", "Answers", "answers_of"]

TASKS = ("auto", "classification", "regression")

# Outputs of which the largest is taken, or whose sign decides.
_OF_LABELS = ("identity", "softmax", "sigmoid")


@dataclass(frozen=True, eq=False)
class Answers:
    """How outputs before their activation become what `predict` says.

    Attributes
    ----------
    kind : {"label", "labels", "quantities"}
        One label of several; any number of labels, each by itself; numbers.
    link : Activation or None
        Activation of the output layer; None for the identity.
    flat : bool
        Whether a single quantity is answered as a vector, not as a column.

    Examples
    --------
    >>> Answers().predict(np.array([[0.1, 2.0]])).tolist()
    [1]
    >>> Answers("labels").predict(np.array([[0.1, -2.0]])).tolist()
    [[1, 0]]
    >>> Answers("quantities").predict(np.array([[0.1], [-2.0]])).tolist()
    [0.1, -2.0]
    """

    kind: str = "label"
    link: Any = None
    flat: bool = True

    @property
    def labels(self) -> bool:
        """Whether answers are labels, so that there are probabilities of them."""
        return self.kind != "quantities"

    def decided(self, logits: np.ndarray) -> np.ndarray:
        """Return the number of the label, (n,), or a table of 0 and 1, (n, n_outputs).

        Raises
        ------
        ConversionError
            The network answers quantities.
        """
        if not self.labels:
            raise ConversionError(
                "this network answers quantities, which have no labels; ask run.predict() or "
                "certificate.output_bounds(X)"
            )
        if self.kind == "labels":
            return (logits > 0).astype(int)
        return (logits[:, 0] > 0).astype(int) if logits.shape[1] == 1 else logits.argmax(axis=1)

    def outputs(self, logits: np.ndarray) -> np.ndarray:
        """Return the outputs after their activation, (n, n_outputs)."""
        return logits if self.link is None else np.asarray(self.link.value(logits), dtype=float)

    def predict(self, logits: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """Return labels, rows of labels or quantities."""
        if not self.labels:
            found = self.outputs(logits)
            return found[:, 0] if self.flat and found.shape[1] == 1 else found
        best = self.decided(logits)
        return best if self.kind == "labels" or classes is None else np.asarray(classes)[best]

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return probabilities, (n, n_outputs): of one output, and of labels, each its logistic.

        Raises
        ------
        ConversionError
            The network answers quantities.
        """
        if not self.labels:
            raise ConversionError(
                "this network answers quantities, which have no probabilities; ask run.predict()"
            )
        if self.kind == "labels" or logits.shape[1] == 1:
            return _logistic(logits)
        if getattr(self.link, "name", None) == "sigmoid":
            # One output a class, trained apart from the others: their shares of the sum.
            apart = _logistic(logits)
            return np.asarray(apart / apart.sum(axis=1, keepdims=True))
        return np.asarray(softmax(logits, axis=1))


def _logistic(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-np.logaddexp(0.0, -z)))


def answers_of(model: Any, network: Network, task: str = "auto") -> Answers:
    """Return what the outputs of a model mean.

    Parameters
    ----------
    model : estimator, Network or module
        What was handed over. A fitted estimator says what it answers.
    network : Network
        The network in it.
    task : {"auto", "classification", "regression"}
        For a network that does not say: by its last activation where "auto". Identity, softmax and
        sigmoid are taken as labels, anything else as quantities.

    Raises
    ------
    ConversionError
        The task is unknown, or not that of the estimator.
    """
    if task not in TASKS:
        raise ConversionError(f"task must be one of {', '.join(TASKS)}; got {task!r}")
    output = network.layers[-1].activation
    link = None if output.name == "identity" else output
    targets = getattr(model, "_targets", None)
    if isinstance(model, BaseEstimator) and is_regressor(model):
        kind = "quantities"
    elif hasattr(model, "classes_"):
        several = getattr(model, "out_activation_", None) == "logistic"
        several = several and network.layers[-1].n_out > 1
        kind = "labels" if several or getattr(targets, "kind", "") == "multilabel" else "label"
    else:
        numbers = task == "regression" or (task == "auto" and output.name not in _OF_LABELS)
        return Answers("quantities" if numbers else "label", link)
    if task != "auto" and (task == "regression") != (kind == "quantities"):
        own = "quantities" if kind == "quantities" else "classes"
        raise ConversionError(
            f"task={task!r}, but this {type(model).__name__} was fitted to {own}; leave task out"
        )
    return Answers(kind, link, bool(getattr(targets, "flat", True)))
