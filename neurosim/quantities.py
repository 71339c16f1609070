"""Physical quantities, checked in the function that the user calls.

A description is a frozen dataclass whose fields are Brian2 quantities. `quantity(...)` declares
such a field with its unit and its allowed range; `Description` checks every field when the value
is made, and compares, hashes, prints and serialises by the SI numbers inside.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self

import numpy as np
from brian2.units import (
    Quantity,
    amp,
    farad,
    get_dimensions,
    have_same_dimensions,
    hertz,
    ohm,
    second,
    siemens,
    volt,
)

from neurosim.errors import ParameterError, UnitError, UnknownNameError, suggest
from neurosim.uncaught import show_ours_plainly

# Brian2 is imported above, before any other module of ours does.
show_ours_plainly()

__all__ = [
    "Description",
    "check_celsius",
    "check_field",
    "check_quantity",
    "check_seed",
    "check_whole",
    "in_best_unit",
    "quantity",
    "unit_name",
]


def quantity(
    default: Quantity,
    doc: str,
    *,
    above: Quantity | float | None = None,
    at_least: Quantity | float | None = None,
    at_most: Quantity | float | None = None,
    many: int = 0,
    instead_of_course: str = "",
    required: bool = False,
) -> Any:
    """Declare a field that holds a quantity of the same dimension as `default`.

    Parameters
    ----------
    default : Quantity
        Default value; its unit is the one that messages suggest.
    doc : str
        What the field means, shown by `Description.describe`.
    above, at_least : Quantity or float, optional
        Open or closed lower bound, in the unit of `default`.
    at_most : Quantity or float, optional
        Closed upper bound.
    many : int
        How many dimensions an array given for it may have (0: a single value only).
    instead_of_course : str
        Says that the value cannot change during a run, and what to do in place of that.
    required : bool
        Whether the value must be given; `default` is then an example.
    """
    metadata = {
        "unit": default,
        "doc": doc,
        "above": above,
        "at_least": at_least,
        "at_most": at_most,
        "many": many,
        "instead_of_course": instead_of_course,
        "required": required,
    }
    if required:
        # None is no quantity, so that what is left out is refused by its name.
        return dataclasses.field(default=None, metadata=metadata)
    # A quantity is an array, which dataclasses refuse as a plain default.
    return dataclasses.field(default_factory=lambda: default, metadata=metadata)


def _example(unit: Quantity) -> str:
    """Return a value as one would type it: 20*ms."""
    return str(unit).replace(". ", "*").replace(" ", "*").replace("^", "**")


def check_quantity(
    value: Any,
    like: Quantity,
    name: str,
    *,
    above: Quantity | float | None = None,
    at_least: Quantity | float | None = None,
    at_most: Quantity | float | None = None,
    many: int = 0,
) -> Quantity:
    """Return `value` as a quantity, or say what is wrong with it.

    Parameters
    ----------
    value : Quantity
        Number or array with a unit.
    like : Quantity
        A value of the wanted dimension, quoted in messages as an example.
    name : str
        What to call it in messages, such as ``"LIF: tau_m"``.
    above, at_least : Quantity or float, optional
        Open or closed lower bound.
    at_most : Quantity or float, optional
        Closed upper bound.
    many : int
        How many dimensions an array may have (0: a single value only).

    Raises
    ------
    UnitError
        The value is a bare number or has another dimension.
    ParameterError
        The value is not finite, out of range or of the wrong shape.

    Examples
    --------
    >>> from brian2 import ms
    >>> check_quantity(20 * ms, 10 * ms, "tau")
    20. * msecond
    """
    example = _example(like)
    if isinstance(value, str) or value is None:
        raise UnitError(f"{name} must be a quantity such as {example}; got {value!r}")
    if np.iscomplexobj(value):
        raise ParameterError(f"{name} must be real; got the complex {value!r}")
    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise UnitError(f"{name} must be a quantity such as {example}; got {value!r}") from None
    if not have_same_dimensions(value, like):
        if have_same_dimensions(value, 1):
            raise UnitError(
                f"{name} must carry a unit, such as {example}; got the bare number "
                f"{_short(numbers)}"
            )
        raise UnitError(f"{name} must have the unit of {example}; got {_short_quantity(value)}")
    if numbers.ndim > many:
        wanted = "a value or a list" if many else "a single value"
        raise ParameterError(
            f"{name} must be {wanted}; got an array of shape {numbers.shape}. "
            "To run many values at once give them to simulate(batch={...})."
        )
    if numbers.size == 0:
        raise ParameterError(f"{name} is empty; give at least one value")
    if not np.all(np.isfinite(numbers)):
        raise ParameterError(f"{name} must be finite; got {_short_quantity(value)}")
    for bound, beyond, word in (
        (above, np.greater, "greater than"),
        (at_least, np.greater_equal, "at least"),
        (at_most, np.less_equal, "at most"),
    ):
        if bound is not None and not np.all(beyond(numbers, float(np.asarray(bound)))):
            # Nothing needs no unit, and that of a permeability would be hard to read.
            limit = _short_quantity(bound) if isinstance(bound, Quantity) and bound else "0"
            limit = limit if isinstance(bound, Quantity) else str(bound)
            raise ParameterError(f"{name} must be {word} {limit}; got {_short_quantity(value)}")
    checked = Quantity(np.array(numbers), dim=like.dim if isinstance(like, Quantity) else None)
    if np.ndim(checked):
        checked.setflags(write=False)
    return checked


def check_field(
    value: Any,
    field: dataclasses.Field[Any],
    name: str,
    *,
    like: Quantity | None = None,
    many: int | None = None,
) -> Quantity:
    """Check a value by the rule of a field made with `quantity`; see `check_quantity`.

    Parameters
    ----------
    like, many : optional
        Taken instead of the field's own.
    """
    rule = field.metadata
    return check_quantity(
        value,
        rule["unit"] if like is None else like,
        name,
        above=rule["above"],
        at_least=rule["at_least"],
        at_most=rule["at_most"],
        many=rule["many"] if many is None else many,
    )


def in_best_unit(values: Quantity, name: str) -> tuple[np.ndarray, str]:
    """Return numbers in a unit that reads well, and a label that says it.

    Examples
    --------
    >>> from brian2 import volt
    >>> numbers, label = in_best_unit([-0.07, 0.02] * volt, "v")
    >>> numbers.round(6).tolist(), label
    ([-70.0, 20.0], 'v (mV)')
    """
    if get_dimensions(values).is_dimensionless:
        return np.asarray(values, dtype=float), name
    best = values.get_best_unit()
    return np.asarray(values / best, dtype=float), f"{name} ({str(best).replace('um', 'µm')})"


def check_whole(value: Any, name: str) -> int:
    """Return a whole number of at least 1, or say what is wrong with it.

    Raises
    ------
    ParameterError
        The value is no number, not whole, or below 1.
    """
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or value < 1 or value % 1:
        raise ParameterError(f"{name} must be a whole number of at least 1; got {value!r}")
    return int(value)


def check_celsius(value: Any, name: str) -> None:
    """Refuse what is no temperature in °C at which cells live.

    Raises
    ------
    ParameterError
        The value is no plain number from -10 to 60.
    """
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or not -10 <= value <= 60:
        raise ParameterError(
            f"{name} must be a plain number of °C from -10 to 60, such as 37; got {value!r}"
        )


def check_seed(seed: Any) -> np.ndarray:
    """Return seeds as an array of non-negative 64-bit integers.

    Raises
    ------
    ParameterError
        A seed is negative, fractional, not a number, or above 2**63 - 1.
    """
    numbers = np.asarray(seed)
    if numbers.dtype == bool or not np.issubdtype(numbers.dtype, np.integer):
        raise ParameterError(
            f"seed must be a non-negative integer or an array of them; got {seed!r}"
        )
    if numbers.size == 0 or numbers.ndim > 1:
        raise ParameterError(f"seed must be one integer or a flat array; got shape {numbers.shape}")
    if np.any(numbers < 0) or np.any(numbers > np.iinfo(np.int64).max):
        raise ParameterError(f"seed must lie between 0 and 2**63 - 1; got {seed!r}")
    return numbers.astype(np.int64)


def _short(numbers: np.ndarray) -> str:
    return f"{numbers.item():g}" if numbers.size == 1 else np.array2string(numbers, threshold=6)


def _short_quantity(value: Any) -> str:
    text = str(value)
    return text if len(text) < 80 else text[:77] + "..."


class Description:
    """A frozen value made of quantities: compares, hashes, prints and serialises.

    Subclasses are declared with ``@dataclass(frozen=True, eq=False, repr=False)`` and fields made
    by `quantity`. Making one checks units and ranges and touches no simulator object.

    Attributes
    ----------
    described_by : tuple of str
        Class attributes that say what the value is beside its fields, such as equations.
    """

    described_by: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name, field in self.quantity_fields().items():
            checked = check_field(getattr(self, name), field, f"{type(self).__name__}: {name}")
            object.__setattr__(self, name, checked)
        self.check()

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Pickling turns a dimensionless quantity into a plain float; checking it turns it back.
        self.__dict__.update(state)
        self.__post_init__()

    def check(self) -> None:
        """Check what no single field can tell (overridden where fields depend on each other)."""

    @classmethod
    def quantity_fields(cls) -> dict[str, dataclasses.Field[Any]]:
        """Return the declared quantities by name."""
        return {
            field.name: field
            for field in dataclasses.fields(cls)  # type: ignore[arg-type]
            if "unit" in field.metadata
        }

    @classmethod
    def describe(cls) -> str:
        """Return a line a parameter: name, default value, meaning.

        Examples
        --------
        >>> from neurosim import LIF
        >>> print(LIF.describe().splitlines()[0])
        E_L = -70. mV: resting (leak reversal) potential
        """
        return "\n".join(
            f"{name} {'such as' if field.metadata['required'] else '='} {field.metadata['unit']}: "
            f"{field.metadata['doc']}"
            for name, field in cls.quantity_fields().items()
        )

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed.

        Raises
        ------
        UnknownNameError
            A name is not a field; the message offers the nearest one.
        """
        known = {field.name for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        for name in changes:
            if name not in known:
                raise UnknownNameError(
                    f"{type(self).__name__} has no parameter {name!r}: {suggest(name, known)}"
                )
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def to_dict(self) -> dict[str, Any]:
        """Return all that the value says in plain JSON values, to be stored and compared.

        Returns
        -------
        dict
            The kind, each field as a number with its SI unit, and `described_by`.

        Examples
        --------
        >>> from brian2 import pA
        >>> from neurosim import Constant
        >>> Constant(100 * pA).to_dict()
        {'kind': 'Constant', 'current': {'value': 1e-10, 'unit': 'amp'}}
        """
        content: dict[str, Any] = {"kind": type(self).__name__}
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            # Dimensionless quantities come back from pickling as plain floats.
            content[field.name] = _plain(Quantity(value) if "unit" in field.metadata else value)
        return content | {name: getattr(self, name) for name in self.described_by}

    def _key(self) -> tuple[Any, ...]:
        parts: list[Any] = [type(self)]
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            # Dimensionless quantities come back from pickling as plain floats.
            if isinstance(value, np.ndarray) or "unit" in field.metadata:
                numbers = np.asarray(value, dtype=float)
                parts.append((numbers.shape, numbers.tobytes()))
            else:
                parts.append(value)
        return tuple(parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Description) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        inside = ", ".join(
            f"{field.name}={getattr(self, field.name)}"
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        )
        return f"{type(self).__name__}({inside})"


def _plain(value: Any) -> Any:
    if isinstance(value, Description):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Quantity):
        return {"value": np.asarray(value, dtype=float).tolist(), "unit": unit_name(value)}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


_NAMED = (amp, farad, hertz, ohm, second, siemens, volt)
# Brian2's name of each base dimension, and of its SI unit in equations.
_BASE = {
    "length": "metre",
    "mass": "kilogram",
    "time": "second",
    "current": "amp",
    "temperature": "kelvin",
    "substance": "mole",
    "luminosity": "candle",
}


def unit_name(like: Quantity) -> str:
    """Return the SI unit of a quantity as Brian2 equations spell it.

    Brian2 writes a unit as it was last made, whoever made it, so this is the spelling that users
    see from then on: siemens/metre**2, and not its base units.

    Examples
    --------
    >>> from brian2 import cm, mV, uF, um
    >>> unit_name(3 * mV), unit_name(2 * um**2), unit_name(uF / cm**2)
    ('volt', 'metre**2', 'farad/metre**2')
    """
    dim = get_dimensions(like)
    for unit in _NAMED:
        if unit.dim == dim:
            return repr(unit)
    # A rate is hertz, but a speed is no hertz*metre.
    named = (unit for unit in _NAMED if unit is not hertz)
    spelt = [*(_spelling(repr(unit), dim / unit.dim) for unit in named), _spelling("", dim)]
    return min(spelt, key=lambda found: found[0])[1]


def _spelling(named: str, rest: Any) -> tuple[tuple[int, float], str]:
    """Return a unit times powers of the base units, and how long that is to read."""
    powers = {name: rest.get_dimension(base) for base, name in _BASE.items()}
    above = [named] if named else []
    above += [_power(name, power) for name, power in powers.items() if power > 0]
    below = [_power(name, -power) for name, power in powers.items() if power < 0]
    if not above and below:
        # One over a unit is no unit to Brian2; a negative power is.
        name, power = next((name, power) for name, power in powers.items() if power < 0)
        above, below = [f"{name}**{power:g}"], below[1:]
    length = (len(above) + len(below), sum(map(abs, powers.values())))
    return length, "/".join(["*".join(above) or "1", *below])


def _power(name: str, power: float) -> str:
    return name if power == 1 else f"{name}**{power:g}"
