"""Columns that say where a row came from: a hospital, a batch, a machine.

A column is suspected when it explains which other columns are missing, or is called so, and the
classes differ between its values. A part that some things do not have is no origin: a house on a
slab has no basement, and lacks everything that could be said of one.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2_contingency
from scipy.stats.contingency import association

from ann.data.cells.text_cells import is_words
from ann.data.judging.measures import Answers
from ann.data.log import Step

__all__ = ["find_origin"]

_ORIGIN = re.compile(
    r"(^|[^a-z])(origin|site|cent(er|re)|hospital|clinic|source|dataset|batch|lab|cohort|scanner|machine)s?([^a-z]|$)"
)


def find_origin(features: pd.DataFrame, y: Answers) -> list[Step]:
    """Find columns that name where rows came from.

    Parameters
    ----------
    features, y
        The cleaned and typed features, and the target, as for `ann.data.judging.leakage`.

    Returns
    -------
    list of Step

    Notes
    -----
    Cramér's V between the column and the missingness of each other column; three above 0.5 that do
    not all lack the same rows, or a telling name, and classes that differ between its values
    (chi-squared p < 1e-6).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> site = np.array(["A", "B"] * 100, dtype=object)
    >>> gaps = {f"x{k}": np.where(site == "A", rng.normal(size=200), np.nan) for k in range(3)}
    >>> ill = rng.random(200) < np.where(site == "A", 0.9, 0.2)
    >>> y = np.where(ill, "ill", "well").astype(object)
    >>> [s.column for s in find_origin(pd.DataFrame({"origin": site, **gaps}), y)]
    ['origin']
    """
    found = []
    gaps = {
        str(n): features[n].isna().to_numpy()
        for n in features.columns
        if 0.02 <= features[n].isna().mean() <= 0.98
    }
    for name in features.columns:
        column = features[name]
        if not is_words(column):
            continue
        there = column.notna().to_numpy()
        codes = pd.factorize(column.to_numpy(dtype=object))[0] + 1
        sizes = column.value_counts()
        if not 2 <= len(sizes) <= 50 or sizes.median() < 10:
            continue
        explained = [
            n for n, gap in gaps.items() if n != name and _cramer(codes[there], gap[there]) > 0.5
        ]
        called = _ORIGIN.search(str(name).casefold()) is not None
        # A house on a slab has no basement, nor its height, area and finish: one thing is absent.
        several = len({gaps[n].tobytes() for n in explained}) > 1 and not _one_gap(explained, gaps)
        if not called and (len(explained) < 3 or not several):
            continue
        words = why = _differs(codes, column, y)
        if not words:
            continue
        if explained:
            why += f"; it also explains which values are missing in {', '.join(explained[:6])}"
        why += ": a model may learn where a row comes from. Split by it and leave it out"
        found.append(Step(str(name), "origin", len(column), words, "left out of the features", why))
    return found


def _one_gap(explained: list[str], gaps: dict[str, NDArray[np.bool_]]) -> bool:
    """Tell whether some columns lack their values in the same rows, by and large."""
    if not explained:
        return False
    first = gaps[explained[0]]
    return all((first & gaps[n]).sum() >= 0.8 * (first | gaps[n]).sum() for n in explained)


def _cramer(codes: NDArray[np.intp], flag: NDArray[np.bool_]) -> float:
    table = pd.crosstab(codes, flag).to_numpy()
    return float(association(table, method="cramer")) if min(table.shape) > 1 else 0.0


def _differs(codes: NDArray[np.intp], column: pd.Series, y: Answers) -> str:
    """Return how the target differs between the values of a column; nothing where it does not."""
    if y.dtype == object:
        common = pd.Series(y).value_counts().index[0]
        flag = np.asarray(y == common, dtype=bool)
        what = f"share of {common!r}"
    else:
        flag = np.asarray(y > np.median(y), dtype=bool)
        what = "share above the median"
    table = pd.crosstab(codes, flag).to_numpy()
    if min(table.shape) < 2 or chi2_contingency(table)[1] > 1e-6:
        return ""
    shares = pd.Series(flag).groupby(column.to_numpy(), sort=False).agg(["mean", "size"])
    big = shares.loc[shares["size"] >= 10, "mean"]
    if len(big) < 2:
        return ""
    low, high = big.idxmin(), big.idxmax()
    return f"{what} runs from {big.min():.0%} ({low}) to {big.max():.0%} ({high})"
