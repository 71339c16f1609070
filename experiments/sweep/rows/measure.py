"""One measure: a function, what it returns in which units, and what identifies it in a store.

A store must be able to say what its numbers mean: a user's function is known by its source and by a
version that the user states, because the source does not show what the function calls.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, have_same_dimensions

from experiments.kit.words import quantity_of
from experiments.sweep.errors import MeasureError
from neurosim.errors import UnitError
from neurosim.quantities import unit_name

__all__ = ["Measure", "source_of", "unit_of"]


@dataclass(frozen=True)
class Measure:
    """A function of a chunk's recording, or of a row.

    Attributes
    ----------
    name : str
    function : callable
        ``function(recording, **arguments)``, or ``function(description, seed, **arguments)``.
    version : str
        Changes when what the function does changes.
    outputs : tuple of (str, str)
        Names and units of the numbers it returns.
    of : {"runs", "rows"}
        What it gets.
    record : tuple of str
        Variables to trace; `measure_of_runs` only.
    arguments : tuple of (str, value)
        Further arguments.
    """

    name: str
    function: Callable[..., Any]
    version: str
    outputs: tuple[tuple[str, str], ...]
    of: str
    record: tuple[str, ...] = ()
    arguments: tuple[tuple[str, Any], ...] = ()

    def __call__(self, *what: Any) -> dict[str, Any]:
        """Return the numbers by name."""
        found = self.function(*what, **dict(self.arguments))
        if not isinstance(found, Mapping):
            found = {self.outputs[0][0]: found}
        promised = {name for name, _ in self.outputs}
        if set(found) != promised:
            raise MeasureError(
                f"measure {self.name!r} promised {', '.join(sorted(promised))} and returned "
                f"{', '.join(sorted(map(str, found)))}"
            )
        return {name: self._in_unit(name, found[name], unit) for name, unit in self.outputs}

    def _in_unit(self, name: str, value: Any, unit: str) -> Any:
        """Return numbers in the stated unit: quantities are converted, numbers are taken so."""
        told = f"measure {self.name!r}, {name}"
        if value is None or np.iscomplexobj(value):
            what = "None" if value is None else "complex numbers"
            raise MeasureError(f"{told}: returned {what}; return real numbers, and nan for none")
        if not isinstance(value, Quantity):
            return value
        one = unit_of(unit, told)
        if not have_same_dimensions(value, one):
            raise MeasureError(
                f"{told}: returned a quantity in {unit_name(value)}, and its unit was stated as "
                f"{unit or 'none'!r}"
            )
        return np.asarray(value / one, dtype=float)

    def to_dict(self) -> dict[str, Any]:
        """Return what identifies the measure, in plain values."""
        return {
            "name": self.name,
            "version": self.version,
            "source_sha256": hashlib.sha256(source_of(self.function).encode()).hexdigest(),
            "outputs": [list(one) for one in self.outputs],
            "of": self.of,
            "record": list(self.record),
            "arguments": [[name, _plain(value)] for name, value in self.arguments],
        }


def unit_of(text: str, what: str) -> Quantity:
    """Return one of a unit such as ``mV``, ``V/s`` or ``nA*ms``; 1 of none.

    Examples
    --------
    >>> from brian2 import second, volt
    >>> bool(unit_of("mV/ms", "a slope") == 1 * volt / second), float(unit_of("", "a share"))
    (True, 1.0)
    """
    found = Quantity(1.0)
    if text in ("", "1"):
        return found
    for sign, name in re.findall(r"(^|[*/])([^*/]*)", text):
        try:
            if not name.strip()[:1].isalpha():
                raise UnitError(name)
            factor = quantity_of(f"1 {name.strip()}", what)
        except UnitError:
            raise MeasureError(
                f"{what}: {text!r} is no unit; write it as in mV, V/s or nA*ms, and '' for a "
                "number without unit"
            ) from None
        found = found / factor if sign == "/" else found * factor
    return Quantity(found)


def source_of(function: Callable[..., Any]) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise MeasureError(
            f"measure {function.__name__!r}: its source cannot be read ({error}); write it in a "
            "file or a notebook cell"
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Quantity):
        return {"si": np.asarray(value, dtype=float).tolist(), "unit": repr(value.dim)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise MeasureError(
        f"an argument of a measure must be a number, text or quantity; got {value!r}"
    )
