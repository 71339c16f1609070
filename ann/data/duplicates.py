"""Rows that come twice, and whether that is chance.

Two people may well share an age, a sex and a town; two rows that share fifteen cells, one of them
a weight to the gram, were typed in twice. So equal rows are only called duplicates when there are
many more of them than independent columns would give.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.rules import Rule

__all__ = ["expected_pairs", "find_duplicates", "repeats", "row_hashes"]


def row_hashes(frame: pd.DataFrame) -> NDArray[np.uint64]:
    """Return one 64-bit hash a row, blind to spaces at the ends of cells.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cells as str or None.

    Returns
    -------
    (rows,) array of uint64

    Examples
    --------
    >>> h = row_hashes(pd.DataFrame({"a": ["1", "1 ", "2"]}))
    >>> bool(h[0] == h[1]), bool(h[0] == h[2])
    (True, False)
    """
    total = np.zeros(len(frame), dtype=np.uint64)
    for name in frame.columns:
        codes, uniques = pd.factorize(frame[name].to_numpy(dtype=object))
        texts = np.array([*(str(u).strip() for u in uniques), ""], dtype=object)
        hashes = pd.util.hash_array(texts, categorize=False)[codes]
        with np.errstate(over="ignore"):
            total = total * np.uint64(0x9E3779B97F4A7C15) + hashes
            total ^= total >> np.uint64(29)
    return total


def repeats(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the rows that equal an earlier one.

    Examples
    --------
    >>> repeats(pd.DataFrame({"a": ["1", "2", "1"]})).tolist()
    [False, False, True]
    """
    return pd.Series(row_hashes(frame)).duplicated().to_numpy()


def expected_pairs(frame: pd.DataFrame) -> float:
    """Return how many pairs of equal rows independent columns would give by chance.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cells as str or None.

    Returns
    -------
    float
        n (n - 1) / 2 times the product over columns of the chance that two cells agree.
    """
    n = len(frame)
    log = np.log(max(n * (n - 1) / 2, 1e-300))
    for name in frame.columns:
        counts = frame[name].value_counts(dropna=False).to_numpy(dtype=float)
        log += np.log(max((counts * (counts - 1)).sum() / max(n * (n - 1), 1), 1e-12))
    return float(np.exp(log))


def find_duplicates(frame: pd.DataFrame) -> list[Rule]:
    """Find rows that were entered twice.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cells as str or None, with the column to predict.

    Returns
    -------
    list of Rule
        None, or one named ``"duplicates"``: applied where chance explains fewer than one in
        twenty of them, else left to a person.

    Examples
    --------
    >>> table = pd.DataFrame({"a": [str(k) for k in range(50)] + ["7"], "b": ["u"] * 51})
    >>> rule = find_duplicates(table)[0]
    >>> rule.rows, rule.apply
    (1, False)
    """
    marked = repeats(frame)
    found = int(marked.sum())
    if not found:
        return []
    hashes = row_hashes(frame)
    later = int(np.flatnonzero(marked)[0])
    first = int(np.flatnonzero(hashes == hashes[later])[0])
    chance = expected_pairs(frame)
    sure = chance < 0.05 * found
    cells = ", ".join("" if v is None else str(v).strip() for v in frame.iloc[later])
    why = (
        f"{found} rows equal an earlier one; independent columns would give {chance:.2g} such pairs"
    )
    return [
        Rule(
            "",
            "duplicates",
            sure,
            {},
            why if sure else why + "; they may be different rows that look alike",
            found,
            f"rows {frame.index[first]} and {frame.index[later]}: {cells}"[:300],
            f"row {frame.index[later]} left out",
        )
    ]
