"""Reads the statements of a time step, in Brian2's language, into a graph of operations."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_UNITS
from brian2.equations.equations import Equations

from neurosim.engine.adjoint.graph import Graph
from neurosim.errors import EngineError

__all__ = ["CONSTANTS", "read_statements"]

CONSTANTS: Mapping[str, float] = {
    **{name: float(value) for name, value in DEFAULT_UNITS.items()},
    **{name: float(constant.value) for name, constant in DEFAULT_CONSTANTS.items()},
}
# Functions of one number that are one operation.
_PLAIN = {
    *("exp", "log", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan"),
    *("abs", "floor", "ceil", "expm1", "log1p", "sign"),
}
# What data of the run say, by numbers that no parameter moves smoothly.
_DATA = {"gaussian", "waveform", "step_level", "timestep"}
_COMPARED: dict[type[ast.cmpop], tuple[str, bool]] = {
    ast.Lt: ("less", False),
    ast.LtE: ("at_most", False),
    ast.Gt: ("less", True),
    ast.GtE: ("at_most", True),
    ast.Eq: ("equal", False),
}


def read_statements(
    graph: Graph, statements: str, equations: Equations, name: str
) -> dict[str, int]:
    """Return by name what each variable is after the statements.

    Parameters
    ----------
    graph : Graph
        What is written to. Variables that no statement has set are inputs.
    statements : str
        One a line.
    equations : Equations
        Named expressions; each is worked out anew once a variable that it names has changed.
    name : str
        Of the kernel, for the message of an error.

    Raises
    ------
    EngineError
        A function has no derivative that is known here.

    Examples
    --------
    >>> graph = Graph()
    >>> found = read_statements(graph, "y = 2*x\\nx = y + 1", Equations("x : 1"), "example")
    >>> graph.nodes[found["x"]].kind
    'add'
    """
    reader = _Reader(graph, equations, name)
    for line in statements.splitlines():
        left, _, right = line.partition("=")
        reader.assign(left.strip(), right.strip())
    return reader.now


class _Reader:
    def __init__(self, graph: Graph, equations: Equations, name: str) -> None:
        self.graph, self.name = graph, name
        self.codes = {one: equations[one].expr.code for one in equations.subexpr_names}
        self.variables = {*equations.names, "v"}
        self.now: dict[str, int] = {}
        self._worked_out: dict[str, int] = {}
        self._trees: dict[str, ast.expr] = {}

    def assign(self, left: str, code: str) -> None:
        self.now[left] = self.read(code)
        if left in self.variables:
            self._worked_out.clear()

    def read(self, code: str) -> int:
        if code not in self._trees:
            self._trees[code] = ast.parse(code, mode="eval").body
        return self._read(self._trees[code])

    def _named(self, name: str) -> int:
        if name in self.now:
            return self.now[name]
        if name in self.codes:
            if name not in self._worked_out:
                self._worked_out[name] = self.read(self.codes[name])
            return self._worked_out[name]
        if name not in self.variables and name in CONSTANTS:
            return self.graph.constant(CONSTANTS[name])
        return self.graph.input(name)

    def _read(self, node: ast.expr) -> int:
        graph = self.graph
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                return graph.constant(value)
            case ast.Name(id=name):
                return self._named(name)
            case ast.UnaryOp(op=ast.USub()):
                return graph.neg(self._read(node.operand))
            case ast.UnaryOp(op=ast.UAdd()):
                return self._read(node.operand)
            case ast.UnaryOp(op=ast.Not()):
                return graph.sub(graph.constant(1), self._read(node.operand))
            case ast.BinOp(op=ast.Pow()):
                return self._power(self._read(node.left), self._read(node.right))
            case ast.BinOp():
                known = {ast.Add: graph.add, ast.Sub: graph.sub, ast.Mult: graph.mul,
                         ast.Div: graph.div}  # fmt: skip
                if type(node.op) in known:
                    return known[type(node.op)](self._read(node.left), self._read(node.right))
            case ast.BoolOp(op=ast.And()):
                found = graph.constant(1)
                for part in node.values:
                    found = graph.mul(found, self._read(part))
                return found
            case ast.BoolOp(op=ast.Or()):
                found = graph.constant(1)
                for part in node.values:
                    found = graph.mul(found, graph.sub(graph.constant(1), self._read(part)))
                return graph.sub(graph.constant(1), found)
            case ast.Compare(ops=[op], comparators=[right]) if type(op) in _COMPARED:
                kind, swapped = _COMPARED[type(op)]
                sides = (self._read(node.left), self._read(right))
                return graph.node(kind, *(sides[::-1] if swapped else sides))
            case ast.Call(func=ast.Name(id=called)):
                return self._call(called, node)
        raise EngineError(self._unknown(ast.unparse(node)))

    def _power(self, base: int, exponent: int) -> int:
        graph = self.graph
        if graph.nodes[exponent].kind == "constant":
            return graph.power(base, graph.nodes[exponent].value)
        return graph.node("exp", graph.mul(exponent, graph.node("log", base)))

    def _call(self, called: str, node: ast.Call) -> int:
        graph = self.graph
        if called == "int":
            inner = self._read(node.args[0])
            counts = isinstance(node.args[0], ast.Compare | ast.BoolOp)
            return inner if counts else graph.node("whole", inner)
        args = [self._read(argument) for argument in node.args]
        if called in _DATA:
            return graph.node(called, *args)
        if called in _PLAIN:
            return graph.node(called, *args)
        if called == "exprel":
            return graph.node("exprel", args[0], graph.node("exp", args[0]))
        if called == "exprel_given":
            return graph.node("exprel", *args)
        if called == "quotient_power":
            # (a/b)**n with the logarithm of a/b at hand.
            return graph.node("exp", graph.mul(args[2], args[3]))
        if called == "clip":
            return graph.node("larger", graph.node("smaller", args[0], args[2]), args[1])
        raise EngineError(self._unknown(f"{called}(...)"))

    def _unknown(self, code: str) -> str:
        return (
            f"{self.name}: {code} has no derivative that is known here; write it with + - * / **, "
            "exp, log, sqrt, tanh, exprel, clip or int(condition)"
        )
