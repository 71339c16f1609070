"""Judging whether the data can support a model.

A reason of level `cannot` forbids a model (no usable target, too few rows, nothing beyond chance);
`weak` means that a model can be fitted but should not be relied on.
"""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from ann.data.cells.text_cells import text_frame
from ann.data.chance import sample
from ann.data.cleaning.cleaner import Cleaner
from ann.data.cleaning.duplicates import Twins, find_twins, row_hashes, without_repeats
from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean, typed
from ann.data.cleaning.schema import Rules
from ann.data.encoding.encoder import Encoder
from ann.data.errors import TargetError, UnusableTargetError, require_known
from ann.data.files.reading import RawTable
from ann.data.judging.candidates import candidate
from ann.data.judging.crossfit import cross_fit
from ann.data.judging.entities import find_entities
from ann.data.judging.leakage import find_suspects
from ann.data.judging.reasons import (
    P_BAR,
    Z_BAR,
    as_words,
    judge_column,
    judge_fits,
    judge_network,
    judge_order,
    judge_repeats,
    judge_signal,
    judge_size,
    judge_suspects,
    judge_target,
)
from ann.data.judging.signals import signal_test
from ann.data.judging.target import Target, find_target
from ann.data.judging.verdict import Level, Verdict
from ann.data.log import Step

__all__ = ["MOST_ROWS", "assess"]

MOST_ROWS, MOST_MODEL_ROWS = 100_000, 50_000
_KEEP_IT = (
    '. To use a column all the same, set "apply" to false in its rule "drop" in the rules.json '
    "that `neurosim data profile` writes, and add --rules rules.json"
)


def assess(
    table: Any,
    target: str,
    *,
    task: str | None = None,
    group: str | None = None,
    keep: tuple[str, ...] = (),
    leave_out: tuple[str, ...] = (),
    rules: Rules | None = None,
    apply: tuple[str, ...] = (),
    network: Any = "default",
    permutations: int = 399,
    seed: int = 0,
) -> Verdict:
    """Judge whether a table supports a model of one of its columns.

    Parameters
    ----------
    table : RawTable, DataFrame or mapping of columns
        As read; cleaning rules are learned inside each fold.
    target : str
        The column, or a comparison such as ``"num > 0"``.
    task : str, optional
        ``"classification"`` or ``"regression"`` where the guess would be wrong.
    group : str, optional
        Rows that share this column's value stay in one fold.
    keep : sequence of str
        Columns to use although they give the target or the origin away.
    leave_out : sequence of str
        Columns not to use.
    rules : Rules, optional
        Clean by these instead of learning rules.
    apply : tuple of str
        Proposed rules to apply, each ``"RULE"`` or ``"RULE:COLUMN"``.
    network : estimator or None
        What to set beside logistic regression; by default a small network of this package. None
        leaves it out.
    permutations : int
        Of the signal test; at least 199, or p <= .01 could hardly be reached.
    seed : int
        Of folds, samples and shuffling.

    Returns
    -------
    Verdict

    Raises
    ------
    TargetError
        If there is no such column. (A column that cannot be a target is a verdict, no error.)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"a": rng.normal(size=200), "b": rng.normal(size=200)})
    >>> y = np.where(X["a"] + 0.3 * rng.normal(size=200) > 0, "yes", "no")
    >>> assess(X.assign(y=y), "y", network=None).level
    'supports'
    >>> assess(X.assign(y=rng.permutation(y)), "y", network=None).level
    'cannot'
    """
    verdict = Verdict("supports", [], target)
    frame = _frame(table, verdict, seed)
    named = (*keep, *leave_out, *((group,) if group else ()))
    require_known("there is no column", named, frame.columns, error=TargetError)
    try:
        goal = find_target(frame, target, task=task, rules=rules, apply=apply)
    except UnusableTargetError as error:
        verdict.rows = len(frame)
        verdict.add("cannot", "target unusable", why=str(error))
        return verdict
    verdict.log.extend(goal.steps)
    verdict.task = goal.task
    judge_column(goal, len(frame), verdict)
    kept, y, proposal = _without_repeats(frame, goal, rules, apply, verdict)
    X = kept.drop(columns=goal.column).reset_index(drop=True)
    verdict.rows = len(y)
    judge_target(goal, y, verdict)
    hidden = [n for n in leave_out if n != goal.column]
    if group is not None and group not in keep:
        hidden.append(group)
    usable = _features(X, proposal, hidden, verdict)
    if verdict.level == "cannot":
        return verdict
    groups = None if group is None else _numbered(X[group])
    usable = usable.drop(columns=_open_dates(proposal, usable, verdict))
    if group is None and (panel := find_entities(_with_names(X, usable, proposal), y)) is not None:
        told = {"number": panel.number, "each": len(y) / panel.number, "alike": panel.alike}
        verdict.add("weak", "entities", panel.column, time=panel.time, **told)
    suspects = find_suspects(usable, y, grouped=group is not None, seed=seed)
    judge_suspects(suspects, keep, verdict)
    names = [s.column for s in suspects if s.rule == "group" and s.column in verdict.leave_out]
    if names:
        groups = _numbered(usable[names[0]])
    usable = usable.drop(columns=verdict.leave_out, errors="ignore")
    if usable.shape[1] == 0:
        verdict.add("cannot", "only leaks")
        return verdict
    judge_order(y, verdict)
    # Rows that look like copies of each other are kept in one fold.
    twins = find_twins(usable) if groups is None else None
    if twins is None and groups is None and verdict.has("equal rows proposed"):
        labels = np.unique(row_hashes(as_words(usable)), return_inverse=True)[1]
        twins = Twins("", int((np.bincount(labels)[labels] > 1).sum()), labels)
    if twins is not None:
        where = f"every feature but {twins.column}" if twins.column else "every feature"
        verdict.add("weak", "copies", twins.column, rows=twins.rows, where=where)
        groups = twins.labels
    matrix = Encoder().fit_transform(usable)
    verdict.features = matrix.shape[1]
    verdict.signal = signal_test(
        matrix, y, groups=groups, permutations=max(199, permutations), seed=seed
    )
    ceiling = judge_repeats(usable, y, verdict)
    models: dict[str, Any] = {"linear": candidate("logistic", goal.task)}
    if verdict.signal.p <= P_BAR and verdict.signal.z >= Z_BAR and network is not None:
        small = candidate("shallow", goal.task, seed=seed, max_epochs=20)
        models["network"] = small if network == "default" else clone(network)
    rows = sample(len(y), MOST_MODEL_ROWS, seed)
    out = dict.fromkeys((*hidden, *verdict.leave_out))
    verdict.scores = cross_fit(
        X.iloc[rows].reset_index(drop=True),
        y[rows],
        models,
        cleaner=Cleaner(
            None if rules is None else rules.without(goal.column),
            tuple(n for n in out if n in X.columns),
            apply,
        ),
        groups=None if groups is None else groups[rows],
        seed=seed,
    )
    if len(rows) < len(y):
        verdict.add("note", "models' sample", kept=len(rows), rows=len(y))
    judge_signal(verdict)
    judge_size(y, verdict)
    judge_fits(verdict)
    judge_network(verdict)
    if ceiling is not None:
        best = max(s.accuracy for s in verdict.learned.values())
        if best > ceiling:
            verdict.add("note", "ceiling", best=best, ceiling=ceiling)
    return verdict


def _frame(table: Any, verdict: Verdict, seed: int) -> pd.DataFrame:
    """Return the table as text, or a sample of its rows, which the verdict then says."""
    if isinstance(table, RawTable):
        verdict.log.extend(table.log)
        if table.sampled:
            verdict.add("note", "sample kept", kept=len(table.frame), rows=table.rows_in_file)
        table = table.frame
    frame = text_frame(table)
    if len(frame) > MOST_ROWS:
        verdict.add("note", "sample drawn", kept=MOST_ROWS, rows=len(frame), seed=seed)
        verdict.log.add(Step("", "sample", MOST_ROWS, why=verdict.reasons[-1].text))
        frame = frame.iloc[sample(len(frame), MOST_ROWS, seed)]
    return frame.reset_index(drop=True)


def _without_repeats(
    frame: pd.DataFrame,
    goal: Target,
    rules: Rules | None,
    apply: tuple[str, ...],
    verdict: Verdict,
) -> tuple[pd.DataFrame, NDArray[Any], Rules]:
    """Leave out rows without target and proven copies; return rows, target and rules."""
    kept = frame.iloc[goal.rows]
    proposal = propose(kept, goal.column) if rules is None else rules
    for name in apply:
        if not any(name in (r.rule, f"{r.rule}:{r.column}") for r in proposal.rules):
            verdict.add("note", "nothing to apply", name=name)
    proposal = proposal.applying(apply, lenient=True)
    for rule in proposal.rules:
        if rule.rule == "duplicates" and not rule.apply:
            verdict.log.add(rule.step(rule.rows))
            kind = "equal rows proposed" if rule.proposed else "equal rows"
            level: Level = "weak" if rule.proposed else "note"
            verdict.add(level, kind, why=rule.why, option=rule.step(0).option)
    # Left in, copies would stand on both sides of a split.
    once, y, steps = without_repeats(kept, goal.values, proposal.rules)
    for step in steps:
        verdict.log.add(step)
        verdict.add("note", "duplicates", rows=step.rows, share=step.rows / len(kept), why=step.why)
    return once, y, proposal.without(goal.column)


def _features(
    X: pd.DataFrame, proposal: Rules, hidden: list[str], verdict: Verdict
) -> pd.DataFrame:
    """Return the cleaned columns that may be features."""
    done = clean(X, proposal, rows=False)
    verdict.log.extend(done.log)
    usable = typed(done.frame, proposal).drop(columns=hidden, errors="ignore")
    if usable.shape[1] == 0:
        gone = "; ".join(f"{c} ({w})" for c, w in list(proposal.dropped().items())[:6])
        kept = {r.column for r in proposal.rules if r.rule == "drop" and r.apply}
        kept &= {c.name for c in proposal.columns if c.kind in ("text", "id")}
        remedy = _KEEP_IT if kept else ""
        verdict.add("cannot", "no features", dropped=f": {gone}{remedy}" if gone else "")
    return usable


def _with_names(X: pd.DataFrame, usable: pd.DataFrame, proposal: Rules) -> pd.DataFrame:
    """Return the features and the ids that are none: these may name what rows are about."""
    ids = [c.name for c in proposal.columns if c.kind == "id" and c.name in X.columns]
    return usable.assign(**{n: X[n].to_numpy() for n in ids if n not in usable.columns})


def _open_dates(proposal: Rules, usable: pd.DataFrame, verdict: Verdict) -> list[str]:
    """Leave out dates whose order of day and month is open: read wrong, they mislead."""
    found = []
    for rule in proposal.rules:
        if rule.rule == "date" and not rule.apply and rule.column in usable.columns:
            found.append(rule.column)
            told = {"why": rule.why, "option": rule.step(0, rule.before, rule.after).option}
            told["option"] = told["option"] or shlex.join(["--leave-out", rule.column])
            verdict.add("note", "open dates", rule.column, **told)
    verdict.leave_out += found
    return found


def _numbered(names: pd.Series) -> NDArray[np.intp]:
    return pd.factorize(names.map(str))[0]
