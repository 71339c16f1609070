"""A value for every name a model uses, from what was given, the group, and the caller's names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_UNITS
from brian2.core.variables import Constant
from brian2.equations.equations import Equations
from brian2.equations.unitcheck import check_dimensions
from brian2.units import DimensionMismatchError, Quantity, amp, get_dimensions, second
from brian2.units.fundamentalunits import DIMENSIONLESS

from neurosim.custom.voltage_and_current import said_unit
from neurosim.describe.point_neuron import FIRST_SAMPLE, KEYS, PointNeuron
from neurosim.equations.steady_state import UNITS
from neurosim.errors import ParameterError, UnitError

__all__ = ["KNOWN", "OWN", "check_called", "check_name", "check_units", "look_up", "one_value"]

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


_CALLED = re.compile(r"\b([^\W\d]\w*)\s*\(")


def check_called(name: str, codes: Iterable[str], *sources: Mapping[str, Any]) -> None:
    """Refuse a model that calls something which is nowhere to be found.

    Parameters
    ----------
    name : str
        Of the model, for messages.
    codes : iterable of str
        Its equations and statements.
    *sources : mapping
        Where names are looked up.

    Raises
    ------
    ParameterError
        A name such as J in J(t) is in none of them.
    """
    for word in dict.fromkeys(word for code in codes for word in _CALLED.findall(code)):
        if word in KNOWN or any(word in source for source in sources):
            continue
        raise ParameterError(
            f"{name}: it calls {word}(...), which is neither a function of Brian2's "
            f"nor found where from_brian2 was called; if it is a TimedArray, give "
            f"parameters={{{word!r}: ...}} or call from_brian2 where {word} is defined. Functions "
            "of your own cannot be called from a compiled run: write them into the equations"
        )


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
    if np.iscomplexobj(value):
        raise ParameterError(f"{name}: {word} must be real; got the complex {value!r}")
    try:
        number = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{name}: {word} must be a number; got {value!r}") from None
    if number.size != 1:
        raise ParameterError(f"{name}: {word} must be one value; got shape {number.shape}")
    try:
        dim = get_dimensions(value)
    except TypeError:
        raise ParameterError(f"{name}: {word} must be a number; got {value!r}") from None
    held = Quantity(float(number.reshape(-1)[0]), dim=dim)
    if word in equations and dim is not equations[word].dim:
        raise UnitError(f"{name}: {word} = {value} should be in {said_unit(equations[word].dim)}")
    check_name(word, name)
    return held


# Names that a description, its plain values or a program has for something of its own.
_TAKEN = {*PointNeuron.__annotations__, *KEYS, FIRST_SAMPLE, "kind", "v_start"}


def check_name(word: str, name: str) -> None:
    """Refuse a parameter by a name that stands for something else in every neuron.

    Raises
    ------
    ParameterError
        It is such a name.
    """
    if word in _TAKEN or hasattr(PointNeuron, word):
        raise ParameterError(
            f"{name}: a parameter cannot be called {word!r}, which every neuron has already; "
            "rename it in the equations"
        )


def check_units(neuron: PointNeuron, name: str) -> None:
    """Check that the units of all values fit in the equations they stand in.

    Raises
    ------
    UnitError
        They do not, such as where a value was given without its unit.
    """
    equations = Equations(neuron.equations)
    dims = {word: get_dimensions(getattr(neuron, word)) for word in neuron.quantity_fields()}
    dims |= {"I_stim": amp.dim, "t": second.dim, "dt": second.dim}
    dims |= dict(equations.dimensions)
    known: dict[str, Any] = {
        word: Constant(word, 1.0, dimensions=dim) for word, dim in dims.items()
    }
    known |= DEFAULT_FUNCTIONS | DEFAULT_UNITS | DEFAULT_CONSTANTS
    for word, equation in equations.items():
        # Of noise Brian2 checks the parts apart; names that only a run has are left to it.
        if equation.expr is None or equation.identifiers - known.keys():
            continue
        rate = second.dim if word in equations.diff_eq_names else DIMENSIONLESS
        try:
            check_dimensions(equation.expr.code, dims[word] / rate, known)
        except SyntaxError as error:
            raise ParameterError(
                f"{name}: Brian2 cannot read the equation of {word} ({equation.expr.code}): "
                f"{error.msg}"
            ) from None
        except DimensionMismatchError:
            raise UnitError(
                f"{name}: units do not fit in the equation of {word} ({equation.expr.code}); give "
                "each value in parameters with the unit it has there, such as 10*ms"
            ) from None
