"""Results that were computed before, on disk, named by everything that decides them.

A result is kept under a key made of the code of all four packages, the versions of what they rest
on, the processor, and what was asked for (`key_of`). So a key never means two results, nothing has
to be declared out of date, and two processes that write one key write the same. What is kept is a
few named values: arrays, bytes, or whatever JSON can hold.

Each entry is one file that appears whole or not at all and begins with the checksum of the rest. A
damaged one is computed anew, and a `StoreNotice` says so. The store deletes what was used longest
ago when it grows beyond its limit.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import io
import json
import os
import platform
import time
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from experiments.kit.code_digest import code_digest, whole_digest
from neurosim.atomic_write import make_folder, plain, write_bytes
from neurosim.engine.programs.cache import cache_folder
from neurosim.errors import OutputError
from neurosim.run.recording import versions

__all__ = ["Kept", "Store", "StoreNotice", "key_of", "key_of_module", "store_folder"]

MOST_BYTES = 500_000_000
_ABOUT = "about"
_DIGEST = 64


class StoreNotice(UserWarning):
    """Said when a stored result is damaged, or when results cannot be stored."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A result and where it comes from.

    Attributes
    ----------
    values : dict of str to ndarray, bytes or plain value
        The result.
    made : str
        When it was computed (UTC), such as ``2026-05-01 12:00``.
    seconds : float
        How long that took (wall time).
    fresh : bool
        Whether it was computed just now, and not taken from the store.
    """

    values: dict[str, Any]
    made: str
    seconds: float
    fresh: bool = False


def key_of(kind: str, **asked: Any) -> str:
    """Return the name of a result.

    Parameters
    ----------
    kind : str
        What it is, such as ``compare: f-I curve``.
    **asked
        Everything that decides it beside code, versions and processor: parameters, seed, content
        of files that are read. Values as JSON can hold them (see `neurosim.atomic_write.plain`).

    Examples
    --------
    >>> key_of("sweep", seed=1, tau_ms=5.0) == key_of("sweep", tau_ms=5.0, seed=1)
    True
    >>> key_of("sweep", seed=1) == key_of("sweep", seed=2)
    False
    """
    return _key(kind, asked, whole_digest())


def key_of_module(module: str, kind: str, **asked: Any) -> str:
    """Return the name of a result that rests on the code of one module and of all it imports.

    Such a result outlives changes of other code. To find out what the module rests on takes
    seconds the first time.

    Parameters
    ----------
    module : str
        Such as ``experiments.explore.unit_grid``.
    kind, **asked
        As for `key_of`.
    """
    return _key(kind, asked, code_digest(module))


@cache
def _processor() -> str:
    """The kind of processor, and for which one the routines of linear algebra are that are used.

    Networks that are trained by those for AVX2 and for AVX-512 end differently.
    """
    routines = {one.get("architecture") or "" for one in threadpool_info()}
    return " ".join([platform.machine(), *sorted(routines - {""})])


def _key(kind: str, asked: Mapping[str, Any], code: str) -> str:
    rests_on = {"code": code, "versions": versions(), "processor": _processor()}
    told = json.dumps([kind, plain(asked), rests_on], sort_keys=True, allow_nan=False)
    return hashlib.sha256(told.encode()).hexdigest()[:40]


def store_folder() -> Path:
    """Return the folder of stored results, beside that of compiled models."""
    return cache_folder().parent / "results"


@dataclass(frozen=True)
class Store:
    """Stored results in a folder.

    Parameters
    ----------
    folder : Path or None
        Where they are; None keeps nothing and finds nothing.
    most_bytes : int
        Size beyond which results are deleted, those first that were used longest ago.

    Examples
    --------
    >>> import tempfile
    >>> store = Store(Path(tempfile.mkdtemp()))
    >>> def compute():
    ...     return {"rate": np.array([1.0, 2.0]), "unit": "Hz"}
    >>> first, second = (store.obtain(key_of("doctest"), compute) for _ in range(2))
    >>> first.fresh, second.fresh, second.values["rate"], second.values["unit"]
    (True, False, array([1., 2.]), 'Hz')
    """

    folder: Path | None
    most_bytes: int = MOST_BYTES

    def obtain(self, key: str, compute: Callable[[], Mapping[str, Any]]) -> Kept:
        """Return a result from the store; if it is not there, compute and keep it.

        Parameters
        ----------
        key : str
            From `key_of`.
        compute : callable
            Returns the values by name: ndarray, bytes, or what JSON can hold. Called at most once.
        """
        found = self.get(key)
        if found is not None:
            return found
        started = time.perf_counter()
        values = dict(compute())
        return self.put(key, values, time.perf_counter() - started)

    def get(self, key: str) -> Kept | None:
        """Return the result under a key, None if there is none or it is damaged."""
        if self.folder is None:
            return None
        path = self.folder / key
        try:
            content = path.read_bytes()
        except OSError:
            return None
        try:
            digest, packed = content[:_DIGEST].decode("ascii"), content[_DIGEST:]
            if hashlib.sha256(packed).hexdigest() != digest:
                raise ValueError("its checksum is wrong")
            found = _unpacked(packed)
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            warnings.warn(
                f"the stored result {path} is damaged ({error}); it is computed anew",
                StoreNotice,
                stacklevel=2,
            )
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return found

    def put(self, key: str, values: Mapping[str, Any], seconds: float) -> Kept:
        """Keep a result; one that cannot be written is returned all the same, with a notice."""
        made = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M")
        kept = Kept(dict(values), made, seconds, fresh=True)
        if self.folder is None:
            return kept
        packed = _packed(kept)
        if len(packed) + _DIGEST > self.most_bytes:
            return kept
        try:
            make_folder(self.folder)
            digest = hashlib.sha256(packed).hexdigest()
            write_bytes(self.folder / key, digest.encode() + packed)
        except (OSError, OutputError) as error:
            warnings.warn(
                f"results cannot be stored in {self.folder} ({error}); they are computed anew "
                "next time",
                StoreNotice,
                stacklevel=2,
            )
            return kept
        self._bound(key)
        return kept

    def clear(self) -> int:
        """Delete every stored result; return how many there were."""
        entries = self._entries()
        for _, _, path in entries:
            path.unlink(missing_ok=True)
        return len(entries)

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Return (time of last use, size, file) of every entry, longest ago first."""
        found = []
        for path in () if self.folder is None else self.folder.glob("[0-9a-f]" * 40):
            with contextlib.suppress(OSError):
                state = path.stat()
                found.append((state.st_mtime, state.st_size, path))
        return sorted(found)

    def _bound(self, keep: str) -> None:
        entries = self._entries()
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= self.most_bytes:
                return
            if path.name != keep:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
                    total -= size


def _packed(kept: Kept) -> bytes:
    """Return a result as the bytes of an archive, a member a value."""
    stream = io.BytesIO()
    kinds = {}
    with zipfile.ZipFile(stream, "w") as archive:
        for name, value in kept.values.items():
            if isinstance(value, np.ndarray):
                kinds[name], part = "array", io.BytesIO()
                np.save(part, value, allow_pickle=False)
                archive.writestr(f"value {name}", part.getvalue())
            elif isinstance(value, bytes):
                kinds[name] = "bytes"
                archive.writestr(f"value {name}", value)
            else:
                kinds[name] = "json"
                archive.writestr(f"value {name}", json.dumps(plain(value), allow_nan=False))
        about = {"made": kept.made, "seconds": kept.seconds, "kinds": kinds}
        archive.writestr(_ABOUT, json.dumps(about))
    return stream.getvalue()


def _unpacked(packed: bytes) -> Kept:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        about = json.loads(archive.read(_ABOUT))
        values: dict[str, Any] = {}
        for name, kind in about["kinds"].items():
            content = archive.read(f"value {name}")
            if kind == "array":
                values[name] = np.load(io.BytesIO(content), allow_pickle=False)
            else:
                values[name] = content if kind == "bytes" else json.loads(content)
    return Kept(values, about["made"], about["seconds"])
