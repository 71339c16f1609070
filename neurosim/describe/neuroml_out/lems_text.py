"""Expressions as component types of LEMS, the language that NeuroML is defined in."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from neurosim.equations.trees import calls, has, number_of

__all__ = ["CannotSayError", "component_type"]

_LEMS = {"exp": "exp", "log": "ln", "sqrt": "sqrt", "abs": "abs", "tanh": "tanh", "sin": "sin",
         "cos": "cos", "tan": "tan", "sinh": "sinh", "cosh": "cosh"}  # fmt: skip
_SIGNS: Mapping[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "^",
    ast.Gt: ".gt.", ast.Lt: ".lt.", ast.GtE: ".geq.", ast.LtE: ".leq.", ast.Eq: ".eq.",
    ast.NotEq: ".neq.", ast.And: ".and.", ast.Or: ".or.",
}  # fmt: skip
_CONCENTRATION = "ca_i"


class CannotSayError(Exception):
    """Why something cannot be said in NeuroML."""


def component_type(name: str, tree: ast.expr, what: str) -> str:
    """Return a component type that gives a rate, time constant or steady state."""
    end = {"alpha": "Rate", "beta": "Rate", "tau": "Time", "inf": "Variable"}[what]
    exposure, dimension, scale = {
        "Rate": ("r", "per_time", " / TIME_SCALE"),
        "Time": ("t", "time", " * TIME_SCALE"),
        "Variable": ("x", "none", ""),
    }[end]
    more: list[str] = []
    text = _lems(tree, more)
    conc = "Conc" if has(tree, _CONCENTRATION) else ""
    lines = [
        f'<ComponentType name="{name}" extends="baseVoltage{conc}Dep{end}">',
        '  <Constant name="TIME_SCALE" dimension="time" value="1 s"/>',
        '  <Constant name="VOLT_SCALE" dimension="voltage" value="1 V"/>',
        *(['  <Constant name="CONC_SCALE" dimension="concentration" value="1 mM"/>'] * bool(conc)),
        "  <Dynamics>",
        '    <DerivedVariable name="V" dimension="none" value="v / VOLT_SCALE"/>',
        *(['    <DerivedVariable name="CA" dimension="none" value="caConc / CONC_SCALE"/>']
          * bool(conc)),
        *(f"    {line}" for line in more),
        f'    <DerivedVariable name="{exposure}" exposure="{exposure}" dimension="{dimension}" '
        f'value={quoteattr(f"({text}){scale}")}/>',
        "  </Dynamics>",
        "</ComponentType>",
    ]  # fmt: skip
    return "\n".join(lines)


def _lems(tree: ast.expr, more: list[str]) -> str:
    """Return an expression in the signs of LEMS; `more` gets the variables that it needs."""
    if isinstance(tree, ast.Constant):
        value = number_of(tree)
        return f"({value!r})" if value < 0 else repr(value)
    if isinstance(tree, ast.Name):
        if tree.id not in ("v", _CONCENTRATION):
            raise CannotSayError(f"it depends on {tree.id!r}")
        return "V" if tree.id == "v" else "CA"
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return f"(-1 * {_lems(tree.operand, more)})"
    if isinstance(tree, ast.BinOp) and type(tree.op) in _SIGNS:
        return f"({_lems(tree.left, more)} {_SIGNS[type(tree.op)]} {_lems(tree.right, more)})"
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and type(tree.ops[0]) in _SIGNS:
        sign = _SIGNS[type(tree.ops[0])]
        return f"({_lems(tree.left, more)} {sign} {_lems(tree.comparators[0], more)})"
    if isinstance(tree, ast.BoolOp):
        sign = f" {_SIGNS[type(tree.op)]} "
        return "(" + sign.join(_lems(one, more) for one in tree.values) + ")"
    if calls(tree, "exprel"):
        inner = _lems(tree.args[0], more)  # type: ignore[attr-defined]
        return _cases(
            more,
            [
                (f"abs({inner}) .lt. 1e-6", f"1 + {inner} / 2"),
                ("", f"(exp({inner}) - 1) / {inner}"),
            ],
        )
    if calls(tree, "int"):
        inner = _lems(tree.args[0], more)  # type: ignore[attr-defined]
        return _cases(more, [(inner, "1"), ("", "0")])
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in _LEMS:
        return f"{_LEMS[tree.func.id]}({', '.join(_lems(arg, more) for arg in tree.args)})"
    raise CannotSayError(f"it uses {ast.unparse(tree)[:80]}")


def _cases(more: list[str], cases: list[tuple[str, str]]) -> str:
    """Add a variable of several cases; return its name."""
    name = f"u{sum('<Conditional' in line for line in more)}"
    more.append(f'<ConditionalDerivedVariable name="{name}" dimension="none">')
    for condition, value in cases:
        when = f"condition={quoteattr(condition)} " if condition else ""
        more.append(f"  <Case {when}value={quoteattr(value)}/>")
    more.append("</ConditionalDerivedVariable>")
    return name
