"""The soma as an outline in one plane, or as a stack of outlines: frusta, as NEURON has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.morphology.errors import MorphologyError

__all__ = ["frusta_of_one", "frusta_of_stack"]

# NEURON goes round an outline in 100 steps and makes 21 circles of it.
_STEPS = 100
_CIRCLES = 21


def frusta_of_one(outline: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and diameters of circles across the longest axis of an outline.

    Parameters
    ----------
    outline : ndarray, shape (n, 3)
        Its points in order; the last one is joined to the first.

    Returns
    -------
    centres, diameters : ndarray, shapes (21, 3) and (21,)
        In the unit of `outline`.

    Raises
    ------
    MorphologyError
        The points lie on a line or at one place.

    Notes
    -----
    The axis is that of largest variance of 101 points spaced evenly along the outline, from its
    first point to its last; the step from the last to the first is not among them. The outline
    is cut at both ends of the axis into two sides, from which points that step back along the axis
    are left out; the distance of the sides in the plane of x and y is the diameter. The circles at
    both ends, where a soma is round, are given the mean of their diameter and the next one.

    References
    ----------
    NEURON 9, ``import3d_gui.hoc``: ``contour2centroid``.
    """
    around, centre = _evenly(outline)
    spread = around - centre
    values, axes = np.linalg.eigh(spread.T @ spread)
    major, minor = axes[:, 2].copy(), axes[:, 1].copy()
    if major[np.argmax(np.abs(major))] < 0:
        major *= -1
    minor[2] = 0
    width = float(np.linalg.norm(minor))
    if values[1] <= 1e-12 * values[2] or width < 1e-6:
        raise MorphologyError("its points enclose no area in the plane of x and y")
    along, aside = spread @ major, spread @ (minor / width)
    start = int(np.argmax(along))
    along, aside = np.roll(along, -start), np.roll(aside, -start)
    turn = int(np.argmin(along))
    sides = [
        _onward(along[:turn][::-1], aside[:turn][::-1]),
        _onward(along[turn:], aside[turn:]),
    ]
    places = np.sort(np.concatenate([side[0] for side in sides]))
    at = np.linspace(places[1], places[-2], _CIRCLES)
    borders = [np.interp(at, *side) for side in sides]
    diameters = np.abs(borders[0] - borders[1])
    diameters[0] = (diameters[0] + diameters[1]) / 2
    diameters[-1] = (diameters[-1] + diameters[-2]) / 2
    return centre + np.outer(at, major), diameters


def frusta_of_stack(outlines: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and diameter of a circle for each outline of a stack, in their order.

    Notes
    -----
    The diameter is the mean of two: that of the circle with the outline's perimeter, and twice the
    mean distance of the outline from its centre.

    References
    ----------
    NEURON 9, ``import3d_gui.hoc``: ``contourstack2centroid``.
    """
    centres, diameters = [], []
    for outline in outlines:
        around, centre = _evenly(outline)
        closed = np.concatenate([outline, outline[:1]])
        perimeter = np.linalg.norm(np.diff(closed, axis=0), axis=1).sum()
        centres.append(centre)
        diameters.append(np.linalg.norm(around - centre, axis=1).mean() + perimeter / (2 * np.pi))
    return np.array(centres), np.array(diameters)


def _evenly(outline: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points spaced evenly from the first to the last point of an outline; their mean.

    Lengths are those in the plane of x and y, in which outlines are traced.
    """
    steps = np.linalg.norm(np.diff(outline[:, :2], axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(steps)])
    at = np.linspace(0, along[-1], _STEPS + 1)
    around = np.column_stack([np.interp(at, along, outline[:, k]) for k in range(3)])
    return around, around.mean(axis=0)


def _onward(along: np.ndarray, aside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return one side of an outline without the points that do not go on along the axis."""
    reached = np.maximum.accumulate(along)
    keep = np.concatenate([[True], along[1:] > reached[:-1]])
    return along[keep], aside[keep]
