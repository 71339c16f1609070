"""Tables that follow the same things over time: 133 countries in twelve years are 133 and no 1596.

Rows of one country resemble each other. A model that saw eleven years of it knows the twelfth, and
an honest score keeps a country on one side of the split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.cells.lexicon import COUNTED_WORDS, words_of
from ann.data.cells.text_cells import is_words
from ann.data.chance import generator
from ann.data.judging.measures import Answers, r_squared

__all__ = ["Entities", "find_entities"]

#: So many things, in so many rows each, are followed; so alike are their rows, ...
LEAST, ROWS_EACH, ALIKE = 10, 2.0, 0.2
#: ... and so many standard deviations more so than with the target shuffled.
SURE, SHUFFLES = 5.0, 20


@dataclass(frozen=True)
class Entities:
    """Things that come in several rows each.

    Attributes
    ----------
    column : str
        Which column names them.
    number : int
        How many.
    time : str
        The column in which rows of one thing differ, such as a year.
    alike : float
        How much of the target, beyond chance, the name alone settles: 0 none, 1 all.
    """

    column: str
    number: int
    time: str
    alike: float


def find_entities(frame: pd.DataFrame, y: Answers) -> Entities | None:
    """Find a column that names what each row is a repeated observation of.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cleaned and typed, without the target.
    y : (rows,) array
        object for classes, float for quantities.

    Returns
    -------
    Entities or None
        A column of words or whole numbers whose values come again and again, each time with
        another value of a column of time, so that the two together name the row, and whose rows
        are alike in the target, beyond what is alike by chance.

    Examples
    --------
    >>> land = np.repeat([f"land {k}" for k in range(30)], 5)
    >>> table = pd.DataFrame({"land": land, "year": np.tile(np.arange(2000.0, 2005.0), 30)})
    >>> found = find_entities(table, np.repeat(np.arange(30.0), 5) + 0.1 * np.sin(np.arange(150)))
    >>> found.column, found.number, found.time
    ('land', 30, 'year')
    """
    codes = {str(n): pd.factorize(frame[n].to_numpy(dtype=object))[0] for n in frame.columns}
    times = [n for n in codes if _is_time(n, frame[n])]
    best: Entities | None = None
    for name, own in codes.items():
        number = int(own.max()) + 1
        if name in times or number < LEAST or (own < 0).any():
            continue
        if len(own) < ROWS_EACH * number or not _names_things(frame[name]):
            continue
        for time in times:
            pair = own.astype(np.int64) * (int(codes[time].max()) + 2) + codes[time]
            if len(np.unique(pair)) < 0.99 * len(pair) or codes[time].max() < 1:
                continue
            alike = _alike(own, y)
            better = alike >= ALIKE and (best is None or alike > best.alike)
            if better and alike > _by_chance(own, y):
                best = Entities(name, number, time, alike)
    return best


def _by_chance(codes: NDArray[np.intp], y: Answers) -> float:
    """Return how alike the rows of a name would have to be to show that no chance did it."""
    shuffled = generator(0, "entities").permutation
    found = [_alike(codes, shuffled(y)) for _ in range(SHUFFLES)]
    return float(np.mean(found) + SURE * np.std(found, ddof=1))


def _is_time(name: str, column: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return True
    if is_words(column):
        return False
    words = set(words_of(name)) & (COUNTED_WORDS - {"age", "rank", "score", "price", "size"})
    return bool(words) or (_whole(column) and bool(column.between(1500, 2100).all()))


def _names_things(column: pd.Series) -> bool:
    return is_words(column) or _whole(column)


def _whole(column: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return False
    values = column.to_numpy(dtype=float)
    return bool((values == np.round(values)).all())


def _alike(codes: NDArray[np.intp], y: Answers) -> float:
    """How much of the target a name settles, less what as many names settle by chance."""
    n, k = len(codes), len(np.unique(codes))
    if y.dtype == object:
        table = pd.crosstab(codes, y.astype(str)).to_numpy()
        shares = (table.sum(axis=0) / n) ** 2
        within = ((table * (table - 1)).sum(axis=1)).sum()
        sizes = table.sum(axis=1)
        pairs = max((sizes * (sizes - 1)).sum(), 1)
        chance = float(shares.sum())
        return float((within / pairs - chance) / max(1 - chance, 1e-12))
    values = y.astype(float)
    means = np.bincount(codes, weights=values) / np.maximum(np.bincount(codes), 1)
    explained = r_squared(values, means[codes])
    return float(1 - (1 - explained) * (n - 1) / max(n - k, 1))
