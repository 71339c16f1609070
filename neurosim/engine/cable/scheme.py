"""The time step of a kernel, worked out once from its equations.

States advance by exponential Euler, which is exact for a state that is linear in itself while the
rest stands still; then the inward current is written as I0 - g v, with g = -dI/dv, for the implicit
step of the membrane potential. This is the scheme of Brian2's SpatialNeuron.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from brian2.equations.equations import Equations
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

from neurosim.engine.cable.model import Kernel
from neurosim.engine.cable.shared_exponentials import share_exponentials
from neurosim.errors import EngineError

__all__ = ["Linear", "conductance", "linear_state", "write_step"]


@dataclass(frozen=True)
class Linear:
    """A state's equation written as dx/dt = rate * x + drive."""

    rate: str
    drive: str


def linear_state(equations: Equations, name: str) -> Linear:
    """Return the equation of one state as a linear one in itself.

    Raises
    ------
    EngineError
        The equation is not linear in the state.
    """
    x = sympy.Symbol(name, real=True)
    expression = str_to_sympy(equations[name].expr.code)
    rate = sympy.diff(expression, x)
    if rate.has(x):
        raise EngineError(
            f"d{name}/dt = {equations[name].expr.code} is not linear in {name}; give what depends "
            f"on {name} beyond a linear term a name of its own (an expression line), which is then "
            "held during the step"
        )
    return Linear(sympy_to_str(rate), sympy_to_str(expression.subs(x, 0)))


def conductance(equations: Equations, current: str) -> str:
    """Return -d(current)/dv as an expression, through every expression that depends on ``v``."""
    v = sympy.Symbol("v", real=True)
    expressions = {
        name: str_to_sympy(equations[name].expr.code) for name in equations.subexpr_names
    }
    total = str_to_sympy(current)
    for _ in range(len(expressions) + 1):
        found = {
            symbol: expressions[symbol.name]
            for symbol in total.free_symbols
            if symbol.name in expressions and _depends(symbol.name, expressions)
        }
        if not found:
            break
        total = total.subs(found)
    slope = sympy.diff(total, v)
    if slope.atoms(sympy.Derivative):
        raise EngineError(f"the current {current} cannot be differentiated with respect to v")
    return sympy_to_str(-slope)


def _depends(name: str, expressions: dict[str, sympy.Expr]) -> bool:
    """Say whether an expression depends on ``v``, directly or through others."""
    waiting, seen = [name], set()
    while waiting:
        here = waiting.pop()
        if here == "v":
            return True
        if here in seen or here not in expressions:
            continue
        seen.add(here)
        waiting += [symbol.name for symbol in expressions[here].free_symbols]
    return False


def write_step(kernel: Kernel) -> str:
    """Return one step of a kernel as Brian2 statements.

    They leave ``_conductance`` and ``_current`` for the solver: the diagonal and right-hand side
    that the row adds to its compartment, in siemens and ampere.
    """
    lines = list(kernel.updates)
    advanced = []
    equations = share_exponentials(kernel).parsed
    for name in kernel.states:
        linear = linear_state(equations, name)
        if linear.rate == "0":
            lines.append(f"_next_{name} = {name} + dt*({linear.drive})")
        else:
            lines.append(f"_rate_{name} = {linear.rate}")
            if linear.drive == "0":
                lines.append(f"_next_{name} = {name}*exp(dt*_rate_{name})")
            else:
                lines.append(f"_target_{name} = -({linear.drive})/_rate_{name}")
                lines.append(
                    f"_next_{name} = _target_{name}"
                    f" + ({name} - _target_{name})*exp(dt*_rate_{name})"
                )
        advanced.append(f"{name} = _next_{name}")
    lines += advanced
    slope = conductance(kernel.parsed, kernel.current) if kernel.conducts else "0"
    lines.append(f"_slope = {slope}")
    if kernel.density:
        lines.append("_conductance = area*(C_m/implicit_dt + _slope)")
        lines.append(f"_current = area*(C_m/implicit_dt*v + ({kernel.current}) + _slope*v)")
    elif kernel.conducts:
        lines.append("_conductance = _slope")
        lines.append(f"_current = ({kernel.current}) + _slope*v")
    else:
        lines.append("_conductance = 0*siemens")
        lines.append(f"_current = {kernel.current}")
    lines += [f"_traced_{name} = {name}" for name in kernel.record]
    return "\n".join(lines)
