"""Imports of a command that loads nearly everything, in less time."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator

__all__ = ["heavy_imports"]

# Brian2 imports these where they are installed: Cython for code that runs in Python's own process,
# which no command does, and pytest for its own tests.
_UNUSED = ("Cython", "pytest")


@contextlib.contextmanager
def heavy_imports() -> Iterator[None]:
    """Import what is named in the block without what no command uses.

    That takes a quarter off the 4 s of processor time that the main job needs for its imports. The
    garbage collector rests meanwhile: modules stay, and it would look through all that are there
    again and again. Afterwards it leaves them out, which also lets forked processes share them.
    """
    absent = [name for name in _UNUSED if name not in sys.modules]
    # Where setuptools has put a distutils of its own in the place of Python's, it would be loaded.
    shim = sys.modules.get("_distutils_hack")
    collecting = gc.isenabled()
    gc.disable()
    try:
        sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
        if shim is not None and sys.version_info < (3, 12):
            shim.remove_shim()
        yield
    finally:
        for name in absent:
            del sys.modules[name]
        gc.freeze()
        if collecting:
            gc.enable()
