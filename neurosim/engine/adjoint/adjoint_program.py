"""The program of a run that can be taken back: written, compiled and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

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


def fetch_program(
    told: object,
    write: Callable[[Path], None],
    around: Sequence[str] = ("loops.h", "program.cpp", "back.cpp"),
) -> Path:
    """Return the folder of the compiled program of a model, which is called ``main``.

    Parameters
    ----------
    told : object
        What decides the model, as JSON holds it.
    write : callable
        Writes the loops of the model into a file.
    around : sequence of str
        Files of this folder that make the program around the loops.

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
    flags = cable_flags(compiler)
    content = ["adjoint", told, *around, compiler.identity, *flags, adjoint_digest()]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:24]
    return fetch(key, partial(_build, write, around, compiler, flags))


def _around(compiler: Compiler, flags: list[str], around: Sequence[str]) -> Path:
    """Return the folder of what is around the loops, which knows no model."""
    content = json.dumps(["adjoint program", *around, compiler.identity, *flags, adjoint_digest()])
    key = hashlib.sha256(content.encode()).hexdigest()[:24]

    def build(folder: Path) -> None:
        own = [(_HERE / name).read_text() for name in ("parts.h", *around)]
        (folder / "program.cpp").write_text("\n".join([shared_source(), *own]))
        compile_it = [*compiler.command, *flags, "-c", "program.cpp", "-o", "program.o"]
        run_all([guard(compile_it)], what="compiling what every model shares", folder=folder)
        (folder / "program.cpp").unlink()
        _tell(folder)

    return fetch(key, build)


def _build(
    write: Callable[[Path], None],
    around: Sequence[str],
    compiler: Compiler,
    flags: list[str],
    folder: Path,
) -> None:
    with ThreadPoolExecutor(1) as beside:
        shared = beside.submit(_around, compiler, flags, around)
        try:
            write(folder / "loops.cpp")
            compile_it = [*compiler.command, *flags, "-c", "loops.cpp", "-o", "loops.o"]
            run_all([guard(compile_it)], what="compiling the derivative", folder=folder)
            program = shared.result() / "program.o"
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
