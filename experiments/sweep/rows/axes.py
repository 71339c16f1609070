"""One axis of a grid: what it is called and which values it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, have_same_dimensions

from neurosim.errors import ParameterError, UnitError
from neurosim.quantities import unit_name

__all__ = ["Axis", "Between", "axis_of", "said_of_row"]

_NAME = re.compile(r"[^\s/\\.][^\s/\\]*")


@dataclass(frozen=True)
class Between:
    """A range from which a random, Latin hypercube or Sobol grid draws.

    Parameters
    ----------
    low, high : Quantity or float
        Its ends.
    log : bool
        Whether the logarithm is drawn evenly, and not the value.

    Examples
    --------
    >>> from brian2 import ms
    >>> Between(5 * ms, 50 * ms, log=True).high
    50. * msecond
    """

    low: Any
    high: Any
    log: bool = False


@dataclass(frozen=True, eq=False)
class Axis:
    """A named list of values, or a range.

    Attributes
    ----------
    name : str
        What varies.
    values : ndarray or None
        Numbers in SI units, whole numbers, or labels; None for a range.
    low, high : float
        Ends of a range, in SI units.
    log : bool
        Whether the logarithm of the value is drawn evenly.
    unit : Quantity
        One SI unit of the values; of whole numbers, plain numbers and labels a plain 1.
    """

    name: str
    values: np.ndarray | None
    low: float
    high: float
    log: bool
    unit: Quantity

    @property
    def kind(self) -> str:
        """Return "number", "whole" or "label"."""
        if self.values is None or self.values.dtype.kind == "f":
            return "number"
        return "whole" if self.values.dtype.kind == "i" else "label"

    @property
    def unit_name(self) -> str:
        """Return the SI unit as it is spelt; "" where there is none."""
        return "" if self.unit.dim.is_dimensionless else unit_name(self.unit)

    def pick(self, number: np.ndarray) -> np.ndarray:
        """Return the values at the given places of the list."""
        assert self.values is not None
        picked: np.ndarray = self.values[number]
        return picked

    def at(self, share: np.ndarray) -> np.ndarray:
        """Return the values at shares from 0 to 1 of the range, or of the list."""
        share = np.ascontiguousarray(share)
        if self.values is not None:
            last = len(self.values) - 1
            return self.pick(np.minimum((share * len(self.values)).astype(np.int64), last))
        if self.log:
            drawn: np.ndarray = self.low * (self.high / self.low) ** share
        else:
            drawn = self.low + (self.high - self.low) * share
        return np.clip(drawn, self.low, self.high)

    def to_dict(self) -> dict[str, Any]:
        """Return what identifies the axis, in plain values that JSON keeps exactly."""
        told: dict[str, Any] = {"name": self.name, "unit": self.unit_name}
        if self.values is None:
            return told | {"low": self.low, "high": self.high, "log": self.log}
        return told | {"kind": self.kind, "values": self.values.tolist()}

    @classmethod
    def from_dict(cls, told: dict[str, Any], unit: Quantity) -> Axis:
        """Return the axis that `to_dict` told of; `unit` is one of its SI units."""
        if "values" not in told:
            return cls(told["name"], None, told["low"], told["high"], told["log"], unit)
        kinds: dict[str, Any] = {"number": np.float64, "whole": np.int64, "label": np.str_}
        values: np.ndarray = np.array(told["values"], dtype=kinds[told["kind"]])
        return cls(told["name"], values, 0.0, 0.0, False, unit)


def axis_of(name: str, given: Any) -> Axis:
    """Return an axis of what a user gives for it, checked.

    Parameters
    ----------
    name : str
    given : Quantity array, sequence of numbers or labels, or Between

    Raises
    ------
    ParameterError, UnitError
        It is none, empty, not finite, or has a value twice.

    Examples
    --------
    >>> from brian2 import pA
    >>> axis_of("current", [100, 200] * pA).to_dict()["values"]
    [1e-10, 2e-10]
    """
    if not isinstance(name, str) or not name:
        raise ParameterError(f"sweep: an axis is called by a text such as 'current'; got {name!r}")
    if not _NAME.fullmatch(name):
        raise ParameterError(
            f"sweep: an axis has a name without spaces and slashes, because the store has a folder "
            f"of that name; got {name!r}"
        )
    if isinstance(given, Between):
        return _range(name, given)
    unit = _one(given) if isinstance(given, Quantity) else None
    if unit is None and isinstance(given, Sequence) and not isinstance(given, str):
        given, unit = _together(name, given)
    if isinstance(given, str) or not np.iterable(given):
        raise ParameterError(
            f"sweep: axis {name!r} needs a list of values, such as [1, 2], or Between(low, high); "
            f"got {given!r}"
        )
    values = np.array(given if isinstance(given, np.ndarray) else list(given))
    if values.dtype.kind == "f" or unit is not None:
        values = np.asarray(values, dtype=np.float64)
    elif values.dtype.kind in "iu":
        values = values.astype(np.int64)
    elif values.dtype.kind != "U":
        raise ParameterError(
            f"sweep: axis {name!r} takes numbers or labels, all of one kind; got {given!r}"
        )
    if values.ndim != 1 or not len(values):
        raise ParameterError(f"sweep: axis {name!r} needs a flat list of at least one value")
    if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
        raise ParameterError(f"sweep: axis {name!r} has a value that is not finite")
    values.setflags(write=False)
    return Axis(name, values, 0.0, 0.0, False, Quantity(1.0) if unit is None else unit)


def _together(name: str, given: Sequence[Any]) -> tuple[Any, Quantity | None]:
    """Return a list of single quantities as numbers in SI units, and the unit."""
    if not any(isinstance(value, Quantity) for value in given):
        return given, None
    first = next(value for value in given if isinstance(value, Quantity))
    for value in given:
        if not have_same_dimensions(value, first):
            raise UnitError(f"sweep: axis {name!r} mixes units: {first!r} and {value!r}")
    unit = _one(first)
    return [float(value) for value in given], unit


def _range(name: str, given: Between) -> Axis:
    if not have_same_dimensions(given.low, given.high):
        raise UnitError(
            f"sweep: axis {name!r}: both ends of Between need one unit; got {given.low!r} and "
            f"{given.high!r}"
        )
    try:
        low, high = float(given.low), float(given.high)
    except TypeError:
        raise ParameterError(f"sweep: axis {name!r}: Between takes single values") from None
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ParameterError(f"sweep: axis {name!r}: Between needs low below high, both finite")
    if given.log and low <= 0:
        raise ParameterError(f"sweep: axis {name!r}: a logarithmic range starts above 0")
    return Axis(name, None, low, high, given.log, _one(given.low))


def _one(of: Any) -> Quantity:
    """Return one SI unit of a value; of a plain number a 1 that is a quantity too."""
    return Quantity(Quantity(1.0, dim=get_dimensions(of)))


def said_of_row(row: Mapping[str, Any], units: Mapping[str, Quantity]) -> str:
    """Return where a row is, for people: each axis with its value in a unit that suits it.

    Parameters
    ----------
    row : mapping of str to float, int or str
        Coordinates, in SI units.
    units : mapping of str to Quantity
        One SI unit of each axis.

    Examples
    --------
    >>> from brian2 import second
    >>> said_of_row({"tau_m": 0.013000000000000001, "repeat": 2}, {"tau_m": 1 * second})
    'tau_m=13. ms, repeat=2'
    """
    said = []
    for name, value in row.items():
        unit, shown = units.get(name), value
        if unit is not None and not unit.dim.is_dimensionless:
            shown = Quantity(value, dim=unit.dim)
        said.append(f"{name}={shown}")
    return ", ".join(said)
