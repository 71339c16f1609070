"""From typed columns to one float32 matrix, with names for its columns and a way back.

Numbers are scaled and their gaps filled with the median, beside a 0/1 column that says where;
words become one 0/1 column each, the infrequent ones together; dates become days and seasons.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.validation import check_is_fitted

from ann.data.cells.text_cells import is_words, two_dimensional
from ann.data.cleaning.cleaner import Cleaner, TableTransformer
from ann.data.cleaning.schema import Rules
from ann.data.encoding.column_scaling import DateParts, SoftScaler
from ann.data.errors import SchemaError, require_known

__all__ = ["Encoder", "filled_words", "table_pipeline"]

#: How a missing category is called among the others.
NO_VALUE = "(missing)"
RARE = "(rare)"
#: What scikit-learn calls the rare ones, and what we do.
_LATER_NAMES = {"infrequent_sklearn": RARE}


class Encoder(TableTransformer):
    """Encode typed columns as float32.

    Parameters
    ----------
    min_count : int
        A category in fewer rows counts as a rare one.
    max_categories : int
        At most so many columns for one column of words.
    bound : float
        No scaled number is larger; see `ann.data.encoding.column_scaling.SoftScaler`.

    Attributes
    ----------
    columns_ : sklearn.compose.ColumnTransformer
        The fitted parts: ``numbers``, ``words`` and ``dates``.

    Examples
    --------
    >>> table = pd.DataFrame({"h": [1.5, None, 2.0, 1.8], "c": ["a", "b", "a", None]})
    >>> encoder = Encoder(min_count=1).fit(table)
    >>> encoder.get_feature_names_out().tolist()
    ['h', 'h missing', 'c=(missing)', 'c=a', 'c=b']
    >>> back = encoder.inverse_transform(encoder.transform(table))
    >>> back["c"].tolist(), back["h"].round(3).tolist()
    (['a', 'b', 'a', None], [1.5, nan, 2.0, 1.8])
    """

    _preserved = ("float32",)

    def __init__(self, min_count: int = 5, max_categories: int = 60, bound: float = 5.0) -> None:
        self.min_count = min_count
        self.max_categories = max_categories
        self.bound = bound

    def fit(self, X: pd.DataFrame, y: Any = None) -> Encoder:
        """Learn scales, fillings and categories.

        Parameters
        ----------
        X : DataFrame, (rows, columns)
            Of numbers, dates and words, as `Cleaner` gives it.
        y : ignored

        Returns
        -------
        self
        """
        X = _frame(X)
        if not len(X):
            raise SchemaError("no rows to learn scales and categories from")
        numbers = [c for c in X.columns if pd.api.types.is_numeric_dtype(X[c].dtype)]
        dates = [c for c in X.columns if pd.api.types.is_datetime64_any_dtype(X[c].dtype)]
        words = [c for c in X.columns if is_words(X[c])]
        self._kinds = {"numbers": numbers, "words": words, "dates": dates}
        words_to_columns = OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            min_frequency=max(1, self.min_count),
            max_categories=self.max_categories,
            sparse_output=False,
            dtype=np.float32,
            feature_name_combiner=_category_name,
        )
        steps = [
            ("numbers", _scaled_and_filled(self.bound), numbers),
            ("words", words_to_columns, words),
            ("dates", _scaled_and_filled(self.bound, DateParts()), dates),
        ]
        self.columns_ = ColumnTransformer([s for s in steps if s[2]], sparse_threshold=0.0)
        self.columns_.fit(self._words(X))
        self.n_features_in_ = X.shape[1]
        self.feature_names_in_ = np.array(list(X.columns), dtype=object)
        return self

    def _words(self, X: pd.DataFrame) -> pd.DataFrame:
        X = X.copy()
        for name in self._kinds["words"]:
            X[name] = pd.Series(filled_words(X[name]), index=X.index, dtype=object)
        return X

    def transform(self, X: pd.DataFrame) -> NDArray[np.float32]:
        """Encode.

        Returns
        -------
        (rows, features) array of float32, every value finite

        Raises
        ------
        SchemaError
            If a column is absent.
        """
        check_is_fitted(self, "columns_")
        X = _frame(X, self.n_features_in_)
        require_known("no column", self.feature_names_in_, X.columns)
        for name in self._kinds["numbers"]:
            if not pd.api.types.is_numeric_dtype(X[name].dtype):
                raise SchemaError(f"column {name!r} was numbers and is now {X[name].dtype}")
        return np.ascontiguousarray(self.columns_.transform(self._words(X)), dtype=np.float32)

    def inverse_transform(self, X: NDArray[np.floating]) -> pd.DataFrame:
        """Turn a matrix back into columns.

        Parameters
        ----------
        X : (rows, features) array

        Returns
        -------
        pandas.DataFrame
            Numbers to float32 precision; filled gaps missing again; categories counted as rare
            all ``"(rare)"``.
        """
        check_is_fitted(self, "columns_")
        X = np.asarray(X, dtype=np.float64)
        n = len(self.get_feature_names_out())
        if X.ndim != 2 or X.shape[1] != n:
            raise SchemaError(f"expected {n} columns, one a feature; the array has shape {X.shape}")
        out: dict[str, Any] = {}
        for kind, part, names in self.columns_.transformers_:
            if kind == "remainder":
                continue
            block = X[:, self.columns_.output_indices_[kind]]
            if kind == "words":
                for name, cells in zip(names, part.inverse_transform(block).T, strict=True):
                    back = {NO_VALUE: None, **_LATER_NAMES}
                    words = [back.get(v, v) for v in cells]
                    out[name] = pd.Series(words, dtype=object)
                continue
            *maps, imputer = [step for _, step in part.steps]
            values = _unfill(imputer, block)
            for step in reversed(maps):
                values = step.inverse_transform(values)
            for k, name in enumerate(names):
                out[name] = values[name].to_numpy() if kind == "dates" else values[:, k]
        return pd.DataFrame({n: out[n] for n in self.feature_names_in_})

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return a name for each column of the matrix: ``age``, ``age missing``, ``sex=male``."""
        check_is_fitted(self, "columns_")
        out: list[str] = []
        for kind, part, names in self.columns_.transformers_:
            if kind == "words":
                out += list(part.get_feature_names_out(names))
            elif kind != "remainder":
                first = part.steps[0][1]
                base = list(first.get_feature_names_out(names))
                imputer = part.steps[-1][1]
                gaps = imputer.indicator_.features_
                out += [*base, *(f"{base[k]} missing" for k in gaps)]
        return np.array(out, dtype=object)


def _scaled_and_filled(bound: float, *before: Any) -> Pipeline:
    fill = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return make_pipeline(*before, SoftScaler(bound), fill)


def filled_words(column: pd.Series) -> list[str]:
    """Return the words of a column, those missing as a word of their own."""
    cells = column.to_numpy(dtype=object)
    return [NO_VALUE if v is None or v is pd.NA or v != v else str(v) for v in cells]


def _category_name(column: str, category: str) -> str:
    return f"{column}={_LATER_NAMES.get(category, category)}"


def _unfill(imputer: SimpleImputer, block: NDArray[np.floating]) -> NDArray[np.floating]:
    """Make filled values missing again where the indicator says so."""
    n = len(imputer.statistics_)
    values = block[:, :n].copy()
    for j, k in enumerate(imputer.indicator_.features_):
        values[block[:, n + j] > 0.5, k] = np.nan
    return values


def _frame(X: Any, columns: int | None = None) -> pd.DataFrame:
    if isinstance(X, pd.DataFrame):
        return X
    values = two_dimensional(X, columns, "Encoder")
    return pd.DataFrame(values, columns=[f"x{k}" for k in range(values.shape[1])])


def table_pipeline(
    estimator: Any,
    *,
    rules: Rules | None = None,
    leave_out: tuple[str, ...] = (),
    apply: tuple[str, ...] = (),
    min_count: int = 5,
) -> Pipeline:
    """Put cleaning and encoding before an estimator.

    Parameters
    ----------
    estimator : scikit-learn estimator
        What learns from the float32 matrix.
    rules : Rules, optional
        Clean by these instead of learning rules from the training part.
    leave_out : sequence of str
        Columns that are not to be features.
    apply : sequence of str
        Proposed rules to apply; see `Cleaner`.
    min_count : int
        Of `Encoder`.

    Returns
    -------
    sklearn.pipeline.Pipeline
        With the steps ``clean``, ``encode`` and ``model``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> h = ["150 cm", "1.8 m", "165 cm", "1.9 m"] * 5
    >>> X = pd.DataFrame({"h": h, "s": ["a ", "A", "b", "B"] * 5})
    >>> y = [0, 1, 0, 1] * 5
    >>> table_pipeline(LogisticRegression()).fit(X, y).score(X, y)
    1.0
    """
    steps = [
        ("clean", Cleaner(rules, leave_out, apply)),
        ("encode", Encoder(min_count)),
        ("model", estimator),
    ]
    return Pipeline(steps)
