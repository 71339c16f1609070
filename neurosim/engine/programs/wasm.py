"""The compiler of programs that a page carries: Clang as the package ``ziglang`` brings it along.

Such a program is WebAssembly. It has one thread and no disk: what it reads and writes goes through
the page (`host_files.h`), and its arithmetic is the portable one, so that it computes the same bits
as a program of this machine does under NEUROSIM_ARITHMETIC=portable.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from neurosim.engine.programs.compiler import PORTABLE, Compiler
from neurosim.errors import EngineError

__all__ = ["wasm_compiler"]

# Signals and the processor's time, which Brian2's programs name, do nothing in a page. There is
# nobody to catch an exception.
_FLAGS = (
    *("-std=c++17", "-O2", "-w", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"),
    *("-fno-exceptions", "-msimd128", "-DNEUROSIM_HOSTED", PORTABLE),
    *("-D_WASI_EMULATED_SIGNAL", "-D_WASI_EMULATED_PROCESS_CLOCKS"),
)


@cache
def wasm_compiler() -> Compiler:
    """Return the compiler of WebAssembly.

    Raises
    ------
    EngineError
        The package ``ziglang`` is not installed.
    """
    try:
        found = version("ziglang")
    except PackageNotFoundError:
        found = ""
    if not found or find_spec("ziglang") is None:
        raise EngineError(
            "compiling a neuron for a page needs the package ziglang, which is not installed: "
            "pip install 'neurosim-bridge[explore]'"
        )
    return Compiler(
        path=sys.executable,
        version=f"ziglang {found}",
        flags=_FLAGS,
        leading=("-m", "ziglang", "c++", "-target", "wasm32-wasi"),
        linking=("-O2", "-s", "-lwasi-emulated-signal"),
        threads=False,
    )
