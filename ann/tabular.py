"""A table of mixed columns as numbers, by rules that fit on a card.

Numbers stay numbers, their gaps filled with the median and marked in a column of their own; texts
become one column a category, the rare ones together as one. What was found in the training rows
is all a new table is judged by. (For tables that need cleaning first there is `ann.data`.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from ann.errors import DataError

__all__ = ["Columns"]


@dataclass
class Columns:
    """What each column is turned into.

    Attributes
    ----------
    numbers : dict of str to dict
        For each numeric column its ``median`` and whether gaps are ``marked``.
    texts : dict of str to list of str
        For each text column its categories; anything else is their ``other``.
    dropped : dict of str to str
        Columns left out, with the reason.

    Examples
    --------
    >>> frame = pd.DataFrame({"size": [1.0, None, 3.0], "colour": ["red", "blue", "red"]})
    >>> columns = Columns.learn(frame)
    >>> columns.names()
    ['size', 'size is missing', 'colour = blue', 'colour = red', 'colour = other']
    >>> columns.apply(frame)[1]
    array([2., 1., 1., 0., 0.])
    """

    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)

    @classmethod
    def learn(cls, frame: pd.DataFrame, most_categories: int = 50) -> Columns:
        """Decide from training rows.

        Parameters
        ----------
        frame : DataFrame
        most_categories : int
            The most frequent that get a column of their own.

        Returns
        -------
        Columns

        Raises
        ------
        DataError
            If no column is of use.
        """
        found = cls()
        for name in map(str, frame.columns):
            column = frame[name]
            if column.notna().sum() == 0:
                found.dropped[name] = "empty"
            elif column.nunique() == 1 and column.notna().all():
                found.dropped[name] = "always the same"
            elif is_numeric_dtype(column) and not is_bool_dtype(column):
                finite = column.astype(float).replace([np.inf, -np.inf], np.nan)
                found.numbers[name] = {
                    "median": float(finite.median()),
                    "marked": bool(finite.isna().any()),
                }
            else:
                counts = column.dropna().astype(str).value_counts()
                if len(counts) > max(most_categories, 0.5 * len(column)):
                    found.dropped[name] = "a text of its own in most rows"
                else:
                    found.texts[name] = sorted(map(str, counts.index[:most_categories]))
        if not found.numbers and not found.texts:
            raise DataError(f"no column can be learnt from: {found.dropped}")
        return found

    def names(self) -> list[str]:
        """Names of the columns that `apply` gives."""
        names = []
        for name, rule in self.numbers.items():
            names += [name, f"{name} is missing"] if rule["marked"] else [name]
        for name, categories in self.texts.items():
            names += [f"{name} = {c}" for c in [*categories, "other"]]
        return names

    def apply(self, frame: pd.DataFrame) -> np.ndarray:
        """Numbers for a table with the same columns.

        Parameters
        ----------
        frame : DataFrame

        Returns
        -------
        ndarray of shape (n, number of names)

        Raises
        ------
        DataError
            If a column is missing, or holds text where numbers were learnt.
        """
        wanted = [*self.numbers, *self.texts]
        missing = [name for name in wanted if name not in frame.columns]
        if missing:
            raise DataError(
                f"the table lacks the columns {', '.join(missing)}; the model was trained on "
                f"{', '.join(wanted)}"
            )
        pieces: list[np.ndarray] = []
        for name, rule in self.numbers.items():
            try:
                values = frame[name].astype(float).to_numpy(float, copy=True)
            except (ValueError, TypeError) as error:
                raise DataError(f"column {name!r} should hold numbers: {error}") from error
            gap = ~np.isfinite(values)
            values[gap] = rule["median"]
            pieces += [values, gap.astype(float)] if rule["marked"] else [values]
        for name, categories in self.texts.items():
            told = frame[name].notna()
            text = frame[name].astype(str)
            known = np.zeros(len(frame), bool)
            for category in categories:
                hit = ((text == category) & told).to_numpy()
                known |= hit
                pieces.append(hit.astype(float))
            pieces.append(((~known) & told.to_numpy()).astype(float))
        return np.column_stack(pieces)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a card."""
        return {"numbers": self.numbers, "texts": self.texts, "dropped": self.dropped}
