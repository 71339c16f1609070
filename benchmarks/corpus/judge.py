"""Clean a table and hold every action against what is true of it.

An action is right if the cell says afterwards what it truly said before: a number of the same
size, the same day, the same word, or nothing where nothing was known. Blank cells that become
missing are no action. What a rule proposes without doing it is judged in the same way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from corpus.cell_values import due_counts, needs, same_value, several_spellings, shared_texts
from corpus.harm_score import Score
from corpus.truth import Facts, TrueTable, collapse

from ann.data import ReadError, Rules, clean, propose, read_table
from ann.data.errors import ContradictionError

__all__ = ["judge", "judge_frame"]

#: Rules that only report: a cell far out is kept, and says so.
REPORTS = frozenset({"outlier"})
#: A proposal is right if at least this share of what it would change is right.
SOUND = 0.95


def _aligned(frame: pd.DataFrame, truth: TrueTable) -> int | None:
    """Return after how many rows of the frame the true rows begin, or None."""
    if frame.shape[1] != len(truth.names):
        return None
    for start in range(len(frame) - len(truth.cells) + 1):
        ends = ((start, 0), (start + len(truth.cells) - 1, -1))
        if all(
            [str(v).strip() for v in frame.iloc[a]] == [v.strip() for v in truth.cells[b]]
            for a, b in ends
        ):
            return start
    return None


def judge(facts: Facts, folder: Path) -> Score:
    """Read, propose, clean, and hold it against the truth.

    Parameters
    ----------
    facts : Facts
    folder : Path
        With the files of the corpus.

    Returns
    -------
    Score
    """
    truth = TrueTable.read(facts, folder)
    score = Score(facts.name, facts.group)
    try:
        frame = read_table(folder / f"{facts.name}{facts.suffix}").frame
    except ReadError as error:
        frame = pd.DataFrame()
        score.harm("", "reading", "file misread", 1, [f"refused: {error}"])
    start = _aligned(frame, truth) if len(frame) else None
    if len(frame):
        _reading(score, frame, truth, start)
    for fault in facts.reading:
        score.fault(fault, not any(w.harm == "file misread" for w in score.wrong))
    if start is None:
        _nothing_done(score, truth)
        return score
    kept = frame.iloc[start : start + len(truth.cells)].reset_index(drop=True)
    judge_frame(score, truth, frame, kept)
    return score


def _reading(score: Score, frame: pd.DataFrame, truth: TrueTable, start: int | None) -> None:
    """Write down what is wrong with the shape and the names of a table that was read."""
    names = [str(n) for n in frame.columns]
    shown = []
    lost = len(truth.cells) - len(frame)
    if lost > 0:
        score.harm("", "reading", "row removed", lost, [f"{len(frame)} rows were read"])
    if frame.shape != (len(truth.cells), len(truth.names)):
        shown.append(f"{frame.shape} instead of {(len(truth.cells), len(truth.names))}")
    if truth.facts.header:
        # A row of names below or above may have been joined to the names.
        pairs = zip(truth.names, names, strict=False)
        wrong = [
            n
            for t, n in pairs
            if not t.startswith("column ") and not n.startswith(t) and not n.endswith(t)
        ]
        if wrong:
            shown.append(f"names {names[:4]} instead of {truth.names[:4]}")
    elif start != 0:
        shown.append(f"the first row became names: {names[:4]}")
    if not shown and start is None:
        shown.append("cells differ from those of the file")
    if shown:
        score.harm("", "reading", "file misread", 1, shown)


def _nothing_done(score: Score, truth: TrueTable) -> None:
    """Count what was due and the known faults of a table that could not be judged further."""
    for place, column in enumerate(truth.names):
        cells = truth.column(place)
        for kind, n in due_counts(truth.facts, column, cells).items():
            if column not in truth.facts.unfit:
                score.tally["due"] += n
            score.fault(f"{column}: {kind}", False)


def judge_frame(
    score: Score, truth: TrueTable, frame: pd.DataFrame, kept: pd.DataFrame
) -> tuple[Rules, Any]:
    """Judge the cleaning of a table that was read.

    Parameters
    ----------
    score : Score
        Added to.
    truth : TrueTable
    frame : DataFrame
        As the code under test read it; its columns stand in the order of `truth`.
    kept : DataFrame
        Its rows that are data, numbered from 0.

    Returns
    -------
    rules : Rules
    done : Cleaned
    """
    facts = truth.facts
    name_of = dict(zip(truth.names, frame.columns, strict=True))
    target = name_of.get(facts.target) if facts.target else None
    rules = propose(kept, target)
    done = clean(kept, rules)
    score.undo = bool(done.undo().equals(kept.astype(object)))
    gone = kept.index.difference(done.frame.index)
    if len(gone):
        if facts.equal_rows == "repeated":
            score.tally["rows removed rightly"] += len(gone)
        else:
            shown = [", ".join(map(str, kept.loc[gone[0]]))[:120]]
            score.harm("", "duplicates", "row removed", len(gone), shown)
    for place, column in enumerate(truth.names):
        name = str(frame.columns[place])
        _judge_column(score, facts, column, name, kept.iloc[:, place], rules, done)
    _judge_rows(score, truth, rules)
    return rules, done


def _judge_column(
    score: Score, facts: Facts, column: str, name: str, raw: pd.Series, rules: Rules, done: Any
) -> None:
    # What was due in rows that are gone is judged with the rows.
    cells = [str(v) for v in raw.loc[raw.index.isin(done.frame.index)]]
    due = due_counts(facts, column, cells)
    covered: Counter[str] = Counter()
    shared = shared_texts(cells)
    if name not in done.frame.columns:
        if column not in facts.unfit and any(v.strip() for v in cells):
            why = next((r.why for r in rules.of(name) if r.rule == "drop"), "")
            score.harm(column, "drop", "column left out", 1, [why])
        if column not in facts.unfit:
            # A column that is no feature needs no repair.
            for kind in due:
                score.fault(f"{column}: {kind}", False)
            score.tally["due"] += sum(n for k, n in due.items() if k != "doubtful")
        return
    pairs = Counter(zip(cells, [_text(v) for v in done.frame[name]], strict=True))
    used = _rules_used(done, name, raw)
    _judge_edits(score, facts, column, pairs, used)
    for (before, now), n in pairs.items():
        kind = needs(facts, column, before, shared)
        if before.strip() in facts.spelled("doubtful", column):
            kind = "doubtful"
        if kind and now != before and same_value(facts, column, before, now):
            covered[kind] += n
    if column not in facts.unfit:
        score.tally["due"] += sum(n for k, n in due.items() if k != "doubtful")
        score.tally["done"] += sum(n for k, n in covered.items() if k != "doubtful")
    proposed = _judge_proposals(score, facts, column, name, pairs, rules)
    for kind, n in due.items():
        enough = covered[kind] + proposed[kind] >= SOUND * n
        score.fault(f"{column}: {kind}, {n} cells", enough)
    if several := several_spellings(facts, column, cells):
        merged = {collapse(b) for b, a in pairs if a is not None and collapse(b) != a}
        found = bool(several & merged) or proposed["labels"] > 0
        score.fault(f"{column}: spellings of one label", found)


def _text(value: object) -> str | None:
    return None if value is None or (isinstance(value, float) and np.isnan(value)) else str(value)


def _rules_used(done: Any, name: str, raw: pd.Series) -> dict[str, list[str]]:
    used: dict[str, list[str]] = defaultdict(list)
    texts = raw.map(str).to_dict()
    for edit in done.edits:
        if edit.column == name:
            for text in {texts[r] for r in edit.rows}:
                used[text].append(edit.rule)
    return used


def _judge_edits(
    score: Score,
    facts: Facts,
    column: str,
    pairs: Counter[tuple[str, str | None]],
    used: dict[str, list[str]],
) -> None:
    wrong: dict[tuple[str, str], list[tuple[str, str | None, int]]] = defaultdict(list)
    labels: dict[str, set[str]] = defaultdict(set)
    for (before, after), n in pairs.items():
        if after is not None and facts.kind(column) == "word":
            labels[after].add(collapse(before))
        if after == before or (after is None and not before.strip()):
            continue
        right = same_value(facts, column, before, after)
        if right is None:
            continue
        score.tally["altered"] += n
        if not right:
            score.tally["altered wrongly"] += n
            rule = "+".join(dict.fromkeys(r for r in used[before] if r != "trim")) or "trim"
            wrong[rule, _harm(facts, column, after)].append((before, after, n))
    for (rule, harm), cells in wrong.items():
        shown = [f"{b!r} -> {a!r} ({n})" for b, a, n in sorted(cells, key=lambda c: -c[2])]
        count = len(cells) if harm == "label merged" else sum(c[2] for c in cells)
        if harm == "label merged" and all(len(labels[str(a)]) < 2 for _, a, _ in cells):
            harm, count = "cell altered", sum(c[2] for c in cells)
        score.harm(column, rule, harm, count, shown)


def _harm(facts: Facts, column: str, after: str | None) -> str:
    if after is None:
        return "cell blanked"
    return {"number": "value rescaled", "date": "cell altered"}.get(
        facts.kind(column), "label merged"
    )


def _judge_proposals(
    score: Score,
    facts: Facts,
    column: str,
    name: str,
    pairs: Counter[tuple[str, str | None]],
    rules: Rules,
) -> Counter[str]:
    """Judge what the rules of one column would do, and return how many cells of each kind."""
    covered: Counter[str] = Counter()
    for rule in rules.of(name):
        if rule.apply or rule.rule == "drop":
            continue
        function = rule.function()
        right = wrong = 0
        shown: list[str] = []
        kinds: Counter[str] = Counter()
        for (before, now), n in pairs.items():
            try:
                new = None if now is None else function(now)
            except ContradictionError:
                continue
            if new == now:
                continue
            verdict = same_value(facts, column, before, new)
            right, wrong = right + n * bool(verdict), wrong + n * (verdict is False)
            if verdict is False:
                shown.append(f"{before!r} -> {new!r} ({n})")
            elif verdict:
                doubtful = before.strip() in facts.spelled("doubtful", column)
                kinds["doubtful" if doubtful else needs(facts, column, before, frozenset())] += n
                kinds["labels"] += n if facts.kind(column) == "word" else 0
        if not right + wrong:
            continue
        sound = right >= SOUND * (right + wrong)
        if rule.rule in REPORTS:
            score.tally["reports"] += 1
            continue
        # A finding that is told without being recommended can mislead as well: it counts among the
        # proposals, and those recommended are counted once more by themselves.
        score.tally["proposals"] += 1
        score.tally["recommended"] += rule.proposed
        if sound:
            score.tally["right proposals"] += 1
            score.tally["recommended rightly"] += rule.proposed
            covered += kinds
        else:
            score.harm(column, rule.rule, "wrong proposal", 1, shown)
    return covered


def _judge_rows(score: Score, truth: TrueTable, rules: Rules) -> None:
    facts = truth.facts
    found = [r for r in rules.rules if r.rule == "duplicates"]
    if facts.equal_rows in ("repeated", "likely repeats"):
        score.fault(f"{truth.equal_rows} equal rows", bool(found))
    for rule in found:
        if rule.apply:
            continue
        if facts.equal_rows == "different":
            # Equal rows are a fact; that they are equal is a report and no claim.
            score.tally["reports"] += 1
        else:
            score.tally["proposals"] += 1
            score.tally["right proposals"] += 1
