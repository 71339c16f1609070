"""A digest of everything in neurosim that decides how a model becomes a program.

Compiled programs are kept under a key. Any change of the files that write them must change that
key, so the files are found, not listed: all of `neurosim.engine` and what it is built upon. What
takes a run back (`neurosim.engine.adjoint`) writes programs of its own and has a key of its own.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

__all__ = ["engine_digest", "engine_files"]

_ROOT = Path(__file__).resolve().parents[2]
_SUFFIXES = {".py", ".cpp", ".h"}


def engine_files() -> list[Path]:
    """Return the files that decide generated code, in a fixed order."""
    below = [_ROOT / "engine", _ROOT / "equations"]
    found = [file for folder in below for file in folder.rglob("*") if file.suffix in _SUFFIXES]
    apart = _ROOT / "engine" / "adjoint"
    return sorted([*(f for f in found if apart not in f.parents), _ROOT / "randomness.py"])


@cache
def engine_digest() -> str:
    """Return a text that changes with Brian2's version and with any of the engine's files."""
    content = hashlib.sha256()
    for file in engine_files():
        content.update(f"{file.relative_to(_ROOT).as_posix()}\n".encode())
        content.update(file.read_bytes())
    return f"brian2 {version('brian2')} {content.hexdigest()}"
