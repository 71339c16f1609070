"""Seeing it: how training went, what the network decides, what its units do.

Every function draws into the axes it is given, or into new ones, and returns the axes; nothing is
shown or saved unasked. Curves that scikit-learn draws well are left to scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import LearningCurveDisplay

from ann.display import axes_or_new
from ann.drawing.class_regions import draw_regions
from ann.inspect.diagnosis import Diagnosis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "plot_calibration",
    "plot_confusion",
    "plot_decision_boundary",
    "plot_history",
    "plot_layers",
    "plot_learning_curve",
    "plot_weights",
]


def plot_history(model: Any, ax: Axes | None = None) -> Axes:
    """Loss against epoch; see `ann.estimators.dense.DenseEstimator.plot_history`."""
    return model.plot_history(ax)  # type: ignore[no-any-return]


def plot_decision_boundary(model: Any, X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """Regions of the classes over two columns, with the rows in them.

    Parameters
    ----------
    model : estimator
        Any fitted classifier; ours have this as ``plot_boundary``.
    X : array_like or DataFrame of shape (n, 2)
    y : array_like of shape (n,)
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        If X does not have two columns or y not one class for each row.
    """
    return draw_regions(model.predict, model.classes_, X, y, ax)


def plot_weights(
    model: Any,
    shape: tuple[int, int] | None = None,
    layer: int = 1,
    most: int = 64,
    ax: Axes | None = None,
) -> Axes:
    """Weights into the units of a layer; see `ann.Network.plot_weights`."""
    return model.plot_weights(layer, shape, ax, most=most)  # type: ignore[no-any-return]


def plot_layers(diagnosis: Diagnosis, axes: Any = None) -> Any:
    """Outputs, saturation and gradients layer by layer.

    Parameters
    ----------
    diagnosis : Diagnosis
        From `diagnose`.
    axes : sequence of three matplotlib.axes.Axes, optional

    Returns
    -------
    sequence of matplotlib.axes.Axes
    """
    if axes is None:
        import matplotlib.pyplot as plt

        _, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    layers = diagnosis.layers
    x = [s.layer for s in layers]
    axes[0].errorbar(x, [s.mean for s in layers], [s.spread for s in layers], fmt="o", capsize=4)
    axes[0].set_ylabel("output (mean, standard deviation)")
    axes[1].bar(x, [100 * s.saturation for s in layers], label="saturated outputs")
    dead = [100 * len(s.dead) / s.units for s in layers]
    axes[1].bar(x, dead, width=0.4, label="dead units")
    axes[1].set_ylim(0, 100)
    axes[1].set_ylabel("share (%)")
    axes[1].legend()
    axes[2].semilogy(x, [max(s.gradient_rms, 1e-30) for s in layers], "o-", label="gradient")
    axes[2].semilogy(x, [max(s.weight_rms, 1e-30) for s in layers], "s-", label="weights")
    axes[2].set_ylabel("root mean square")
    axes[2].legend()
    for ax in axes:
        ax.set(xlabel="layer", xticks=x)
    return axes


def plot_confusion(model: Any, X: Any, y: Any, ax: Axes | None = None) -> Any:
    """Predicted against true classes, in per cent of each true class.

    Parameters
    ----------
    model : estimator
        Fitted classifier.
    X, y : array_like
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    return ConfusionMatrixDisplay.from_estimator(
        model, X, y, normalize="true", values_format=".0%", ax=axes_or_new(ax), colorbar=False
    ).ax_


def plot_calibration(model: Any, X: Any, y: Any, n_bins: int = 10, ax: Axes | None = None) -> Any:
    """How often what was called likely came true, for two classes or one class against the rest.

    Parameters
    ----------
    model : estimator
        Fitted classifier.
    X, y : array_like
    n_bins : int
        Stretches of probability, equally full.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    probability = model.predict_proba(X)
    if probability.shape[1] == 2:
        truth, told = np.asarray(y) == model.classes_[1], probability[:, 1]
    else:
        # Every class of every row is one statement with a probability.
        truth = (np.asarray(y)[:, None] == model.classes_[None]).ravel()
        told = probability.ravel()
    return CalibrationDisplay.from_predictions(
        truth,
        told,
        n_bins=n_bins,
        strategy="quantile",
        ax=axes_or_new(ax),
        name=type(model).__name__,
    ).ax_


def plot_learning_curve(model: Any, X: Any, y: Any, cv: Any = 5, ax: Axes | None = None) -> Any:
    """Score against the number of rows learnt from: would more data help?

    Parameters
    ----------
    model : estimator
        Cloned and fitted many times.
    X, y : array_like
    cv : int or splitter
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    return LearningCurveDisplay.from_estimator(model, X, y, cv=cv, ax=axes_or_new(ax)).ax_
