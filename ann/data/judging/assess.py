"""Judging whether the data can support a model.

A reason of level `cannot` forbids a model (no usable target, too few rows, nothing beyond chance);
`weak` means that a model can be fitted but should not be relied on.
"""

from __future__ import annotations

from dataclasses import replace
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
from ann.data.judging.crossfit import compare, cross_fit
from ann.data.judging.leakage import find_suspects
from ann.data.judging.signals import signal_test
from ann.data.judging.target import Target, find_target
from ann.data.judging.verdict import Level, Verdict
from ann.data.log import Step

__all__ = ["MOST_ROWS", "assess"]

#: A signal must be this unlikely by chance, this many null standard deviations above it ...
P_BAR, Z_BAR = 0.01, 3.0
#: ... and the model this much better than a guess: 2 AUC - 1, or R².
LEAST_EFFECT, GOOD_EFFECT = 0.05, {"classification": 0.3, "regression": 0.1}
LEAST_ROWS, LEAST_A_CLASS, EVENTS_A_FEATURE = 30, 10, 10
MOST_ROWS, MOST_MODEL_ROWS = 100_000, 50_000


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
    _judge_changes(goal, verdict)
    kept, y, proposal = _without_repeats(frame, goal, rules, apply, verdict)
    X = kept.drop(columns=goal.column).reset_index(drop=True)
    verdict.rows = len(y)
    _judge_target(goal, y, len(frame), verdict)
    hidden = [n for n in leave_out if n != goal.column]
    if group is not None and group not in keep:
        hidden.append(group)
    usable = _features(X, proposal, hidden, verdict)
    if verdict.level == "cannot":
        return verdict
    groups = None if group is None else _numbered(X[group])
    suspects = find_suspects(usable, y, grouped=group is not None, seed=seed)
    _judge_suspects(suspects, keep, verdict)
    names = [s.column for s in suspects if s.rule == "group" and s.column in verdict.leave_out]
    if names:
        groups = _numbered(usable[names[0]])
    usable = usable.drop(columns=verdict.leave_out)
    if usable.shape[1] == 0:
        verdict.add("cannot", "only leaks")
        return verdict
    _judge_order(y, verdict)
    # Rows that look like copies of each other are kept in one fold.
    twins = find_twins(usable) if groups is None else None
    if twins is None and groups is None and verdict.has("equal rows proposed"):
        labels = np.unique(row_hashes(_as_words(usable)), return_inverse=True)[1]
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
    ceiling = _judge_repeats(usable, y, verdict)
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
    _judge_signal(verdict)
    _judge_size(y, verdict)
    _judge_network(verdict)
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
        verdict.add("cannot", "no features", dropped=f": {gone}" if gone else "")
    return usable


def _numbered(names: pd.Series) -> NDArray[np.intp]:
    return pd.factorize(names.map(str))[0]


def _judge_changes(goal: Target, verdict: Verdict) -> None:
    """Name every rule that touched the target, and those that would have liked to."""
    for s in goal.steps:
        if not s.effect or not s.rows:
            continue
        told = {"rule": s.rule, "rows": s.rows, "why": s.why}
        if s.applied:
            facts = {"effect": s.effect, "before": s.before, "after": s.after or "missing"}
            verdict.add("note", "target changed", s.column, **told, **facts)
        elif s.rule != "outlier":
            level: Level = "weak" if s.proposed else "note"
            verdict.add(level, "target proposal", s.column, **told, option=s.option)


def _judge_target(goal: Target, y: NDArray[Any], rows: int, verdict: Verdict) -> None:
    if goal.missing:
        share = goal.missing / rows
        level: Level = "cannot" if share > 0.5 else ("weak" if share > 0.2 else "note")
        verdict.add(level, "target missing", share=share)
    if len(y) < LEAST_ROWS:
        verdict.add("cannot", "few rows", rows=len(y), least=LEAST_ROWS)
    if goal.task == "regression":
        steps = np.diff(y.astype(float))
        if len(np.unique(y)) == len(y) and len(y) > 20 and np.mean(steps == 1) > 0.95:
            verdict.add("cannot", "target counts rows")
        return
    classes, counts = np.unique(y.astype(str), return_counts=True)
    n = len(classes)
    if goal.schema.kind in ("category", "text") and n > 0.5 * len(y):
        verdict.add("cannot", "target of labels", classes=n, rows=len(y))
        return
    few = {str(c): int(k) for c, k in zip(classes, counts, strict=True) if k < LEAST_A_CLASS}
    if n - len(few) < 2:
        rarest, fewest = str(classes[counts.argmin()]), int(counts.min())
        facts: dict[str, Any] = {"enough": n - len(few), "classes": n, "least": LEAST_A_CLASS}
        verdict.add("cannot", "too few classes", rarest=rarest, rows=fewest, **facts)
    elif few:
        shown = ", ".join(f"{c!r} ({k})" for c, k in few.items())
        verdict.add("weak", "rare classes", classes=shown)
    if counts.max() > 0.95 * len(y):
        commonest = str(classes[counts.argmax()])
        verdict.add("note", "imbalance", share=counts.max() / len(y), commonest=commonest)


def _judge_suspects(suspects: list[Step], keep: tuple[str, ...], verdict: Verdict) -> None:
    for s in suspects:
        kept = s.column in keep
        after = "kept by request" if kept else s.after
        verdict.log.add(replace(s, after=after, applied=not kept))
        verdict.add(
            "note" if s.rule == "leak" and not kept else "weak",
            s.rule,
            s.column,
            action="kept by request" if kept else "left out",
            why=s.why,
        )
        if not kept and s.column not in verdict.leave_out:
            verdict.leave_out.append(s.column)


def _judge_order(y: NDArray[Any], verdict: Verdict) -> None:
    """Say whether the file is sorted by its target."""
    if y.dtype == object:
        same = float(np.mean(y[1:] == y[:-1]))
        _, counts = np.unique(y.astype(str), return_counts=True)
        chance = float(((counts / len(y)) ** 2).sum())
        ordered = same > 0.95 and same > chance + 0.2
    else:
        rises = np.diff(y.astype(float))
        ordered = bool(np.mean(rises >= 0) > 0.95 or np.mean(rises <= 0) > 0.95)
    if ordered:
        verdict.add("note", "sorted")


def _judge_repeats(features: pd.DataFrame, y: NDArray[Any], verdict: Verdict) -> float | None:
    """Rows alike in all features: those that differ in the target bound every model."""
    table = pd.DataFrame({"row": row_hashes(_as_words(features)), "y": y})
    shared = int(table["row"].duplicated(keep=False).sum())
    if not shared or y.dtype != object:
        return None
    counts = table.value_counts()
    ceiling = float(counts.groupby("row").max().sum()) / len(y)
    conflicting = round((1 - ceiling) * len(y))
    if shared > 0.05 * len(y):
        verdict.add("note", "repeats", rows=shared, share=shared / len(y))
    if conflicting > 0.001 * len(y):
        base = table["y"].value_counts().iloc[0] / len(y)
        level: Level = "weak" if ceiling - base < 0.5 * (1 - base) else "note"
        verdict.add(level, "contradictions", rows=conflicting, ceiling=ceiling)
    return ceiling if conflicting else None


def _as_words(features: pd.DataFrame) -> pd.DataFrame:
    return features.astype(object).where(features.notna(), None)


def _judge_signal(verdict: Verdict) -> None:
    signal = verdict.signal
    assert signal is not None
    effect = max(s.effect for s in verdict.learned.values())
    level: Level = "cannot"
    if signal.p > P_BAR or signal.z < Z_BAR:
        kind = "no signal"
    elif effect < LEAST_EFFECT:
        kind = "trace"
    elif effect < GOOD_EFFECT[verdict.task]:
        level, kind = "weak", "faint signal"
    else:
        level, kind = "note", "signal"
    facts = {k: getattr(signal, k) for k in ("p", "z", "permutations", "rows")}
    measure = "2 AUC - 1" if verdict.task == "classification" else "R²"
    verdict.add(level, kind, measure=measure, effect=effect, **facts)


def _judge_size(y: NDArray[Any], verdict: Verdict) -> None:
    events, what = len(y), "rows"
    if verdict.task == "classification":
        events = int(np.unique(y.astype(str), return_counts=True)[1].min())
        what = "rows of the rarest class"
    each = events / max(verdict.features, 1)
    if each < EVENTS_A_FEATURE:
        # A strong effect with a narrow interval has shown that the rows suffice.
        sure = any(s.effect - 2 * s.effect_se > 0.5 for s in verdict.learned.values())
        facts: dict[str, Any] = {"events": events, "features": verdict.features}
        verdict.add("note" if sure else "weak", "size", each=each, what=what, **facts)


def _judge_network(verdict: Verdict) -> None:
    if "network" not in verdict.scores:
        return
    gain, error = compare(verdict.scores["network"], verdict.scores["linear"])
    classify = verdict.task == "classification"
    verdict.add(
        "note",
        "network better" if gain > 2 * error and gain > 0 else "network no better",
        simple="logistic regression" if classify else "linear regression",
        loss="log-loss" if classify else "squared error",
        gain=gain,
        error=error,
    )
