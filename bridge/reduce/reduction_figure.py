"""The figure of a reduction: how good by size, and what it says beside what the cell did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.page_style import BLUE, GREY, INK, ORANGE, new_page, page_style
from bridge.reduce.innervation import BIN_MS
from bridge.reduce.scores import Score

__all__ = ["draw_foretold", "draw_rates", "draw_sizes", "draw_trains"]

MARKS = {"point unit": "o", "two-layer": "s", "filter bank": "^", "temporal convolution": "D"}
_TITLES = {"auc": "AUC of spikes in 1 ms bins", "variance": "subthreshold variance explained"}


def draw_trains(
    name: str,
    networks: Sequence[tuple[str, int, Score]],
    measure: str,
    tolerance: float,
    best: int | None,
    told_name: str,
    seen: dict[str, NDArray[Any]],
) -> Any:
    """How good networks are by size, and one second of held-out drive; a Matplotlib figure.

    Parameters
    ----------
    name, told_name : str
        Of the cell, and of the network whose answer is in `seen`.
    networks, measure, tolerance, best
        As in `draw_sizes`.
    seen : dict of ndarray
        voltage_mV, spikes, told_mV and chance, a value a bin.
    """
    with page_style():
        figure = new_page(7.2, 3.4)
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.25])
        draw_sizes(left.subplots(), networks, measure, tolerance, best)
        above, below = right.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        time = np.arange(len(seen["spikes"])) * BIN_MS
        spikes = time[seen["spikes"] > 0]
        above.plot(time, seen["voltage_mV"], color=GREY, lw=1, label=name)
        above.plot(time, seen["told_mV"], color=BLUE, lw=1, label=told_name)
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


def draw_sizes(
    ax: Any,
    networks: Sequence[tuple[str, int, Score]],
    measure: str,
    tolerance: float,
    best: int | None,
) -> None:
    """Draw how good networks are on test trials, by how many numbers they have.

    Parameters
    ----------
    ax : matplotlib Axes
    networks : sequence of (kind, numbers, score)
        In order of size.
    measure : {"auc", "variance"}
    tolerance : float
        What was asked for.
    best : int or None
        Which of them was found, if one was good enough.
    """
    for kind, mark in MARKS.items():
        mine = [(size, score) for other, size, score in networks if other == kind]
        if not mine:
            continue
        value = np.array([score.value for _, score in mine])
        ends = np.array([(score.low, score.high) for _, score in mine]).T
        reach = np.clip([value - ends[0], ends[1] - value], 0, None)
        ax.errorbar(
            [size for size, _ in mine], value, yerr=reach,
            fmt=mark, ms=5, lw=1, capsize=2, label=kind,
        )  # fmt: skip
    ax.axhline(tolerance, color="gray", lw=0.9, ls="--", label=f"tolerance {tolerance:g}")
    if best is not None:
        _, size, score = networks[best]
        ax.plot(size, score.value, "o", ms=12, mfc="none", mec="gray", mew=1)
    sizes = [size for _, size, _ in networks]
    ax.set_xscale("log")
    ax.set_xlim(0.7 * min(sizes), 1.5 * max(sizes))
    # Two ticks need half an octave between them.
    shown = [sizes[0]] + [s for k, s in enumerate(sizes[1:]) if s > 1.5 * sizes[k]]
    shown = shown if len(shown) < 6 else [shown[0], shown[len(shown) // 2], shown[-1]]
    ax.set_xticks(shown, [str(size) for size in shown])
    ax.minorticks_off()
    ax.set(
        xlabel="numbers in the network", ylabel=_TITLES[measure],
        title="Networks by size (test, 95 % interval)",
    )  # fmt: skip
    ax.margins(y=0.18)
    ax.legend(loc="best")


def draw_rates(
    formulas: Sequence[tuple[str, NDArray[Any], Score]],
    rate_Hz: NDArray[Any],
    number: NDArray[Any],
    subunit: NDArray[Any],
) -> Any:
    """Rates foretold against rates found, by formula, and the curve of a subunit.

    Parameters
    ----------
    formulas : sequence of (name, foretold rates, score)
        Three of them.
    rate_Hz : ndarray, shape (trials,)
        Of the cell.
    number, subunit : ndarray
        Synapses on a branch, and the output of its subunit.
    """
    with page_style():
        figure = new_page(7.6, 2.5)
        axes = figure.subplots(1, 4)
        for panel, formula, colour in zip(axes, formulas, (GREY, BLUE, ORANGE), strict=False):
            draw_foretold(panel, *formula, rate_Hz, colour)
        for panel in axes[1:3]:
            panel.set_ylabel("")
        curve = subunit - subunit[0]
        axes[3].plot(number, curve / max(curve.max(), 1e-9), color=ORANGE)
        axes[3].plot(number, number / number.max(), color=GREY, lw=1, ls="--")
        axes[3].set(
            xlabel="synapses on a branch", ylabel="output (of its largest)",
            title="subunit\n(dashed: a line)", ylim=(0, 1.05),
        )  # fmt: skip
        axes[3].set_box_aspect(1)
    return figure


def draw_foretold(
    ax: Any, name: str, told_Hz: NDArray[Any], score: Score, rate_Hz: NDArray[Any],
    colour: str | None = None,
) -> None:  # fmt: skip
    """Draw the rates that a formula foretells against those of the cell."""
    top = 1.05 * float(rate_Hz.max())
    ax.plot([0, top], [0, top], color="gray", lw=0.7)
    ax.plot(rate_Hz, told_Hz, "o", ms=2, color=colour, alpha=0.6, mew=0)
    title = name.replace(", ", ",\n")
    title += "" if "\n" in title else "\n(sigmoid branches)"
    ax.set(
        xlim=(0, top), ylim=(0, top), title=title, xlabel="rate of the cell (Hz)",
        ylabel="rate foretold (Hz)",
    )  # fmt: skip
    ax.set_aspect("equal")
    ax.text(
        0.05, 0.95, f"{100 * score.value:.0f} %\n({100 * score.low:.0f} to {100 * score.high:.0f})",
        transform=ax.transAxes, va="top", fontsize="small",
    )  # fmt: skip
