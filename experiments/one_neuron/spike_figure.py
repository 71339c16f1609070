"""Figures of a neuron with its synapses and of one of its spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
from cycler import cycler
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from scipy.interpolate import CubicSpline

from experiments.kit.page_width import PAGE_WIDTH
from experiments.kit.style import COLOURS, GREY, INK, figure_style, new_figure
from experiments.one_neuron.spike_along import OneSpike, way_through
from neurosim import Neuron
from neurosim.morphology.regions import FAMILIES

__all__ = ["draw_neuron", "spike_figure"]

# One colour for each part, in every panel.
_COLOURS = {
    "dendrite": COLOURS["green"],
    "soma": COLOURS["blue"],
    "initial segment": COLOURS["vermilion"],
    "end of the axon": COLOURS["purple"],
}
_SYNAPSES = (("excitatory", "o", COLOURS["orange"]), ("inhibitory", "s", INK))
_WHEN = "time (ms); at 0 the initial\nsegment passes −20 mV"
_WHEN_NONE = "time (ms); at 0 the potential\nof the soma is highest"
# Samples of the curve of the threshold, a recorded one: 14 mV pass between two recorded ones.
_FINE = 20
# How far around the threshold that curve is shown (mV).
_AROUND_MV = 6.0


def _colour(tag: str) -> str:
    """Return the colour of a part of the neuron, by its tag."""
    if tag in FAMILIES["dendrite"]:
        return _COLOURS["dendrite"]
    if tag in ("hillock", "initial_segment"):
        return _COLOURS["initial segment"]
    return _COLOURS["soma" if tag == "soma" else "end of the axon"]


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
    shape = neuron.morphology if axon else neuron.morphology.without("axon")
    with rc_context({"axes.prop_cycle": cycler(color=map(_colour, dict.fromkeys(shape.tags)))}):
        shape.plot(ax=axes, least_width=1.4)
    legend = axes.get_legend()
    if legend is not None:
        legend.remove()
    cut = neuron.compartments
    # Several in one compartment would lie on one another.
    size = np.ptp(1e6 * cut.xyz_m[:, :2], axis=0).max()
    beside = np.linspace(-0.008, 0.008, 5) * size
    for placed in neuron.placed:
        for label, marker, colour in _SYNAPSES:
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
    # Above the cell: beside it there is room or none, as its shape will have it.
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, handletextpad=0.2,
                columnspacing=1.2, borderaxespad=0.2)  # fmt: skip


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
        figure = new_figure(PAGE_WIDTH, 5.0)
        halves: Any = figure.subfigures(2, 1, height_ratios=[1.08, 1])
        upper, lower = halves
        # Each by itself: the panel beside it has axes below, and would leave the neuron less room.
        left, right = upper.subfigures(1, 2, width_ratios=[1, 1.05])
        whole = left.subplots()
        draw_neuron(spike.neuron, whole, axon)
        whole.set_anchor("W")
        whole.set_title("A neuron and its synapses", pad=20)
        _draw_traces(right.subplots(), spike)
        _mark_places(whole, spike, axon)
        way, threshold, alone = lower.subplots(1, 3, width_ratios=[1.15, 1, 1])
        _draw_way(way, spike)
        _draw_threshold(threshold, spike)
        late = spike.alone_ms < 30
        for name, v in (("at the synapse", spike.synapse_mV), ("at the soma", spike.soma_mV)):
            colour = _COLOURS["dendrite" if "synapse" in name else "soma"]
            alone.plot(spike.alone_ms[late], v[late], color=colour, lw=1.3, label=name)
        alone.set(
            xlabel="time since the synapse\nwas active (ms)", ylabel="depolarisation (mV)",
            title="One far synapse alone",
        )  # fmt: skip
        alone.legend(handlelength=1.2)
        return figure


def _title(spike: OneSpike, whole: str, late: str, none: str) -> str:
    """Return the title for a spike that is shown, one that comes too late, or none."""
    return whole if spike.fired else late if spike.late else none


def _draw_traces(axes: Any, spike: OneSpike) -> None:
    """Draw the potential at four places over time."""
    near = (spike.time_ms > -1.5) & (spike.time_ms < 5.5)
    for name, v in spike.traces.items():
        far = f", {spike.spot_um[name]:.0f} µm" if name == "dendrite" else ""
        axes.plot(spike.time_ms[near], v[near], color=_COLOURS[name], lw=1.3, label=name + far)
    axes.axhline(-55, color=GREY, lw=0.8, ls=":")
    axes.annotate("−55 mV", (5.4, -54), ha="right", va="bottom", fontsize=8, color=INK)
    axes.set(xlabel=_WHEN if spike.fired else _WHEN_NONE, ylabel="membrane potential (mV)")
    # The names stand above the panel: inside it they would lie on the spikes or take their room.
    axes.set_title(_title(spike, "One spike", "Too late to be whole", "No spike"), pad=32)
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.05, 1.0), ncols=2, handlelength=1.2, columnspacing=1.2,
        borderaxespad=0.2,
    )  # fmt: skip


def _mark_places(axes: Any, spike: OneSpike, axon: bool) -> None:
    """Mark on the neuron where the potentials of `_draw_traces` are from."""
    cut = spike.neuron.compartments
    here, along = way_through(cut)
    for name, um in spike.spot_um.items():
        if axon or name != "end of the axon":
            x, y = 1e6 * cut.xyz_m[here[int(np.argmin(np.abs(along - um)))], :2]
            axes.plot(x, y, "o", ms=6, mfc="none", mec=_COLOURS[name], mew=1.6, zorder=8,
                      path_effects=[withStroke(linewidth=3, foreground="white")])  # fmt: skip


def _draw_threshold(axes: Any, spike: OneSpike) -> None:
    """Draw how fast the potential of the soma rises against the potential itself.

    A spline through the recorded potential gives the curve between two samples, where it bends.
    """
    potential = CubicSpline(spike.time_ms, spike.traces["soma"])
    time = np.linspace(-3, 4, 7 * _FINE * round(1 / (spike.time_ms[1] - spike.time_ms[0])))
    threshold = spike.numbers.get("threshold_mV", np.nan)
    if np.isfinite(threshold):
        # The rise alone, up to the peak: what comes after it hides how sharply it begins.
        time = time[: int(np.argmax(potential(time))) + 1]
    v, slope = potential(time), potential(time, 1)
    axes.plot(v, slope, color=_COLOURS["soma"], lw=1.4)
    axes.axhline(10, color=GREY, lw=0.8, ls=":")
    if np.isfinite(threshold):
        said = f"{threshold:.1f}".replace("-", "−")
        shown = np.abs(v - threshold) < _AROUND_MV
        low, high = min(0.0, float(slope[shown].min())), float(slope[shown].max())
        axes.set_xlim(threshold - _AROUND_MV, threshold + _AROUND_MV)
        axes.set_ylim(low - 0.04 * (high - low), high)
        axes.axvline(threshold, color=GREY, lw=0.8, ls=":")
        axes.plot(threshold, 10, "o", ms=4.5, color=INK, zorder=5)
        axes.annotate(
            f"threshold\n{said} mV", (threshold, 10), (threshold - 0.4, 0.55 * high),
            ha="right", fontsize=8,
            arrowprops={"arrowstyle": "->", "color": INK, "lw": 0.7, "shrinkB": 4},
        )  # fmt: skip
        axes.annotate("10 mV/ms", (threshold + _AROUND_MV, 10), (0, 2), ha="right", va="bottom",
                      textcoords="offset points", fontsize=8)  # fmt: skip
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
    bar = axes.figure.colorbar(image, ax=axes, aspect=24)
    bar.ax.set_title("mV", fontsize=8, fontweight="normal", loc="left")
    axes.axhline(0, color="white", lw=0.8, ls=":")
    for text, y in (("dendrite", 0.6 * edges[-1]), ("soma", 0.0), ("axon", -500)):
        if edges[-1] < 160 and text == "soma":
            # A small cell has no room for both words.
            continue
        # Above its line, which would run through it.
        where, va = ((0, 2), "bottom") if text == "soma" else ((0, 0), "center")
        axes.annotate(text, (3.85, y), where, textcoords="offset points", color="white", ha="right",
                      va=va, fontsize=8)  # fmt: skip
    axes.set(xlabel=_WHEN if spike.fired else _WHEN_NONE, ylabel="distance from the soma (µm)",
             title="Along the neuron")  # fmt: skip
