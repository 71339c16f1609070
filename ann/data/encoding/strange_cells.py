"""Cells of a new table that a fitted model cannot use: unreadable ones, and words it never saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ann.data.cells.lexicon import MISSING_AMONG_NUMBERS, fold
from ann.data.cleaning.replay import Cleaned
from ann.data.cleaning.schema import Rules
from ann.data.encoding.encoder import NO_VALUE, filled_words
from ann.data.errors import SchemaError
from ann.data.log import Step

__all__ = ["unreadable", "unseen"]


def unreadable(done: Cleaned, rules: Rules) -> list[Step]:
    """Count in each column of numbers or dates the cells that are neither, nor say "missing".

    A column without any value is told too.

    Parameters
    ----------
    done : Cleaned
        A new table, cleaned by the rules of the model.
    rules : Rules
        Those rules.

    Returns
    -------
    list of Step
        One a column that has such cells, or no value at all.

    Raises
    ------
    SchemaError
        If a column has nothing else: every answer would rest on a filler.

    Examples
    --------
    >>> from ann.data.cleaning.propose import propose
    >>> from ann.data.cleaning.replay import clean
    >>> rules = propose(pd.DataFrame({"h": [str(k * k) for k in range(30)]}), rows=False)
    >>> done = clean(pd.DataFrame({"h": ["7", "tall", "?"]}), rules, rows=False)
    >>> [(s.column, s.rows, s.before) for s in unreadable(done, rules)]
    [('h', 1, 'tall')]
    """
    steps = []
    kinds = {c.name: c.kind for c in rules.features() if c.kind in ("number", "date")}
    for edit in done.edits:
        if edit.rule not in ("not a number", "not a date") or edit.column not in kinds:
            continue
        strange = [v for v in edit.before if fold(str(v)) not in MISSING_AMONG_NUMBERS]
        if not strange:
            continue
        kind, shown = kinds[edit.column], str(strange[0])
        if done.frame[edit.column].isna().all():
            raise SchemaError(
                f"column {edit.column!r} was a {kind} where the model was trained, and none of its "
                f"{len(done.frame)} rows holds one here ({shown!r}, for instance); "
                "correct the column before you predict"
            )
        why = f"no {kind}: the value of a typical row was used instead"
        steps.append(Step(edit.column, "unreadable", len(strange), shown, "", why))
    told = {s.column for s in done.log.find(rule="absent")}
    for name in (c.name for c in rules.features() if c.name not in told):
        if done.frame[name].isna().all():
            why = "no value in any row: that of a typical row was used instead"
            steps.append(Step(name, "all missing", len(done.frame), "", "", why))
    return steps


def unseen(frame: pd.DataFrame, words: Iterable[Mapping[str, Any]]) -> list[Step]:
    """Count in each column of words the rows whose word the model was not trained on.

    Parameters
    ----------
    frame : DataFrame
        A new table, cleaned.
    words : iterable of dict
        Of each column its ``name`` and the ``known`` and ``rare`` words, as
        `ann.data.table_model.Encoding` has them.

    Returns
    -------
    list of Step
        One a column that has such rows.

    Examples
    --------
    >>> seen = [{"name": "c", "known": ["a", "b"], "rare": None}]
    >>> [(s.column, s.rows, s.before) for s in unseen(pd.DataFrame({"c": ["a", "z", "z"]}), seen)]
    [('c', 2, 'z')]
    """
    steps = []
    for word in words:
        known = {*word["known"], *(word["rare"] or ()), NO_VALUE}
        new = Counter(v for v in filled_words(frame[word["name"]]) if v not in known)
        if new:
            shown = ", ".join(f"{v!r} ({n})" for v, n in new.most_common(5))
            as_what = "none of the known ones" if word["rare"] is None else "a rare one"
            why = f"never seen in training, taken as {as_what}: {shown}"
            first = new.most_common(1)[0][0]
            steps.append(Step(word["name"], "never seen", sum(new.values()), first, "", why))
    return steps
