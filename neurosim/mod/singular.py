"""x/(exp(x) - 1) and its kin, which are 0/0 where the rate of many a gate is measured.

Files step around that point with a condition or a shift of the potential; written with exprel,
(exp(x) - 1)/x, the quotient is right everywhere, with all digits next to the point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

from neurosim.mod.terms import Term, apply, number, operate, symbol

__all__ = ["quotient"]


def quotient(above: Term, below: Term, expanded: Callable[[Term], Term]) -> Term | None:
    """Return a quotient written with exprel, None where it is not of that kind.

    Parameters
    ----------
    above, below : Term
        What is divided by what.
    expanded : callable
        Returns the formula that a symbol stands for.

    Examples
    --------
    >>> from neurosim.mod.terms import negative, written
    >>> x, one = symbol("x"), number("1")
    >>> below = operate("-", one, apply("exp", negative(operate("/", x, number("10")))))
    >>> written(quotient(operate("*", number("0.1"), x), below, lambda term: term), str)
    '0.1*10/exprel(-(x/10))'
    """
    found = _exponent(expanded(below))
    if found is None:
        return None
    inside, sign = found
    u = _sympy(inside, expanded)
    if u is None or not u.free_symbols:
        return None
    factors = _factors(above)
    for k, factor in enumerate(factors):
        x = _sympy(factor, expanded)
        if x is None or not x.free_symbols & u.free_symbols:
            continue
        ratio = sympy.cancel(x / u)
        if ratio.free_symbols & _moving(u) or ratio.has(sympy.zoo, sympy.nan):
            continue
        scale = _term(sign * ratio)
        if scale is None:
            continue
        rest = [one for i, one in enumerate(factors) if i != k]
        total = number("1")
        for one in [*rest, scale]:
            total = operate("*", total, one)
        return operate("/", total, apply("exprel", inside))
    return None


def _exponent(below: Term) -> tuple[Term, int] | None:
    """Return x and the sign of exp(x) - 1 or 1 - exp(x)."""
    if below.head == "negative":
        found = _exponent(below.args[0])
        return None if found is None else (found[0], -found[1])
    if below.head == "+":
        left, right = below.args
        if left.head == "negative":
            left, right = right, left
        if right.head == "negative":
            return _exponent(operate("-", left, right.args[0]))
        return None
    if below.head != "-":
        return None
    left, right = below.args
    if left.head == "exp" and _is_one(right):
        return left.args[0], 1
    if right.head == "exp" and _is_one(left):
        return right.args[0], -1
    return None


def _is_one(term: Term) -> bool:
    return term.head == "number" and float(term.text) == 1


def _factors(term: Term) -> list[Term]:
    if term.head == "*":
        return _factors(term.args[0]) + _factors(term.args[1])
    if term.head == "negative":
        return [number("-1"), *_factors(term.args[0])]
    if term.head == "/":
        return [*_factors(term.args[0]), Term("/", (number("1"), term.args[1]))]
    return [term]


def _moving(u: sympy.Expr) -> set[sympy.Symbol]:
    """Return the symbols at which the exponent is 0: those in which it is a polynomial."""
    above = sympy.fraction(sympy.together(u))[0]
    return set(above.free_symbols)


def _sympy(term: Term, expanded: Callable[[Term], Term]) -> sympy.Expr | None:
    """Return sums, products and quotients of symbols and numbers; None for all else."""
    if term.size > 60:
        return None
    if term.head == "number":
        return sympy.Rational(term.text)
    if term.head == "symbol":
        return sympy.Symbol(term.text)
    args: list[Any] = [_sympy(one, expanded) for one in term.args]
    if any(one is None for one in args):
        return None
    if term.head == "negative":
        return -args[0]
    if term.head in ("+", "-", "*", "/"):
        a, b = args
        if term.head == "/" and b == 0:
            return None
        return (
            a + b
            if term.head == "+"
            else a - b
            if term.head == "-"
            else a * b
            if term.head == "*"
            else a / b
        )
    return None


def _term(ratio: sympy.Expr) -> Term | None:
    """Return a ratio of a few symbols and numbers as a formula."""
    if ratio.is_Rational:
        return _number(ratio)
    if ratio.is_Symbol:
        return symbol(ratio.name)
    if ratio.is_Mul or ratio.is_Add:
        made: Term | None = None
        for one in ratio.args:
            part = _term(one)
            if part is None:
                return None
            sign = "*" if ratio.is_Mul else "+"
            made = part if made is None else operate(sign, made, part)
        return made
    if ratio.is_Pow and ratio.exp == -1:
        base = _term(ratio.base)
        return None if base is None else operate("/", number("1"), base)
    return None


def _number(value: sympy.Rational) -> Term:
    if value.is_Integer:
        return number(str(value))
    text = repr(float(value))
    return number(text)
