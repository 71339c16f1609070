"""Potentials of point and line sources in an infinite homogeneous medium, as plain SI arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.morphology import Compartments

__all__ = ["Pieces", "line_source", "pieces_of", "point_source"]

# Pairs of electrode and piece that are worked out together.
_TOGETHER = 1 << 20


@dataclass(frozen=True)
class Pieces:
    """The straight pieces of the paths of all compartments.

    Attributes
    ----------
    begin_m, end_m : ndarray, shape (pieces, 3)
        Ends of each piece.
    compartment : ndarray of int, shape (pieces,)
        Compartment each belongs to.
    share : ndarray, shape (pieces,)
        Its part of the length of that compartment.
    """

    begin_m: np.ndarray
    end_m: np.ndarray
    compartment: np.ndarray
    share: np.ndarray


def pieces_of(cut: Compartments) -> Pieces:
    """Return the path of every compartment as straight pieces between measured points."""
    shape = cut.morphology
    last = cut.first[1:] - 1
    # Where branches are cut, their far ends among them.
    which = np.concatenate([cut.branch, cut.branch[last]])
    at = np.concatenate([cut.start, np.ones(len(last))]) * shape.lengths_m[which]
    which = np.concatenate([shape.branch_of_point, which])
    xyz = np.concatenate([shape.points_m, _on_path(cut, which[len(shape.points_m) :], at)])
    at = np.concatenate([shape.along_m, at])
    order = np.lexsort((at, which))
    which, at, xyz = which[order], at[order], xyz[order]
    step = np.diff(at)
    inside = np.flatnonzero((which[1:] == which[:-1]) & (step > 0))
    on = which[inside]
    count = np.diff(cut.first)[on]
    middle = (at[inside] + step[inside] / 2) / shape.lengths_m[on]
    nth = np.clip(np.floor(middle * count).astype(np.intp), 0, count - 1)
    compartment = cut.first[on] + nth
    whole = np.bincount(compartment, weights=step[inside], minlength=len(cut))
    share = step[inside] / whole[compartment]
    return Pieces(xyz[inside], xyz[inside + 1], compartment, share)


def _on_path(cut: Compartments, branch: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return the points at path distances along branches, shape (n, 3)."""
    shape = cut.morphology
    begin = np.concatenate([[0.0], np.cumsum(shape.lengths_m)])
    line = begin[shape.branch_of_point] + shape.along_m
    before = np.searchsorted(line, begin[branch] + along, side="right") - 1
    before = np.clip(before, shape.offsets[branch], shape.offsets[branch + 1] - 2)
    gap = shape.along_m[before + 1] - shape.along_m[before]
    inside = along - shape.along_m[before]
    part = np.clip(np.divide(inside, gap, out=np.zeros_like(gap), where=gap > 0), 0, 1)
    low, high = shape.points_m[before], shape.points_m[before + 1]
    return np.asarray(low + part[:, np.newaxis] * (high - low))


def point_source(
    electrodes_m: np.ndarray, sources_m: np.ndarray, nearest_m: np.ndarray, conductivity: float
) -> np.ndarray:
    r"""Return the potential per ampere at electrodes, :math:`1 / (4 \pi \sigma r)`.

    Parameters
    ----------
    electrodes_m, sources_m : ndarray, shapes (electrodes, 3) and (sources, 3)
        Positions.
    nearest_m : ndarray, shape (sources,)
        An electrode nearer than this counts as that far away: it would lie within the cell.
    conductivity : float
        In siemens per metre.

    Returns
    -------
    ndarray, shape (electrodes, sources)
    """
    gap = np.linalg.norm(electrodes_m[:, np.newaxis] - sources_m, axis=2)
    return np.asarray(1 / (4 * np.pi * conductivity * np.maximum(gap, nearest_m)))


def line_source(
    electrodes_m: np.ndarray,
    begin_m: np.ndarray,
    end_m: np.ndarray,
    nearest_m: np.ndarray,
    conductivity: float,
) -> np.ndarray:
    r"""Return the potential per ampere of straight lines whose current leaves evenly along them.

    .. math:: \phi = \frac{1}{4 \pi \sigma L} \ln \frac{r_1 + r_2 + L}{r_1 + r_2 - L}

    with the length L and the distances r of the electrode from both ends.

    Parameters
    ----------
    electrodes_m : ndarray, shape (electrodes, 3)
        Positions of the electrodes.
    begin_m, end_m : ndarray, shape (lines, 3)
        Ends of the lines.
    nearest_m : ndarray, shape (lines,)
        An electrode beside a line and nearer to its axis than this counts as that far away.
    conductivity : float
        In siemens per metre.

    Returns
    -------
    ndarray, shape (electrodes, lines)

    References
    ----------
    Holt and Koch (1999), J Comput Neurosci 6:169, in the form without cancellation.
    """
    found = np.empty((len(electrodes_m), len(begin_m)))
    axis = end_m - begin_m
    length = np.linalg.norm(axis, axis=1)
    axis = axis / length[:, np.newaxis]
    many = max(1, _TOGETHER // max(1, len(begin_m)))
    for first in range(0, len(electrodes_m), many):
        here = electrodes_m[first : first + many, np.newaxis]
        away = here - begin_m
        along = np.einsum("elx,lx->el", away, axis)
        # The distance from the axis, by a difference that does not cancel.
        off = np.linalg.norm(away - along[..., np.newaxis] * axis, axis=2)
        beside = (along > 0) & (along < length)
        off = np.where(beside, np.maximum(off, nearest_m), off)
        # On the axis beyond an end, the distance from that end is held as far.
        beyond = np.maximum(-along, along - length)
        off = np.where(~beside & (np.hypot(off, beyond) < nearest_m), nearest_m, off)
        reach = np.hypot(off, along) + np.hypot(off, along - length)
        found[first : first + many] = 2 * np.arctanh(length / reach) / length
    return found / (4 * np.pi * conductivity)
