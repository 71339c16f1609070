"""Where results go: what cannot be written is said before anything runs, and nothing is half."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from neurosim.atomic_write import scratch_folder
from neurosim.errors import OutputError

__all__ = ["check_file", "check_folder", "write_folder"]


def check_file(
    path: Path, option: str = "--out", inputs: Iterable[str | os.PathLike[str] | None] = ()
) -> None:
    """Say early, before any long run, that a file cannot be written.

    Parameters
    ----------
    path : Path
        The file to be written.
    option : str
        How it was named.
    inputs : iterable of path, optional
        Files that are read and must not be written over.

    Raises
    ------
    OutputError
        It is a folder, a device or one of the inputs, or its folder is absent or not writable.
    """
    # Unlike those of Path, these do not fail where a name is too long.
    if os.path.isdir(path):
        raise OutputError(f"{option} {path} is a folder; name a file, such as {path / 'found'}")
    if os.path.exists(path):
        if not os.path.isfile(path):
            raise OutputError(f"{option} {path} is not a plain file; name one that may be replaced")
        read = [file for file in inputs if file is not None and os.path.exists(file)]
        if any(os.path.samefile(path, file) for file in read):
            raise OutputError(f"{option} {path} would write over a file that is read; name another")
    if not os.path.isdir(path.parent):
        raise OutputError(f"{option} {path}: there is no folder {path.parent}; make it first")
    why = _refused(path.parent, path.name)
    if why:
        raise OutputError(f"{option} {path} cannot be written ({why}); name another")


def check_folder(path: Path, option: str = "--out", files: Iterable[str] = ()) -> None:
    """Say early, before any long run, that files cannot be written into a folder.

    Parameters
    ----------
    path : Path
        The folder; it is made later if need be.
    option : str
        How it was named.
    files : iterable of str, optional
        Names of files that are to be written there.

    Raises
    ------
    OutputError
        It (or the nearest existing parent) is a file or not writable, or one of the files is a
        folder.
    """
    existing = path.resolve()
    while not os.path.lexists(existing):
        existing = existing.parent
    if not os.path.isdir(existing):
        raise OutputError(
            f"cannot write to {path}: {existing} is a file, and a folder is needed; name another "
            f"with {option}"
        )
    for name in files:
        if os.path.isdir(path / name):
            raise OutputError(f"{path / name} is a folder, but a file of that name is written")
    why = _refused(existing, path.name)
    if why:
        raise OutputError(f"cannot write to {path} ({why}); name another with {option}")


def _refused(folder: Path, name: str) -> str:
    """Return why no file can be made in a folder, by making one that is gone at once."""
    try:
        # Access rights do not tell of read-only mounts, full disks or names too long.
        with tempfile.NamedTemporaryFile(prefix=f".{name}.", dir=folder):
            return ""
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)


def write_folder(folder: Path, fill: Callable[[Path], None], replaced: Iterable[str] = ()) -> Path:
    """Fill a temporary folder and move its files into place only when all are whole.

    Parameters
    ----------
    folder : Path
        Where the files shall stand; made if need be. Files of other names in it stay.
    fill : callable
        Given an empty folder, writes the files.
    replaced : iterable of str, optional
        Names of files that an earlier call may have left and that would contradict those written
        now: where they are not written, they are deleted.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    folder = Path(folder)
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with scratch_folder(folder) as place:
            fill(place)
            written = sorted(place.iterdir())
            for path in written:
                path.replace(folder / path.name)
            for name in set(replaced).difference(path.name for path in written):
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write to {folder} ({error.strerror or error})") from error
    return folder
