"""The pictures of a card: voltage, raster, f-I curve with its unit and band, and the residual."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridge.equivalent.equivalent_unit import EquivalentUnit
from bridge.page_style import BLUE, GREY, INK, VERMILION
from bridge.stimulate.step_responses import Responses

__all__ = ["draw_panels"]


def draw_panels(figure: Any, found: EquivalentUnit) -> None:
    """Draw the four panels into a figure or a part of one.

    Parameters
    ----------
    figure : matplotlib Figure or SubFigure
    found : EquivalentUnit
    """
    if found.responses is None:
        curve = figure.subplots()
    else:
        axes = figure.subplot_mosaic(
            [["voltage", "curve"], ["raster", "curve"]], height_ratios=[2.2, 1.3],
            width_ratios=[1.1, 1],
        )  # fmt: skip
        _voltage(axes["voltage"], found.responses)
        _raster(axes["raster"], found.responses)
        curve = axes["curve"]
    found.plot(curve).set_title("f-I curve, unit and band")


def _voltage(axes: Any, responses: Responses) -> None:
    traces = responses.traces
    axes.set_title("Membrane potential")
    if not traces:
        axes.text(0.5, 0.5, "not recorded", ha="center", transform=axes.transAxes, color=GREY)
        axes.set_axis_off()
        return
    high = max(float(np.percentile(t.voltage_mV, 99.9)) for t in traces)
    low = min(float(np.percentile(t.voltage_mV, 0.1)) for t in traces)
    gap = 1.12 * max(high - low, 20.0)
    for k, trace in enumerate(traces):
        # Thin out what no screen or printer shows.
        stride = max(1, len(trace.time_s) // 4000)
        axes.plot(
            1e3 * trace.time_s[::stride],
            trace.voltage_mV[::stride] + k * gap,
            color=INK,
            lw=0.6,
            rasterized=True,
        )
        axes.annotate(
            f"{trace.current_pA:.4g} pA",
            (1.0, low + k * gap + 0.15 * gap),
            xycoords=("axes fraction", "data"),
            ha="left",
            fontsize=7,
            color=BLUE,
        )
    left = 1e3 * float(traces[0].time_s[0])
    axes.plot([left, left], [high - 50, high], color=VERMILION, lw=1.6, solid_capstyle="butt")
    axes.annotate(
        "50 mV",
        (left, high - 25),
        (-3, 0),
        textcoords="offset points",
        rotation=90,
        ha="right",
        va="center",
        fontsize=6.5,
        color=VERMILION,
    )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("time since the onset (ms)")


def _raster(axes: Any, responses: Responses) -> None:
    # One row a current: the first trial of each.
    _, first = np.unique(responses.current_pA, return_index=True)
    trains = [1e3 * responses.trains[i] for i in first]
    axes.eventplot(trains, colors=INK, linelengths=0.8, linewidths=0.7)
    shown = np.unique(np.linspace(0, len(first) - 1, min(len(first), 5)).round().astype(int))
    axes.set_yticks(shown, [f"{responses.current_pA[first[i]]:.4g}" for i in shown])
    axes.set(
        title="Spikes",
        xlabel="time since the onset (ms)",
        ylabel="current (pA)",
        xlim=(0, 1e3 * responses.duration_s),
        ylim=(-0.7, len(first) - 0.3),
    )
