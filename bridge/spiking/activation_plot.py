"""A picture of activations read from spikes against those of the trained network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bridge.counts.curve_plot import residual_axes
from bridge.page_style import Axes
from neurosim.display import axes_or_new

__all__ = ["draw_agreement"]


def draw_agreement(
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], at_ms: float, ax: Axes | None = None
) -> Axes:
    """Draw what was read against what was wanted, with the identity line and the residual below.

    Parameters
    ----------
    pairs : mapping of str to (ndarray, ndarray)
        For each name in the legend, wanted and read activations of one shape.
    at_ms : float
        Time of the decision.
    ax : matplotlib Axes, optional
        Where to draw; its lower part becomes the residual.

    Returns
    -------
    matplotlib Axes
        The upper panel.
    """
    from matplotlib import rcParams

    ax = axes_or_new(ax)
    below = residual_axes(ax)
    line = {"color": rcParams["axes.edgecolor"], "linewidth": 1.0}
    for name, (wanted, read) in pairs.items():
        x, residual = np.ravel(wanted), np.ravel(read) - np.ravel(wanted)
        rms = np.sqrt(np.mean(residual**2))
        # Thousands of points would hide each other.
        alpha = float(np.clip(300 / len(x), 0.1, 0.8))
        points: dict[str, Any] = {"markersize": 3, "rasterized": True, "alpha": alpha}
        (drawn,) = ax.plot(x, x + residual, ".", label=f"{name}: rms residual {rms:.2g}", **points)
        below.plot(x, residual, ".", color=drawn.get_color(), **points)
    every = np.concatenate([np.ravel(wanted) for wanted, _ in pairs.values()])
    ends = [every.min(), every.max()]
    ax.plot(ends, ends, label="identity", **line)
    below.axhline(0.0, **line)
    ax.set_ylabel(f"read from spikes at {at_ms:g} ms\n(activation, no unit)")
    # Points lie about the diagonal.
    legend = ax.legend(loc="upper left", fontsize="small")
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)
    below.set_xlabel("activation of the network (no unit)")
    below.set_ylabel("residual\n(no unit)")
    return ax
