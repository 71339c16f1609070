"""Figures of any network on neurons: rate against activation, and answers against time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import ms

from bridge.spiking.spiking_network import SpikingRun
from experiments.kit.estimate import LEVEL, mean, share
from experiments.kit.style import COLOURS, GREY, drawing, figure_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURE_FILES", "answers_figure", "rates_figure", "write_figures"]

FIGURE_FILES = ("rates.svg", "answers.svg")

# Panels of one figure, and the shares of the time of decision at which answers are read.
_PANELS = 36
_SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


def rates_figure(run: SpikingRun) -> Figure:
    """Draw the firing rate of every neuron against the activation it stands for.

    Parameters
    ----------
    run : SpikingRun

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each neuron, layer after layer; of many neurons some of each layer, equally
        spaced. A dot is an input; the line is how rates are read.
    """
    wanted = run.network.split.layers(run.inputs)
    rates, layers = run.rates(), run.network.layers
    total = sum(layer.units for layer in layers)
    chosen: list[tuple[int, int]] = []
    for k, layer in enumerate(layers):
        room = max(1, min(layer.units, _PANELS * layer.units // max(total, 1)))
        chosen += [(k, int(u)) for u in np.unique(np.linspace(0, layer.units - 1, room).round())]
    columns = min(6, len(chosen))
    rows = -(-len(chosen) // columns)
    size = (1.5 * columns + 0.8, 1.35 * rows + 0.8)
    with drawing(*size, rows, columns, sharey=True, squeeze=False) as (figure, grid):
        for axes in grid.ravel()[len(chosen) :]:
            axes.set_visible(False)
        for axes, (k, unit) in zip(grid.ravel(), chosen, strict=False):
            a, rate = wanted[k][:, unit], rates[k][:, unit]
            dots: dict[str, Any] = {"ms": 3, "mew": 0, "alpha": 0.5, "rasterized": True}
            axes.plot(a, rate, ".", color=COLOURS["blue"], **dots)
            reading = layers[k].calibration
            slope = np.broadcast_to(reading.slope_s, (layers[k].units,))[unit]
            offset = np.broadcast_to(reading.offset, (layers[k].units,))[unit]
            ends = np.array([a.min(), a.max()])
            axes.plot(ends, (ends - offset) / slope, color=COLOURS["vermilion"], lw=0.9)
            axes.set_title(f"layer {k + 1}, neuron {unit}", fontsize=7, weight="normal")
            axes.tick_params(labelsize=6)
        shown = "" if len(chosen) == total else f" ({len(chosen)} of {total} neurons)"
        figure.supxlabel(f"activation of the unit, no unit{shown}", fontsize=9)
        at = f"{1e3 * run.duration_s:g} ms"
        figure.supylabel(f"firing rate, read at {at} (Hz)", fontsize=9)
        return figure


def answers_figure(
    run: SpikingRun,
    network: np.ndarray,
    y: np.ndarray | None = None,
    known: np.ndarray | None = None,
) -> Figure:
    """Draw how right the neurons are, against the time at which they are asked.

    Parameters
    ----------
    run : SpikingRun
    network : ndarray
        What the trained network answers to the inputs of the run.
    y : ndarray, optional
        What is right. Labels: the accuracy is drawn, else the share of inputs answered as the
        network does. Quantities: the root mean square distance from y, and from the network.
    known : ndarray of bool, optional
        For which inputs y says what is right.

    Returns
    -------
    matplotlib.figure.Figure
    """
    some = slice(None) if known is None else known
    times = 1e3 * run.duration_s * np.array(_SHARES)
    answers = [run.predict(t * ms) for t in times]
    with drawing(5.6, 3.8) as (figure, axes):
        if run.network.answers.labels:
            if y is not None:
                right = [_alike(found[some], y) for found in answers]
                _band(axes, times, right, "vermilion", "accuracy of the neurons")
                level = 100 * float(_alike(network[some], y).mean())
                axes.axhline(level, color=COLOURS["blue"], label="accuracy of the network")
            same = [_alike(found, network) for found in answers]
            _band(axes, times, same, "green", "same label as the network")
            axes.set_ylabel(f"share of inputs (%), bars: {100 * LEVEL:g} % interval")
            axes.set_ylim(top=101)
        else:
            pairs = [(found, network) for found in answers]
            _errors(axes, times, pairs, "green", "neurons from the network")
            if y is not None:
                pairs = [(found[some], y) for found in answers]
                _errors(axes, times, pairs, "vermilion", "neurons from the truth")
                level = float(np.sqrt(np.mean((network[some] - y) ** 2)))
                axes.axhline(level, color=COLOURS["blue"], label="network from the truth")
            axes.set_ylabel("root mean square distance (unit of the target)")
            axes.set_ylim(bottom=0)
        axes.set_xlabel("time after the input came on (ms)")
        count = len(network)
        axes.set_title(f"Answers of the neurons to {count} inputs", weight="normal")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, columnspacing=1)
        axes.grid(axis="y", color=GREY, alpha=0.25, lw=0.6)
        return figure


def _alike(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.asarray((found == wanted).reshape(len(found), -1).all(axis=1))


def _band(axes: Any, times: np.ndarray, right: list[np.ndarray], colour: str, label: str) -> None:
    found = [share(int(r.sum()), len(r)).times(100) for r in right]
    value = np.array([f.value for f in found])
    ends = np.array([[f.value - (f.low or 0.0), (f.high or 0.0) - f.value] for f in found]).T
    look: dict[str, Any] = {"fmt": "o-", "ms": 3.5, "capsize": 2.5, "lw": 1.2}
    axes.errorbar(
        times, value, yerr=np.maximum(ends, 0), color=COLOURS[colour], label=label, **look
    )


def _errors(
    axes: Any,
    times: np.ndarray,
    pairs: list[tuple[np.ndarray, np.ndarray]],
    colour: str,
    label: str,
) -> None:
    """Root mean square distances; the bars are those of the mean square."""
    squares = [np.square(a - b).reshape(len(a), -1).mean(axis=1) for a, b in pairs]
    value = np.sqrt([s.mean() for s in squares])
    look: dict[str, Any] = {"fmt": "o-", "ms": 3.5, "capsize": 2.5, "lw": 1.2}
    if len(squares[0]) > 1:
        found = [mean(s) for s in squares]
        low = np.sqrt([max(f.low or 0.0, 0.0) for f in found])
        high = np.sqrt([f.high or 0.0 for f in found])
        look["yerr"] = np.maximum([value - low, high - value], 0)
    axes.errorbar(times, value, color=COLOURS[colour], label=label, **look)


def write_figures(
    folder: Path,
    run: SpikingRun,
    network: np.ndarray,
    y: np.ndarray | None = None,
    known: np.ndarray | None = None,
) -> None:
    """Write ``rates.svg`` and ``answers.svg`` into a folder, both or none.

    Parameters
    ----------
    folder : Path
    run, network, y, known
        As for `answers_figure`.
    """
    from experiments.kit.outputs import write_folder

    figures = {
        "rates.svg": rates_figure(run),
        "answers.svg": answers_figure(run, network, y, known),
    }

    def fill(place: Path) -> None:
        with figure_style():
            for name, figure in figures.items():
                figure.savefig(place / name, metadata={"Date": None})

    write_folder(folder, fill)
