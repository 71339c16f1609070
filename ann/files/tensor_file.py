"""Arrays in a file that anyone can read and nobody can run: safetensors, with a checksum.

Nothing in such a file is code, so opening a stranger's file is safe. Ours carry a card, which says
what the arrays are, and a checksum over the card and over the name, type, shape and bytes of every
array, so a file that was cut short or edited by hand is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ann.atomic_write import write_bytes
from ann.errors import ModelFileError

__all__ = ["TensorFile", "read_tensors", "write_tensors"]

_TYPES = ("float64", "float32", "int64", "int32", "uint8", "bool")


def _checksum(card: str, tensors: Mapping[str, np.ndarray]) -> str:
    names = sorted(tensors)
    told = [card, [[name, tensors[name].dtype.name, tensors[name].shape] for name in names]]
    digest = hashlib.sha256(json.dumps(told).encode())
    for name in names:
        digest.update(tensors[name].tobytes())
    return digest.hexdigest()


def write_tensors(path: str | Path, tensors: Mapping[str, np.ndarray], card: Any) -> None:
    """Write arrays and a card, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Where to; an existing file is replaced once the new one is complete.
    tensors : mapping of str to ndarray
        float64, float32, int64, int32, uint8 or bool.
    card : object
        Anything JSON can say: what the arrays are.

    Raises
    ------
    ModelFileError
        If an array has another dtype.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_tensors(Path(folder, "a.safetensors"), {"x": np.ones(2)}, {"about": "ones"})
    ...     read_tensors(Path(folder, "a.safetensors"))
    ({'x': array([1., 1.])}, {'about': 'ones'})
    """
    from safetensors.numpy import save

    for name, array in tensors.items():
        if array.dtype.name not in _TYPES:
            raise ModelFileError(
                f"array {name!r} has dtype {array.dtype}; a model file holds {', '.join(_TYPES)}"
            )
    text = json.dumps(card, ensure_ascii=False, allow_nan=False)
    # The library takes the memory as it lies, whatever the strides and the order of bytes.
    plain = {
        name: array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
        for name, array in tensors.items()
    }
    write_bytes(path, save(plain, {"card": text, "checksum": _checksum(text, plain)}))


def read_tensors(path: str | Path) -> tuple[dict[str, np.ndarray], Any]:
    """Read arrays and card back, after checking that the file is whole and unchanged.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    tensors : dict of str to ndarray
    card : object
        None for a file that another program wrote.

    Raises
    ------
    ModelFileError
        If the file is cut short, changed or no such file at all; says which.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise ModelFileError(f"there is no model file {path}")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise ModelFileError(f"{path} is cut short, damaged or no model file: {error}") from error
    if "card" not in metadata:
        return tensors, None
    if metadata.get("checksum") != _checksum(metadata["card"], tensors):
        raise ModelFileError(
            f"{path} was changed after it was written, or an earlier version wrote it (its "
            "checksum does not match); save the model again instead of editing the file"
        )
    try:
        return tensors, json.loads(metadata["card"])
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"the card of {path} is no JSON: {error}") from None


class TensorFile:
    """A file that was read: each array is taken once, and must be as its reader needs it.

    Parameters
    ----------
    path : str or Path

    Attributes
    ----------
    path : str or Path
    card : object
        As of `read_tensors`.

    Raises
    ------
    ModelFileError
        As `read_tensors`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self._tensors, self.card = read_tensors(path)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def names(self) -> list[str]:
        """Names of the arrays that were not taken yet."""
        return list(self._tensors)

    def size(self) -> int:
        """How many numbers those hold."""
        return sum(array.size for array in self._tensors.values())

    def take(
        self, name: str, shape: tuple[int, ...] | None = None, dtype: Any = None
    ) -> np.ndarray:
        """Return an array.

        Parameters
        ----------
        name : str
        shape, dtype : optional
            What it must have: NumPy would stretch a shape and round numbers without a word.

        Raises
        ------
        ModelFileError
            There is none of the name, or it has another shape or dtype.
        """
        if name not in self._tensors:
            raise ModelFileError(f"{self.path} holds no array {name!r}; save the model again")
        array = self._tensors.pop(name)
        if shape is not None and array.shape != shape:
            raise ModelFileError(
                f"the array {name!r} of {self.path} has the shape {array.shape}, not {shape}"
            )
        if dtype is not None and array.dtype != dtype:
            raise ModelFileError(
                f"the array {name!r} of {self.path} holds {array.dtype}, not {np.dtype(dtype)}"
            )
        return array

    def finish(self) -> None:
        """Refuse a file with arrays that nobody took.

        Raises
        ------
        ModelFileError
        """
        if self._tensors:
            raise ModelFileError(
                f"{self.path} holds arrays that no model has: {', '.join(self._tensors)}"
            )
