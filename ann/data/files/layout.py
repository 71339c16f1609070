"""Where the table begins in its file: comments and titles above it, its names, a row of units.

All of it is decided from the first few hundred rows, said in the log, and can be overruled by
name: so many lines to skip, so many rows of names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from ann.data.cells.dates import looks_like_date
from ann.data.cells.lexicon import CURRENCIES, UNITS, fold, unit_key
from ann.data.cells.numerals import counting_number
from ann.data.files.comments import COMMENT_MARKS
from ann.data.files.first_row import Rows, is_missing, is_number, is_year, one_header

__all__ = ["column_names", "header_rows", "is_number", "lines_above"]

_MOST_ABOVE, _MOST_NAMES = 30, 4
_FORMAT = re.compile(r"\d{1,4}[sdn]\Z", re.IGNORECASE)

#: How the title of a table begins.
_TITLE = re.compile(
    r"(table|tab\.|figure|fig\.?|appendix|annex|chart|exhibit|panel|sheet)\s*[\dA-Z]{1,3}\b"
    r"|[^:]{3,}:\s",
    re.IGNORECASE,
)


def lines_above(lines: list[str], found: list[tuple[int, list[str]]]) -> tuple[int, str]:
    """Return how many lines stand above a table, and what they are.

    Parameters
    ----------
    lines : list of str
        The first lines of the file, blank ones included.
    found : list of (int, list of str)
        The rows in them, each with the place of its first line, blank lines as empty lists.

    Returns
    -------
    lines : int
        To skip.
    what : str
        For the log; empty where there are none.

    Examples
    --------
    >>> lines = ["# made by hand", "Sales of 2020", "", "town,sold,kept", "Oslo,1,2", "Bergen,3,4"]
    >>> lines_above(lines, [(k, v.split(",") if v else []) for k, v in enumerate(lines)])
    (3, 'a comment and a title')
    """
    rows = [r for _, r in found]
    widths = Counter(len(r) for r in rows if any(c.strip() for c in r))
    if not widths:
        return 0, ""
    width = max(widths, key=lambda w: (widths[w], w))
    filled = sorted(sum(bool(c.strip()) for c in r) for r in rows if len(r) == width)
    typical = filled[len(filled) // 2]
    kinds: list[str] = []
    for k, row in enumerate(rows[:_MOST_ABOVE]):
        cells = sum(bool(c.strip()) for c in row)
        if not cells:
            continue
        line = found[k][0]
        if lines[line].lstrip().startswith(COMMENT_MARKS):
            # "#chrom  start  end" is a header with a mark before it.
            after = next((r for r in rows[k + 1 :] if any(c.strip() for c in r)), [])
            mark = "".join(lines[line + 1 : line + 2]).lstrip().startswith(COMMENT_MARKS)
            named = _below_names(rows[k + 1 :]) and not _repeated(row, rows[k + 1 :])
            if len(row) == width == len(after) and not mark and named:
                return _counted(line, kinds)
            kinds.append("comment")
        elif len(row) == width and _titled(row, rows[k + 1 :]):
            kinds.append("title")
        elif _numbered(row, width) and _names_over_numbers(rows[k + 1 :], width):
            kinds.append("row of column numbers")
        elif _heads_groups(row, rows[k + 1 :], width):
            return _counted(line, kinds)
        elif typical > 1 and (
            _narrow(row, cells, typical, width)
            or (cells == 1 and (_apart(rows, k) or _one_of_titles(rows, k, typical)))
        ):
            kinds.append("title")
        else:
            return _counted(line, kinds)
    return 0, ""


def _numbered(row: list[str], width: int) -> bool:
    """Tell whether a row counts the columns: 0, 1, 2 or 1, 2, 3."""
    counts = [[str(k + start) for k in range(width)] for start in (0, 1)]
    return width >= 3 and [c.strip() for c in row] in counts


def _names_over_numbers(rows: Rows, width: int) -> bool:
    """Tell whether rows begin with words where numbers stand below them."""
    filled = [r for r in rows if any(c.strip() for c in r)]
    columns = _number_columns(filled[1:], width)
    return bool(columns) and not any(is_number(filled[0][k]) for k in columns if k < len(filled[0]))


def _apart(rows: Rows, k: int) -> bool:
    """Tell whether a blank row stands below a row, and names do below that."""
    return 0 < k + 1 < len(rows) - 2 and not any(c.strip() for c in rows[k + 1])


def _one_of_titles(rows: Rows, k: int, typical: int) -> bool:
    """Tell whether the next row has one cell too, or none: such are lines of a title."""
    below = sum(bool(c.strip()) for c in rows[k + 1]) if k + 1 < len(rows) else typical
    letters = any(c.isalpha() for cell in rows[k] for c in cell)
    return typical >= 4 and below <= 1 and letters


def _heads_groups(row: list[str], below: Rows, width: int) -> bool:
    """Tell whether a row names groups of columns: the names below it come again in each group.

    Examples
    --------
    >>> names = ["town", "seen", "ill", "seen", "ill"]
    >>> _heads_groups(["", "men", "", "women", ""], [names, ["Oslo", "1", "2", "3", "4"]], 5)
    True
    """
    starts = [k for k, c in enumerate(row) if c.strip()]
    filled = [r for r in below if any(c.strip() for c in r)][:2]
    if len(row) != width or len(starts) < 2 or len(filled) < 2:
        return False
    names = [fold(c) for c in filled[0] if c.strip()]
    again = len(names) - len(set(names))
    words = sum(not is_number(c) for c in filled[0] if c.strip())
    # As many groups have them, more or less, and each heading stands above a name.
    above = all(k < len(filled[0]) and filled[0][k].strip() for k in starts[1:])
    return again >= 2 and again >= 0.3 * len(names) and words >= 0.9 * len(names) and above


def _below_names(rows: Rows) -> bool:
    """Tell whether rows begin with data and not with names: with a number, if any has one."""
    filled = [r for r in rows if any(c.strip() for c in r)]
    return any(map(is_number, filled[0])) or not any(is_number(c) for r in filled for c in r)


def _repeated(row: list[str], below: Rows) -> bool:
    """Tell whether a row that begins with a mark speaks of the names in the next one."""
    rows = [r for r in below if any(c.strip() for c in r)]
    names = {c.strip() for c in rows[0]}
    same = sum(c.strip() in names for c in row)
    words = not all(is_number(c) or is_missing(c) for c in rows[0])
    return 2 * same >= len(row) > 1 or (words and any(map(is_number, rows[0])) and _names(rows))


def _titled(row: list[str], below: Rows) -> bool:
    """Tell whether a row with as many cells as the table is a sentence with commas.

    It begins like one ("Table 3: income, by state") or has a space behind each comma, where the
    next row has none, and the next row is one of names.
    """
    rows = [r for r in below if any(c.strip() for c in r)]
    if len(rows) < 3 or len(row) < 2 or not all(c.strip() for c in rows[0]):
        return False
    spaced = all(c[:1] == " " for c in row[1:]) and not any(c[:1] == " " for c in rows[0])
    return (spaced or _TITLE.match(row[0].strip()) is not None) and _names(rows)


def _names(rows: Rows) -> bool:
    """Tell whether rows begin with one of names, some of which are words."""
    return any(not is_number(c) and not is_missing(c) for c in rows[0]) and one_header(rows)


def _narrow(row: list[str], cells: int, typical: int, width: int) -> bool:
    """Tell whether a row has far fewer cells than a row of the table."""
    if width == 2:
        return len(row) == 1
    # A title begins the line; a name above a group of columns stands above them.
    return bool(row[0].strip()) and len(row) != width - 1 and (cells == 1 or cells <= 0.4 * typical)


def _counted(lines: int, kinds: list[str]) -> tuple[int, str]:
    told = [f"{n} {kind}s" if n > 1 else f"a {kind}" for kind, n in Counter(kinds).items()]
    return (lines, " and ".join(told)) if told else (0, "")


def header_rows(rows: Rows) -> int:
    """Return how many rows of names a table begins with: none, one, or several with a units row.

    Parameters
    ----------
    rows : list of list of str
        Its first rows, blank ones left out.

    Returns
    -------
    int

    Examples
    --------
    >>> header_rows([["state", "2022"], ["Alabama", "5074296"], ["Alaska", "733583"]])
    1
    >>> header_rows([["length", "mass"], ["cm", "kg"], ["12", "3"], ["15", "4"], ["11", "2"]])
    2
    >>> header_rows([["5.1", "3.5"], ["4.9", "3.0"], ["4.7", "3.2"]])
    0
    """
    if len(rows) < 2:
        return 1
    body = rows[min(_MOST_NAMES, max(1, len(rows) // 2)) :]
    width = max(map(len, rows))
    columns = _number_columns(body, width)
    last = 0
    above = [""] * width
    for k in range(1, min(_MOST_NAMES, len(rows) - 2)):
        above = _joined(above, rows[k - 1])
        cells = [rows[k][c].strip() if c < len(rows[k]) else "" for c in columns]
        formats = k == 1 and _of_formats(rows[k]) and not any(map(_of_formats, rows[k + 1 :]))
        if formats or (k == last + 1 > 1 and _counts_groups(cells)):
            last = k
            continue
        numbers = [v for v in cells if is_number(v)]
        if numbers and len(numbers) >= 0.5 * len(cells) and not all(map(is_year, numbers)):
            # A row of the table: what stands below it names nothing.
            break
        words = [v for v in cells if v and not is_number(v) and not is_missing(v)]
        survey = k == last + 1 and not words and _new_words(rows[k], body, columns)
        if not numbers and (_name_columns(words, columns, rows[k], rows[k + 1 :], above) or survey):
            last = k
    if last:
        return last + 1
    return int(one_header(rows))


def _joined(above: list[str], row: list[str]) -> list[str]:
    """Put a row of names below those above it; a name holds up to the next one."""
    out, name = [], ""
    for k, upper in enumerate(above):
        name = (row[k].strip() if k < len(row) else "") or name
        out.append(f"{upper}\0{name}")
    return out


def _of_formats(row: list[str]) -> bool:
    """Tell whether a row gives the width and kind of each column, as RDB files do: 5s, 14n."""
    return len(row) > 1 and all(_FORMAT.match(c.strip()) for c in row)


def _counts_groups(cells: list[str]) -> bool:
    """Tell whether a row below names counts the columns of each group: 1, 2, 3, 1, 2, 3."""
    numbers = [counting_number(v) or 0 for v in cells]
    starts = numbers.count(1)
    steps = all(b in (a + 1, 1) for a, b in pairwise(numbers))
    return starts >= 2 and numbers[:1] == [1] and steps and max(numbers) >= 2


def _name_columns(
    words: list[str], columns: list[int], row: list[str], below: Rows, above: list[str]
) -> bool:
    """Tell whether words above columns of numbers are names or units, and no cells of the table.

    Names may come again below another heading, given in `above` for each column. A figure that was
    withheld (``**``, ``suppressed``) is a word among numbers too. It recurs, in its row or below;
    names differ from each other, and no row below repeats one.
    """
    filled = [k for k in columns if k < len(row) and row[k].strip()]
    grouped = len({above[k] for k in filled}) < len(filled)
    headed = [(above[k] if grouped else "", fold(row[k])) for k in filled]
    different = len(set(headed)) == len(headed)
    units = any(map(_is_known_unit, words)) or (different and any(map(_is_unit, words)))
    named = len(words) >= max(2, 0.5 * len(columns)) and different
    if not units and not (named and all(any(c.isalpha() for c in v) for v in words)):
        return False
    for k, cell in enumerate(row):
        cells = [r[k] for r in below if k < len(r) and r[k].strip()]
        if cell.strip() and cell in cells and (k in columns or len(set(cells)) > 1):
            return False
    return True


def _new_words(row: list[str], body: Rows, numbers: list[int]) -> bool:
    """Tell whether a row without a number has words that no row below it has.

    A survey's second row says "Response" above columns that hold yes and no.
    """
    dates = _columns_of(looks_like_date, body, len(row))
    complete = [k for k in (*numbers, *dates) if all(k < len(r) and r[k].strip() for r in body)]
    seen = fresh = 0
    for k, cell in enumerate(row):
        cells = [r[k] for r in body if k < len(r) and r[k].strip()]
        if not cell.strip() or k in numbers or set(cells) == {cell}:
            # The name of a box that can be ticked stands in every row in which it is.
            continue
        if k in dates:
            return False
        if len(set(cells)) <= max(1, 0.3 * len(cells)):
            seen += 1
            fresh += cell not in cells
    return bool(complete) and seen >= 3 and fresh >= 0.9 * seen


def _number_columns(rows: Rows, width: int) -> list[int]:
    return _columns_of(is_number, rows, width)


def _columns_of(kind: Callable[[str], bool], rows: Rows, width: int) -> list[int]:
    """Return the columns nearly all of whose filled cells are of a kind."""
    found = []
    for k in range(width):
        cells = [r[k] for r in rows if k < len(r) and not is_missing(r[k])]
        if cells and sum(map(kind, cells)) >= 0.9 * len(cells):
            found.append(k)
    return found


def _is_unit(cell: str) -> bool:
    cell = cell.strip()
    return _is_known_unit(cell) or (cell[:1] in "([" and cell[-1:] in ")]")


def _is_known_unit(cell: str) -> bool:
    inner = cell.strip().strip("()[]").strip()
    return inner == "%" or unit_key(inner) in UNITS or inner in CURRENCIES


def column_names(rows: Rows) -> tuple[list[str], str]:
    """Make one name a column of the rows of names, and say which row is what.

    Parameters
    ----------
    rows : list of list of str
        As many as `header_rows` found.

    Returns
    -------
    names : list of str
    what : str
        For the log; empty where there is one row of names.

    Examples
    --------
    >>> column_names([["", "2019", ""], ["town", "sold", "kept"]])[0]
    ['town', '2019 sold', '2019 kept']
    >>> column_names([["length", "mass"], ["cm", "kg"]])
    (['length', 'mass'], 'a row of units')
    """
    names = [row for row in rows if not _of_units(row)] or rows[:1]
    units = len(rows) - len(names)
    told = [f"{units} rows of units" if units > 1 else "a row of units"] if units else []
    first = [v.strip() for v in names[0]]
    if len(names) == 1:
        return first, " and ".join(told)
    if all(first) and len(set(first)) == len(first):
        rest = len(names) - 1
        told.insert(0, f"{rest} more rows of names" if rest > 1 else "a second row of names")
        return first, " and ".join(told)
    width = max(map(len, names))
    levels = [[*(v.strip() for v in row), *[""] * (width - len(row))] for row in names]
    for level in levels[:-1]:
        for k in range(1, width):
            # A name above several columns stands above the first of them.
            level[k] = level[k] or level[k - 1]
    joined = [" ".join(dict.fromkeys(v for v in parts if v)) for parts in zip(*levels, strict=True)]
    told.insert(0, f"{len(names)} rows of names, joined")
    return joined, " and ".join(told)


def _of_units(row: list[str]) -> bool:
    cells = [v for v in row if v.strip()]
    if _of_formats(row) or _counts_groups([v.strip() for v in cells]):
        return True
    return bool(cells) and sum(map(_is_unit, cells)) >= 0.6 * len(cells)
