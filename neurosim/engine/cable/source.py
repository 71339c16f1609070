"""From `CableModel`s to one C++ file, with the loop bodies written by Brian2's code generation.

Brian2 turns the statements of a step (`scheme.write_step`) into C++ through a template of our own
(`templates/kernel.cpp`), derived from that of its standalone mode; `runtime.cpp` holds everything
that is the same for every model. Runs only inside a worker process.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.engine.cable.model import CableModel, Kernel
from neurosim.engine.cable.scheme import prepare, write_step
from neurosim.engine.programs.sources import cpp_functions, shared_source
from neurosim.errors import EngineError

__all__ = ["write_program", "write_runtime"]

# Functions with a body in kernel.h, written without branches so that loops stay vectors.
_OWN = ("gaussian", "waveform", "step_level", "exprel_given")
_FUNCTIONS = {
    *("exp", "log", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan"),
    *("abs", "floor", "ceil", "exprel", "expm1", "log1p", "clip", "int", "sign", "timestep"),
    *_OWN,
}
_ROWS = 1000


def write_program(models: Sequence[CableModel], path: Path) -> None:
    """Write the membrane loops of one or several models into one file.

    Raises
    ------
    EngineError
        An equation uses a function that the engine does not know, or is not linear in its state.
    """
    import brian2

    brian2.set_device("cpp_standalone", build_on_run=False)
    # Groups serve code generation alone and are in no network.
    brian2.BrianLogger.suppress_name("unused_brian_object")
    parts, made = [], []
    for number, model in enumerate(models):
        for kernel in model.kernels:
            name = f"Kernel_{number}_{kernel.name}"
            parts.append(_kernel(kernel, name))
            made.append(f"    if (model == {number}) kernels.emplace_back(new {name}());")
    path.write_text(
        "\n".join(
            [
                *_shared(),
                "namespace neurosim {",
                *parts,
                "void make_kernels(int64_t model, std::vector<std::unique_ptr<Kernel>>& kernels) {",
                *made,
                "}",
                "}  // namespace neurosim",
                "",
            ]
        )
    )


def write_runtime(path: Path) -> None:
    """Write what is around the membrane loops, the same for every model, into one file."""
    runtime = (Path(__file__).parent / "runtime.cpp").read_text()
    path.write_text("\n".join([*_shared(), runtime]))


def _shared() -> list[str]:
    kernel = (Path(__file__).parent / "kernel.h").read_text()
    return [shared_source(), kernel]


def _group(kernel: Kernel, name: str) -> Any:
    from brian2 import NeuronGroup

    def unused(*_: float) -> float:
        raise AssertionError("only its C++ body is used")

    return NeuronGroup(
        _ROWS,
        prepare(kernel).parsed,
        method="exponential_euler",
        namespace=cpp_functions(dict.fromkeys(_OWN, unused)),
        name=name,
    )


def _kernel(kernel: Kernel, structure: str) -> str:
    """Return the C++ structure of one kernel, under a name of its own."""
    from brian2.codegen.codeobject import create_runner_codeobj
    from brian2.core.functions import Function
    from brian2.core.variables import ArrayVariable, Constant
    from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
    from brian2.devices.device import get_device

    class CableCodeObject(CPPStandaloneCodeObject):  # type: ignore[misc]  # Brian2 has no types
        """Code of one kernel, in our own template."""

        templater = CPPStandaloneCodeObject.templater.derive("neurosim.engine.cable")

    group = _group(kernel, structure)
    code = create_runner_codeobj(
        group,
        write_step(kernel),
        "kernel",
        run_namespace={},
        codeobj_class=CableCodeObject,
        check_units=False,
    )
    # A rate divided by exprel needs one division, not two.
    text = code.code.cpp_file.replace("/_exprel(", "*_per_exprel(")
    parts = _split(text.replace("/neurosim_exprel_given(", "*_per_exprel_given("))
    constants, arrays = [], {}
    for name, variable in code.variables.items():
        if isinstance(variable, Function):
            if name not in _FUNCTIONS:
                raise EngineError(
                    f"{kernel.name}: the function {name} cannot be used in a branched neuron; "
                    f"known are {', '.join(sorted(_FUNCTIONS))}"
                )
        elif isinstance(variable, Constant):
            kind = "int64_t" if isinstance(variable.value, (int, np.integer)) else "double"
            constants.append(f"const {kind} {name} = {variable.value!r};")
        elif isinstance(variable, ArrayVariable):
            arrays[name] = get_device().get_array_name(variable, access_data=False)
    members, bound = [], []
    for name, array in arrays.items():
        if name in ("dt", "t", "t_in_timesteps"):
            kind = "int64_t" if name == "t_in_timesteps" else "double"
            members.append(f"{kind} value_{array}[1]; {kind}* {array} = value_{array};")
            continue
        kind = "int32_t" if name in kernel.integers else "double"
        members.append(f"{kind}* {array} = nullptr;")
        if name == "v":
            bound.append(f"{array} = potential();")
        else:
            bound.append(f'{array} = {"integers" if kind == "int32_t" else "numbers"}("{name}");')
    clock = [
        f"{arrays[name]}[0] = {value};"
        for name, value in (("dt", "step.dt"), ("t", "step.time"), ("t_in_timesteps", "step.index"))
        if name in arrays
    ]
    traced = [f'double* traced_{name} = numbers("{name}.traced");' for name in kernel.record]
    store = [f"traced_{name}[_idx] = _traced_{name};" for name in kernel.record]
    layout = [
        f'layout.push_back({{"{name}", {_kind(kernel, name)}, '
        f"{str(name in kernel.integers).lower()}}});"
        for name in [*kernel.states, *kernel.parameters]
    ]
    layout += [
        f'layout.push_back({{"{name}.traced", Array::traced, false}});' for name in kernel.record
    ]
    return f"""
struct {structure} : Kernel {{
    {_lines(members, 4)}
    {structure}() {{
        name = "{kernel.name}";
        density = {str(kernel.density).lower()};
        conducts = {str(kernel.conducts).lower()};
        injects = {str(kernel.injects and not kernel.density).lower()};
        amplifier = Amplifier::{kernel.amplifier or "none"};
        ion = "{kernel.ion}";
        {_lines(layout, 8)}
        {_lines([f'events.push_back("{name}");' for name in kernel.events], 8)}
        {_lines([f'traces.push_back("{name}");' for name in kernel.record], 8)}
        {_lines([f'kept.push_back("{name}");' for name in kernel.kept], 8)}
    }}
    void bind() override {{
        {_lines(bound, 8)}
    }}
    void advance(const Step& step, double* __restrict _row_conductance,
                 double* __restrict _row_current) override {{
        {_lines(clock, 8)}
        {_lines(constants, 8)}
        {_lines(parts["pointers"], 8)}
        {_lines(traced, 8)}
        const int64_t _row_count = rows;
        {_lines(parts["scalar"], 8)}
        #pragma GCC ivdep
        for (int64_t _idx = 0; _idx < _row_count; _idx++) {{
            {_lines(parts["vector"], 12)}
            _row_conductance[_idx] = _conductance;
            _row_current[_idx] = _current;
            {_lines(store, 12)}
        }}
    }}
}};
"""


def _kind(kernel: Kernel, name: str) -> str:
    return "Array::shared" if name in kernel.shared else "Array::row"


def _split(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    here: list[str] = []
    for line in text.splitlines():
        heading = re.match(r"//@ (\w+)", line.strip())
        if heading:
            here = found.setdefault(heading[1], [])
        elif line.strip():
            here.append(line.strip())
    return found


def _lines(lines: list[str], indent: int) -> str:
    return ("\n" + " " * indent).join(lines)
