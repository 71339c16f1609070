"""A map of one number of a sweep over two of its axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.kit.words import quantity_of
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import in_best_unit

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

__all__ = ["shown", "sweep_map"]

# A range of values whose ratio is beyond this, in even ratios, is drawn on a logarithmic axis.
_LOG_RATIO = 5.0


def sweep_map(
    dataset: xarray.Dataset, name: str, x: str, y: str, *, ax: Axes | None = None
) -> Axes:
    """Draw a number of a product over two axes; over all others it is averaged.

    Rows that failed or are not computed are left grey. Each axis has its unit, and the colour bar
    has the unit of the number and a mark at the smallest and the largest value drawn.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `sweep` with a `product`.
    name : str
        What is drawn.
    x, y : str
        Axes of the sweep.
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).

    Raises
    ------
    UnknownNameError
        The dataset has no such number or axis.
    ParameterError
        The axes are one, or labels.

    Examples
    --------
    >>> import matplotlib, xarray
    >>> matplotlib.use("Agg")
    >>> rates = xarray.DataArray([[1.0, 2.0], [3.0, 4.0]], {"a": [1, 2], "b": [5, 6]}, name="rate")
    >>> sweep_map(rates.to_dataset(), "rate", x="a", y="b").get_xlabel()
    'a'
    """
    import matplotlib.pyplot as plt

    if name not in dataset:
        raise UnknownNameError(f"sweep_map: {suggest(name, map(str, dataset.data_vars))}")
    values = dataset[name]
    for axis in (x, y):
        if axis not in values.dims:
            raise UnknownNameError(
                f"sweep_map: axis {axis!r}: {suggest(axis, map(str, values.dims))}"
            )
        if dataset[axis].dtype.kind not in "fiu":
            raise ParameterError(f"sweep_map: axis {axis!r} has labels; select one of them")
    if x == y:
        raise ParameterError(f"sweep_map: x and y are both {x!r}")
    others = [axis for axis in values.dims if axis not in (x, y)]
    drawn = values.mean(others).transpose(y, x)
    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    ax.set_facecolor("0.8")
    across, x_label = shown(dataset[x].values, dataset[x], x)
    up, y_label = shown(dataset[y].values, dataset[y], y)
    said = f"mean of {name}" if others else name
    numbers, label = shown(drawn.values, values, said)
    mesh = ax.pcolormesh(across, up, numbers, shading="nearest")
    ax.set(xlabel=x_label, ylabel=y_label)
    if _is_logarithmic(across):
        ax.set_xscale("log")
    if _is_logarithmic(up):
        ax.set_yscale("log")
    bar = ax.figure.colorbar(mesh, ax=ax)
    bar.set_label(label)
    finite = numbers[np.isfinite(numbers)]
    if len(finite):
        for value in (finite.min(), finite.max()):
            bar.ax.axhline(value, color="black", linewidth=2)
    return ax


def shown(numbers: np.ndarray, array: Any, name: str) -> tuple[np.ndarray, str]:
    """Return numbers in a unit that suits them, and the label that says which."""
    numbers = np.asarray(numbers, dtype=float)
    unit = array.attrs.get("units", "")
    if not unit:
        return numbers, name
    if not np.isfinite(numbers).any() or not unit.isalpha():
        return numbers, f"{name} ({unit})"
    return in_best_unit(numbers * quantity_of(f"1 {unit}", "units"), name)


def _is_logarithmic(values: np.ndarray) -> bool:
    """Whether values are spaced by even ratios over a wide range."""
    if len(values) < 3 or values.min() <= 0 or values.max() < _LOG_RATIO * values.min():
        return False
    steps = np.diff(np.log(np.sort(values)))
    return bool(np.ptp(steps) < 1e-6 * steps.mean())
