"""Columns that give the target away, and columns that say where a row came from.

A feature is suspected of being written down after the fact when it alone predicts the target
out of fold almost without error, or when having a value at all settles the class. A column is
suspected of naming groups of rows when each of its values has one target only. Columns that name
the rows' origin are the business of `ann.data.judging.origins`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom, spearmanr
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ann.data.cells.text_cells import as_floats, is_words
from ann.data.chance import generator, sample
from ann.data.judging.measures import Answers, mean_auc, r_squared
from ann.data.judging.origins import find_origin
from ann.data.log import Step

__all__ = [
    "SUSPICIONS",
    "find_groups",
    "find_leaks",
    "find_suspects",
    "find_transforms",
    "single_feature_score",
]

#: What a column may be suspected of; the rules of the steps that say so.
SUSPICIONS = ("leak", "group", "origin")
#: A single feature better than this gives the target away.
AUC_BAR, BALANCED_BAR, R2_BAR = 0.98, 0.97, 0.985
#: Two columns whose ranks agree so well are one quantity in two forms.
TRANSFORM_BAR = 0.9995
#: A class so pure among rows that have (or lack) a value is settled by that alone.
PURITY_BAR, PURITY_P = 0.97, 1e-6
#: So many values, shared by so many rows each, with one target each, name groups of rows.
LEAST_GROUPS, ROWS_A_GROUP, GROUP_PURITY = 20, 2.5, 0.99
_MOST_ROWS = 6000


def single_feature_score(column: pd.Series, y: Answers, *, seed: int = 0) -> tuple[float, float]:
    """Say how well one column alone predicts the target, out of fold.

    Parameters
    ----------
    column : Series
        Numbers, dates or words; missing values are a value of their own.
    y : (rows,) array
        object for classes, float for quantities.
    seed : int
        Of the five folds.

    Returns
    -------
    score : float
        Area under the ROC curve (mean over classes, one against the rest), or R².
    balanced : float
        Balanced accuracy; R² again for quantities.

    Examples
    --------
    >>> y = np.array(["no", "yes"] * 50, dtype=object)
    >>> single_feature_score(pd.Series(np.arange(100) % 2 + 0.0), y)
    (1.0, 1.0)
    """
    rows = sample(len(column), _MOST_ROWS, seed)
    column, y = column.iloc[rows], y[rows]
    classify = y.dtype == object
    codes: NDArray[Any]
    splits: Any
    tree: Any
    if classify:
        classes, codes = np.unique(y.astype(str), return_inverse=True)
        if np.bincount(codes).min() < 5:
            return 0.5, 1.0 / len(classes)
        targets = np.eye(len(classes))[codes]
        splits = StratifiedKFold(5, shuffle=True, random_state=seed)
        leaf = max(3, len(y) // 500)
        tree = DecisionTreeClassifier(max_leaf_nodes=24, min_samples_leaf=leaf, random_state=seed)
    else:
        codes = y.astype(float)
        targets = codes[:, None]
        splits = KFold(5, shuffle=True, random_state=seed)
        tree = DecisionTreeRegressor(max_leaf_nodes=200, min_samples_leaf=2, random_state=seed)
    if is_words(column):
        cells = pd.factorize(column.to_numpy(dtype=object))[0] + 1
        predicted = np.zeros_like(targets)
        for train, test in splits.split(cells, codes):
            sums = np.zeros((cells.max() + 1, targets.shape[1]))
            np.add.at(sums, cells[train], targets[train])
            sizes = np.bincount(cells[train], minlength=len(sums))[:, None]
            # One row like all others is added to each category.
            means = (sums + targets[train].mean(axis=0)) / (sizes + 1)
            predicted[test] = means[cells[test]]
    else:
        method = "predict_proba" if classify else "predict"
        predicted = cross_val_predict(
            tree, _as_number(column)[:, None], codes, cv=splits, method=method
        )
    if classify:
        balanced = balanced_accuracy_score(codes, predicted.argmax(axis=1))
        return mean_auc(predicted, codes), float(balanced)
    r2 = r_squared(codes, predicted.ravel())
    return r2, r2


def _as_number(column: pd.Series) -> NDArray[np.float64]:
    values = as_floats(column)
    # A tree cuts a value below all others off with one question.
    low = float(np.nanmin(values)) if np.isfinite(values).any() else 0.0
    values[~np.isfinite(values)] = low - max(1.0, abs(low))
    return values


def find_suspects(
    features: pd.DataFrame, y: Answers, *, grouped: bool = False, seed: int = 0
) -> list[Step]:
    """Find leaks, columns that name groups, and columns that name the rows' origin.

    Parameters
    ----------
    features : pandas.DataFrame
        Cleaned and typed, without the target.
    y : (rows,) array
        object for classes, float for quantities.
    grouped : bool
        Whether the groups are known already; none are looked for then.
    seed : int
        Of folds and samples.

    Returns
    -------
    list of Step
        A column that names groups is not called a leak too.
    """
    transforms = find_transforms(features, y)
    rest = features.drop(columns=[s.column for s in transforms])
    groups = [] if grouped else find_groups(rest, y)
    named = {s.column for s in groups}
    leaks = [s for s in find_leaks(rest, y, seed=seed) if s.column not in named]
    return [*transforms, *leaks, *groups, *find_origin(features, y)]


def find_transforms(features: pd.DataFrame, y: Answers) -> list[Step]:
    """Find columns of numbers that are the target in another form, such as its logarithm.

    Parameters
    ----------
    features : pandas.DataFrame
        Cleaned and typed, without the target.
    y : (rows,) array
        Of quantities; classes have no transforms.

    Returns
    -------
    list of Step
        Of rule ``"leak"``: the ranks of the two agree in all rows but rounding.

    Examples
    --------
    >>> wage = np.linspace(5, 50, 60)
    >>> table = pd.DataFrame({"logwage": np.log(wage).round(4), "age": np.sin(wage)})
    >>> [s.column for s in find_transforms(table, wage)]
    ['logwage']
    """
    found: list[Step] = []
    if y.dtype == object:
        return found
    for name in features.columns:
        column = features[name]
        if is_words(column):
            continue
        values = as_floats(column)
        there = np.isfinite(values)
        if there.sum() < 20 or there.mean() < 0.5 or len(np.unique(values[there])) < 10:
            continue
        ranks = float(spearmanr(values[there], y[there].astype(float)).statistic)
        if abs(ranks) >= TRANSFORM_BAR:
            what = "the same order" if ranks > 0 else "the reverse order"
            why = (
                "it is a transform of the target, or the target of it: both put the rows in "
                f"{what} (rank correlation {ranks:.4f})"
            )
            found.append(_suspect("leak", column, y, why))
    return found


def find_leaks(features: pd.DataFrame, y: Answers, *, seed: int = 0) -> list[Step]:
    """Find features that give the target away.

    Parameters
    ----------
    features, y
        As for `find_suspects`.
    seed : int
        Of folds and samples.

    Returns
    -------
    list of Step

    Examples
    --------
    >>> y = np.array(["no", "yes"] * 50, dtype=object)
    >>> table = pd.DataFrame({"x": np.sin(np.arange(100.0)), "paid": np.arange(100) % 2 * 7.0})
    >>> [s.column for s in find_leaks(table, y)]
    ['paid']
    """
    found = []
    for name in features.columns:
        column = features[name]
        score, balanced = single_feature_score(column, y, seed=seed)
        why = said = ""
        if y.dtype != object:
            said = f"R² {score:.4f}" if score > R2_BAR else ""
        elif score > AUC_BAR and balanced > BALANCED_BAR:
            said = f"AUC {score:.3f}, balanced accuracy {balanced:.3f}"
        else:
            why = _settled_by_presence(column, y)
        if said:
            why = f"alone it predicts the target out of fold: {said}"
        if why:
            found.append(_suspect("leak", column, y, why))
    return found


def _settled_by_presence(column: pd.Series, y: Answers) -> str:
    """Return how having a value, or none, settles the class; nothing where it does not."""
    missing = column.isna().to_numpy()
    for group, word in ((~missing, "with"), (missing, "without")):
        n = int(group.sum())
        if n < 15 or n > len(y) - 15:
            continue
        classes, counts = np.unique(y[group].astype(str), return_counts=True)
        k = int(counts.argmax())
        purity = counts[k] / n
        prior = float(np.mean(y.astype(str) == classes[k]))
        chance = float(binom.sf(counts[k] - 1, n, prior))
        if purity >= PURITY_BAR and chance < PURITY_P and purity - prior > 0.1:
            return (
                f"{counts[k]} of the {n} rows {word} a value are {str(classes[k])!r} "
                f"({prior:.0%} of all rows are): written down after the outcome?"
            )
    return ""


def _suspect(kind: str, column: pd.Series, y: Answers | None, why: str, shown: str = "") -> Step:
    if y is not None:
        there = np.flatnonzero(column.notna().to_numpy())[:3]
        shown = ", ".join(f"{column.iloc[k]} ({y[k]})" for k in there)
    return Step(str(column.name), kind, len(column), shown, "left out of the features", why)


def find_groups(features: pd.DataFrame, y: Answers) -> list[Step]:
    """Find columns that name groups of rows with one target each, such as a patient's number.

    Parameters
    ----------
    features, y
        As for `find_suspects`.

    Returns
    -------
    list of Step

    Notes
    -----
    At least 20 values with 2.5 rows each on average, of which 99 % (of rows, or of the variance of
    a quantity) follow the commonest target of their value; shuffled targets do so for fewer than
    95 %.

    Examples
    --------
    >>> patient = np.repeat(np.arange(40), 5)
    >>> ill = np.where(patient * 7 % 13 > 6, "ill", "well").astype(object)
    >>> table = pd.DataFrame({"patient": patient, "pulse": np.sin(np.arange(200.0))})
    >>> [s.column for s in find_groups(table, ill)]
    ['patient']
    """
    found = []
    shuffled = generator(0, "groups").permutation(y)
    for name in features.columns:
        column = features[name]
        codes, values = pd.factorize(column.to_numpy(dtype=object))
        there = codes >= 0
        if len(values) < LEAST_GROUPS or there.sum() < ROWS_A_GROUP * len(values):
            continue
        if there.mean() < 0.9 or _measured(column):
            continue
        pure = _purity(codes[there], y[there])
        if pure < GROUP_PURITY or _purity(codes[there], shuffled[there]) > 0.95:
            continue
        why = (
            f"each of its {len(values)} values has one target only: it names groups of rows that "
            f"belong together (say so with --group {name}), or was written down after the outcome"
        )
        found.append(_suspect("group", column, y, why))
    return found


def _measured(column: pd.Series) -> bool:
    """Tell whether a column holds measurements, with decimals: these name no groups."""
    if is_words(column) or pd.api.types.is_datetime64_any_dtype(column.dtype):
        return False
    values = as_floats(column)
    values = values[np.isfinite(values)]
    return bool((values != np.round(values)).any())


def _purity(codes: NDArray[np.intp], y: Answers) -> float:
    """Share of rows (or of variance) that knowing the value settles."""
    if y.dtype == object:
        table = pd.crosstab(codes, y.astype(str)).to_numpy()
        return float(table.max(axis=1).sum() / len(codes))
    values = y.astype(float)
    means = np.bincount(codes, weights=values) / np.maximum(np.bincount(codes), 1)
    return r_squared(values, means[codes])
