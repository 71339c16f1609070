"""The soma of an SWC tree: a point, three points, a chain, or an outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.morphology.swc_table import Table, warn

__all__ = ["SOMA", "Soma", "read_soma"]

# The type of a soma point.
SOMA = 1


@dataclass(frozen=True)
class Soma:
    """The soma's frusta, and where children of its points attach.

    Attributes
    ----------
    points, radii : ndarray, shapes (n, 3) and (n,)
        In metre.
    rows : list of int
        Its points in the table.
    ends : dict of int to float
        Rows at an end of a chain, and that end (0 or 1); children of any other point attach to the
        middle, and begin at their own first point.
    """

    points: np.ndarray
    radii: np.ndarray
    rows: list[int]
    ends: dict[int, float]


def read_soma(table: Table, children: list[list[int]]) -> Soma | None:
    """Read the soma of a tree, whichever of its forms the file gives it; None without one."""
    rows = np.flatnonzero(table.kind == SOMA).tolist()
    if not rows:
        return None
    for row in rows[1:]:
        above = int(table.parent[row])
        if table.kind[above] != SOMA:
            raise table.fail(
                row,
                f"a soma point hangs on a point of type {table.kind[above]} (line "
                f"{table.line[above]}), apart from the soma on line {table.line[0]}; a neuron has "
                "one soma. Correct the type or the parent of this point",
            )
    if len(rows) == 1:
        return _sphere(table, rows)
    inside = {row: [c for c in children[row] if table.kind[c] == SOMA] for row in rows}
    if _is_three_point(table, rows, inside):
        for side in rows[1:]:
            if children[side]:
                warn(
                    f"{table.file}, line {table.line[children[side][0]]}: the parent is a side "
                    "point of a three-point soma; the branch is attached to the middle of it"
                )
        return _sphere(table, rows)
    for row in rows:
        if len(inside[row]) > (2 if row == 0 else 1):
            raise table.fail(
                row,
                f"the soma branches at point {table.number[row]} into "
                f"{len(inside[row])} chains; a soma is one point, NeuroMorpho's three points, "
                "a chain, or an outline",
            )
    # One chain; it may run through the root.
    arms = []
    for start in inside[0]:
        arm = [start]
        while inside[arm[-1]]:
            arm.append(inside[arm[-1]][0])
        arms.append(arm)
    chain = [*reversed(arms[0]), 0, *arms[1]] if len(arms) == 2 else [0, *arms[0]]
    if len(arms) == 2:
        warn(
            f"{table.file}, line {table.line[0]}: the soma runs through its root point and is not "
            "the three points of NeuroMorpho.Org; it is read as a chain of frusta"
        )
    points, radii = table.points[chain], table.radii[chain]
    if not np.any(np.diff(points, axis=0)):
        raise table.fail(0, f"the {len(chain)} points of the soma lie at one place")
    if _is_outline(points, radii):
        warn(
            f"{table.file}, line {table.line[0]}: the {len(chain)} soma points are an outline; it "
            "is read as frusta along its major axis"
        )
        return Soma(*_frusta_of_outline(points), rows, {})
    for row in chain:
        if not table.radii[row] > 0:
            raise table.fail(row, "soma radius is 0; it must be greater than 0")
    if _turns_back(points):
        raise table.fail(
            0,
            f"the chain of {len(chain)} soma points turns back on itself with points too thick "
            "for an outline; frusta would overlap. Give the soma as one point of its radius",
        )
    return Soma(points, radii, rows, {chain[0]: 0.0, chain[-1]: 1.0})


def _sphere(table: Table, rows: list[int]) -> Soma:
    """Return a cylinder along x as long as thick: its lateral area is that of the sphere."""
    radius = float(table.radii[0])
    along = np.array([[-radius, 0, 0], [0, 0, 0], [radius, 0, 0]])
    return Soma(table.points[0] + along, np.full(3, radius), rows, {})


def _is_three_point(table: Table, rows: list[int], inside: dict[int, list[int]]) -> bool:
    """Whether the soma follows NeuroMorpho.Org: centre and two points, one radius away each."""
    if len(rows) != 3 or len(inside[0]) != 2:
        return False
    r = table.radii[rows]
    length = np.linalg.norm(table.points[inside[0]] - table.points[0], axis=1).sum()
    return bool(np.allclose(r, r[0], rtol=1e-6) and abs(length / (2 * r[0]) - 1) < 0.01)


def _is_outline(points: np.ndarray, radii: np.ndarray) -> bool:
    """Whether a chain of soma points goes round the soma rather than through it.

    An outline closes (its ends are near each other for its length) and its points are thin for
    its extent; a chain of frusta is open.
    """
    if len(points) < 5:
        return False
    path = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    extent = np.ptp(points, axis=0).max()
    closes = np.linalg.norm(points[-1] - points[0]) < 0.25 * path
    return bool(closes and 2 * np.median(radii) < 0.5 * extent)


def _turns_back(points: np.ndarray) -> bool:
    """Whether a chain of many points is far longer than the soma it would fill."""
    if len(points) < 5:
        return False
    path = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    return bool(path > 1.5 * np.linalg.norm(np.ptp(points, axis=0)))


def _frusta_of_outline(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and radii of slices of an outline along its major axis.

    References
    ----------
    The idea is that of NEURON's Import3d for outlines of Neurolucida: width against position along
    the axis of largest variance.
    """
    closed = np.concatenate([points, points[:1]])
    steps = np.linalg.norm(np.diff(closed, axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(steps)])
    even = np.linspace(0, along[-1], 400)
    outline = np.column_stack([np.interp(even, along, closed[:, k]) for k in range(3)])
    centre = outline[:-1].mean(axis=0)
    _, _, axes = np.linalg.svd(outline[:-1] - centre, full_matrices=False)
    position, side = (outline - centre) @ axes[0], (outline - centre) @ axes[1]
    # Planes across the axis, closer together at the ends where a soma is round.
    extent = np.ptp(position)
    planes = position.min() + extent * (1 - np.cos(np.pi * np.arange(1, 20) / 20)) / 2
    width, middle = np.empty(len(planes)), np.empty(len(planes))
    for k, plane in enumerate(planes):
        crosses = np.flatnonzero((position[:-1] <= plane) != (position[1:] <= plane))
        part = (plane - position[crosses]) / (position[crosses + 1] - position[crosses])
        at = side[crosses] + part * (side[crosses + 1] - side[crosses])
        width[k], middle[k] = np.ptp(at) / 2, (at.max() + at.min()) / 2
    # The ends are rounded off: half as wide as the nearest plane, for a frustum cannot end in 0.
    planes = np.concatenate([[position.min()], planes, [position.max()]])
    width = np.concatenate([width[:1] / 2, width, width[-1:] / 2])
    middle = np.concatenate([middle[:1], middle, middle[-1:]])
    return centre + np.outer(planes, axes[0]) + np.outer(middle, axes[1]), width
