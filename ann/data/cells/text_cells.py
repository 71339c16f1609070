"""Any table as text: the form in which rules see cells, whatever types they arrived in."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.errors import SchemaError

__all__ = ["as_floats", "cell_text", "is_words", "text_frame", "two_dimensional"]


def is_words(column: pd.Series) -> bool:
    """Tell whether a column is neither of numbers nor of dates.

    Examples
    --------
    >>> is_words(pd.Series(["a", None])), is_words(pd.Series([1.0, 2.0]))
    (True, False)
    """
    dtype = column.dtype
    numeric = pd.api.types.is_numeric_dtype(dtype)
    return not numeric and not pd.api.types.is_datetime64_any_dtype(dtype)


def as_floats(column: pd.Series) -> NDArray[np.float64]:
    """Return a column of numbers or dates as a new array: dates in seconds since 1970, gaps NaN.

    Examples
    --------
    >>> as_floats(pd.Series(pd.to_datetime(["1970-01-02", None]))).tolist()
    [86400.0, nan]
    """
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        return np.array(column, dtype=np.float64)
    seconds = np.array(column.astype("datetime64[s]").astype("int64"), dtype=np.float64)
    seconds[column.isna().to_numpy()] = np.nan
    return seconds


def cell_text(value: Any) -> str | None:
    """Return the text of one cell, None for missing.

    Parameters
    ----------
    value : object
        Text, number, truth value, date or a missing value of any kind.

    Returns
    -------
    str or None

    Examples
    --------
    >>> cell_text(3.0), cell_text(True), cell_text(float("nan")), cell_text(" a ")
    ('3', 'True', None, ' a ')
    """
    if isinstance(value, str):
        return str(value)
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        # Through str() of the scalar, so that float32 1.1 stays "1.1".
        number = float(value)
        if np.isnan(number):
            return None
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else str(value)
    if isinstance(value, (pd.Timestamp, dt.datetime)):
        return value.isoformat() if value != pd.Timestamp(value).normalize() else str(value.date())
    return str(value)


def text_frame(table: Any) -> pd.DataFrame:
    """Return a table with every cell a str or None.

    Parameters
    ----------
    table : DataFrame, 2-D array or mapping of columns
        Columns without names are called x0, x1, ...

    Returns
    -------
    pandas.DataFrame
        Of dtype object; the index is kept.

    Raises
    ------
    SchemaError
        If it is not a table, or two columns share a name.

    Examples
    --------
    >>> text_frame({"a": [1.5, None], "b": ["x", ""]}).values.tolist()
    [['1.5', 'x'], [None, '']]
    """
    if not isinstance(table, pd.DataFrame):
        # One of scipy's sparse tables is a dictionary too.
        if not isinstance(table, dict) or hasattr(table, "toarray"):
            table = two_dimensional(table)
        table = pd.DataFrame(table)
        if isinstance(table.columns, pd.RangeIndex):
            table.columns = pd.Index([f"x{k}" for k in range(table.shape[1])])
    names = [str(c) for c in table.columns]
    double = {n for n in names if names.count(n) > 1} if len(set(names)) < len(names) else set()
    if double:
        raise SchemaError(f"two columns are called {sorted(double)[0]!r}; give each its own name")
    columns = {}
    for k, name in enumerate(names):
        cells = table.iloc[:, k].to_numpy(dtype=object)
        found = pd.api.types.infer_dtype(cells, skipna=True)
        if found in ("string", "empty"):
            gone = pd.isna(cells)
            if gone.any():
                cells = cells.copy()
                cells[gone] = None
        else:
            codes, uniques = _distinct(cells)
            texts = np.array([*(cell_text(u) for u in uniques), None], dtype=object)
            cells = texts[codes]
        columns[name] = cells
    return pd.DataFrame(columns, index=table.index, dtype=object)


def two_dimensional(table: Any, columns: int | None = None, who: str = "") -> NDArray[Any]:
    """Return a table without column names as an array of rows and columns.

    Parameters
    ----------
    table : 2-D array or sequence of rows
    columns : int, optional
        How many there must be.
    who : str
        Who expects them.

    Raises
    ------
    SchemaError
        If it is sparse, complex, has not two dimensions, or another number of columns.

    Examples
    --------
    >>> two_dimensional([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if hasattr(table, "toarray"):
        raise SchemaError("a sparse table is not supported; pass its .toarray()")
    values = np.asarray(table)
    if values.ndim != 2:
        raise SchemaError(
            f"a table has two dimensions, not {values.ndim}. Reshape your data with "
            ".reshape(-1, 1) if it is one column, or .reshape(1, -1) if it is one row"
        )
    if np.iscomplexobj(values):
        raise SchemaError("Complex data not supported: a cell is a number, a date or words")
    width = values.shape[1]
    if not width:
        raise SchemaError(f"0 feature(s) (shape={values.shape}) while a minimum of 1 is required.")
    if columns not in (None, width):
        raise SchemaError(
            f"X has {width} features, but {who} is expecting {columns} features as input"
        )
    return values


def _distinct(cells: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    # True, 1 and 1.0 are one key to a dictionary: keep types apart where they mix.
    if len({type(v) for v in cells[:1000]}) > 2:
        return np.arange(len(cells)), cells
    return pd.factorize(cells, use_na_sentinel=True)
