"""Reading dates: which of a few dozen layouts a column uses, and the ISO text of each cell.

01/02/2024 is two dates. A column is read day first or month first as a whole, from the cells in
which only one reading exists; where none settles it, the choice is a guess and is said to be one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

__all__ = ["DateStyle", "iso", "looks_like_date", "read_date_style"]

_NUMERIC = re.compile(
    r"(?P<a>\d{1,4})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{1,4})"
    r"(?:[T ]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)\s*(?P<half>[AaPp][Mm])?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?)?\Z"
)
_NAMED = (
    re.compile(
        r"(?P<d>\d{1,2})(?:st|nd|rd|th)?[ \-./]+(?P<m>[A-Za-z]{3,9})\.?,?[ \-./]+(?P<y>\d{4})\Z"
    ),
    re.compile(
        r"(?P<m>[A-Za-z]{3,9})\.?[ \-]+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?[ \-]+(?P<y>\d{4})\Z"
    ),
)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


@dataclass(frozen=True)
class DateStyle:
    """How a column writes its dates.

    Attributes
    ----------
    day_first : bool
        Whether 01/02 is the first of February.
    certain : bool
        False where no cell settles it.
    """

    day_first: bool = True
    certain: bool = True


def looks_like_date(text: str) -> bool:
    """Tell whether some reading of the text is a day of the calendar.

    Examples
    --------
    >>> looks_like_date("2007-11-11"), looks_like_date("31/12/99"), looks_like_date("1.2.3.4")
    (True, True, False)
    """
    return iso(text, DateStyle(True)) is not None or iso(text, DateStyle(False)) is not None


def read_date_style(texts: Iterable[str]) -> DateStyle:
    """Decide between day first and month first from all cells of a column.

    Parameters
    ----------
    texts : iterable of str
        Cells that look like dates.

    Returns
    -------
    DateStyle

    Examples
    --------
    >>> read_date_style(["01/02/2024", "25/02/2024"])
    DateStyle(day_first=True, certain=True)
    >>> read_date_style(["01/02/2024", "03/04/2024"]).certain
    False
    """
    day = month = open_ = slashes = 0
    for text in texts:
        found = _NUMERIC.match(text)
        if found is None or len(found["a"]) == 4:
            continue
        first, second = int(found["a"]), int(found["b"])
        slashes += found["sep"] == "/"
        if first > 12 >= second:
            day += 1
        elif second > 12 >= first:
            month += 1
        elif first != second:
            open_ += 1
    if day != month:
        return DateStyle(day > month, certain=not (day and month))
    # Nothing settles it: slashes are mostly American, dots and dashes mostly not.
    return DateStyle(day_first=not slashes, certain=not open_ and not day)


def iso(text: str, style: DateStyle) -> str | None:
    """Rewrite one date as ISO 8601, or None where it is not a date.

    Parameters
    ----------
    text : str
        One cell.
    style : DateStyle
        How its column writes dates.

    Returns
    -------
    str or None
        ``YYYY-MM-DD``, with ``THH:MM:SS`` where the cell has a time of day.

    Examples
    --------
    >>> iso("11 Nov 2007", DateStyle()), iso("11/12/2007 3:05 PM", DateStyle(day_first=False))
    ('2007-11-11', '2007-11-12T15:05:00')
    >>> iso("30/02/2020", DateStyle()) is None
    True
    """
    text = text.strip()
    for pattern in _NAMED:
        named = pattern.match(text)
        if named is not None:
            word = named["m"].casefold()
            for month, full in enumerate(_MONTHS, 1):
                if full.startswith(word) or (month, word) == (9, "sept"):
                    return _day(int(named["y"]), month, int(named["d"]))
            return None
    found = _NUMERIC.match(text)
    if found is None:
        return None
    a, b, c = found["a"], found["b"], found["c"]
    if len(a) == 4 and len(c) <= 2:
        day = _day(int(a), int(b), int(c))
    elif len(a) <= 2 and len(c) in (2, 4):
        first, second = int(a), int(b)
        # A day beyond 12 settles its own cell, whatever the column does.
        if first > 12 or (style.day_first and second <= 12):
            first, second = second, first
        day = _day(_year(c), first, second)
    else:
        return None
    if day is None or found["time"] is None:
        return day
    return _with_time(day, found["time"], found["half"], found["zone"])


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return 2000 + year if year < 69 else 1900 + year


def _day(year: int, month: int, day: int) -> str | None:
    if not 1000 <= year <= 2999:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _with_time(day: str, time: str, half: str | None, zone: str | None) -> str | None:
    layout = "%H:%M" + (":%S" if time.count(":") == 2 else "") + (".%f" if "." in time else "")
    if half:
        layout, time = layout.replace("%H", "%I") + " %p", f"{time} {half}"
    try:
        clock = datetime.strptime(time, layout).time()
    except ValueError:
        return None
    return f"{day}T{clock.isoformat()}{zone or ''}"
