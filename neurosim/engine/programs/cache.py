"""Compiled models on disk, named by their content.

A model is built in a folder of its own and renamed into place when whole, under a lock: several
processes may ask for the same model at once, and a killed build leaves nothing that could be
mistaken for a finished one.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import filelock
import platformdirs

from neurosim.atomic_write import scratch_folder
from neurosim.errors import EngineError

__all__ = [
    "CacheNotice",
    "CacheState",
    "cache_folder",
    "cache_state",
    "cached",
    "clear_cache",
    "fetch",
]

MOST_BYTES = 500_000_000
# Folders of this process, by the cache that they stand for.
_OWN: dict[Path, Path] = {}
# What a model was made of when it was whole: digest, permission to run and size of each file.
_CONTENTS = "contents.json"


def cache_folder() -> Path:
    """Return the folder of compiled models: that of NEUROSIM_CACHE, else of the user."""
    named = os.environ.get("NEUROSIM_CACHE")
    root = Path(named) if named else Path(platformdirs.user_cache_dir("neurosim", appauthor=False))
    return root / "models"


class CacheNotice(UserWarning):
    """Said once when compiled models cannot be kept."""


def cached(key: str) -> Path | None:
    """Return the folder of what is in the cache under a key, None if nothing whole is."""
    root = cache_folder()
    for folder in (root, _OWN.get(root, root)):
        if _whole(folder / key):
            _touch(folder / key)
            return folder / key
    return None


def fetch(key: str, build: Callable[[Path], None]) -> Path:
    """Return the folder of a compiled model, building it first if there is none.

    Parameters
    ----------
    key : str
        Name made from the content of the model.
    build : callable
        Fills an empty folder; called at most once among all processes.

    Raises
    ------
    EngineError
        Neither the cache folder nor the folder for temporary files can be written.
    """
    found = cached(key)
    if found is not None:
        return found
    root = cache_folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        root = _own_folder(root, error)
    ready = root / key
    try:
        with filelock.FileLock(root / f"{key}.lock"):
            if _whole(ready):
                return ready
            with scratch_folder(root, "building-") as building:
                build(building)
                (building / _CONTENTS).write_text(json.dumps(_contents(building)))
                shutil.rmtree(ready, ignore_errors=True)
                building.rename(ready)
    except OSError as error:
        raise EngineError(
            f"the cache of compiled models at {root} cannot be used ({error}); "
            "set NEUROSIM_CACHE to a folder that can be written"
        ) from error
    _bound(root, keep=ready)
    return ready


def _own_folder(root: Path, error: OSError) -> Path:
    """Return a folder of this process alone, gone with it, for a cache that cannot be written."""
    if root not in _OWN:
        warnings.warn(
            f"the cache of compiled models at {root} cannot be written ({error}); models are "
            "compiled anew in every session until NEUROSIM_CACHE names a folder that can",
            CacheNotice,
            stacklevel=2,
        )
        kept = contextlib.ExitStack()
        try:
            _OWN[root] = kept.enter_context(scratch_folder(prefix="neurosim-models-"))
        except OSError as other:
            raise EngineError(
                f"the cache of compiled models at {root} cannot be used ({error}), nor can a "
                f"temporary one ({other}); set NEUROSIM_CACHE to a folder that can be written"
            ) from other
        atexit.register(kept.close)
    return _OWN[root]


@dataclass(frozen=True)
class CacheState:
    """What the cache holds."""

    folder: Path
    models: int
    bytes: int


def cache_state() -> CacheState:
    """Return where the cache is, how many models it holds and how large it is."""
    entries = _entries(cache_folder())
    return CacheState(cache_folder(), len(entries), sum(size for _, _, size in entries))


def clear_cache() -> int:
    """Delete every compiled model; return how many there were."""
    root = cache_folder()
    entries = _entries(root)
    for _, path, _ in entries:
        shutil.rmtree(path, ignore_errors=True)
    for lock in root.glob("*.lock"):
        with contextlib.suppress(OSError):
            lock.unlink()
    return len(entries)


def _entries(root: Path) -> list[tuple[float, Path, int]]:
    """Return (time of last use, folder, size) of every model, oldest first."""
    found = []
    for manifest in root.glob("*/manifest.json"):
        with contextlib.suppress(OSError):
            folder = manifest.parent
            found.append((manifest.stat().st_mtime, folder, _bytes(folder)))
    return sorted(found)


def _bytes(folder: Path) -> int:
    """Return the size of a model as it was noted: to ask each of its files takes longer."""
    try:
        told = json.loads((folder / _CONTENTS).read_text())
        return sum(int(size) for _, _, size in told.values())
    except (OSError, ValueError, TypeError, AttributeError):
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _contents(folder: Path) -> dict[str, list[object]]:
    return {
        str(file.relative_to(folder)): [
            hashlib.sha256(file.read_bytes()).hexdigest(),
            os.access(file, os.X_OK),
            file.stat().st_size,
        ]
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != _CONTENTS
    }


def _whole(folder: Path) -> bool:
    """Say whether a model is there as it was built: a damaged one is built anew."""
    try:
        told = json.loads((folder / _CONTENTS).read_text())
        return bool(told == _contents(folder))
    except (OSError, ValueError):
        return False


def _touch(folder: Path) -> None:
    with contextlib.suppress(OSError):
        os.utime(folder / "manifest.json")


def _bound(root: Path, *, keep: Path) -> None:
    entries = _entries(root)
    total = sum(size for _, _, size in entries)
    for _, folder, size in entries:
        if total <= MOST_BYTES:
            return
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size
