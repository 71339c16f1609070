"""Whether the first row of a table is one of names, judged against the rows below it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from ann.data.cells.dates import looks_like_date
from ann.data.cells.lexicon import (
    HEADER_WORDS,
    MISSING_ALWAYS,
    MISSING_AMONG_NUMBERS,
    UNITS,
    fold,
    unit_key,
)
from ann.data.cells.numerals import split_affixes

__all__ = ["Rows", "is_missing", "is_number", "is_year", "one_header"]

#: What may stand behind a number.
_SIGNS = frozenset("%‰$€£¥₹₽*†‡§¶+°.,;/-' ")

Rows = list[list[str]]


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number, with a unit or a sign of money perhaps.

    Examples
    --------
    >>> is_number("12 kg"), is_number("12abc"), is_number("01 !"), is_number("")
    (True, False, False, False)
    """
    parts = split_affixes(cell)
    return parts is not None and (set(parts[2]) <= _SIGNS or _has_unit(parts))


def _has_unit(parts: tuple[str, str, str] | None) -> bool:
    return parts is not None and unit_key(parts[2]) in UNITS


def is_missing(cell: str) -> bool:
    """Tell whether a cell says that there is no value."""
    return fold(cell) in MISSING_ALWAYS


def one_header(rows: Rows) -> bool:
    """Tell whether the first row names the columns.

    Parameters
    ----------
    rows : list of list of str
        The first rows of a table, blank ones left out.

    Returns
    -------
    bool

    Examples
    --------
    >>> one_header([["hertz", "0h"], ["10", "1.5"], ["20", "3"], ["30", "1"]])
    True
    """
    first, body = rows[0], rows[1:]
    distinct = len({fold(v) for v in first}) == len(first)
    filled = [fold(v) for v in first if v.strip()]
    sequence = _sequence(first, body[0])
    votes = codes = 0
    years = reappears = word_reappears = sure = False
    for k, name in enumerate(first):
        cells = [r[k] for r in body if k < len(r) and not is_missing(r[k])]
        if not cells:
            continue
        reappears |= name in cells
        word_reappears |= name in cells and not is_number(name)
        sure |= _stands_above(name, cells)
        if sum(map(is_number, cells)) >= 0.8 * len(cells):
            if not is_number(name):
                votes += 0 if is_missing(name) else 1
            elif is_year(name) and (sequence or not any(map(is_year, cells))):
                years = True
            elif not sequence:
                votes -= 1
        elif fold(name) in HEADER_WORDS and name not in cells:
            votes += 2
        elif sum(map(looks_like_date, cells)) >= 0.8 * len(cells):
            votes += -1 if looks_like_date(name) else 1
        elif (form := _code_form(cells)) and name.strip():
            codes += 1 if _code_form([name]) == form else -1
    if sure and distinct and not word_reappears and not _like_rows(first, body):
        # One name is enough: its neighbours may be numbers, such as hours, doses or wavelengths.
        return True
    if not votes:
        # Codes of one length, such as ATL and JFK: a name that is none of them stands above them.
        votes = -1 if codes >= 2 else 0
    if votes:
        return votes > 0
    if (sequence or years) and len(set(filled)) == len(filled):
        # Names that count, such as years or the columns of a plate, may stand beside blank ones.
        return not reappears
    return distinct and not reappears and not any(map(is_number, first))


def _like_rows(first: list[str], body: Rows) -> bool:
    """Tell whether the numbers of the first row are measured as those below them are.

    They have the same decimals, and lie among them: a word beside them is then an odd cell of the
    first row, such as ``trace``, and no name. Doses and hours that are names are rounder than what
    is measured, lie elsewhere, or rise from left to right.

    Examples
    --------
    >>> body = [["1.5", "7.2"], ["2.5", "7.9"], ["1.9", "6.8"]]
    >>> _like_rows(["trace", "7.1"], body), _like_rows(["time", "5"], body)
    (True, False)
    """
    columns = [k for k, v in enumerate(first) if is_number(v)]
    words = [k for k, v in enumerate(first) if v.strip() and k not in columns]
    if len(words) > max(1, len(columns)) or any(fold(first[k]) in HEADER_WORDS for k in words):
        return False
    for k in words:
        # An odd cell stands above numbers; a word above other words may be their name.
        cells = [r[k] for r in body if k < len(r) and not is_missing(r[k])]
        if sum(map(is_number, cells)) < 0.8 * len(cells):
            return False
    decimals = False
    for k in columns:
        cells = [r[k].strip() for r in body if k < len(r) and not is_missing(r[k])]
        forms = Counter(map(_decimals, cells))
        form = _decimals(first[k].strip())
        if form < 0 or forms[form] < 0.8 * len(cells):
            return False
        numbers = [float(v) for v in cells if _decimals(v) >= 0]
        if not min(numbers) <= float(first[k]) <= max(numbers):
            return False
        decimals |= form > 0
    rising = len(columns) > 2 and _rises(first) and sum(map(_rises, body)) < 0.5 * len(body)
    return bool(columns) and (decimals or len(columns) > 2) and not rising


def _decimals(cell: str) -> int:
    """Return how many decimals a plain number has, -1 for anything else."""
    whole, _, rest = cell.removeprefix("-").partition(".")
    return len(rest) if whole.isdecimal() and (not rest or rest.isdecimal()) else -1


def _rises(row: list[str]) -> bool:
    numbers = [float(v) for v in row if _decimals(v.strip()) >= 0]
    return all(a < b for a, b in pairwise(numbers))


def _stands_above(name: str, cells: list[str]) -> bool:
    """Tell whether a word can only be the name of the column whose cells are given.

    Examples
    --------
    >>> _stands_above("freq", ["1.5", "2", "7"]), _stands_above("withheld", ["1", "withheld"])
    (True, False)
    >>> genes = ["BRCA1", "TP53", "EGFR", "MYC", "KRAS"]
    >>> _stands_above("gene", genes), _stands_above("PTEN", genes)
    (True, False)
    """
    name = name.strip()
    word = name.replace("_", "").replace(" ", "")
    if not word.isalpha() or name in cells or fold(name) in MISSING_AMONG_NUMBERS:
        return False
    if all(map(is_number, cells)):
        return len(cells) >= 3
    if sum(map(is_number, cells)) >= 0.2 * len(cells):
        return False
    if fold(name) in HEADER_WORDS:
        return True
    counts = Counter(cells)
    if len(cells) >= 10 and len(counts) <= 0.3 * len(cells) and min(counts.values()) >= 3:
        # Each label comes again and again, but this one never does.
        return True
    # Names in lower case stand above capitals, and above codes with digits.
    lower = word.islower() and all(v[:1].isupper() for v in cells)
    codes = all(any(map(str.isdigit, v)) for v in cells)
    return len(cells) >= 5 and (lower or codes)


def _code_form(cells: list[str]) -> int:
    """Return the length of the codes of capitals and digits that nearly all cells are, or 0."""
    (length, rows), *_ = Counter(len(v.strip()) for v in cells).most_common(1)
    same = [v.strip() for v in cells if len(v.strip()) == length]
    coded = sum(v.isalnum() and v.upper() == v for v in same)
    return length if 2 <= length <= 8 and min(rows, coded) >= 0.9 * len(cells) else 0


def is_year(cell: str) -> bool:
    """Tell whether a cell may be a year."""
    return len(cell) == 4 and cell.isdigit() and "1000" <= cell <= "2999"


def _sequence(first: list[str], second: list[str]) -> bool:
    """Tell whether the names are numbers in equal steps, such as 0, 1, 2 or 1952, 1957, 1962."""

    def steps(row: list[str]) -> set[int]:
        numbers = [int(v) for v in row if v.strip().isdigit()]
        return {b - a for a, b in pairwise(numbers)} if len(numbers) >= 3 else set()

    own = steps(first)
    return len(own) == 1 and min(own) > 0 and steps(second) != own
