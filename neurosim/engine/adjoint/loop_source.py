"""A graph as a loop over rows in C++: what is the same in all rows is worked out before it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from neurosim.engine.adjoint.graph import Graph, Node

__all__ = ["Reads", "Stored", "write_loop"]

_INFIX = {"add": "+", "sub": "-", "mul": "*"}
_CALLS = {
    **{name: name for name in ("exp", "expm1", "log", "log1p", "sqrt", "floor", "ceil")},
    **{f"{name}": f"std::{name}" for name in ("log10", "sin", "cos", "tan", "sinh", "cosh")},
    "tanh": "std::tanh",
    "arctan": "std::atan",
    "abs": "std::fabs",
    **{name: f"_{name}" for name in ("exprel", "exprel_slope", "per_exprel", "per_exprel_slope")},
    **{name: f"_{name}" for name in ("larger", "smaller", "less", "at_most", "equal", "sign")},
    **{name: f"_{name}" for name in ("whole", "timestep", "gaussian", "waveform", "step_level")},
}


@dataclass(frozen=True)
class Stored:
    """Where a node goes: an array by name, how it is written, and what the name stands for."""

    node: int
    array: str
    how: str = "="
    stands_for: str = ""


@dataclass
class Reads:
    """How a loop reads what it is given.

    Attributes
    ----------
    given : mapping of str to int
        Numbers of the arrays of parameters.
    carried : mapping of str to int
        Numbers of the arrays of what steps leave to the next.
    shared : collection of str
        Parameters that are one number for all rows.
    once, plain : mapping of str to str
        Code of what is the same in all rows, and of what is not and needs no array by number.
    numbered : mapping of str to (str, int)
        By what name further inputs have an array by number, and which one.
    pointers : dict of str to str
        Arrays that were read, by name.
    """

    given: Mapping[str, int]
    carried: Mapping[str, int]
    shared: Collection[str]
    once: Mapping[str, str]
    plain: Mapping[str, str]
    numbered: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)

    def read(self, name: str) -> tuple[str, bool]:
        """Return the code of an input, and whether it is the same in all rows."""
        if name in self.once:
            return self.once[name], True
        if name in self.plain:
            return self.plain[name], False
        if name in self.shared:
            return f"given[{self.given[name]}][0]", True
        head, number = "given", self.given.get(name, -1)
        if name.startswith("bar:"):
            head, number = "bar", self.carried[name.removeprefix("bar:")]
        elif name in self.numbered:
            head, number = self.numbered[name]
        elif name in self.carried:
            head, number = "from", self.carried[name]
        self.pointers[f"{head}{number}"] = f"{head}[{number}]"
        return f"{head}{number}[row]", False


def write_loop(graph: Graph, inputs: Reads, stored: Sequence[Stored]) -> str:
    """Return one loop over rows.

    Parameters
    ----------
    graph : Graph
        What is worked out.
    inputs : Reads
        Where its inputs come from.
    stored : sequence of Stored
        Where its results go.
    """
    once: set[int] = set()
    before: list[str] = []
    inside: list[str] = []
    for at in graph.below(one.node for one in stored):
        node = graph.nodes[at]
        if node.kind == "constant":
            once.add(at)
            continue
        if node.kind == "input":
            code, alone = inputs.read(node.name)
        else:
            code = _written(node, [_value(graph, a) for a in node.args])
            alone = once.issuperset(node.args)
        if alone:
            once.add(at)
        (before if alone else inside).append(f"const double x{at} = {code};")
    inputs.pointers |= {one.array: one.stands_for for one in stored if one.stands_for}
    ends = [f"{one.array}[row] {one.how} {_value(graph, one.node)};" for one in stored]
    written = {one.array for one in stored}
    heads = [
        f"{'' if name in written else 'const '}double* {name} = {where};"
        for name, where in inputs.pointers.items()
    ]
    return "\n        ".join(
        [
            *heads,
            *before,
            "#pragma GCC ivdep",
            "for (int64_t row = 0; row < rows; row++) {",
            *(f"    {line}" for line in [*inside, *ends]),
            "}",
        ]
    )


def _value(graph: Graph, at: int) -> str:
    node = graph.nodes[at]
    return f"({node.value!r})" if node.kind == "constant" else f"x{at}"


def _written(node: Node, args: Sequence[str]) -> str:
    if node.kind in _INFIX:
        return f"{args[0]} {_INFIX[node.kind]} {args[1]}"
    if node.kind == "neg":
        return f"-{args[0]}"
    if node.kind == "recip":
        return f"1.0/{args[0]}"
    if node.kind == "power":
        return f"std::pow({args[0]}, {node.value!r})"
    return f"{_CALLS[node.kind]}({', '.join(args)})"
