"""The picture of a slow state: the same currents after silence and after firing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.page_style import BLUE, GREY, INK, Axes
from bridge.slow_state.sweep_counts import SweepCounts
from neurosim.display import axes_or_new

__all__ = ["draw_in_time"]

Array = NDArray[np.float64]


def draw_in_time(
    counts: SweepCounts,
    expected_Hz: Array,
    rested_Hz: Array,
    ax: Axes | None = None,
    longest_s: float = 80.0,
) -> Axes:
    """Draw the counted rates of the first sweep beside those of two units.

    Parameters
    ----------
    counts : SweepCounts
    expected_Hz, rested_Hz : ndarray, shape (judged bins,)
        Of the unit with a slow state, and of that without (Hz).
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).
    longest_s : float
        How much of the sweep (s).

    Returns
    -------
    matplotlib Axes
    """
    ax = axes_or_new(ax)
    judged = counts.judged
    first = (counts.sweep == counts.sweep[0]) & (counts.start_s < longest_s)
    rows = first[judged]
    middle = (counts.start_s + counts.window_s / 2)[judged][rows]
    seen = (counts.count / counts.window_s)[judged][rows]
    ax.plot(middle, seen, "o", ms=3, color=INK, label="counted")
    # Bins that are not judged part the lines.
    cut = np.flatnonzero(np.diff(middle) > 1.5 * counts.window_s[judged][rows][1:]) + 1
    for rate, colour, style, name in (
        (expected_Hz, BLUE, "-", "with the slow state"),
        (rested_Hz, GREY, "--", "without"),
    ):
        x, y = np.insert(middle, cut, np.nan), np.insert(rate[rows], cut, np.nan)
        ax.plot(x, y, style, color=colour, lw=1.4, label=name)
    ax.set(xlabel="time (s)", ylabel="rate (Hz)", title="Levels of current in time")
    # Room for the legend above the points.
    ax.set_ylim(0, 1.25 * max(float(seen.max()), 1.0))
    ax.legend(fontsize="small", loc="upper right", ncols=3)
    return ax
