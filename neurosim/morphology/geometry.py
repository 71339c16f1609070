"""The arrays of a shape: a tree of unbranched branches, each a chain of frusta.

Points and diameters of all branches lie in flat arrays, in metre, so that an axon of 100,000
nodes of Ranvier is as cheap to hold and compare as a cell of ten branches. `Morphology` builds on
this; what cuts a shape into compartments needs no more than this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

import numpy as np
from brian2.units import Quantity, meter

from neurosim.errors import UnknownNameError, suggest
from neurosim.morphology.errors import MorphologyError

__all__ = [
    "TAGS",
    "Branch",
    "Geometry",
    "check_different",
    "depth_first",
    "frustum_area",
    "suggest_few",
]

TAGS = (
    "soma",
    "dendrite",
    "basal",
    "apical",
    "axon",
    "hillock",
    "initial_segment",
    "node",
    "internode",
    "terminal",
    "undefined",
)


@dataclass(frozen=True, eq=False)
class Branch:
    """One unbranched piece: a chain of frusta.

    Attributes
    ----------
    name : str
        Name, unique in its morphology.
    tag : str
        What it is: ``"soma"``, ``"axon"``, ``"basal"``, ...
    points_m : ndarray, shape (n, 3)
        Positions, proximal first, in metre.
    diameters_m : ndarray, shape (n,)
        Diameter at each point, in metre.
    parent : str or None
        Name of the branch it hangs on.
    attach : float
        Where on the parent: 0 its proximal end, 1 its distal end, between them the compartment
        that holds the position.
    """

    name: str
    tag: str
    points_m: np.ndarray
    diameters_m: np.ndarray
    parent: str | None = None
    attach: float = 1.0

    @property
    def length(self) -> Quantity:
        """Path length."""
        steps = np.linalg.norm(np.diff(self.points_m, axis=0), axis=1)
        return Quantity(float(steps.sum()), dim=meter.dim)


@dataclass(frozen=True, eq=False, repr=False)
class Geometry:
    """Branches in flat arrays; parents stand before their children.

    Attributes
    ----------
    points_m, diameters_m : ndarray, shapes (points, 3) and (points,)
        All points, branch after branch, proximal first, in metre.
    offsets : ndarray of int, shape (branches + 1,)
        Where the points of each branch begin; the last entry is the number of points.
    parents : ndarray of int, shape (branches,)
        Branch each hangs on; -1 for a root.
    attach : ndarray, shape (branches,)
        Where on the parent (0 proximal end, 1 distal end).
    names, tags : tuple of str
        Name and tag of each branch.
    """

    points_m: np.ndarray
    diameters_m: np.ndarray
    offsets: np.ndarray
    parents: np.ndarray
    attach: np.ndarray
    names: tuple[str, ...]
    tags: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, kind in (
            ("points_m", float),
            ("diameters_m", float),
            ("offsets", np.intp),
            ("parents", np.intp),
            ("attach", float),
        ):
            array = np.array(getattr(self, name), dtype=kind)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "tags", tuple(self.tags))
        self._check()

    def _check(self) -> None:
        count = len(self.names)
        if count == 0:
            raise MorphologyError("a morphology needs at least one branch")
        shapes_agree = (
            len(self.offsets) == count + 1
            and len(self.parents) == len(self.attach) == len(self.tags) == count
            and self.points_m.shape == (self.offsets[-1], 3)
            and self.diameters_m.shape == (self.offsets[-1],)
        )
        if not shapes_agree:
            raise MorphologyError(
                "points, diameters, offsets, parents, attach, names and tags do not agree in size"
            )
        check_different(self.names)
        for bad, what in (
            (~np.isfinite(self.points_m).all(axis=1), "a position that is not finite"),
            (~np.isfinite(self.diameters_m), "a diameter that is not finite"),
            (~(self.diameters_m > 0), "a diameter that is not greater than 0"),
        ):
            if bad.any():
                first = int(np.flatnonzero(bad)[0])
                b = self.branch_of_point[first]
                raise MorphologyError(
                    f"branch {self.names[b]!r}, point {first - self.offsets[b]}: {what} "
                    f"(position {_um(self.points_m[first])} um, diameter "
                    f"{self.diameters_m[first] * 1e6:g} um)"
                )
        self._first_branch(np.diff(self.offsets) < 2, "needs at least two points")
        self._first_branch(~(self.lengths_m > 0), "has no length")
        self._first_branch(
            ~((self.attach >= 0) & (self.attach <= 1)), "must attach between 0 and 1 of its parent"
        )
        index = np.arange(count)
        self._first_branch(
            (self.parents >= index) | (self.parents < -1), "stands before its parent (a loop?)"
        )

    def _first_branch(self, bad: np.ndarray, what: str) -> None:
        if bad.any():
            raise MorphologyError(f"branch {self.names[int(np.flatnonzero(bad)[0])]!r} {what}")

    # ---- asking ---------------------------------------------------------------------------------
    @cached_property
    def _number(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    def index(self, name: str) -> int:
        """Return the number of a branch.

        Raises
        ------
        UnknownNameError
            There is no such branch.
        """
        if name not in self._number:
            raise UnknownNameError(f"there is no branch {name!r}: {suggest_few(name, self.names)}")
        return self._number[name]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> Branch:
        return self._branch(self.index(name))

    def __iter__(self) -> Iterator[Branch]:
        return (self._branch(k) for k in range(len(self.names)))

    def _branch(self, k: int) -> Branch:
        here = slice(self.offsets[k], self.offsets[k + 1])
        parent = self.parents[k]
        return Branch(
            self.names[k],
            self.tags[k],
            self.points_m[here],
            self.diameters_m[here],
            None if parent < 0 else self.names[parent],
            float(self.attach[k]),
        )

    @property
    def branch_of_point(self) -> np.ndarray:
        """Branch that each point lies on."""
        return np.repeat(np.arange(len(self.names)), np.diff(self.offsets))

    @cached_property
    def segment_length_m(self) -> np.ndarray:
        """Distance from each point to the next; 0 from a branch's last to the next one's first."""
        steps = np.zeros(len(self.points_m))
        steps[:-1] = np.linalg.norm(np.diff(self.points_m, axis=0), axis=1)
        steps[self.offsets[1:] - 1] = 0
        return steps

    @cached_property
    def along_m(self) -> np.ndarray:
        """Path distance of each point from the start of its branch."""
        # A running sum over everything would lose digits of short branches behind long ones.
        steps, sizes = self.segment_length_m, np.diff(self.offsets)
        along = np.zeros(len(steps))
        for k in np.flatnonzero(sizes > 2):
            first, last = self.offsets[k], self.offsets[k + 1]
            along[first + 1 : last] = np.cumsum(steps[first : last - 1])
        pairs = self.offsets[:-1][sizes == 2]
        along[pairs + 1] = steps[pairs]
        return along

    @cached_property
    def lengths_m(self) -> np.ndarray:
        """Path length of each branch."""
        return np.take(self.along_m, self.offsets[1:] - 1)

    @cached_property
    def areas_m2(self) -> np.ndarray:
        """Lateral membrane area of each branch: the sum over its frusta."""
        r = self.diameters_m / 2
        area = frustum_area(self.segment_length_m[:-1], r[:-1], r[1:])
        # The step from one branch's end to the next one's start is no membrane.
        area[self.offsets[1:-1] - 1] = 0
        return np.add.reduceat(area, self.offsets[:-1])

    @cached_property
    def orders(self) -> np.ndarray:
        """Branch order: 0 for roots, one more than the parent for the others."""
        order = np.zeros(len(self.names), dtype=np.intp)
        for k, parent in enumerate(self.parents.tolist()):
            if parent >= 0:
                order[k] = order[parent] + 1
        return order

    @cached_property
    def start_distances_m(self) -> np.ndarray:
        """Path distance of each branch's start from the root's reference point.

        That point is the centre of a root tagged soma, the proximal end of any other root.
        """
        start = np.zeros(len(self.names))
        lengths, attach = self.lengths_m.tolist(), self.attach.tolist()
        soma_root = [
            parent < 0 and tag == "soma"
            for parent, tag in zip(self.parents.tolist(), self.tags, strict=True)
        ]
        for k, parent in enumerate(self.parents.tolist()):
            if parent >= 0:
                along = attach[k] * lengths[parent]
                start[k] = (
                    abs(along - lengths[parent] / 2) if soma_root[parent] else start[parent] + along
                )
        return start

    def with_descendants(self, chosen: np.ndarray) -> np.ndarray:
        """Return some branches and all that hang on them, as a mask of shape (branches,)."""
        found = chosen.copy()
        for k, parent in enumerate(self.parents.tolist()):
            if parent >= 0:
                found[k] |= found[parent]
        return found

    def positions_m(self, branches: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the points at relative positions of branches, shape (places, 3)."""
        found = np.empty((len(branches), 3))
        order = np.argsort(branches, kind="stable")
        kinds, starts = np.unique(branches[order], return_index=True)
        for branch, here in zip(kinds, np.split(order, starts[1:]), strict=True):
            part = slice(self.offsets[branch], self.offsets[branch + 1])
            along = self.along_m[part]
            where = at[here] * along[-1]
            for axis in range(3):
                found[here, axis] = np.interp(where, along, self.points_m[part, axis])
        return found

    # ---- as a value -----------------------------------------------------------------------------
    @cached_property
    def _key(self) -> tuple[object, ...]:
        arrays = (self.points_m, self.diameters_m, self.offsets, self.parents, self.attach)
        return (*(a.tobytes() for a in arrays), self.names, self.tags)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Geometry) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def frustum_area(length: np.ndarray, r_begin: np.ndarray, r_end: np.ndarray) -> np.ndarray:
    """Return the lateral area of frusta, from their lengths and the radii at both ends."""
    return np.asarray(np.pi * (r_begin + r_end) * np.hypot(length, r_begin - r_end))


def depth_first(parents: Sequence[int]) -> list[list[int]]:
    """Return the members of each tree, parents before children; those of a loop are in none."""
    children: list[list[int]] = [[] for _ in parents]
    roots: list[int] = []
    for k, parent in enumerate(parents):
        (roots if parent < 0 else children[parent]).append(k)
    trees = []
    for root in roots:
        tree, waiting = [], [root]
        while waiting:
            tree.append(waiting.pop())
            waiting.extend(reversed(children[tree[-1]]))
        trees.append(tree)
    return trees


def check_different(names: Sequence[str]) -> None:
    """Refuse a name that two branches bear."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise MorphologyError(f"two branches are called {twice[0]!r}; names must differ")


def suggest_few(name: str, names: Sequence[str]) -> str:
    """Suggest a name without listing thousands of them."""
    if len(names) <= 12:
        return suggest(name, names)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    few = f"known: {', '.join(names[:6])}, ... ({len(names)} branches)"
    return f"did you mean {near[0]!r}? ({few})" if near else few


def _um(point: np.ndarray) -> str:
    return "(" + ", ".join(f"{x * 1e6:g}" for x in point) + ")"
