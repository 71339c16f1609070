"""Points on a neuron where something is placed or probed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, um

from neurosim.errors import ParameterError
from neurosim.morphology.compartments import Compartments
from neurosim.morphology.regions import Region, everywhere
from neurosim.quantities import check_quantity, check_seed, check_whole

__all__ = [
    "Site",
    "at",
    "by_density",
    "centre",
    "every",
    "every_nth",
    "points",
    "root_site",
    "tips",
    "uniformly",
]

# What points are spread over, and its size in each compartment.
_SIZES = {"length": "length_m", "area": "area_m2"}


class Site:
    """Some points on a neuron, each in a compartment; ``a | b`` has the points of both.

    Examples
    --------
    >>> from neurosim.morphology import ball_and_stick
    >>> cell = ball_and_stick().discretise()
    >>> at("dendrite", 0.5).compartments(cell), len(cell)
    (array([7]), 14)
    >>> (at("soma") | at("dendrite", 0.5)).compartments(cell)
    array([0, 7])
    """

    def compartments(self, compartments: Compartments) -> np.ndarray:
        """Return the compartment of each point, shape (k,); one may occur several times.

        Raises
        ------
        ParameterError
            There is no such point.
        UnknownNameError
            It names what the morphology does not have.
        """
        raise NotImplementedError

    def __or__(self, other: Site) -> Site:
        if not isinstance(other, Site):
            raise ParameterError(f"a site is united with a site; got {other!r}")
        return _United((*self.parts(), *other.parts()))

    def parts(self) -> tuple[Site, ...]:
        """Return the sites that it unites, itself where it is none of several."""
        return (self,)


@dataclass(frozen=True, repr=False)
class _United(Site):
    """The points of several sites, one site after the other; none is dropped."""

    united: tuple[Site, ...]

    def compartments(self, compartments: Compartments) -> np.ndarray:
        return np.concatenate([site.compartments(compartments) for site in self.united])

    def parts(self) -> tuple[Site, ...]:
        return self.united

    def __repr__(self) -> str:
        return " | ".join(map(repr, self.united))


@dataclass(frozen=True, repr=False)
class _At(Site):
    branch: str
    position: float

    def compartments(self, compartments: Compartments) -> np.ndarray:
        return np.array([compartments.at(self.branch, self.position)])

    def __repr__(self) -> str:
        return f"at({self.branch!r}, {self.position:g})"


def at(branch: str, position: float = 0.5) -> Site:
    """Return a point of a branch: 0 its proximal end, 1 its distal end."""
    if not 0 <= position <= 1:
        raise ParameterError(f"at: position must lie between 0 and 1; got {position}")
    return _At(branch, float(position))


@dataclass(frozen=True, repr=False)
class _Points(Site):
    branches: tuple[str, ...]
    positions: tuple[float, ...]

    def compartments(self, compartments: Compartments) -> np.ndarray:
        index = {name: compartments.morphology.index(name) for name in dict.fromkeys(self.branches)}
        branch = np.array([index[name] for name in self.branches])
        count = np.diff(compartments.first)[branch]
        # As `Compartments.at`, for all at once.
        inside = np.floor(np.array(self.positions) * count).astype(np.intp)
        return np.asarray(compartments.first[branch] + np.clip(inside, 0, count - 1))

    def __repr__(self) -> str:
        pairs = [f"({b!r}, {x:g})" for b, x in zip(self.branches, self.positions, strict=True)]
        if len(pairs) > 4:
            return f"points([{', '.join(pairs[:3])}, ... {len(pairs)} in all])"
        return f"points([{', '.join(pairs)}])"


def points(places: Iterable[tuple[str, float]]) -> Site:
    """Return points listed as pairs of branch and position, in this order.

    Parameters
    ----------
    places : iterable of (str, float)
        Branch of each point, and where on it: 0 its proximal end, 1 its distal end. A pair may
        occur several times.

    Examples
    --------
    >>> from neurosim.morphology import ball_and_stick
    >>> cell = ball_and_stick().discretise()
    >>> points([("dendrite", 0.2), ("soma", 0.5), ("dendrite", 0.2)]).compartments(cell)
    array([3, 0, 3])
    """
    try:
        listed = [(str(branch), float(position)) for branch, position in places]
    except (TypeError, ValueError):
        raise ParameterError(
            "points: give pairs of branch and position, such as [('dendrite', 0.2), ('soma', 0.5)]"
        ) from None
    if not listed:
        raise ParameterError("points: the list is empty; give at least one pair")
    wrong = [position for _, position in listed if not 0 <= position <= 1]
    if wrong:
        raise ParameterError(f"points: positions must lie between 0 and 1; got {wrong[0]}")
    branches, positions = zip(*listed, strict=True)
    return _Points(branches, positions)


@dataclass(frozen=True, repr=False)
class _Root(Site):
    """The middle of the root branch, whatever its tag."""

    def compartments(self, compartments: Compartments) -> np.ndarray:
        return np.array([compartments.first[1] // 2])

    def __repr__(self) -> str:
        return "root_site"


root_site: Site = _Root()


@dataclass(frozen=True, repr=False)
class _Centre(Site):
    region: Region

    def compartments(self, compartments: Compartments) -> np.ndarray:
        inside = np.flatnonzero(self.region.mask(compartments))
        at = compartments.xyz_m[inside]
        weight = compartments.area_m2[inside]
        middle = (at * weight[:, np.newaxis]).sum(axis=0) / weight.sum()
        return inside[[np.argmin(np.linalg.norm(at - middle, axis=1))]]

    def __repr__(self) -> str:
        return f"centre({self.region!r})"


def centre(region: Region) -> Site:
    """Return the compartment of a region nearest to the centre of its membrane."""
    return _Centre(region)


@dataclass(frozen=True, repr=False)
class _Tips(Site):
    region: Region

    def compartments(self, compartments: Compartments) -> np.ndarray:
        parents = compartments.morphology.parents
        terminal = np.ones(len(parents), dtype=bool)
        terminal[parents[parents >= 0]] = False
        last = compartments.first[1:][terminal] - 1
        found = np.compress(self.region.mask(compartments)[last], last)
        if len(found) == 0:
            raise ParameterError(f"tips({self.region!r}): no branch ends there")
        return found

    def __repr__(self) -> str:
        return f"tips({self.region!r})"


def tips(region: Region = everywhere) -> Site:
    """Return the distal ends of the branches in a region that carry no other branch."""
    return _Tips(region)


@dataclass(frozen=True, repr=False)
class _Uniformly(Site):
    region: Region
    n: int
    seed: int
    by: str

    def compartments(self, compartments: Compartments) -> np.ndarray:
        inside = np.flatnonzero(self.region.mask(compartments))
        sizes = getattr(compartments, _SIZES[self.by])
        share = np.cumsum(sizes[inside])
        drawn = np.random.default_rng(self.seed).random(self.n) * share[-1]
        return np.sort(inside[np.minimum(np.searchsorted(share, drawn), len(inside) - 1)])

    def __repr__(self) -> str:
        return f"uniformly({self.region!r}, {self.n}, seed={self.seed}, by={self.by!r})"


def uniformly(region: Region, n: int, seed: int = 0, *, by: str = "length") -> Site:
    """Return `n` points drawn over a region, every micrometre of it equally likely.

    Parameters
    ----------
    region : Region
        Where.
    n : int
        How many.
    seed : int
        Of the draw.
    by : {"length", "area"}
        Whether every length or every membrane area is equally likely.
    """
    if by not in _SIZES:
        raise ParameterError(f"uniformly: by must be 'length' or 'area'; got {by!r}")
    return _Uniformly(region, check_whole(n, "uniformly: n"), int(check_seed(seed)), by)


@dataclass(frozen=True, repr=False)
class _ByDensity(Site):
    region: Region
    by: str
    density: float
    seed: int

    def compartments(self, compartments: Compartments) -> np.ndarray:
        inside = np.flatnonzero(self.region.mask(compartments))
        mean = self.density * getattr(compartments, _SIZES[self.by])[inside]
        if mean.sum() > 1e8:
            raise ParameterError(f"{self!r} would place {mean.sum():.3g} points (most: 1e8)")
        counts = np.random.default_rng(self.seed).poisson(mean)
        if not counts.any():
            raise ParameterError(
                f"{self!r} placed nothing: {mean.sum():.3g} points were expected; "
                "give a higher density"
            )
        return np.repeat(inside, counts)

    def __repr__(self) -> str:
        scale, unit = {"length": (1e-6, "um"), "area": (1e-12, "um**2")}[self.by]
        density = f"per_{self.by}={self.density * scale:g}/{unit}"
        return f"by_density({self.region!r}, {density}, seed={self.seed})"


def by_density(
    region: Region,
    *,
    per_length: Quantity | None = None,
    per_area: Quantity | None = None,
    seed: int = 0,
) -> Site:
    """Return points strewn over a region at a density: a Poisson process on its length or membrane.

    Parameters
    ----------
    region : Region
        Where.
    per_length, per_area : Quantity
        Mean number per length or per membrane area; one of the two.
    seed : int
        Of the draw.

    Examples
    --------
    >>> from brian2 import um
    >>> from neurosim.morphology import cylinder
    >>> cable = cylinder(1000 * um, 1 * um).discretise()
    >>> 1900 < len(by_density(everywhere, per_length=2 / um).compartments(cable)) < 2100
    True
    """
    if (per_length is None) == (per_area is None):
        raise ParameterError("by_density: give either per_length or per_area")
    by, value, unit = ("length", per_length, um) if per_area is None else ("area", per_area, um**2)
    density = check_quantity(value, 1 / unit, f"by_density: per_{by}", above=0 / unit)
    return _ByDensity(region, by, float(density), int(check_seed(seed)))


@dataclass(frozen=True, repr=False)
class _Every(Site):
    region: Region

    def compartments(self, compartments: Compartments) -> np.ndarray:
        return np.flatnonzero(self.region.mask(compartments))

    def __repr__(self) -> str:
        return f"every({self.region!r})"


def every(region: Region = everywhere) -> Site:
    """Return each compartment of a region once."""
    return _Every(region)


@dataclass(frozen=True, repr=False)
class _EveryNth(Site):
    region: Region
    n: int
    first: int

    def compartments(self, compartments: Compartments) -> np.ndarray:
        inside = np.flatnonzero(self.region.mask(compartments))[self.first :: self.n]
        if len(inside) == 0:
            count = np.count_nonzero(self.region.mask(compartments))
            raise ParameterError(f"{self!r}: the region has {count} compartments only")
        return inside

    def __repr__(self) -> str:
        return f"every_nth({self.region!r}, {self.n}, first={self.first})"


def every_nth(region: Region, n: int, *, first: int = 0) -> Site:
    """Return each n-th compartment of a region, in the order of the compartments.

    Parameters
    ----------
    region : Region
        Where.
    n : int
        From one to the next.
    first : int
        How many compartments are left out before the first one.

    Examples
    --------
    >>> from neurosim.morphology import ball_and_stick
    >>> every_nth(everywhere, 5, first=1).compartments(ball_and_stick().discretise())
    array([ 1,  6, 11])
    """
    if isinstance(first, bool) or not isinstance(first, int | np.integer) or first < 0:
        raise ParameterError(f"every_nth: first must be a whole number from 0 on; got {first!r}")
    return _EveryNth(region, check_whole(n, "every_nth: n"), int(first))
