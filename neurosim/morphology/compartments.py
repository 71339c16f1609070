"""From a shape to compartments and the electrical tree that joins them.

Every half compartment is a chain of frusta, for which lateral area and axial resistance have closed
forms; cutting finer changes neither the membrane area nor the resistance between two points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurosim.errors import UnknownNameError
from neurosim.morphology.rules import Rule
from neurosim.morphology.shape import Morphology, _near

__all__ = ["Compartments", "discretise"]


@dataclass(frozen=True, eq=False, repr=False)
class Compartments:
    """N compartments in SI units, parents before children, and the tree of M >= N nodes.

    Attributes
    ----------
    morphology : Morphology
        The shape that was cut.
    rule : Rule
        The rule that cut it.
    branch : ndarray of int, shape (N,)
        Branch each lies on.
    start, end : ndarray, shape (N,)
        Where it begins and ends along its branch, from 0 to 1.
    area_m2, length_m, diameter_m : ndarray, shape (N,)
        Membrane (lateral) area, length, and mean diameter over the length.
    near_per_m, far_per_m : ndarray, shape (N,)
        Integral of dx / (pi r^2) from the centre to the proximal and to the distal end.
    xyz_m : ndarray, shape (N, 3)
        Centre.
    distance_m : ndarray, shape (N,)
        Path distance of the centre from the root's reference point: the centre of a root tagged
        soma, the proximal end of any other root.
    order : ndarray of int, shape (N,)
        Branch order.
    tags, branch_names : tuple of str
        Tag and name of each branch.
    first : ndarray of int, shape (branches + 1,)
        First compartment of each branch.
    node_parent : ndarray of int, shape (M,)
        Parent node; -1 for a root.
    node_compartment : ndarray of int, shape (M,)
        Compartment at the node; -1 for a junction, a point without membrane.
    own_compartment, parent_compartment : ndarray of int, shape (M,)
        Compartments whose resistivities count in the resistance between a node and its parent.
    own_factor_per_m, parent_factor_per_m : ndarray, shape (M,)
        The resistance is ``R_a[own_compartment] * own_factor_per_m + R_a[parent_compartment] *
        parent_factor_per_m``.

    Notes
    -----
    A branch that attaches between 0 and 1 of its parent hangs on the centre of the compartment that
    holds the position, as in NEURON. Branches at an end meet in that very point.
    """

    morphology: Morphology
    rule: Rule
    branch: np.ndarray
    start: np.ndarray
    end: np.ndarray
    area_m2: np.ndarray
    length_m: np.ndarray
    diameter_m: np.ndarray
    near_per_m: np.ndarray
    far_per_m: np.ndarray
    xyz_m: np.ndarray
    distance_m: np.ndarray
    order: np.ndarray
    tags: tuple[str, ...]
    branch_names: tuple[str, ...]
    first: np.ndarray
    node_parent: np.ndarray
    node_compartment: np.ndarray
    own_compartment: np.ndarray
    parent_compartment: np.ndarray
    own_factor_per_m: np.ndarray
    parent_factor_per_m: np.ndarray

    def __post_init__(self) -> None:
        for value in self.__dict__.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __len__(self) -> int:
        return len(self.area_m2)

    def __repr__(self) -> str:
        return (
            f"Compartments({len(self)} on {len(self.branch_names)} branches by {self.rule!r}; "
            f"{self.area_m2.sum() * 1e12:.4g} um^2)"
        )

    @cached_property
    def branch_number(self) -> dict[str, int]:
        """Number of each branch by name."""
        return {name: k for k, name in enumerate(self.branch_names)}

    @property
    def branch_parents(self) -> np.ndarray:
        """Parent of each branch; -1 for a root."""
        return self.morphology.parents

    def at(self, branch: str, position: float) -> int:
        """Return the compartment that holds a relative position of a branch.

        Raises
        ------
        UnknownNameError
            There is no such branch.
        """
        if branch not in self.branch_number:
            raise UnknownNameError(
                f"there is no branch {branch!r}: {_near(branch, self.branch_names)}"
            )
        k = self.branch_number[branch]
        return int(_holding(self.first, np.array([k]), np.array([float(position)]))[0])

    def axial_resistance(self, R_a: float | np.ndarray) -> np.ndarray:
        """Return the resistance (ohm) between each node and its parent; 0 for roots.

        Parameters
        ----------
        R_a : float or ndarray, shape (N,)
            Axial resistivity, in ohm metre.
        """
        resistivity = np.broadcast_to(np.asarray(R_a, dtype=float), len(self))
        return (
            resistivity[self.own_compartment] * self.own_factor_per_m
            + resistivity[self.parent_compartment] * self.parent_factor_per_m
        )


def _holding(first: np.ndarray, branch: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Return the compartments at positions of branches cut into equal lengths."""
    count = first[branch + 1] - first[branch]
    inside = np.minimum(np.floor(position * count).astype(np.intp), count - 1)
    return first[branch] + np.maximum(inside, 0)


def discretise(morphology: Morphology, rule: Rule) -> Compartments:
    """Cut a morphology into compartments of equal length within each branch."""
    counts = np.asarray(rule.counts(morphology), dtype=np.intp)
    first = np.concatenate([[0], np.cumsum(counts)])
    total = int(first[-1])
    branch = np.repeat(np.arange(len(counts)), counts)
    nth = np.arange(total) - first[branch]
    start, end = nth / counts[branch], (nth + 1) / counts[branch]
    middle = (nth + 0.5) / counts[branch]
    halves = _halves(morphology, branch, start, middle, end)
    length = morphology.lengths_m[branch] / counts[branch]
    along = middle * morphology.lengths_m[branch]
    distance = morphology.start_distances_m[branch] + along
    soma_root = (morphology.parents < 0) & (np.array(morphology.tags) == "soma")
    here = soma_root[branch]
    distance[here] = np.abs(along - morphology.lengths_m[branch] / 2)[here]
    nodes = _nodes(morphology, first, halves.near, halves.far)
    return Compartments(
        morphology=morphology,
        rule=rule,
        branch=branch,
        start=start,
        end=end,
        area_m2=halves.area,
        length_m=length,
        diameter_m=halves.diameter,
        near_per_m=halves.near,
        far_per_m=halves.far,
        xyz_m=halves.xyz,
        distance_m=distance,
        order=morphology.orders[branch],
        tags=morphology.tags,
        branch_names=morphology.names,
        first=first,
        **nodes,
    )


@dataclass(frozen=True)
class _Halves:
    area: np.ndarray
    diameter: np.ndarray
    near: np.ndarray
    far: np.ndarray
    xyz: np.ndarray


# Compartments integrated together: enough to keep NumPy busy, few enough that what is needed on the
# way stays small beside the result.
_TOGETHER = 1 << 16


def _halves(
    morphology: Morphology,
    branch: np.ndarray,
    start: np.ndarray,
    middle: np.ndarray,
    end: np.ndarray,
) -> _Halves:
    """Integrate over the frusta between the start, the centre and the end of each compartment."""
    total = len(branch)
    area, diameter, near, far = np.empty((4, total))
    found = _Halves(area, diameter, near, far, xyz=np.empty((total, 3)))
    for first in range(0, total, _TOGETHER):
        last = min(first + _TOGETHER, total)
        # The start of the next compartment closes the last one where both lie on one branch.
        beyond = min(last + 1, total)
        taken = slice(first, beyond)
        lengths = morphology.lengths_m[branch[taken]]
        cuts = [part[taken] * lengths for part in (start, middle, end)]
        points = slice(
            _point_before(morphology, int(branch[first]), cuts[0][0]),
            _point_after(morphology, int(branch[beyond - 1]), cuts[2][-1]) + 1,
        )
        some = _halves_between(morphology, branch[taken], cuts[0], cuts[1], points)
        for name in ("area", "diameter", "near", "far", "xyz"):
            getattr(found, name)[first:last] = getattr(some, name)[: last - first]
    # Mean diameters from the integrals of the diameter over the length.
    found.diameter[...] /= morphology.lengths_m[branch] / np.bincount(branch)[branch]
    return found


def _point_before(morphology: Morphology, k: int, at: float) -> int:
    """Return the last point of a branch that is not beyond a position, its first one if none is."""
    first, end = morphology.offsets[k], morphology.offsets[k + 1]
    found = int(np.searchsorted(morphology.along_m[first:end], at, "right")) - 1
    return int(first) + (found if at > 0 else 0)


def _point_after(morphology: Morphology, k: int, at: float) -> int:
    """Return the first point of a branch beyond a position, its last one if none is."""
    first, end = morphology.offsets[k], morphology.offsets[k + 1]
    found = int(np.searchsorted(morphology.along_m[first:end], at, "right"))
    return int(first) + min(found, int(end - first) - 1)


def _halves_between(
    morphology: Morphology,
    branch: np.ndarray,
    starts: np.ndarray,
    middles: np.ndarray,
    chosen: slice,
) -> _Halves:
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
    # Each half compartment runs from its own break point to the next cut.
    cut = np.flatnonzero(~is_point)
    first_half = order[cut] < points + total
    owner_of = np.where(first_half, order[cut] - points, order[cut] - points - total)
    # A cut at the very end, of a compartment that only closes the one before, has nothing after it.
    sums = [np.add.reduceat(np.append(values, 0.0), cut) for values in (area, resistance, width)]
    near, far = np.empty(total), np.empty(total)
    near[owner_of[first_half]] = sums[1][first_half]
    far[owner_of[~first_half]] = sums[1][~first_half]
    xyz = np.empty((total, 3))
    centres = cut[~first_half]
    positions = morphology.points_m[chosen]
    low, high = positions[before[centres]], positions[after[centres]]
    xyz[owner_of[~first_half]] = low + fraction[centres, np.newaxis] * (high - low)
    return _Halves(
        area=np.bincount(owner_of, weights=sums[0], minlength=total),
        diameter=np.bincount(owner_of, weights=sums[2], minlength=total),
        near=near,
        far=far,
        xyz=xyz,
    )


def _nodes(
    morphology: Morphology, first: np.ndarray, near: np.ndarray, far: np.ndarray
) -> dict[str, np.ndarray]:
    """Join the compartments: directly in line, through a junction where several branches meet."""
    parents, attach = morphology.parents.tolist(), morphology.attach.tolist()
    count = len(parents)
    # Where each branch really hangs: the proximal end of a branch that is no root is the point
    # where that branch itself hangs.
    point: list[tuple[int, float]] = []
    for k in range(count):
        where = (parents[k], attach[k])
        if where[0] >= 0 and where[1] == 0 and parents[where[0]] >= 0:
            where = point[where[0]]
        point.append(where)
    meeting: dict[tuple[int, float], int] = {}
    for where in point:
        if where[0] >= 0 and where[1] in (0, 1):
            meeting[where] = meeting.get(where, 0) + 1

    # Number the nodes: each branch's compartments in line, a junction before the first branch that
    # needs it.
    starts, sizes = first[:-1].tolist(), np.diff(first).tolist()
    base: list[int] = []
    junctions: dict[tuple[int, float], int] = {}
    made = 0
    for k in range(count):
        if meeting.get(point[k], 0) > 1 and point[k] not in junctions:
            junctions[point[k]] = made
            made += 1
        base.append(made)
        made += sizes[k]

    total = int(first[-1])
    branch = np.repeat(np.arange(count), sizes)
    node_of = np.array(base)[branch] + np.arange(total) - first[branch]
    node_compartment = np.full(made, -1)
    node_compartment[node_of] = np.arange(total)
    node_parent = np.full(made, -1)
    own = np.zeros(made, dtype=np.intp)
    above = np.zeros(made, dtype=np.intp)
    own_factor, parent_factor = np.zeros(made), np.zeros(made)
    own[node_of] = above[node_of] = np.arange(total)
    inner = np.flatnonzero(np.arange(total) > first[branch])
    node_parent[node_of[inner]] = node_of[inner - 1]
    above[node_of[inner]] = inner - 1
    own_factor[node_of[inner]] = near[inner]
    parent_factor[node_of[inner]] = far[inner - 1]
    for k in range(count):
        parent, spot = point[k]
        if parent < 0:
            continue
        node, a = base[k], starts[k]
        own_factor[node] = near[a]
        if 0 < spot < 1:
            count_here = sizes[parent]
            held = starts[parent] + min(int(spot * count_here), count_here - 1)
            node_parent[node], above[node] = base[parent] + held - starts[parent], held
            continue
        last = starts[parent] + (sizes[parent] - 1 if spot == 1 else 0)
        end_node = base[parent] + last - starts[parent]
        reach = far[last] if spot == 1 else near[last]
        above[node] = last
        junction = junctions.get(point[k])
        if junction is None:
            node_parent[node], parent_factor[node] = end_node, reach
        else:
            node_parent[node] = junction
            node_parent[junction], parent_factor[junction] = end_node, reach
            own[junction] = above[junction] = last
    return {
        "node_parent": node_parent,
        "node_compartment": node_compartment,
        "own_compartment": own,
        "parent_compartment": above,
        "own_factor_per_m": own_factor,
        "parent_factor_per_m": parent_factor,
    }
