"""Weights as colours: a matrix, or one small image for each unit."""

from __future__ import annotations

from math import ceil, isqrt, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ann.display import axes_or_new
from ann.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_weights"]


def draw_weights(
    weights: np.ndarray,
    shape: tuple[int, int] | None = None,
    ax: Axes | None = None,
    *,
    layer: int = 1,
    most: int = 64,
) -> Axes:
    """Draw the weights into the units of a layer: red excites, blue inhibits.

    Parameters
    ----------
    weights : ndarray of shape (n_in, n_out)
    shape : (int, int), optional
        Rows and columns of the image that the inputs are. By default square where the number of
        inputs is a square of at least 16; else there are no images but one matrix.
    ax : matplotlib Axes, optional
    layer : int
        Which it is, counted from 1, for the labels.
    most : int
        Largest number of units shown.

    Returns
    -------
    matplotlib Axes
        All units share one scale of colours.

    Raises
    ------
    ParameterError
        If the inputs do not fill the image.

    Examples
    --------
    >>> draw_weights(np.array([[1.0, -2.0]])).images[0].get_array().tolist()
    [[1.0, -2.0]]
    """
    n_in, n_out = weights.shape
    shown = weights[:, :most]
    if shape is None and n_in >= 16 and isqrt(n_in) ** 2 == n_in:
        shape = (isqrt(n_in), isqrt(n_in))
    if shape is not None and shape[0] * shape[1] != n_in:
        raise ParameterError(f"{n_in} inputs do not fill an image of {shape[0]} × {shape[1]}")
    from matplotlib.ticker import MaxNLocator

    ax = axes_or_new(ax)
    picture = shown if shape is None else _side_by_side(shown, shape)
    top = float(np.abs(shown).max(initial=0.0)) or 1.0
    image = ax.imshow(
        picture, cmap="RdBu_r", vmin=-top, vmax=top, interpolation="nearest",
        aspect="auto" if shape is None else "equal",
    )  # fmt: skip
    ax.figure.colorbar(image, cax=ax.inset_axes((1.03, 0.0, 0.04, 1.0)), label="weight")
    some = f"units of layer {layer}" + (f" (first {most} of {n_out})" if n_out > most else "")
    if shape is None:
        ax.set_xlabel(some)
        ax.set_ylabel("inputs" if layer == 1 else f"units of layer {layer - 1}")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        ax.set_xlabel(f"{some}, each an image of {shape[0]} × {shape[1]} inputs")
        ax.set(xticks=[], yticks=[], facecolor="0.8")  # between the images
    return ax


def _side_by_side(weights: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """One image a unit, row by row, with a gap of one pixel around each."""
    high, wide = shape
    columns = ceil(sqrt(weights.shape[1]))
    rows = ceil(weights.shape[1] / columns)
    picture = np.full((rows * (high + 1) + 1, columns * (wide + 1) + 1), np.nan)
    for k, w in enumerate(weights.T):
        top, left = 1 + (k // columns) * (high + 1), 1 + (k % columns) * (wide + 1)
        picture[top : top + high, left : left + wide] = w.reshape(shape)
    return picture
