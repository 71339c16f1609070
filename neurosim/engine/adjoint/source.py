"""The steps of kernels and their derivatives in C++: one structure a kernel, two loops each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.engine.adjoint.loop_source import Reads, Stored, write_loop
from neurosim.engine.adjoint.step_derivative import CLOCK, DOT, Step, StepAlong
from neurosim.engine.programs.sources import membrane_source

__all__ = ["OF_CLOCK", "write_loops", "write_loops_along"]

_HERE = Path(__file__).parent
OF_CLOCK = dict(zip(CLOCK, ("clock.dt", "clock.time", "double(clock.index)"), strict=True))


def write_loops(steps: Sequence[Step], path: Path) -> None:
    """Write the loops of a model, ahead and back, into one file.

    Parameters
    ----------
    steps : sequence of Step
        Of each kernel, in the order of the model.
    path : Path
        The file.
    """
    _write([_structure(step, f"Loop_{k}", _back(step)) for k, step in enumerate(steps)], path)


def write_loops_along(steps: Sequence[StepAlong], path: Path) -> None:
    """Write the loops of a model, ahead and along a direction, into one file.

    Parameters
    ----------
    steps : sequence of StepAlong
        Of each kernel, in the order of the model.
    path : Path
        The file.
    """
    _write([_structure(one.step, f"Loop_{k}", _along(one)) for k, one in enumerate(steps)], path)


def _write(structures: Sequence[str], path: Path) -> None:
    made = [f"    if (number == {k}) return new Loop_{k}();" for k in range(len(structures))]
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


def _structure(step: Step, name: str, more: str) -> str:
    """Return the C++ structure of one kernel.

    Its arrays go by number: what steps leave in the order of `Step.carried`, what is given in that
    of `Step.parameters`, and derivatives in that of `Step.wanted`.
    """
    ahead = [
        Stored(step.after[n], f"to{k}", stands_for=f"to[{k}]") for k, n in enumerate(step.carried)
    ]
    ahead += [Stored(step.conductance, "conductance"), Stored(step.current, "current")]
    return f"""
struct {name} final : Loop {{
    void forward(const Clock& clock, int64_t rows, const double* __restrict v,
                 const double* const* from, double* const* to, const double* const* given,
                 double* __restrict conductance, double* __restrict current) override {{
        {write_loop(step.graph, _reads(step), ahead)}
    }}
{more}
}};
"""


def _back(step: Step) -> str:
    back = [
        Stored(step.bars[n], f"bar{k}", stands_for=f"bar[{k}]") for k, n in enumerate(step.carried)
    ]
    back.append(Stored(step.bars["v"], "bar_v", "+="))
    back += [
        Stored(step.bars[n], f"found{k}", "+=", f"found[{k}]") for k, n in enumerate(step.wanted)
    ]
    return f"""    void backward(const Clock& clock, int64_t rows, const double* __restrict v,
                  const double* const* from, const double* const* given,
                  const double* __restrict lambda, const double* __restrict solved,
                  double* __restrict bar_v, double* const* bar, double* const* found) override {{
        {write_loop(step.graph, _reads(step), back)}
    }}"""


def _along(one: StepAlong) -> str:
    step = one.step
    moved = [
        Stored(one.dots[n], f"dot_to{k}", stands_for=f"dot_to[{k}]")
        for k, n in enumerate(step.carried)
    ]
    moved += [Stored(one.dots[n], f"dot_{n}") for n in ("conductance", "current")]
    reads = _reads(step)
    reads.plain = {"v": "v[row]", f"{DOT}v": "dot_v[row]"}
    reads.numbered = {f"{DOT}{n}": ("dot_from", k) for k, n in enumerate(step.carried)}
    reads.numbered |= {f"{DOT}{n}": ("dot_given", k) for k, n in enumerate(step.wanted)}
    return f"""    void backward(const Clock&, int64_t, const double* __restrict,
                  const double* const*, const double* const*,
                  const double* __restrict, const double* __restrict,
                  double* __restrict, double* const*, double* const*) override {{}}
    void along(const Clock& clock, int64_t rows, const double* __restrict v,
               const double* const* from, const double* const* given,
               const double* __restrict dot_v, const double* const* dot_from,
               const double* const* dot_given, double* const* dot_to,
               double* __restrict dot_conductance, double* __restrict dot_current) override {{
        {write_loop(step.graph, reads, moved)}
    }}"""


def _reads(step: Step) -> Reads:
    plain = {"v": "v[row]", "bar:current": "lambda[row]",
             "bar:conductance": "-lambda[row]*solved[row]"}  # fmt: skip
    return Reads(
        given={name: k for k, name in enumerate(step.parameters)},
        carried={name: k for k, name in enumerate(step.carried)},
        shared=step.kernel.shared,
        once=OF_CLOCK,
        plain=plain,
    )
