"""What an f-I curve must be: columns of numbers, each entry one that a measurement can give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.errors import CurveError
from bridge.plain_numbers import strip_unit
from neurosim.errors import UnitError

__all__ = ["COLUMNS", "as_column", "first_problem", "separates", "unlikely_unit", "unlikely_window"]

Array = NDArray[Any]

COLUMNS = ("current_pA", "count", "window_s", "trial")
# No count and no number of a trial comes near; beyond it a float is not exact.
_MOST_COUNT = 2.0**53


def first_problem(
    current: Array, count: Array, window: Array, trial: Array, *, in_order: bool = False
) -> tuple[int, str, str] | None:
    """Find the first entry that makes no sense.

    Parameters
    ----------
    current, count, window, trial : ndarray, shape (n,)
        The columns.
    in_order : bool
        Whether currents must ascend within a trial.

    Returns
    -------
    (entry, wrong, remedy) or None
        Entry counted from 0.
    """
    last: dict[float, float] = {}
    seen: set[tuple[float, float]] = set()
    for i, entry in enumerate(zip(current, count, window, trial, strict=True)):
        amount, spikes, length, repeat = entry
        for name, value in zip(COLUMNS, entry, strict=True):
            if not np.isfinite(value):
                return i, f"{name} is {value}", "leave the row out or give the measured number"
        if spikes < 0 or spikes != round(spikes):
            kind = "negative" if spikes < 0 else "not a whole number"
            return i, f"count {spikes:g} is {kind}", "give the number of spikes, not a rate"
        if spikes >= _MOST_COUNT:
            return i, f"count {spikes:g} is more than any cell fires", "give the number of spikes"
        if length <= 0:
            return i, f"window_s {length:g} is not positive", "give the counted time in seconds"
        if repeat != round(repeat) or abs(repeat) >= _MOST_COUNT:
            return i, f"trial {repeat:g} is not a whole number", "number the trials 0, 1, 2, ..."
        if (repeat, amount) in seen:
            remedy = "add a column `trial` that numbers the repeats"
            return i, f"current {amount:g} pA is given twice", remedy
        if in_order and repeat in last and amount < last[repeat]:
            wrong = f"currents are not in order: {amount:g} pA after {last[repeat]:g} pA"
            remedy = (
                "sort the rows by current within each trial; if they are repeats whose measured "
                "currents scatter, round the currents, or number the repeats in a column `trial`"
            )
            return i, wrong, remedy
        seen.add((repeat, amount))
        last[repeat] = amount
    return None


def unlikely_unit(current: Array, count: Array) -> str:
    """Say so when currents can hardly be picoampere (no cell fires on less than 5 pA)."""
    largest = float(np.abs(current).max())
    if 0 < largest < 1e-6:
        return f"currents look like ampere (largest {largest:g})"
    if 0 < largest < 5 and count.sum() > 0:
        return f"currents look like nanoampere (largest {largest:g})"
    return ""


# No cell is recorded for minutes a current; a window of seconds told as milliseconds gives rates
# that no neuron reaches.
_LONG_WINDOW_S, _SLOW_HZ, _MANY, _FAST_HZ = 50.0, 0.2, 20, 5000.0


def unlikely_window(count: Array, window: Array) -> str:
    """Say so when windows can hardly be seconds.

    Examples
    --------
    >>> unlikely_window(np.array([0, 9, 22]), np.array([500, 500, 500]))
    'windows look like milliseconds (500 s, 0.044 Hz)'
    >>> unlikely_window(np.array([0, 9, 22]), np.array([0.5, 0.5, 0.5]))
    ''
    """
    highest, longest = float((count / window).max()), float(window.max())
    if window.min() >= _LONG_WINDOW_S and highest < _SLOW_HZ and count.sum() >= _MANY:
        return f"windows look like milliseconds ({longest:g} s, {highest:.2g} Hz)"
    if highest > _FAST_HZ:
        fast = int(np.argmax(count / window))
        told = f"{count[fast]:g} spikes in {window[fast]:g} s, {highest:.2g} Hz"
        return f"no neuron fires so fast ({told}); windows look like seconds told as milliseconds"
    return ""


def separates(labels: Sequence[str], current: Array) -> bool:
    """Whether a column tells curves apart: its values differ where a current comes again.

    A number a row, or one that follows from the current or the count, does not: each of at least
    two values must stand at half of the currents that come again, and at two currents.

    Parameters
    ----------
    labels : sequence of str
        The column.
    current : ndarray, shape (n,)
        Currents of the same rows (pA).

    Examples
    --------
    >>> separates(["a", "a", "b", "b"], np.array([0, 50, 0, 50]))
    True
    >>> separates(["1", "2", "3", "4"], np.array([0, 50, 0, 50]))
    False
    """
    at: dict[float, set[str]] = {}
    times: Counter[float] = Counter()
    for label, amount in zip(labels, current.tolist(), strict=True):
        at.setdefault(amount, set()).add(label)
        times[amount] += 1
    again = [amount for amount, n in times.items() if n > 1]
    apart = [amount for amount in again if len(at[amount]) > 1]
    if not again or 2 * len(apart) < len(again):
        return False
    wide = 0
    for label in set(labels):
        stands = sum(label in found for found in at.values())
        wide += stands > 1 and 2 * sum(label in at[amount] for amount in apart) >= len(apart)
    return wide > 1


def as_column(values: ArrayLike, name: str, unit: str) -> NDArray[np.float64]:
    """Return values as a column of plain numbers, in `unit` if they have one.

    Raises
    ------
    CurveError
        They are no numbers, or have more than one dimension.
    UnitError
        They are in another unit.
    """
    try:
        found = np.array(strip_unit(values, unit, name), dtype=float)
    except (TypeError, ValueError) as error:
        if isinstance(error, UnitError):
            raise
        raise CurveError(
            f"{name} is not a list of numbers: {error}", "give plain numbers"
        ) from None
    if found.ndim > 1:
        raise CurveError(
            f"{name} has shape {found.shape}", "give one entry a measurement, in one dimension"
        )
    return np.atleast_1d(found)
