"""Tables of inputs as they come, and whole numbers that must be such."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from bridge.errors import ConversionError

__all__ = ["check_inputs", "check_number", "check_whole", "holds_objects"]


def check_inputs(X: Any, width: int, names: Sequence[str] | None = None) -> np.ndarray:
    """Return inputs as a table of floats, or say what is wrong with their shape or values.

    Parameters
    ----------
    X : array_like, DataFrame or sparse matrix, shape (n_samples, width)
        Inputs; a sparse matrix is filled up with its zeros.
    width : int
        Number of columns.
    names : sequence of str, optional
        Names of the columns the network was fitted on; those of a DataFrame must be the same.

    Raises
    ------
    ConversionError
        X is no table of finite real numbers of this width, or its columns are others.

    Examples
    --------
    >>> check_inputs([[1, 2]], 2)
    array([[1., 2.]])
    """
    found = getattr(X, "columns", None)
    if names is not None and found is not None and all(isinstance(c, str) for c in found):
        _check_names(list(found), list(names))
    if isinstance(X, np.ma.MaskedArray) and np.any(X.mask):
        raise ConversionError(
            "X is a masked array with masked values; fill them first, such as with X.filled(0)"
        )
    if hasattr(X, "toarray"):
        X = X.toarray()
    try:
        table = np.asarray(X)
        if np.iscomplexobj(table):
            raise ConversionError("X holds complex numbers; inputs are real, such as X.real")
        table = table.astype(float)
    except (TypeError, ValueError) as error:
        if isinstance(error, ConversionError):
            raise
        raise ConversionError(
            f"X is not a table of numbers ({error}); give rows of equal length that hold numbers "
            "only"
        ) from None
    if table.ndim != 2 or table.shape[1] != width or len(table) == 0:
        raise ConversionError(f"X must have the shape (n_samples, {width}); got {table.shape}")
    if not np.all(np.isfinite(table)):
        raise ConversionError("X holds NaN or infinity")
    return table


def _check_names(found: list[str], names: list[str]) -> None:
    if found == names:
        return
    if sorted(found) == sorted(names):
        raise ConversionError(
            "the columns of X are in another order than those the network was fitted on; give "
            f"X[{names if len(names) < 6 else 'list(network.feature_names_in_)'}]"
        )
    missing = [name for name in names if name not in found]
    extra = [name for name in found if name not in names]
    differ = [f"lacks {', '.join(missing[:5])}"] if missing else []
    if extra:
        differ += [f"has {', '.join(extra[:5])} instead" if missing else f"also has {extra[0]}"]
    raise ConversionError(
        f"the columns of X are not those the network was fitted on: it {' and '.join(differ)}"
    )


def holds_objects(path: str | Path) -> bool:
    """Whether a .npy or .npz file holds an array of Python objects, by the headers of its arrays.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.npz"
    >>> np.savez(file, X=[1, 2], y=np.array(["a", 1], dtype=object))
    >>> holds_objects(file)
    True
    """

    npy: Any = np.lib.format

    def of_objects(stream: IO[bytes]) -> bool:
        old = npy.read_magic(stream) == (1, 0)
        header = npy.read_array_header_1_0 if old else npy.read_array_header_2_0
        return bool(header(stream)[2].hasobject)

    try:
        if not zipfile.is_zipfile(path):
            with open(path, "rb") as stream:
                return of_objects(stream)
        with zipfile.ZipFile(path) as archive:
            return any(of_objects(archive.open(name)) for name in archive.namelist())
    except Exception:  # a damaged header makes NumPy's parser raise anything
        return False


def check_whole(value: Any, what: str, least: int) -> int:
    """Return a whole number of at least so much.

    Raises
    ------
    ConversionError
        It is something else.

    Examples
    --------
    >>> check_whole(3, "convert: population", 1)
    3
    """
    kinds = (int, np.integer)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, kinds) or value < least:
        raise ConversionError(f"{what} must be a whole number of at least {least}; got {value!r}")
    return int(value)


def check_number(value: Any, what: str, right: str) -> float:
    """Return a plain finite number.

    Parameters
    ----------
    value : float
    what, right : str
        What it is, and what would be right, for the message.

    Raises
    ------
    ConversionError
        It is not finite, carries a unit, or is no number.
    """
    plain = isinstance(value, (int, float, np.integer, np.floating))
    if not plain or isinstance(value, bool) or not np.isfinite(value):
        raise ConversionError(f"{what} must be {right}; got {value!r}")
    return float(value)
