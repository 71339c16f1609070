"""What a run wrote, read back only if it is whole.

A program of either engine ends with a table of the size and checksum of every file that it wrote
(`results.h`). A full disk may leave files short, or of the right size and empty; such files are
never taken for results.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.atomic_write import scratch_folder
from neurosim.errors import EngineError, NeurosimError

__all__ = ["RunResults", "run_folder"]

_TABLE = "written"
_MEMORY = Path("/dev/shm")
_SMALL_BYTES = 2**25


@contextmanager
def run_folder(most_bytes: float = np.inf) -> Iterator[Path]:
    """Give an empty folder for the inputs and results of a run, gone after the block.

    Parameters
    ----------
    most_bytes : float
        What the run reads and writes, at most. Small runs take place in memory where the system
        has files there: a run that is taken back has some 150 small files, and to make one may
        cost 40 times as much on a disk.

    Raises
    ------
    EngineError
        Files of the run cannot be written or read, such as on a full disk.
    """
    try:
        with scratch_folder(_in_memory(most_bytes), prefix="neurosim-") as folder:
            yield folder
    except (NeurosimError, ConnectionError):
        # Of other files, or of a pipe that the caller's progress is told to.
        raise
    except OSError as error:
        raise EngineError(
            f"files of the run cannot be written or read ({error}); free room on that disk, or set "
            "TMPDIR to a folder on another"
        ) from error


def _in_memory(most_bytes: float) -> Path | None:
    """Where files are kept in memory, if there is ample room and nobody has chosen a place."""
    chosen = any(map(os.environ.get, ("TMPDIR", "TEMP", "TMP"))) or tempfile.gettempdir() != "/tmp"
    if chosen or most_bytes > _SMALL_BYTES or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return None
    return _MEMORY if shutil.disk_usage(_MEMORY).free > 8 * _SMALL_BYTES else None


class RunResults:
    """The files a program wrote into a folder, by the table it wrote last.

    Parameters
    ----------
    folder : Path
        Folder of the run.

    Raises
    ------
    EngineError
        The table is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            lines = (folder / _TABLE).read_bytes().splitlines(keepends=True)
            *told, end = lines
            sound = end == f"end {len(told)} {zlib.crc32(b''.join(told))}\n".encode()
            self._files = {
                name.decode(): (int(size), int(crc)) for name, size, crc in map(bytes.split, told)
            }
        except (OSError, ValueError) as error:
            raise self._broken(f"their table cannot be read ({error})") from None
        if not sound:
            raise self._broken("their table is damaged")

    def load(self, name: str, dtype: Any) -> np.ndarray:
        """Return one file as a flat array.

        Raises
        ------
        EngineError
            The file is not what the program wrote.
        """
        values = np.fromfile(self._checked(name), dtype=dtype)
        self._compare(name, values)
        return values

    @contextmanager
    def mapped(self, name: str, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
        """Give one file of doubles as an array that stays on disk; after the block it is deleted.

        Raises
        ------
        EngineError
            The file is not what the program wrote.
        """
        path = self._checked(name)
        values: np.ndarray = np.memmap(path, np.float64, "r", shape=shape)
        self._compare(name, values)
        yield values
        del values  # Some systems delete no file that is open.
        path.unlink()

    def _checked(self, name: str) -> Path:
        path = self._folder / name
        found = path.stat().st_size if path.is_file() else None
        if name not in self._files or found != self._files[name][0]:
            wanted = self._files[name][0] if name in self._files else None
            raise self._broken(f"{name} has {found} of {wanted} bytes")
        return path

    def _compare(self, name: str, values: np.ndarray) -> None:
        if zlib.crc32(values.data if values.size else b"") != self._files[name][1]:
            raise self._broken(f"{name} has another checksum than what was written")

    def _broken(self, why: str) -> EngineError:
        return EngineError(
            f"the results of the run are not whole: {why}; run it again, and if the disk that "
            f"holds {self._folder} is full, free room or set TMPDIR to a folder on another"
        )
