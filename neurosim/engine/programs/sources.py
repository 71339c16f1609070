"""C++ that both engines share, put together from its files, and functions that equations call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.randomness import cpp_source

if TYPE_CHECKING:
    from brian2.core.functions import Function

__all__ = ["cpp_functions", "membrane_source", "shared_source"]

_TYPES = {
    "gaussian": ["integer"] * 4,
    "uniform": ["integer"] * 4,
    "waveform": ["integer", "float"],
    "course": ["integer", "float"],
    "step_level": ["integer"] * 2,
    "weight": ["integer"] * 2,
    "exprel_given": ["float"] * 2,
    "quotient_power": ["float"] * 4,
}


def shared_source() -> str:
    """Return what reads and writes a run's files and draws its random numbers, in C++."""
    files = _text("disk_files.h", "host_files.h", "files.h", "results.h")
    return f"{files}{membrane_source()}{_text('waveform_files.h', 'courses.h')}"


def membrane_source() -> str:
    """Return what the equations of a membrane may call, in C++ without files or threads."""
    headers = "".join(f"#include <{name}>\n" for name in ("cmath", "cstdint", "cstring"))
    ahead = f"{headers}{_text('exponentials.h', 'portable.h', 'waveforms.h')}"
    return f"{ahead}namespace neurosim {{{cpp_source()}}}  // namespace neurosim\n"


def _text(*names: str) -> str:
    return "".join((Path(__file__).parent / name).read_text() for name in names)


def cpp_functions(bodies: Mapping[str, Callable[..., Any]]) -> dict[str, Function]:
    """Return functions that equations may call, by name, from their bodies in Python.

    In C++ each is the function ``neurosim_<name>`` of the program.
    """
    # Here, so that what no model is in can be compiled before Brian2 is imported.
    from brian2.core.functions import Function

    functions = {}
    for name, body in bodies.items():
        types = _TYPES[name]
        function = Function(
            body, arg_units=[1] * len(types), arg_types=types, return_unit=1, return_type="float"
        )
        function.implementations.add_implementation("cpp", "", name=f"neurosim_{name}")
        functions[name] = function
    return functions
