"""Files of arrays that a network reads: inputs, labels and quantities, checked before a run."""

from __future__ import annotations

import math
import os
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from bridge.errors import ConversionError
from bridge.mapping.input_tables import holds_objects

__all__ = [
    "WRITE",
    "check_labels",
    "check_quantities",
    "check_rows",
    "check_width",
    "read_inputs",
]

# What numpy and its zip reader raise of files that are cut, empty or of another kind.
_UNREADABLE = (
    *(ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError),
    # What a header may make NumPy do: evaluate what is no literal, or make room for too much.
    *(TypeError, LookupError, SyntaxError, AttributeError, MemoryError, OverflowError),
    tokenize.TokenError,
)
# An archive this large is unpacked only if it is no more than so many times smaller when packed.
_LARGE, _PACKED = 500_000_000, 100
WRITE = "write it with numpy.savez(path, X=..., y=...)"


def read_inputs(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read inputs, and labels if there are any, from a .npz (X, y) or .npy (X) file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    X : ndarray
        Numbers, of whatever shape they have.
    y : ndarray or None
        Labels or quantities.

    Raises
    ------
    ConversionError
        There is no such file, it is empty or cut, it holds no array called X, or X is not numbers.
    """
    if os.path.isdir(path):
        raise ConversionError(f"{path} is a folder; name a .npz file with X, or a .npy file")
    if not os.path.isfile(path):
        raise ConversionError(f"there is no file {path}")
    if path.stat().st_size == 0:
        raise ConversionError(f"{path} is empty (0 bytes); {WRITE}")
    try:
        _check_unpacked(path)
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            X, y = found, None
        else:
            with found:
                if "X" not in found:
                    raise ConversionError(
                        f"{path} holds {', '.join(found) or 'nothing'}; the inputs must be called "
                        "X, and labels y"
                    )
                X, y = found["X"], found.get("y")
    except ConversionError:
        raise
    except _UNREADABLE as error:
        if holds_objects(path):
            raise ConversionError(
                f"{path} holds Python objects, which are not read; write X.astype(float), and "
                "labels as y.astype(str)"
            ) from None
        # Broken zip files are not told apart from files that never were one.
        raise ConversionError(
            f"{path} is cut short or no file of plain arrays ({error}); {WRITE}"
        ) from None
    if X.dtype.kind not in "buif":
        raise ConversionError(f"X in {path} holds {_kind(X)}, not numbers; {WRITE}")
    return X, y


def _check_unpacked(path: Path) -> None:
    """Refuse an archive, or an array, that says it is far larger than its file can hold.

    Raises
    ------
    ConversionError
        It would fill the memory: a bomb, or a damaged header.
    """
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > max(_LARGE, _PACKED * size):
            raise ConversionError(
                f"{path} has {size / 1e6:.3g} MB and unpacks to {unpacked / 1e9:.3g} GB; give "
                "fewer rows, or save them with numpy.savez, which does not pack"
            )
        return
    with path.open("rb") as stream:
        npy: Any = np.lib.format
        header = (
            npy.read_array_header_1_0
            if npy.read_magic(stream) == (1, 0)
            else (npy.read_array_header_2_0)
        )
        shape, _, dtype = header(stream)
    if math.prod(shape) * dtype.itemsize > size:
        raise ConversionError(
            f"{path} says it holds an array of the shape {shape}, and has {size} bytes; {WRITE}"
        )


def _kind(array: np.ndarray) -> str:
    known = {"U": "text", "S": "text", "c": "complex numbers", "M": "dates", "V": "records"}
    return known.get(array.dtype.kind, f"values of type {array.dtype}")


def check_width(X: np.ndarray, width: int, path: Path) -> np.ndarray:
    """Return inputs of a file as floats, or say why the model cannot take them.

    Raises
    ------
    ConversionError
        X is no table, has no rows, has another number of columns, or is not finite.
    """
    if X.ndim != 2 or X.shape[1] != width or len(X) == 0:
        raise ConversionError(
            f"X in {path} has the shape {X.shape}; this model takes a table of the shape "
            f"(n, {width}) with at least one row"
        )
    X = X.astype(float)
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if len(bad):
        raise ConversionError(
            f"X in {path} holds NaN or infinity in {len(bad)} of {len(X)} rows, first in row "
            f"{bad[0]} (counted from 0); leave these rows out or fill them in"
        )
    return X


def _column(y: np.ndarray, rows: int, path: Path) -> np.ndarray:
    """Return y with one value a row, a table of one column made flat."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise ConversionError(
            f"y in {path} has the shape {y.shape}; give one value a row, shape ({rows},) "
            "(one column a class becomes that by y.argmax(axis=1))"
        )
    if len(y) != rows:
        raise ConversionError(f"{path} holds {rows} rows of X, but {len(y)} of y")
    return y


def check_labels(
    y: np.ndarray, rows: int, classes: np.ndarray, path: Path, hint: str = ""
) -> np.ndarray:
    """Return labels of a file as the classes of a model.

    Numbers may be written as text, and the other way round: "1" and 1.0 are the class 1.

    Parameters
    ----------
    y : ndarray, shape (rows,) or (rows, 1)
    rows : int
        Rows of X.
    classes : ndarray
        Classes of the model.
    path : Path
        Where they stand.
    hint : str
        What else may be meant, added to the message.

    Returns
    -------
    ndarray, shape (rows,)
        Of `classes`.

    Raises
    ------
    ConversionError
        Rows are missing, or a label is none of the classes.

    Examples
    --------
    >>> check_labels(np.array([["1"], ["0"]]), 2, np.array([0, 1]), Path("test.npz"))
    array([1, 0])
    """
    flat = _column(y, rows, path)
    # By the text first: two classes may be called "1" and "1.0".
    exact = {_text(label): k for k, label in enumerate(classes)}
    loose = {_number(label): k for k, label in enumerate(classes)}
    values, place = np.unique(flat, return_inverse=True)
    known = [exact.get(_text(v), loose.get(_number(v), -1)) for v in values]
    strangers = [_text(v) for v, k in zip(values, known, strict=True) if k < 0]
    if strangers:
        shown = ", ".join(strangers[:5]) + (", ..." if len(strangers) > 5 else "")
        raise ConversionError(
            f"y in {path} holds {shown}, which {'is' if len(strangers) == 1 else 'are'} none of "
            f"the classes of this model ({', '.join(_text(c) for c in classes)}){hint}"
        )
    labels: np.ndarray = np.asarray(classes)[np.array(known)[place.ravel()]]
    return labels


def check_rows(y: np.ndarray, wanted: tuple[int, ...], path: Path) -> np.ndarray:
    """Return rows of labels of a file, each 0 or 1, in the shape that the model answers.

    Raises
    ------
    ConversionError
        Another shape, or something else than 0 and 1.
    """
    if y.shape != wanted:
        raise ConversionError(
            f"y in {path} has the shape {y.shape}; this model gives an input any of {wanted[1]} "
            f"labels, so y must have the shape {wanted}"
        )
    if y.dtype.kind not in "buif" or not np.all((y == 0) | (y == 1)):
        raise ConversionError(f"y in {path} must hold 0 and 1, a column a label")
    return y.astype(int)


def _text(label: Any) -> str:
    return label.decode("utf8", "replace") if isinstance(label, bytes) else str(label)


def _number(label: Any) -> Any:
    """Return a label as a number where it is one, else its text."""
    try:
        return float(_text(label)) if not isinstance(label, np.bool_) else float(label)
    except ValueError:
        return _text(label)


def check_quantities(y: np.ndarray, wanted: tuple[int, ...], path: Path) -> np.ndarray:
    """Return the quantities of a file in the shape that the model answers.

    Parameters
    ----------
    y : ndarray
    wanted : tuple of int
        Shape of the answers of the model to X.
    path : Path
        Where they stand.

    Raises
    ------
    ConversionError
        Another shape, or not finite numbers.
    """
    if y.dtype.kind not in "buif":
        raise ConversionError(f"y in {path} holds {_kind(y)}, but this model answers quantities")
    outputs = int(np.prod(wanted[1:], dtype=int))
    if y.ndim == 0 or len(y) != wanted[0]:
        rows = 0 if y.ndim == 0 else len(y)
        raise ConversionError(f"{path} holds {wanted[0]} rows of X, but {rows} of y")
    if y.size != wanted[0] * outputs:
        raise ConversionError(
            f"y in {path} has the shape {y.shape}; this model answers {outputs} quantities a row"
        )
    if not np.all(np.isfinite(y)):
        raise ConversionError(f"y in {path} holds NaN or infinity; leave these rows out")
    return y.astype(float).reshape(wanted)
