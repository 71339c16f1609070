"""Where the numbers of a description stand in the files of its run, found by changing them.

A parameter is given several values, and the files of the runs are compared. Where a number is the
parameter itself, or a straight line of it, a page can write it without knowing how Python came to
it. A parameter that does anything else, such as to move where a gate starts, is left out by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units.constants import faraday_constant

from neurosim.errors import NeurosimError

__all__ = ["QUOTIENTS", "NotAffineError", "Place", "find_places", "follow"]

# How far a number may lie off the straight line, of the largest that stands there.
_ROUNDING = 1e-14
#: Ends of the names of files whose numbers are a quotient of a product (`_of_ion` in patches.py).
#: Few values do not tell them from a product: give twenty.
QUOTIENTS = ("_per_inside",)
# How many last digits around a divisor, or a second factor, are tried.
_NEAR = 8


class NotAffineError(NeurosimError):
    """A parameter enters the files of a run in another way than as a straight line."""


@dataclass(frozen=True)
class Place:
    """Numbers of a file that follow a parameter p.

    Each is offset + factor*p, or factor*p/divisor, or then*(factor*p), in this order of operations.

    Attributes
    ----------
    file : str
        Name of the file, of doubles.
    at : tuple of int
        Which numbers.
    factors : tuple of float
        Of each.
    offset : float
        Of all.
    divisors : tuple of float
        Of each, where Python divides: one factor in place of both would round otherwise.
    then : tuple of float
        Second factor of each, where Python multiplies twice.
    rows : bool
        Whether they are all numbers of the file, one a row.
    whole : bool
        Whether they are rounded to whole numbers.
    """

    file: str
    at: tuple[int, ...]
    factors: tuple[float, ...]
    offset: float = 0.0
    divisors: tuple[float, ...] = ()
    then: tuple[float, ...] = ()
    rows: bool = False
    whole: bool = False

    def numbers(self, value: float) -> np.ndarray:
        """Return what stands at the place for a value of the parameter, as `kernel.js` writes it.

        Examples
        --------
        >>> Place("g", (3, 5), (2.0, 4.0), offset=1.0).numbers(10.0)
        array([21., 41.])
        """
        product = np.array(self.factors) * value
        divided = product / np.array(self.divisors or 1.0)
        return np.asarray(self.offset + divided * np.array(self.then or 1.0))

    def to_json(self) -> dict[str, Any]:
        """Return what `kernel.js` reads."""
        told: dict[str, Any] = {"file": self.file, "type": "float64", "offset": self.offset}
        if len(set(self.factors)) == 1:
            told["factor"] = self.factors[0]
        else:
            told["factors"] = list(self.factors)
        if self.divisors:
            told["divisors"] = list(self.divisors)
        if self.then:
            told["then"] = list(self.then)
        if self.rows:
            return told | {"rows": True}
        return told | {"at": list(self.at), "whole": self.whole}


def find_places(
    values: Sequence[float],
    runs: Sequence[Mapping[str, bytes]],
    rows: Sequence[str],
    known: Sequence[float] = (),
) -> tuple[Place, ...]:
    """Return where a parameter stands.

    Parameters
    ----------
    values : sequence of float
        At least three values of the parameter.
    runs : sequence of dict of str to bytes
        For each, the files of the run.
    rows : sequence of str
        Files that hold a number a row.
    known : sequence of float
        Numbers of the description that the parameter may be multiplied by first. Few values do
        not tell two factors from one: give twenty.

    Raises
    ------
    NotAffineError
        It stands somewhere in another form.

    Examples
    --------
    >>> runs = [{"g": np.array([5.0, 2 * p]).tobytes()} for p in (1.0, 2.0, 4.0)]
    >>> find_places([1.0, 2.0, 4.0], runs, [])
    (Place(file='g', at=(1,), factors=(2.0,), offset=0.0, divisors=(), then=(), rows=False,
    whole=False),)
    """
    found = []
    for name in runs[0]:
        contents = [run.get(name, b"") for run in runs]
        if len(set(contents)) == 1:
            continue
        if len({len(content) for content in contents}) > 1 or len(contents[0]) % 8:
            raise NotAffineError(f"it changes what stands in {name}")
        table = np.array([np.frombuffer(content) for content in contents])
        found += _of_file(name, np.asarray(values, dtype=float), table, name in rows, known)
    if not found:
        raise NotAffineError("it changes nothing of the run")
    return tuple(found)


def follow(
    places: Sequence[Place], values: Sequence[float], runs: Sequence[Mapping[str, bytes]]
) -> bool:
    """Return whether places give the numbers of some runs to the last digit.

    Examples
    --------
    >>> runs = [{"g": np.array([5.0, 2 * p]).tobytes()} for p in (1.0, 2.0)]
    >>> follow([Place("g", (1,), (2.0,))], [1.0, 2.0], runs)
    True
    """
    return all(
        np.array_equal(place.numbers(value), np.frombuffer(run[place.file])[list(place.at)])
        for value, run in zip(values, runs, strict=True)
        for place in places
    )


def _proportion(values: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """Return what the values are multiplied by; where there is one, what gives every last digit."""
    largest = int(np.argmax(np.abs(values)))
    nearest = moving[largest] / values[largest]
    found = nearest
    for end in (-np.inf, np.inf):
        tried = np.nextafter(nearest, end)
        exact = np.all(tried * values[:, np.newaxis] == moving, axis=0)
        found = np.where(exact, tried, found)
    exact = np.all(nearest * values[:, np.newaxis] == moving, axis=0)
    return np.where(exact, nearest, found)


def _quotient(values: np.ndarray, moving: np.ndarray) -> tuple[float, float] | None:
    """Return a factor and a divisor that give every last digit of one number, if there are some.

    So enters the share of an ion that is free: the charge of a mole of ions divides it, and then
    the volume that a membrane area encloses.
    """
    largest = int(np.argmax(np.abs(values)))
    for valence in (1, 2):
        factor = 1 / (valence * float(faraday_constant))
        # Of an anion it is negative.
        divisor = factor * values[largest] / moving[largest]
        for near in range(-_NEAR, _NEAR + 1):
            tried = divisor + near * np.spacing(divisor)
            if np.all(factor * values / tried == moving):
                return factor, float(tried)
    return None


def _twice(
    values: np.ndarray, moving: np.ndarray, known: Sequence[float]
) -> tuple[float, float] | None:
    """Return two factors that give every last digit of one number, the first a known one.

    So enters the factor of all places of a channel: it multiplies the conductance of each, and the
    temperature multiplies the product.
    """
    largest = int(np.argmax(np.abs(values)))
    for first in known:
        product = first * values
        if product[largest] == 0.0:
            continue
        second = moving[largest] / product[largest]
        for near in range(-_NEAR, _NEAR + 1):
            tried = second + near * np.spacing(second)
            if np.all(product * tried == moving):
                return float(first), float(tried)
    return None


def _of_file(
    name: str, values: np.ndarray, table: np.ndarray, rows: bool, known: Sequence[float]
) -> list[Place]:
    size = np.max(np.abs(table), axis=0)
    # What differs in its last digits alone does not follow the parameter.
    where = np.flatnonzero(np.ptp(table, axis=0) > 4 * np.finfo(float).eps * size)
    moving, size = table[:, where], size[where]
    if not len(where):
        return []
    low, high = int(np.argmin(values)), int(np.argmax(values))
    if np.all(moving == values[:, np.newaxis]):
        factors, offsets = np.ones(len(where)), np.zeros(len(where))
        straight = np.ones(len(where), dtype=bool)
    else:
        factors = (moving[high] - moving[low]) / (values[high] - values[low])
        # A shift is one to the last digit, and what a parameter of 0 leaves is known to it too.
        factors = np.where(np.abs(factors - 1.0) < 1e-12, 1.0, factors)
        offsets = moving[low] - factors * values[low]
        if np.any(values == 0.0):
            offsets = moving[int(np.argmin(np.abs(values)))]
        straight = np.abs(offsets) <= 1e-12 * size
        offsets = np.where(straight, 0.0, offsets)
        factors = np.where(straight, _proportion(values, moving), factors)
        line = offsets + factors * values[:, np.newaxis]
        if not np.all(np.abs(line - moving) <= _ROUNDING * 10 * size):
            raise NotAffineError(f"what stands in {name} is no straight line of it")
    divided = {}
    for k in np.flatnonzero(straight) if name.endswith(QUOTIENTS) else ():
        if (found := _quotient(values, moving[:, k])) is not None:
            divided[int(k)] = found
    twice = {}
    for k in np.flatnonzero(straight) if known else ():
        exact = np.all(factors[k] * values == moving[:, k])
        if k in divided or exact:
            continue
        if (found := _twice(values, moving[:, k], known)) is not None:
            twice[int(k)] = found
    places = []
    if divided:
        above, below = zip(*divided.values(), strict=True)
        places.append(Place(name, tuple(where[list(divided)].tolist()), above, divisors=below))
    if twice:
        first, second = zip(*twice.values(), strict=True)
        places.append(Place(name, tuple(where[list(twice)].tolist()), first, then=second))
    plain = np.array([k not in divided and k not in twice for k in range(len(where))])
    for offset in np.unique(offsets[plain]):
        here = np.flatnonzero(plain & (offsets == offset))
        all_rows = rows and len(here) == table.shape[1]
        at = tuple(where[here].tolist())
        places.append(Place(name, at, tuple(factors[here].tolist()), float(offset), rows=all_rows))
    return places
