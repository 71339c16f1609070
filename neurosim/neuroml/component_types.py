"""Dependences on potential and calcium that a file of NeuroML defines itself, in LEMS.

A component type is worked out in plain SI numbers: v in volt, time in second, concentrations in
mol/m3, as its own constants scale them.

References
----------
Cannon et al. (2014), Front Neuroinform 8:79.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from neurosim.equations.trees import parsed, simplified
from neurosim.neuroml.elements import Element
from neurosim.neuroml.neuroml_units import si_of

__all__ = ["custom_dependence"]

# By base type, the exposure and the unit that it is given.
_EXPOSED = {"Rate": ("r", "Hz"), "Time": ("t", "second"), "Variable": ("x", "1")}
_FUNCTIONS = {
    "exp": "exp", "ln": "log", "sqrt": "sqrt", "abs": "abs", "sin": "sin", "cos": "cos",
    "tan": "tan", "tanh": "tanh", "sinh": "sinh", "cosh": "cosh",
}  # fmt: skip
_WORDS = {
    ".gt.": ">", ".lt.": "<", ".geq.": ">=", ".leq.": "<=", ".eq.": "==", ".neq.": "!=",
    ".and.": " and ", ".or.": " or ",
}  # fmt: skip
_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Call, ast.Name, ast.Constant, ast.Load, ast.Compare,
    ast.BoolOp, ast.And, ast.Or, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd,
    ast.Gt, ast.Lt, ast.GtE, ast.LtE, ast.Eq, ast.NotEq,
)  # fmt: skip
_LONGEST = 20_000
# Stand for the potential in volt and for calcium in mol/m3 while an expression is put together.
_POTENTIAL = "potential_"
_CALCIUM = "calcium_"


def custom_dependence(kind: Element, part: Element, reads: set[str]) -> str:
    """Return the expression of a rate, time constant or steady state that a file defines.

    Parameters
    ----------
    kind : Element
        The component type.
    part : Element
        What uses it; its attributes are parameters.
    reads : set of str
        Gets ``ca_i`` where the type depends on it.
    """
    base = kind.attributes.get("extends", "")
    match = re.fullmatch(r"baseVoltage(?:Conc)?Dep(Rate|Time|Variable)", base)
    if match is None:
        raise kind.fail(f"types that extend {base!r} are not known here")
    exposure, unit = _EXPOSED[match[1]]
    codes = {"v": _POTENTIAL}
    if "Conc" in base:
        codes["caConc"] = _CALCIUM
    for child in kind.only("Constant", "Parameter", "Requirement", "Exposure", "Text", "Dynamics"):
        if child.tag == "Requirement" and child.get("name") not in (*codes, "rateScale"):
            raise child.fail(f"the dependence on {child.get('name')!r} is not known here")
        if child.tag in ("Constant", "Parameter"):
            source = child.get("value") if child.tag == "Constant" else part.get(child.get("name"))
            found = si_of(source)
            if found is None:
                raise child.fail(f"{source!r} is no value")
            codes[child.get("name")] = repr(found[0])
    for dynamics in kind.all("Dynamics"):
        waiting = dynamics.only("DerivedVariable", "ConditionalDerivedVariable")
        while waiting:
            known = [one for one in waiting if _names(one) <= codes.keys()]
            if not known:
                missing = sorted(_names(waiting[0]) - codes.keys())
                raise waiting[0].fail(f"{', '.join(missing)} is not known here")
            for one in known:
                codes[one.get("name")] = _variable(one, codes)
            waiting = [one for one in waiting if one not in known]
    if exposure not in codes:
        raise kind.fail(f"it gives no {exposure!r}")
    tree = simplified(parsed(codes[exposure]))
    code = ast.unparse(tree) if isinstance(tree, ast.Constant) else f"({ast.unparse(tree)})"
    code = code.replace(_POTENTIAL, "(v/volt)").replace(_CALCIUM, "(ca_i/(mole/meter**3))")
    if "ca_i" in code:
        reads.add("ca_i")
    return code if unit == "1" else f"{code}*{unit}"


def _cases(variable: Element) -> list[tuple[str, str]]:
    """Return conditions and values of a variable, the condition "" for one that has none."""
    if variable.tag == "DerivedVariable":
        if "value" not in variable.attributes:
            raise variable.fail("only variables with a value are known here")
        return [("", variable.get("value"))]
    cases = [
        (case.attributes.get("condition", ""), case.get("value")) for case in variable.only("Case")
    ]
    if not cases or cases[-1][0]:
        raise variable.fail("its last case must have no condition, for what remains")
    return cases


def _python(text: str) -> str:
    """Return an expression of LEMS in the signs of Python."""
    for word, sign in _WORDS.items():
        text = text.replace(word, sign)
    return " ".join(text.replace("^", "**").split())


def _names(variable: Element) -> set[str]:
    return {
        node.id
        for case in _cases(variable)
        for text in case
        if text
        for node in ast.walk(_tree(variable, text))
        if isinstance(node, ast.Name) and node.id not in _FUNCTIONS
    }


def _tree(variable: Element, text: str) -> ast.Expression:
    code = _python(text)
    try:
        if len(code) > _LONGEST:
            raise SyntaxError
        tree = ast.parse(code, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise variable.fail(f"{text[:80]!r} is no expression") from None
    for node in ast.walk(tree):
        known = isinstance(node, _NODES)
        if isinstance(node, ast.Call):
            known = isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
        if isinstance(node, ast.Constant):
            known = isinstance(node.value, int | float) and not isinstance(node.value, bool)
        if not known:
            raise variable.fail(f"{text[:80]!r} uses what is not known here")
    return tree


class _Put(ast.NodeTransformer):
    """Puts expressions in the place of names."""

    def __init__(self, codes: Mapping[str, str]) -> None:
        self.codes = codes

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in _FUNCTIONS:
            return ast.Name(_FUNCTIONS[node.id], ast.Load())
        return ast.parse(self.codes[node.id], mode="eval").body


def _put(variable: Element, text: str, codes: Mapping[str, str]) -> str:
    code = ast.unparse(_Put(codes).visit(_tree(variable, text)))
    if len(code) > _LONGEST:
        raise variable.fail("the expression is too long")
    return code


def _variable(variable: Element, codes: Mapping[str, str]) -> str:
    """Return the expression of a variable; of several cases, a sum in which one counts."""
    terms: list[str] = []
    before: list[str] = []
    for condition, value in _cases(variable):
        own = dict(codes)
        if before:
            # Where a case before this one holds, its value counts for nothing; it must be finite
            # all the same, so that a potential at which it has none is moved aside.
            aside = f"({_POTENTIAL} + 1e-9*({' + '.join(before)}))"
            own = {name: code.replace(_POTENTIAL, aside) for name, code in codes.items()}
        parts = [f"(1 - {one})" for one in before]
        if condition:
            when = _holds(_Put(codes).visit(_tree(variable, condition)).body, variable)
            parts.append(when)
            before.append(when)
        terms.append("*".join([*parts, f"({_put(variable, value, own)})"]))
    return "(" + " + ".join(terms) + ")"


def _holds(tree: ast.expr, variable: Element) -> str:
    """Return an expression that is 1 where a condition holds and 0 elsewhere."""
    if isinstance(tree, ast.BoolOp):
        parts = [_holds(one, variable) for one in tree.values]
        if isinstance(tree.op, ast.And):
            return "(" + "*".join(parts) + ")"
        return "(1 - " + "*".join(f"(1 - {one})" for one in parts) + ")"
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        raise variable.fail(f"{ast.unparse(tree)[:80]!r} is no condition")
    return f"int({ast.unparse(tree)})"
