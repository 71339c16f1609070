"""Units of several neurons side by side: a table of parameters and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bridge.choice.selection import Selection
from bridge.choice.unit_fit import UnitFit
from bridge.counts.curve import FICurve
from bridge.equivalent.plain_sigmoid import PlainSigmoid, plain_sigmoid
from experiments.kit.page_width import PAGE_WIDTH
from experiments.kit.result import Verdict
from experiments.kit.style import COLOURS, GREY, drawing

__all__ = [
    "SIGMOID_COLUMNS",
    "Fitted",
    "adequacy_verdicts",
    "parameter_table",
    "unit_table",
    "units_figure",
]


@dataclass(frozen=True)
class Fitted:
    """One neuron of the comparison: its counts, and the units fitted to them."""

    title: str
    curve: FICurve
    selection: Selection

    @cached_property
    def sigmoid(self) -> PlainSigmoid:
        """The logistic curve nearest to the rates that the selection used."""
        return plain_sigmoid(self.selection.curve)


def unit_table(neurons: Sequence[Fitted]) -> pd.DataFrame:
    """Return the choice of unit, how sure it is, and what the sigmoid loses, a line a neuron."""
    return pd.DataFrame([_unit_row(neuron) for neuron in neurons])


def _unit_row(neuron: Fitted) -> dict[str, Any]:
    selection = neuron.selection
    best, loss = selection.best, selection.sigmoid_loss
    row: dict[str, Any] = {"neuron": neuron.title}
    if not selection.ok or best is None:
        reason = selection.refused.get("curve", "no unit could be fitted")
        return row | dict.fromkeys(_UNIT_COLUMNS[1:], "–") | {"best unit": f"refused: {reason}"}
    low, high = best.valid_pA
    row["best unit"] = best.family
    row["weight"] = f"{best.weight:.2f}"
    row["residual (Hz rms)"] = f"{best.residual_rms_Hz:.2f}"
    row["counting noise (Hz)"] = f"{best.noise_rms_Hz:.2f}"
    row["fits"] = _fits(best)
    row["tested currents (pA)"] = f"{low:g} to {high:g}".replace("-", "−")
    if loss is None:
        return row | dict.fromkeys(SIGMOID_COLUMNS, "–")
    if loss.best == "logistic":
        return row | dict.fromkeys(SIGMOID_COLUMNS, "it is the sigmoid")
    misses = (f"{neuron.sigmoid.rms_Hz:.2f}", f"{neuron.sigmoid.most_Hz:.2f}")
    return row | dict(zip(SIGMOID_COLUMNS, misses, strict=True))


def _fits(best: UnitFit) -> str:
    """Say whether a unit fits, and by what that is told."""
    if best.possible_by:
        # The counts of a clockwork cell do not scatter, so that there is no p.
        return "yes (every count)" if best.adequate else "no (not every count)"
    # Without a p its own residuals tell how noisy the counts are, or informative currents are few.
    sure = "no p" if np.isnan(best.p_fit) else f"p {best.p_fit:.2g}"
    return f"{'yes' if best.adequate else 'no'} ({sure})"


#: By how much the nearest sigmoid misses the counted rates, on average and at most.
SIGMOID_COLUMNS = ("sigmoid misses by (Hz rms)", "at most (Hz)")
_UNIT_COLUMNS = (
    "neuron",
    "best unit",
    "weight",
    "residual (Hz rms)",
    "counting noise (Hz)",
    "fits",
    "tested currents (pA)",
    *SIGMOID_COLUMNS,
)


def adequacy_verdicts(neuron: Fitted) -> list[Verdict]:
    """Hold the residual of an adequate unit against counting noise, both rms over the currents."""
    best = neuron.selection.best
    if not neuron.selection.ok or best is None or not best.adequate:
        return []
    what = (
        f"{neuron.title}: residual (Hz rms) of the {best.family} unit over counting noise (Hz rms)"
    )
    return [Verdict(what, best.residual_rms_Hz / best.noise_rms_Hz, 1.0)]


def parameter_table(neurons: Sequence[Fitted]) -> pd.DataFrame:
    """Return parameters and 95 % intervals of the best unit of every neuron."""
    rows = []
    for neuron in neurons:
        best = neuron.selection.best
        if best is None:
            continue
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
                    "meaning": parameter.meaning + _beyond(best, parameter.name),
                }
            )
    return pd.DataFrame(rows)


def _beyond(best: UnitFit, name: str) -> str:
    """Say of a rate or a current that the unit approaches that no count came near it.

    Examples
    --------
    >>> from bridge import select
    >>> counts = [0, 10, 20, 30, 40, 50, 60]
    >>> fit = select(FICurve([0, 10, 20, 30, 40, 50, 60], counts, 1.0), ["logistic"]).best
    >>> _beyond(fit, "width_pA")
    ''
    """
    value = float(getattr(best.unit, name))
    if name == "max_rate_Hz":
        highest = best.valid_Hz[1]
        # A maximum is seen where the curve comes near it.
        return f"; beyond the data, which end at {highest:.0f} Hz" if value > 1.5 * highest else ""
    if name == "half_pA":
        top = best.valid_pA[1] - float(getattr(best.unit, "threshold_pA", 0.0))
        return f"; beyond the data, which end {top:.0f} pA above it" if value > top else ""
    return ""


# Columns of the figure: more would be too small to read on a page.
_ABREAST = 3


def units_figure(neurons: Sequence[Fitted]) -> Figure:
    """Draw f-I curves with their units, and what the units leave; three neurons side by side."""
    columns = min(_ABREAST, len(neurons))
    blocks = -(-len(neurons) // columns)
    heights = [2, 1] * blocks
    with drawing(
        PAGE_WIDTH / _ABREAST * columns, 3.05 * blocks, 2 * blocks, columns, height_ratios=heights,
        squeeze=False,
    ) as (figure, axes):  # fmt: skip
        for k in range(blocks * columns):
            block, column = divmod(k, columns)
            top, bottom = axes[2 * block, column], axes[2 * block + 1, column]
            if k >= len(neurons):
                top.set_visible(False)
                bottom.set_visible(False)
                continue
            _draw_unit(neurons[k], top, bottom)
            if column == 0:
                top.set_ylabel("firing rate (Hz)")
                bottom.set_ylabel("residual (Hz)")
        return figure


def _draw_unit(neuron: Fitted, top: Any, bottom: Any) -> None:
    selection, best = neuron.selection, neuron.selection.best
    curve = neuron.curve
    currents, rates = curve.currents, curve.measured_rate_Hz()
    how = "measured" if curve.has_measured_rates else "counted"
    # The noise that the choice rests on. As bars on the rates it would not be seen.
    noise = selection.noise.rate_sd_Hz(curve.statistics())
    fine = np.linspace(currents[0], currents[-1], 400)
    top.plot(currents, rates, "o", ms=3, color=COLOURS["black"], zorder=3, label=how)
    band = noise if best is None else best.noise_Hz
    at = currents if best is None else best.current_pA
    bottom.fill_between(at, -band, band, color="#C4C4C4", lw=0)
    bottom.axhline(0, color=GREY, lw=0.8)
    drawn: list[tuple[UnitFit | PlainSigmoid, str, str]] = []
    if not selection.ok or best is None:
        top.plot([], [], " ", label="refused")
    else:
        drawn = [(best, COLOURS["blue"], "-")]
        # Not the likeliest one, which misses a neuron without noise by more than it has to.
        if best.family != "logistic" and any(fit.family == "logistic" for fit in selection.fits):
            drawn.append((neuron.sigmoid, COLOURS["vermilion"], "--"))
    for fit, colour, style in drawn:
        top.plot(fine, fit.unit.rate(fine), style, color=colour, label=fit.family)
        bottom.plot(fit.current_pA, fit.residual_Hz, style, marker="o", ms=2.5, lw=1, color=colour)
    # A file's long name would run into the next panel.
    top.set_title(neuron.title if len(neuron.title) <= 26 else neuron.title[:25] + "…")
    top.legend(loc="upper left", handlelength=1.6, borderaxespad=0)
    top.set_ylim(0, max(1.0, 1.5 * float(rates.max())))
    top.tick_params(labelbottom=False)
    bottom.set_xlim(top.get_xlim())
    bottom.set_xlabel(fill(f"{curve.current_name} (pA)", 30))
