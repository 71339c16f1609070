"""Named places on a neuron, combined with ``|``, ``&``, ``-`` and ``~``.

A region is a frozen value that knows no morphology; `Region.mask` says which compartments it
covers in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, um

from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.morphology.compartments import Compartments
from neurosim.morphology.geometry import TAGS
from neurosim.quantities import check_quantity

__all__ = [
    "Region",
    "branch",
    "distance",
    "everywhere",
    "numbered",
    "order",
    "radius",
    "subtree",
    "tagged",
]

# What a word stands for beyond itself.
FAMILIES = {"dendrite": ("dendrite", "basal", "apical")}


class Region:
    """Some of the compartments of a neuron.

    Examples
    --------
    >>> from brian2 import um
    >>> from neurosim.morphology import ball_and_stick
    >>> cell = ball_and_stick().discretise()
    >>> far = tagged("dendrite") & distance(at_least=250 * um)
    >>> far
    tagged('dendrite') & distance(at_least=250. * umetre)
    >>> int(far.mask(cell).sum()), len(cell)
    (7, 14)
    """

    def mask(self, compartments: Compartments) -> np.ndarray:
        """Return which compartments it covers, shape (N,).

        Raises
        ------
        ParameterError
            It covers none; the message says what is there.
        UnknownNameError
            It names what the morphology does not have.
        """
        covered = self.select(compartments)
        if not covered.any():
            hints = "; ".join(dict.fromkeys(self.hints(compartments)))
            raise ParameterError(f"region {self!r} matches nothing: {hints}")
        return covered

    def select(self, compartments: Compartments) -> np.ndarray:
        """Return the same as `mask`, but nothing matched is no error: a part of a larger region."""
        raise NotImplementedError

    def hints(self, compartments: Compartments) -> Iterable[str]:
        """Say what could have been asked for."""
        return []

    def __or__(self, other: Region) -> Region:
        return _Combined("|", self, _region(other))

    def __and__(self, other: Region) -> Region:
        return _Combined("&", self, _region(other))

    def __sub__(self, other: Region) -> Region:
        return _Combined("-", self, _region(other))

    def __invert__(self) -> Region:
        return _Inverse(self)


def _region(value: object) -> Region:
    if not isinstance(value, Region):
        raise ParameterError(f"a region combines with regions only; got {value!r}")
    return value


_RULES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "|": np.logical_or,
    "&": np.logical_and,
    "-": lambda a, b: a & ~b,
}


@dataclass(frozen=True, repr=False)
class _Combined(Region):
    sign: str
    left: Region
    right: Region

    def select(self, compartments: Compartments) -> np.ndarray:
        return _RULES[self.sign](self.left.select(compartments), self.right.select(compartments))

    def hints(self, compartments: Compartments) -> Iterable[str]:
        empty = [p for p in (self.left, self.right) if not p.select(compartments).any()]
        if empty and not (self.sign == "-" and empty == [self.right]):
            for part in empty:
                yield from part.hints(compartments)
        else:
            yield f"{self.left!r} and {self.right!r} each match, but nothing is left of both"

    def __repr__(self) -> str:
        return f"{_bracket(self.left)} {self.sign} {_bracket(self.right)}"


def _bracket(region: Region) -> str:
    return f"({region!r})" if isinstance(region, _Combined) else repr(region)


@dataclass(frozen=True, repr=False)
class _Inverse(Region):
    inner: Region

    def select(self, compartments: Compartments) -> np.ndarray:
        return ~self.inner.select(compartments)

    def hints(self, compartments: Compartments) -> Iterable[str]:
        yield f"{self.inner!r} covers everything"

    def __repr__(self) -> str:
        return f"~{_bracket(self.inner)}"


@dataclass(frozen=True, repr=False)
class _Everywhere(Region):
    def select(self, compartments: Compartments) -> np.ndarray:
        return np.ones(len(compartments), dtype=bool)

    def __repr__(self) -> str:
        return "everywhere"


everywhere: Region = _Everywhere()


@dataclass(frozen=True, repr=False)
class _Numbered(Region):
    numbers: tuple[int, ...]

    def select(self, compartments: Compartments) -> np.ndarray:
        found = np.zeros(len(compartments), dtype=bool)
        beyond = [k for k in self.numbers if not 0 <= k < len(compartments)]
        if beyond:
            raise ParameterError(
                f"there is no compartment {beyond[0]}: they are numbered from 0 to "
                f"{len(compartments) - 1}"
            )
        found[list(self.numbers)] = True
        return found

    def hints(self, compartments: Compartments) -> Iterable[str]:
        yield "it names no compartment"

    def __repr__(self) -> str:
        few = ", ".join(map(str, self.numbers[:3]))
        more = f", ... {len(self.numbers)} in all" if len(self.numbers) > 3 else ""
        return f"numbered({few}{more})"


def numbered(numbers: Iterable[int]) -> Region:
    """Return the compartments of these numbers, in the order in which a rule cuts them.

    Raises
    ------
    ParameterError
        There is no such compartment (when the region is painted).

    Examples
    --------
    >>> from brian2 import um
    >>> from neurosim.morphology import PerBranch, cylinder
    >>> numbered([0, 2]).mask(cylinder(9 * um, 1 * um).discretise(PerBranch(3))).tolist()
    [True, False, True]
    """
    return _Numbered(tuple(int(k) for k in numbers))


@dataclass(frozen=True, repr=False)
class _Tagged(Region):
    tags: tuple[str, ...]

    def select(self, compartments: Compartments) -> np.ndarray:
        known = set(compartments.tags) | set(TAGS)
        wanted: set[str] = set()
        for tag in self.tags:
            if tag not in known:
                raise UnknownNameError(
                    f"no branch is tagged {tag!r}: {suggest(tag, set(compartments.tags))}"
                )
            wanted.update(FAMILIES.get(tag, (tag,)))
        return np.take([tag in wanted for tag in compartments.tags], compartments.branch)

    def hints(self, compartments: Compartments) -> Iterable[str]:
        present = dict.fromkeys(compartments.tags)
        yield f"the morphology has {', '.join(present)}"

    def __repr__(self) -> str:
        return f"tagged({', '.join(map(repr, self.tags))})"


def tagged(*tags: str) -> Region:
    """Return what is tagged so; ``"dendrite"`` stands for basal and apical dendrites too.

    Parameters
    ----------
    *tags : str
        Any of soma, dendrite, basal, apical, axon, hillock, initial_segment, node, internode,
        terminal, or a tag of one's own.
    """
    if not tags:
        raise ParameterError("tagged: give at least one tag, such as tagged('soma')")
    return _Tagged(tags)


@dataclass(frozen=True, repr=False)
class _Branch(Region):
    names: tuple[str, ...]

    def select(self, compartments: Compartments) -> np.ndarray:
        numbers = [compartments.morphology.index(name) for name in self.names]
        return np.isin(compartments.branch, numbers)

    def hints(self, compartments: Compartments) -> Iterable[str]:
        yield f"the branches are {', '.join(compartments.branch_names[:12])}"

    def __repr__(self) -> str:
        return f"branch({', '.join(map(repr, self.names))})"


def branch(*names: str) -> Region:
    """Return branches by name."""
    if not names:
        raise ParameterError("branch: give at least one name, such as branch('soma')")
    return _Branch(names)


@dataclass(frozen=True, repr=False)
class _Subtree(Region):
    name: str

    def select(self, compartments: Compartments) -> np.ndarray:
        shape = compartments.morphology
        inside = shape.with_descendants(np.arange(len(shape)) == shape.index(self.name))
        return np.take(inside, compartments.branch)

    def __repr__(self) -> str:
        return f"subtree({self.name!r})"


def subtree(name: str) -> Region:
    """Return a branch and everything distal to it."""
    return _Subtree(name)


@dataclass(frozen=True, repr=False)
class _Range(Region):
    what: str
    at_least: float | None
    below: float | None

    def _values(self, compartments: Compartments) -> np.ndarray:
        return {
            "distance": compartments.distance_m,
            "radius": compartments.diameter_m / 2,
            "order": compartments.order,
        }[self.what]

    def select(self, compartments: Compartments) -> np.ndarray:
        values = self._values(compartments)
        covered = np.full(len(values), True)
        if self.at_least is not None:
            covered &= values >= self.at_least
        return covered if self.below is None else covered & (values < self.below)

    def _said(self, value: float) -> str:
        return f"{value:g}" if self.what == "order" else repr(value * 1e6 * um)

    def hints(self, compartments: Compartments) -> Iterable[str]:
        values = self._values(compartments)
        yield (
            f"{self.what} runs from {self._said(float(values.min()))} "
            f"to {self._said(float(values.max()))}"
        )

    def __repr__(self) -> str:
        bounds = (("at_least", self.at_least), ("below", self.below))
        inside = ", ".join(f"{k}={self._said(v)}" for k, v in bounds if v is not None)
        return f"{self.what}({inside})"


def _between(what: str, at_least: Quantity | None, below: Quantity | None) -> Region:
    bounds = [
        None if value is None else float(check_quantity(value, 100 * um, f"{what}: {name}"))
        for name, value in (("at_least", at_least), ("below", below))
    ]
    return _range(what, bounds[0], bounds[1])


def _range(what: str, low: float | None, high: float | None) -> Region:
    if low is None and high is None:
        raise ParameterError(f"{what}: give at_least, below or both")
    if low is not None and high is not None and low >= high:
        raise ParameterError(f"{what}: at_least must be less than below")
    return _Range(what, low, high)


def distance(*, at_least: Quantity | None = None, below: Quantity | None = None) -> Region:
    """Return compartments by the path distance of their centre from the soma's centre."""
    return _between("distance", at_least, below)


def radius(*, at_least: Quantity | None = None, below: Quantity | None = None) -> Region:
    """Return compartments by half their mean diameter."""
    return _between("radius", at_least, below)


def order(*, at_least: int | None = None, below: int | None = None) -> Region:
    """Return compartments by branch order: 0 for a root, 1 for what hangs on it, and so on."""
    return _range("order", at_least, below)
