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
    area_m2, diameter_m : ndarray, shape (N,)
        Membrane (lateral) area, and mean diameter over the length.
    near_per_m, far_per_m : ndarray, shape (N,)
        Integral of dx / (pi r^2) from the centre to the proximal and to the distal end.
    distance_m : ndarray, shape (N,)
        Path distance of the centre from the root's reference point: the centre of a root tagged
        soma, the proximal end of any other root.
    first : ndarray of int, shape (branches + 1,)
        First compartment of each branch.
    node_parent : ndarray of int, shape (M,)
        Parent node; -1 for a root.
    node_compartment : ndarray of int, shape (M,)
        Compartment at the node; -1 for a junction, a point without membrane.
    parent_compartment : ndarray of int, shape (M,)
        Compartment whose resistivity counts, beside a node's own, in the resistance between the
        node and its parent.
    parent_factor_per_m : ndarray, shape (M,)
        The resistance is ``R_a[own_compartment] * own_factor_per_m + R_a[parent_compartment] *
        parent_factor_per_m``.

    Notes
    -----
    What follows from these arrays is a property, and indices have 32 bits: a tree of a million
    compartments takes 64 MB.

    A branch that attaches between 0 and 1 of its parent hangs on the centre of the compartment that
    holds the position, as in NEURON. Branches at an end meet in that very point.
    """

    morphology: Morphology
    rule: Rule
    branch: np.ndarray
    area_m2: np.ndarray
    diameter_m: np.ndarray
    near_per_m: np.ndarray
    far_per_m: np.ndarray
    distance_m: np.ndarray
    first: np.ndarray
    node_parent: np.ndarray
    node_compartment: np.ndarray
    parent_compartment: np.ndarray
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
    def branch_names(self) -> tuple[str, ...]:
        """Name of each branch."""
        return self.morphology.names

    @property
    def tags(self) -> tuple[str, ...]:
        """Tag of each branch."""
        return self.morphology.tags

    @property
    def order(self) -> np.ndarray:
        """Branch order, shape (N,)."""
        return self.morphology.orders[self.branch]

    @property
    def start(self) -> np.ndarray:
        """Where each compartment begins along its branch, from 0 to 1; shape (N,)."""
        return self._nth / np.diff(self.first)[self.branch]

    @property
    def end(self) -> np.ndarray:
        """Where each compartment ends along its branch, from 0 to 1; shape (N,)."""
        return (self._nth + 1) / np.diff(self.first)[self.branch]

    @property
    def length_m(self) -> np.ndarray:
        """Length of each compartment, shape (N,)."""
        return (self.morphology.lengths_m / np.diff(self.first))[self.branch]

    @cached_property
    def xyz_m(self) -> np.ndarray:
        """Centre of each compartment, shape (N, 3)."""
        shape, total = self.morphology, len(self)
        middle = (self._nth + 0.5) / np.diff(self.first)[self.branch]
        middle *= shape.lengths_m[self.branch]
        points = len(shape.along_m)
        owner = np.repeat(np.arange(len(shape.names)), np.diff(shape.offsets))
        # Sorted along the branches, a centre after points at the same place.
        order = np.lexsort(
            (
                np.repeat([0, 1], [points, total]),
                np.concatenate([shape.along_m, middle]),
                np.concatenate([owner, self.branch]),
            )
        )
        centre = order >= points
        before = np.empty(total, dtype=np.intp)
        last_point = order[np.maximum.accumulate(np.where(centre, 0, np.arange(len(order))))]
        before[order[centre] - points] = last_point[centre]
        after = np.minimum(before + 1, shape.offsets[self.branch + 1] - 1)
        inside, gap = middle - shape.along_m[before], shape.along_m[after] - shape.along_m[before]
        part = np.clip(np.divide(inside, gap, out=np.zeros(total), where=gap > 0), 0, 1)
        low, high = shape.points_m[before], shape.points_m[after]
        found = low + part[:, np.newaxis] * (high - low)
        found.setflags(write=False)
        return found

    @property
    def _nth(self) -> np.ndarray:
        return np.arange(len(self)) - self.first[self.branch]

    @property
    def own_compartment(self) -> np.ndarray:
        """Compartment whose resistivity counts beside the parent's, shape (M,)."""
        return np.where(self.node_compartment < 0, self.parent_compartment, self.node_compartment)

    @property
    def own_factor_per_m(self) -> np.ndarray:
        """What the own resistivity is multiplied by, shape (M,); 0 at a root and a junction."""
        found = np.zeros(len(self.node_parent))
        inner = self._reaching_up
        found[inner] = self.near_per_m[self.node_compartment[inner]]
        return found

    @property
    def _reaching_up(self) -> np.ndarray:
        """Nodes with membrane of their own between them and their parent."""
        return (self.node_parent >= 0) & (self.node_compartment >= 0)

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
        found = resistivity[self.parent_compartment]
        found *= self.parent_factor_per_m
        inner = self._reaching_up
        own = self.node_compartment[inner]
        found[inner] += resistivity[own] * self.near_per_m[own]
        return found


def _holding(first: np.ndarray, branch: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Return the compartments at positions of branches cut into equal lengths."""
    count = first[branch + 1] - first[branch]
    inside = np.minimum(np.floor(position * count).astype(np.intp), count - 1)
    return first[branch] + np.maximum(inside, 0)


def discretise(morphology: Morphology, rule: Rule) -> Compartments:
    """Cut a morphology into compartments of equal length within each branch."""
    counts = np.asarray(rule.counts(morphology), dtype=np.intp)
    first = np.concatenate([[0], np.cumsum(counts)])
    branch = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    halves = _halves(morphology, branch, first)
    return Compartments(
        morphology=morphology,
        rule=rule,
        branch=branch,
        area_m2=halves.area,
        diameter_m=halves.diameter,
        near_per_m=halves.near,
        far_per_m=halves.far,
        distance_m=_distances(morphology, branch, first),
        first=first,
        **_nodes(morphology, branch, first, halves.near, halves.far),
    )


def _distances(morphology: Morphology, branch: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the path distance of each centre from the root's reference point."""
    along = np.arange(len(branch), dtype=float)
    along -= first[branch]
    along += 0.5
    along /= np.diff(first)[branch]
    along *= morphology.lengths_m[branch]
    soma_root = (morphology.parents < 0) & (np.array(morphology.tags) == "soma")
    here = np.flatnonzero(soma_root[branch])
    from_centre = np.abs(along[here] - morphology.lengths_m[branch[here]] / 2)
    along += morphology.start_distances_m[branch]
    along[here] = from_centre
    return along


@dataclass(frozen=True)
class _Halves:
    area: np.ndarray
    diameter: np.ndarray
    near: np.ndarray
    far: np.ndarray


# Compartments integrated together: enough to keep NumPy busy, few enough that what is needed on the
# way stays small beside the result.
_TOGETHER = 1 << 16


def _halves(morphology: Morphology, branch: np.ndarray, first: np.ndarray) -> _Halves:
    """Integrate over the frusta between the start, the centre and the end of each compartment."""
    total = len(branch)
    counts = np.diff(first)
    area, diameter, near, far = np.empty((4, total))
    found = _Halves(area, diameter, near, far)
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
        some = _halves_between(morphology, here, starts, middles, points)
        for name in ("area", "diameter", "near", "far"):
            getattr(found, name)[begin:last] = getattr(some, name)[: last - begin]
    # Mean diameters from the integrals of the diameter over the length.
    found.diameter[...] /= (morphology.lengths_m / counts)[branch]
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
    return _Halves(
        area=np.bincount(owner_of, weights=sums[0], minlength=total),
        diameter=np.bincount(owner_of, weights=sums[2], minlength=total),
        near=near,
        far=far,
    )


def _nodes(
    morphology: Morphology,
    branch: np.ndarray,
    first: np.ndarray,
    near: np.ndarray,
    far: np.ndarray,
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

    total = len(branch)
    node_of = (np.array(base) - first[:-1]).astype(np.int32)[branch]
    node_of += np.arange(total, dtype=np.int32)
    node_compartment, node_parent = np.full((2, made), -1, dtype=np.int32)
    above, parent_factor = np.zeros(made, dtype=np.int32), np.zeros(made)
    node_compartment[node_of] = np.arange(total, dtype=np.int32)
    # All in one line; the first compartment of each branch is set right after that.
    node_parent[node_of[1:]] = node_of[:-1]
    above[node_of[1:]] = np.arange(total - 1, dtype=np.int32)
    parent_factor[node_of[1:]] = far[:-1]
    node_parent[base], above[base], parent_factor[base] = -1, first[:-1], 0.0
    for k in range(count):
        parent, spot = point[k]
        if parent < 0:
            continue
        node = base[k]
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
            above[junction] = last
    return {
        "node_parent": node_parent,
        "node_compartment": node_compartment,
        "parent_compartment": above,
        "parent_factor_per_m": parent_factor,
    }
