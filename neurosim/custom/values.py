"""A value for every name a model uses, from what was given, the group, and the caller's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_CONSTANTS
from brian2.equations.equations import Equations
from brian2.units import Quantity, get_dimensions

from neurosim.custom.voltage_and_current import said_unit
from neurosim.describe.point_neuron import PointNeuron
from neurosim.equations.steady_state import UNITS
from neurosim.errors import ParameterError, UnitError

__all__ = ["KNOWN", "OWN", "look_up", "one_value"]

# What Brian2 itself has a value for.
OWN = {"t", "dt", "t_in_timesteps", "lastspike", "not_refractory", "I_stim"}
KNOWN = {*OWN, *DEFAULT_FUNCTIONS, *DEFAULT_CONSTANTS, "True", "False", "and", "or", "not"}


def look_up(
    word: str,
    given: Mapping[str, Any],
    *sources: Mapping[str, Any],
    equations: Equations,
    name: str,
) -> Quantity | None:
    """Return the value of a name, None if it is one that Brian2 knows by itself.

    Parameters
    ----------
    word : str
        The name.
    given : mapping
        What the caller has said; it goes before everything.
    *sources : mapping
        Where else to look, in this order.
    equations : Equations
        The model, whose parameters have units.
    name : str
        Of the model, for messages.

    Raises
    ------
    ParameterError, UnitError
        There is no value, or it is none that a run can have.
    """
    if word in given:
        return one_value(word, given[word], equations, name)
    if word not in equations and word in KNOWN | UNITS.keys():
        return None
    for source in sources:
        if word in source:
            return one_value(word, source[word], equations, name)
    raise ParameterError(f"{name}: no value for {word!r}; give parameters={{{word!r}: ...}}")


def one_value(word: str, value: Any, equations: Equations, name: str) -> Quantity:
    """Return a value as a single quantity, of the unit the equations say.

    Raises
    ------
    ParameterError, UnitError
        It is a function, an array or text, or has another unit.
    """
    if callable(value) and not isinstance(value, Quantity):
        raise ParameterError(
            f"{name}: {word!r} is a function of yours, which a compiled run cannot call; "
            "write it into the equations"
        )
    try:
        number = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{name}: {word} must be a number; got {value!r}") from None
    if number.size != 1:
        raise ParameterError(f"{name}: {word} must be one value; got shape {number.shape}")
    dim = get_dimensions(value)
    held = Quantity(float(number.reshape(-1)[0]), dim=dim)
    if word in equations and dim is not equations[word].dim:
        raise UnitError(f"{name}: {word} = {value} should be in {said_unit(equations[word].dim)}")
    if hasattr(PointNeuron, word):
        raise ParameterError(
            f"{name}: a parameter cannot be called {word!r}, which every neuron has already; "
            "rename it in the equations"
        )
    return held
