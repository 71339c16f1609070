"""The column to predict: which it is, what kind of question it asks, and whether it can be asked.

`num > 0` asks a yes/no question of a number column. Whole numbers with few distinct values are
classes; everything else that is a number is a quantity.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.cleaning.propose import propose_column
from ann.data.cleaning.replay import replay_column
from ann.data.cleaning.schema import ColumnSchema, Rules
from ann.data.errors import TargetError, UnusableTargetError, nearest
from ann.data.judging.measures import Answers
from ann.data.log import Step

__all__ = ["Target", "find_target", "target_column"]

_COMPARISON = re.compile(r"(?P<name>.+?)\s*(?P<sign>>=|<=|==|!=|>|<)\s*(?P<value>\S.*?)\s*\Z")
_SIGNS = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}
#: Whole numbers with at most so many distinct values are classes.
MOST_CLASSES = 20
#: A word that stands in so many rows is no slip of the pen.
RECURS = 3


@dataclass
class Target:
    """What is to be predicted.

    Attributes
    ----------
    name : str
        As asked for, such as ``"num > 0"``.
    column : str
        The column it comes from.
    task : str
        ``"classification"`` or ``"regression"``.
    values : (rows,) array
        str for classes, float for quantities; only rows where it is there.
    rows : (rows,) array of int
        Positions of these rows in the table.
    steps : list of Step
        How the column was cleaned, and how many rows lack it.
    missing : int
        Rows that lack it.
    schema : ColumnSchema
        What the column is.
    words : dict of str to int
        Where the column is one of numbers: cells that recur, hold no number, and are therefore
        left out, such as ``"<5"``; with the number of their rows, the commonest first.
    """

    name: str
    column: str
    task: str
    values: Answers
    rows: NDArray[np.intp]
    steps: list[Step]
    missing: int
    schema: ColumnSchema
    words: dict[str, int] = field(default_factory=dict)


def target_column(columns: list[str], asked: str) -> tuple[str, re.Match[str] | None]:
    """Find which column a target speaks of.

    Parameters
    ----------
    columns : list of str
        Those of the table.
    asked : str
        A column's name, or a comparison such as ``"num > 0"``.

    Returns
    -------
    column : str
    comparison : re.Match or None

    Raises
    ------
    TargetError
        If there is no such column, with the nearest name.

    Examples
    --------
    >>> target_column(["age", "num"], "num > 0")[0]
    'num'
    """
    if asked in columns:
        return asked, None
    comparison = _COMPARISON.match(asked)
    if (
        comparison is not None
        and comparison["value"][0] in "<>=!"
        and comparison["name"] in columns
    ):
        raise TargetError(
            f"{asked!r} is no comparison: write a column, one of {', '.join(_SIGNS)}, and a value, "
            f"such as '{comparison['name']} > 0'"
        )
    if comparison is not None and comparison["name"] in columns:
        return comparison["name"], comparison
    same = [c for c in columns if c.casefold() == asked.strip().casefold()]
    if len(same) == 1:
        return same[0], None
    raise TargetError(f"there is no column {asked!r} to predict{nearest(asked, columns)}")


def find_target(
    frame: pd.DataFrame,
    asked: str,
    *,
    task: str | None = None,
    rules: Rules | None = None,
    apply: tuple[str, ...] = (),
) -> Target:
    """Clean the target and decide what kind of question it is.

    Parameters
    ----------
    frame : pandas.DataFrame
        Text, as read.
    asked : str
        A column's name, or a comparison such as ``"num > 0"``.
    task : str, optional
        ``"classification"`` or ``"regression"`` where the guess would be wrong.
    rules : Rules, optional
        Clean the column by these, if they know it, instead of learning rules.
    apply : tuple of str
        Proposed rules to apply, as `Rules.applying` takes them.

    Returns
    -------
    Target

    Raises
    ------
    TargetError
        If there is no such column or task.
    UnusableTargetError
        If the column is empty, constant or free text.

    Examples
    --------
    >>> table = pd.DataFrame({"x": ["1", "2", "3", "4"], "y": ["Yes", "no ", "?", "yes"]})
    >>> target = find_target(table, "y")
    >>> target.task, target.values.tolist(), target.missing
    ('classification', ['Yes', 'no', 'yes'], 1)
    >>> find_target(table, "y", apply=("yes/no:y",)).values.tolist()
    ['Yes', 'no', 'Yes']
    """
    if task not in (None, "classification", "regression"):
        raise TargetError(f"a task is 'classification' or 'regression', not {task!r}")
    name, comparison = target_column(list(map(str, frame.columns)), asked)
    if rules is not None and any(c.name == name for c in rules.columns):
        schema, found = rules.column(name), rules.of(name)
    else:
        schema, found = propose_column(name, frame[name], target=True)
    own = tuple(n for n in apply if n.partition(":")[2] in ("", name))
    chosen = Rules([schema], found, name).applying(own, lenient=True)
    schema = chosen.column(name)
    cells, steps, edits = replay_column(frame[name], chosen.rules)
    there = np.array([v is not None for v in cells], dtype=bool)
    rows = np.flatnonzero(there)
    missing = int((~there).sum())
    if not len(rows):
        raise UnusableTargetError(f"target {name!r} has no value in any of the {len(cells)} rows")
    if missing:
        why = "a row without a target teaches nothing"
        steps.append(Step(name, "no target", missing, "", "row left out", why))
    # Edits of "not a number" are there only where the column is one of numbers.
    left = Counter(str(v) for e in edits if e.rule == "not a number" for v in e.before)
    often = {word: n for word, n in left.most_common() if n >= RECURS}
    filled = cells[there]
    if comparison is not None:
        filled, schema = _compare(filled, comparison, name), ColumnSchema(name, "category")
    distinct = pd.unique(pd.Series(filled, dtype=object))
    if len(distinct) < 2:
        raise UnusableTargetError(
            f"target {asked!r} is {distinct[0]!r} in every row: there is nothing to tell apart"
        )
    numeric = schema.kind == "number"
    if task is None:
        whole = numeric and all(float(v).is_integer() for v in distinct)
        few = len(distinct) <= MOST_CLASSES and (
            len(rows) >= 5 * len(distinct) or len(distinct) == 2
        )
        task = "classification" if not numeric or (whole and few) else "regression"
    if task == "regression":
        if not numeric:
            raise UnusableTargetError(
                f"target {name!r} is {schema.kind}, not a number to regress on"
            )
        values: Answers = np.array([float(v) for v in filled])
    else:
        if numeric:
            filled = np.array([f"{float(v):g}" for v in filled], dtype=object)
        values = filled
    return Target(asked, name, task, values, rows, steps, missing, schema, often)


def _compare(
    cells: NDArray[np.object_], comparison: re.Match[str], name: str
) -> NDArray[np.object_]:
    value, sign = comparison["value"].strip("'\""), comparison["sign"]
    try:
        left: list[object] = [float(v) for v in cells]
        right: object = float(value)
    except ValueError:
        if sign not in ("==", "!="):
            raise UnusableTargetError(
                f"{name!r} is not a number column, so {sign} {value} has no meaning; use == or !="
            ) from None
        left, right = list(cells), value
    compare: Callable[[Any, Any], bool] = _SIGNS[sign]
    answers = ["yes" if compare(v, right) else "no" for v in left]
    return np.array(answers, dtype=np.object_)
