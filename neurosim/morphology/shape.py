"""The shape of a neuron as a frozen value: made, joined, cut into compartments, shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import Quantity, meter

from neurosim.display import html_table
from neurosim.drawing.cable import svg_of_cable
from neurosim.errors import UnknownNameError, suggest
from neurosim.morphology.compartments import Compartments, discretise
from neurosim.morphology.discretisation import DLambda, Rule
from neurosim.morphology.errors import MorphologyError
from neurosim.morphology.geometry import Branch, Geometry, check_different, depth_first, suggest_few
from neurosim.morphology.picture import plot_morphology

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Morphology"]


@dataclass(frozen=True, eq=False, repr=False)
class Morphology(Geometry):
    """A tree, or several, of branches; parents stand before their children.

    Made by `cylinder`, `cone`, `ball_and_stick`, `tree`, `join`, `read_swc` or `from_branches`;
    the arrays themselves are given only by code that makes very many branches.

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
        check_different([branch.name for branch in branches])
        by_name = {branch.name: branch for branch in branches}
        for branch in branches:
            if branch.parent is not None and branch.parent not in by_name:
                raise UnknownNameError(
                    f"branch {branch.name!r}: there is no parent {branch.parent!r}: "
                    f"{suggest(branch.parent, by_name)}"
                )
        place = {None: -1} | {branch.name: k for k, branch in enumerate(branches)}
        trees = depth_first([place[branch.parent] for branch in branches])
        ordered = [branches[k] for tree in trees for k in tree]
        number = {None: -1} | {branch.name: k for k, branch in enumerate(ordered)}
        if len(ordered) < len(branches):
            lost = next(name for name in by_name if name not in number)
            raise MorphologyError(
                f"branch {lost!r} never reaches a root: its parents "
                f"({' -> '.join(_walk(lost, by_name))}) form a loop"
            )
        return cls(
            points_m=np.concatenate([np.zeros((0, 3)), *(b.points_m for b in ordered)]),
            diameters_m=np.concatenate([[], *(b.diameters_m for b in ordered)]),
            offsets=np.cumsum([0, *(len(b.diameters_m) for b in ordered)]),
            parents=np.array([number[b.parent] for b in ordered]),
            attach=np.array([b.attach for b in ordered]),
            names=tuple(b.name for b in ordered),
            tags=tuple(b.tag for b in ordered),
        )

    def join(
        self,
        other: Morphology,
        to: str | Sequence[str] | None = None,
        *,
        at: float | Sequence[float] | np.ndarray = 1.0,
        prefix: str = "",
    ) -> Morphology:
        """Return this morphology with another one hung on a branch, or on many places at once.

        The other one is moved so that its first point lies where it attaches.

        Parameters
        ----------
        other : Morphology
            What is added; each of its roots is attached.
        to : str or sequence of str, optional
            Branch of this morphology (default: the last one); a list adds a copy for each entry.
        at : float or sequence of float
            Where on it: 0 the proximal end, 1 the distal end; a list adds a copy for each entry.
        prefix : str
            Put before the names of the branches added; of many copies, with the number of the copy
            after it.

        Raises
        ------
        MorphologyError
            A position is none, the lists differ in length, or two branches get one name.
        UnknownNameError
            There is no such branch.

        Examples
        --------
        >>> import numpy as np
        >>> from brian2 import um
        >>> from neurosim.morphology import cylinder
        >>> soma = cylinder(20 * um, 20 * um, tag="soma")
        >>> axon = cylinder(300 * um, 1 * um, tag="axon")
        >>> soma.join(axon, "soma", at=0).names
        ('soma', 'axon')
        >>> spine = cylinder(1 * um, 0.2 * um, name="neck")
        >>> spiny = axon.join(spine, "axon", at=np.linspace(0, 1, 1000), prefix="spine_")
        >>> len(spiny), spiny.names[-1]
        (1001, 'spine_999_neck')
        """
        onto, where, many = self._places(to, at)
        copies, branches, points = len(onto), len(other.names), len(other.points_m)
        shifts = self.positions_m(onto, where) - other.points_m[0]
        roots = np.tile(other.parents < 0, copies)
        first = len(self.names) + np.arange(copies) * branches
        parents = np.tile(other.parents, copies) + np.repeat(first, branches)
        offsets = np.tile(other.offsets[1:], copies) + np.repeat(
            self.offsets[-1] + np.arange(copies) * points, branches
        )
        heads = [f"{prefix}{k}_" for k in range(copies)] if many else [prefix]
        return Morphology(
            points_m=np.concatenate(
                [self.points_m, np.tile(other.points_m, (copies, 1)) + np.repeat(shifts, points, 0)]
            ),
            diameters_m=np.concatenate([self.diameters_m, np.tile(other.diameters_m, copies)]),
            offsets=np.concatenate([self.offsets, offsets]),
            parents=np.concatenate(
                [self.parents, np.where(roots, np.repeat(onto, branches), parents)]
            ),
            attach=np.concatenate(
                [
                    self.attach,
                    np.where(roots, np.repeat(where, branches), np.tile(other.attach, copies)),
                ]
            ),
            names=(*self.names, *(head + name for head in heads for name in other.names)),
            tags=(*self.tags, *other.tags * copies),
        )

    def _places(
        self, to: str | Sequence[str] | None, at: Any
    ) -> tuple[np.ndarray, np.ndarray, bool]:
        """Return branch and position of each place where something is joined; whether many were
        asked for."""
        if to is None:
            onto = np.array(len(self.names) - 1)
        elif isinstance(to, str):
            onto = np.array(self.index(to))
        else:
            number = {name: self.index(name) for name in dict.fromkeys(to)}
            onto = np.array([number[name] for name in to], dtype=np.intp)
        where = np.asarray(at, dtype=float)
        if where.ndim > 1 or 0 in (onto.size, where.size):
            raise MorphologyError(
                "join: to and at are single values or lists of at least one place"
            )
        if onto.ndim and where.ndim and len(onto) != len(where):
            raise MorphologyError(
                f"join: to names {len(onto)} branches and at {len(where)} positions; give as many"
            )
        many = bool(onto.ndim or where.ndim)
        onto, where = np.broadcast_arrays(np.atleast_1d(onto), np.atleast_1d(where))
        wrong = where[~((where >= 0) & (where <= 1))]
        if len(wrong):
            raise MorphologyError(f"join: at must lie between 0 and 1; got {wrong[0]:g}")
        return onto, where, many

    def tag(self, **tags: str) -> Morphology:
        """Return a copy in which some branches, by name, have another tag."""
        new = list(self.tags)
        for name, tag in tags.items():
            new[self.index(name)] = tag
        return replace(self, tags=tuple(new))

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
                    f"no branch and no tag is called {name!r}: {suggest_few(name, sorted(known))}"
                )
        cut = [{name, tag} & set(names) for name, tag in zip(self.names, self.tags, strict=True)]
        keep = ~self.with_descendants(np.array(cut, dtype=bool))
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
            names=tuple(compress(self.names, keep)),
            tags=tuple(compress(self.tags, keep)),
        )

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
        return discretise(self, DLambda() if rule is None else rule)

    # ---- showing --------------------------------------------------------------------------------
    def plot(self, values: Any = None, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the shape, coloured by tag or by values; see `plot_morphology`.

        Parameters
        ----------
        values : Quantity or ndarray, optional
            One a branch, or one a compartment of ``rule`` (default: `DLambda`).
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        **options
            Of `plot_morphology`, such as ``label``, ``region``, ``rule`` or ``projection="3d"``.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from brian2 import mV
        >>> from neurosim.morphology import ball_and_stick
        >>> ax = ball_and_stick().plot([-60, -70] * mV, label="v")
        >>> ax.figure.axes[1].get_ylabel()
        'v (mV)'
        """
        return plot_morphology(self, values, ax=ax, **options)

    def __repr__(self) -> str:
        kinds = ", ".join(f"{count} {tag}" for tag, count in Counter(self.tags).items())
        word = "branch" if len(self.names) == 1 else "branches"
        return (
            f"Morphology({len(self.names)} {word}: {kinds}; "
            f"{self.lengths_m.sum() * 1e6:.4g} um, {self.areas_m2.sum() * 1e12:.4g} um^2)"
        )

    def by_tag(self) -> list[tuple[str, int, float, float, float, float]]:
        """Return a row a tag, and one of all: what there is of it.

        Returns
        -------
        list of tuple
            Tag, number of branches, length (um), membrane area (um²), least and largest diameter
            (um).

        Examples
        --------
        >>> from neurosim.morphology import ball_and_stick
        >>> [(row[0], round(row[2])) for row in ball_and_stick().by_tag()]
        [('soma', 20), ('dendrite', 500), ('all', 520)]
        """
        tags, owner = np.array(self.tags), self.branch_of_point
        groups = [(tag, tags == tag) for tag in dict.fromkeys(self.tags)]
        rows = []
        for tag, here in [*groups, ("all", np.full(len(self), True))]:
            wide = self.diameters_m[here[owner]] * 1e6
            length, area = self.lengths_m[here].sum() * 1e6, self.areas_m2[here].sum() * 1e12
            ends = float(wide.min()), float(wide.max())
            rows.append((tag, int(here.sum()), float(length), float(area), *ends))
        return rows

    def _repr_html_(self) -> str:
        owner = self.branch_of_point
        rows = [
            (tag, count, f"{length:.4g}", f"{area:.4g}", f"{thin:.3g} to {thick:.3g}")
            for tag, count, length, area, thin, thick in self.by_tag()
        ]
        head = ("tag", "branches", "length (µm)", "membrane (µm²)", "diameter (µm)")
        # The ends of each branch, and of the points between them at most some 1000.
        between = np.arange(0, len(owner), 1 + len(owner) // 1000)
        kept = np.union1d(between, np.concatenate([self.offsets[:-1], self.offsets[1:] - 1]))
        joined = owner[kept[1:]] == owner[kept[:-1]]
        begin, end = kept[:-1][joined], kept[1:][joined]
        picture = svg_of_cable(self.points_m[begin], self.points_m[end], self.diameters_m[begin])
        said = html_table("Morphology", rows, head)
        return f'<div style="display:flex;gap:1.5em;align-items:center">{said}{picture}</div>'


def _walk(name: str, by_name: dict[str, Branch]) -> list[str]:
    path = [name]
    while True:
        parent = by_name[path[-1]].parent
        assert parent is not None
        if parent in path:
            return [*path[path.index(parent) :], parent]
        path.append(parent)
