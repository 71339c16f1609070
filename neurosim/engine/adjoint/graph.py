"""One time step as a graph of elementary operations, in which no number is computed twice.

A node is an operation and the nodes that it takes. Two nodes that would be the same number are one
node, so that common subexpressions are shared from the beginning, those of a derivative with those
of what it is the derivative of: the derivative of an exponential is that exponential.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

__all__ = ["Graph", "Node"]


@dataclass(frozen=True)
class Node:
    """An operation.

    Attributes
    ----------
    kind : str
        ``"input"``, ``"constant"``, or what is done.
    args : tuple of int
        Nodes that it takes.
    name : str
        Of an input.
    value : float
        Of a constant; of a power, its exponent.
    """

    kind: str
    args: tuple[int, ...] = ()
    name: str = ""
    value: float = 0.0


def _exprel(x: float, _e: float = 0.0) -> float:
    return math.expm1(x) / x if x != 0 else 1.0


# Of operations on constants alone, what they give.
_FOLDED: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "recip": lambda a: 1 / a,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "abs": abs,
    "exprel": _exprel,
    "less": lambda a, b: float(a < b),
    "at_most": lambda a, b: float(a <= b),
    "equal": lambda a, b: float(a == b),
}


class Graph:
    """Nodes, each after those that it takes.

    Examples
    --------
    >>> graph = Graph()
    >>> x = graph.input("x")
    >>> graph.mul(x, x) == graph.mul(x, x)
    True
    >>> graph.nodes[graph.add(graph.constant(2), graph.constant(3))].value
    5.0
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Node, int] = {}

    def copy(self) -> Graph:
        """Return the same nodes in a graph of their own."""
        other = Graph()
        other.nodes, other._known = list(self.nodes), dict(self._known)
        return other

    def node(self, kind: str, *args: int, name: str = "", value: float = 0.0) -> int:
        """Return the number of a node, a new one if there is none like it."""
        if kind in _FOLDED and all(self.nodes[a].kind == "constant" for a in args):
            try:
                return self.constant(_FOLDED[kind](*(self.nodes[a].value for a in args)))
            except (ArithmeticError, ValueError):
                pass
        if kind in ("add", "mul") and args[0] > args[1]:
            args = (args[1], args[0])
        made = Node(kind, args, name, value)
        if made not in self._known:
            self._known[made] = len(self.nodes)
            self.nodes.append(made)
        return self._known[made]

    def input(self, name: str) -> int:
        """Return what the step is given under a name."""
        return self.node("input", name=name)

    def constant(self, value: float) -> int:
        """Return a number."""
        return self.node("constant", value=float(value))

    def is_number(self, at: int, value: float) -> bool:
        """Return whether a node is a constant of a value."""
        return self.nodes[at].kind == "constant" and self.nodes[at].value == value

    def add(self, a: int, b: int) -> int:
        """Return a + b."""
        if self.is_number(a, 0):
            return b
        if self.is_number(b, 0):
            return a
        if self.nodes[b].kind == "neg":
            return self.sub(a, self.nodes[b].args[0])
        if self.nodes[a].kind == "neg":
            return self.sub(b, self.nodes[a].args[0])
        return self.node("add", a, b)

    def sub(self, a: int, b: int) -> int:
        """Return a - b."""
        if self.is_number(b, 0):
            return a
        if self.is_number(a, 0):
            return self.neg(b)
        if a == b:
            return self.constant(0)
        if self.nodes[b].kind == "neg":
            return self.add(a, self.nodes[b].args[0])
        return self.node("sub", a, b)

    def mul(self, a: int, b: int) -> int:
        """Return a * b."""
        if self.is_number(a, 0) or self.is_number(b, 0):
            return self.constant(0)
        if self.is_number(a, 1):
            return b
        if self.is_number(b, 1):
            return a
        if self.is_number(a, -1):
            return self.neg(b)
        if self.is_number(b, -1):
            return self.neg(a)
        if self.nodes[a].kind == "neg":
            return self.neg(self.mul(self.nodes[a].args[0], b))
        if self.nodes[b].kind == "neg":
            return self.neg(self.mul(a, self.nodes[b].args[0]))
        return self.node("mul", a, b)

    def neg(self, a: int) -> int:
        """Return -a."""
        return self.nodes[a].args[0] if self.nodes[a].kind == "neg" else self.node("neg", a)

    def recip(self, a: int) -> int:
        """Return 1/a; the inverse of exprel is an operation of its own, with one division."""
        if self.nodes[a].kind == "exprel":
            return self.node("per_exprel", *self.nodes[a].args)
        if self.nodes[a].kind == "neg":
            return self.neg(self.recip(self.nodes[a].args[0]))
        return self.node("recip", a)

    def div(self, a: int, b: int) -> int:
        """Return a / b."""
        return self.mul(a, self.recip(b))

    def power(self, a: int, exponent: float) -> int:
        """Return a to a constant power; small whole ones are products."""
        whole = round(exponent)
        if whole == exponent and 0 <= whole <= 16:
            found, square = self.constant(1), a
            while whole:
                if whole & 1:
                    found = self.mul(found, square)
                whole >>= 1
                square = self.mul(square, square) if whole else square
            return found
        if whole == exponent and -16 <= whole < 0:
            return self.recip(self.power(a, -exponent))
        if exponent == 0.5:
            return self.node("sqrt", a)
        return self.node("power", a, value=float(exponent))

    def sum(self, terms: Iterable[int]) -> int:
        """Return the sum of nodes."""
        total = self.constant(0)
        for term in terms:
            total = self.add(total, term)
        return total

    def below(self, outputs: Iterable[int]) -> list[int]:
        """Return the nodes that some nodes need, themselves included, each after what it takes."""
        wanted = np.zeros(len(self.nodes), dtype=bool)
        waiting = list(outputs)
        while waiting:
            at = waiting.pop()
            if not wanted[at]:
                wanted[at] = True
                waiting += self.nodes[at].args
        return [int(at) for at in np.flatnonzero(wanted)]

    def above(self, inputs: Iterable[int]) -> set[int]:
        """Return the nodes that depend on some nodes, themselves included."""
        found = set(inputs)
        for at, node in enumerate(self.nodes):
            if not found.isdisjoint(node.args):
                found.add(at)
        return found
