"""Draw sweeps: potential and current over time, spikes and steps marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bridge.page_style import Axes
from bridge.recordings.formats.sweeps import Sweep
from neurosim.display import axes_or_new

__all__ = ["plot_sweeps"]

# Share of the height that is the current's, and that of the rows of spikes over the potential's.
_SHARE = 0.25
_TICKS = 0.3


def plot_sweeps(
    sweeps: Sequence[Sweep],
    spikes_s: Sequence[NDArray[np.float64]] = (),
    spans_s: Sequence[tuple[float, float]] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw the potential of sweeps over time, coloured by their order, and the current below.

    Parameters
    ----------
    sweeps : sequence of Sweep
        What to draw.
    spikes_s : sequence of ndarray
        Spike times of each sweep from its start (s): a row of ticks above the traces for each.
    spans_s : sequence of (float, float)
        Stretches to shade, such as the steps (s).
    ax : matplotlib Axes, optional
        Where to draw; new axes where left out.

    Returns
    -------
    matplotlib Axes
        Of the potential; the current has the lower quarter, with its axis on the right.
    """
    import matplotlib as mpl

    voltage = axes_or_new(ax)
    current = voltage.twinx()
    colours = mpl.colormaps[mpl.rcParams["image.cmap"]](np.linspace(0, 0.9, max(len(sweeps), 2)))
    for sweep, colour in zip(sweeps, colours, strict=False):
        name = f"sweep {sweep.number}"
        voltage.plot(sweep.time_s, sweep.voltage_mV, color=colour, linewidth=0.6, label=name)
        current.plot(sweep.time_s, sweep.current_pA, color=colour, linewidth=0.8, label=name)
    (low, high), (least, most) = voltage.get_ylim(), current.get_ylim()
    rows = [pair for pair in zip(spikes_s, colours, strict=False) if len(pair[0])]
    top = high + _TICKS * (high - low) * bool(rows)
    for row, (times, colour) in enumerate(rows):
        height = np.full(len(times), high + (row + 0.5) / len(rows) * (top - high))
        voltage.plot(times, height, "|", color=colour, markersize=4, label="_spikes")
    for start, stop in spans_s:
        voltage.axvspan(start, stop, color="0.5", alpha=0.12, linewidth=0)
    # The potential has the upper part of the axes, the current the rest; each axis its own ticks.
    bottom = low - (top - low) * _SHARE / (1 - _SHARE)
    for axes, first, last, limits in (
        (voltage, low, high, (bottom, top)),
        (current, least, most, (least, least + (most - least) / (_SHARE - 0.04))),
    ):
        ticks = mpl.ticker.MaxNLocator(6 if axes is voltage else 3).tick_values(first, last)
        axes.set_yticks([tick for tick in ticks if first <= tick <= last])
        axes.set_ylim(limits)
    voltage.set_ylabel("potential (mV)", y=(low + high - 2 * bottom) / 2 / (top - bottom))
    current.set_ylabel("current (pA)", y=_SHARE / 2)
    voltage.set_xlabel("time (s)")
    return voltage
