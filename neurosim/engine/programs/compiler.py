"""Which C++ compiler there is, and how it is called.

The flags keep IEEE arithmetic (no ``-ffast-math``): a row of a batch then gets the same bits
whether the compiler put it into a vector or not, so that a neuron fires the same spikes alone and
in a batch.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from neurosim.errors import EngineError

__all__ = ["PORTABLE", "Compiler", "find_compiler"]

PORTABLE = "-DNEUROSIM_PORTABLE"
_ARITHMETIC = "NEUROSIM_ARITHMETIC"
_FLAGS = ("-std=c++17", "-O3", "-w", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler that works.

    Attributes
    ----------
    path : str
        Executable.
    version : str
        First line of what ``--version`` prints.
    flags : tuple of str
        Flags that every file is compiled with.
    leading : tuple of str
        What stands between the executable and the flags.
    linking : tuple of str
        What stands at the end where a program is linked.
    threads : bool
        Whether its programs have threads.
    """

    path: str
    version: str
    flags: tuple[str, ...]
    leading: tuple[str, ...] = ()
    linking: tuple[str, ...] = ()
    threads: bool = True

    @property
    def command(self) -> list[str]:
        """How the compiler is called, before any flag."""
        return [self.path, *self.leading]

    @property
    def portable(self) -> bool:
        """Whether programs are to compute the same bits on every machine."""
        return PORTABLE in self.flags

    @property
    def pthread(self) -> list[str]:
        """The flag of programs with threads."""
        return ["-pthread"] if self.threads else []

    @property
    def identity(self) -> str:
        """Everything that decides what the compiler makes of a source: part of the cache key."""
        return " ".join([self.version, *self.leading, *self.flags, *self.linking, _processor()])

    @property
    def wide(self) -> list[str]:
        """Flags for vectors of 512 bits where code is compiled for this very x86 processor."""
        native = any(flag.startswith("-march") for flag in self.flags)
        x86 = platform.machine().lower() in ("x86_64", "amd64")
        return ["-mprefer-vector-width=512"] if native and x86 else []


@cache
def _processor() -> str:
    """Return what -march=native depends on, so that a cache on a shared disk stays valid."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return f"{platform.machine()} {line.split(':', 1)[1].strip()}"
    except OSError:
        pass
    return f"{platform.machine()} {platform.processor()}"


def find_compiler() -> Compiler | None:
    """Return the compiler named by the environment variable CXX, else g++ or clang++, else None.

    ``CXX`` set to an empty string means none.

    Raises
    ------
    EngineError
        NEUROSIM_ARITHMETIC names an arithmetic that there is not.
    """
    named = os.environ.get("CXX")
    for name in [named] if named is not None else ["g++", "clang++", "c++"]:
        found = _probe(name) if name else None
        if found is not None:
            return _with_arithmetic(found)
    return None


def _with_arithmetic(found: Compiler) -> Compiler:
    """Return the compiler with the flag of the arithmetic that NEUROSIM_ARITHMETIC names."""
    named = os.environ.get(_ARITHMETIC) or "native"
    if named not in ("native", "portable"):
        raise EngineError(
            f"{_ARITHMETIC} is {named!r}; it can be 'native' (fastest, the default) or 'portable' "
            "(the same bits on every machine)"
        )
    return replace(found, flags=(*found.flags, PORTABLE)) if named == "portable" else found


@cache
def _probe(name: str) -> Compiler | None:
    path = shutil.which(name)
    if path is None:
        return None
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
        native = subprocess.run(
            [path, "-march=native", "-x", "c++", "-fsyntax-only", os.devnull],
            capture_output=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    flags = (*_FLAGS, "-march=native") if native.returncode == 0 else _FLAGS
    return Compiler(path, said.splitlines()[0] if said else name, flags)
