"""The figures of the main job."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import ms, mV
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bridge.spiking.spiking_network import SpikingRun
from experiments.compare.measured_part import MeasuredNetwork
from experiments.compare.network_part import Answered
from experiments.compare.story import MARGIN
from experiments.gallery.networks.digits_on_neurons import Trained, draw_accuracy
from experiments.kit.style import COLOURS, GREY, drawing, figure_style, new_figure

__all__ = ["accuracies_figure", "hidden_activations", "residual_figure", "voltage_figure"]


def hidden_activations(trained: Trained, X: np.ndarray) -> np.ndarray:
    """Return the sigmoid activations of the last hidden layer, shape (n_samples, n_units)."""
    return np.asarray(trained.network.network_.activations(X)[-2])


def voltage_figure(
    trained: Trained, run: SpikingRun, sample: int, shown_ms: float, thing: str = "image"
) -> Figure:
    """Draw potentials, raster and activations of one input.

    Parameters
    ----------
    trained : Trained
        The network with its inputs.
    run : SpikingRun
        Its run, with the potential of all units of `sample` traced.
    sample : int
        Which input.
    shown_ms : float
        Time after onset that is drawn and read, in ms.
    thing : str
        What an input is called.
    """
    recording = run.recording
    units = recording.rows // run.samples
    first = sample * units
    wanted = hidden_activations(trained, trained.X_test[sample : sample + 1])[0]
    decoded = run.activations(shown_ms * ms)[-1][sample]
    onset = 1e3 * run.onset_s
    time = recording.trace_time_s * 1e3 - onset
    seen = (time >= -50) & (time <= shown_ms)
    voltage = np.asarray(recording.trace("v") / mV)
    # One weak, one middling and one strong unit.
    chosen = [int(np.argsort(wanted)[int(q * (units - 1))]) for q in (0.08, 0.5, 0.95)]
    colours = [COLOURS["sky"], COLOURS["green"], COLOURS["vermilion"]]
    with figure_style():
        figure = new_figure(9.6, 5.4)
        grid = figure.add_gridspec(4, 2, width_ratios=[2.3, 1], height_ratios=[1, 1, 1, 3])
        share = None
        for k, (unit, colour) in enumerate(zip(chosen, colours, strict=True)):
            axes = figure.add_subplot(grid[k, 0], sharex=share)
            share = share or axes
            trace = voltage[unit, seen].copy()
            axes.plot(time[seen], trace, color=colour, lw=0.9)
            spikes = np.asarray(recording.spike_train(first + unit)) * 1e3 - onset
            spikes = spikes[(spikes >= -50) & (spikes <= shown_ms)]
            axes.vlines(spikes, -55, -30, color=colour, lw=0.9)
            axes.axhline(-55, color=GREY, lw=0.6, ls=":")
            axes.axvline(0, color=GREY, lw=0.8)
            axes.set_ylim(min(-80.0, float(trace.min()) - 3), -25)
            axes.set_yticks([-70, -55])
            axes.tick_params(labelbottom=False)
            axes.set_ylabel(f"unit {unit}\nv (mV)", fontsize=7)
            if k == 0:
                is_a = "Image of a" if thing == "image" else f"A {thing} of class"
                what = f"{is_a} {str(trained.y_test[sample])[:24]}"
                axes.set_title(f"{what}: potentials, spikes drawn above −55 mV")
        raster = figure.add_subplot(grid[3, 0], sharex=share)
        mine = recording.spike_row // units == sample
        raster.plot(
            recording.spike_time_s[mine] * 1e3 - onset,
            recording.spike_row[mine] % units,
            "|",
            color=COLOURS["black"],
            ms=2.6,
            mew=0.7,
        )
        for unit, colour in zip(chosen, colours, strict=True):
            raster.plot(shown_ms + 1, unit, "<", color=colour, ms=5, clip_on=False)
        raster.axvline(0, color=GREY, lw=0.8)
        raster.set(
            xlim=(-52, shown_ms),
            ylim=(-1, units),
            xlabel=f"time since the {thing} came on (ms)",
            ylabel="hidden unit",
        )
        bars = figure.add_subplot(grid[:, 1])
        rows = np.arange(units)
        bars.barh(rows, wanted, color=COLOURS["sky"], height=0.8, label="sigmoid unit")
        bars.plot(
            decoded, rows, "o", ms=3, color=COLOURS["vermilion"], label=f"count, {shown_ms:g} ms"
        )
        bars.axvline(0, color=GREY, lw=0.6)
        bars.set(
            ylim=(-1, units), xlabel="activation", ylabel="hidden unit", title="Unit and neuron"
        )
        for axes in (raster, bars):
            # Units have whole numbers, from 0 on.
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick < units])
        bars.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)
        return figure


def accuracies_figure(answered: Answered, measured: MeasuredNetwork | None) -> Figure:
    """Draw accuracy against time, of the network with the cell's own curve too if there is one."""
    thing = answered.inputs.one
    with drawing(5.6, 4.2) as (figure, axes):
        draw_accuracy(axes, answered.table, MARGIN, thing)
        if measured is not None and measured.answered is not None:
            table = measured.answered.table
            low, high, accuracy = (
                100 * table[name] for name in ("low_95", "high_95", "spiking_accuracy")
            )
            # Beside the other points, so that no bar hides another or the number below it.
            axes.errorbar(
                1.14 * table["time_ms"], accuracy, yerr=[accuracy - low, high - accuracy],
                fmt="s--", ms=4, capsize=3, lw=1.2, color=COLOURS["green"],
                label=f"trained with the curve of the {measured.cell}",
            )  # fmt: skip
            axes.set_ylim(min(axes.get_ylim()[0], float(low.min()) - 1.5), 100)
        axes.legend(loc="lower right")
        axes.set_title(answered.inputs.title)
        return figure


def residual_figure(trained: Trained, run: SpikingRun, shown_ms: float) -> Figure:
    """Draw decoded rate against activation for all hidden units, and what is left of it.

    The difference shows what a line of equality hides: how far a count strays, and whether it
    strays to one side.
    """
    wanted = hidden_activations(trained, trained.X_test).ravel()
    decoded = np.asarray(run.activations(shown_ms * ms)[-1]).ravel()
    left = decoded - wanted
    edges = np.linspace(0, 1, 11)
    middles = (edges[1:] + edges[:-1]) / 2
    part = np.clip(np.digitize(wanted, edges) - 1, 0, len(middles) - 1)
    there = [k for k in range(len(middles)) if np.count_nonzero(part == k) > 1]
    mean = np.array([left[part == k].mean() for k in there])
    spread = np.array([left[part == k].std(ddof=1) for k in there])
    with drawing(8.4, 3.4, 1, 2) as (figure, (whole, rest)):
        # Tens of thousands of dots: drawn as pixels inside the vector file.
        dots: dict[str, Any] = {"ms": 1.4, "alpha": 0.15, "mew": 0, "rasterized": True}
        whole.plot(wanted, decoded, ".", color=COLOURS["blue"], **dots)
        whole.plot([0, 1], [0, 1], color=COLOURS["black"], lw=0.9)
        whole.set(
            xlabel="activation of the sigmoid unit",
            ylabel=f"activation read from spikes, {shown_ms:g} ms",
            title="Rate against activation",
        )
        rest.plot(wanted, left, ".", color=COLOURS["blue"], **dots)
        rest.axhline(0, color=COLOURS["black"], lw=0.9)
        rest.errorbar(
            middles[there], mean, yerr=spread, fmt="o", ms=4, color=COLOURS["vermilion"],
            capsize=2, label="mean and standard deviation",
        )  # fmt: skip
        rest.set(
            xlabel="activation of the sigmoid unit", ylabel="read minus true activation",
            title="Error of what is read",
        )  # fmt: skip
        rest.legend(loc="upper right")
        return figure
