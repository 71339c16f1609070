"""Targets no model can learn, told by what they hold: gaps, dates, text among numbers."""

from __future__ import annotations

import datetime
from numbers import Number
from typing import Any

import numpy as np

from ann.errors import DataError
from ann.network.arrays import is_sparse

__all__ = ["check_targets"]


def check_targets(y: Any, quantities: bool) -> Any:
    """Refuse targets that are no classes or quantities, and say where.

    Parameters
    ----------
    y : array_like of shape (n,) or (n, n_outputs)
        None and sparse matrices are left to others.
    quantities : bool
        Whether numbers are needed; otherwise classes.

    Returns
    -------
    array_like
        The same; an array of Python's own numbers as an array of numbers.

    Raises
    ------
    DataError
        If y holds gaps, infinity, dates, several kinds of things, or text for quantities.

    Examples
    --------
    >>> check_targets(["a", None], False)
    Traceback (most recent call last):
    ...
    ann.errors.DataError: y has no value in 1 of 2 rows, first in row 1 (counted from 0); leave \
these rows out
    """
    if y is None or is_sparse(y):
        return y
    try:
        table = np.asarray(y)
        if table.dtype.kind in "US" and isinstance(y, list | tuple):
            # NumPy would make text of the numbers and gaps among text.
            table = np.array(y, dtype=object)
    except ValueError as error:
        raise DataError(f"y has rows of unequal length ({error}); give one value a row") from None
    if table.dtype.kind == "f" or table.dtype.kind == "O":
        _refuse_gaps(table)
    if table.dtype.kind in "mM":
        raise DataError(_of_dates(table.ravel()[0], quantities))
    if table.dtype.kind == "c":
        raise DataError("Complex data not supported: y holds complex numbers; give y.real")
    if table.dtype.kind == "V":
        raise DataError("y holds records; give one value a row")
    if table.dtype.kind == "O":
        kind = _kind_of(table, quantities)
        if kind is Number:
            plain = np.array(table.tolist())
            return plain.astype(float) if plain.dtype.kind == "O" else plain
        if kind is bytes:
            raise DataError(_BYTES)
    if table.dtype.kind == "S":
        raise DataError(_BYTES)
    text = table.dtype.kind in "UO" and table.size
    if quantities and text:
        sample = str(table.ravel()[0])
        raise DataError(
            f"y holds text such as {sample!r}, and quantities are numbers: give y.astype(float), "
            "or use task='classification' for classes"
        )
    return y


_BYTES = "y holds bytes; give text, such as [v.decode() for v in y]"


def _refuse_gaps(table: np.ndarray) -> None:
    if table.dtype.kind == "f":
        gap, infinite, what = np.isnan(table), np.isinf(table), "contains NaN"
    else:
        what = "has no value"
        gap = np.array([_is_gap(v) for v in table.ravel()], dtype=bool).reshape(table.shape)
        infinite = np.zeros_like(gap)
    _refuse_rows(gap, what, "leave these rows out")
    _refuse_rows(infinite, "is infinite", "leave these rows out or bound them")


def _is_gap(value: Any) -> bool:
    """Whether it is None, NaN, or pandas' NA or NaT."""
    if value is None:
        return True
    try:
        # Nothing but a gap differs from itself.
        return bool(value != value)
    except (TypeError, ValueError):
        # pandas' NA does not know whether it does; an array has no one answer.
        return not hasattr(value, "__len__")


def _refuse_rows(wrong: np.ndarray, what: str, advice: str) -> None:
    if wrong.ndim == 0:
        return
    rows = np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))
    if len(rows):
        raise DataError(
            f"y {what} in {len(rows)} of {len(wrong)} rows, first in row {rows[0]} (counted from "
            f"0); {advice}"
        )


def _kind_of(table: np.ndarray, quantities: bool) -> type:
    """Whether all of a table of objects are text or numbers; dates and mixtures are refused."""
    samples: dict[type, Any] = {}
    for value in table.ravel():
        kinds = (str, bytes, Number, datetime.date, np.datetime64, np.timedelta64)
        samples.setdefault(next((k for k in kinds if isinstance(value, k)), object), value)
    for kind in (datetime.date, np.datetime64, np.timedelta64):
        if kind in samples:
            raise DataError(_of_dates(samples[kind], quantities))
    if object in samples:
        raise DataError(
            f"y holds objects of type {type(samples[object]).__name__}; give one text or number "
            "a row"
        )
    if len(samples) > 1:
        (one, other), *_ = [list(samples.values())[:2]]
        raise DataError(
            f"y mixes {type(one).__name__} ({one!r}) with {type(other).__name__} ({other!r}); "
            "give all as one kind, such as [str(v) for v in y]"
        )
    return next(iter(samples), object)


def _of_dates(sample: Any, quantities: bool) -> str:
    instead = (
        "give numbers, such as days since the first of them"
        if quantities
        else "give classes as text, such as the year: y.astype('datetime64[Y]').astype(str)"
    )
    return f"y holds dates or times, such as {sample}; {instead}"
