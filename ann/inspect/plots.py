"""Seeing it: how training went, what the network decides, what its units do.

Every function draws into the axes it is given, or into new ones, and returns the axes; nothing is
shown or saved unasked. Curves that scikit-learn draws well are left to scikit-learn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import LogFormatter
from sklearn.calibration import CalibrationDisplay
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import LearningCurveDisplay

from ann.errors import ParameterError, ShapeError
from ann.inspect.diagnosis import Diagnosis

__all__ = [
    "plot_calibration",
    "plot_confusion",
    "plot_decision_boundary",
    "plot_history",
    "plot_layers",
    "plot_learning_curve",
    "plot_weights",
]


def _axes(ax: Any) -> Any:
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots()
    return ax


def plot_history(model: Any, ax: Any = None) -> Any:
    """Loss against epoch; with early stopping also the loss on the rows held out.

    Parameters
    ----------
    model : ShallowNetwork or DeepNetwork
        Fitted.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax)
    epochs = [record["epoch"] for record in model.history_]
    ax.plot(epochs, [record["loss"] for record in model.history_], label="training")
    for key, label in (("validation_loss", "held out"), ("validation_score", "held out, score")):
        if key in model.history_[0]:
            ax.plot(epochs, [record[key] for record in model.history_], label=label)
    ax.set_xlabel("epoch")
    ax.set_ylabel(f"{model.loss_.name.replace('_', ' ')} loss")
    if all(record["loss"] > 0 for record in model.history_):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.5)))
    ax.legend()
    return ax


def plot_decision_boundary(model: Any, X: Any, y: Any, ax: Any = None) -> Any:
    """Regions of the classes over two columns, with the rows in them.

    Parameters
    ----------
    model : estimator
        Fitted on two columns.
    X : array_like of shape (n, 2)
    y : array_like of shape (n,)
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ShapeError
        If X does not have two columns.
    """
    table = np.asarray(X)
    if table.ndim != 2 or table.shape[1] != 2:
        raise ShapeError(f"a boundary is drawn over two columns; X has shape {table.shape}")
    shown = DecisionBoundaryDisplay.from_estimator(
        model, X, response_method="predict", alpha=0.3, ax=_axes(ax)
    )
    # Forms as well as colours: a print may have no colours.
    codes, n = np.searchsorted(model.classes_, y), len(model.classes_)
    for k, name in enumerate(model.classes_):
        x, colour = table[codes == k], shown.surface_.cmap(k / max(n - 1, 1))
        form = "o^svDPX"[k % 7]
        shown.ax_.scatter(
            *x.T, color=[colour], marker=form, s=12, edgecolor="k", linewidth=0.4, label=str(name)
        )
    return shown.ax_


def plot_weights(
    model: Any, shape: tuple[int, int] | None = None, layer: int = 1, most: int = 64
) -> Any:
    """Incoming weights of each unit as an image: red excites, blue inhibits.

    Parameters
    ----------
    model : estimator or Network
    shape : (int, int), optional
        Rows and columns of the image; by default as square as the number of inputs allows.
    layer : int
        Counted from 1.
    most : int
        Largest number of units shown.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ParameterError
        If there is no such layer or the inputs do not fill the image.
    """
    import matplotlib.pyplot as plt

    layers = getattr(model, "network_", model).layers
    if not 1 <= layer <= len(layers):
        raise ParameterError(f"layer must lie in 1 to {len(layers)}, not {layer}")
    weights = layers[layer - 1].weights[:, :most]
    n = weights.shape[0]
    if shape is None:
        side = next(k for k in range(int(np.sqrt(n)), 0, -1) if n % k == 0)
        shape = (side, n // side)
    if shape[0] * shape[1] != n:
        raise ParameterError(f"{n} inputs do not fill an image of {shape[0]} × {shape[1]}")
    columns = int(np.ceil(np.sqrt(weights.shape[1])))
    rows = -(-weights.shape[1] // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(1.1 * columns, 1.1 * rows), squeeze=False)
    for ax in grid.flat:
        ax.set_axis_off()
    for ax, w in zip(grid.flat, weights.T, strict=False):
        top = np.abs(w).max() or 1.0
        ax.imshow(w.reshape(shape), cmap="RdBu_r", vmin=-top, vmax=top)
    figure.suptitle(f"weights into layer {layer}, each unit on its own scale")
    return figure


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
        ax.set_xlabel("layer")
        ax.set_xticks(x)
    return axes


def plot_confusion(model: Any, X: Any, y: Any, ax: Any = None) -> Any:
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
        model, X, y, normalize="true", values_format=".0%", ax=_axes(ax), colorbar=False
    ).ax_


def plot_calibration(model: Any, X: Any, y: Any, n_bins: int = 10, ax: Any = None) -> Any:
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
        truth, told, n_bins=n_bins, strategy="quantile", ax=_axes(ax), name=type(model).__name__
    ).ax_


def plot_learning_curve(model: Any, X: Any, y: Any, cv: Any = 5, ax: Any = None) -> Any:
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
    return LearningCurveDisplay.from_estimator(model, X, y, cv=cv, ax=_axes(ax)).ax_
