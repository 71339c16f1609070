"""Columns that cannot be features: constants, free text, and labels of the rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ann.data.cells.lexicon import COUNTED_WORDS, ID_WORDS, words_of
from ann.data.cleaning.inspection import Inspection

__all__ = ["are_periods", "role_of", "says_id"]

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_PART = f"(?:{_MONTH}|spring|summer|autumn|fall|winter)[.,]?"
#: A month, a quarter, a week or a season of a year, or of any year: 1949M01, 1949-Q1, Jan 1949,
#: 49-Jan, 01/1949, 1949/50, W07, Q1.
_PERIOD = re.compile(
    rf"(?:[12]\d{{3}}[-/. ]?(?:[mqwh][-/. ]?\d{{1,2}}|\d{{1,2}}|{_PART})"
    rf"|(?:[mqwh]?\d{{1,2}}|{_PART})[-/. ]*(?:[12]\d{{3}}|'?\d{{2}})|'?\d{{2}}[-/. ]*{_PART}"
    r"|(?:m|month ?)(?:0?[1-9]|1[0-2])|q[1-4]|(?:w|week ?)(?:0?[1-9]|[1-4]\d|5[0-3]))\Z",
    re.IGNORECASE,
)
#: Lengths of what comes round: quarters, days of a week, months, hours, days, weeks, minutes.
_CALENDAR = frozenset((4, 5, 6, 7, 12, 24, 28, 29, 30, 31, 52, 53, 60, 365, 366))


def role_of(seen: Inspection, kind: str) -> tuple[str, str] | None:
    """Return why the column cannot be a feature, or None where it can."""
    counts = seen.text_counts()
    filled = seen.filled()
    if len(counts) == 1:
        if filled == seen.rows:
            return "constant", f"{next(iter(counts))!r} in every row"
        return None
    if kind == "text":
        return "text", f"free text: {len(counts)} different ones in {filled} filled rows"
    if kind == "date" or seen.open_dates or seen.open_numbers:
        return None
    return _id(seen, kind, counts, filled)


def _id(seen: Inspection, kind: str, counts: Counter[str], filled: int) -> tuple[str, str] | None:
    named = says_id(seen.name)
    distinct = len(counts) / filled
    if filled < 10:
        return None
    if kind == "category":
        if sum(counts[v] for v in seen.plain()) >= 0.5 * filled:
            # Numbers that could not all be read; a finding says so.
            return None
        if are_periods(counts):
            return None
        if distinct >= 0.98 and filled >= 20:
            return "id", f"{len(counts)} different labels in {filled} rows"
        if named and distinct >= 0.5 and filled >= 20:
            return "id", f"named like a label, {len(counts)} different ones in {filled} rows"
        return None
    cells = [v for v in seen.in_rows() if v is not None]
    if len(seen.plain()) < len(counts) or not all(float(v).is_integer() for v in counts):
        return None
    numbers = np.array([float(v) for v in cells])
    steps = np.diff(numbers)
    extent = numbers.max() - numbers.min() + 1
    if _counts_something(seen.name, numbers, named=named):
        return None
    # What starts anew within the table, such as the days of a month, is no label of a row.
    if distinct < 0.98 and (not named or extent in _CALENDAR):
        return None
    if len(steps) and np.mean(steps == 1) >= 0.95:
        return "id", "counts the rows: each number is one more than the one before"
    # The same counter in a part of the rows, as a split leaves it.
    if (
        len(counts) >= 20
        and np.mean((steps >= 1) & (steps <= 12)) >= 0.95
        and np.median(steps) <= 2
    ):
        return "id", "counts the rows: each number is a little more than the one before"
    if distinct >= 0.98:
        if extent <= 1.05 * filled and filled >= 20:
            return "id", f"a numbering: {filled} different whole numbers in a range of {extent:.0f}"
        if named and not _a_count(seen.name, numbers):
            return "id", f"named like a label, {len(counts)} different whole numbers"
        lengths = {len(v.lstrip("+-")) for v in counts}
        # A population of nine digits goes on from year to year; telephone numbers do not.
        apart = filled >= 30 and abs(_of_neighbours(numbers)) < 0.5
        if len(lengths) == 1 and next(iter(lengths)) >= 7 and apart:
            return "id", f"different whole numbers of {next(iter(lengths))} digits each"
    return None


def _a_count(name: str, numbers: NDArray[np.float64]) -> bool:
    """Tell whether a column called "Number" counts things: sizes of many digits, row after row.

    A label's numbers have about as many digits each, or rise from row to row. What is counted runs
    over orders of magnitude and goes up and down with what was counted in the row before.
    """
    if words_of(name) not in (["number"], ["num"], ["no"]):
        return False
    sizes = np.log10(np.maximum(np.abs(numbers), 1.0))
    rising = bool((np.diff(numbers) > 0).all())
    return float(np.ptp(sizes)) >= 3 and abs(_of_neighbours(numbers)) >= 0.5 and not rising


def _of_neighbours(numbers: NDArray[np.float64]) -> float:
    """Return the rank correlation of each row's number with that of the row before."""
    ranks = rankdata(numbers)
    return float(np.corrcoef(ranks[1:], ranks[:-1])[0, 1])


def _counts_something(name: str, numbers: NDArray[np.float64], *, named: bool) -> bool:
    """Tell whether whole numbers in order are years, or another quantity by their name."""
    if set(words_of(name)) & COUNTED_WORDS:
        return True
    return not named and bool(((numbers >= 1500) & (numbers <= 2100)).all())


def are_periods(counts: Mapping[str, int]) -> bool:
    """Tell whether nearly all texts of a column, each with its count, are months, weeks and such.

    Examples
    --------
    >>> are_periods({"49-Jan": 1, "49-Feb": 1}), are_periods({"user-49": 1})
    (True, False)
    """
    periods = sum(n for v, n in counts.items() if _PERIOD.match(v))
    return periods >= 0.9 * sum(counts.values())


def says_id(name: str) -> bool:
    """Tell whether a column's name says that its values are labels.

    Examples
    --------
    >>> says_id("customerID"), says_id("zip code"), says_id("income")
    (True, True, False)
    """
    words = words_of(name)
    if not words:
        return False
    return words[-1] in ID_WORDS or words[0] in {"id", "uuid", "unnamed", "index", "rownum"}
