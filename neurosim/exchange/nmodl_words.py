"""Expressions of Brian2's language in NMODL, the language of NEURON's mechanisms.

Numbers keep their meaning by one choice of base units: centimetre, millisecond, milliampere and
micromole. In these, NEURON's mV, S/cm2, mA/cm2, mM, mA and 1/ms are all one, so that an equation is
written as it stands, and every name of a unit in it gives way to a number.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Callable, Collection, Iterable

import numpy as np
from brian2.core.namespace import DEFAULT_CONSTANTS
from brian2.units import Quantity, get_dimensions

from neurosim.equations.evaluate import known_words
from neurosim.equations.steady_state import UNITS
from neurosim.exchange.errors import ExchangeError

__all__ = [
    "HELPERS",
    "Names",
    "Printer",
    "in_neuron_units",
    "si_factor",
    "unit_text",
    "write_expression",
]

# The base units in SI, in Brian2's order: metre, kilogram, second, ampere, kelvin, mole, candela.
# That of mass follows from that of potential, which is to be 1 mV.
_BASE = (1e-2, 1e-11, 1e-3, 1e-3, 1.0, 1e-6, 1.0)


def in_neuron_units(value: Quantity | float) -> np.ndarray:
    """Return a quantity as plain numbers in mV, ms, mA, cm and µmol.

    Examples
    --------
    >>> from brian2 import cm, mS, mV, um
    >>> from brian2.units.stdunits import mM
    >>> [float(in_neuron_units(x)) for x in (-70 * mV, 120 * mS / cm**2, 3 * mM, 1 * um)]
    [-70.0, 0.12, 3.0, 0.0001]
    """
    given = np.asarray(np.asarray(value, dtype=float) / si_factor(value))
    # Without the rounding of the division: 1 um is 1e-4 cm, not 9.999999999999999e-05.
    return given if given.ndim else np.asarray(_round(float(given)))


def si_factor(like: Quantity | float) -> float:
    """Return what a number in NEURON's units is multiplied by to be one in SI units."""
    powers = get_dimensions(like)._dims
    found = float(np.prod([base**power for base, power in zip(_BASE, powers, strict=True)]))
    # All are powers of ten; the product has rounding errors.
    near = float(f"{found:.12g}")
    return near if abs(near - found) < 1e-14 * found else found


# Units that modlunit and readers know, by the powers of the base units.
_UNIT_TEXTS: dict[tuple[float, ...], str] = {
    (2, 1, -3, -1, 0, 0, 0): "mV",
    (0, 0, 1, 0, 0, 0, 0): "ms",
    (0, 0, -1, 0, 0, 0, 0): "/ms",
    (-4, -1, 3, 2, 0, 0, 0): "S/cm2",
    (-2, -1, 3, 2, 0, 0, 0): "S",
    (-2, 0, 0, 1, 0, 0, 0): "mA/cm2",
    (-3, 0, 0, 0, 0, 1, 0): "mM",
    (1, 0, 0, 0, 0, 0, 0): "cm",
    (-1, 0, 0, 0, 0, 0, 0): "/cm",
    (2, 0, -1, 0, 0, 0, 0): "cm2/ms",
}


def unit_text(like: Quantity | float) -> str:
    """Return how NMODL writes a unit, "" where it has no short name."""
    return _UNIT_TEXTS.get(tuple(float(power) for power in get_dimensions(like)._dims), "")


# What NMODL, the C++ that NEURON makes of it, and NEURON itself would take for something else.
_WORDS = """
    v t dt celsius area diam L Ra nseg i x y0 y1 yn j0 j1 jn gamma I secondorder if else while
    for do int long short double float char bool void static const auto break case class default
    delete enum extern friend goto inline new operator private public register return signed
    sizeof struct switch template this throw typedef union unsigned using virtual volatile loc
    has_loc get_loc get_segment weight flag exp log log10 sqrt sin cos tan sinh cosh tanh asin
    acos atan fabs floor ceil pow TITLE CONSTANT PARAMETER INDEPENDENT ASSIGNED INITIAL TERMINAL
    DERIVATIVE STATE BREAKPOINT SOLVE STEPPED LINEAR NONLINEAR DISCRETE FUNCTION PROCEDURE INT
    DEL DEL2 LOCAL METHOD STEADYSTATE STEP WITH FROM FORALL TO BY START DEFINE KINETIC PLOT VS
    CONSERVE LAG RESET MATCH SWEEP FIRST LAST COMPARTMENT PUTQ GETQ TABLE DEPEND IF ELSE UNITS
    UNITSON UNITSOFF NEURON SUFFIX RANGE USEION READ WRITE VALENCE SECTION POINTER GLOBAL WATCH
    PROTECT RANDOM NULL EQUATION CONDUCTANCE VERBATIM COMMENT PARTIAL
"""
_TAKEN = {*_WORDS.split(), *keyword.kwlist}


class Names:
    """What each name of a part is called in its MOD text.

    Parameters
    ----------
    names : iterable of str
        Names of the part, states first.
    taken : collection of str
        Names that the text gives to something else.
    states : collection of str
        Those of the names for which NMODL declares ``Dx`` and ``x0`` beside ``x``.

    Examples
    --------
    >>> names = Names(["h", "h0", "v", "TO"], taken=(), states=["h"])
    >>> [names[one] for one in ("h", "h0", "TO")]
    ['h', 'h0_', 'TO_']
    """

    def __init__(
        self, names: Iterable[str], taken: Collection[str], states: Collection[str]
    ) -> None:
        self._known: dict[str, str] = {}
        used = _TAKEN | set(taken)
        for state in states:
            used |= {f"D{state}", f"{state}0"}
        for name in names:
            found = name
            while found in used:
                found += "_"
            used.add(found)
            self._known[name] = found

    def __getitem__(self, name: str) -> str:
        return self._known[name]

    def __contains__(self, name: str) -> bool:
        return name in self._known


_FUNCTIONS = {
    **{
        name: name for name in ("exp", "log", "log10", "sqrt", "sin", "cos", "tan", "floor", "ceil")
    },
    **{name: name for name in ("sinh", "cosh", "tanh")},
    "abs": "fabs",
    "arctan": "atan",
    "exprel": "exprel_",
    "clip": "clip_",
    "sign": "sign_",
    "expm1": "expm1_",
}

HELPERS = {
    "exprel_": """FUNCTION exprel_(x) {
    : (exp(x) - 1)/x, which is 1 at x = 0
    if (fabs(x) < 1e-5) {
        exprel_ = 1 + x/2 + x*x/6
    } else {
        exprel_ = (exp(x) - 1)/x
    }
}""",
    "expm1_": """FUNCTION expm1_(x) {
    : exp(x) - 1
    if (fabs(x) < 1e-5) {
        expm1_ = x + x*x/2 + x*x*x/6
    } else {
        expm1_ = exp(x) - 1
    }
}""",
    "clip_": """FUNCTION clip_(x, low, high) {
    clip_ = x
    if (x < low) { clip_ = low }
    if (x > high) { clip_ = high }
}""",
    "sign_": """FUNCTION sign_(x) {
    sign_ = (x > 0) - (x < 0)
}""",
}
"""Functions that NMODL lacks, each written into the texts that call it."""


def write_expression(
    code: str,
    name: Callable[[str], str | None],
    where: str,
    printer: Callable[[str], Printer] | None = None,
) -> str:
    """Return an expression in NMODL.

    Parameters
    ----------
    code : str
        Expression in Brian2's language.
    name : callable
        Returns what a name is called there; None where it is none of the part's.
    where : str
        What an error says it is part of.
    printer : callable, optional
        Makes of ``where`` what prints the expression, for a dialect of NMODL (default: NEURON's).

    Raises
    ------
    ExchangeError
        NMODL cannot say it.

    Examples
    --------
    >>> known = {"v": "v", "alpha": "alpha"}
    >>> write_expression("-alpha*(v + 40*mV)**2/(10*mV)*int(v > -20*mV)", known.get, "m")
    '(-alpha)*(v + 40.0)^2/10.0*(v > (-20.0))'
    """
    tree = _Folded(name, where).visit(ast.parse(code.strip(), mode="eval").body)
    return (printer or Printer)(where).text(tree, 0)


class _Folded(ast.NodeTransformer):
    """Gives names their names, and units and constants their numbers, which are worked out."""

    def __init__(self, name: Callable[[str], str | None], where: str) -> None:
        self._name, self._where = name, where

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Replace a name."""
        named = self._name(node.id)
        if named is not None:
            return ast.Name(named)
        if node.id in UNITS:
            # A number that UNITS holds in SI; its dimension tells the factor.
            return ast.Constant(_unit_value(node.id))
        if node.id in DEFAULT_CONSTANTS:
            return ast.Constant(float(DEFAULT_CONSTANTS[node.id].value))
        if node.id in ("True", "False"):
            return ast.Constant(int(node.id == "True"))
        known = node.id in known_words()
        raise ExchangeError(
            f"{self._where}: {node.id!r} {'cannot be said in NMODL' if known else 'is unknown'}"
        )

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Work out what is between two numbers, and leave out factors of one."""
        node = ast.BinOp(self.visit(node.left), node.op, self.visit(node.right))
        left, right = _number(node.left), _number(node.right)
        if left is not None and right is not None:
            code = compile(ast.fix_missing_locations(ast.Expression(node)), "<number>", "eval")
            value = eval(code, {"__builtins__": {}})
            return ast.Constant(value if isinstance(value, int) else _round(value))
        if right == 1 and isinstance(node.op, ast.Mult | ast.Div | ast.Pow):
            return node.left
        if left == 1 and isinstance(node.op, ast.Mult):
            return node.right
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Keep a sign with its number."""
        inner = self.visit(node.operand)
        value = _number(inner)
        if isinstance(node.op, ast.USub) and value is not None:
            return ast.Constant(-value)
        return inner if isinstance(node.op, ast.UAdd) else ast.UnaryOp(node.op, inner)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Take a function by its name, which no variable of the part can be."""
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise ExchangeError(f"{self._where}: {ast.unparse(node)} cannot be said in NMODL")
        return ast.Call(node.func, [self.visit(one) for one in node.args], [])


def _round(value: float) -> float:
    near = float(f"{value:.15g}")
    return near if abs(near - value) <= 4e-16 * abs(value) else value


def _unit_value(name: str) -> float:
    from brian2.units import allunits
    from brian2.units.stdunits import stdunits

    unit = stdunits.get(name, vars(allunits).get(name))
    return _round(float(in_neuron_units(unit)))


def _number(node: ast.AST) -> float | int | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int | float) else None


_LEVEL = {ast.Add: 5, ast.Sub: 5, ast.Mult: 6, ast.Div: 6, ast.Pow: 8}
_SIGN = {ast.Add: " + ", ast.Sub: " - ", ast.Mult: "*", ast.Div: "/", ast.Pow: "^"}
_COMPARED = {
    ast.Lt: " < ", ast.LtE: " <= ", ast.Gt: " > ", ast.GtE: " >= ", ast.Eq: " == ",
    ast.NotEq: " != ",
}  # fmt: skip


class Printer:
    """Prints with more brackets than needed rather than trust the precedence of NMODL."""

    def __init__(self, where: str) -> None:
        self.where = where

    def text(self, node: ast.AST, level: int) -> str:
        """Return the text of an expression inside one that binds by `level`."""
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Constant):
            text = _digits(node.value)
            return f"({text})" if text.startswith("-") and level > 4 else text
        if isinstance(node, ast.BinOp) and type(node.op) in _LEVEL:
            return self._between(node, level)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return f"(-{self.text(node.operand, 7)})"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return f"(!{self.text(node.operand, 9)})"
        if isinstance(node, ast.BoolOp):
            sign = " && " if isinstance(node.op, ast.And) else " || "
            return f"({sign.join(self.text(one, 9) for one in node.values)})"
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARED:
            sign = _COMPARED[type(node.ops[0])]
            return f"({self.text(node.left, 5)}{sign}{self.text(node.comparators[0], 5)})"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.call(node.func.id, node.args)
        raise ExchangeError(f"{self.where}: {ast.unparse(node)} cannot be said in NMODL")

    def _between(self, node: ast.BinOp, level: int) -> str:
        own = _LEVEL[type(node.op)]
        right = own + (1 if isinstance(node.op, ast.Sub | ast.Div) else 0)
        if isinstance(node.op, ast.Pow):
            text = f"{self.text(node.left, 9)}^{self.text(node.right, 9)}"
        else:
            sign = _SIGN[type(node.op)]
            text = f"{self.text(node.left, own)}{sign}{self.text(node.right, right)}"
        return f"({text})" if own < level else text

    def call(self, function: str, arguments: list[ast.expr]) -> str:
        """Return the text of a call."""
        if function == "int" and len(arguments) == 1:
            if isinstance(arguments[0], ast.Compare | ast.BoolOp):
                return self.text(arguments[0], 9)
            raise ExchangeError(
                f"{self.where}: int({ast.unparse(arguments[0])}) cannot be said in NMODL; int() "
                "takes a condition there, such as int(v > E)"
            )
        if function not in _FUNCTIONS:
            raise ExchangeError(
                f"{self.where}: the function {function}() cannot be said in NMODL; write it with "
                f"{', '.join(sorted(_FUNCTIONS))} or int(condition)"
            )
        inside = ", ".join(self.text(one, 0) for one in arguments)
        return f"{_FUNCTIONS[function]}({inside})"


def _digits(value: object) -> str:
    return repr(float(value)) if isinstance(value, float) else str(value)
