"""What is decided where: regions of classes over two columns, with the rows in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ann.display import axes_or_new
from ann.errors import ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_regions"]

_FORMS = "o^svDPX"


def draw_regions(
    predict: Callable[[Any], np.ndarray],
    classes: np.ndarray,
    X: Any,
    y: Any,
    ax: Axes | None = None,
    *,
    steps: int = 200,
) -> Axes:
    """Colour the plane by the class that is predicted there, and mark the rows given.

    Parameters
    ----------
    predict : callable
        From rows like those of X to a class for each.
    classes : ndarray
        All classes, sorted.
    X : array_like or DataFrame of shape (n, 2)
        Its column names, if it has any, are written on the axes.
    y : array_like of shape (n,)
        True class of each row.
    ax : matplotlib Axes, optional
    steps : int
        Points of the grid along each axis.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        If X does not have two columns, or y not one class for each row.

    Examples
    --------
    >>> rows, kinds = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array(["a", "b"])
    >>> ax = draw_regions(lambda t: kinds[(t[:, 0] > 0.5).astype(int)], kinds, rows, kinds)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['a', 'b']
    """
    table, told = np.asarray(X, float), np.asarray(y)
    if table.ndim != 2 or table.shape[1] != 2:
        raise ShapeError(f"a boundary is drawn over two columns; X has shape {table.shape}")
    if told.shape != table.shape[:1]:
        raise ShapeError(
            f"a boundary is drawn between classes, one for each row; y has shape {told.shape} for "
            f"{len(table)} rows"
        )
    from matplotlib.colors import ListedColormap

    ax = axes_or_new(ax)
    low, high = table.min(axis=0), table.max(axis=0)
    margin = 0.1 * np.where(high > low, high - low, 1.0)
    across, up = (
        np.linspace(a, b, steps) for a, b in zip(low - margin, high + margin, strict=True)
    )
    cells: Any = np.column_stack([side.ravel() for side in np.meshgrid(across, up)])
    names = getattr(X, "columns", None)
    if names is not None:
        cells = type(X)(cells, columns=names)
    codes = np.searchsorted(classes, predict(cells)).reshape(steps, steps)
    colours = [f"C{k % 10}" for k in range(len(classes))]
    ax.pcolormesh(
        across, up, codes, cmap=ListedColormap(colours), vmin=-0.5, vmax=len(classes) - 0.5,
        alpha=0.3, shading="nearest", rasterized=True, linewidth=0,
    )  # fmt: skip
    # Forms as well as colours: a print may have no colours.
    for k, name in enumerate(classes):
        x, height = table[told == name].T
        ax.scatter(
            x, height, color=colours[k], marker=_FORMS[k % len(_FORMS)], s=16,
            edgecolor="k", linewidth=0.4, label=str(name),
        )  # fmt: skip
    ax.set_xlabel("column 1" if names is None else str(names[0]))
    ax.set_ylabel("column 2" if names is None else str(names[1]))
    ax.legend(title="class", loc="upper right")  # the best place takes long to find
    return ax
