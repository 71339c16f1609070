"""The figure of a reduction: how good by size, and what it says beside what the cell did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.equivalent.card_figure import BLUE, GREY, INK, ORANGE, VERMILION, card_style
from bridge.reduce.innervation import BIN_MS

if TYPE_CHECKING:
    from bridge.reduce.reduction import RateReduction, TrainReduction

__all__ = ["draw_rates", "draw_trains"]

GREEN = "#009E73"
_LOOKS = {
    "point unit": ("o", BLUE),
    "two-layer": ("s", ORANGE),
    "filter bank": ("^", VERMILION),
    "temporal convolution": ("D", GREEN),
}
_TITLES = {"auc": "AUC of spikes in 1 ms bins", "variance": "subthreshold variance explained"}


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def draw_trains(found: TrainReduction) -> Any:
    """The ladder on held-out drive, and one second of it."""
    with card_style():
        figure = _figure(7.2, 3.4)
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.25])
        _ladder(left.subplots(), found)
        above, below = right.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        seen = found.example
        time = np.arange(len(seen["spikes"])) * BIN_MS
        spikes = time[seen["spikes"] > 0]
        above.plot(time, seen["voltage_mV"], color=GREY, lw=1, label=found.name)
        above.plot(time, seen["told_mV"], color=BLUE, lw=1, label=found.network.model.name)
        below.plot(time, seen["chance"], color=BLUE, lw=1)
        high = 1.1 * float(max(seen["chance"].max(), 1e-4))
        below.vlines(spikes, 1.05 * high, 1.25 * high, color=INK, lw=0.9)
        top = float(np.percentile(seen["voltage_mV"], 99)) + 8
        above.set(
            ylabel="soma (mV)", title="Held-out drive, one second",
            ylim=(float(seen["voltage_mV"].min()) - 3, max(top, float(seen["told_mV"].max()) + 3)),
        )  # fmt: skip
        above.legend(loc="upper right", ncols=2)
        below.set(
            xlabel="time (ms)", ylabel="chance of a\nspike in 1 ms", ylim=(0, 1.3 * high),
        )  # fmt: skip
        below.set_title("ticks: spikes of the cell", fontsize=7, fontweight="normal")
    return figure


def _ladder(axes: Any, found: TrainReduction) -> None:
    auc = found.measure == "auc"
    for kind, (mark, colour) in _LOOKS.items():
        mine = [rung for rung in found.rungs if rung.network.model.kind == kind]
        if not mine:
            continue
        scores = [rung.test.auc if auc else rung.test.variance for rung in mine]
        value = np.array([score.value for score in scores])
        low = value - [score.low for score in scores]
        high = [score.high for score in scores] - value
        axes.errorbar(
            [rung.network.count for rung in mine], value, yerr=np.clip([low, high], 0, None),
            fmt=mark, ms=5, color=colour, lw=1, capsize=2, label=kind,
        )  # fmt: skip
    axes.axhline(found.tolerance, color=GREY, lw=0.9, ls="--")
    axes.annotate(
        f"tolerance {found.tolerance:g}", (0.02, found.tolerance), (0, 3),
        xycoords=("axes fraction", "data"), textcoords="offset points", va="bottom",
        fontsize=7, color="#666666",
    )  # fmt: skip
    if found.found is not None:
        best = found.best
        score = best.test.auc if auc else best.test.variance
        axes.plot(best.network.count, score.value, "o", ms=12, mfc="none", mec=INK, mew=1)
    sizes = [rung.network.count for rung in found.rungs]
    axes.set_xscale("log")
    axes.set_xlim(0.7 * min(sizes), 1.5 * max(sizes))
    # Two ticks need half an octave between them.
    shown = [sizes[0]] + [s for k, s in enumerate(sizes[1:]) if s > 1.5 * sizes[k]]
    shown = shown if len(shown) < 6 else [shown[0], shown[len(shown) // 2], shown[-1]]
    axes.set_xticks(shown, [str(size) for size in shown])
    axes.minorticks_off()
    axes.set(
        xlabel="numbers in the network", ylabel=_TITLES[found.measure],
        title="The ladder (test, 95 % interval)",
    )  # fmt: skip
    axes.margins(y=0.18)
    axes.legend(loc="best")


def draw_rates(found: RateReduction) -> Any:
    """Rates foretold against rates found, by formula, and the curve of a subunit."""
    shown = [found.fits[0], found.fits[1], found.fits[2]]
    with card_style():
        figure = _figure(7.6, 2.5)
        axes = figure.subplots(1, 4)
        top = 1.05 * float(found.test.rate_Hz.max())
        for panel, fit, colour in zip(axes, shown, (GREY, BLUE, ORANGE), strict=False):
            told = fit.predict(found.test.number)
            panel.plot([0, top], [0, top], color=INK, lw=0.7)
            panel.plot(found.test.rate_Hz, told, "o", ms=2, color=colour, alpha=0.6, mew=0)
            title = fit.formula.name.replace(", ", ",\n")
            title += "" if "\n" in title else "\n(sigmoid branches)"
            panel.set(
                xlim=(0, top), ylim=(0, top), title=title, xlabel="rate of the cell (Hz)",
            )  # fmt: skip
            panel.set_aspect("equal")
            panel.text(
                0.05, 0.95, f"{100 * fit.test.value:.0f} %\n({100 * fit.test.low:.0f} to "
                f"{100 * fit.test.high:.0f})", transform=panel.transAxes, va="top", fontsize=7,
            )  # fmt: skip
        axes[0].set_ylabel("rate foretold (Hz)")
        number = np.linspace(0, min(20.0, float(found.test.number.max())), 200)
        curve = shown[2].subunit(number)
        curve = curve - curve[0]
        axes[3].plot(number, curve / max(curve.max(), 1e-9), color=ORANGE)
        axes[3].plot(number, number / number.max(), color=GREY, lw=1, ls="--")
        axes[3].set(
            xlabel="synapses on a branch", ylabel="output (of its largest)",
            title="subunit\n(dashed: a line)", ylim=(0, 1.05),
        )  # fmt: skip
        axes[3].set_box_aspect(1)
    return figure
