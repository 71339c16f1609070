"""A picture of a morphology: coloured by what its branches are, by region, or by any value."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import Quantity

from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.morphology.compartments import Compartments
from neurosim.morphology.discretisation import PerBranch
from neurosim.morphology.regions import Region
from neurosim.morphology.shape import Morphology

__all__ = ["plot_morphology"]

# Okabe and Ito's colours, told apart by all; the most frequent neighbours lie far apart.
_COLOURS = {
    "soma": "#000000",
    "dendrite": "#0072B2",
    "basal": "#0072B2",
    "apical": "#E69F00",
    "axon": "#D55E00",
    "hillock": "#CC79A7",
    "initial_segment": "#009E73",
    "node": "#D55E00",
    "internode": "#999999",
    "terminal": "#56B4E9",
    "undefined": "#999999",
}
_OTHERS = ("#CC79A7", "#009E73", "#56B4E9", "#F0E442")
_PLANES = {"xy": (0, 1), "xz": (0, 2), "yz": (1, 2)}


def plot_morphology(
    shape: Morphology | Compartments,
    values: Any = None,
    region: Region | None = None,
    ax: Any = None,
    *,
    label: str = "",
    plane: str = "xy",
    cmap: str = "viridis",
    limits: tuple[float, float] | None = None,
    least_width: float = 0.8,
) -> Any:
    """Draw a morphology, projected onto a plane.

    Parameters
    ----------
    shape : Morphology or Compartments
        What is drawn; every frustum is as thick as it is, or as `least_width`.
    values : Quantity or ndarray, shape (N,), optional
        A value for each compartment, shown as colour.
    region : Region, optional
        Shown in colour before the rest in grey. Without it and without `values` the branches are
        coloured by tag.
    ax : matplotlib axes, optional
        Where to draw (default: a new figure).
    label : str
        What the values are; their unit is added.
    plane : {"xy", "xz", "yz"}
        Plane of projection.
    cmap : str
        Colour map of the values.
    limits : (float, float), optional
        Values at the ends of the colour map, in the unit shown.
    least_width : float
        Least width of a line, in points.

    Returns
    -------
    matplotlib axes
        With a scale bar in um and, for values, a colour bar.

    Raises
    ------
    ParameterError
        The values are not one a compartment.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from neurosim.morphology import ball_and_stick
    >>> cell = ball_and_stick().discretise()
    >>> plot_morphology(cell, cell.distance_m * 1e6, label="distance (um)").get_aspect()
    1.0
    """
    import matplotlib.pyplot as plt
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    if plane not in _PLANES:
        raise UnknownNameError(f"plot_morphology: plane {plane!r}: {suggest(plane, _PLANES)}")
    if values is not None and region is not None:
        raise ParameterError("plot_morphology: give either values or region")
    cut = shape if isinstance(shape, Compartments) else shape.discretise(PerBranch(1))
    if ax is None:
        _, ax = plt.subplots(figsize=(6, 6), layout="constrained")
    begin, end, thick, owner = _pieces(cut, _PLANES[plane])

    numbers = None
    if values is not None:
        numbers, unit = _numbers(values, len(cut))
        # The palest end of a map is lost on white paper.
        colour_map = ListedColormap(plt.get_cmap(cmap)(np.linspace(0, 0.92, 256)))
        colours: Any = None
        handles = []
    elif region is not None:
        inside = region.mask(cut)
        colours = np.where(inside, _COLOURS["axon"], "#BBBBBB")[owner]
        handles = [
            Patch(color=_COLOURS["axon"], label=repr(region)),
            Patch(color="#BBBBBB", label="elsewhere"),
        ]
    else:
        tags = list(dict.fromkeys(cut.tags))
        strange = [tag for tag in tags if tag not in _COLOURS]
        chosen = {tag: _COLOURS[tag] for tag in tags if tag in _COLOURS}
        chosen |= {tag: _OTHERS[k % len(_OTHERS)] for k, tag in enumerate(strange)}
        by_branch = np.array([chosen[tag] for tag in cut.tags])
        colours = by_branch[cut.branch][owner]
        handles = [Patch(color=chosen[tag], label=tag.replace("_", " ")) for tag in tags]

    quads = _quads(begin, end, thick)
    lines: Any = LineCollection(list(np.stack([begin, end], axis=1)), linewidths=least_width)
    bodies: Any = PolyCollection(list(quads), linewidths=0.3, edgecolors="face", zorder=3)
    for drawn in (lines, bodies):
        if numbers is not None:
            drawn.set_array(numbers[owner])
            drawn.set_cmap(colour_map)
            low, high = limits or (float(np.min(numbers)), float(np.max(numbers)))
            drawn.set_clim(low, high if high > low else low + 1)
        elif drawn is lines:
            drawn.set_color(colours)
        else:
            drawn.set_facecolor(colours)
            drawn.set_edgecolor("face")
        ax.add_collection(drawn)
    corners = quads.reshape(-1, 2)
    low_corner, high_corner = corners.min(axis=0), corners.max(axis=0)
    span = max(float((high_corner - low_corner).max()), 1e-3)
    ax.set_aspect("equal")
    ax.set_axis_off()
    _scale_bar(ax, low_corner, high_corner, span)
    if numbers is not None:
        named = f"{label} ({unit})" if label and unit else label or unit
        ax.figure.colorbar(bodies, ax=ax, label=named, shrink=0.7)
    elif handles:
        ax.legend(
            handles=handles,
            frameon=False,
            loc="upper left",
            bbox_to_anchor=(1, 1),
            fontsize="small",
        )
    return ax


def _numbers(values: Any, count: int) -> tuple[np.ndarray, str]:
    unit = ""
    if isinstance(values, Quantity) and not values.dim.is_dimensionless:
        best = values.get_best_unit()
        numbers, unit = np.asarray(values / best, dtype=float), str(best).replace("um", "µm")
    else:
        numbers = np.asarray(values, dtype=float)
    if numbers.shape != (count,):
        raise ParameterError(
            f"plot_morphology: one value for each of the {count} compartments is needed; got shape "
            f"{numbers.shape}. Give the same Compartments that the values belong to."
        )
    return numbers, unit


def _pieces(
    cut: Compartments, axes: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return ends (um, projected), end diameters (um) and compartment of each frustum drawn."""
    shape = cut.morphology
    begins, ends, widths, owners = [], [], [], []
    for k in range(len(shape.names)):
        here = slice(shape.offsets[k], shape.offsets[k + 1])
        along = shape.along_m[here]
        first, last = cut.first[k], cut.first[k + 1]
        cuts = np.append(cut.start[first:last], 1.0) * along[-1]
        places = np.union1d(along, cuts)
        at = np.column_stack([np.interp(places, along, shape.points_m[here, a]) for a in axes])
        wide = np.interp(places, along, shape.diameters_m[here])
        middle = (places[1:] + places[:-1]) / 2
        begins.append(at[:-1])
        ends.append(at[1:])
        widths.append(np.column_stack([wide[:-1], wide[1:]]))
        owners.append(first + np.clip(np.searchsorted(cuts, middle) - 1, 0, last - first - 1))
    owner = np.concatenate(owners)
    # The soma is drawn last, over the branches that begin at its centre.
    soma = np.array([tag == "soma" for tag in cut.tags])[cut.branch[owner]]
    order = np.argsort(soma, kind="stable")
    um = 1e6
    return (
        np.concatenate(begins)[order] * um,
        np.concatenate(ends)[order] * um,
        np.concatenate(widths)[order] * um,
        owner[order],
    )


def _quads(begin: np.ndarray, end: np.ndarray, thick: np.ndarray) -> np.ndarray:
    """Return the corners of each frustum seen from above, shape (pieces, 4, 2)."""
    ahead = end - begin
    length = np.linalg.norm(ahead, axis=1, keepdims=True)
    ahead = np.divide(ahead, length, out=np.zeros_like(ahead), where=length > 0)
    across = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    near, far = across * thick[:, :1] / 2, across * thick[:, 1:] / 2
    return np.stack([begin - near, begin + near, end + far, end - far], axis=1)


def _scale_bar(ax: Any, low: np.ndarray, high: np.ndarray, span: float) -> None:
    """Draw a bar of a round length below the cell, at the left."""
    wanted = span / 5
    power = 10.0 ** np.floor(np.log10(wanted))
    length = max(step * power for step in (1, 2, 5) if step * power <= wanted * 1.0001)
    below = low[1] - 0.06 * span
    ax.plot([low[0], low[0] + length], [below, below], color="black", lw=2, solid_capstyle="butt")
    said = f"{length:g} µm" if length < 1000 else f"{length / 1000:g} mm"
    ax.text(low[0] + length / 2, below - 0.015 * span, said, ha="center", va="top")
    edge = 0.04 * span
    ax.set_xlim(low[0] - edge, max(high[0], low[0] + length) + edge)
    ax.set_ylim(below - 0.08 * span, high[1] + edge)
