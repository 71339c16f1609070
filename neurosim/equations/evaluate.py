"""Equations read as numbers: what the gates and the current of a part are at a given potential.

Evaluation goes through Brian2's own parser and unit-aware functions, so a part whose units do not
fit fails here, when it is made, and not in the middle of a run.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_UNITS
from brian2.equations.equations import Equations, SingleEquation
from brian2.units import Quantity, second
from brian2.utils.stringtools import get_identifiers

from neurosim.equations.linear import offset_and_rate
from neurosim.equations.schemes import find_groups, occupancies, rates_of
from neurosim.equations.steady_state import Names
from neurosim.errors import ParameterError
from neurosim.quantities import unit_name

__all__ = [
    "Gate",
    "cuts_time",
    "evaluate",
    "gate_curves",
    "identifiers",
    "known_words",
    "line_of",
    "parse",
]

_WORDS: dict[str, Any] = {
    **DEFAULT_UNITS,
    **{name: constant.value for name, constant in DEFAULT_CONSTANTS.items()},
    **{name: function.pyfunc for name, function in DEFAULT_FUNCTIONS.items()},
    "int": lambda x: np.asarray(x).astype(int),
}


class Gate(NamedTuple):
    """Steady state and time constant of a gate, one value a potential.

    Attributes
    ----------
    steady : ndarray
        Value the gate tends to, without unit.
    tau : Quantity
        Time constant with which it does.
    """

    steady: np.ndarray
    tau: Quantity


@lru_cache(maxsize=512)
def parse(equations: str) -> Equations:
    """Return equations as Brian2 understands them."""
    return Equations(equations)


def identifiers(code: str) -> set[str]:
    """Return the names an expression uses."""
    return set(get_identifiers(code))


def cuts_time(equations: str) -> bool:
    """Say whether equations ask in which piece of time they are, as ``floor(t/(3*ms))`` does.

    Examples
    --------
    >>> cuts_time("dx/dt = (floor(t/(3*ms)) - x)/tau : 1")
    True
    >>> cuts_time("dx/dt = (sin(t/tau) - x)/tau : 1")
    False
    """
    return any(
        (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in _STEPS
            and _names_time(node)
        )
        or (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Mod | ast.FloorDiv)
            and _names_time(node)
        )
        for line in parse(equations).values()
        if line.expr is not None
        for node in ast.walk(ast.parse(line.expr.code, mode="eval"))
    )


# Functions that jump where their argument crosses a value.
_STEPS = ("floor", "ceil", "int", "sign", "round")


def _names_time(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "t" for one in ast.walk(node))


def line_of(
    equation: SingleEquation,
    rename: Callable[[str], str] = str,
    left: Callable[[str], str | None] | None = None,
) -> str:
    """Return a differential equation or named expression as it is written, under other names.

    Parameters
    ----------
    equation : SingleEquation
        What is written.
    rename : callable
        Turns the right side.
    left : callable, optional
        Turns the name on the left side, None: as it is (default: as `rename`).

    Examples
    --------
    >>> line_of(parse("dm/dt = -m/tau : 1")["m"], lambda code: code.replace("m", "gate_m"))
    'dgate_m/dt = -gate_m/tau : 1'
    """
    name = (left or rename)(equation.varname) or equation.varname
    unit = unit_name(Quantity(1.0, dim=equation.dim))
    name = f"d{name}/dt" if equation.type == "differential equation" else name
    return f"{name} = {rename(equation.expr.code)} : {unit}"


def known_words() -> set[str]:
    """Return the units, constants and functions every expression may use."""
    return set(_WORDS) | {"True", "False", "and", "or", "not"}


def evaluate(equations: str, code: str, values: Mapping[str, Any]) -> Any:
    """Return the value of an expression, given values of states and parameters.

    Parameters
    ----------
    equations : str
        Equations whose named expressions `code` may use.
    code : str
        Expression in Brian2's language.
    values : mapping of str to Quantity or float
        States, parameters and constants.
    """
    return eval(code, {"__builtins__": {}}, Names(parse(equations), values, _WORDS))


def _rate(equations: str, code: str, name: str, values: Mapping[str, Any], x: Any) -> Any:
    return evaluate(equations, code, {**values, name: x})


def gate_curves(
    equations: str, values: Mapping[str, Any], nonlinear: Collection[str] = ()
) -> dict[str, Gate]:
    """Return steady state and time constant of every state that is linear in itself.

    From dx/dt = a + b x follow the steady state -a/b and the time constant -1/b. The steady states
    of a kinetic scheme are its occupancies, nan where they are not known; the time constant of each
    is that of leaving it.

    Parameters
    ----------
    equations : str
        Differential equations and named expressions.
    values : mapping of str to Quantity or float
        Potential, parameters, constants and what else the equations read.
    nonlinear : collection of str
        States that are left out, since they are not linear in themselves.
    """
    system = parse(equations)
    curves = {}
    for name in sorted(set(system.diff_eq_names) - set(nonlinear)):
        unit = Quantity(1.0, dim=system[name].dim)
        code = system[name].expr.code
        others = {other: Quantity(0.0, dim=system[other].dim) for other in system.diff_eq_names}
        rate = partial(_rate, equations, code, name, {**others, **values})
        rest, slope = offset_and_rate(rate, unit)
        if np.all(np.asarray(slope) == 0):  # Only events move it.
            continue
        steady = np.asarray(-rest / slope / unit, dtype=float)
        curves[name] = Gate(steady, Quantity(np.asarray(-1 / slope, dtype=float), dim=second.dim))
    for group in find_groups(system):
        if set(group.states) & set(values):
            continue
        try:
            found = occupancies(group, *rates_of(group, partial(_rates, equations, values)))
        except ParameterError:
            found = np.full((len(group.states), 1), np.nan)
        for name, steady in zip(group.states, found, strict=True):
            never = Gate(steady, Quantity(np.inf, dim=second.dim))
            curves[name] = Gate(steady, curves.get(name, never).tau)
    return curves


def _rates(
    equations: str, values: Mapping[str, Any], name: str, given: Mapping[str, float]
) -> np.ndarray:
    """Return the rate of change of a state, in 1/s, given those of its group, all others at 0."""
    system = parse(equations)
    rest = {one: Quantity(0.0, dim=system[one].dim) for one in system.diff_eq_names}
    full = {one: Quantity(x, dim=system[one].dim) for one, x in given.items()}
    return np.asarray(
        evaluate(equations, system[name].expr.code, {**rest, **values, **full}), dtype=float
    )
