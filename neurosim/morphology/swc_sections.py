"""From the points of an SWC tree to its unbranched sections and the soma they hang on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurosim.morphology.swc_table import Table

__all__ = ["Sections", "sections_of"]

_SOMA = 1


@dataclass
class Sections:
    """Unbranched sections, parents first: points and radii (metre), and what each hangs on."""

    kinds: list[int] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    radii: list[np.ndarray] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    attach: list[float] = field(default_factory=list)

    def add(
        self, kind: int, points: np.ndarray, radii: np.ndarray, parent: int, attach: float
    ) -> int:
        """Append a section and return its number."""
        self.kinds.append(kind)
        self.points.append(np.asarray(points, dtype=float))
        self.radii.append(np.asarray(radii, dtype=float))
        self.parents.append(parent)
        self.attach.append(attach)
        return len(self.kinds) - 1


@dataclass(frozen=True)
class _Soma:
    """Where on the soma a child of a soma point attaches, and whether it begins at that point."""

    rows: list[int]
    attach: dict[int, float]
    wired: dict[int, bool]


def sections_of(table: Table, warn: Callable[[str], None]) -> Sections:
    """Cut a tree (rows sorted, parents first) at branchings and where the type changes."""
    children: list[list[int]] = [[] for _ in table.line]
    for row, parent in enumerate(table.parent.tolist()):
        if parent >= 0:
            children[parent].append(row)
    found = Sections()
    soma = _read_soma(table, children, found, warn)
    kind = table.kind.tolist()
    # Sections still to be followed: first row of its own, row it leaves from, section, position.
    waiting: list[tuple[int, int, int, float]] = []

    def later(starts: list[int], source: int, section: int, at: float) -> None:
        waiting.extend((row, source, section, at) for row in reversed(starts))

    if soma is None:
        # A neurite without soma: everything that leaves the root point begins there.
        chain = _follow(0, children, kind)
        _start_without_soma(table, children, chain, found, warn)
        if len(chain) > 1:
            later(children[chain[-1]], chain[-1], 0, 1.0)
        else:
            later(children[0], 0, -1, 0.0)
    else:
        leaving = [
            (child, row) for row in soma.rows for child in children[row] if kind[child] != _SOMA
        ]
        for child, row in sorted(leaving, key=lambda pair: -table.line[pair[0]]):
            waiting.append((child, row, 0, soma.attach[row]))
    while waiting:
        first, source, section, at = waiting.pop()
        chain = _follow(first, children, kind)
        from_soma = soma is not None and kind[source] == _SOMA
        if from_soma:
            assert soma is not None
            rows = chain if soma.wired[source] else [source, *chain]
            if len(chain) == 1 and soma.wired[source]:
                if children[first]:
                    # The point begins several sections, each of which begins there.
                    later(children[first], first, section, at)
                    continue
                rows = [source, first]
        else:
            rows = [source, *chain]
        points, radii = table.points[rows], table.radii[rows].copy()
        if from_soma and rows[0] == source:
            radii[0] = radii[1]
        if not np.any(np.diff(points, axis=0)):
            warn(
                f"{table.file}, line {table.line[first]}: a branch without length "
                f"({len(rows)} points at one place) is left out; what it carries stays"
            )
            later(children[chain[-1]], chain[-1], section, at)
            continue
        if section < 0 and found.kinds:
            section, at = 0, 0.0
        number = found.add(kind[first], points, radii, section, at)
        later(children[chain[-1]], chain[-1], number, 1.0)
    if not found.kinds:
        raise table.fail(0, "the tree has no length")
    return found


def _follow(first: int, children: list[list[int]], kind: list[int]) -> list[int]:
    chain = [first]
    while len(children[chain[-1]]) == 1 and kind[children[chain[-1]][0]] == kind[first]:
        chain.append(children[chain[-1]][0])
    return chain


def _start_without_soma(
    table: Table,
    children: list[list[int]],
    chain: list[int],
    found: Sections,
    warn: Callable[[str], None],
) -> None:
    warn(f"{table.file}: the tree with its root on line {table.line[0]} has no soma")
    if len(chain) > 1:
        points = table.points[chain]
        if not np.any(np.diff(points, axis=0)):
            raise table.fail(0, "the first branch has no length (all its points at one place)")
        found.add(int(table.kind[0]), points, table.radii[chain], -1, 0.0)
    elif not children[0]:
        raise table.fail(0, "a tree of a single point that is no soma has no length")


def _read_soma(
    table: Table, children: list[list[int]], found: Sections, warn: Callable[[str], None]
) -> _Soma | None:
    rows = np.flatnonzero(table.kind == _SOMA).tolist()
    if not rows:
        return None
    for row in rows:
        above = int(table.parent[row])
        if above >= 0 and table.kind[above] != _SOMA:
            raise table.fail(
                row,
                f"a soma point hangs on a point of type {table.kind[above]} (line "
                f"{table.line[above]}); the soma must be the root",
            )
    if len(rows) == 1:
        centre, radius = table.points[0], float(table.radii[0])
        _sphere(found, centre, radius)
        return _Soma(rows, {0: 0.5}, {0: True})
    inside = {row: [c for c in children[row] if table.kind[c] == _SOMA] for row in rows}
    if _is_three_point(table, rows, inside):
        for side in rows[1:]:
            if children[side]:
                warn(
                    f"{table.file}, line {table.line[children[side][0]]}: the parent is a side "
                    "point of a three-point soma; the branch is attached to the middle of it"
                )
        _sphere(found, table.points[0], float(table.radii[0]))
        return _Soma(rows, dict.fromkeys(rows, 0.5), dict.fromkeys(rows, True))
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
        middle, width = _frusta_of_outline(points)
        found.add(_SOMA, middle, width, -1, 0.0)
        warn(
            f"{table.file}, line {table.line[0]}: the {len(chain)} soma points are an outline; it "
            "is read as frusta along its major axis"
        )
        return _Soma(rows, dict.fromkeys(rows, 0.5), dict.fromkeys(rows, True))
    for row in chain:
        if not table.radii[row] > 0:
            raise table.fail(row, "soma radius is 0; it must be greater than 0")
    if _turns_back(points):
        raise table.fail(
            0,
            f"the chain of {len(chain)} soma points turns back on itself with points too thick "
            "for an outline; frusta would overlap. Give the soma as one point of its radius",
        )
    found.add(_SOMA, points, radii, -1, 0.0)
    ends = {chain[0]: 0.0, chain[-1]: 1.0}
    return _Soma(
        rows,
        {row: ends.get(row, 0.5) for row in rows},
        {row: row not in ends for row in rows},
    )


def _sphere(found: Sections, centre: np.ndarray, radius: float) -> None:
    """Add a cylinder along x as long as thick: its lateral area is that of the sphere."""
    along = np.array([[-radius, 0, 0], [0, 0, 0], [radius, 0, 0]])
    found.add(_SOMA, centre + along, np.full(3, radius), -1, 0.0)


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
