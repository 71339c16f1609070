"""Pictures of counts and of the unit that stands for them, drawn from arrays.

They use the Matplotlib style that is set, and its colours in their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridge.page_style import Axes

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

__all__ = ["draw_counts", "draw_residual", "draw_unit", "residual_axes"]

Array = NDArray[np.float64]


def draw_counts(
    ax: Axes,
    current: Array,
    rate: Array,
    sd: Array,
    *,
    clock: bool = False,
    how: str = "counted",
) -> None:
    """Mean rate at each current (pA, Hz), with bars of one standard deviation.

    Of a clockwork cell, whose counts do not scatter, it is that of the rates that are possible.
    """
    label = f"{how} (± {'SD of possible rates' if clock else '1 SD'})"
    ax.errorbar(current, rate, yerr=sd, fmt="o", capsize=2, zorder=3, label=label)
    ax.set(xlabel="current (pA)", ylabel="firing rate (Hz)")


def draw_unit(
    ax: Axes,
    current: Array,
    rate: Array,
    label: str,
    band: tuple[Array, Array] | None = None,
    style: str = "-",
    band_name: str | None = None,
) -> Line2D:
    """Rate of a unit as a line, with the named band in which it may lie; returns the line."""
    (line,) = ax.plot(current, rate, style, label=label)
    if band is not None:
        ax.fill_between(current, *band, color=line.get_color(), alpha=0.25, lw=0, label=band_name)
    ax.set(xlabel="current (pA)", ylabel="firing rate (Hz)")
    return line


def residual_axes(ax: Axes) -> Axes:
    """Split the lower third off an axes for residuals; both share what runs along x."""
    place, figure = ax.get_subplotspec(), ax.get_figure()
    if place is None or figure is None:
        from mpl_toolkits.axes_grid1 import make_axes_locatable

        below: Axes = make_axes_locatable(ax).append_axes("bottom", size="40%", pad=0.1, sharex=ax)
    else:
        grid = place.subgridspec(2, 1, height_ratios=[2.2, 1], hspace=0.06)
        ax.set_subplotspec(grid[0])
        below = figure.add_subplot(grid[1], sharex=ax)
    ax.tick_params(labelbottom=False)
    ax.set_xlabel("")
    return below


def draw_residual(
    ax: Axes, current: Array, residual: Array, noise: Array, color: Any, *, clock: bool = False
) -> None:
    """Measured less expected rate, over the band that counting noise alone would leave (± 1 SD)."""
    label = "± SD of possible rates" if clock else "± 1 SD of counting"
    ax.fill_between(current, -noise, noise, color="gray", alpha=0.3, lw=0, label=label)
    ax.axhline(0, color="gray", lw=0.8)
    ax.plot(current, residual, "o-", color=color)
    ax.set(xlabel="current (pA)", ylabel="residual (Hz)")
    ax.legend(fontsize="x-small", loc="lower left")
