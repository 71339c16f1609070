"""Figures of a neuron with its synapses and of one of its spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from experiments.kit.style import COLOURS, GREY, INK, figure_style, new_figure
from experiments.one_neuron.spike_along import OneSpike
from neurosim import Neuron

__all__ = ["draw_neuron", "spike_figure"]

_COLOURS = {
    "dendrite": COLOURS["green"],
    "soma": COLOURS["blue"],
    "initial segment": COLOURS["vermilion"],
    "end of the axon": COLOURS["purple"],
}


def draw_neuron(neuron: Neuron, axes: Any, axon: bool = True) -> None:
    """Draw the neuron with its synapses, its parts named.

    Parameters
    ----------
    neuron : Neuron
        With receptors that are labelled excitatory and inhibitory.
    axes : matplotlib Axes
    axon : bool
        Whether its axon is drawn; one of a millimetre leaves a small cell no room.
    """
    shape = neuron.morphology
    (shape if axon else shape.without("axon")).plot(ax=axes)
    legend = axes.get_legend()
    if legend is not None:
        legend.remove()
    cut = neuron.compartments
    # Several in one compartment would lie on one another.
    size = np.ptp(1e6 * cut.xyz_m[:, :2], axis=0).max()
    beside = np.linspace(-0.008, 0.008, 5) * size
    kinds = (("excitatory", "o", COLOURS["blue"]), ("inhibitory", "s", COLOURS["vermilion"]))
    for placed in neuron.placed:
        for label, marker, colour in kinds:
            if placed.label == label:
                points = 1e6 * cut.xyz_m[placed.site.compartments(cut)]
                aside = beside[np.arange(len(points)) % 5]
                axes.scatter(
                    points[:, 0] + aside, points[:, 1], s=9, marker=marker, color=colour,
                    linewidth=0, zorder=6, label=f"{len(points)} {label} synapses",
                )  # fmt: skip
    for text, tag, share, aside in (
        ("apical dendrite", "apical", 0.75, (18, 0)),
        ("basal dendrites", "basal", 0.95, (18, -4)),
        ("dendrite", "dendrite", 0.75, (18, 0)),
        ("soma", "soma", 0.5, (-34, 8)),
        ("initial segment", "initial_segment", 0.5, (8, 18)),
        ("axon", "axon", 0.6, (0, 12)),
    ):
        spot = _spot(neuron, tag, share)
        if spot is not None and (axon or tag != "axon"):
            axes.annotate(text, tuple(spot), aside, textcoords="offset points", va="center",
                          fontsize=8, path_effects=[withStroke(linewidth=2, foreground="white")],
                          arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.6}
                          )  # fmt: skip
    look: dict[str, Any] = {"fontsize": 8, "handletextpad": 0.2}
    if axon:
        axes.legend(loc="upper right", **look)
    else:
        axes.legend(loc="upper left", bbox_to_anchor=(1.1, 1.0), **look)


def _spot(neuron: Neuron, tag: str, share: float) -> np.ndarray | None:
    """Return a place (x, y in um) of a tag, at a share of its distances; None if it has none."""
    cut = neuron.compartments
    among = np.flatnonzero(np.array(cut.tags)[cut.branch] == tag)
    if not len(among):
        return None
    far = cut.distance_m[among]
    wanted = far.min() + share * (far.max() - far.min())
    # Of several alike the last one: the others lie to the left of it in the textbook neuron.
    nearest = among[::-1][np.argmin(np.abs(far[::-1] - wanted))]
    return np.asarray(1e6 * cut.xyz_m[nearest, :2])


def spike_figure(spike: OneSpike, axon: bool = True) -> Figure:
    """Draw the neuron, one spike at four places, along the whole way, and one synapse alone.

    If the neuron did not fire early enough, its highest potential is drawn instead, and the titles
    say so.

    Parameters
    ----------
    spike : OneSpike
    axon : bool
        Whether the picture of the neuron shows its axon.
    """
    with figure_style():
        figure = new_figure(9.6, 6.4)
        grid = figure.add_gridspec(2, 3, height_ratios=[1.15, 1])
        whole = figure.add_subplot(grid[0, :2])
        draw_neuron(spike.neuron, whole, axon)
        whole.set_title("A neuron and its synapses")
        traces = figure.add_subplot(grid[0, 2])
        near = (spike.time_ms > -1.5) & (spike.time_ms < 5.5)
        for name, v in spike.traces.items():
            traces.plot(spike.time_ms[near], v[near], color=_COLOURS[name], lw=1.3, label=name)
        traces.axhline(-55, color=GREY, lw=0.8, ls=":")
        traces.annotate("−55 mV", (5.4, -54), ha="right", va="bottom", fontsize=7, color=INK)
        traces.set(xlabel="time (ms)", ylabel="membrane potential (mV)",
                   title=_title(spike, "One spike", "Too late to be whole", "No spike")
                   )  # fmt: skip
        # Room above the spikes, so that no line runs through the names.
        low, high = traces.get_ylim()
        traces.set_ylim(low, high + 0.42 * (high - low))
        traces.set_yticks([t for t in traces.get_yticks() if low <= t <= high])
        traces.legend(fontsize=7, handlelength=1.2, loc="upper right", bbox_to_anchor=(1.03, 1.0))
        _draw_threshold(figure.add_subplot(grid[1, 1]), spike)
        _draw_way(figure.add_subplot(grid[1, 0]), spike)
        alone = figure.add_subplot(grid[1, 2])
        late = spike.alone_ms < 30
        for name, v in (("at the synapse", spike.synapse_mV), ("at the soma", spike.soma_mV)):
            colour = _COLOURS["dendrite" if "synapse" in name else "soma"]
            alone.plot(spike.alone_ms[late], v[late], color=colour, lw=1.3, label=name)
        alone.set(
            xlabel="time since the synapse was active (ms)", ylabel="depolarisation (mV)",
            title="One far synapse alone",
        )  # fmt: skip
        alone.legend(fontsize=7, handlelength=1.2)
        return figure


def _title(spike: OneSpike, whole: str, late: str, none: str) -> str:
    """Return the title for a spike that is shown, one that comes too late, or none."""
    return whole if spike.fired else late if spike.late else none


def _draw_threshold(axes: Any, spike: OneSpike) -> None:
    """Draw how fast the potential of the soma rises against the potential itself."""
    v = spike.traces["soma"]
    around = (spike.time_ms > -3) & (spike.time_ms < 4)
    slope = np.gradient(v, spike.time_ms)
    axes.plot(v[around], slope[around], color=COLOURS["blue"], lw=1.2)
    axes.axhline(10, color=GREY, lw=0.6)
    threshold = spike.numbers.get("threshold_mV", np.nan)
    if np.isfinite(threshold):
        said = f"{threshold:.1f}".replace("-", "−")
        axes.axvline(threshold, color=GREY, lw=0.8, ls=":")
        axes.annotate(
            f"threshold {said} mV\n(rises by 10 mV/ms)",
            (threshold, 10), (34, 20), textcoords="offset points", fontsize=7,
            arrowprops={"arrowstyle": "->", "color": INK, "lw": 0.7},
        )  # fmt: skip
    axes.set(xlabel="potential of the soma (mV)", ylabel="rate of rise (mV/ms)",
             title=_title(spike, "Its threshold", "Its rise", "Below its threshold"))  # fmt: skip


def _draw_way(axes: Any, spike: OneSpike) -> None:
    """Draw the potential from the end of the axon to the tip of the dendrite, over time."""
    near = (spike.time_ms > -1.5) & (spike.time_ms < 4)
    middles = (spike.along_um[1:] + spike.along_um[:-1]) / 2
    ends = (2 * spike.along_um[0] - middles[0], 2 * spike.along_um[-1] - middles[-1])
    edges = np.concatenate([ends[:1], middles, ends[1:]])
    time = spike.time_ms[near]
    step = time[1] - time[0]
    image = axes.pcolormesh(
        np.append(time, time[-1] + step) - step / 2, edges, spike.potential_mV[near].T,
        rasterized=True, cmap="cividis",
    )  # fmt: skip
    axes.figure.colorbar(image, ax=axes, label="potential (mV)")
    axes.axhline(0, color="white", lw=0.8, ls=":")
    for text, y in (("dendrite", edges[-1] / 2), ("soma", 25), ("axon", -500)):
        if edges[-1] < 160 and text == "soma":
            # A small cell has no room for both words.
            continue
        axes.text(3.85, y, text, color="white", ha="right", va="center", fontsize=8)
    axes.set(xlabel="time (ms)", ylabel="distance from the soma (µm)", title="Along the neuron")
