"""A Brian2 model before it is translated: equations, conditions, values, and what else it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brian2.equations.equations import Equations
from brian2.units import Quantity

from neurosim.describe.point_neuron import Action
from neurosim.errors import ParameterError

__all__ = ["Source", "parse_equations"]


@dataclass(frozen=True)
class Source:
    """A model of Brian2's, in its own names.

    Attributes
    ----------
    name : str
        What messages call it.
    equations : Equations
        As they were written.
    threshold, reset : str or None
        When it spikes, and what happens then.
    refractory : str, Quantity or bool
        As in Brian2.
    method : str or None
        State updater; None where it is left to choice.
    dt : Quantity or None
        Time step; None where it is left to choice.
    index, size : int
        Number of the neuron in its group, and how many the group has: ``i`` and ``N``.
    held : mapping of str to Quantity
        Present values of the parameters.
    present : mapping of str to Quantity
        Present values of the states.
    names : mapping of str
        The group's own namespace.
    actions : tuple of Action
        What it does beside equations and reset, untranslated.
    """

    name: str
    equations: Equations
    threshold: str | None = None
    reset: str | None = None
    refractory: str | Quantity | bool | None = None
    method: str | None = None
    dt: Quantity | None = None
    index: int = 0
    size: int = 1
    held: Mapping[str, Quantity] = field(default_factory=dict)
    present: Mapping[str, Quantity] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()


def parse_equations(text: str, name: str) -> Equations:
    """Return equations as Brian2 reads them.

    Raises
    ------
    ParameterError
        They cannot be read.
    """
    try:
        return Equations(text)
    except Exception as error:
        # Brian2's own words say which line; its classes are many.
        raise ParameterError(f"{name}: the equations cannot be read: {error}") from None
