"""From a shape to compartments: what each is, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurosim.morphology.discretisation import Rule
from neurosim.morphology.frusta import integrate_halves
from neurosim.morphology.geometry import Geometry
from neurosim.morphology.nodes import join_compartments

__all__ = ["Compartments", "discretise"]


@dataclass(frozen=True, eq=False, repr=False)
class Compartments:
    """N compartments in SI units, parents before children, and the tree of M >= N nodes.

    Attributes
    ----------
    morphology : Geometry
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

    morphology: Geometry
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
        return np.take(self.morphology.orders, self.branch)

    @property
    def start(self) -> np.ndarray:
        """Where each compartment begins along its branch, from 0 to 1; shape (N,)."""
        return _places(self.branch, self.first, 0)

    @property
    def end(self) -> np.ndarray:
        """Where each compartment ends along its branch, from 0 to 1; shape (N,)."""
        return _places(self.branch, self.first, 1)

    @property
    def length_m(self) -> np.ndarray:
        """Length of each compartment, shape (N,)."""
        return np.take(self.morphology.lengths_m / np.diff(self.first), self.branch)

    @cached_property
    def xyz_m(self) -> np.ndarray:
        """Centre of each compartment, shape (N, 3)."""
        shape, branch = self.morphology, self.branch
        middle = _places(branch, self.first, 0.5) * shape.lengths_m[branch]
        # All branches in one line, to find the point before each centre.
        begin = np.concatenate([[0.0], np.cumsum(shape.lengths_m)])
        line = begin[shape.branch_of_point] + shape.along_m
        before = np.searchsorted(line, begin[branch] + middle, side="right") - 1
        before = np.clip(before, shape.offsets[branch], shape.offsets[branch + 1] - 2)
        after = before + 1
        inside, gap = middle - shape.along_m[before], shape.along_m[after] - shape.along_m[before]
        part = np.clip(np.divide(inside, gap, out=np.zeros(len(self)), where=gap > 0), 0, 1)
        low, high = shape.points_m[before], shape.points_m[after]
        found = np.asarray(low + part[:, np.newaxis] * (high - low))
        found.setflags(write=False)
        return found

    @property
    def own_compartment(self) -> np.ndarray:
        """Compartment whose resistivity counts beside the parent's, shape (M,)."""
        return np.where(self.node_compartment < 0, self.parent_compartment, self.node_compartment)

    @cached_property
    def volume_m3(self) -> np.ndarray:
        """Volume of each compartment, shape (N,), in cubic metre: that of its frusta.

        Examples
        --------
        >>> from brian2 import um
        >>> from neurosim.morphology import PerBranch, cone
        >>> cut = cone(100 * um, 4 * um, 2 * um).discretise(PerBranch(7))
        >>> bool(abs(cut.volume_m3.sum() * 1e18 / (np.pi * 100 * (16 + 8 + 4) / 12) - 1) < 1e-12)
        True
        """
        found = integrate_halves(self.morphology, self.branch, self.first).volume
        found.setflags(write=False)
        return found

    @property
    def own_factor_per_m(self) -> np.ndarray:
        """What the own resistivity is multiplied by, shape (M,); 0 at a root and a junction."""
        found = np.zeros(len(self.node_parent))
        inner = (self.node_parent >= 0) & (self.node_compartment >= 0)
        found[inner] = self.near_per_m[self.node_compartment[inner]]
        return found

    def at(self, branch: str, position: float) -> int:
        """Return the compartment that holds a relative position of a branch.

        Raises
        ------
        UnknownNameError
            There is no such branch.
        """
        k = self.morphology.index(branch)
        first, count = int(self.first[k]), int(self.first[k + 1] - self.first[k])
        return first + max(min(int(np.floor(position * count)), count - 1), 0)

    def middle(self, compartment: int) -> tuple[str, float]:
        """Return the branch of a compartment and the relative position of its middle on it."""
        k = int(self.branch[compartment])
        return self.branch_names[k], float(self.start[compartment] + self.end[compartment]) / 2

    def axial_resistance(self, R_a: float | np.ndarray) -> np.ndarray:
        """Return the resistance (ohm) between each node and its parent; 0 for roots.

        Parameters
        ----------
        R_a : float or ndarray, shape (N,)
            Axial resistivity, in ohm metre.
        """
        resistivity = np.broadcast_to(np.asarray(R_a, dtype=float), len(self))
        below = resistivity[self.own_compartment] * self.own_factor_per_m
        return np.asarray(resistivity[self.parent_compartment] * self.parent_factor_per_m + below)


def discretise(morphology: Geometry, rule: Rule) -> Compartments:
    """Cut a morphology into compartments of equal length within each branch."""
    counts = np.asarray(rule.counts(morphology), dtype=np.intp)
    first = np.concatenate([[0], np.cumsum(counts)])
    branch = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    halves = integrate_halves(morphology, branch, first)
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
        **join_compartments(morphology, branch, first, halves.near, halves.far),
    )


def _places(branch: np.ndarray, first: np.ndarray, part: float) -> np.ndarray:
    """Return where a part of each compartment (0 start, 1 end) lies along its branch, 0 to 1."""
    return np.asarray((np.arange(len(branch)) - first[branch] + part) / np.diff(first)[branch])


def _distances(morphology: Geometry, branch: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the path distance of each centre from the root's reference point."""
    along = _places(branch, first, 0.5)
    along *= morphology.lengths_m[branch]
    soma_root = (morphology.parents < 0) & (np.array(morphology.tags) == "soma")
    here = np.flatnonzero(soma_root[branch])
    from_centre = np.abs(along[here] - morphology.lengths_m[branch[here]] / 2)
    along += morphology.start_distances_m[branch]
    along[here] = from_centre
    return along
