"""Whether inputs are on the scale that a network was trained, or calibrated, on.

A network that learned from standardised columns answers nonsense to raw ones, and its neurons do
so at their highest rate or in silence. Nothing about a table of numbers says that it was scaled,
so it is compared with what was seen before.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bridge.errors import ConversionError

__all__ = ["InputRange", "check_training_scale", "warn_of_saturation"]

#: Rows from which the spread of a table is worth comparing.
_ROWS = 20
#: Standard deviations from a training mean at which no training row lies, let alone all of them,
#: and widths of a range at which a single input is worth a word; the factor between spreads that
#: is no accident.
_FAR, _FACTOR = 10.0, 10.0
#: The share of values outside of their range, and farther than it is wide, that is no accident.
_MANY = 0.2
#: A sigmoid of so large an input is flat; where nearly all are, the inputs are not scaled.
_FLAT, _NEARLY_ALL = 20.0, 0.9
_REMEDY = "scale them as the training inputs were"


def _named(k: int, names: Sequence[str] | None) -> str:
    return f"column {k}" if names is None else f"column {names[k]!r}"


@dataclass(frozen=True, eq=False)
class InputRange:
    """The smallest and largest value of each column of the inputs calibrated on.

    Attributes
    ----------
    low, high : ndarray, shape (n_features,)
    size : float
        Root mean square of all values.

    Examples
    --------
    >>> seen = InputRange.of(np.linspace(0, 1, 40).reshape(20, 2))
    >>> seen.check(np.array([[0.3, 0.5]]))
    """

    low: np.ndarray
    high: np.ndarray
    size: float

    @classmethod
    def of(cls, X: np.ndarray) -> InputRange | None:
        """Measure inputs, shape (n_samples, n_features); None of fewer than twenty."""
        if len(X) < _ROWS:
            return None
        return cls(X.min(axis=0), X.max(axis=0), float(np.sqrt(np.mean(np.square(X)))))

    def check(self, X: np.ndarray, names: Sequence[str] | None = None) -> None:
        """Refuse inputs on another scale, and warn of single ones far outside.

        Parameters
        ----------
        X : ndarray, shape (n_samples, n_features)
        names : sequence of str, optional
            Of the columns.

        Raises
        ------
        ConversionError
            More than a fifth of the values, or some column in each of five rows and more, lie
            farther outside of the range calibrated on than this range is wide.
        """
        width = self.high - self.low
        varied = width > 0
        away = np.abs(X - 0.5 * (self.low + self.high))
        beyond = varied & (away > 1.5 * width)
        share = beyond.mean(axis=0)
        if not varied.any():
            return
        worst = int(np.argmax(share))
        told = self._told(X, worst, names)
        if beyond[:, varied].mean() > _MANY or (len(X) >= 5 and share[worst] == 1):
            raise ConversionError(
                f"the inputs are not on the scale of those calibrated on: {told}; {_REMEDY}, or "
                "convert the network on inputs like these"
            )
        # A pixel that is rarely lit has a narrow range, which a few inputs leave by chance.
        far = varied & (away > (_FAR + 0.5) * width)
        if far.any():
            rows, worst = int(far.any(axis=1).sum()), int(np.argmax(far.mean(axis=0)))
            told = self._told(X, worst, names)
            warnings.warn(
                f"{rows} of {len(X)} inputs lie far outside of those calibrated on: {told}; "
                "neurons may not follow the network there",
                stacklevel=3,
            )
        elif len(X) >= _ROWS and np.sqrt(np.mean(np.square(X))) * _FACTOR < self.size:
            warnings.warn(
                f"the inputs are less than a tenth as large as those calibrated on: {told}; if "
                f"that is not meant, {_REMEDY}",
                stacklevel=3,
            )

    def _told(self, X: np.ndarray, k: int, names: Sequence[str] | None) -> str:
        return (
            f"{_named(k, names)} holds {X[:, k].min():.4g} to {X[:, k].max():.4g}, where this "
            f"network was calibrated on {self.low[k]:.4g} to {self.high[k]:.4g}"
        )


def check_training_scale(model: Any, X: np.ndarray, names: Sequence[str] | None = None) -> None:
    """Refuse inputs that cannot be those an estimator of `ann` was trained on.

    Parameters
    ----------
    model : object
        An estimator of `ann` knows mean and spread of its training columns; others pass.
    X : ndarray, shape (n_samples, n_features)
        Said to be training inputs.
    names : sequence of str, optional

    Raises
    ------
    ConversionError
        All rows of a column lie more than ten standard deviations from its training mean, or the
        columns vary by less than a tenth, or more than ten times, of what they did in training.
    """
    scale = getattr(model, "_scale", None)
    if scale is None or X.shape[1] != len(scale.mean):
        return
    learnt = np.asarray(model.network_.layers[0].weights).any(axis=1)
    z = (X[:, learnt] - scale.mean[learnt]) / scale.spread[learnt]
    if not z.size:
        return
    nearest = np.abs(z).min(axis=0)
    if nearest.max() > _FAR:
        k = int(np.flatnonzero(learnt)[np.argmax(nearest)])
        raise ConversionError(
            f"the inputs are not on the scale of the training inputs: {_named(k, names)} was "
            f"{scale.mean[k]:.4g} ± {scale.spread[k]:.2g} in training and is "
            f"{X[:, k].mean():.4g} ± {X[:, k].std():.2g} here; this network takes the columns as "
            "they were given to fit, and scales them itself"
        )
    spread = float(np.median(z.std(axis=0)))
    if len(X) >= _ROWS and not 1 / _FACTOR < spread < _FACTOR:
        raise ConversionError(
            "the inputs are not on the scale of the training inputs: the columns vary "
            f"{spread:.2g} times as much as in training; this network takes the columns as they "
            "were given to fit, and scales them itself"
        )


def warn_of_saturation(kind: str, z: np.ndarray) -> None:
    """Warn if nearly all units of the first layer are saturated, as by inputs not scaled.

    Parameters
    ----------
    kind : str
        Name of their activation.
    z : ndarray, shape (n_samples, n_units)
        Their pre-activations.
    """
    flat = float(np.mean(np.abs(z) > _FLAT))
    if kind in ("sigmoid", "tanh") and flat > _NEARLY_ALL:
        warnings.warn(
            f"{100 * flat:.0f} % of the inputs of hidden layer 1 lie where its {kind} is flat; "
            f"if the network was trained on scaled inputs, {_REMEDY}",
            stacklevel=3,
        )
