"""Files that appear whole or not at all: written beside their place, renamed when complete.

A reader of the old file keeps the old content, a writer that fails or is killed leaves the old
file as it was, and two writers at once cannot mix: each has a scratch folder of its own. What a
killed writer leaves behind is removed by the next one, which knows it by its lock: the system
releases that when a process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ann.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows, where nothing is locked, so that leftovers stay.
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "make_folder",
    "plain",
    "scratch_folder",
    "whole",
    "whole_path",
    "write_bytes",
    "write_json",
    "write_text",
]

_MARK = (
    b"The folder beside this file is unfinished work; it may be deleted when no process locks it.\n"
)
# Where this process has looked for leftovers.
_SWEPT: set[tuple[Path, str]] = set()


@contextmanager
def scratch_folder(
    parent: str | os.PathLike[str] | None = None, prefix: str = ".writing-"
) -> Iterator[Path]:
    """Give an empty folder that is gone after the block; after a kill, the next caller removes it.

    Beside the folder stands a file of the same name and ``.lock``, locked for as long as the block
    runs. The first call of a process for a parent removes folders whose lock it can take.

    Parameters
    ----------
    parent : path, optional
        Where it is made (default: the system's folder for temporary files).
    prefix : str
        What its name begins with.

    Raises
    ------
    OSError
        The parent cannot be written to.

    Examples
    --------
    >>> with scratch_folder(prefix="trial-") as folder:
    ...     kept = folder.is_dir()
    >>> kept, folder.exists()
    (True, False)
    """
    place = Path(tempfile.gettempdir() if parent is None else parent)
    if (place, prefix) not in _SWEPT:
        _SWEPT.add((place, prefix))
        _sweep(place, prefix)
    handle, lock = _new_lock(place, prefix)
    folder = lock.with_suffix("")
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            lock.unlink()
        os.close(handle)


def _new_lock(place: Path, prefix: str) -> tuple[int, Path]:
    """Return an open, locked file of a new name."""
    while True:
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=".lock", dir=place)
        try:
            taken = _take(handle)
        except OSError:  # A file system without locks: nobody will take it for a leftover either.
            return handle, Path(name)
        # In between another process may have taken it for a leftover.
        if taken and os.path.exists(name):
            try:
                os.write(handle, _MARK)
            except OSError:  # The disk is full.
                os.unlink(name)
                os.close(handle)
                raise
            return handle, Path(name)
        os.close(handle)


def _take(handle: int) -> bool:
    """Lock an open file if no other process has it locked."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sweep(place: Path, prefix: str) -> None:
    """Remove the scratch folders of processes that have ended."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError):
        for name in os.listdir(place):
            if name.startswith(prefix) and name.endswith(".lock"):
                with contextlib.suppress(OSError):
                    _remove_leftover(place / name)


def _remove_leftover(lock: Path) -> None:
    # Neither a link nor a pipe that someone put there is followed.
    handle = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        opened = os.fstat(handle)
        ours = stat.S_ISREG(opened.st_mode) and opened.st_uid == os.getuid()
        if not ours or not _take(handle) or not os.path.samestat(opened, os.stat(lock)):
            return
        folder, mark = lock.with_suffix(""), os.read(handle, len(_MARK) + 1)
        # A process that ended before it wrote the mark had not made the folder yet.
        if mark == _MARK or (not mark and not os.path.lexists(folder)):
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink()
    finally:
        os.close(handle)


@contextmanager
def whole_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name to write to; it becomes `path` when the block ends without an error.

    Parameters
    ----------
    path : str or path-like
        The name; its folder must exist. The temporary name has the same ending, so that writers
        that choose a format by it choose the same.

    Raises
    ------
    OutputError
        The folder is absent, not writable, or full; a file that was there before is unchanged.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with whole_path(file) as part:
    ...     _ = part.write_text("1, 2")
    >>> file.read_text()
    '1, 2'
    """
    # A link stays a link: what it points to is replaced.
    place = Path(os.path.realpath(path))
    try:
        with scratch_folder(place.parent) as scratch:
            part = scratch / place.name
            part.touch()
            yield part
            os.replace(part, place)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {os.fspath(path)}: {error.strerror or error}") from error


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[IO[str]]:
    """Open a UTF-8 text file that appears under its name only when the block ends well.

    Raises
    ------
    OutputError
        As for `whole_path`.
    """
    with whole_path(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
        yield stream


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 text file, whole or not at all.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_text(file, "x")
    >>> file.read_text()
    'x'
    """
    with whole(path) as stream:
        stream.write(text)


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a binary file, whole or not at all."""
    with whole_path(path) as part:
        part.write_bytes(content)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write nested values as JSON, whole or not at all; see `plain` for what becomes of them."""
    write_text(path, json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder and those above it, unless they are there.

    Raises
    ------
    OutputError
        It cannot be made, or a file has its name.

    Examples
    --------
    >>> make_folder(Path(tempfile.mkdtemp()) / "a" / "b").name
    'b'
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    return folder


def plain(value: Any) -> Any:
    """Return nested values as JSON can hold them; nan and infinity become null.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"rates": np.array([1.0, np.nan]), 2: (True, np.int64(3))})
    {'rates': [1.0, None], '2': [True, 3]}
    """
    # Here, since commands write files that have no use for NumPy.
    import numpy as np

    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return value.name
    return value
