"""Membrane area, volume and axial resistance of half compartments.

Every half compartment is a chain of frusta, for which lateral area, volume and axial resistance
have closed forms; cutting finer changes none of them between two points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.morphology.geometry import Geometry

__all__ = ["Halves", "integrate_halves"]


@dataclass(frozen=True)
class Halves:
    """Area, mean diameter, integral of dx / (pi r^2) on both sides of the centre, and volume.

    In SI units, each of shape (compartments,).
    """

    area: np.ndarray
    diameter: np.ndarray
    near: np.ndarray
    far: np.ndarray
    volume: np.ndarray


# Compartments integrated together: enough to keep NumPy busy, few enough that what is needed on the
# way stays small beside the result.
_TOGETHER = 1 << 16


def integrate_halves(morphology: Geometry, branch: np.ndarray, first: np.ndarray) -> Halves:
    """Integrate over the frusta between the start, the centre and the end of each compartment."""
    total = len(branch)
    counts = np.diff(first)
    found = Halves(*np.empty((5, total)))
    for begin in range(0, total, _TOGETHER):
        last = min(begin + _TOGETHER, total)
        # The start of the next compartment closes the last one where both lie on one branch.
        beyond = min(last + 1, total)
        here = branch[begin:beyond]
        nth, lengths = np.arange(begin, beyond) - first[here], morphology.lengths_m[here]
        starts, middles, ends = ((nth + part) / counts[here] * lengths for part in (0, 0.5, 1))
        points = slice(
            _point_before(morphology, int(here[0]), starts[0]),
            _point_after(morphology, int(here[-1]), ends[-1]) + 1,
        )
        some = _between(morphology, here, starts, middles, points)
        for name in ("area", "diameter", "near", "far", "volume"):
            getattr(found, name)[begin:last] = getattr(some, name)[: last - begin]
    # Mean diameters from the integrals of the diameter over the length.
    found.diameter[...] /= (morphology.lengths_m / counts)[branch]
    return found


def _point_before(morphology: Geometry, k: int, at: float) -> int:
    """Return the last point of a branch that is not beyond a position, its first one if none is."""
    first, end = morphology.offsets[k], morphology.offsets[k + 1]
    found = int(np.searchsorted(morphology.along_m[first:end], at, "right")) - 1
    return int(first) + (found if at > 0 else 0)


def _point_after(morphology: Geometry, k: int, at: float) -> int:
    """Return the first point of a branch beyond a position, its last one if none is."""
    first, end = morphology.offsets[k], morphology.offsets[k + 1]
    found = int(np.searchsorted(morphology.along_m[first:end], at, "right"))
    return int(first) + min(found, int(end - first) - 1)


def _between(
    morphology: Geometry,
    branch: np.ndarray,
    starts: np.ndarray,
    middles: np.ndarray,
    chosen: slice,
) -> Halves:
    """Integrate over some compartments in line; `chosen` are the measured points they lie among.

    `starts` and `middles` are positions along the branches, in metre. What is returned as diameter
    is its integral over the length.
    """
    total = len(branch)
    along, diameters = morphology.along_m[chosen], morphology.diameters_m[chosen]
    points = len(along)
    owner = np.searchsorted(morphology.offsets, np.arange(chosen.start, chosen.stop), "right") - 1
    # Break points of all branches: the measured points, and the cuts. A cut at 0 comes before
    # the first point and any other cut after points at the same place, so that a step in diameter
    # (two points at one place) belongs to the compartment on its proximal side, or at the start to
    # the first one.
    which = np.concatenate([owner, branch, branch])
    at = np.concatenate([along, starts, middles])
    rank = np.concatenate([np.ones(points), np.where(starts == 0, 0, 2), np.full(total, 2)])
    order = np.lexsort((rank, at, which))
    is_point = order < points
    which, at = which[order], at[order]
    # The measured points on both sides of each break point.
    place = np.where(is_point, np.arange(len(order)), -1)
    before = order[np.maximum.accumulate(place)]
    first_point = np.maximum(morphology.offsets[which] - chosen.start, 0)
    last_point = np.minimum(morphology.offsets[which + 1] - chosen.start, points) - 1
    leading = (order >= points) & (rank[order] == 0)
    before = np.where(leading, first_point, before)
    after = np.where(leading, before, np.minimum(before + 1, last_point))
    gap = along[after] - along[before]
    inside = np.where(is_point, 0.0, at - along[before])
    fraction = np.clip(np.divide(inside, gap, out=np.zeros_like(at), where=gap > 0), 0, 1)
    radius = diameters / 2
    r = radius[before] + fraction * (radius[after] - radius[before])
    r = np.where(is_point, radius[before], r)
    # Frusta between neighbouring break points of one branch.
    step = np.where(which[1:] == which[:-1], at[1:] - at[:-1], 0.0)
    joined = which[1:] == which[:-1]
    area = np.where(joined, np.pi * (r[:-1] + r[1:]) * np.hypot(step, r[:-1] - r[1:]), 0.0)
    resistance = step / (np.pi * r[:-1] * r[1:])
    width = step * (r[:-1] + r[1:])
    volume = np.pi / 3 * step * (r[:-1] ** 2 + r[:-1] * r[1:] + r[1:] ** 2)
    # Each half compartment runs from its own break point to the next cut.
    cut = np.flatnonzero(~is_point)
    first_half = order[cut] < points + total
    owner_of = np.where(first_half, order[cut] - points, order[cut] - points - total)
    # A cut at the very end, of a compartment that only closes the one before, has nothing after it.
    sums = [
        np.add.reduceat(np.append(values, 0.0), cut) for values in (area, resistance, width, volume)
    ]
    near, far = np.empty(total), np.empty(total)
    near[owner_of[first_half]] = sums[1][first_half]
    far[owner_of[~first_half]] = sums[1][~first_half]
    return Halves(
        area=np.bincount(owner_of, weights=sums[0], minlength=total),
        diameter=np.bincount(owner_of, weights=sums[2], minlength=total),
        near=near,
        far=far,
        volume=np.bincount(owner_of, weights=sums[3], minlength=total),
    )
