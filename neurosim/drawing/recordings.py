"""Spikes and traces drawn: over time, as a raster, as a rate, in space and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.display import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "draw_raster",
    "draw_rate",
    "draw_space_time",
    "draw_traces",
    "svg_of_raster",
    "time_scale",
]


def time_scale(duration_s: float) -> tuple[float, str]:
    """Return what seconds are multiplied by to be shown, and the unit: ms up to 2 s.

    Examples
    --------
    >>> time_scale(0.5), time_scale(60)
    ((1000.0, 'ms'), (1.0, 's'))
    """
    return (1e3, "ms") if duration_s <= 2 else (1.0, "s")


def _limits(start_s: float, duration_s: float, scale: float) -> tuple[float, float]:
    return start_s * scale, (start_s + duration_s) * scale


def draw_traces(
    time_s: np.ndarray,
    values: np.ndarray,
    spikes_s: Sequence[np.ndarray],
    duration_s: float,
    label: str,
    names: Sequence[str],
    ax: Axes | None = None,
    *,
    start_s: float = 0.0,
) -> Axes:
    """Draw traces over each other, with a tick above them for each spike.

    Parameters
    ----------
    time_s : ndarray, shape (samples,)
        Times, in second.
    values : ndarray, shape (rows, samples)
        What is drawn, in the unit of `label`.
    spikes_s : sequence of ndarray
        Spike times of each row, in second.
    duration_s : float
        Length of the axis of time, in second.
    label : str
        What the values are, with their unit.
    names : sequence of str
        Name of each row; shown where there are several.
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).
    start_s : float
        Where the axis of time begins, in second.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> time, trace = np.array([0, 0.001]), np.array([[-70.0, -60]])
    >>> draw_traces(time, trace, [np.array([0.001])], 0.002, "v (mV)", ["row 0"]).get_xlabel()
    'time (ms)'
    """
    axes = axes_or_new(ax)
    scale, unit = time_scale(duration_s)
    top = float(np.max(values))
    lane = 0.05 * (top - float(np.min(values)) or 1.0)
    for k, (trace, train, name) in enumerate(zip(values, spikes_s, names, strict=True)):
        (line,) = axes.plot(time_s * scale, trace, label=name)
        # A lane of ticks for each row, so that those of several rows stay apart.
        low = top + lane * (len(names) - k)
        axes.vlines(train * scale, low, low + 0.7 * lane, color=line.get_color())
    axes.set(xlabel=f"time ({unit})", ylabel=label, xlim=_limits(start_s, duration_s, scale))
    if len(names) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize="small")
    return axes


def draw_raster(
    row: np.ndarray,
    time_s: np.ndarray,
    rows: int,
    duration_s: float,
    ax: Axes | None = None,
    *,
    start_s: float = 0.0,
) -> Axes:
    """Draw a stroke for each spike, a line for each row.

    Parameters
    ----------
    row, time_s : ndarray, shape (spikes,)
        Row and time (second) of each spike.
    rows : int
        How many rows there are.
    duration_s : float
        Length of the axis of time, in second.
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).
    start_s : float
        Where the axis of time begins, in second.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> axes = draw_raster(np.array([0, 2]), np.array([0.1, 0.2]), 3, 0.5)
    >>> len(axes.collections[0].get_segments()), axes.get_ylabel()
    (2, 'row')
    """
    axes = axes_or_new(ax)
    scale, unit = time_scale(duration_s)
    # Strokes of neighbouring rows touch where there are too many rows for a gap.
    half = 0.4 if rows <= 100 else 0.5
    axes.vlines(time_s * scale, row - half, row + half, linewidth=0.8 if rows > 20 else 1.2)
    axes.set(
        xlabel=f"time ({unit})",
        ylabel="row",
        xlim=_limits(start_s, duration_s, scale),
        ylim=(-0.5, rows - 0.5),
    )
    axes.locator_params(axis="y", integer=True)
    return axes


def draw_rate(
    time_s: np.ndarray,
    rows: int,
    duration_s: float,
    bin_s: float,
    ax: Axes | None = None,
    *,
    start_s: float = 0.0,
) -> Axes:
    """Draw the mean rate of all rows over time.

    Parameters
    ----------
    time_s : ndarray, shape (spikes,)
        Time of each spike of any row, in second.
    rows : int
        How many rows fired them.
    duration_s, bin_s : float
        Length of the run and of a bin, in second; the last bin may be shorter.
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).
    start_s : float
        Where the axis of time begins, in second.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> axes = draw_rate(np.array([0.01, 0.02, 0.15]), 1, 0.2, 0.1)
    >>> axes.patches[0].get_data().values.tolist()
    [20.0, 10.0]
    """
    axes = axes_or_new(ax)
    scale, unit = time_scale(duration_s)
    bins = max(1, int(np.ceil(duration_s / bin_s - 1e-6)))
    edges = start_s + np.append(np.arange(bins) * bin_s, duration_s)
    # An edge that is off by rounding must not pull in the spike of the next step.
    counts = np.histogram(time_s, edges - 1e-9)[0]
    axes.stairs(counts / np.diff(edges) / rows, edges * scale, fill=True, alpha=0.7)
    many = f", mean of {rows} rows" if rows > 1 else ""
    axes.set(
        xlabel=f"time ({unit})",
        ylabel=f"rate (spikes/s{many})",
        xlim=_limits(start_s, duration_s, scale),
    )
    axes.set_ylim(bottom=0)
    return axes


def draw_space_time(
    time_s: np.ndarray,
    length_m: np.ndarray,
    values: np.ndarray,
    label: str,
    branches: Sequence[tuple[str, int]],
    ax: Axes | None = None,
) -> Axes:
    """Draw what happens along a cell over time, as colour; branches stand above each other.

    Parameters
    ----------
    time_s : ndarray, shape (samples,)
        Times, in second.
    length_m : ndarray, shape (compartments,)
        Length of each compartment, in metre.
    values : ndarray, shape (samples, compartments)
        What is drawn, in the unit of `label`.
    label : str
        What the values are, with their unit.
    branches : sequence of (str, int)
        Name of each branch and how many of the compartments are on it.
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> time, length = np.array([0, 0.001]), np.array([1e-5, 1e-5])
    >>> axes = draw_space_time(time, length, np.zeros((2, 2)), "v (mV)", [("axon", 2)])
    >>> axes.get_ylabel()
    'distance along axon (µm)'
    """
    axes = axes_or_new(ax)
    step = time_s[1] - time_s[0] if len(time_s) > 1 else 1e-3
    scale, unit = time_scale(float(time_s[-1] + step))
    along = np.concatenate([[0], np.cumsum(length_m)]) * 1e6
    edges = np.append(time_s, time_s[-1] + step) * scale
    # Thousands of small quads are a burden in a vector file.
    image = axes.pcolormesh(edges, along, values.T, rasterized=True)
    axes.figure.colorbar(image, ax=axes, label=label)
    alone = f"distance along {branches[0][0].replace('_', ' ')} (µm)"
    axes.set(xlabel=f"time ({unit})", ylabel=alone)
    if len(branches) > 1:
        borders = along[np.cumsum([count for _, count in branches])]
        axes.set_ylabel("length, branch above branch (µm)")
        axes.hlines(borders[:-1], edges[0], edges[-1], color="white", linewidth=0.8)
        starts = np.append(0, borders[:-1])
        # Where branches are too short or too many for a name, lines alone part them.
        for (name, _), low, high in zip(branches, starts, borders, strict=True):
            if high - low > along[-1] / 25:
                axes.annotate(
                    name.replace("_", " "),
                    (0.99, (low + high) / 2),
                    xycoords=("axes fraction", "data"),
                    ha="right",
                    va="center",
                    color="white",
                    fontsize="small",
                )
    return axes


def svg_of_raster(
    row: np.ndarray,
    time_s: np.ndarray,
    rows: int,
    duration_s: float,
    width: int = 320,
    most: tuple[int, int] = (40, 2000),
    *,
    start_s: float = 0.0,
) -> str:
    """Return a small raster for a notebook, in the colour of its text.

    Parameters
    ----------
    row, time_s : ndarray, shape (spikes,)
        Row and time (second) of each spike.
    rows : int
        How many rows there are.
    duration_s : float
        Length of the run, in second.
    width : int
        In pixels.
    most : (int, int)
        Most rows drawn, and most spikes.
    start_s : float
        When the run starts, in second.

    Examples
    --------
    >>> svg = svg_of_raster(np.array([0, 1]), np.array([0.1, 0.2]), 2, 0.4, width=100)
    >>> "M25.0" in svg, "M50.0" in svg
    (True, True)
    """
    shown = min(rows, most[0])
    kept = np.flatnonzero(row < shown)
    kept = kept[:: len(kept) // most[1] + 1]
    height = 60 / shown if shown < 10 else 6
    strokes = "".join(
        f"M{x:.1f} {y:.1f}v{0.8 * height:.1f}"
        for x, y in zip(
            (time_s[kept] - start_s) / duration_s * width,
            (shown - 1 - row[kept]) * height,
            strict=True,
        )
    )
    return (
        f'<svg width="{width}" height="{shown * height:.0f}" stroke="currentColor" role="img" '
        f'aria-label="raster of spikes"><path d="{strokes}"/></svg>'
    )
