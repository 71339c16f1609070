"""Arrays in a file that anyone can read and nobody can run: the safetensors layout.

Eight bytes give the length of a JSON header, the header gives dtype, shape and place of each
array, and then come the bytes. Nothing in it is code, so opening a stranger's file is safe. Ours
carry a checksum over everything, so a file cut short or edited by hand is noticed.

Layout: huggingface/safetensors, format section of its README. Files written here are read by that
package and the other way round.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ann.errors import ModelFileError

__all__ = ["read_tensors", "write_tensors"]

_CODES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1"}
_NAMES = {np.dtype(code): name for name, code in _CODES.items()}
#: A header longer than this is no header of ours; reading it would only fill the memory.
_LONGEST = 100_000_000


def _digest(card: str, payload: bytes) -> str:
    return hashlib.sha256(card.encode() + b"\0" + payload).hexdigest()


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
        If an array has a dtype the layout does not know.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_tensors(Path(folder, "a.safetensors"), {"x": np.ones(2)}, {"about": "ones"})
    ...     read_tensors(Path(folder, "a.safetensors"))
    ({'x': array([1., 1.])}, {'about': 'ones'})
    """
    header: dict[str, Any] = {}
    pieces: list[bytes] = []
    place = 0
    for name, array in tensors.items():
        plain = np.ascontiguousarray(array)
        code = _NAMES.get(plain.dtype.newbyteorder("<"))
        if code is None:
            raise ModelFileError(
                f"array {name!r} has dtype {plain.dtype}; a model file holds "
                f"{', '.join(str(d) for d in _NAMES)}"
            )
        data = plain.astype(_CODES[code], copy=False).tobytes()
        shape = list(np.shape(array))
        header[name] = {"dtype": code, "shape": shape, "data_offsets": [place, place + len(data)]}
        pieces.append(data)
        place += len(data)
    payload = b"".join(pieces)
    text = json.dumps(card, ensure_ascii=False, allow_nan=False)
    header["__metadata__"] = {"card": text, "sha256": _digest(text, payload)}
    head = json.dumps(header, ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)  # arrays begin at a multiple of eight bytes
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(len(head).to_bytes(8, "little"))
            file.write(head)
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's files are private to the user
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


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
    path = Path(path)
    if not path.is_file():
        raise ModelFileError(f"there is no model file {path}")
    data = path.read_bytes()
    if len(data) < 8:
        raise ModelFileError(f"{path} has {len(data)} bytes: it is cut short or no model file")
    length = int.from_bytes(data[:8], "little")
    if length > _LONGEST or length > len(data) - 8:
        raise ModelFileError(
            f"{path} announces a header of {length} bytes but holds {len(data) - 8}: it is cut "
            "short or no model file"
        )
    try:
        header = json.loads(data[8 : 8 + length])
        metadata = header.pop("__metadata__", {})
        entries = {
            name: (entry["dtype"], tuple(entry["shape"]), *entry["data_offsets"])
            for name, entry in header.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{path} has a damaged header: {error}") from error
    payload = data[8 + length :]
    tensors: dict[str, np.ndarray] = {}
    for name, (code, shape, start, stop) in entries.items():
        if code not in _CODES:
            raise ModelFileError(f"{path}: array {name!r} has the unknown type {code!r}")
        dtype = np.dtype(_CODES[code])
        wanted = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if not 0 <= start <= stop <= len(payload) or stop - start != wanted:
            raise ModelFileError(
                f"{path}: array {name!r} of shape {shape} needs {wanted} bytes at {start}:{stop}, "
                f"the file has {len(payload)}: it is cut short or was edited"
            )
        tensors[name] = np.frombuffer(payload[start:stop], dtype).reshape(shape).copy()
    card = None
    if isinstance(metadata, dict) and "card" in metadata:
        if metadata.get("sha256") != _digest(metadata["card"], payload):
            raise ModelFileError(
                f"{path} was changed after it was written (its checksum does not match); save the "
                "model again instead of editing the file"
            )
        card = json.loads(metadata["card"])
    return tensors, card
