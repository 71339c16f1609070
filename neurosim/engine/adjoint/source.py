"""The steps of kernels and their derivatives in C++: one structure a kernel, two loops each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neurosim.engine.adjoint.graph import Graph, Node
from neurosim.engine.adjoint.step_derivative import CLOCK, Step
from neurosim.engine.programs.sources import membrane_source

__all__ = ["write_loops"]

_HERE = Path(__file__).parent
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
_OF_CLOCK = dict(zip(CLOCK, ("clock.dt", "clock.time", "double(clock.index)"), strict=True))


def write_loops(steps: Sequence[Step], path: Path) -> None:
    """Write the loops of a model into one file.

    Parameters
    ----------
    steps : sequence of Step
        Of each kernel, in the order of the model.
    path : Path
        The file.
    """
    structures = [_structure(step, f"Loop_{k}") for k, step in enumerate(steps)]
    made = [f"    if (number == {k}) return new Loop_{k}();" for k in range(len(steps))]
    path.write_text(
        "\n".join(
            [
                membrane_source(),
                (_HERE / "loops.h").read_text(),
                (_HERE / "operations.h").read_text(),
                "namespace neurosim {",
                *structures,
                "Loop* make_loop(int64_t number) {",
                *made,
                "    return nullptr;",
                "}",
                "}  // namespace neurosim",
                "",
            ]
        )
    )


@dataclass(frozen=True)
class _Stored:
    """Where a node goes: an array by name, how it is written, and what the name stands for."""

    node: int
    array: str
    how: str = "="
    stands_for: str = ""


def _structure(step: Step, name: str) -> str:
    """Return the C++ structure of one kernel.

    Its arrays go by number: what steps leave in the order of `Step.carried`, what is given in that
    of `Step.parameters`, and derivatives in that of `Step.wanted`.
    """
    ahead = [
        _Stored(step.after[n], f"to{k}", stands_for=f"to[{k}]") for k, n in enumerate(step.carried)
    ]
    ahead += [_Stored(step.conductance, "conductance"), _Stored(step.current, "current")]
    back = [
        _Stored(step.bars[n], f"bar{k}", stands_for=f"bar[{k}]") for k, n in enumerate(step.carried)
    ]
    back.append(_Stored(step.bars["v"], "bar_v", "+="))
    back += [
        _Stored(step.bars[n], f"found{k}", "+=", f"found[{k}]") for k, n in enumerate(step.wanted)
    ]
    return f"""
struct {name} final : Loop {{
    void forward(const Clock& clock, int64_t rows, const double* __restrict v,
                 const double* const* from, double* const* to, const double* const* given,
                 double* __restrict conductance, double* __restrict current) override {{
        {_loop(step, ahead)}
    }}
    void backward(const Clock& clock, int64_t rows, const double* __restrict v,
                  const double* const* from, const double* const* given,
                  const double* __restrict lambda, const double* __restrict solved,
                  double* __restrict bar_v, double* const* bar, double* const* found) override {{
        {_loop(step, back)}
    }}
}};
"""


def _loop(step: Step, stored: Sequence[_Stored]) -> str:
    """Return one loop over rows; what is the same in all rows is worked out before it."""
    graph = step.graph
    inputs = _Inputs(step)
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


class _Inputs:
    """How a loop reads what it is given; `pointers` are the arrays by name."""

    def __init__(self, step: Step) -> None:
        self.given = {name: k for k, name in enumerate(step.parameters)}
        self.carried = {name: k for k, name in enumerate(step.carried)}
        self.shared = step.kernel.shared
        self.pointers: dict[str, str] = {}

    def read(self, name: str) -> tuple[str, bool]:
        """Return the code of an input, and whether it is the same in all rows."""
        plain = {"v": "v[row]", "bar:current": "lambda[row]",
                 "bar:conductance": "-lambda[row]*solved[row]"}  # fmt: skip
        if name in _OF_CLOCK:
            return _OF_CLOCK[name], True
        if name in plain:
            return plain[name], False
        if name in self.shared:
            return f"given[{self.given[name]}][0]", True
        head, number = "given", self.given.get(name, -1)
        if name.startswith("bar:"):
            head, number = "bar", self.carried[name.removeprefix("bar:")]
        elif name in self.carried:
            head, number = "from", self.carried[name]
        self.pointers[f"{head}{number}"] = f"{head}[{number}]"
        return f"{head}{number}[row]", False


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
