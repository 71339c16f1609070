"""Bringing numbers to a size that networks like, without letting a wild value rule the column.

Each column is centred on its median and divided by its robust spread; beyond a few spreads the
curve bends over, z -> z / sqrt(1 + (z / bound)^2), so that no value ever exceeds `bound`. The map
is strictly increasing and has a closed inverse.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["DateParts", "SoftScaler"]


class SoftScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Centre, divide by a robust spread and bend extreme values towards a bound.

    Parameters
    ----------
    bound : float
        The largest size a scaled value can have.

    Attributes
    ----------
    centre_, spread_ : (columns,) arrays
        Median, and interquartile range / 1.349 (the standard deviation where that is zero).

    Notes
    -----
    The smooth squashing is that of Holzmüller, Grinsztajn & Steinwart, "Better by default",
    NeurIPS 2024, section 3.

    Examples
    --------
    >>> X = np.array([[1.0], [2.0], [3.0], [1e9]])
    >>> scaler = SoftScaler().fit(X)
    >>> Z = scaler.transform(X)
    >>> bool(abs(Z).max() <= 5), bool(np.allclose(scaler.inverse_transform(Z)[:3], X[:3]))
    (True, True)
    """

    def __init__(self, bound: float = 5.0) -> None:
        self.bound = bound

    def fit(self, X: Any, y: Any = None) -> SoftScaler:
        """Learn centre and spread of each column, missing values left out.

        Parameters
        ----------
        X : (rows, columns) array of float, NaN allowed
        y : ignored

        Returns
        -------
        self
        """
        values = self._checked(X, reset=True)
        self.centre_ = np.zeros(values.shape[1])
        self.spread_ = np.ones(values.shape[1])
        for k in range(values.shape[1]):
            column = values[:, k]
            column = column[np.isfinite(column)]
            if not len(column):
                continue
            low, self.centre_[k], high = np.quantile(column, [0.25, 0.5, 0.75])
            spread = (high - low) / 1.349
            if spread <= 1e-12 * max(abs(low), abs(high)):
                # Half of the column is one value: measure the rest.
                self.centre_[k], spread = column.mean(), column.std()
            self.spread_[k] = spread if spread > 0 else 1.0
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Scale; NaN stays NaN.

        Returns
        -------
        (rows, columns) array of float
        """
        check_is_fitted(self)
        with np.errstate(over="ignore", invalid="ignore"):
            z = (self._checked(X, reset=False) - self.centre_) / self.spread_
            z = np.clip(z, -1e100, 1e100)
            bent: NDArray[np.float64] = z / np.hypot(1.0, z / self.bound)
        return bent

    def _checked(self, X: Any, reset: bool) -> NDArray[np.float64]:
        # Infinite values are as welcome as missing ones: they end up at the bound.
        values: NDArray[np.float64] = validate_data(
            self, X, dtype=np.float64, ensure_all_finite=False, reset=reset
        )
        return values

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def inverse_transform(self, X: Any) -> NDArray[np.float64]:
        """Undo the scaling.

        Returns
        -------
        (rows, columns) array of float
        """
        check_is_fitted(self)
        z = np.asarray(X, dtype=float)
        inside = np.clip(z / self.bound, -1 + 1e-15, 1 - 1e-15)
        back: NDArray[np.float64] = z / np.sqrt(1.0 - inside**2) * self.spread_ + self.centre_
        return back


class DateParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn dates into numbers: days since the first one seen, and place in the year and week.

    Attributes
    ----------
    start_ : dict of str to Timestamp
        The first date of each column in the training part.

    Examples
    --------
    >>> X = pd.DataFrame({"d": pd.to_datetime(["2024-01-01", "2024-01-31"])})
    >>> DateParts().fit_transform(X)[:, 0].tolist()
    [0.0, 30.0]
    """

    _parts = ("days", "year sin", "year cos", "weekday")

    def fit(self, X: pd.DataFrame, y: Any = None) -> DateParts:
        """Learn the first date of each column."""
        self.feature_names_in_ = np.array(list(X.columns), dtype=object)
        self.n_features_in_ = X.shape[1]
        self.start_ = {name: X[name].min() for name in X.columns}
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return four numbers a date, (rows, 4 x columns); NaN where it is missing."""
        check_is_fitted(self, "start_")
        parts = []
        for name, start in self.start_.items():
            dates = X[name]
            phase = (dates.dt.day_of_year - 1 + dates.dt.hour / 24) / 365.25 * 2 * np.pi
            parts += [
                (dates - start) / pd.Timedelta(days=1),
                np.sin(phase),
                np.cos(phase),
                dates.dt.day_of_week,
            ]
        return np.column_stack([np.asarray(p, dtype=float) for p in parts])

    def inverse_transform(self, X: NDArray[np.float64]) -> pd.DataFrame:
        """Return the dates, to the second."""
        out = {}
        for k, (name, start) in enumerate(self.start_.items()):
            days = X[:, k * len(self._parts)]
            if start is pd.NaT:
                out[name] = pd.Series(pd.NaT, index=range(len(X)))
                continue
            out[name] = (start + pd.to_timedelta(days, unit="D")).round("s")
        return pd.DataFrame(out)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return ``date days``, ``date year sin`` and so on."""
        check_is_fitted(self, "start_")
        return np.array([f"{n} {p}" for n in self.start_ for p in self._parts], dtype=object)
