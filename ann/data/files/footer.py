"""What stands below a table: notes such as its source, and a row of totals."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from ann.data.cells.lexicon import MISSING_ALWAYS, fold
from ann.data.cells.numerals import is_plain, plain, read_style, split_affixes

__all__ = ["are_notes", "may_be_note", "total_row"]

_NOTE = re.compile(
    r"\W*(source|sources|note|notes|footnote|data|updated|last|figures|copyright|see|legend|p\s*<"
    r"|n\s*=|quelle|fuente|licen[cs]e|retrieved|accessed|generated|exported|created)\b|[*†‡©]|\(c\)",
    re.IGNORECASE,
)
_TOTALS = frozenset(("total", "totals", "grand total", "sum", "overall total", "total:", "sum:"))
_LONG = 24


def may_be_note(record: list[str], width: int) -> bool:
    """Tell whether only the first cell of a row says something, and says it in words.

    Examples
    --------
    >>> may_be_note(["Source: a book"], 3), may_be_note(["7", "", ""], 3)
    (True, False)
    """
    if width < 2 or not record or (width == 2 and len(record) != 1) or any(record[1:]):
        return False
    return any(c.isalpha() for c in record[0])


def are_notes(texts: list[str], *, after_blank: bool) -> bool:
    """Tell whether the last rows of a file are notes and no rows that lack all but one cell.

    Parameters
    ----------
    texts : list of str
        Their first cells.
    after_blank : bool
        Whether a blank line stands before them.

    Examples
    --------
    >>> are_notes(["Oslo"], after_blank=False), are_notes(["Source: x"], after_blank=False)
    (False, True)
    """
    long = len(texts[0]) >= _LONG and " " in texts[0].strip()
    return after_blank or long or _NOTE.match(texts[0].strip()) is not None


def total_row(rows: list[list[str]]) -> Literal["proven", "named", ""]:
    """Tell whether the last row adds up the others.

    Parameters
    ----------
    rows : list of list of str
        All rows of a table.

    Returns
    -------
    str
        ``"proven"`` where it is called a total and every column of numbers adds up to it;
        ``"named"`` where it is called so and does not.

    Examples
    --------
    >>> total_row([["Oslo", "3"], ["Bergen", "4"], ["Total", "7"]])
    'proven'
    """
    if len(rows) < 3:
        return ""
    *body, last = rows
    if not any(fold(v) in _TOTALS for v in last[:3]):
        return ""
    sums = 0
    for k, cell in enumerate(last):
        if fold(cell) in _TOTALS or not cell.strip():
            continue
        total, values = _number(cell), [_number(r[k]) for r in body]
        there = np.array([v for v in values if v is not None])
        if total is None or len(there) < 0.8 * sum(fold(r[k]) not in MISSING_ALWAYS for r in body):
            return "named"
        if not np.isclose(there.sum(), total, rtol=1e-9, atol=0.5 * _unit_of(cell) * len(there)):
            return "named"
        sums += 1
    return "proven" if sums else "named"


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
