"""How a cell looks by the weight of its synapses, and parts of it by several witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from experiments.kit.estimate import mean
from neurosim import Neuron
from neurosim.morphology import PerBranch, plot_morphology

__all__ = ["Witness", "draw_weights", "draw_witnesses"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Witness:
    """What one way to find them says of the parts of a cell.

    Attributes
    ----------
    name : str
    values : ndarray, shape (draws, parts)
    colour : str
    """

    name: str
    values: Array
    colour: str


def draw_weights(ax: Axes, cell: Neuron, value: Array, label: str, name_of_shape: str) -> None:
    """Draw a cell without its axon, coloured by the weight of the synapses of each compartment.

    Parameters
    ----------
    ax : Axes
    cell : Neuron
    value : ndarray, shape (compartments,)
        Where it is nan there is no synapse.
    label : str
        Of the colours.
    name_of_shape : str
        Told below the cell.
    """
    shape = cell.compartments
    # The axon, on which no synapse is, is longer than the dendrites.
    bare = cell.morphology.without("axon")
    every = {name: shape.branch == k for k, name in enumerate(shape.branch_names)}
    counts = {name: int(np.count_nonzero(every[name])) for name in bare.names}
    shown = bare.discretise(PerBranch(1, counts))
    numbers = [np.flatnonzero(every[name]) for name in shown.branch_names]
    there = value[np.concatenate(numbers)]
    plot_morphology(
        shown,
        np.nan_to_num(there),
        ax=ax,
        label=label,
        cmap="viridis",
        limits=(0.0, float(np.nanmax(there))),
    )
    ax.set_title("The cell by weight")
    ax.annotate(
        f"shape: {name_of_shape}", (0.5, 0.0), (0, -8), xycoords="axes fraction",
        textcoords="offset points", ha="center", va="top", fontsize=7,
    )  # fmt: skip


def draw_witnesses(ax: Axes, names: Sequence[str], witnesses: Sequence[Witness]) -> None:
    """Draw what several witnesses say of each part: the mean of draws and its interval.

    Parameters
    ----------
    ax : Axes
    names : sequence of str
        Of the parts.
    witnesses : sequence of Witness
        The last one is let out of the frame, which the others set.
    """
    at = np.arange(len(names))
    for k, one in enumerate(witnesses):
        aside = at + 0.12 * (k - (len(witnesses) - 1) / 2)
        middle = one.values.mean(axis=0)
        ends = None
        if len(one.values) > 1:
            ends = np.array([mean(part).reach for part in one.values.T])
        ax.errorbar(aside, middle, ends, fmt="o", ms=4, lw=1, color=one.colour, label=one.name)
    reach = np.concatenate([one.values.mean(axis=0) for one in witnesses[:-1]])
    span = float(np.ptp(reach))
    # The legend stands above.
    ax.set_ylim(float(reach.min()) - 0.5 * span, float(reach.max()) + 0.9 * span)
    ax.axhline(0, color="black", lw=0.6)
    ax.set_xticks(at, names, fontsize=7)
    ax.legend(loc="upper right", frameon=True, framealpha=1.0, edgecolor="none")
