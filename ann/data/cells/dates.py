"""Reading dates: which of a few dozen layouts a column uses, and the ISO text of each cell.

01/02/2024 is two dates. A column is read day first or month first as a whole, from the cells in
which only one reading exists; a cell that exists in the other order only is no date of that column.
Where no cell settles the order, or cells contradict each other, only a person can.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

__all__ = [
    "PIVOT",
    "DateStyle",
    "fits",
    "is_two_digit",
    "iso",
    "looks_like_date",
    "read_date_style",
    "turn_of_century",
    "two_digit_year",
]

_NUMERIC = re.compile(
    r"(?P<a>\d{1,4})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{1,4})"
    r"(?:[T ]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)\s*(?P<half>[AaPp][Mm])?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?)?\Z"
)
_NAMED = (
    re.compile(
        r"(?P<d>\d{1,2})(?:st|nd|rd|th)?[ \-./]+(?P<m>[A-Za-z]{3,9})\.?,?[ \-./]+"
        r"(?P<y>\d{4}|'?\d{2})\Z"
    ),
    re.compile(
        r"(?P<m>[A-Za-z]{3,9})\.?[ \-]+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?[ \-]+(?P<y>\d{4})\Z"
    ),
)
#: A month of a year in words: Jan 1949, January-1949, 1949 Jan.
_NAMED_MONTH = re.compile(
    r"(?:(?P<m>[A-Za-z]{3,9})\.?,?[ \-./]*(?P<y>\d{4})"
    r"|(?P<y2>\d{4})[ \-./]*(?P<m2>[A-Za-z]{3,9})\.?)\Z"
)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)

#: Two-digit years below it are 20xx unless something is known, as in POSIX.
PIVOT = 69
#: Years without a date that separate the end of a column from its beginning.
_DECADES = 25
#: A year and a month, or a quarter: the ISO text of the former is the text itself.
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])\Z")


@dataclass(frozen=True)
class DateStyle:
    """How a column writes its dates.

    Attributes
    ----------
    day_first : bool
        Whether 01/02 is the first of February.
    certain : bool
        False where no cell settles it, or cells contradict each other.
    pivot : int
        Two-digit years below it are 20xx, the others 19xx.
    against : str
        A cell that exists in the other order only; empty where there is none.
    """

    day_first: bool = True
    certain: bool = True
    pivot: int = PIVOT
    against: str = ""


def is_two_digit(text: str) -> bool:
    """Tell whether a date has a year of two digits.

    Examples
    --------
    >>> is_two_digit("13/05/45"), is_two_digit("26-May-17"), is_two_digit("13/05/1945")
    (True, True, False)
    """
    return two_digit_year(text) is not None


def fits(text: str, *, day_first: bool) -> bool:
    """Tell whether a text is a day of the calendar in one order of day and month.

    Examples
    --------
    >>> fits("01/28/2023", day_first=True), fits("01/28/2023", day_first=False)
    (False, True)
    """
    return iso(text, DateStyle(day_first)) is not None


def two_digit_year(text: str) -> int | None:
    """Return the two digits of a date's year, None where it has more or is no date.

    Examples
    --------
    >>> two_digit_year("13/05/45"), two_digit_year("13/05/1945")
    (45, None)
    """
    text = text.strip()
    if (named := _NAMED[0].match(text)) is not None:
        year = named["y"].lstrip("'")
    elif (found := _NUMERIC.match(text)) is not None and len(found["a"]) <= 2:
        year = found["c"]
    else:
        return None
    return int(year) if len(year) == 2 else None


def turn_of_century(years: Iterable[int], usual: int = PIVOT) -> tuple[int, bool]:
    """Return the first two-digit year that is 19xx, from the years that a column has.

    Parameters
    ----------
    years : iterable of int
        Two-digit years.
    usual : int
        The first one where the years do not tell.

    Returns
    -------
    pivot : int
    told : bool
        Whether the years tell it: beginning after the widest gap they follow each other, and the
        usual reading would tear them apart by decades.

    Examples
    --------
    >>> turn_of_century([62, 66, 67, 68, 69, 70, 85, 99, 0, 4])
    (62, True)
    >>> turn_of_century([25, 30, 45, 55]), turn_of_century([1, 30, 60, 90])
    ((69, False), (69, False))
    """
    ring = sorted(set(years))
    gaps = [(b - a, a, b) for a, b in pairwise((*ring, *(y + 100 for y in ring[:1])))]
    if len(gaps) < 2:
        return usual, False
    (others, _, _), (widest, last, first) = sorted(gaps)[-2:]
    if widest < _DECADES or widest < 1.5 * others:
        return usual, False
    if first >= 100:
        # No year of a new century: all are 19xx if the usual reading would tear them apart.
        return (ring[0], True) if ring[0] < usual <= last else (usual, False)
    return (usual, False) if last < usual <= first else (first, True)


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
        Its `pivot` is the usual one.

    Examples
    --------
    >>> style = read_date_style(["01/02/2024", "25/02/2024"])
    >>> style.day_first, style.certain
    (True, True)
    >>> read_date_style(["01/02/2024", "03/04/2024"]).certain
    False
    >>> read_date_style(["25/02/2024", "02/25/2024", "26/02/2024"]).against
    '02/25/2024'
    """
    day = month = open_ = slashes = 0
    example = {True: "", False: ""}
    for text in texts:
        found = _NUMERIC.match(text)
        if found is None or len(found["a"]) == 4:
            continue
        first, second = int(found["a"]), int(found["b"])
        slashes += found["sep"] == "/"
        if first > 12 >= second:
            day += 1
            example[True] = example[True] or text
        elif second > 12 >= first:
            month += 1
            example[False] = example[False] or text
        elif first != second and found["sep"] != ".":
            # Dots stand between day and month in this order everywhere.
            open_ += 1
    if day or month:
        day_first = day > month
        return DateStyle(day_first, not (day and month), against=example[not day_first])
    # Nothing settles it: slashes are mostly American, dots and dashes mostly not.
    return DateStyle(day_first=not slashes, certain=not open_)


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
        ``YYYY-MM-DD``, with ``THH:MM:SS`` where the cell has a time of day; ``YYYY-MM`` where it
        is a month of a year.

    Examples
    --------
    >>> iso("11 Nov 2007", DateStyle()), iso("11/12/2007 3:05 PM", DateStyle(day_first=False))
    ('2007-11-11', '2007-11-12T15:05:00')
    >>> iso("30/02/2020", DateStyle()) is None, iso("Jan 1949", DateStyle())
    (True, '1949-01')
    """
    text = text.strip()
    if _MONTH.match(text):
        return text if "1000" <= text[:4] <= "2999" else None
    for pattern in _NAMED:
        named = pattern.match(text)
        if named is not None:
            month = _month(named["m"])
            year = _year(named["y"].lstrip("'"), style.pivot)
            return _day(year, month, int(named["d"])) if month else None
    if (named := _NAMED_MONTH.match(text)) is not None:
        month, year = _month(named["m"] or named["m2"]), int(named["y"] or named["y2"])
        return f"{year}-{month:02d}" if month and _day(year, month, 1) else None
    found = _NUMERIC.match(text)
    if found is None:
        return None
    a, b, c = found["a"], found["b"], found["c"]
    if len(a) == 4 and len(c) <= 2:
        day = _day(int(a), int(b), int(c))
    elif len(a) <= 2 and len(c) in (2, 4):
        day_, month = (int(a), int(b)) if style.day_first else (int(b), int(a))
        day = _day(_year(c, style.pivot), month, day_)
    else:
        return None
    if day is None or found["time"] is None:
        return day
    return _with_time(day, found["time"], found["half"], found["zone"])


def _month(word: str) -> int:
    """Return the number of a month by its name, or 0."""
    word = word.casefold()
    for month, full in enumerate(_MONTHS, 1):
        if full.startswith(word) or (month, word) == (9, "sept"):
            return month
    return 0


def _year(text: str, pivot: int) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return 2000 + year if year < pivot else 1900 + year


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
