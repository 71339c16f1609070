"""The program of a run that can be taken back: written, compiled and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

from neurosim.engine.adjoint.source import write_loops
from neurosim.engine.adjoint.step_derivative import Step
from neurosim.engine.programs.cache import fetch
from neurosim.engine.programs.compiler import Compiler, find_compiler
from neurosim.engine.programs.digest import engine_digest
from neurosim.engine.programs.processes import guard, halted, run_all
from neurosim.engine.programs.shared_runtime import cable_flags
from neurosim.engine.programs.sources import shared_source
from neurosim.errors import EngineError

__all__ = ["adjoint_digest", "adjoint_files", "fetch_program"]

_HERE = Path(__file__).parent


def adjoint_files() -> list[Path]:
    """Return the files of this folder that decide the program, in a fixed order."""
    return sorted(file for file in _HERE.iterdir() if file.suffix in {".py", ".cpp", ".h"})


@cache
def adjoint_digest() -> str:
    """Return a text that changes with any file that decides the program."""
    content = hashlib.sha256(engine_digest().encode())
    for file in adjoint_files():
        content.update(f"{file.name}\n".encode())
        content.update(file.read_bytes())
    return content.hexdigest()


def fetch_program(steps: Sequence[Step]) -> Path:
    """Return the folder of the compiled program of a model, which is called ``main``.

    Raises
    ------
    EngineError
        There is no compiler, or it failed.
    """
    compiler = find_compiler()
    if compiler is None:
        raise EngineError(
            "differentiate needs a C++ compiler, and none was found; install one (g++ or clang++), "
            "or name it in the environment variable CXX"
        )
    told = [[repr(step.kernel), step.wanted] for step in steps]
    flags = cable_flags(compiler)
    content = ["adjoint", told, compiler.identity, *flags, adjoint_digest()]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:24]
    return fetch(key, partial(_build, steps, compiler, flags))


def _around(compiler: Compiler, flags: list[str]) -> Path:
    """Return the folder of what is around the loops, which knows no model."""
    content = json.dumps(["adjoint program", compiler.identity, *flags, adjoint_digest()])
    key = hashlib.sha256(content.encode()).hexdigest()[:24]

    def build(folder: Path) -> None:
        own = [(_HERE / name).read_text() for name in ("loops.h", "program.cpp")]
        (folder / "program.cpp").write_text("\n".join([shared_source(), *own]))
        compile_it = [*compiler.command, *flags, "-c", "program.cpp", "-o", "program.o"]
        run_all([guard(compile_it)], what="compiling what every model shares", folder=folder)
        (folder / "program.cpp").unlink()
        _tell(folder)

    return fetch(key, build)


def _build(steps: Sequence[Step], compiler: Compiler, flags: list[str], folder: Path) -> None:
    with ThreadPoolExecutor(1) as beside:
        around = beside.submit(_around, compiler, flags)
        try:
            write_loops(steps, folder / "loops.cpp")
            compile_it = [*compiler.command, *flags, "-c", "loops.cpp", "-o", "loops.o"]
            run_all([guard(compile_it)], what="compiling the derivative", folder=folder)
            program = around.result() / "program.o"
        except BaseException as error:
            if not isinstance(error, Exception):
                # Ctrl-C does not wait for a compiler.
                with halted():
                    beside.shutdown(wait=True)
            raise
    link = [*compiler.command, *flags, "loops.o", str(program), "-o", "main"]
    run_all([guard(link)], what="linking the derivative", folder=folder)
    (folder / "loops.o").unlink()
    _tell(folder)


def _tell(folder: Path) -> None:
    (folder / "manifest.json").write_text(json.dumps({"brian2": version("brian2")}))
