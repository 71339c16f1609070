"""The pictures of a card: potential, raster, f-I curve with its unit, residual, properties.

Each panel can be drawn alone, for a figure of one's own, or all together.
"""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.equivalent.equivalent_unit import EquivalentUnit
from bridge.page_style import BLUE, GREY, INK
from bridge.stimulate.step_responses import Responses, Trace

__all__ = ["PANELS", "draw_panel", "draw_panels"]

PANELS = {
    "potential": (3.5, 3.2),
    "raster": (3.5, 2.2),
    "f-i-curve": (3.5, 3.4),
    "properties": (2.6, 2.2),
    "memory": (5.0, 2.4),
}
"""Panels and their size alone (inch): one column of a journal is 3.5 inches wide."""

_MINUS = "\N{MINUS SIGN}"
# Potentials that spikes reach (mV): where most stay below, they are resets, and lines are drawn in.
_SPIKES_MV = -20.0
_DRAWN_TO_MV = 20.0
_NEAR_S = 1e-3
# Stretches that a trace is drawn in: more than a printer shows side by side in one column.
_STRETCHES = 1500


def draw_panels(figure: Any, found: EquivalentUnit) -> None:
    """Draw all panels into a figure or a part of one.

    Parameters
    ----------
    figure : matplotlib Figure or SubFigure
    found : EquivalentUnit
        Its intrinsic properties are drawn where they are known.
    """
    if found.responses is None:
        draw_panel(figure, found, "f-i-curve")
        return
    left, right = figure.subfigures(1, 2, width_ratios=[1.15, 1])
    above, below = left.subfigures(2, 1, height_ratios=[1.75, 1])
    draw_panel(above, found, "potential")
    draw_panel(below, found, "raster")
    if found.properties is None:
        draw_panel(right, found, "f-i-curve")
        return
    above, below = right.subfigures(2, 1, height_ratios=[1.75, 1])
    draw_panel(above, found, "f-i-curve")
    draw_panel(below, found, "properties")


def draw_panel(figure: Any, found: EquivalentUnit, name: str) -> bool:
    """Draw one panel into a figure or a part of one.

    Parameters
    ----------
    figure : matplotlib Figure or SubFigure
    found : EquivalentUnit
    name : str
        One of `PANELS`.

    Returns
    -------
    bool
        Whether there was something to draw.
    """
    if name == "f-i-curve":
        found.plot(figure.subplots()).set_title("f-I curve, unit and residual")
        return True
    if name == "memory":
        if found.memory is None:
            return False
        found.memory.plot(figure.subplots())
        return True
    if found.responses is None:
        return False
    if name == "potential":
        return _potential(figure, found.responses)
    if name == "raster":
        _raster(figure.subplots(), found.responses)
        return True
    return _properties(figure.subplots(), found)


def _potential(figure: Any, responses: Responses) -> bool:
    traces = responses.traces
    if not traces:
        return False
    grid = figure.subplots(len(traces), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    peaks = [_peaks(trace) for trace in traces]
    every = np.concatenate(peaks)
    # The spikes of such a neuron are resets, with peaks as high as a time step happens to reach.
    drawn_in = len(every) > 0 and float(np.median(every)) < _SPIKES_MV
    for axes, trace, peak in zip(grid, reversed(traces), reversed(peaks), strict=True):
        time, volts = _thinned(1e3 * trace.time_s, trace.voltage_mV)
        axes.plot(time, volts, color=INK, lw=0.6)
        if drawn_in:
            spikes = 1e3 * trace.spikes_s[: len(peak)]
            axes.vlines(spikes, peak, np.maximum(peak, _DRAWN_TO_MV), color=INK, lw=0.6)
        axes.annotate(
            f"{_label(trace.current_pA)} pA",
            (1.0, 1.0),
            xycoords="axes fraction",
            ha="right",
            va="bottom",
            fontsize=6.5,
            color=BLUE,
            annotation_clip=False,
        )
        axes.tick_params(labelsize=6.5)
        if axes is not grid[-1]:
            axes.tick_params(labelbottom=False)
    low, high = grid[0].get_ylim()
    ticks = np.arange(np.ceil(low / 40) * 40, high + 1, 40)
    if len(ticks) > 1:
        grid[0].set_yticks(ticks)
    more = " (spikes drawn in)" if drawn_in else ""
    grid[0].set_title(f"Membrane potential{more}", pad=11)
    grid[-1].set_xlabel("time since the onset (ms)")
    figure.supylabel("potential (mV)", fontsize=8)
    return True


def _peaks(trace: Trace) -> NDArray[np.float64]:
    """The highest potential within a millisecond of each spike that is shown (mV)."""
    spikes_s = trace.spikes_s[trace.spikes_s <= trace.time_s[-1]]
    begin, end = (np.searchsorted(trace.time_s, spikes_s + by) for by in (-_NEAR_S, _NEAR_S))
    return np.array(
        [
            trace.voltage_mV[first : max(last, first + 1)].max(initial=-np.inf)
            for first, last in zip(begin, end, strict=True)
        ]
    )


def _label(current_pA: float) -> str:
    """A current as the axes of Matplotlib write it: with a minus sign, not a hyphen."""
    return f"{current_pA:.4g}".replace("-", _MINUS)


def _thinned(time: Any, volts: Any) -> tuple[Any, Any]:
    """Keep the lowest and the highest sample of every stretch: no peak of a spike is lost."""
    size = len(time) // _STRETCHES
    if size < 3:
        return time, volts
    whole = len(time) // size * size
    parts = volts[:whole].reshape(-1, size)
    ends = np.sort([parts.argmin(axis=1), parts.argmax(axis=1)], axis=0)
    kept = (np.arange(len(parts)) * size + ends).T.ravel()
    return time[kept], volts[kept]


def _raster(axes: Any, responses: Responses) -> None:
    # One row a current: the first trial of each.
    _, first = np.unique(responses.current_pA, return_index=True)
    trains = [1e3 * responses.trains[i] for i in first]
    axes.eventplot(trains, colors=INK, linelengths=0.75, linewidths=0.7)
    shown = np.unique(np.linspace(0, len(first) - 1, min(len(first), 5)).round().astype(int))
    axes.set_yticks(shown, [_label(responses.current_pA[first[i]]) for i in shown])
    axes.set(
        title="Spikes",
        xlabel="time since the onset (ms)",
        xlim=(0, 1e3 * responses.duration_s),
        ylim=(-0.7, len(first) - 0.3),
    )
    axes.set_ylabel(fill(f"{responses.curve.current_name} (pA)", 26))


def _properties(axes: Any, found: EquivalentUnit) -> bool:
    rows = found.property_rows()
    axes.set_axis_off()
    if not rows:
        return False
    axes.set_title("Intrinsic properties")
    step = 1 / max(len(rows), 8)
    outside = {one.range.name for one in found.cautions}
    for k, row in enumerate(rows):
        y = 1 - step * (k + 0.6)
        mark = " *" if row.name in outside else ""
        value = row.value.replace("-", _MINUS)
        for x, text, side in ((0.0, row.words + mark, "left"), (1.0, value, "right")):
            axes.text(x, y, text, ha=side, va="center", fontsize=7, transform=axes.transAxes)
        axes.plot([0, 1], [y - step / 2] * 2, color=GREY, lw=0.3, transform=axes.transAxes)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    return True
