"""Look at recordings: voltage with the spikes that were counted, the current, the f-I curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from bridge.recordings import CellRecording, Step
from experiments.kit.style import COLOURS, GREY, INK, drawing

__all__ = ["RecordedPanel", "recorded_figure"]

MARGIN_S = 0.05


@dataclass(frozen=True)
class RecordedPanel:
    """One recorded cell, and the step of it that is shown.

    Attributes
    ----------
    title : str
        Name of the cell.
    cell : CellRecording
        Its recording.
    current_pA : float
        Step shown: the one nearest to this current above holding.
    """

    title: str
    cell: CellRecording
    current_pA: float

    def step(self) -> tuple[float, Step]:
        """Return the step shown and the current it stands at in the f-I curve (pA)."""
        return min(self.cell.curve_steps(), key=lambda pair: abs(pair[0] - self.current_pA))


def recorded_figure(panels: Sequence[RecordedPanel]) -> Figure:
    """Draw one column a cell: voltage and counted spikes, current, f-I curve.

    Parameters
    ----------
    panels : sequence of RecordedPanel
        Cells with the step to show.

    Returns
    -------
    matplotlib.figure.Figure
        Spikes as ticks above their peaks; currents at which the cell ends in depolarisation block
        are open circles in the f-I curve.
    """
    with drawing(
        2.9 * len(panels), 5.6, 3, len(panels), squeeze=False, height_ratios=[2.2, 0.6, 1.6]
    ) as (figure, axes):
        for k, panel in enumerate(panels):
            _column(panel, axes[:, k], first=k == 0)
        figure.align_ylabels()
    return figure


def _column(panel: RecordedPanel, axes: np.ndarray, *, first: bool) -> None:
    voltage, current, curve_axes = axes
    cell = panel.cell
    amount, step = panel.step()
    sweep = cell.sweeps[step.sweep]
    since = sweep.time_s - step.start_s
    shown = (since >= -MARGIN_S) & (since < step.duration_s + MARGIN_S)
    milliseconds = 1e3 * since[shown]
    spikes = cell.spikes_in(step)
    voltage.plot(milliseconds, sweep.voltage_mV[shown], color=INK, linewidth=0.6)
    top = float(sweep.voltage_mV[shown].max())
    voltage.plot(
        1e3 * spikes, np.full(len(spikes), top + 8), "|", color=COLOURS["vermilion"], markersize=6
    )
    voltage.set_title(f"{panel.title}\n{amount:.4g} pA: {len(spikes)} spikes")
    voltage.tick_params(labelbottom=False)
    current.plot(milliseconds, sweep.current_pA[shown], color=COLOURS["blue"], linewidth=0.8)
    current.sharex(voltage)
    current.set_xlabel("time from the step's start (ms)")
    curve = cell.fi_curve()
    blocked = np.isin(curve.current_pA, curve.provenance["blocked_pA"])
    curve_axes.plot(curve.current_pA, curve.rate_Hz, color=GREY, linewidth=0.8, zorder=1)
    for chosen, face, label in (
        (~blocked, COLOURS["blue"], "firing"),
        (blocked, "white", "ends in block"),
    ):
        curve_axes.plot(
            curve.current_pA[chosen],
            curve.rate_Hz[chosen],
            "o",
            markersize=4,
            markerfacecolor=face,
            markeredgecolor=COLOURS["blue"],
            label=label,
        )
    if blocked.any():
        curve_axes.legend(loc="lower center", handlelength=1, handletextpad=0.2)
    here = curve.rate_Hz[np.isclose(curve.current_pA, amount)].mean()
    curve_axes.plot([amount], [here], "s", color=COLOURS["vermilion"], markersize=9, mfc="none")
    curve_axes.set_ylim(bottom=-0.04 * curve.rate_Hz.max())
    curve_axes.set_xlabel("current above holding (pA)")
    if first:
        voltage.set_ylabel("voltage (mV)")
        current.set_ylabel("current\n(pA)")
        curve_axes.set_ylabel("rate (Hz)")
