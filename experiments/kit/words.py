"""What is typed at a terminal, as values: numbers, and quantities with units."""

from __future__ import annotations

import math
import re
import typing
from typing import TYPE_CHECKING, Any

from neurosim.errors import ParameterError, UnitError

if TYPE_CHECKING:
    from brian2.units import Quantity

__all__ = ["assignment", "current_range", "parse_value",
           "quantity_of"]  # fmt: skip

# Symbols that Brian2 has no name for.
_SYMBOLS = {"s": "second", "V": "volt", "A": "amp"}


def parse_value(what: str, text: str, kind: Any) -> Any:
    """Return a text as a value of a type: int, float, bool, str, or a tuple of one of these.

    Parameters
    ----------
    what : str
        What it is, for the message.
    text : str
        Parts of a tuple are separated by commas.
    kind : type

    Raises
    ------
    ParameterError
        The text is no value of this type.

    Examples
    --------
    >>> parse_value("times", "10,50", tuple[float, ...])
    (10.0, 50.0)
    """
    wanted = {int: "a whole number", float: "a number", bool: "true or false"}
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if typing.get_origin(kind) is tuple:
            inner = typing.get_args(kind)[0]
            return tuple(inner(part) for part in text.split(","))
        return kind(text)
    except (KeyError, ValueError):
        need = wanted.get(kind, "numbers separated by commas")
        raise ParameterError(f"{what} must be {need}; got {text!r}") from None


def assignment(text: str, example: str = "") -> tuple[str, str]:
    """Return name and value of a ``--set NAME=VALUE``.

    Raises
    ------
    ParameterError
        There is no equals sign; the message shows the example.

    Examples
    --------
    >>> assignment("tau_m = 10ms")
    ('tau_m', '10ms')
    """
    name, equals, value = text.partition("=")
    if not equals:
        such = f", such as {example}" if example else ""
        raise ParameterError(f"--set takes NAME=VALUE{such}; got {text!r}")
    return name.strip(), value.strip()


def quantity_of(text: str, what: str, *, like: str = "") -> Quantity:
    """Return a number with a unit: 10ms, -70*mV or '1.5 nA'.

    Parameters
    ----------
    text : str
    what : str
        What it is, for the message.
    like : str, optional
        A quantity of the same unit, such as ``"1um"``. What is given must then have that unit, be
        finite and above 0.

    Raises
    ------
    UnitError
        It is no number, no unit is called that, or it has another unit than `like`.
    ParameterError
        It is not above 0, where `like` is given.

    Examples
    --------
    >>> quantity_of("-70*mV", "--start")
    -70. * mvolt
    >>> quantity_of("1.5 s", "--duration")
    1.5 * second
    """
    from brian2.units import Quantity, allunits, stdunits
    from brian2.units.fundamentalunits import Unit, have_same_dimensions

    example = like or "3mV, 50pA or 10ms"

    found = re.fullmatch(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*\*?\s*(\w*)\s*", text)
    if found is None:
        raise UnitError(f"{what}: {text!r} is no number with a unit, such as {example}")
    number, name = found.groups()
    try:
        value = float(number)
    except ValueError:
        raise UnitError(f"{what}: {number!r} is no number") from None
    if not name:
        found_value = Quantity(value)
    else:
        spelt = _SYMBOLS.get(name, name)
        unit = stdunits.stdunits.get(spelt, getattr(allunits, spelt, None))
        if not isinstance(unit, Unit):
            raise UnitError(f"{what}: no unit is called {name!r}; write it as in {example}")
        found_value = value * unit
    if like and not have_same_dimensions(found_value, quantity_of(like, what)):
        wrong = "has another unit" if name else "has no unit"
        raise UnitError(f"{what}: {text!r} {wrong}; write it as in {like}")
    if like and not 0 < float(found_value) < math.inf:
        raise ParameterError(f"{what}: {text!r} must be finite and above 0, such as {like}")
    return found_value


def current_range(text: str) -> Quantity:
    """Return the currents of a ``--currents FROM:TO:STEP``, in pA.

    Raises
    ------
    ParameterError
        It is no range, or one of more than 10,000 currents.
    """
    import numpy as np
    from brian2.units import pA

    try:
        first, last, step = (float(part) for part in text.split(":"))
    except ValueError:
        raise ParameterError(
            f"--currents takes FROM:TO:STEP in pA, such as 0:500:25; got {text!r}"
        ) from None
    if not step > 0 or last <= first:
        raise ParameterError(f"--currents {text}: give TO above FROM and a positive STEP")
    if (last - first) / step > 10_000:
        raise ParameterError(f"--currents {text}: more than 10 000 currents; choose a larger STEP")
    return np.arange(first, last + step / 2, step) * pA
