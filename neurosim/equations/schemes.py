"""States that stand or fall together: kinetic schemes, and other groups that are jointly linear.

The states of a kinetic scheme (a Markov model of a channel) lead to one another and sum to one.
Their steady state is the solution of one linear system, which no state tells alone: with all of
them written out, 0 is a steady state too. Advanced one by one they would not keep their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from brian2.equations.equations import Equations
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str
from brian2.utils.stringtools import get_identifiers

from neurosim.equations.linear import written_out
from neurosim.errors import ParameterError

__all__ = ["Group", "advance_scheme", "find_groups", "occupancies", "rates_of"]

# Of the rational approximation of exp that keeps sums, damps fast states and is of second order:
# the SDIRK method with this coefficient (Alexander 1977, SIAM J Numer Anal 14:1006).
GAMMA = 1 - 1 / np.sqrt(2)
_CLOSE = 1e-9


@dataclass(frozen=True)
class Group:
    """States whose equations name one another and are linear in them together.

    Attributes
    ----------
    states : tuple of str
        The states.
    sums_to_one : bool
        Whether they are all the states of a kinetic scheme.
    matrix : tuple of tuple of str
        ``matrix[i][j]`` is what state j adds to the rate of change of state i, in Brian2's
        language; "0" where nothing.
    drive : tuple of str
        What the rate of change of each state is where all states are 0; "0" for most schemes.
    doubt : str
        Why the steady state is not known although some sum of the states never changes; empty where
        it is.
    """

    states: tuple[str, ...]
    sums_to_one: bool
    matrix: tuple[tuple[str, ...], ...] = ()
    drive: tuple[str, ...] = ()
    doubt: str = ""


def find_groups(equations: Equations) -> tuple[Group, ...]:
    """Return the kinetic schemes of a system, and its other groups of jointly linear states.

    Examples
    --------
    >>> text = "dC/dt = b*O - a*C : 1\\ndO/dt = a*C - b*O : 1\\na : Hz\\nb : Hz"
    >>> [(group.states, group.sums_to_one) for group in find_groups(Equations(text))]
    [(('C', 'O'), True)]
    """
    states = tuple(sorted(n for n in equations.diff_eq_names if n != "v"))
    if len(states) < 2:
        return ()
    pure = tuple(name for name in states if equations[name].dim.is_dimensionless)
    rights = tuple((name, equations[name].expr.code) for name in states)
    names = sorted(equations.subexpr_names)
    return _groups(rights, tuple((name, equations[name].expr.code) for name in names), pure)


@lru_cache(maxsize=512)
def _groups(
    rights: tuple[tuple[str, str], ...],
    expressions: tuple[tuple[str, str], ...],
    pure: tuple[str, ...],
) -> tuple[Group, ...]:
    states = [name for name, _ in rights]
    named_codes = dict(expressions)
    uses = np.array([_used(code, named_codes, states) for _, code in rights])
    np.fill_diagonal(uses, val=False)
    if not uses.any():
        return ()
    # Most models end above; without SciPy the process that writes their program starts sooner.
    from scipy.sparse.csgraph import connected_components

    named = {name: str_to_sympy(code) for name, code in expressions}
    found: list[Group] = []
    _, weak = connected_components(uses, directed=True, connection="weak")
    for number in np.unique(weak):
        here = [states[k] for k in np.flatnonzero(weak == number)]
        if len(here) > 1:
            code = {name: _written(text, here, named) for name, text in rights if name in here}
            found += _conserved(code, pure)
    taken = {name for group in found for name in group.states}
    _, strong = connected_components(uses, directed=True, connection="strong")
    for number in np.unique(strong):
        here = [states[k] for k in np.flatnonzero(strong == number)]
        if len(here) > 1 and not taken & set(here):
            code = {name: _written(text, here, named) for name, text in rights if name in here}
            matrix = _matrix(code)
            found += [Group(tuple(here), False, matrix, _drive(code))] if matrix else []
    return tuple(found)


def _used(code: str, named: Mapping[str, str], states: Sequence[str]) -> list[bool]:
    """Return which states an expression depends on, through all it names."""
    seen: set[str] = set()
    waiting = set(get_identifiers(code))
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting |= set(get_identifiers(named[name])) if name in named else set()
    return [name in seen for name in states]


def _written(code: str, states: Sequence[str], named: Mapping[str, Any]) -> Any:
    """Return a right side in which no named expression depends on one of the states."""
    expression = str_to_sympy(code)
    for name in states:
        expression = written_out(expression, sympy.Symbol(name, real=True), named)
    return expression


def _matrix(rights: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return the rates between states, nothing where they are not linear together."""
    symbols = [sympy.Symbol(name, real=True) for name in rights]
    rows = []
    for right in rights.values():
        slopes = [sympy.diff(right, symbol) for symbol in symbols]
        if any(slope.has(*symbols) or slope.atoms(sympy.Derivative) for slope in slopes):
            return ()
        rows.append(tuple(sympy_to_str(slope) for slope in slopes))
    return tuple(rows)


def _drive(rights: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the rates of change where all states are 0."""
    nothing = {sympy.Symbol(name, real=True): 0 for name in rights}
    return tuple(sympy_to_str(right.subs(nothing)) for right in rights.values())


def _conserved(rights: Mapping[str, Any], pure: Sequence[str]) -> list[Group]:
    """Return the groups of states of which a sum never changes, whatever the rates are."""
    names = list(rights)
    terms = [sympy.expand_mul(right).as_coefficients_dict() for right in rights.values()]
    monomials = list(dict.fromkeys(term for every in terms for term in every))
    table = np.array([[float(every.get(m, 0)) for every in terms] for m in monomials])
    # States that never change by themselves (only events move them) conserve nothing.
    moving = [k for k in range(len(names)) if table[:, k].any()]
    found = []
    for law in _null_space(table[:, moving]):
        inside = [names[moving[k]] for k in np.flatnonzero(law)]
        if len(inside) < 2:
            continue
        known = set(np.round(law[law != 0], 9)) == {1.0} and set(inside) <= set(pure)
        some = {name: rights[name] for name in inside}
        matrix = _matrix(some) if known else ()
        doubt = "" if matrix else "their sum is not known" if known else "their total is not known"
        sums_to_one = known and bool(matrix)
        found.append(Group(tuple(inside), sums_to_one, matrix, _drive(some), doubt))
    every = [name for group in found for name in group.states]
    if len(set(every)) < len(every):
        return [
            Group(tuple(dict.fromkeys(every)), False, doubt="several of their sums are constant")
        ]
    return found


def _null_space(table: np.ndarray) -> list[np.ndarray]:
    """Return the vectors that a matrix maps to 0, each with a 1 where the others have 0."""
    rest = table / np.maximum(np.abs(table).max(axis=1, keepdims=True, initial=0), 1e-300)
    pivots: list[int] = []
    for column in range(rest.shape[1]):
        row = len(pivots)
        if row == len(rest):
            break
        best = row + int(np.argmax(np.abs(rest[row:, column])))
        if abs(rest[best, column]) < _CLOSE:
            continue
        rest[[row, best]] = rest[[best, row]]
        rest[row] /= rest[row, column]
        others = np.arange(len(rest)) != row
        rest[others] -= np.outer(rest[others, column], rest[row])
        pivots.append(column)
    found = []
    for free in sorted(set(range(rest.shape[1])) - set(pivots)):
        vector = np.zeros(rest.shape[1])
        vector[free] = 1
        vector[pivots] = -rest[: len(pivots), free]
        found.append(np.where(np.abs(vector) < _CLOSE, 0.0, vector))
    return found


def rates_of(
    group: Group, derivative: Callable[[str, Mapping[str, float]], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return a and B of dx/dt = a + B x for the states of a group.

    Parameters
    ----------
    group : Group
        The states.
    derivative : callable
        Returns the rate of change of a state, in 1/s, given the values of all.

    Returns
    -------
    ndarray, shape (n, ...), and ndarray, shape (n, n, ...)
    """
    nothing = dict.fromkeys(group.states, 0.0)
    drive = [np.asarray(derivative(name, nothing), dtype=float) for name in group.states]
    columns = [
        [derivative(name, {**nothing, other: 1.0}) - a
         for name, a in zip(group.states, drive, strict=True)]
        for other in group.states
    ]  # fmt: skip
    every = np.broadcast_arrays(*drive, *(entry for column in columns for entry in column))
    n = len(group.states)
    matrix = np.stack(every[n:]).reshape(n, n, *every[0].shape)
    return np.stack(every[:n]), np.swapaxes(matrix, 0, 1)


def occupancies(group: Group, drive: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return where the states of a group come to rest, shape (n, ...).

    Raises
    ------
    ParameterError
        They have no steady state, more than one, or one that is no occupancy.
    """
    if group.doubt:
        raise ParameterError(_undetermined(group, group.doubt))
    n = len(drive)
    # Each row in its own scale: rates of a scheme span many decades.
    scale = np.abs(matrix).max(axis=1, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    left = np.moveaxis(matrix / scale, (0, 1), (-2, -1)).copy()
    right = -np.moveaxis(drive / scale[:, 0], 0, -1).copy()
    if group.sums_to_one:
        # One equation follows from the others: their sum takes its place.
        left[..., 0, :], right[..., 0] = 1.0, 1.0
    if not np.all(np.linalg.cond(left) < 1e13):
        raise ParameterError(_undetermined(group, "at rest they have no steady state of their own"))
    found = np.moveaxis(np.linalg.solve(left, right[..., np.newaxis])[..., 0], -1, 0)
    if group.sums_to_one:
        missed = np.einsum("ij...,j...->i...", matrix, found) + drive
        wrong = np.abs(missed) > 1e-6 * np.abs(matrix).max(axis=(0, 1))
        if np.any(found < -1e-6) or np.any(wrong):
            raise ParameterError(
                _undetermined(group, "no shares from 0 to 1 that sum to one are at rest")
            )
        found = np.clip(found, 0, 1)
    assert len(found) == n
    return np.asarray(found)


def _undetermined(group: Group, why: str) -> str:
    names = ", ".join(group.states)
    return (
        f"the states {names} have no steady state to start from: a sum of them never changes, and "
        f"{why}. Write the last of them as what is left of the total, such as "
        f"{group.states[-1]} = 1 - {' - '.join(group.states[:-1])}"
    )


def advance_scheme(group: Group, number: int) -> list[str]:
    r"""Return the statements that advance a kinetic scheme by a step; they set ``_next_<state>``.

    With A the rates, they solve :math:`(1 - \gamma\,dt\,A)\,y = x` and again for
    :math:`(1 - \gamma\,dt\,A)\,z = y`; the step is :math:`-\sqrt 2\,y + (1 + \sqrt 2)\,z`, which
    keeps the sum, is of second order, and damps states that are faster than the step. A drive b
    adds :math:`\gamma\,dt\,b` to both right sides.

    Examples
    --------
    >>> group = Group(("C", "O"), True, (("-a", "b"), ("a", "-b")), ("0", "0"))
    >>> advance_scheme(group, 0)[-1]
    '_next_C = 2.414213562373095*_scheme0_z0 - 1.4142135623730951*_scheme0_y0'
    """
    n, head = len(group.states), f"_scheme{number}_"
    lines: list[str] = []
    now: dict[tuple[int, int], str] = {}
    for i in range(n):
        for j in range(n):
            if group.matrix[i][j] != "0" or i == j:
                name = now[i, j] = f"{head}{i}_{j}"
                one = "1" if i == j else "0"
                lines.append(f"{name} = {one} - {float(GAMMA)!r}*dt*({group.matrix[i][j]})")
    for k in range(n):
        lines.append(f"{head}over{k} = 1/{now[k, k]}")
        for i in range(k + 1, n):
            if (i, k) not in now:
                continue
            lines.append(f"{head}part{i}_{k} = {now[i, k]}*{head}over{k}")
            for j in range(k + 1, n):
                if (k, j) in now:
                    before = now.get((i, j), "0")
                    name = f"{head}{i}_{j}_{k}"
                    lines.append(f"{name} = {before} - {head}part{i}_{k}*{now[k, j]}")
                    now[i, j] = name
            now[i, k] = ""
    for given, made in ((list(group.states), "y"), ([f"{head}y{i}" for i in range(n)], "z")):
        for i in range(n):
            less = "".join(
                f" - {head}part{i}_{k}*{head}{made}down{k}" for k in range(i) if (i, k) in now
            )
            own = group.drive[i]
            more = "" if own == "0" else f" + {float(GAMMA)!r}*dt*({own})"
            lines.append(f"{head}{made}down{i} = {given[i]}{more}{less}")
        for i in reversed(range(n)):
            less = "".join(
                f" - {now[i, j]}*{head}{made}{j}" for j in range(i + 1, n) if (i, j) in now
            )
            lines.append(f"{head}{made}{i} = ({head}{made}down{i}{less})*{head}over{i}")
    root = float(np.sqrt(2))
    return lines + [
        f"_next_{name} = {1 + root!r}*{head}z{i} - {root!r}*{head}y{i}"
        for i, name in reversed(list(enumerate(group.states)))
    ]
