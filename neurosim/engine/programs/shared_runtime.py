"""What is around the membrane loops, compiled once for a machine and linked to every model.

`cable/runtime.cpp` knows no model, so it need not wait for one. On a new machine it takes longer to
compile than anything else a first neuron needs. A command that will run a branched neuron can
therefore begin it before the simulator is imported (`compiled_ahead`), and this module imports
nothing heavy.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path

from neurosim.engine.programs.cache import fetch
from neurosim.engine.programs.compiler import Compiler, find_compiler
from neurosim.engine.programs.digest import engine_digest
from neurosim.engine.programs.processes import guard, halted, run_all
from neurosim.engine.programs.sources import shared_source

__all__ = ["cable_flags", "compiled_ahead", "fetch_runtime", "write_runtime"]

# Full fast-math, for the vector forms of exp that it allows; a diverging run is told by the
# exponent bits of the potential, not by comparisons that the compiler may drop.
_FLAGS = ("-std=c++17", "-O3", "-w", "-ffast-math")


def cable_flags(compiler: Compiler) -> list[str]:
    """Return the flags that every file of a program of branched neurons is compiled with."""
    if compiler.portable:
        return [*compiler.flags, *compiler.pthread, *compiler.wide]
    native = (flag for flag in compiler.flags if flag.startswith("-march"))
    return [*_FLAGS, *compiler.pthread, *native, *compiler.wide]


def write_runtime(path: Path) -> None:
    """Write what is around the membrane loops, the same for every model, into one file."""
    engine = Path(__file__).parents[1]
    own = [engine / "cable" / name for name in ("membrane.h", "kernel.h")]
    between = [engine / "coupling" / name for name in ("junctions.h", "spaces.h")]
    within = engine / "diffusion" / "diffusion.h"
    last = [engine / "cable" / name for name in ("ions.h", "runtime.cpp")]
    files = [*own, *between, last[0], within, last[1]]
    path.write_text("\n".join([shared_source(), *(file.read_text() for file in files)]))


def fetch_runtime(compiler: Compiler) -> Path:
    """Return the folder of ``runtime.o``, compiling it first if this machine has none.

    Of several that ask at the same time, one compiles and the others wait for it.
    """
    flags = cable_flags(compiler)
    asked = json.dumps(["cable runtime", compiler.identity, *flags, engine_digest()])
    key = hashlib.sha256(asked.encode()).hexdigest()[:24]
    return fetch(key, partial(_build, compiler, flags))


def _build(compiler: Compiler, flags: list[str], folder: Path) -> None:
    write_runtime(folder / "runtime.cpp")
    compile_it = [*compiler.command, *flags, "-c", "runtime.cpp", "-o", "runtime.o"]
    run_all([guard(compile_it)], what="compiling what every model shares", folder=folder)
    (folder / "runtime.cpp").unlink()
    (folder / "manifest.json").write_text(json.dumps({"brian2": version("brian2")}))


@contextlib.contextmanager
def compiled_ahead() -> Iterator[None]:
    """Compile what every branched neuron shares while the block does something else.

    Nothing happens where it is compiled already, or where there is no compiler. A fault is left for
    the run that needs the program, which says it. An error or Ctrl-C in the block ends the
    compiler.
    """
    beside = ThreadPoolExecutor(1)

    def compile_it() -> None:
        compiler = find_compiler()
        if compiler is not None:
            fetch_runtime(compiler)

    beside.submit(compile_it)
    try:
        yield
    except BaseException:
        with halted():
            beside.shutdown(wait=True)
        raise
    beside.shutdown(wait=True)
