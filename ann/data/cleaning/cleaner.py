"""The cleaning as a scikit-learn transformer: learns rules from the training part, replays them.

A transformer gives back as many rows as it was given, so duplicate rows are not its business; they
are taken out before the split, by `ann.data.cleaning.replay.clean`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ann.data.cells.text_cells import text_frame, two_dimensional
from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean, typed
from ann.data.cleaning.rules import Rule
from ann.data.cleaning.schema import Rules
from ann.data.errors import SchemaError, require_known
from ann.data.log import Log

__all__ = ["Cleaner", "TableTransformer"]


class TableTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer of tables with gaps, words and dates."""

    _preserved: tuple[str, ...] = ()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = list(self._preserved)
        return tags


class Cleaner(TableTransformer):
    """Clean the columns of a table by rules learned in `fit`.

    Parameters
    ----------
    rules : Rules, optional
        Use these instead of learning any (as edited by a person).
    leave_out : sequence of str
        Columns that are not to be features.
    apply : sequence of str
        Proposed rules to apply, as `Rules.applying` takes them; one that finds nothing to do in
        the training part is passed over.

    Attributes
    ----------
    rules_ : Rules
        What was learned; edit it, save it, load it.
    log_ : Log
        What the rules did to the training part.
    n_features_in_ : int
    feature_names_in_ : array of str

    Examples
    --------
    >>> nr = [str(k) for k in range(27)]
    >>> train = pd.DataFrame({"h": ["150 cm", "171 cm", "?"] * 9, "nr": nr})
    >>> cleaner = Cleaner().fit(train)
    >>> cleaner.transform(pd.DataFrame({"h": ["1.62 m", "N/A"], "nr": ["1", "2"]})).values.tolist()
    [[162.0], [nan]]
    """

    def __init__(
        self,
        rules: Rules | None = None,
        leave_out: tuple[str, ...] = (),
        apply: tuple[str, ...] = (),
    ) -> None:
        self.rules = rules
        self.leave_out = leave_out
        self.apply = apply

    def fit(self, X: Any, y: Any = None) -> Cleaner:
        """Learn the rules, or take over those given.

        Parameters
        ----------
        X : DataFrame or 2-D array, (rows, columns)
            The training part, features only.
        y : ignored

        Returns
        -------
        self
        """
        frame = text_frame(X)
        if not len(frame):
            raise SchemaError("no rows to learn rules from")
        if not frame.index.is_unique:
            frame = frame.reset_index(drop=True)
        rules = propose(frame, rows=False) if self.rules is None else self.rules
        own = [n for n in self.apply if n.partition(":")[2] in ("", *frame.columns)]
        rules = rules.applying(own, lenient=True)
        require_known("no column", self.leave_out, frame.columns, " to leave out")
        if self.leave_out:
            extra = [
                Rule(n, "drop", True, {"kind": "left out"}, "left out by request", len(frame))
                for n in self.leave_out
                if n not in rules.dropped() and any(c.name == n for c in rules.columns)
            ]
            rules = Rules(rules.columns, rules.rules + extra, rules.target, rules.rows)
        done = clean(frame, rules, rows=False)
        if not rules.feature_names():
            raise SchemaError(
                f"no column is left as a feature (n_samples = {len(frame)}): "
                + "; ".join(f"{c} is {w}" for c, w in list(rules.dropped().items())[:5])
            )
        self.rules_ = rules
        self.log_: Log = done.log
        self.n_features_in_ = frame.shape[1]
        self.feature_names_in_ = np.array(list(frame.columns), dtype=object)
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Replay the rules.

        Parameters
        ----------
        X : DataFrame or 2-D array, (rows, columns)

        Returns
        -------
        pandas.DataFrame, (rows, features)
            Numbers as float64, dates as datetime64, words as str; missing as NaN, NaT and None.

        Raises
        ------
        SchemaError
            If the table breaks what the schema promises.
        """
        return self.transform_logged(X)[0]

    def transform_logged(self, X: Any) -> tuple[pd.DataFrame, Log]:
        """Replay the rules and tell what they did.

        Returns
        -------
        pandas.DataFrame
        Log
        """
        check_is_fitted(self, "rules_")
        if not isinstance(X, (pd.DataFrame, dict)) or hasattr(X, "toarray"):
            values = two_dimensional(X, self.n_features_in_, "Cleaner")
            X = pd.DataFrame(values, columns=list(self.feature_names_in_))
        frame = text_frame(X)
        index = frame.index
        done = clean(frame.reset_index(drop=True), self.rules_, rows=False)
        out = typed(done.frame[self.rules_.feature_names()], self.rules_)
        out.index = index
        return out, done.log

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that `transform` gives."""
        check_is_fitted(self, "rules_")
        return np.array(self.rules_.feature_names(), dtype=object)
