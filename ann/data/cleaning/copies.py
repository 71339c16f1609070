"""Whether rows that are equal were entered twice: what proves it, and what makes it likely.

Two people may well share an age, a sex and a town, and a table of votes or of counted symptoms is
full of equal rows. So nothing is called a copy because independent columns would rarely give it:
columns are not independent. Two findings prove copies, one makes them likely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.cells.dates import looks_like_date
from ann.data.cells.lexicon import ID_WORDS, words_of
from ann.data.cells.numerals import counting_number, is_plain, split_affixes
from ann.data.cleaning.roles import says_id

__all__ = ["SharedId", "expected_copies", "repeated_block", "shared_id"]

#: So many rows in order, or different ids, are no coincidence.
LEAST = 20
_MOST_COLUMNS = 8
#: Names, but for the words of an id, that say the rows themselves are numbered.
_OF_ROWS = frozenset(("row", "record", "sample", "observation", "entry", "response", "specimen"))
#: So many rows must differ in what stands beside the id of a customer or a patient.
_APART = 0.9
_SHOWN = 400


@dataclass(frozen=True)
class SharedId:
    """A column in which repeated rows agree, while all other rows differ.

    Attributes
    ----------
    column : str
    proves : bool
        Whether it makes the repeated rows copies: it numbers the rows by its name, or it is an id
        by name or form and the other columns alone tell nearly all rows apart. A customer who buys
        the same product again has one id, and so have two readings at one voltage.
    """

    column: str
    proves: bool


def shared_id(frame: pd.DataFrame, marked: NDArray[np.bool_]) -> SharedId | None:
    """Find a column of ids in which the repeated rows agree while all other rows differ.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cells as str or None.
    marked : (rows,) array of bool
        The rows that equal an earlier one.

    Returns
    -------
    SharedId or None
        One that proves copies before one that does not.

    Examples
    --------
    >>> table = pd.DataFrame({"id": [str(k) for k in range(30)] + ["4"], "v": ["x"] * 31})
    >>> shared_id(table, np.arange(31) == 30)
    SharedId(column='id', proves=True)
    >>> shared_id(table.rename(columns={"id": "volt"}), np.arange(31) == 30)
    SharedId(column='volt', proves=False)
    """
    if 2 * marked.sum() > (~marked).sum():
        # What most rows share is not "otherwise unique": a plan that comes again, for instance.
        return None
    found = None
    for name in frame.columns:
        cells = frame.loc[~marked, name]
        filled = [c for v in cells if v is not None and (c := str(v).strip())]
        if len(filled) < max(LEAST, 0.98 * len(cells)) or len(set(filled)) < len(filled):
            continue
        if frame.loc[marked, name].isna().any():
            continue
        named = says_id(str(name))
        if not (named or _numbering(filled) or _tokens(filled)):
            continue
        proves = named and set(words_of(str(name))) <= _OF_ROWS | ID_WORDS | {"unnamed", "0"}
        if not proves and (named or _tokens(filled)):
            others = frame.loc[~marked].drop(columns=name)
            proves = others.shape[1] > 0 and not others.duplicated().mean() > 1 - _APART
        if proves:
            return SharedId(str(name), True)
        found = found or SharedId(str(name), False)
    return found


def _numbering(cells: list[str]) -> bool:
    """Tell whether different whole numbers fill a range."""
    numbers = [number for c in cells if (number := counting_number(c)) is not None]
    if len(numbers) < len(cells):
        return False
    return max(numbers) - min(numbers) + 1 <= 1.05 * len(numbers)


def _tokens(cells: list[str]) -> bool:
    """Tell whether all cells are words with digits, and hardly one a number or a date."""
    words = all(any(c.isdigit() for c in v) and " " not in v for v in cells)
    # 12e4567890 is a token like its neighbours, though it reads as a number.
    return words and 0.1 * len(cells) > sum(
        split_affixes(v) is not None or looks_like_date(v) for v in cells
    )


def repeated_block(frame: pd.DataFrame, rows: NDArray[np.uint64], marked: NDArray[np.bool_]) -> int:
    """Return how many rows come again as a whole block in the same order.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cells as str or None: all rows, or a sample of them.
    rows : (rows of the file,) array
        A hash of each row.
    marked : (rows of the file,) array of bool
        The rows that equal an earlier one.

    Returns
    -------
    int
        Zero unless every repeated row belongs to such a block, of 20 rows or more, hardly two of
        them alike, in a table with a column fine enough to tell rows apart. The rows of a design
        or of a calendar come again in order too; their columns are coarse or evenly spaced.

    Examples
    --------
    >>> value = np.random.default_rng(0).normal(size=60).round(3).astype(str)
    >>> table = pd.DataFrame({"v": [*value, *value[:25]]}, dtype=object)
    >>> codes = pd.factorize(table["v"])[0].astype(np.uint64)
    >>> repeated_block(table, codes, pd.Series(codes).duplicated().to_numpy())
    25
    """
    later = np.flatnonzero(marked)
    if len(later) < LEAST or not _tells_rows_apart(frame):
        return 0
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    earlier = first[inverse[later]]
    breaks = np.flatnonzero((np.diff(later) != 1) | (np.diff(earlier) != 1)) + 1
    for part in np.split(np.arange(len(later)), breaks):
        if len(part) < LEAST or len(np.unique(earlier[part])) < 0.9 * len(part):
            return 0
    # A third copy of the same rows is a habit of the table and no slip.
    return 0 if len(np.unique(earlier)) < len(earlier) else len(later)


def _tells_rows_apart(frame: pd.DataFrame) -> bool:
    """Tell whether some column differs from row to row, and not in equal steps."""
    table = frame.drop_duplicates()
    for name in table.columns:
        cells = table[name].dropna()
        if len(cells) < LEAST or cells.nunique() < 0.9 * len(table):
            continue
        shown = [str(v).strip() for v in cells.iloc[:_SHOWN]]
        if not all(is_plain(v) for v in shown):
            return True
        steps = np.diff(np.array([float(v) for v in shown]))
        if not np.allclose(steps, np.median(steps)):
            return True
    return False


def expected_copies(columns: list[tuple[NDArray[np.intp], Any]]) -> float:
    """Return how many pairs of rows would be equal by chance, judged by long numbers only.

    Parameters
    ----------
    columns : list of (codes, values)
        Of rows that all differ: of each column the code of each row and what the codes stand for.

    Returns
    -------
    float
        Infinite where fewer than two columns hold numbers of ten effective values and more. Each
        column counts with the chance that two rows agree in it given that they agree in the one
        that tells most about it, so that a column computed from another adds nothing.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> fine = [pd.factorize(rng.normal(size=200).round(3).astype(str)) for _ in range(3)]
    >>> expected_copies(fine) < 0.01, expected_copies([fine[0], fine[0]]) > 1
    (True, True)
    """
    n = len(columns[0][0])
    pairs = n * (n - 1) / 2
    fine = []
    for codes, values in columns:
        agree = _agreeing(codes)
        if agree <= 0.1 * pairs and _of_numbers(values):
            fine.append((agree, codes))
    fine = sorted(fine, key=lambda c: c[0])[:_MOST_COLUMNS]
    if len(fine) < 2:
        return np.inf
    expected = max(fine[0][0], 1.0)
    for k, (agree, codes) in enumerate(fine[1:], 1):
        chance = max(agree, 1.0) / pairs
        for other, theirs in fine[:k]:
            both = _agreeing(theirs.astype(np.int64) * (int(codes.max()) + 2) + codes)
            if other > 0:
                chance = max(chance, both / other)
        expected *= chance
    return float(expected)


def _agreeing(codes: NDArray[Any]) -> float:
    """Count the pairs of rows with equal codes."""
    counts = np.unique(codes, return_counts=True)[1].astype(float)
    return float((counts * (counts - 1)).sum() / 2)


def _of_numbers(values: Any) -> bool:
    """Tell whether the distinct values of a column are numbers or dates."""
    shown = [str(v).strip() for v in values[:_SHOWN]]
    shown = [v for v in shown if v]
    good = sum(split_affixes(v) is not None or looks_like_date(v) for v in shown)
    return len(shown) >= 10 and good >= 0.9 * len(shown)
