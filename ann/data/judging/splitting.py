"""Setting a test part aside before anything learns: at random by class, by group, or by time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import (
    GroupShuffleSplit,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedShuffleSplit,
)

from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean, typed
from ann.data.errors import SplitError, require_known
from ann.data.judging.measures import Answers
from ann.data.log import Step

__all__ = ["Split", "split_rows"]

Parts = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True)
class Split:
    """Positions of the rows of both parts, and how they were chosen.

    Attributes
    ----------
    train, test : (n,) arrays of int
    step : Step
        For the log.
    """

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    step: Step


def split_rows(
    frame: pd.DataFrame,
    y: Answers,
    *,
    test: float = 0.2,
    group: str | None = None,
    time: str | None = None,
    seed: int = 0,
) -> Split:
    """Split a table into a training and a test part.

    Parameters
    ----------
    frame : pandas.DataFrame
        Text, as read.
    y : (rows,) array
        The target; object for classes, float for quantities.
    test : float
        Share of the test part, between 0 and 1.
    group : str, optional
        Rows that share this column's value stay on one side.
    time : str, optional
        The test part is what comes last by this column (dates or numbers).
    seed : int
        Of the random choice.

    Returns
    -------
    Split

    Raises
    ------
    SplitError
        If a column is absent, or a part would be left without rows.

    Examples
    --------
    >>> table = pd.DataFrame({"x": list("abcdefghij")})
    >>> split = split_rows(table, np.array(list("uuuuuvvvvv"), dtype=object), test=0.4)
    >>> len(split.train), len(split.test)
    (6, 4)
    """
    n = len(frame)
    if not 0.0 < test < 1.0:
        raise SplitError(f"the test part must be a share between 0 and 1, not {test}")
    if group is not None and time is not None:
        raise SplitError("split by group or by time, not by both")
    named = [name for name in (group, time) if name is not None]
    require_known("there is no column", named, frame.columns, " to split by", SplitError)
    if n < 2:
        raise SplitError(f"{n} rows cannot be split in two")
    if time is not None:
        (train, test_rows), how = _by_time(frame, time, test)
    elif group is not None:
        (train, test_rows), how = _by_group(frame[group], y, group, test, seed)
    else:
        (train, test_rows), how = _at_random(y, test, seed)
    if not len(train) or not len(test_rows):
        raise SplitError(f"{how}: one part would have no rows")
    step = Step(
        "", "split", n, f"{n} rows", f"{len(train)} to learn, {len(test_rows)} to test", how
    )
    return Split(np.sort(train), np.sort(test_rows), step)


def _at_random(y: Answers, test: float, seed: int) -> tuple[Parts, str]:
    size = max(1, round(test * len(y)))
    counts = np.array([], dtype=int)
    if y.dtype == object:
        counts = np.unique(y.astype(str), return_counts=True)[1]
    k = len(counts)
    if k and counts.min() >= 2 and k <= size <= len(y) - k:
        splitter = StratifiedShuffleSplit(1, test_size=size, random_state=seed)
        parts = next(splitter.split(np.zeros((len(y), 1)), y.astype(str)))
        return parts, f"at random, each class in proportion (seed {seed})"
    note = "; some class has a single row" if k else ""
    splitter = ShuffleSplit(1, test_size=size, random_state=seed)
    return next(splitter.split(y)), f"at random (seed {seed}){note}"


def _by_group(cells: pd.Series, y: Answers, name: str, test: float, seed: int) -> tuple[Parts, str]:
    groups = pd.factorize(cells.map(lambda v: str(v).strip()))[0]
    n = len(np.unique(groups))
    if n < 2:
        raise SplitError(f"column {name!r} has one value only: no groups to keep together")
    how = f"by {name!r}: {n} groups, none on both sides (seed {seed})"
    folds = max(2, round(1 / test))
    if y.dtype == object and n >= folds:
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        return next(splitter.split(groups, y.astype(str), groups)), how
    share = min(max(test, 1 / n), 1 - 1 / n)
    splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
    return next(splitter.split(groups, groups=groups)), how


def _by_time(frame: pd.DataFrame, name: str, test: float) -> tuple[Parts, str]:
    rules = propose(frame[[name]], name, rows=False)
    kind = rules.column(name).kind
    if kind not in ("date", "number"):
        raise SplitError(f"column {name!r} is {kind}; time is dates or numbers")
    times = typed(clean(frame[[name]], rules, rows=False).frame, rules)[name]
    if times.isna().any():
        raise SplitError(
            f"column {name!r} lacks {int(times.isna().sum())} times; fill or drop these rows"
        )
    values = times.to_numpy()
    at = np.sort(values)[len(values) - max(1, round(test * len(values)))]
    # Rows of the same moment stay together, on the later side.
    later = values >= at
    how = f"by time: the test part is {name!r} from {at} on"
    return (np.flatnonzero(~later), np.flatnonzero(later)), how
