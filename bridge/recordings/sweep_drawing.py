"""Draw sweeps: potential and current over time, spikes and steps marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.formats.sweeps import Sweep
from neurosim.display import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_sweeps"]


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
        Of the potential; the current has axes of its own, split off below.
    """
    import matplotlib as mpl
    from mpl_toolkits.axes_grid1 import make_axes_locatable

    voltage = axes_or_new(ax)
    current = make_axes_locatable(voltage).append_axes("bottom", "28%", pad=0.12, sharex=voltage)
    colours = mpl.colormaps[mpl.rcParams["image.cmap"]](np.linspace(0, 0.9, max(len(sweeps), 2)))
    top = max(float(sweep.voltage_mV.max()) for sweep in sweeps)
    span = top - min(float(sweep.voltage_mV.min()) for sweep in sweeps)
    rows = [times for times in spikes_s if len(times)]
    for sweep, colour in zip(sweeps, colours, strict=False):
        name = f"sweep {sweep.number}"
        voltage.plot(sweep.time_s, sweep.voltage_mV, color=colour, linewidth=0.6, label=name)
        current.plot(sweep.time_s, sweep.current_pA, color=colour, linewidth=0.8, label=name)
    row = 0.0
    for times, colour in zip(spikes_s, colours, strict=False):
        if len(times):
            row += 1
            height = top + span * (0.04 + 0.3 * row / len(rows))
            voltage.plot(times, np.full(len(times), height), "|", color=colour, label="_spikes")
    for start, stop in spans_s:
        for panel in (voltage, current):
            panel.axvspan(start, stop, color="0.5", alpha=0.12, linewidth=0)
    voltage.tick_params(labelbottom=False)
    voltage.set_ylabel("potential (mV)")
    current.set_ylabel("current (pA)")
    current.set_xlabel("time (s)")
    return voltage
