"""Which rows of a grid are wanted: comparisons such as ``current > 100pA and tau_m <= 20ms``."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import have_same_dimensions

from experiments.kit.words import quantity_of
from experiments.sweep.rows.axes import Axis
from neurosim.errors import ParameterError, UnitError, UnknownNameError, suggest

__all__ = ["Condition", "conditions_of"]

_COMPARE: dict[str, Any] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Condition:
    """One comparison of an axis with a value, in SI units or as a label."""

    name: str
    compare: str
    value: float | int | str

    def holds(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return for each row whether it holds."""
        found: np.ndarray = _COMPARE[self.compare](columns[self.name], self.value)
        return found


def conditions_of(text: str, axes: Sequence[Axis]) -> tuple[Condition, ...]:
    """Return the comparisons of a text, which are joined by ``and``.

    Raises
    ------
    ParameterError, UnitError, UnknownNameError
        The text is none, or names what is no axis, or a value has another unit than its axis.

    Examples
    --------
    >>> from brian2 import pA
    >>> from experiments.sweep.rows.axes import axis_of
    >>> conditions_of("current > 100pA", [axis_of("current", [50, 150] * pA)])
    (Condition(name='current', compare='>', value=1e-10),)
    """
    known = {axis.name: axis for axis in axes}
    found = []
    for part in re.split(r"\s+and\s+", text.strip()):
        said = re.fullmatch(r"\s*([\w.\[\]]+)\s*(<=|>=|==|!=|<|>)\s*(.+?)\s*", part)
        if said is None:
            raise ParameterError(
                f"where: {part!r} is no comparison, such as 'current > 100pA'; join several by "
                "'and'"
            )
        name, compare, value = said.groups()
        if name not in known:
            raise UnknownNameError(f"where: the grid has no axis {name!r}: {suggest(name, known)}")
        found.append(Condition(name, compare, _value(known[name], compare, value)))
    return tuple(found)


def _value(axis: Axis, compare: str, text: str) -> float | int | str:
    if axis.kind == "label":
        if compare not in ("==", "!="):
            raise ParameterError(f"where: {axis.name} has labels, which are compared by == or !=")
        return text.strip("'\"")
    given = quantity_of(text, f"where: {axis.name}")
    if not have_same_dimensions(given, axis.unit):
        raise UnitError(
            f"where: {axis.name} is in {axis.unit_name or 'plain numbers'}; got {text!r}"
        )
    return float(given)
