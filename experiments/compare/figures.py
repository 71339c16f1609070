"""The figures of the main job."""

from __future__ import annotations

import numpy as np
from brian2.units import ms, mV
from matplotlib.figure import Figure

from bridge.spiking.spiking_network import SpikingRun
from experiments.gallery.networks.digits_on_neurons import Trained
from experiments.kit.style import COLOURS, GREY, drawing, figure_style, new_figure

__all__ = ["activation_figure", "hidden_activations", "voltage_figure"]


def hidden_activations(trained: Trained, X: np.ndarray) -> np.ndarray:
    """Return the sigmoid activations of the last hidden layer, shape (n_samples, n_units)."""
    return np.asarray(trained.network.network_.activations(X)[-2])


def voltage_figure(trained: Trained, run: SpikingRun, sample: int, shown_ms: float) -> Figure:
    """Draw potentials, raster and activations of one image.

    Parameters
    ----------
    trained : Trained
        The network with its images.
    run : SpikingRun
        Its run, with the potential of all units of `sample` traced.
    sample : int
        Which image.
    shown_ms : float
        Time after onset that is drawn and read, in ms.
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
                axes.set_title(
                    f"Image of a {trained.y_test[sample]}: potentials, spikes drawn above −55 mV"
                )
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
            raster.plot(-54, unit, ">", color=colour, ms=5, clip_on=False)
        raster.axvline(0, color=GREY, lw=0.8)
        raster.set(
            xlim=(-52, shown_ms),
            ylim=(-1, units),
            xlabel="time since the image came on (ms)",
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
        bars.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)
        return figure


def activation_figure(trained: Trained, run: SpikingRun, shown_ms: float) -> Figure:
    """Draw activation against decoded rate for every hidden unit, one small panel each."""
    wanted = hidden_activations(trained, trained.X_test)
    decoded = run.activations(shown_ms * ms)[-1]
    units = wanted.shape[1]
    columns = int(np.ceil(np.sqrt(units)))
    rows = int(np.ceil(units / columns))
    with drawing(
        0.95 * columns + 0.8,
        0.95 * rows + 0.8,
        rows,
        columns,
        sharex=True,
        sharey=True,
        squeeze=False,
    ) as (figure, grid):
        for k, axes in enumerate(grid.ravel()):
            if k >= units:
                axes.set_visible(False)
                continue
            axes.plot([0, 1], [0, 1], color=GREY, lw=0.7)
            # Thousands of dots: drawn as pixels inside the vector file.
            axes.plot(
                wanted[:, k],
                decoded[:, k],
                ".",
                ms=1.6,
                color=COLOURS["blue"],
                alpha=0.5,
                mew=0,
                rasterized=True,
            )
            still = np.ptp(wanted[:, k]) < 0.02 or np.ptp(decoded[:, k]) < 1e-6
            said = "still" if still else f"r={np.corrcoef(wanted[:, k], decoded[:, k])[0, 1]:.2f}"
            axes.text(0.05, 0.84, f"{k}: {said}", transform=axes.transAxes, fontsize=6)
            axes.set(xlim=(-0.05, 1.05), ylim=(-0.15, 1.25), xticks=[0, 1], yticks=[0, 1])
            axes.tick_params(labelsize=6)
        figure.supxlabel("activation of the sigmoid unit", fontsize=9)
        figure.supylabel(f"decoded firing rate, {shown_ms:g} ms", fontsize=9)
        return figure
