"""The time step of a kernel, worked out once from its equations.

States advance by exponential Euler, which is exact for a state that is linear in itself while the
rest stands still, and kinetic schemes as a whole (`neurosim.equations.schemes`). Then the inward
current is written as I0 - g v, with g = -dI/dv, for the implicit step of the membrane potential.
This is the scheme of Brian2's SpatialNeuron.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import sympy
from brian2.core.functions import exprel
from brian2.equations.equations import Equations
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str
from brian2.utils.stringtools import get_identifiers

from neurosim.engine.cable.model import Kernel
from neurosim.engine.cable.shared_exponentials import share_exponentials, share_logarithms
from neurosim.equations.linear import exponential_euler, linear_in, written_out
from neurosim.equations.schemes import advance_scheme, find_groups
from neurosim.errors import EngineError, not_linear

__all__ = ["conductance", "prepare", "slopes", "write_step"]


def prepare(kernel: Kernel) -> Kernel:
    """Return the kernel as Brian2's code generation is given it.

    Exponentials and logarithms are shared, and expressions that depend on a state name it
    themselves: after a state has advanced, code generation works out anew only what names it, not
    what depends on it by way of another expression. Other names of one number for all rows give
    way to that number's own, so that code generation takes what depends on it alone out of the
    loop.
    """
    shared = share_logarithms(share_exponentials(kernel))
    equations = shared.parsed
    names = set(equations.subexpr_names)
    states = set(equations.diff_eq_names)
    flat: dict[str, str] = {}
    same = {n for n in names if equations[n].expr.code.strip() in kernel.shared}

    def written(name: str) -> str:
        """Return an expression in which no other stands that depends on a state."""
        if name not in flat:
            code = equations[name].expr.code
            for used in sorted(get_identifiers(code) & names):
                if get_identifiers(inner := written(used)) & states or used in same:
                    code = re.sub(rf"\b{used}\b", f"({inner})", code)
            flat[name] = code
        return flat[name]

    lines = []
    for line in shared.equations.splitlines():
        left, _, rest = line.partition("=")
        name = left.strip()
        lines.append(f"{name} = {written(name)} : {_unit(rest)}" if name in names else line)
    return replace(shared, equations="\n".join(lines))


def _unit(rest: str) -> str:
    return rest.rpartition(":")[2].strip()


def conductance(equations: Equations, current: str, over: str = "v") -> str:
    """Return -d(current)/dv as an expression, through every expression that depends on ``v``.

    `over` names another variable that takes the place of ``v``.

    Raises
    ------
    EngineError
        The current has no derivative that can be written down.
    """
    v = sympy.Symbol(over, real=True)
    held: dict[str, str] = {}
    expressions = {name: _read(equations[name].expr.code, held) for name in equations.subexpr_names}
    total = written_out(_read(current, held), v, expressions).replace(exprel, _Exprel)
    slope = sympy.diff(total, v)
    if slope.atoms(sympy.Derivative):
        raise EngineError(
            f"the current {current} cannot be differentiated with respect to v; write it with "
            "exp, log, sqrt, tanh, exprel, clip or int(condition)"
        )
    written = ast.unparse(_Slopes().visit(ast.parse(sympy_to_str(-slope), mode="eval")))
    return re.sub(r"\b_held_\d+\b", lambda name: f"({held[name[0]]})", written)


class exprel_slope(sympy.Function):  # type: ignore[misc]  # noqa: N801  # SymPy has no types
    """The derivative of exprel, written by `_Slopes`."""


class _Exprel(sympy.Function):  # type: ignore[misc]  # SymPy has no types
    """exprel with a derivative of our own: Brian2's is 0/0 at zero."""

    def fdiff(self, _argument: int = 1) -> sympy.Expr:
        """Return the derivative."""
        return exprel_slope(self.args[0])


class _Slopes(ast.NodeTransformer):
    """Writes the derivative of exprel, (exp(x) - exprel(x))/x, by its series next to zero."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Replace a call of the derivative, and give exprel its name back."""
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "_Exprel":
            node.func = ast.Name("exprel")
        if name != "exprel_slope":
            return node
        x = f"({ast.unparse(node.args[0])})"
        near = f"int(abs({x}) < 1e-3)"
        series = f"(0.5 + {x}*({1 / 3!r} + {x}*(0.125 + {x}*{1 / 30!r})))"
        whole = f"({near}*{series} + (1 - {near})*(exp({x}) - exprel({x}))/({x} + {near}))"
        return ast.parse(whole, mode="eval").body


def _read(code: str, held: dict[str, str]) -> sympy.Expr:
    """Return an expression whose steps are names of their own, told in `held`.

    Between its jumps ``int(v > E)`` is a constant, and ``clip(x, a, b)`` is x or a constant.
    """
    tree = _Steps(held).visit(ast.parse(code, mode="eval"))
    return str_to_sympy(ast.unparse(tree))


class _Steps(ast.NodeTransformer):
    """Replaces what jumps, or has a kink, by names that stand still while v moves."""

    def __init__(self, held: dict[str, str]) -> None:
        self.held = held

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Replace a call of a step function."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("int", "floor", "ceil", "sign"):
            return ast.Name(self._hold(ast.unparse(node)))
        if name == "clip" and len(node.args) == 3:
            x, low, high = (ast.unparse(argument) for argument in node.args)
            inside = f"int({x} > {low})*int({x} < {high})"
            here = self._hold(inside)
            beyond = self._hold(f"{ast.unparse(node)} - {inside}*({x})")
            moving = ast.unparse(self.generic_visit(node.args[0]))
            return ast.parse(f"({here}*({moving}) + {beyond})", mode="eval").body
        return self.generic_visit(node)

    def _hold(self, code: str) -> str:
        name = f"_held_{len(self.held)}"
        self.held[name] = code
        return name


def write_step(kernel: Kernel) -> str:
    """Return one step of a kernel as Brian2 statements.

    They leave ``_conductance`` and ``_current`` for the solver: the diagonal and right-hand side
    that the row adds to its compartment, in siemens and ampere.

    Raises
    ------
    EngineError
        An equation is not linear in its state.
    """
    lines = list(kernel.updates)
    equations = prepare(kernel).parsed
    states = {}
    schemes = [group for group in find_groups(equations) if group.sums_to_one]
    joint = {name for group in schemes for name in group.states}
    together = [line for k, group in enumerate(schemes) for line in advance_scheme(group, k)]
    for name in sorted(set(kernel.states) - joint):
        code = equations[name].expr.code
        if name in kernel.nonlinear:
            together += _by_slope(equations, name, code)
            continue
        linear = linear_in(name, code)
        if linear is None:
            raise EngineError(not_linear(name, code))
        states[name] = linear
    lines += exponential_euler(states, together)
    if kernel.carriers and kernel.density:
        lines += _write_carriers(kernel)
    else:
        lines += _write_current(kernel)
        lines += _write_given(kernel, slopes(kernel)) if kernel.carriers else []
    lines += [f"_traced_{name} = {name}" for name in kernel.record]
    return "\n".join(lines)


def _by_slope(equations: Equations, name: str, code: str) -> list[str]:
    """Return the step of a state that is not linear in itself (exponential Rosenbrock-Euler).

    It is exact where the rate is a straight line, and of second order for one state alone.
    """
    slope = conductance(equations, code, name)
    return [
        f"_slope_of_{name} = -({slope})",
        f"_next_{name} = {name} + dt*({code})*exprel(dt*_slope_of_{name})",
    ]


def _write_current(kernel: Kernel) -> list[str]:
    slope = conductance(kernel.parsed, kernel.current) if kernel.conducts else "0"
    lines = [f"_slope = {slope}"]
    if kernel.density:
        lines.append("_conductance = area*(C_m/implicit_dt + _slope)")
        lines.append(f"_current = area*(C_m/implicit_dt*v + ({kernel.current}) + _slope*v)")
    elif kernel.conducts:
        lines.append("_conductance = _slope")
        lines.append(f"_current = ({kernel.current}) + _slope*v")
    else:
        lines.append("_conductance = 0*siemens")
        lines.append(f"_current = {kernel.current}")
    return lines


def slopes(kernel: Kernel) -> dict[str, str]:
    """Return by carrier the conductance of its current, those that depend on ``v``.

    Examples
    --------
    >>> from neurosim.engine.cable.model import Carrier
    >>> text = "leak = g*(E - v) : amp\\ng : siemens\\nE : volt\\nv : volt"
    >>> slopes(Kernel("patch0", text, "leak", True, carriers=(Carrier("leak", "leak"),)))
    {'leak': 'g'}
    """
    found = {one.variable: conductance(kernel.parsed, one.variable) for one in kernel.carriers}
    return {name: slope for name, slope in found.items() if slope != "0"}


def _write_carriers(kernel: Kernel) -> list[str]:
    """Write the current as the sum of those that ions carry.

    Each is left as ``_given_<name>`` - ``_slope_<name>`` v: what it is once v is solved for.
    """
    known = slopes(kernel)
    lines = _write_given(kernel, known)
    total, given = "0", "0*amp/meter**2"
    for one in kernel.carriers:
        if one.variable in known:
            total += f" + {one.charge}*_slope_{one.variable}"
        given += f" + {one.charge}*_given_{one.variable}"
    lines.append(f"_conductance = area*(C_m/implicit_dt + ({total}))")
    lines.append(f"_current = area*(C_m/implicit_dt*v + ({given}))")
    return lines


def _write_given(kernel: Kernel, known: dict[str, str]) -> list[str]:
    lines = []
    for name in (one.variable for one in kernel.carriers):
        given = name
        if name in known:
            lines.append(f"_slope_{name} = {known[name]}")
            given = _at_zero(kernel.parsed, name, known[name]) or f"{name} + _slope_{name}*v"
        lines.append(f"_given_{name} = {given}")
    return lines


def _at_zero(equations: Equations, name: str, slope: str) -> str:
    """Return a current at v = 0 if it is a straight line over v by what is written in it, else "".

    It is then the part of the current that does not depend on v. A step has no slope: v in a
    function or a comparison is no straight line.
    """
    follows = _follow_v(equations)
    code = equations[name].expr.code
    steps = (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call | ast.Compare))
    within = {name.id for n in steps for name in ast.walk(n) if isinstance(name, ast.Name)}
    if (get_identifiers(slope) | get_identifiers(code) - {"v"} | within) & follows:
        return ""
    return re.sub(r"\bv\b", "(0*volt)", code)


def _follow_v(equations: Equations) -> set[str]:
    """Return v and the expressions that depend on it by any way."""
    found: set[str] = {"v"}
    names = equations.subexpr_names
    while more := {n for n in names if get_identifiers(equations[n].expr.code) & found} - found:
        found |= more
    return found
