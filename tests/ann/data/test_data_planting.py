"""Two hundred tables with planted faults: found, repaired to what stood there, and nothing else.

Each table is cleaned twice: unasked, when no row may go, no label be merged and no value rescaled;
and with all that is proposed, when each fault must be repaired.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from data_planting import FAULTS, Planting, clean_table, plant

from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import Cleaned, clean, typed
from ann.data.judging.leakage import find_leaks

PLANTINGS = 200
RULES = {
    "thousands": {"thousands"},
    "unit": {"unit"},
    "variants": {"trim", "spelling"},
    "yes/no": {"yes/no"},
    "sentinel": {"sentinel"},
}


def same(a: object, b: object) -> bool:
    """Equal as numbers, or as texts."""
    if a is None or a == "":
        return b is None or b == ""
    if b is None:
        return False
    try:
        return float(str(a)) == pytest.approx(float(str(b)), rel=1e-12)
    except ValueError:
        return a == b


def judge(p: Planting, done: Cleaned, leaks: set[str]) -> tuple[dict[str, bool], list[str]]:
    """Return which faults were found and repaired, and which clean cells were changed."""
    found: dict[str, bool] = {}
    wrong: list[str] = []
    touched = {(r, c) for (_, c), rows in p.cells.items() for r in rows}
    kept = done.frame
    for (fault, column), rows in p.cells.items():
        steps = [s for s in done.log.find(column) if s.rule in RULES[fault] and s.applied]
        logged = any(s.rows and s.before and (s.after or fault == "sentinel") for s in steps)
        right = column in kept.columns and all(
            same(p.clean[column][r], kept[column].get(r)) for r in rows if r in kept.index
        )
        found[fault] = logged and right
    for column, fault in p.extra_columns.items():
        if fault == "leak":
            found["leak"] = column in leaks
        else:
            steps = done.log.find(column, "drop")
            found["id"] = column not in kept.columns and bool(steps and steps[0].before)
    if p.extra_rows:
        steps = done.log.find(rule="duplicates")
        dropped = set(p.dirty.index) - set(kept.index)
        found["duplicates"] = len(dropped) == len(p.extra_rows) and bool(steps and steps[0].before)
        groups = p.dirty.map(str.strip).groupby(list(p.dirty.columns)).groups
        wrong += [
            f"rows {list(g)} all gone" for g in groups.values() if not set(g) & set(kept.index)
        ]
    elif len(kept) != len(p.dirty):
        wrong.append(f"{len(p.dirty) - len(kept)} clean rows gone")
    for column in p.clean.columns:
        if column not in kept.columns:
            wrong.append(f"clean column {column} dropped: {done.log.find(column, 'drop')}")
            continue
        before = p.dirty.loc[kept.index, column]
        before = before.where(before != "", None).to_numpy(dtype=object)
        for k in np.flatnonzero(before != kept[column].to_numpy(dtype=object)):
            if (kept.index[k], column) not in touched:
                wrong.append(f"{column}[{kept.index[k]}] {before[k]!r} -> {kept[column].iloc[k]!r}")
    return found, wrong + [f"{n} called a leak" for n in leaks - set(p.extra_columns)]


def harm(p: Planting, done: Cleaned) -> list[str]:
    """Return what was done unasked and takes more away than white space or a code."""
    wrong = [] if p.extra_rows or len(done.frame) == len(p.dirty) else ["rows gone"]
    for edit in done.edits:
        if edit.rule in ("spelling", "yes/no", "scale"):
            wrong.append(f"{edit.rule} in {edit.column} unasked")
        # What becomes missing stands in a column beside it.
        if edit.rule in ("sentinel", "not a number", "not a date"):
            kept = done.frame.loc[edit.rows, f"{edit.column}_code"].tolist()
            wrong += [] if kept == list(edit.before) else [f"{edit.column} lost {kept}"]
    return wrong


def run(seed: int) -> tuple[dict[str, bool], list[str]]:
    p, faults = plant(seed)
    unasked = propose(p.dirty, "outcome")
    wrong = harm(p, clean(p.dirty, unasked))
    rules = unasked.applying([f"{r.rule}:{r.column}" for r in unasked.proposals()])
    done = clean(p.dirty, rules)
    features = typed(done.frame, rules).drop(columns="outcome")
    y = done.frame["outcome"].to_numpy(dtype=object)
    leaks = {s.column for s in find_leaks(features, y) if s.before and s.after}
    found, changed = judge(p, done, leaks)
    assert set(found) == set(faults)
    assert done.undo().equals(p.dirty.astype(object)), "undo does not give back the file"
    return found, [f"seed {seed}: {w}" for w in wrong + changed]


@pytest.mark.parametrize(
    "seeds",
    [range(30), pytest.param(range(30, PLANTINGS), marks=pytest.mark.slow)],
    ids=["few", "all"],
)
@pytest.mark.slow
def test_planted_faults_are_found_and_clean_cells_left_alone(seeds: range) -> None:
    planted: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    misses: list[str] = []
    wrong: list[str] = []
    for seed in seeds:
        found, changed = run(seed)
        wrong += changed
        planted.update(found)
        for fault, right in found.items():
            if not right:
                missed[fault] += 1
                misses.append(f"seed {seed}: {fault}")
    total = sum(planted.values())
    share = 1 - sum(missed.values()) / total
    print(f"{total} faults in {len(seeds)} tables, {share:.1%} found", dict(planted), misses)
    assert set(planted) == set(FAULTS)
    assert not wrong, wrong[:20]
    assert share >= 0.98, misses
    # No kind of fault hides behind the others.
    assert all(missed[f] <= max(1, 0.05 * planted[f]) for f in FAULTS), misses


@pytest.mark.slow
def test_clean_tables_stay_as_they_are() -> None:
    for seed in range(1000, 1040):
        table = clean_table(np.random.default_rng(seed))
        done = clean(table, propose(table, "outcome"))
        assert done.frame.equals(table.where(table != "", None).astype(object)), seed
        applied = [s for s in done.log if s.applied and s.rule != "missing"]
        assert not applied, applied


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_tables_of_measurements_stay_as_they_are(name: str) -> None:
    import sklearn.datasets as bundled

    bunch = getattr(bundled, f"load_{name}")(as_frame=True)
    table = pd.DataFrame(bunch.data)
    done = clean(table, propose(table), rows=False)
    assert list(done.frame.columns) == list(table.columns)
    changed = done.changes()
    assert changed.empty, changed
