"""What each reason of a verdict rests on: one function a kind of finding."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.cells.numerals import is_plain
from ann.data.cleaning.duplicates import row_hashes
from ann.data.judging.crossfit import compare
from ann.data.judging.target import MOST_CLASSES, RECURS, Target
from ann.data.judging.verdict import Level, Verdict
from ann.data.log import Step

__all__ = [
    "OF_THE_COLUMN",
    "P_BAR",
    "Z_BAR",
    "as_words",
    "judge_column",
    "judge_fits",
    "judge_network",
    "judge_order",
    "judge_repeats",
    "judge_signal",
    "judge_size",
    "judge_suspects",
    "judge_target",
]

#: A signal must be this unlikely by chance, this many null standard deviations above it ...
P_BAR, Z_BAR = 0.01, 3.0
#: ... and the model this much better than a guess: 2 AUC - 1, or R².
LEAST_EFFECT, GOOD_EFFECT = 0.05, {"classification": 0.3, "regression": 0.1}
_NO_BETTER = {False: "network no better", True: "network worse"}
LEAST_ROWS, LEAST_A_CLASS, EVENTS_A_FEATURE = 30, 10, 10


#: More rows than this share, left out at one end of a quantity, move its mean by a tenth of its
#: standard deviation (a normal quantity without its smallest twentieth).
WORDS_SHARE = 0.05
#: Reasons that speak of the target's column, all its rows.
OF_THE_COLUMN = ("target changed", "target proposal", "target missing", "target words")


def judge_column(goal: Target, rows: int, verdict: Verdict) -> None:
    """Judge what cleaning did to the target, and what is left of its rows.

    Parameters
    ----------
    goal : Target
    rows : int
        Of the table, those without a target too.
    verdict : Verdict
        Receives the reasons.
    """
    _judge_changes(goal, verdict)
    if goal.missing:
        share = goal.missing / rows
        level: Level = "cannot" if share > 0.5 else ("weak" if share > 0.2 else "note")
        verdict.add(level, "target missing", share=share)
    if goal.words:
        said = ", ".join(f"{word!r} ({n})" for word, n in list(goal.words.items())[:5])
        number = sum(goal.words.values())
        facts = {"words": said, "rows": number, "share": number / rows}
        level = "weak" if number > WORDS_SHARE * rows else "note"
        verdict.add(level, "target words", goal.column, **facts)


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


def judge_target(goal: Target, y: NDArray[Any], verdict: Verdict) -> None:
    if len(y) < LEAST_ROWS:
        verdict.add("cannot", "few rows", rows=len(y), least=LEAST_ROWS)
    if goal.task == "regression":
        steps = np.diff(y.astype(float))
        if len(np.unique(y)) == len(y) and len(y) > 20 and np.mean(steps == 1) > 0.95:
            verdict.add("cannot", "target counts rows")
        return
    classes, counts = np.unique(y.astype(str), return_counts=True)
    n = len(classes)
    if goal.schema.kind in ("category", "text") and _mixed(goal, classes, counts, verdict):
        return
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


def _mixed(
    goal: Target, classes: NDArray[Any], counts: NDArray[np.int64], verdict: Verdict
) -> bool:
    """Refuse answers of which many are quantities, hardly one like another, and others words.

    Codes such as 401 and V27 are numbers and words as well, but each of them recurs.
    """
    number = np.array([is_plain(str(c)) for c in classes], dtype=bool)
    words = {
        str(c): int(k)
        for c, k in zip(classes[~number], counts[~number], strict=True)
        if k >= RECURS
    }
    rows, different = int(counts[number].sum()), int(number.sum())
    if not words or different <= MOST_CLASSES or different < 0.5 * rows:
        return False
    commonest = sorted(words, key=lambda word: -words[word])
    verdict.add(
        "cannot",
        "target of numbers and words",
        goal.column,
        numbers=rows,
        different=different,
        rows=int(counts.sum()) - rows,
        words=", ".join(map(repr, commonest[:5])),
        example=shlex.quote(f"{goal.column} == {commonest[0]}"),
    )
    return True


def judge_suspects(suspects: list[Step], keep: tuple[str, ...], verdict: Verdict) -> None:
    for s in suspects:
        kept = s.column in keep
        after = "kept by request" if kept else s.after
        verdict.log.add(replace(s, after=after, applied=not kept))
        option = shlex.join(["--keep", s.column])
        verdict.add(
            "note" if s.rule == "leak" and not kept else "weak",
            s.rule,
            s.column,
            action="kept by request" if kept else "left out",
            why=s.why,
            remedy="" if kept else f" (to use it all the same: {option})",
        )
        if not kept and s.column not in verdict.leave_out:
            verdict.leave_out.append(s.column)


def judge_order(y: NDArray[Any], verdict: Verdict) -> None:
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


def judge_repeats(features: pd.DataFrame, y: NDArray[Any], verdict: Verdict) -> float | None:
    """Rows alike in all features: those that differ in the target bound every model."""
    table = pd.DataFrame({"row": row_hashes(as_words(features)), "y": y})
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


def as_words(features: pd.DataFrame) -> pd.DataFrame:
    return features.astype(object).where(features.notna(), None)


def judge_signal(verdict: Verdict) -> None:
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


def judge_size(y: NDArray[Any], verdict: Verdict) -> None:
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


def judge_fits(verdict: Verdict) -> None:
    """Say which models did not reach their best fit."""
    names = {"linear": _simple(verdict), "network": "network"}
    for name, score in verdict.learned.items():
        if score.doubts:
            told: dict[str, Any] = {"folds": len(score.doubts), "why": score.doubts[0]}
            verdict.add("note", "not converged", model=names[name], **told)


def _simple(verdict: Verdict) -> str:
    return f"{'logistic' if verdict.task == 'classification' else 'linear'} regression"


def judge_network(verdict: Verdict) -> None:
    if "network" not in verdict.scores:
        return
    gain, error = compare(verdict.scores["network"], verdict.scores["linear"])
    classify = verdict.task == "classification"
    verdict.add(
        "note",
        "network better" if gain > 2 * error and gain > 0 else _NO_BETTER[bool(gain < 0)],
        simple=_simple(verdict),
        loss="log-loss" if classify else "squared error",
        gain=abs(gain),
        error=error,
    )
