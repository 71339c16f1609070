"""States that are linear in themselves, dx/dt = a + b x: a and b, and the step that follows.

Everything that stands still a state of this kind approaches -a/b with the time constant -1/b, and
exponential Euler advances it exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

__all__ = ["Linear", "exponential_euler", "linear_in", "offset_and_rate", "written_out"]


@dataclass(frozen=True)
class Linear:
    """A state's equation as dx/dt = rate * x + drive, in Brian2's language."""

    rate: str
    drive: str


def linear_in(name: str, code: str, named: Mapping[str, Any] | None = None) -> Linear | None:
    """Return the right side of an equation as one that is linear in a state, None if it is not.

    Parameters
    ----------
    name : str
        The state.
    code : str
        Right side of its differential equation.
    named : mapping of str to sympy expression, optional
        Named expressions; those that depend on the state are written out, all others are kept.
        By default every name is held.

    Examples
    --------
    >>> linear_in("m", "alpha*(1 - m) - beta*m")
    Linear(rate='-alpha - beta', drive='alpha')
    >>> linear_in("m", "m**2/tau") is None
    True
    """
    x = sympy.Symbol(name, real=True)
    right = written_out(str_to_sympy(code), x, named or {})
    rate = sympy.diff(right, x)
    if rate.has(x):
        return None
    return Linear(sympy_to_str(rate), sympy_to_str(right.subs(x, 0)))


def exponential_euler(states: Mapping[str, Linear], others: Sequence[str] = ()) -> list[str]:
    """Return the statements that advance states by one step, each while the others stand still.

    Parameters
    ----------
    states : mapping of str to Linear
        The states and their equations.
    others : sequence of str
        Statements that set ``_next_<state>`` of further states, before any state changes.

    Examples
    --------
    >>> exponential_euler({"x": Linear("-1/tau", "0")})
    ['_rate_x = -1/tau', '_next_x = x*exp(dt*_rate_x)', 'x = _next_x']
    """
    lines = []
    for name, linear in states.items():
        if linear.rate == "0":
            lines.append(f"_next_{name} = {name} + dt*({linear.drive})")
            continue
        lines.append(f"_rate_{name} = {linear.rate}")
        if linear.drive == "0":
            lines.append(f"_next_{name} = {name}*exp(dt*_rate_{name})")
            continue
        lines.append(f"_target_{name} = -({linear.drive})/_rate_{name}")
        lines.append(
            f"_next_{name} = _target_{name} + ({name} - _target_{name})*exp(dt*_rate_{name})"
        )
    lines += others
    more = [line.split(" = ")[0] for line in others if line.startswith("_next_")]
    ahead = [f"_next_{name}" for name in states] + more
    return lines + [f"{name.removeprefix('_next_')} = {name}" for name in ahead]


def offset_and_rate(derivative: Callable[[Any], Any], one: Any = 1.0) -> tuple[Any, Any]:
    """Return a and b of a derivative dx/dt = a + b x, given as a function of x.

    Parameters
    ----------
    derivative : callable
        Returns dx/dt at a value of the state.
    one : float or Quantity
        One unit of the state.

    Examples
    --------
    >>> offset_and_rate(lambda x: 3.0 - 2.0 * x)
    (3.0, -2.0)
    """
    offset = derivative(0 * one)
    return offset, (derivative(one) - offset) / one


def written_out(expression: Any, x: Any, named: Mapping[str, Any]) -> Any:
    """Return an expression in which the named ones that depend on a symbol are written out."""
    while found := {
        symbol: named[symbol.name]
        for symbol in expression.free_symbols
        if symbol.name in named and _depends(named[symbol.name], x, named)
    }:
        expression = expression.subs(found)
    return expression


def _depends(expression: Any, x: Any, named: Mapping[str, Any]) -> bool:
    return any(
        symbol == x or (symbol.name in named and _depends(named[symbol.name], x, named))
        for symbol in expression.free_symbols
    )
