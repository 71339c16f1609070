"""The shape of a neuron as a frozen value: a tree of unbranched branches.

Points and diameters of all branches lie in flat arrays, in metre, so that an axon of 100,000
nodes of Ranvier is as cheap to hold and compare as a cell of ten branches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from brian2.units import Quantity, meter

from neurosim.errors import UnknownNameError, suggest
from neurosim.morphology.errors import MorphologyError

if TYPE_CHECKING:
    from neurosim.morphology.compartments import Compartments
    from neurosim.morphology.discretisation import Rule

__all__ = ["TAGS", "Branch", "Morphology"]

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
class Morphology:
    """A tree, or several, of branches; parents stand before their children.

    Made by `cylinder`, `cone`, `ball_and_stick`, `tree`, `join`, `read_swc` or `from_branches`;
    the arrays themselves are given only by code that makes very many branches.

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

    Examples
    --------
    >>> from brian2 import um
    >>> from neurosim.morphology import ball_and_stick
    >>> cell = ball_and_stick(20 * um, 500 * um, 2 * um)
    >>> cell
    Morphology(2 branches: 1 soma, 1 dendrite; 520 um, 4398 um^2)
    >>> cell["dendrite"].length
    0.5 * mmetre
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
        if len(set(self.names)) < count:
            seen: set[str] = set()
            twice = next(n for n in self.names if n in seen or seen.add(n))  # type: ignore[func-returns-value]
            raise MorphologyError(f"two branches are called {twice!r}; names must differ")
        owner = np.repeat(np.arange(count), np.diff(self.offsets))
        for bad, what in (
            (~np.isfinite(self.points_m).all(axis=1), "a position that is not finite"),
            (~np.isfinite(self.diameters_m), "a diameter that is not finite"),
            (~(self.diameters_m > 0), "a diameter that is not greater than 0"),
        ):
            if bad.any():
                first = int(np.flatnonzero(bad)[0])
                b = owner[first]
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

    # ---- making ---------------------------------------------------------------------------------
    @classmethod
    def from_branches(cls, branches: Sequence[Branch]) -> Morphology:
        """Make a morphology of branches given in any order.

        Raises
        ------
        MorphologyError
            Parents form a loop, or a branch is impossible.
        UnknownNameError
            A parent does not exist.
        """
        by_name = {branch.name: branch for branch in branches}
        if len(by_name) < len(branches):
            names = [branch.name for branch in branches]
            twice = next(n for n in names if names.count(n) > 1)
            raise MorphologyError(f"two branches are called {twice!r}; names must differ")
        children: dict[str | None, list[Branch]] = {}
        for branch in branches:
            if branch.parent is not None and branch.parent not in by_name:
                raise UnknownNameError(
                    f"branch {branch.name!r}: there is no parent {branch.parent!r}: "
                    f"{suggest(branch.parent, by_name)}"
                )
            children.setdefault(branch.parent, []).append(branch)
        ordered: list[Branch] = []
        waiting = list(reversed(children.get(None, [])))
        while waiting:
            branch = waiting.pop()
            ordered.append(branch)
            waiting.extend(reversed(children.get(branch.name, [])))
        if len(ordered) < len(branches):
            done = {branch.name for branch in ordered}
            lost = next(name for name in by_name if name not in done)
            raise MorphologyError(
                f"branch {lost!r} never reaches a root: its parents "
                f"({' -> '.join(_walk(lost, by_name))}) form a loop"
            )
        number = {branch.name: k for k, branch in enumerate(ordered)}
        return cls(
            points_m=np.concatenate([np.reshape(b.points_m, (-1, 3)) for b in ordered])
            if ordered
            else np.zeros((0, 3)),
            diameters_m=np.concatenate([b.diameters_m for b in ordered])
            if ordered
            else np.zeros(0),
            offsets=np.cumsum([0, *(len(b.diameters_m) for b in ordered)]),
            parents=np.array([-1 if b.parent is None else number[b.parent] for b in ordered]),
            attach=np.array([b.attach for b in ordered]),
            names=tuple(b.name for b in ordered),
            tags=tuple(b.tag for b in ordered),
        )

    def join(
        self, other: Morphology, to: str | None = None, *, at: float = 1.0, prefix: str = ""
    ) -> Morphology:
        """Return this morphology with another one hung on a branch.

        The other one is moved so that its first point lies where it attaches.

        Parameters
        ----------
        other : Morphology
            What is added; each of its roots is attached.
        to : str, optional
            Branch of this morphology (default: the last one).
        at : float
            Where on it: 0 the proximal end, 1 the distal end.
        prefix : str
            Put before the names of the branches added.

        Examples
        --------
        >>> from brian2 import um
        >>> from neurosim.morphology import cylinder
        >>> soma = cylinder(20 * um, 20 * um, tag="soma")
        >>> axon = cylinder(300 * um, 1 * um, tag="axon")
        >>> soma.join(axon, "soma", at=0).names
        ('soma', 'axon')
        """
        onto = len(self.names) - 1 if to is None else self.index(to)
        if not 0 <= at <= 1:
            raise MorphologyError(f"join: at must lie between 0 and 1; got {at}")
        shift = self.position_m(onto, at) - other.points_m[0]
        roots = other.parents < 0
        return Morphology(
            points_m=np.concatenate([self.points_m, other.points_m + shift]),
            diameters_m=np.concatenate([self.diameters_m, other.diameters_m]),
            offsets=np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
            parents=np.concatenate(
                [self.parents, np.where(roots, onto, other.parents + len(self.names))]
            ),
            attach=np.concatenate([self.attach, np.where(roots, at, other.attach)]),
            names=(*self.names, *(prefix + name for name in other.names)),
            tags=(*self.tags, *other.tags),
        )

    def tag(self, **tags: str) -> Morphology:
        """Return a copy in which some branches, by name, have another tag."""
        new = list(self.tags)
        for name, tag in tags.items():
            new[self.index(name)] = tag
        return Morphology(
            self.points_m,
            self.diameters_m,
            self.offsets,
            self.parents,
            self.attach,
            self.names,
            tuple(new),
        )

    def without(self, *names: str) -> Morphology:
        """Return a copy without some branches, by name or tag, and all they carry.

        Examples
        --------
        >>> from neurosim.morphology import ball_and_stick
        >>> ball_and_stick().without("dendrite").names
        ('soma',)
        """
        known = set(self.names) | set(self.tags)
        for name in names:
            if name not in known:
                raise UnknownNameError(
                    f"no branch and no tag is called {name!r}: {_near(name, sorted(known))}"
                )
        keep = np.array(
            [
                name not in names and tag not in names
                for name, tag in zip(self.names, self.tags, strict=True)
            ]
        )
        for k, parent in enumerate(self.parents.tolist()):
            if parent >= 0 and not keep[parent]:
                keep[k] = False
        if not keep.any():
            raise MorphologyError(f"without {', '.join(names)} nothing would be left")
        new = np.cumsum(keep) - 1
        points = np.repeat(keep, np.diff(self.offsets))
        return Morphology(
            points_m=self.points_m[points],
            diameters_m=self.diameters_m[points],
            offsets=np.concatenate([[0], np.cumsum(np.diff(self.offsets)[keep])]),
            parents=np.where(self.parents[keep] < 0, -1, new[self.parents[keep]]),
            attach=self.attach[keep],
            names=tuple(n for n, k in zip(self.names, keep, strict=True) if k),
            tags=tuple(t for t, k in zip(self.tags, keep, strict=True) if k),
        )

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
            raise UnknownNameError(f"there is no branch {name!r}: {_near(name, self.names)}")
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
        steps = self.segment_length_m
        total = np.concatenate([[0.0], np.cumsum(steps[:-1])])
        along = total - np.repeat(total[self.offsets[:-1]], np.diff(self.offsets))
        sizes = np.diff(self.offsets)
        for k in np.flatnonzero(sizes > 2):
            first, last = self.offsets[k], self.offsets[k + 1]
            along[first + 1 : last] = np.cumsum(steps[first : last - 1])
        pairs = self.offsets[:-1][sizes == 2]
        along[pairs + 1] = steps[pairs]
        along[self.offsets[:-1][sizes > 0]] = 0
        return along

    @cached_property
    def lengths_m(self) -> np.ndarray:
        """Path length of each branch."""
        return self.along_m[self.offsets[1:] - 1]

    @cached_property
    def areas_m2(self) -> np.ndarray:
        """Lateral membrane area of each branch: the sum over its frusta."""
        r = self.diameters_m / 2
        step = self.segment_length_m[:-1]
        area = np.pi * (r[:-1] + r[1:]) * np.hypot(step, r[:-1] - r[1:])
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

    def position_m(self, branch: int, at: float) -> np.ndarray:
        """Return the point at a relative position of a branch."""
        here = slice(self.offsets[branch], self.offsets[branch + 1])
        along = self.along_m[here]
        where = at * along[-1]
        return np.array([np.interp(where, along, self.points_m[here, axis]) for axis in range(3)])

    @property
    def total_length(self) -> Quantity:
        """Path length of all branches together."""
        return Quantity(float(self.lengths_m.sum()), dim=meter.dim)

    @property
    def total_area(self) -> Quantity:
        """Membrane area of all branches together."""
        return Quantity(float(self.areas_m2.sum()), dim=(meter**2).dim)

    def discretise(self, rule: Rule | None = None) -> Compartments:
        """Cut into compartments by a rule (default: `DLambda`).

        Examples
        --------
        >>> from brian2 import um
        >>> from neurosim.morphology import MaxLength, cylinder
        >>> len(cylinder(1000 * um, 1 * um).discretise(MaxLength(25 * um)))
        41
        """
        from neurosim.morphology.compartments import discretise
        from neurosim.morphology.discretisation import DLambda

        return discretise(self, DLambda() if rule is None else rule)

    # ---- as a value -----------------------------------------------------------------------------
    @cached_property
    def _key(self) -> tuple[object, ...]:
        arrays = (self.points_m, self.diameters_m, self.offsets, self.parents, self.attach)
        return (*(a.tobytes() for a in arrays), self.names, self.tags)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Morphology) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        kinds = ", ".join(f"{self.tags.count(tag)} {tag}" for tag in dict.fromkeys(self.tags))
        word = "branch" if len(self.names) == 1 else "branches"
        return (
            f"Morphology({len(self.names)} {word}: {kinds}; "
            f"{self.lengths_m.sum() * 1e6:.4g} um, {self.areas_m2.sum() * 1e12:.4g} um^2)"
        )


def _um(point: np.ndarray) -> str:
    return "(" + ", ".join(f"{x * 1e6:g}" for x in point) + ")"


def _near(name: str, names: Sequence[str]) -> str:
    """Suggest a name without listing thousands of them."""
    if len(names) <= 12:
        return suggest(name, names)
    said = suggest(name, names).split(" (known:")[0]
    hint = said if said.startswith("did you mean") else ""
    few = f"{', '.join(names[:6])}, ... ({len(names)} branches)"
    return f"{hint} (known: {few})" if hint else f"known: {few}"


def _walk(name: str, by_name: dict[str, Branch]) -> list[str]:
    path = [name]
    while True:
        parent = by_name[path[-1]].parent
        assert parent is not None
        if parent in path:
            return [*path[path.index(parent) :], parent]
        path.append(parent)
