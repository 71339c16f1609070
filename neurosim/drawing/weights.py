"""Synaptic weights over time, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.display import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_weights"]


def draw_weights(traces: Sequence[tuple[np.ndarray, np.ndarray]], ax: Axes | None = None) -> Axes:
    """Draw weights that change in steps.

    Parameters
    ----------
    traces : sequence of (ndarray, ndarray)
        By contact, times (second) and the weight from each of them on.
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> draw_weights([(np.array([0, 0.5, 1]), np.array([1, 2, 2]))]).get_xlabel()
    'time (s)'
    """
    axes = axes_or_new(ax)
    longest = max((float(times[-1]) for times, _ in traces), default=0.0)
    factor, unit = (1.0, "s") if longest >= 1 else (1e3, "ms")
    for times, weights in traces:
        axes.step(times * factor, weights, where="post", linewidth=1)
    axes.set(xlabel=f"time ({unit})", ylabel="weight")
    return axes
