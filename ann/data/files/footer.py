"""What stands below a table: notes such as its source, and rows of totals and averages."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ann.data.cells.lexicon import MISSING_ALWAYS, fold
from ann.data.cells.numerals import is_plain, plain, read_style, split_affixes

__all__ = ["first_note", "goes_on", "may_be_note", "notes_among", "said", "summary_rows"]

_NOTE = re.compile(
    r"\W*(source|sources|note|notes|footnote|data|updated|last|figures|copyright|see|legend|p\s*<"
    r"|n\s*=|quelle|fuente|licen[cs]e|retrieved|accessed|generated|exported|created)\b|[*†‡©]|\(c\)"
    r"|\(?[a-z\d]\)\s|[\W\d]*(rows?|records?|entries|count)\b[\W\d]*\Z",
    re.IGNORECASE,
)
#: How a note begins that has as many cells as a row.
_SAID = re.compile(
    r"\W*(sources?|notes?|footnotes?|quelle|fuente|licen[cs]e|updated|copyright)\s*:", re.IGNORECASE
)
#: A line of marks between a table and its notes.
_RULED = re.compile(r"([*#=_~-])\1{2,}\Z")
_MOST_BELOW, _LOOKED_AT = 8, 400
_KINDS: dict[str, Callable[[NDArray[np.float64]], Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "median": np.median,
    "least": np.min,
    "greatest": np.max,
    "standard deviation": partial(np.std, ddof=1),
}
#: What a last row may be called, and what each of its numbers then is.
_SUMMARIES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("total", "totals", "grand total", "sum", "overall total"), ("sum",)),
    **dict.fromkeys(("all", "overall", "combined", "whole", "altogether"), ("sum", "mean")),
    **dict.fromkeys(("average", "averages", "mean", "means", "avg", "avg."), ("mean",)),
    "median": ("median",),
    **dict.fromkeys(("min", "minimum"), ("least",)),
    **dict.fromkeys(("max", "maximum"), ("greatest",)),
    **dict.fromkeys(("sd", "std", "std. dev.", "stdev"), ("standard deviation",)),
}
_LONG = 24


def may_be_note(record: list[str], width: int) -> bool:
    """Tell whether only the first cell of a row says something, and says it in words.

    In a table of four columns and more it may be one of the first three. A row of marks, such as
    ``*****``, rules the notes off.

    Examples
    --------
    >>> may_be_note(["Source: a book"], 3), may_be_note(["7", "", ""], 3)
    (True, False)
    >>> may_be_note(["", "1 Any opioid", "", ""], 4), may_be_note(["*****"], 4)
    (True, True)
    """
    if record and len(record) != width and _SAID.match(record[0]):
        return True
    if width < 2 or not record or (width == 2 and len(record) != 1):
        return False
    text = said(record)
    place = record.index(text) if text else 0
    if not text or any(record[place + 1 :]) or place > (2 if width >= 4 else 0):
        return False
    return any(c.isalpha() for c in text) or bool(_RULED.match(text.strip()))


def said(record: list[str]) -> str:
    """Return the first cell of a row that is not blank."""
    return next((c for c in record if c), "")


def goes_on(record: list[str], width: int) -> bool:
    """Tell whether a row below notes may be another: far narrower than the table."""
    filled = sum(bool(c.strip()) for c in record)
    return filled <= 2 and len(record) <= 2 < width - 1


def first_note(texts: list[str], *, after_blank: bool) -> int:
    """Return from which of the last rows of a file on they are notes, and no rows with gaps.

    Parameters
    ----------
    texts : list of str
        Their first filled cells.
    after_blank : bool
        Whether a blank line stands before them.

    Returns
    -------
    int
        ``len(texts)`` where none is a note.

    Examples
    --------
    >>> first_note(["Oslo"], after_blank=False), first_note(["Source: x"], after_blank=False)
    (1, 0)
    """
    if after_blank:
        return 0
    for k, text in enumerate(texts):
        bare = text.strip()
        if (len(text) >= _LONG and " " in bare) or _NOTE.match(bare) or _RULED.match(bare):
            return k
    return len(texts)


def notes_among(rows: list[list[str]]) -> int:
    """Count the last rows that are notes with as many cells as a row, or more words.

    Parameters
    ----------
    rows : list of list of str
        All rows of a table, or the last ones.

    Returns
    -------
    int
        Zero where a row further above begins like them: then it is the way of the table.

    Examples
    --------
    >>> notes_among([["Oslo", "3"], ["Bergen", "4"], ["Source: a book", " 1920"]])
    1
    """
    count = 0
    while count < min(_MOST_BELOW, len(rows) - 1) and _SAID.match(rows[-1 - count][0]):
        count += 1
    above = rows[: len(rows) - count][-_LOOKED_AT:]
    return 0 if any(_SAID.match(r[0]) for r in above) else count


def summary_rows(rows: list[list[str]]) -> list[tuple[int, str, str]]:
    """Find last rows that sum up the others: totals, averages and the like.

    Parameters
    ----------
    rows : list of list of str
        All rows of a table.

    Returns
    -------
    list of (int, str, str)
        The place of each, what it is called, and what each of its numbers is of those above it;
        empty where they are no such thing.

    Examples
    --------
    >>> summary_rows([["Oslo", "3"], ["Bergen", "5"], ["Total", "8"], ["Average", "4"]])
    [(2, 'Total', 'sum'), (3, 'Average', 'mean')]
    """
    first = len(rows)
    while first > max(2, len(rows) - _MOST_BELOW) and _called(rows[first - 1]):
        first -= 1
    body = rows[:first]
    out = []
    for k in range(first, len(rows)):
        name = _called(rows[k])
        kinds = _SUMMARIES[_key(name)]
        proven = next((kind for kind in kinds if _sums_up(rows[k], body, kind)), "")
        # A label that other rows have too is one of the table's own.
        place = rows[k].index(name)
        if proven or not any(_key(r[place]) == _key(name) for r in body):
            out.append((k, name.strip(), proven))
    return out


def _key(cell: str) -> str:
    return fold(cell).rstrip(":").strip()


def _called(row: list[str]) -> str:
    """Return the cell that says what a row sums up; empty where none does."""
    return next((v for v in row[:3] if _key(v) in _SUMMARIES), "")


def _sums_up(last: list[str], body: list[list[str]], kind: str) -> bool:
    """Tell whether every number of a row is one summary of the numbers above it."""
    found = 0
    name = _called(last)
    for k, cell in enumerate(last):
        if cell == name or not cell.strip():
            continue
        told, values = _number(cell), [_number(r[k]) for r in body]
        there = np.array([v for v in values if v is not None])
        if told is None or len(there) < 0.8 * sum(fold(r[k]) not in MISSING_ALWAYS for r in body):
            return False
        if not len(there):
            return False
        # Whole numbers add up exactly; a mean is rounded to the decimals shown.
        slack = _unit_of(cell) * len(there) if kind == "sum" else _unit_of(cell) or 1.0
        if not np.isclose(_KINDS[kind](there), told, rtol=1e-9, atol=0.5 * slack):
            return False
        found += 1
    return found > 0


def _number(cell: str) -> float | None:
    parts = split_affixes(cell)
    if parts is None:
        return None
    body = plain(parts[1], read_style([parts[1]]))
    return float(body) if body is not None and is_plain(body) else None


def _unit_of(cell: str) -> float:
    """Size of the last decimal of a number; whole numbers add up exactly."""
    decimals = re.search(r"\.(\d+)", cell)
    return 10.0 ** -len(decimals[1]) if decimals else 0.0
