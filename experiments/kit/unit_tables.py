"""Units of several neurons side by side: a table of parameters and a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bridge.choice.selection import Selection
from bridge.counts.curve import FICurve
from experiments.kit.style import COLOURS, GREY, drawing

__all__ = ["Measured", "Rate", "UnitPanel", "panel", "parameter_table", "unit_row", "units_figure"]


@dataclass(frozen=True)
class Measured:
    """One neuron of the comparison."""

    title: str
    curve: FICurve


def unit_row(title: str, selection: Selection) -> dict[str, Any]:
    """Return one line of the table of units: the choice, how sure, and what the sigmoid loses."""
    best, loss = selection.best, selection.sigmoid_loss
    row: dict[str, Any] = {"neuron": title}
    if not selection.ok or best is None:
        reason = selection.refused.get("curve", "no unit could be fitted")
        return row | dict.fromkeys(_UNIT_COLUMNS[1:], "–") | {"best unit": f"refused: {reason}"}
    low, high = best.valid_pA
    row["best unit"] = best.family
    row["weight"] = f"{best.weight:.2f}"
    row["residual / counting noise (Hz)"] = f"{best.residual_rms_Hz:.2f} / {best.noise_rms_Hz:.2f}"
    row["adequate"] = f"{'yes' if best.adequate else 'no'} (p {best.p_fit:.2g})"
    row["valid (pA)"] = f"{low:g} to {high:g}"
    if loss is None:
        return row | dict.fromkeys(_UNIT_COLUMNS[6:], "–")
    if loss.best == "logistic":
        return row | dict.fromkeys(_UNIT_COLUMNS[6:], "it is the sigmoid")
    row["sigmoid's loss (Hz rms, max)"] = f"{loss.rms_Hz:.2f}, {loss.max_Hz:.2f}"
    row["sigmoid's loss (bits a count)"] = f"{loss.bits_per_measurement:.2f}"
    return row


_UNIT_COLUMNS = (
    "neuron",
    "best unit",
    "weight",
    "residual / counting noise (Hz)",
    "adequate",
    "valid (pA)",
    "sigmoid's loss (Hz rms, max)",
    "sigmoid's loss (bits a count)",
)


def panel(neuron: Measured, selection: Selection) -> UnitPanel:
    """Return what the figure of units shows of one neuron."""
    best = selection.best
    logistic = next((fit for fit in selection.fits if fit.family == "logistic"), None)
    if not selection.ok or best is None:
        return UnitPanel(neuron.title, neuron.curve, None, None, "refused")
    return UnitPanel(
        neuron.title,
        neuron.curve,
        best.unit.rate,
        None if logistic is None else logistic.unit.rate,
        best.family,
    )


def parameter_table(neurons: list[Measured], chosen: list[Selection]) -> pd.DataFrame:
    """Return parameters and 95 % intervals of the best unit of every neuron."""
    rows = []
    for neuron, selection in zip(neurons, chosen, strict=True):
        if selection.best is None:
            continue
        best = selection.best
        for parameter in best.unit.parameters:
            interval = best.intervals.get(parameter.name)
            rows.append(
                {
                    "neuron": neuron.title,
                    "unit": best.family,
                    "parameter": parameter.name,
                    "value": float(getattr(best.unit, parameter.name)),
                    "low 95 %": None if interval is None else interval.low,
                    "high 95 %": None if interval is None else interval.high,
                    "meaning": parameter.meaning,
                }
            )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class UnitPanel:
    """One neuron with the units fitted to it.

    Attributes
    ----------
    title : str
        Name of the neuron.
    curve : FICurve
        Its counts.
    best, logistic : callable or None
        Rate (Hz) of the best unit and of the logistic unit; None where refused.
    best_name : str
        Name of the best unit, or why there is none.
    """

    title: str
    curve: FICurve
    best: Rate | None
    logistic: Rate | None
    best_name: str


def units_figure(panels: Sequence[UnitPanel]) -> Figure:
    """Draw f-I curves with their units, and what the units leave, one column a neuron."""
    with drawing(
        2.7 * len(panels), 4.6, 2, len(panels), sharex="col", height_ratios=[2, 1], squeeze=False
    ) as (figure, axes):
        for k, panel in enumerate(panels):
            top, bottom = axes[0, k], axes[1, k]
            currents, rates, windows = _pooled(panel.curve)
            noise = np.sqrt(np.maximum(rates, 1 / windows) / windows)
            fine = np.linspace(currents[0], currents[-1], 400)
            top.errorbar(
                currents, rates, yerr=noise, fmt="o", ms=3, color=COLOURS["black"], lw=0.8, zorder=3
            )
            bottom.fill_between(currents, -noise, noise, color="#DDDDDD", lw=0)
            bottom.axhline(0, color=GREY, lw=0.8)
            for rate, colour, style, label in (
                (panel.best, COLOURS["blue"], "-", panel.best_name),
                (panel.logistic, COLOURS["vermilion"], "--", "logistic"),
            ):
                if rate is None or (label == panel.best_name and rate is not panel.best):
                    continue
                top.plot(fine, rate(fine), style, color=colour, label=label)
                bottom.plot(
                    currents, rates - rate(currents), style, marker="o", ms=2.5, lw=1, color=colour
                )
            if panel.best is None:
                top.plot([], [], " ", label=panel.best_name)
            top.set_title(panel.title)
            top.legend(loc="upper left", handlelength=1.6)
            top.set_ylim(0, max(1.0, 1.35 * float(rates.max())))
            bottom.set_xlabel("current (pA)")
        axes[0, 0].set_ylabel("firing rate (Hz)")
        axes[1, 0].set_ylabel("residual (Hz)")
        return figure


Rate = Callable[[np.ndarray], np.ndarray]


def _pooled(curve: FICurve) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return currents, rates over all trials, and total windows."""
    currents, index = np.unique(curve.current_pA, return_inverse=True)
    counts = np.bincount(index, weights=curve.count)
    windows = np.bincount(index, weights=curve.window_s)
    return currents, counts / windows, windows
