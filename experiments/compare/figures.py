"""The figures of the main job."""

from __future__ import annotations

from textwrap import fill
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
from experiments.kit.page_width import PAGE_WIDTH
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
    seen = (time >= -_BEFORE_MS) & (time <= shown_ms)
    mine = recording.spike_row // units == sample
    spikes, row = recording.spike_time_s[mine] * 1e3 - onset, recording.spike_row[mine] % units
    inside = (spikes >= -_BEFORE_MS) & (spikes <= shown_ms)
    spikes, row = spikes[inside], row[inside]
    chosen = _shown_units(np.bincount(row[spikes >= 0], minlength=units))
    traced = {int(r): k for k, r in enumerate(recording.trace_rows)}
    voltage = np.asarray(recording.trace("v") / mV)
    with figure_style():
        figure = new_figure(PAGE_WIDTH, 5.1)
        grid = figure.add_gridspec(
            4, 2, width_ratios=[2.2, 1], height_ratios=[1, 1, 1, 4], hspace=0.02
        )
        raster = figure.add_subplot(grid[3, 0])
        for k, (unit, colour) in enumerate(zip(chosen, _CHOSEN, strict=False)):
            axes = figure.add_subplot(grid[k, 0], sharex=raster)
            trace = voltage[traced[first + unit], seen]
            axes.plot(time[seen], trace, color=colour, lw=0.9)
            axes.vlines(spikes[row == unit], -55, -20, color=colour, lw=1.3)
            axes.axhline(-55, color=GREY, lw=0.6, ls=":")
            axes.axvline(0, color=GREY, lw=0.8)
            axes.set_ylim(min(-88.0, float(trace.min()) - 3), -18)
            axes.set_yticks([-85, -55], ["−85", "−55 mV"])
            axes.tick_params(labelbottom=False, labelsize=8)
            axes.set_title(f"neuron {unit}", loc="right", color=colour, fontsize=8, pad=1)
            if k == 0:
                axes.set_title("Potentials, spikes drawn above −55 mV")
        plain = ~np.isin(row, chosen)
        mark: dict[str, Any] = {"marker": "|", "ls": ""}
        raster.plot(spikes[plain], row[plain], color=COLOURS["black"], ms=3.6, mew=1.0, **mark)
        for unit, colour in zip(chosen, _CHOSEN, strict=False):
            raster.plot(spikes[row == unit], row[row == unit], color=colour, ms=5, mew=1.6, **mark)
        raster.axvline(0, color=GREY, lw=0.8)
        raster.set(
            xlim=(-_BEFORE_MS - 2, shown_ms + 1),
            ylim=(-1, units),
            xlabel=f"time since the {thing} came on (ms)",
            ylabel="hidden neuron",
        )
        _draw_answers(figure.add_subplot(grid[:3, 1]), trained, run, sample, shown_ms, thing)
        bars = figure.add_subplot(grid[3, 1], sharey=raster)
        rows = np.arange(units)
        bars.barh(rows, wanted, color=COLOURS["sky"], height=0.8, label="sigmoid unit")
        bars.plot(
            decoded, rows, "o", ms=3, color=COLOURS["vermilion"], label=f"spikes, {shown_ms:g} ms"
        )
        bars.axvline(0, color=GREY, lw=0.6)
        bars.set(xlabel="activation", title="Units and neurons")
        bars.tick_params(labelleft=False)
        # Units have whole numbers, from 0 on.
        raster.yaxis.set_major_locator(MaxNLocator(integer=True))
        raster.set_yticks([tick for tick in raster.get_yticks() if 0 <= tick < units])
        bars.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, handlelength=1.2)
        return figure


# What is shown before an input comes on, in ms, and the colours of the neurons shown one by one.
_BEFORE_MS = 50.0
_CHOSEN = (COLOURS["green"], COLOURS["purple"], COLOURS["orange"])


def _shown_units(counts: np.ndarray) -> list[int]:
    """Return a neuron that answers weakly, one in the middle and the strongest, by their spikes.

    Neurons that an input silences are left out, unless all are.
    """
    order = [int(k) for k in np.argsort(counts, kind="stable") if counts[k] > 0]
    order = order or list(range(len(counts)))
    places = (round(share * (len(order) - 1)) for share in (0.1, 0.5, 1.0))
    return list(dict.fromkeys(order[place] for place in places))


def _draw_answers(
    axes: Any, trained: Trained, run: SpikingRun, sample: int, at_ms: float, thing: str
) -> None:
    """Show an input (a digit as the image that it is) and what was answered to it."""
    x = np.asarray(trained.X_test[sample])
    network = trained.network.predict(trained.X_test[sample : sample + 1])[0]
    neurons = run.predict(at_ms * ms)[sample]
    axes.set_axis_off()
    axes.set_title(f"The {thing} and the answers")
    answers = (
        ("true answer", trained.y_test[sample]),
        ("network", network),
        (f"neurons after {at_ms:g} ms", neurons),
    )
    top = 0.98
    if thing == "image":
        side = int(np.sqrt(x.size))
        shown = axes.inset_axes((0, 0.34, 1, 0.66), anchor="NW")
        shown.imshow(x.reshape(side, side), cmap="gray_r", interpolation="nearest")
        shown.set(xticks=[], yticks=[])
        for spine in shown.spines.values():
            spine.set(visible=True, color=GREY, linewidth=0.6)
        top = 0.28
    # The classes of a table may have long names.
    said = "\n".join(fill(f"{who}: {str(answer)[:40]}", 32) for who, answer in answers)
    axes.text(0, top, said, va="top", linespacing=1.3, fontsize=8, transform=axes.transAxes)


def accuracies_figure(answered: Answered, measured: MeasuredNetwork | None) -> Figure:
    """Draw accuracy against time, of the network with the cell's own curve too if there is one."""
    thing = answered.inputs.one
    with drawing(PAGE_WIDTH, 3.2) as (figure, axes):
        draw_accuracy(axes, answered.table, MARGIN, thing)
        if measured is not None and measured.answered is not None:
            table = measured.answered.table
            low, high, accuracy = (
                100 * table[name] for name in ("low_95", "high_95", "spiking_accuracy")
            )
            ann = 100 * float(table["ann_accuracy"].iloc[0])
            name = f"ANN with the curve of the {measured.cell}"
            axes.axhline(ann, color=COLOURS["green"], lw=1.2, ls=":", label=name)
            # Beside the other points, so that no bar hides another.
            axes.errorbar(
                1.03 * table["time_ms"], accuracy, yerr=[accuracy - low, high - accuracy],
                fmt="s--", ms=4, capsize=3, lw=1.2, color=COLOURS["green"],
                label="that ANN on spiking neurons",
            )  # fmt: skip
            axes.set_ylim(bottom=min(axes.get_ylim()[0], float(low.min()) - 1.5))
        lines, names = axes.get_legend_handles_labels()
        # Each network with its neurons: as they come, the lines stand first.
        order = [k for pair in zip(range(len(lines) // 2), range(len(lines) // 2, len(lines)),
                                   strict=True) for k in pair]  # fmt: skip
        axes.legend([lines[k] for k in order], [names[k] for k in order], loc="lower right")
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
    with drawing(PAGE_WIDTH, 3.2, 1, 2) as (figure, (whole, rest)):
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
