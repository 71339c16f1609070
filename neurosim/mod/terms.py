"""Formulas as values: built with what folds at once, evaluated, differentiated and written out.

A `Term` keeps the shape in which the file says it, so that a person finds the file's formulas in
what comes out. Only what is trivial goes away: x*1, x + 0, numbers times numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = [
    "CONDITIONS",
    "FUNCTIONS",
    "Term",
    "apply",
    "as_dt_shortens",
    "choose",
    "constant",
    "derivative",
    "divides_by_zero",
    "evaluate",
    "is_positive",
    "negative",
    "number",
    "operate",
    "replaced",
    "symbol",
    "symbols",
    "written",
]

CONDITIONS = ("<", ">", "<=", ">=", "==", "!=", "&&", "||", "!")
FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "exp": ("exp", np.exp),
    "log": ("log", np.log),
    "log10": ("log10", np.log10),
    "sqrt": ("sqrt", np.sqrt),
    "fabs": ("abs", np.abs),
    "sin": ("sin", np.sin),
    "cos": ("cos", np.cos),
    "tan": ("tan", np.tan),
    "sinh": ("sinh", np.sinh),
    "cosh": ("cosh", np.cosh),
    "tanh": ("tanh", np.tanh),
    "atan": ("arctan", np.arctan),
    "floor": ("floor", np.floor),
    "ceil": ("ceil", np.ceil),
    "exprel": ("exprel", lambda x: np.where(x == 0, 1.0, np.expm1(x) / np.where(x == 0, 1.0, x))),
}
"""By NMODL's name, how Brian2 spells a function, and the function."""


@dataclass(frozen=True)
class Term:
    """A formula: a number, a symbol, or something done to other formulas.

    Attributes
    ----------
    head : str
        ``"number"``, ``"symbol"``, a sign, ``"negative"``, ``"if"`` or the name of a function.
    args : tuple of Term
        What it is done to.
    text : str
        A number as it is written, or the name of a symbol.
    size : int
        How many formulas are in it.
    """

    head: str
    args: tuple[Term, ...] = ()
    text: str = ""
    size: int = field(default=1, compare=False)
    _hash: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", 1 + sum(one.size for one in self.args))
        object.__setattr__(self, "_hash", hash((self.head, self.args, self.text)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Term)
            and self._hash == other._hash
            and (self.head, self.text, self.args) == (other.head, other.text, other.args)
        )


def number(value: float | str) -> Term:
    """Return a number, as it is written where that is known."""
    if not isinstance(value, str):
        value = repr(int(value)) if value == int(value) and abs(value) < 1e9 else repr(float(value))
    if value.startswith("-"):
        return Term("negative", (Term("number", text=value[1:]),))
    return Term("number", text=value)


def symbol(name: str) -> Term:
    """Return a symbol."""
    return Term("symbol", text=name)


def constant(term: Term) -> float | None:
    """Return the value of what is made of numbers alone, else None.

    Examples
    --------
    >>> constant(operate("*", number("2"), number("3"))), constant(symbol("x"))
    (6.0, None)
    """
    if any(True for _ in symbols(term)):
        return None
    with np.errstate(all="ignore"):
        return float(evaluate(term, {}))


def symbols(term: Term) -> Iterator[str]:
    """Yield the names in a formula, each once."""
    seen: set[Term] = set()
    waiting = [term]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += one.args
            if one.head == "symbol":
                yield one.text


def _is(term: Term, value: float) -> bool:
    if term.head == "number":
        return float(term.text) == value
    return term.head == "negative" and term.args[0].head == "number" and constant(term) == value


def negative(term: Term) -> Term:
    """Return 0 minus a formula."""
    if term.head == "negative":
        return term.args[0]
    return term if _is(term, 0) else Term("negative", (term,))


def operate(sign: str, left: Term, right: Term) -> Term:
    """Return what a sign between two formulas means.

    Examples
    --------
    >>> operate("*", symbol("x"), number("1")), operate("+", number("0"), symbol("x")).text
    (Term(head='symbol', args=(), text='x', size=1, _hash=...), 'x')
    """
    zero_left, zero_right = _is(left, 0), _is(right, 0)
    if sign == "+" and zero_left:
        return right
    if sign in "+-" and zero_right:
        return left
    if sign == "-" and zero_left:
        return negative(right)
    if sign == "-" and left == right:
        return number("0")
    if (sign == "*" and (zero_left or zero_right)) or (sign == "/" and zero_left):
        return number("0")
    if sign == "*" and _is(left, 1):
        return right
    if (sign in "*/" and _is(right, 1)) or (sign == "^" and _is(right, 1)):
        return left
    if sign == "^" and zero_right:
        return number("1")
    if left.head == right.head == "number" and sign in "+-*":
        a, b = float(left.text), float(right.text)
        # Whole numbers stay exact: indices, counts and what is left of a derivative.
        if a == int(a) and b == int(b) and max(a, b) < 1e6:
            return number(a + b if sign == "+" else a - b if sign == "-" else a * b)
    return Term(sign, (left, right))


def apply(name: str, *arguments: Term) -> Term:
    """Return a function of formulas."""
    if name == "exp" and _is(arguments[0], 0):
        return number("1")
    return Term(name, arguments)


def choose(test: Term, then: Term, otherwise: Term) -> Term:
    """Return one formula where a condition holds and another where not."""
    known = constant(test)
    if known is not None:
        return then if known else otherwise
    return then if then == otherwise else Term("if", (test, then, otherwise))


def replaced(term: Term, by: Mapping[str, Term]) -> Term:
    """Return a formula with other formulas in the place of symbols; what is trivial goes away."""
    known: dict[Term, Term] = {}

    def visit(one: Term) -> Term:
        if one not in known:
            known[one] = by.get(one.text, one) if one.head == "symbol" else _rebuilt(one, visit)
        return known[one]

    return visit(term)


def _rebuilt(term: Term, visit: Callable[[Term], Term]) -> Term:
    if not term.args:
        return term
    args = tuple(map(visit, term.args))
    if term.head in ("+", "-", "*", "/", "^"):
        return operate(term.head, *args)
    if term.head == "negative":
        return negative(args[0])
    if term.head == "if":
        return choose(*args)
    if term.head in FUNCTIONS:
        return apply(term.head, *args)
    return Term(term.head, args)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "^": np.power,
    "negative": np.negative,
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "&&": np.logical_and,
    "||": np.logical_or,
    "!": np.logical_not,
    "if": np.where,
}


def evaluate(
    term: Term,
    values: Mapping[str, Any],
    definitions: Mapping[str, Term] | None = None,
    known: dict[Term, Any] | None = None,
) -> Any:
    """Return the value of a formula, one or an array.

    Parameters
    ----------
    term : Term
        The formula.
    values : mapping of str to float or ndarray
        Of its symbols.
    definitions : mapping of str to Term, optional
        Formulas that symbols stand for.
    known : dict of Term to value, optional
        What was evaluated before with the same values; it is added to.
    """
    known = {} if known is None else known
    definitions = definitions or {}

    def visit(one: Term) -> Any:
        if one not in known:
            known[one] = value(one)
        return known[one]

    def value(one: Term) -> Any:
        if one.head == "number":
            return np.float64(one.text)
        if one.head == "symbol":
            return values[one.text] if one.text in values else visit(definitions[one.text])
        args = [visit(arg) for arg in one.args]
        operation = _OPERATIONS.get(one.head) or FUNCTIONS[one.head][1]
        return operation(*args)

    return visit(term)


def derivative(term: Term, name: str) -> Term | None:
    """Return the derivative with respect to a symbol, None where there is none to write down.

    Examples
    --------
    >>> x = symbol("x")
    >>> written(derivative(apply("exp", operate("*", number("2"), x)), "x"), str)
    'exp(2*x)*2'
    """
    if name not in set(symbols(term)):
        return number("0")
    if term.head == "symbol":
        return number("1")
    inner = [derivative(arg, name) for arg in term.args]
    if term.head == "if":
        if name in set(symbols(term.args[0])) or inner[1] is None or inner[2] is None:
            return None
        return choose(term.args[0], inner[1], inner[2])
    if any(one is None for one in inner):
        return None
    a = term.args[0]
    da = inner[0]
    assert da is not None
    if term.head == "negative":
        return negative(da)
    if term.head == "exp":
        return operate("*", term, da)
    if term.head in ("log", "sqrt"):
        below = a if term.head == "log" else operate("*", number("2"), term)
        return operate("/", da, below)
    if len(term.args) != 2:
        return None
    b, db = term.args[1], inner[1]
    assert db is not None
    if term.head in "+-":
        return operate(term.head, da, db)
    if term.head == "*":
        return operate("+", operate("*", da, b), operate("*", a, db))
    if term.head == "/":
        first = operate("/", da, b)
        second = operate("/", operate("*", a, db), operate("^", b, number("2")))
        return operate("-", first, second)
    if term.head == "^" and _is(db, 0):
        lower = operate("^", a, operate("-", b, number("1")))
        return operate("*", operate("*", b, lower), da)
    if term.head == "^" and _is(da, 0):
        return operate("*", operate("*", term, apply("log", a)), db)
    return None


def as_dt_shortens(term: Term) -> Term:
    """Return a formula with those conditions decided that are the same for all short dt.

    Examples
    --------
    >>> test = operate("/", negative(symbol("dt")), symbol("tau"))
    >>> far = choose(Term("<", (test, number("-100"))), number("0"), apply("exp", test))
    >>> written(as_dt_shortens(far), str)
    'exp(-dt/tau)'
    """
    known: dict[Term, Term] = {}

    def visit(one: Term) -> Term:
        if one not in known:
            known[one] = decided(one)
        return known[one]

    def decided(one: Term) -> Term:
        if one.head == "if" and one.args[0].head in ("<", ">", "<=", ">="):
            left, right = (constant(replaced(x, {"dt": number("0")})) for x in one.args[0].args)
            if left is not None and right is not None and abs(left - right) > 0:
                smaller = one.args[0].head[0] == "<"
                return visit(one.args[1] if (left < right) == smaller else one.args[2])
        return _rebuilt(one, visit)

    return visit(term)


def divides_by_zero(term: Term) -> bool:
    """Say whether a formula divides by the number 0."""
    seen: set[Term] = set()
    waiting = [term]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        waiting += one.args
        if one.head == "/" and constant(one.args[1]) == 0:
            return True
    return False


def is_positive(term: Term) -> bool:
    """Say whether a formula is above 0 whatever its symbols are, as far as its form tells.

    Examples
    --------
    >>> is_positive(operate("+", number("1"), apply("exp", symbol("x"))))
    True
    """
    if term.head == "number":
        return float(term.text) > 0
    if term.head == "exp":
        return True
    if term.head in ("+", "*", "/"):
        return all(map(is_positive, term.args))
    if term.head == "^":
        return is_positive(term.args[0])
    if term.head == "if":
        return all(map(is_positive, term.args[1:]))
    return False


_RANK = {"||": 1, "&&": 2, "!": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "==": 4, "!=": 4}
_RANK |= {"+": 5, "-": 5, "*": 6, "/": 6, "negative": 7, "^": 8}
_SPELT = {"&&": " and ", "||": " or ", "^": "**", "+": " + ", "-": " - "}


def written(term: Term, spell: Callable[[str], str]) -> str:
    """Return a formula in Brian2's language.

    Parameters
    ----------
    term : Term
        The formula.
    spell : callable
        Returns how a symbol is written; anything but a name must come in brackets.

    Examples
    --------
    >>> x = symbol("x")
    >>> written(operate("-", x, operate("-", x, number("3."))), str)
    'x - (x - 3.)'
    """
    if term.head == "number":
        return term.text
    if term.head == "symbol":
        return spell(term.text)
    if term.head == "if":
        return _written_choice(term, spell)
    if term.head in CONDITIONS:
        return _flag(term, spell)
    if term.head in FUNCTIONS:
        inside = ", ".join(written(arg, spell) for arg in term.args)
        return f"{FUNCTIONS[term.head][0]}({inside})"
    rank = _RANK[term.head]
    parts = [written(arg, spell) for arg in term.args]
    if term.head == "negative":
        return f"-{_bracketed(parts[0], term.args[0], rank)}"
    # From the left for all but powers.
    left = _bracketed(parts[0], term.args[0], rank + (term.head == "^"))
    right = _bracketed(parts[1], term.args[1], rank + (term.head != "^"))
    return f"{left}{_SPELT.get(term.head, term.head)}{right}"


def _bracketed(text: str, term: Term, rank: int) -> str:
    own = 5 if term.head == "if" else _RANK.get(term.head, 9) if term.args else 9
    own = 6 if term.head in CONDITIONS else own
    return f"({text})" if own < rank else text


def _written_choice(term: Term, spell: Callable[[str], str]) -> str:
    test, then, otherwise = term.args
    parts = []
    for condition, value in ((test, then), (Term("!", (test,)), otherwise)):
        if _is(value, 0):
            continue
        flag = _flag(condition, spell)
        factor = _bracketed(written(value, spell), value, 7)
        parts.append(flag if _is(value, 1) else f"{flag}*{factor}")
    return " + ".join(parts)


_OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


def _flag(term: Term, spell: Callable[[str], str]) -> str:
    """Return a condition as 1 or 0, in a form that works for one value and for many."""
    if term.head == "!":
        inner = term.args[0]
        if inner.head in _OPPOSITE:
            return _flag(Term(_OPPOSITE[inner.head], inner.args), spell)
        return f"(1 - {_flag(inner, spell)})"
    if term.head in ("&&", "||"):
        left, right = (_flag(arg, spell) for arg in term.args)
        return f"{left}*{right}" if term.head == "&&" else f"(1 - (1 - {left})*(1 - {right}))"
    if term.head in CONDITIONS:
        left, right = (written(arg, spell) for arg in term.args)
        return f"int({left} {term.head} {right})"
    return f"int({written(term, spell)} != 0)"
