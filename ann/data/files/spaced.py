"""Tables whose columns stand between spaces, and the pages of words above some of them.

Instruments and archives print them: what was measured, by whom and how, and then the rows.
"""

from __future__ import annotations

from collections import Counter

from ann.data.cells.numerals import split_affixes

__all__ = ["begins_at", "is_spaced"]

#: So many rows of one width at the end are a table; fewer may be lines of a text.
_FEWEST_ROWS = 10
#: The share of cells that are numbers, below which lines are words.
_NUMBERS = 0.7


def is_spaced(lines: list[str]) -> bool:
    """Tell whether all lines but names are rows of numbers between spaces.

    Parameters
    ----------
    lines : list of str
        Blank ones left out.
    """
    rows = [line.split() for line in lines]
    body = rows[1:] or rows
    width, count = Counter(len(r) for r in body).most_common(1)[0]
    return width > 1 and count >= 0.95 * len(body) and _numbers(body) >= _NUMBERS


def begins_at(lines: list[str]) -> int | None:
    """Return the first line of a table of numbers between spaces that stands below words.

    Parameters
    ----------
    lines : list of str
        The first lines of a file, blank ones included.

    Returns
    -------
    int or None
        None where the last lines are no such table, or where only a line of names stands above
        them that is one name short: the rows begin with a label.

    Examples
    --------
    >>> lines = ["Carbon dioxide, weekly", "station Mauna Loa", "", *["MLO 4 0 316.1"] * 12]
    >>> begins_at(lines), begins_at(lines[:6])
    (3, None)
    """
    rows = [(k, line.split()) for k, line in enumerate(lines) if line.strip()]
    width = len(rows[-1][1]) if rows else 0
    table: list[tuple[int, list[str]]] = []
    for k, row in reversed(rows):
        if len(row) != width:
            break
        table.append((k, row))
    cells = [row for _, row in table]
    if width < 2 or len(table) < _FEWEST_ROWS or _numbers(cells) < _NUMBERS:
        return None
    words = [row for k, row in rows if k < table[-1][0]]
    return None if len(words) == 1 and len(words[0]) == width - 1 else table[-1][0]


def _numbers(rows: list[list[str]]) -> float:
    cells = [cell for row in rows for cell in row]
    return sum(split_affixes(cell) is not None for cell in cells) / max(len(cells), 1)
