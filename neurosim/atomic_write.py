"""Files that appear whole or not at all: written beside their place, renamed when complete.

A reader of the old file keeps the old content, a writer that fails or is killed leaves the old
file as it was, and two writers at once cannot mix: each has a temporary file of its own.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from neurosim.errors import OutputError

__all__ = ["plain", "whole", "whole_path", "write_bytes", "write_json", "write_text"]


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
    >>> file = Path(tempfile.mkdtemp()) / "numbers.npy"
    >>> with whole_path(file) as part:
    ...     np.save(part, [1, 2])
    >>> np.load(file)
    array([1, 2])
    """
    # A link stays a link: what it points to is replaced.
    place = Path(os.path.realpath(path))
    try:
        handle, name = tempfile.mkstemp(
            dir=place.parent, prefix=f".{place.stem[:40]}.", suffix=place.suffix
        )
        os.close(handle)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        yield Path(name)
        # Files of mkstemp are private to the user; these are like any other new file.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, place)
    except OSError as error:
        _remove(name)
        if isinstance(error, OutputError):
            raise
        raise _cannot_write(path, error) from error
    except BaseException:
        _remove(name)
        raise


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


def plain(value: Any) -> Any:
    """Return nested values as JSON can hold them; nan and infinity become null.

    Examples
    --------
    >>> plain({"rates": np.array([1.0, np.nan]), 2: (True, np.int64(3))})
    {'rates': [1.0, None], '2': [True, 3]}
    """
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


def _remove(name: str) -> None:
    Path(name).unlink(missing_ok=True)


def _cannot_write(path: str | os.PathLike[str], error: OSError) -> OutputError:
    return OutputError(f"cannot write {os.fspath(path)}: {error.strerror or error}")
