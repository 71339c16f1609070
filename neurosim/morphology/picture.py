"""A picture of a morphology: coloured by what its branches are, by region, or by any value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import Quantity

from neurosim.drawing.cable import draw_cable
from neurosim.errors import ParameterError
from neurosim.morphology.compartments import Compartments, discretise
from neurosim.morphology.discretisation import DLambda, PerBranch, Rule
from neurosim.morphology.geometry import Geometry
from neurosim.morphology.regions import Region

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["drawn_frusta", "plot_morphology"]


def plot_morphology(
    shape: Geometry | Compartments,
    values: Any = None,
    region: Region | None = None,
    ax: Axes | None = None,
    *,
    label: str = "",
    rule: Rule | None = None,
    **options: Any,
) -> Axes:
    """Draw a morphology, flat or in space.

    Parameters
    ----------
    shape : Morphology or Compartments
        What is drawn; every frustum is as thick as it is.
    values : Quantity or ndarray, shape (N,) or (branches,), optional
        A value for each compartment or each branch, shown as colour.
    region : Region, optional
        Shown in colour before the rest in grey. Without it and without `values` the branches are
        coloured by tag.
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).
    label : str
        What the values are; their unit is added.
    rule : Rule, optional
        The rule that cuts a `Morphology` into the compartments of `values` (default: `DLambda`).
    **options
        Of `neurosim.drawing.cable.draw_cable`: ``projection`` ("2d" or "3d"), ``plane`` ("xy",
        "xz" or "yz"), ``flip`` (upside down, for cells of image stacks), ``cmap``, ``limits`` (in
        the unit shown), ``least_width`` (points).

    Returns
    -------
    matplotlib Axes
        With a scale bar or axes in um and, for values, a colour bar.

    Raises
    ------
    ParameterError
        The values are not one a compartment or a branch.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from neurosim.morphology import ball_and_stick
    >>> cell = ball_and_stick().discretise()
    >>> plot_morphology(cell, cell.distance_m * 1e6, label="distance (um)").get_aspect()
    1.0
    """
    if values is not None and region is not None:
        raise ParameterError("plot_morphology: give either values or region")
    if isinstance(shape, Compartments):
        cut = shape
    elif rule is None and (values is None or np.shape(values) == (len(shape),)):
        cut = discretise(shape, PerBranch(1))
    else:
        cut = discretise(shape, rule or DLambda())
    begin, end, thick, owner = drawn_frusta(cut)
    if values is not None:
        numbers, unit = _numbers(values, cut)
        options["values"] = numbers[owner]
        options["label"] = f"{label} ({unit})" if label and unit else label or unit
    elif region is not None:
        options["group"] = (~region.mask(cut)).astype(int)[owner]
        options |= {"names": (repr(region), "elsewhere"), "rest": "elsewhere"}
    else:
        tags = list(dict.fromkeys(cut.tags))
        options["group"] = np.array([tags.index(tag) for tag in cut.tags])[cut.branch][owner]
        options["names"] = [tag.replace("_", " ") for tag in tags]
    return draw_cable(begin * 1e6, end * 1e6, thick * 1e6, ax, **options)


def _numbers(values: Any, cut: Compartments) -> tuple[np.ndarray, str]:
    """Return a number for each compartment, and the unit they are in."""
    unit = ""
    if isinstance(values, Quantity) and not values.dim.is_dimensionless:
        best = values.get_best_unit()
        values, unit = values / best, str(best).replace("um", "µm")
    numbers = np.asarray(values, dtype=float)
    if numbers.shape == (len(cut.tags),):
        numbers = numbers[cut.branch]
    if numbers.shape != (len(cut),):
        raise ParameterError(
            f"plot_morphology: one value for each of the {len(cut)} compartments is needed, or "
            f"for each of the {len(cut.tags)} branches; got shape {numbers.shape}. Give the same "
            "Compartments, or the rule, that the values belong to."
        )
    return numbers, unit


def drawn_frusta(cut: Compartments) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the frusta of a picture, in the order in which they are drawn.

    Parameters
    ----------
    cut : Compartments

    Returns
    -------
    begin, end : ndarray, shape (n, 3)
        Both ends, in metre.
    diameters : ndarray, shape (n, 2)
        At both ends, in metre.
    owner : ndarray of int, shape (n,)
        Compartment that each is a part of.

    Examples
    --------
    >>> from neurosim.morphology import ball_and_stick
    >>> cell = ball_and_stick().discretise()
    >>> begin, end, diameters, owner = drawn_frusta(cell)
    >>> sorted(owner.tolist()) == list(range(len(cell)))
    True
    """
    shape = cut.morphology
    parts = []
    for k in range(len(shape)):
        here = slice(shape.offsets[k], shape.offsets[k + 1])
        along = shape.along_m[here]
        first, last = cut.first[k], cut.first[k + 1]
        cuts = np.append(cut.start[first:last], 1.0) * along[-1]
        places = np.union1d(along, cuts)
        at = np.column_stack([np.interp(places, along, shape.points_m[here, a]) for a in range(3)])
        wide = np.interp(places, along, shape.diameters_m[here])
        middle = (places[1:] + places[:-1]) / 2
        owner = first + np.clip(np.searchsorted(cuts, middle) - 1, 0, last - first - 1)
        parts.append((at[:-1], at[1:], np.column_stack([wide[:-1], wide[1:]]), owner))
    begins, ends, widths, owner = map(np.concatenate, zip(*parts, strict=True))
    # The soma is drawn last, over the branches that begin at its centre.
    order = np.argsort(np.array(cut.tags)[cut.branch[owner]] == "soma", kind="stable")
    return begins[order], ends[order], widths[order], owner[order]
