"""How the probability of a contact falls with the distance between two cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, um

from neurosim.errors import ParameterError
from neurosim.quantities import Description, check_quantity, quantity

__all__ = [
    "DistanceProfile",
    "ExponentialProfile",
    "GaussianProfile",
    "check_positions",
    "distances_um",
    "probability_at",
]

DistanceProfile = Callable[[np.ndarray], Any]
"""Gets distances in µm, shape (pairs,), and returns a probability for each."""


@dataclass(frozen=True, eq=False, repr=False)
class GaussianProfile(Description):
    r"""A probability that falls as a Gaussian of the distance.

    .. math:: p(d) = peak\; e^{-d^2 / (2\,sd^2)}

    Examples
    --------
    >>> from brian2 import um
    >>> GaussianProfile(peak=0.5, sd=100 * um)([0, 100]).round(3).tolist()
    [0.5, 0.303]
    """

    peak: Quantity = quantity(0.5, "probability at no distance", above=0, at_most=1)
    sd: Quantity = quantity(100 * um, "standard deviation", above=0 * um)

    def __call__(self, distance_um: Any) -> np.ndarray:
        share = np.asarray(distance_um, dtype=float) / float(self.sd / um)
        return np.asarray(float(self.peak) * np.exp(-(share**2) / 2))


@dataclass(frozen=True, eq=False, repr=False)
class ExponentialProfile(Description):
    r"""A probability that falls exponentially with the distance.

    .. math:: p(d) = peak\; e^{-d / length}

    Examples
    --------
    >>> from brian2 import um
    >>> ExponentialProfile(peak=0.5, length=100 * um)([0, 100]).round(3).tolist()
    [0.5, 0.184]
    """

    peak: Quantity = quantity(0.5, "probability at no distance", above=0, at_most=1)
    length: Quantity = quantity(100 * um, "distance over which it falls to 1/e", above=0 * um)

    def __call__(self, distance_um: Any) -> np.ndarray:
        share = np.asarray(distance_um, dtype=float) / float(self.length / um)
        return np.asarray(float(self.peak) * np.exp(-share))


def check_positions(positions: Any, count: int, name: str) -> np.ndarray:
    """Return the places of cells in µm, shape (count, 1 to 3).

    Raises
    ------
    UnitError
        They carry no unit of length.
    ParameterError
        There is not one place a cell.
    """
    what = f"add: positions of {name!r}"
    checked = np.asarray(check_quantity(positions, 100 * um, what, many=2) / um, dtype=float)
    if checked.ndim != 2 or checked.shape[0] != count or not 1 <= checked.shape[1] <= 3:
        raise ParameterError(
            f"{what} must have shape ({count}, 2) or ({count}, 3), a row a cell; got "
            f"{checked.shape}"
        )
    checked.setflags(write=False)
    return checked


def distances_um(
    source: np.ndarray | None, target: np.ndarray | None, pairs: np.ndarray, names: tuple[str, str]
) -> np.ndarray:
    """Return the distance between the two cells of each pair, in µm.

    Raises
    ------
    ParameterError
        A population has no positions, or one has more coordinates than the other.
    """
    for places, name in zip((source, target), names, strict=True):
        if places is None:
            raise ParameterError(
                f"connect: {name!r} has no positions, which a rule by distance needs; give "
                f"add({name!r}, ..., positions=...)"
            )
    assert source is not None
    assert target is not None
    if source.shape[1] != target.shape[1]:
        raise ParameterError(
            f"connect: positions of {names[0]!r} have {source.shape[1]} coordinates and those of "
            f"{names[1]!r} {target.shape[1]}; give both the same number"
        )
    between = source[pairs[:, 0]] - target[pairs[:, 1]]
    return np.asarray(np.sqrt((between**2).sum(axis=1)))


def probability_at(profile: DistanceProfile, distance_um: np.ndarray) -> np.ndarray:
    """Return what a function of distance says, checked.

    Raises
    ------
    ParameterError
        It returns something else than a probability for each distance.
    """
    try:
        found = np.asarray(profile(distance_um), dtype=float)
        spread = np.broadcast_to(found, distance_um.shape)
    except (TypeError, ValueError) as error:
        raise ParameterError(
            "connect: probability gets an array of distances in µm, and must return a probability "
            f"for each; it failed: {error}"
        ) from None
    # A nan lies nowhere.
    if not np.all((spread >= 0) & (spread <= 1)):
        raise ParameterError(
            "connect: probability must return numbers between 0 and 1; got "
            f"{np.min(spread):g} to {np.max(spread):g}"
        )
    return spread
