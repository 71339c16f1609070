"""Fewer exponentials and logarithms for the same numbers.

Rate functions are exponentials of the membrane potential over a few round slopes: those of the
squid axon need five of v, over 10 (three times), 18, 20 and 80 mV. Since

    exp(A(v)) = exp(A(v0)) * exp(s*(v - v0))      for A linear in v with slope s

and the first factor is the same for all rows (Brian2's code generation takes it out of the loop),
exponentials whose slopes are whole multiples of one another are powers of a single one. What this
costs is a few units in the last place. Exponentials take most of the time of a membrane loop.

Concentrations that move are read through logarithms: a Nernst potential needs log(c_o/c_i), and the
Hill curve of a pump (K/c)**n. One logarithm of each concentration is enough for all of them, since

    log(a/b) = log(a) - log(b)        and        (K/c)**n = exp(n*(log(K) - log(c)))

and no concentration of an ion is ever 0 or less: a run that comes there ends with an error.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_UNITS

from neurosim.engine.cable.model import Kernel

__all__ = ["share_exponentials", "share_logarithms"]

#: Expansions are about this potential (volt), in the middle of what membranes do.
_CENTRE = -0.05
#: A steeper exponential could leave the range of a double when it is split in two (per volt).
_STEEPEST = 1000
_HIGHEST_POWER = 16
#: Where the linearity of an argument is tested: odd or even about no round number.
_POTENTIALS = tuple(Fraction(v, 10007) for v in (-1093, -811, -487, -101, 59, 313, 717))

_CONSTANTS = {
    name: Fraction(repr(float(value)))
    for name, value in (
        *DEFAULT_UNITS.items(),
        *((name, constant.value) for name, constant in DEFAULT_CONSTANTS.items()),
    )
    if math.isfinite(float(value))
}
_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def share_exponentials(kernel: Kernel) -> Kernel:
    """Return the kernel with exponentials of v written as powers of a few.

    Parameters
    ----------
    kernel : Kernel
        Its expressions may call ``exp`` and ``exprel`` of expressions linear in ``v`` whose slope
        is a number and whose other names are units or parameters all rows share.

    Returns
    -------
    Kernel
        The same equations; ``exp(A)`` becomes a factor times ``power_of_v_<k>_<n>``, an expression
        of its own, and ``exprel(A)`` becomes ``exprel_given(A, exp(A))``.
    """
    if not kernel.conducts:
        return kernel
    slopes: list[Fraction] = []
    for line in kernel.equations.splitlines():
        head, body, tail = _parts(line)
        if body:
            _Visitor(kernel.shared, slopes).visit(ast.parse(body, mode="eval"))
    bases = _bases(slopes)
    if not bases:
        return kernel
    used: dict[tuple[int, int], None] = {}
    lines = []
    for line in kernel.equations.splitlines():
        head, body, tail = _parts(line)
        if body:
            writer = _Visitor(kernel.shared, [], bases, used)
            body = ast.unparse(writer.visit(ast.parse(body, mode="eval")))
        lines.append(f"{head}{body}{tail}")
    return replace(kernel, equations="\n".join([*lines, *_powers(bases, used)]))


def share_logarithms(kernel: Kernel) -> Kernel:
    """Return the kernel with one logarithm of each concentration, from which all others follow.

    Parameters
    ----------
    kernel : Kernel
        Its expressions may hold ``log(a/b)`` of two concentrations of its ions, and powers of a
        quotient of a concentration and a parameter, with an exponent that all rows share.

    Returns
    -------
    Kernel
        The same equations; ``log_of_<concentration>`` are expressions of their own, and a power
        ``(a/b)**n`` is ``quotient_power(a, b, n, log(a) - log(b))``.

    Examples
    --------
    >>> from neurosim.engine.cable.model import HeldIon
    >>> text = "E = 0.02*log(k_o/k_i) : 1\\nk_o : 1 (shared)\\nk_i : 1\\nv : 1"
    >>> potassium = HeldIon("k", "potassium", 1, inside=True, outside=False)
    >>> patch = Kernel("patch0", text, "0", True, ions=(potassium,))
    >>> print(share_logarithms(patch).equations.splitlines()[0])
    E = 0.02 * (log_of_k_o - log_of_k_i) : 1
    """
    parsed = kernel.parsed
    both = {f"{held.ion}_{side}" for held in kernel.ions for side in "io"}
    known = both & (parsed.subexpr_names | parsed.parameter_names)
    fixed = known & kernel.shared
    fixed |= {n for n in known & parsed.subexpr_names if parsed[n].expr.code in kernel.shared}
    used: dict[str, None] = {}
    # Powers first: a quotient of two numbers that both differ from row to row is better divided,
    # unless the logarithm of one is needed anyway.
    text = kernel.equations
    for writer in (_Powers(known, kernel.shared, used), _Logarithms(known, fixed, used)):
        lines = []
        for line in text.splitlines():
            head, body, tail = _parts(line)
            if body:
                body = ast.unparse(writer.visit(ast.parse(body, mode="eval")))
            lines.append(f"{head}{body}{tail}")
        text = "\n".join(lines)
    if not used:
        return kernel
    return replace(kernel, equations="\n".join([text, *(_written_log(name) for name in used)]))


def _written_log(name: str) -> str:
    return f"log_of_{name} = log({name}) : 1"


class _Quotients(ast.NodeTransformer):
    """Writes the logarithm of a quotient as a difference.

    Parameters
    ----------
    known : collection of str
        Concentrations.
    shared : collection of str
        Names of one number for all rows.
    used : dict of str to None
        Concentrations whose logarithms are used: more are added.
    """

    def __init__(
        self, known: Collection[str], shared: Collection[str], used: dict[str, None]
    ) -> None:
        self.known, self.shared, self.used = known, shared, used

    def _difference(self, above: str, below: str) -> ast.BinOp:
        terms: list[ast.expr] = []
        for name in (above, below):
            if name in self.known:
                self.used[name] = None
                terms.append(ast.Name(f"log_of_{name}"))
            else:
                terms.append(ast.Call(ast.Name("log"), [ast.Name(name)], []))
        return ast.BinOp(terms[0], ast.Sub(), terms[1])


class _Powers(_Quotients):
    """Writes powers of a quotient of a concentration and a parameter by their logarithms."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Replace a power whose exponent and parameter all rows share."""
        self.generic_visit(node)
        match node:
            case ast.BinOp(
                ast.BinOp(ast.Name(id=above), ast.Div(), ast.Name(id=below)),
                ast.Pow(),
                ast.Name(id=exponent),
            ):
                one = {above, below} & set(self.known)
                other = {above, below} & set(self.shared)
                if len(one) == 1 and len(other) == 1 and exponent in self.shared:
                    difference = self._difference(above, below)
                    names: list[ast.expr] = [ast.Name(name) for name in (above, below, exponent)]
                    return ast.Call(ast.Name("quotient_power"), [*names, difference], [])
        return node


class _Logarithms(_Quotients):
    """Writes logarithms of a quotient of two concentrations by those of each."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Replace a logarithm if that of one concentration is needed anyway, or taken once."""
        self.generic_visit(node)
        match node:
            case ast.Call(
                ast.Name(id="log"), [ast.BinOp(ast.Name(id=above), ast.Div(), ast.Name(id=below))]
            ):
                at_hand = {*self.shared, *self.used}
                if {above, below} <= set(self.known) and {above, below} & at_hand:
                    return self._difference(above, below)
        return node


def _parts(line: str) -> tuple[str, str, str]:
    """Return what is left of an expression, the expression, and its unit."""
    left, equal, rest = line.partition("=")
    if not equal or ":" in left:
        return line, "", ""
    body, _, unit = rest.rpartition(":")
    return f"{left}= ", body.strip(), f" : {unit.strip()}"


@dataclass(frozen=True)
class _Base:
    """The exponential of a slope, of which others are whole powers."""

    slope: Fraction

    def power(self, slope: Fraction) -> int | None:
        """Return how often the slope goes into another, if a whole number of times."""
        times = slope / self.slope
        return int(times) if times.denominator == 1 and 1 <= times <= _HIGHEST_POWER else None


def _bases(slopes: list[Fraction]) -> list[_Base]:
    """Return the slopes that are needed, gentle ones first, where at least two share one."""
    bases: list[_Base] = []
    for slope in sorted(slopes, key=abs):
        if all(base.power(slope) is None for base in bases):
            bases.append(_Base(slope))
    counts = [sum(base.power(slope) is not None for slope in slopes) for base in bases]
    return [base for base, count in zip(bases, counts, strict=True) if count > 1]


def _powers(bases: list[_Base], used: dict[tuple[int, int], None]) -> list[str]:
    """Return the expressions of the powers that are used, by repeated squaring."""
    wanted: set[tuple[int, int]] = set()
    for number, power in used:
        while power > 1 and (number, power) not in wanted:
            wanted.add((number, power))
            # An odd power is one more than an even one.
            wanted |= {(number, 1)} if power % 2 else set()
            power = power - 1 if power % 2 else power // 2
        wanted.add((number, power))
    lines = []
    for number, power in sorted(wanted):
        if power == 1:
            what = f"exp({float(bases[number].slope)!r}*(v/volt - {_CENTRE!r}))"
        elif power % 2:
            what = f"{_name(number, power - 1)}*{_name(number, 1)}"
        else:
            what = f"{_name(number, power // 2)}*{_name(number, power // 2)}"
        lines.append(f"{_name(number, power)} = {what} : 1")
    return lines


def _name(number: int, power: int) -> str:
    return f"power_of_v_{number}_{power}"


class _Visitor(ast.NodeTransformer):
    """Finds the slopes of the exponentials of an expression, or rewrites them."""

    def __init__(
        self,
        shared: set[str],
        slopes: list[Fraction],
        bases: list[_Base] | None = None,
        used: dict[tuple[int, int], None] | None = None,
    ) -> None:
        self.shared, self.slopes = shared, slopes
        self.bases, self.used = bases or [], {} if used is None else used

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Take note of a call of exp or exprel, or replace it."""
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in ("exp", "exprel"):
            return node
        argument = ast.unparse(node.args[0])
        slope = _slope(argument, frozenset(self.shared))
        if slope is None:
            return node
        self.slopes.append(slope)
        for number, base in enumerate(self.bases):
            power = base.power(slope)
            if power is not None:
                self.used[(number, power)] = None
                at_centre = ast.unparse(_AtCentre().visit(ast.parse(argument, mode="eval")))
                whole = f"(exp({at_centre})*{_name(number, power)})"
                made = whole if name == "exp" else f"exprel_given({argument}, {whole})"
                return ast.parse(made, mode="eval").body
        return node


class _AtCentre(ast.NodeTransformer):
    """Puts the potential of the expansion for v."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Replace v."""
        return ast.parse(f"({_CENTRE!r}*volt)", mode="eval").body if node.id == "v" else node


@cache
def _slope(argument: str, shared: frozenset[str]) -> Fraction | None:
    """Return the slope over v of an argument, if it is a number and the argument linear in v."""
    tree = ast.parse(argument, mode="eval")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if "v" not in names or not names <= {"v", *_CONSTANTS, *shared}:
        return None
    # The slope must be one number whatever the parameters are, and the same between any two
    # potentials; the values are such that nothing cancels by chance.
    slopes = set()
    for draw in range(4):
        given = _CONSTANTS | {
            name: Fraction(101 + 97 * k + 31 * draw * (k + 2), 1009 + 53 * k * k + 211 * draw)
            for k, name in enumerate(sorted(names & shared))
        }
        try:
            at = [_exactly(tree.body, {**given, "v": v}) for v in _POTENTIALS]
        except (ArithmeticError, _NotExactError):
            return None
        slopes |= {
            (here - at[0]) / (v - _POTENTIALS[0])
            for here, v in zip(at[1:], _POTENTIALS[1:], strict=True)
        }
    slope = slopes.pop()
    return slope if not slopes and 0 < abs(slope) <= _STEEPEST else None


class _NotExactError(Exception):
    """An expression has more in it than sums, products, quotients and whole powers."""


def _exactly(node: ast.expr, names: Mapping[str, Fraction]) -> Fraction:
    """Evaluate an expression in fractions, so that ratios of slopes can be told exactly."""
    match node:
        case ast.Constant(value=int() | float()):
            return Fraction(repr(node.value))
        case ast.Name():
            return names[node.id]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            value = _exactly(node.operand, names)
            return -value if isinstance(node.op, ast.USub) else value
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
            left, right = _exactly(node.left, names), _exactly(node.right, names)
            return _OPERATIONS[type(node.op)](left, right)
        case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=int() as power)):
            return _exactly(node.left, names) ** power
    raise _NotExactError
