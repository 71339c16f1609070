"""A sweep on disk: a folder with one Zarr group a chunk, each there whole or not at all.

``sweep.json`` says what is computed and of which grids. ``chunks/NAME`` holds the numbers of one
chunk under the digest of everything that decides them, with a checksum; it is written aside and
renamed. ``result.zarr`` is the whole sweep as xarray reads it, made when the last chunk is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import numpy as np

from experiments.sweep.chunk_files import read_group, write_dataset, write_group
from experiments.sweep.errors import StoreBusyError, SweepStoreError
from experiments.sweep.rows.chunk_plan import Generation
from experiments.sweep.rows.grids import Grid
from experiments.sweep.workers.compute import Failure, Outcome
from neurosim.atomic_write import make_folder, scratch_folder, write_text
from neurosim.errors import ExtraMissingError, OutputError

if TYPE_CHECKING:
    import xarray

__all__ = ["ChunkStore", "DamagedChunkNotice", "need_xarray"]

_FORMAT = 1
_HASHES = "row_hash"


class DamagedChunkNotice(UserWarning):
    """Said when a stored chunk is damaged; it is computed anew."""


def need_xarray() -> Any:
    """Return the module xarray, with zarr installed to read what is stored.

    Raises
    ------
    ExtraMissingError
        One of them is not installed.
    """
    try:
        import xarray
    except ImportError as error:
        raise ExtraMissingError.needed_for("sweep", "sweep") from error
    # Looked for and not imported: a sweep itself has no need of it.
    if find_spec("zarr") is None:
        raise ExtraMissingError.needed_for("sweep", "sweep")
    return xarray


@dataclass(frozen=True)
class ChunkStore:
    """The store of one sweep.

    Parameters
    ----------
    folder : Path
        Where it is.
    """

    folder: Path

    @property
    def exists(self) -> bool:
        """Whether there is a sweep in the folder."""
        return self._about.is_file()

    @property
    def result(self) -> Path:
        """Where the whole sweep is, once every row is computed."""
        return self.folder / "result.zarr"

    @property
    def _about(self) -> Path:
        return self.folder / "sweep.json"

    def _chunk(self, digest: str) -> Path:
        return self.folder / "chunks" / digest

    # ---- what is computed -----------------------------------------------------------------------
    def begin(self) -> None:
        """Make the folder, unless it is there.

        Raises
        ------
        SweepStoreError
            It cannot be made, or holds something else.
        """
        if self.folder.is_dir() and not self.exists:
            names = sorted(place.name for place in self.folder.iterdir())
            strange = [name for name in names if name not in _OURS and not name.startswith(".")]
            if strange:
                raise SweepStoreError(
                    f"the folder {self.folder} holds no sweep but other files ({strange[0]}); "
                    "choose a new one for out"
                )
        with self._writing():
            make_folder(self.folder / "chunks")

    def read_about(self) -> dict[str, Any]:
        """Return what ``sweep.json`` says.

        Raises
        ------
        SweepStoreError
            There is none, or it is damaged.
        """
        try:
            about: dict[str, Any] = json.loads(self._about.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SweepStoreError(f"there is no sweep in {self.folder}") from None
        except (OSError, ValueError) as error:
            raise SweepStoreError(f"{self._about} cannot be read: {error}") from None
        if about.get("format") != _FORMAT:
            raise SweepStoreError(
                f"{self._about} has the format {about.get('format')!r}; this version reads "
                f"{_FORMAT}"
            )
        return about

    def write_about(
        self,
        identity: Mapping[str, Any],
        generations: list[Generation],
        engines: Mapping[str, Any],
    ) -> None:
        """Write ``sweep.json``.

        Parameters
        ----------
        identity : mapping
            What is computed of each row, in plain values.
        generations : list of Generation
        engines : mapping of str to mapping
            By digest, the versions, compiler and processor of each engine that computed chunks.
        """
        told = [{"grid": g.grid.to_dict(), "chunk_rows": g.chunk_rows} for g in generations]
        with self._writing():
            about = {
                "format": _FORMAT,
                "identity": identity,
                "generations": told,
                "engines": engines,
            }
            # On one line: line breaks between the values of a long axis take the time of some
            # thousand runs.
            write_text(self._about, json.dumps(about) + "\n")

    @staticmethod
    def generations(about: Mapping[str, Any], units: Mapping[str, Any]) -> list[Generation]:
        """Return the generations that ``sweep.json`` tells of."""
        return [
            Generation(Grid.from_dict(one["grid"], units), one["chunk_rows"])
            for one in about["generations"]
        ]

    @contextlib.contextmanager
    def locked(self, name: str = "driver", wait_s: float = 0.0) -> Iterator[None]:
        """Keep other processes from computing into the store while the block runs.

        Parameters
        ----------
        name : str
            What is locked.
        wait_s : float
            How long another process is waited for, in second.

        Raises
        ------
        StoreBusyError
            Another one does.
        """
        lock = filelock.FileLock(self.folder / f".{name}.lock", timeout=wait_s)
        try:
            with self._writing():
                lock.acquire()
        except filelock.Timeout:
            raise StoreBusyError(
                f"another process is computing into {self.folder}; wait for it, or choose another "
                "folder"
            ) from None
        try:
            yield
        finally:
            lock.release()

    # ---- chunks ---------------------------------------------------------------------------------
    def has(self, digest: str) -> bool:
        """Whether a chunk is there."""
        return (self._chunk(digest) / "zarr.json").is_file()

    def put(self, digest: str, hashes: np.ndarray, outcome: Outcome) -> None:
        """Write a chunk: aside, then renamed when whole.

        Raises
        ------
        SweepStoreError
            It cannot be written; the chunks that are there stay.
        """
        place = self._chunk(digest)
        arrays = {_HASHES: hashes, **outcome.values}
        failures = [[one.row, one.why] for one in outcome.failures]
        told = {"failures": failures, "sha256": _checksum(arrays, failures)}
        with self._writing(), scratch_folder(self.folder) as scratch:
            write_group(scratch / "chunk", arrays, told)
            if place.exists():
                shutil.rmtree(place)
            try:
                os.rename(scratch / "chunk", place)
            except OSError:
                # A part of the sweep on another machine has just written the same chunk.
                if not self.has(digest):
                    raise

    def get(self, digest: str) -> tuple[np.ndarray, Outcome] | None:
        """Return hashes and numbers of a chunk; None if it is not there, or is damaged.

        A `DamagedChunkNotice` says so.
        """
        if not self.has(digest):
            return None
        place = self._chunk(digest)
        try:
            arrays, told = read_group(place)
            failures = told["failures"]
            if _checksum(arrays, failures) != told["sha256"]:
                raise ValueError("its checksum is wrong")
        except (OSError, ValueError, KeyError, TypeError) as error:
            warnings.warn(
                f"the stored chunk {place} is damaged ({error}); it is computed anew",
                DamagedChunkNotice,
                stacklevel=2,
            )
            return None
        hashes = arrays.pop(_HASHES)
        return hashes, Outcome(arrays, tuple(Failure(int(row), why) for row, why in failures))

    def names(self) -> list[str]:
        """Return the names of all chunks that are there."""
        folder = self.folder / "chunks"
        return sorted(one.name for one in folder.iterdir() if (one / "zarr.json").is_file())

    # ---- the whole ------------------------------------------------------------------------------
    def write_result(self, dataset: xarray.Dataset) -> None:
        """Write the whole sweep in place of the one before it."""
        with self._writing(), scratch_folder(self.folder) as scratch:
            write_dataset(scratch / "new", dataset)
            if self.result.exists():
                os.rename(self.result, scratch / "old")
            os.rename(scratch / "new", self.result)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Say of a disk that is full, or a folder that cannot be written, which one it is."""
        try:
            yield
        except (SweepStoreError, filelock.Timeout):
            # A lock that is held is an OSError too.
            raise
        except (OSError, OutputError) as error:
            said = getattr(error, "strerror", None) or error
            raise SweepStoreError(
                f"the store {self.folder} cannot be written: {said}; what was computed before is "
                "in it, and the sweep resumes when it can be written again"
            ) from error


_OURS = ("chunks", "result.zarr")


def _checksum(arrays: Mapping[str, np.ndarray], failures: Any) -> str:
    digest = hashlib.sha256(json.dumps(failures).encode())
    for name in sorted(arrays):
        values = arrays[name]
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
