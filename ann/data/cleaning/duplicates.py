"""Rows that come twice, or nearly, and what is done about them.

Equal rows are left out only where the file proves that they are copies (see
`ann.data.cleaning.copies`), or where a person says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.cleaning.copies import SharedId, expected_copies, repeated_block, shared_id
from ann.data.cleaning.rules import Rule
from ann.data.log import Step

__all__ = [
    "Twins",
    "factorized",
    "find_duplicates",
    "find_twins",
    "repeats",
    "row_hashes",
    "without_repeats",
]

#: Of each column the code of each row, and the values that the codes stand for.
Columns = list[tuple[NDArray[np.intp], Any]]


def factorized(frame: pd.DataFrame) -> Columns:
    """Return of each column the code of each row and the distinct values; -1 stands for missing."""
    return [pd.factorize(frame.iloc[:, k].to_numpy(dtype=object)) for k in range(frame.shape[1])]


def row_hashes(table: pd.DataFrame | Columns) -> NDArray[np.uint64]:
    """Return one 64-bit hash a row, blind to spaces at the ends of cells.

    Parameters
    ----------
    table : pandas.DataFrame, or what `factorized` makes of one
        Cells of any types; missing ones are like blank ones.

    Returns
    -------
    (rows,) array of uint64

    Examples
    --------
    >>> h = row_hashes(pd.DataFrame({"a": ["1", "1 ", "2"]}))
    >>> bool(h[0] == h[1]), bool(h[0] == h[2])
    (True, False)
    """
    columns = factorized(table) if isinstance(table, pd.DataFrame) else table
    total = np.zeros(len(columns[0][0]) if columns else 0, dtype=np.uint64)
    for place, column in enumerate(columns):
        total += _column_hash(*column, place)
    return total


def repeats(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the rows that equal an earlier one.

    Examples
    --------
    >>> repeats(pd.DataFrame({"a": ["1", "2", "1"]})).tolist()
    [False, False, True]
    """
    return pd.Series(row_hashes(frame)).duplicated().to_numpy()


def without_repeats(
    frame: pd.DataFrame, y: NDArray[Any], rules: Iterable[Rule]
) -> tuple[pd.DataFrame, NDArray[Any], list[Step]]:
    """Leave out the rows that equal an earlier one, where a rule says so.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cells as str or None.
    y : (rows,) array
        The target.
    rules : iterable of Rule
        Those about rows are looked for among them.

    Returns
    -------
    frame, y : what is left
    steps : list of Step
        For the log.
    """
    steps = []
    for rule in rules:
        if rule.rule == "duplicates" and rule.apply and (marked := repeats(frame)).any():
            steps.append(rule.step(int(marked.sum())))
            frame, y = frame[~marked], y[~marked]
    return frame, y, steps


def find_duplicates(frame: pd.DataFrame, hashes: NDArray[np.uint64] | None = None) -> list[Rule]:
    """Find equal rows, and say whether they are copies.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cells as str or None, with the column to predict.
    hashes : (rows of the file,) array, optional
        Of all rows, where the table is only a sample, which holds hardly any pair.

    Returns
    -------
    list of Rule
        None where no two rows are equal, or one named ``"duplicates"``. It is applied only where
        the file proves copies: the equal rows share an id that no other row has, or a whole block
        of rows comes again in order. It is proposed where records of long numbers are equal, and
        reported where equal rows may be different things that look alike.

    Examples
    --------
    >>> table = pd.DataFrame({"id": [str(k) for k in range(50)] + ["7"], "b": ["u"] * 51})
    >>> rule = find_duplicates(table)[0]
    >>> rule.rows, rule.apply
    (1, True)
    >>> find_duplicates(table[["b"]])[0].apply
    False
    """
    every = row_hashes(frame) if hashes is None else hashes
    marked = pd.Series(every).duplicated().to_numpy()
    found, n = int(marked.sum()), len(marked)
    if not found:
        return []
    later = int(np.flatnonzero(marked)[0])
    first = int(np.flatnonzero(every == every[later])[0])
    shown = f"rows {first} and {later}"
    if hashes is None:
        cells = ", ".join("" if v is None else str(v).strip() for v in frame.iloc[later])
        first, later = frame.index[first], frame.index[later]
        shown = f"rows {first} and {later}: {cells}"[:300]
    shared = shared_id(frame, marked) if hashes is None else None
    proof = _proof(frame, every, marked, shared)
    proposed, why = False, "; they may be different things that look alike, so they were kept"
    if shared is not None and not proof:
        proposed = True
        why = f"; they share their {shared.column!r}, which no other two rows do, but it need not "
        why += "number the rows: the same thing may well have come twice"
    elif proof:
        why = f"; {proof}"
    else:
        once = frame[~marked] if hashes is None else frame[~repeats(frame)]
        # Pairs by chance grow with the square of the number of rows.
        chance = expected_copies(factorized(once)) * (n / len(frame)) ** 2
        if 20 * chance < found:
            proposed = True
            why = f"; {chance:.2g} such pairs are expected by chance, judged by the long numbers"
    why = f"{found} of {n} rows equal an earlier one{why}"
    example = (shown, f"row {later} left out")
    return [Rule("", "duplicates", bool(proof), {}, why, found, *example, proposed)]


def _proof(
    frame: pd.DataFrame,
    every: NDArray[np.uint64],
    marked: NDArray[np.bool_],
    shared: SharedId | None,
) -> str:
    """Return what proves that the equal rows are copies; empty where nothing does."""
    if shared is not None and shared.proves:
        return f"they share their {shared.column!r}, which no other two rows do"
    if rows := repeated_block(frame, every, marked):
        return f"these {rows} rows come again in the same order, as a whole block"
    return ""


@dataclass(frozen=True)
class Twins:
    """Rows that equal another one but for one column, and look like copies.

    Attributes
    ----------
    column : str
        In which they differ; empty where they are equal throughout.
    rows : int
        How many.
    labels : (rows of the table,) array of int
        Equal for rows that belong together.
    """

    column: str
    rows: int
    labels: NDArray[np.intp]


def find_twins(frame: pd.DataFrame) -> Twins | None:
    """Find rows copied with one cell changed, such as a number given anew.

    Parameters
    ----------
    frame : pandas.DataFrame
        Features only, of any types.

    Returns
    -------
    Twins or None

    Notes
    -----
    Different things resemble each other by degrees: for each pair of rows that differs in one
    column there are several that differ in two. Copies leave a gap there. So pairs that agree in
    all columns but one are called copies where they outnumber those that differ in exactly one
    column more.

    Examples
    --------
    >>> table = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 4)), columns=list("abcd"))
    >>> again = table[:20].assign(d=range(20))
    >>> twins = find_twins(pd.concat([table, again]))
    >>> twins.column, twins.rows
    ('d', 40)
    """
    names = [str(c) for c in frame.columns]
    if len(names) < 3:
        return None
    # The sum over columns: leaving one out is a subtraction.
    hashes = np.stack([_column_hash(*c, k) for k, c in enumerate(factorized(frame))])
    whole = hashes.sum(axis=0, dtype=np.uint64)
    least = max(4.0, 0.01 * len(frame))
    best: Twins | None = None
    equal = _shared(whole)
    if equal >= least and _stands_apart(whole, hashes):
        best = Twins("", equal, np.unique(whole, return_inverse=True)[1])
    alone = [_shared(whole - h) for h in hashes]
    # Only where leaving the column out makes many more rows equal is it worth a closer look.
    for k in sorted(range(len(names)), key=lambda k: -alone[k])[:5]:
        if alone[k] < max(least, 2 * equal) or (best is not None and alone[k] <= best.rows):
            continue
        key = whole - hashes[k]
        if _stands_apart(key, np.delete(hashes, k, axis=0)):
            best = Twins(names[k], alone[k], np.unique(key, return_inverse=True)[1])
    return best


def _stands_apart(key: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> bool:
    """Tell whether more pairs of rows are equal than differ in exactly one column."""
    pairs = _pairs(key)
    return bool(sum(_pairs(key - h) - pairs for h in hashes) < pairs)


def _column_hash(codes: NDArray[np.intp], values: Any, place: int) -> NDArray[np.uint64]:
    texts = np.array([*(str(v).strip() for v in values), ""], dtype=object)
    hashed: NDArray[np.uint64] = pd.util.hash_array(texts, categorize=False)
    with np.errstate(over="ignore"):
        # The same text in two columns must not cancel or swap.
        mixed = (hashed ^ np.uint64(0x9E3779B97F4A7C15 * (place + 1) % 2**64)) * np.uint64(
            0xBF58476D1CE4E5B9
        )
    return (mixed ^ (mixed >> np.uint64(31)))[codes]


def _shared(key: NDArray[np.uint64]) -> int:
    """Count the rows whose key another row has."""
    counts = np.unique(key, return_counts=True)[1]
    return int(counts[counts > 1].sum())


def _pairs(key: NDArray[np.uint64]) -> float:
    counts = np.unique(key, return_counts=True)[1].astype(float)
    return float((counts * (counts - 1)).sum() / 2)
