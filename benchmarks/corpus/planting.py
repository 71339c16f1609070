"""Faults planted into real tables, so that what is found can be counted where the truth is known.

Each planting takes a table of the corpus as its file has it, spoils columns that have no fault of
their own, and says so in the facts; then it is judged like any other table. The plantings into
made-up tables are in ``tests/ann/data/data_planting.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from corpus.cell_values import plain_number
from corpus.harm_score import Score
from corpus.judge import judge_frame
from corpus.truth import Facts, TrueTable, collapse

__all__ = ["KINDS", "judge_planted", "plant"]

#: Smaller tables have too few cells for a share to mean anything.
LEAST_ROWS = 60
Planter = Callable[[np.random.Generator, TrueTable, list[int]], tuple[TrueTable, str] | None]


def _spoiled(truth: TrueTable, place: int, cells: list[str], facts: Facts) -> TrueTable:
    """Return the table with one column's cells and other facts."""
    rows = [[*r[:place], c, *r[place + 1 :]] for r, c in zip(truth.cells, cells, strict=True)]
    return TrueTable(facts, truth.names, rows)


def _dressed(
    rng: np.random.Generator,
    truth: TrueTable,
    free: list[int],
    fit: list[int],
    dress: Callable[[str], str],
    fact: str,
    value: object,
) -> tuple[TrueTable, str] | None:
    """Write the cells of one of the columns that fit another way, and say so in the facts."""
    if not fit:
        return None
    place = int(rng.choice(fit))
    cells = [dress(v.strip()) if v.strip() else v for v in truth.column(place)]
    free.remove(place)
    return _spoiled(truth, place, cells, _known(truth, place, fact, value)), truth.names[place]


def _known(truth: TrueTable, place: int, fact: str, value: object) -> Facts:
    """Return the facts of a table with one more about a column."""
    more = {**getattr(truth.facts, fact), truth.names[place]: value}
    return replace(truth.facts, **{fact: more})


def _numbers(truth: TrueTable, place: int) -> list[float] | None:
    """Return a column's numbers if all its filled cells are plain ones of at least ten sizes."""
    column = truth.names[place]
    filled = [v for v in truth.column(place) if v.strip()]
    found = [plain_number(v) for v in filled]
    if truth.facts.kind(column) != "number" or len(filled) < LEAST_ROWS:
        return None
    numbers = [float(v) for v in found if v is not None and not v.is_zero()]
    zeros = sum(v is not None and v.is_zero() for v in found)
    if len(numbers) + zeros < len(filled) or len(set(numbers)) < 10:
        return None
    return numbers + [0.0] * zeros


def sentinel(
    rng: np.random.Generator, truth: TrueTable, free: list[int]
) -> tuple[TrueTable, str] | None:
    """-999 in a column of amounts, in 4 % of its cells."""
    fit = [k for k in free if (v := _numbers(truth, k)) and min(v) >= 0 and max(v) <= 500]
    if not fit:
        return None
    place = int(rng.choice(fit))
    cells = truth.column(place)
    rows = rng.choice(len(cells), max(5, len(cells) // 25), replace=False)
    for r in rows:
        cells[r] = "-999"
    free.remove(place)
    facts = _known(truth, place, "missing", ["-999"])
    return _spoiled(truth, place, cells, facts), truth.names[place]


def unit(
    rng: np.random.Generator, truth: TrueTable, free: list[int]
) -> tuple[TrueTable, str] | None:
    """A unit behind each number of a column."""
    fit = [k for k in free if _numbers(truth, k)]
    return _dressed(rng, truth, free, fit, "{} kg".format, "units", {"kg": "1"})


def thousands(
    rng: np.random.Generator, truth: TrueTable, free: list[int]
) -> tuple[TrueTable, str] | None:
    """12263 -> 12,263 in a column of whole numbers, most of them above 1000."""
    fit = []
    for k in free:
        whole = all(v.strip().isdigit() for v in truth.column(k) if v.strip())
        numbers = _numbers(truth, k)
        if whole and numbers and np.mean(np.array(numbers) >= 1000) > 0.5:
            fit.append(k)
    return _dressed(rng, truth, free, fit, lambda v: f"{int(v):,}", "thousands", ",")


def decimal(
    rng: np.random.Generator, truth: TrueTable, free: list[int]
) -> tuple[TrueTable, str] | None:
    """1.5 -> 1,5 throughout a column of decimals that do not all have three digits."""
    fit = []
    for k in free:
        tails = [v.strip().partition(".")[2] for v in truth.column(k) if v.strip()]
        plain = all(t.isdigit() or not t for t in tails)
        if _numbers(truth, k) and plain and any(len(t) not in (0, 3) for t in tails):
            fit.append(k)
    return _dressed(rng, truth, free, fit, lambda v: v.replace(".", ","), "decimal", ",")


def day_first(
    rng: np.random.Generator, truth: TrueTable, free: list[int]
) -> tuple[TrueTable, str] | None:
    """2012-01-31 -> 31/01/2012 in a column of dates."""
    dates = truth.facts.dates
    fit = [k for k, n in enumerate(truth.names) if dates.get(n) == "%Y-%m-%d"]
    if not fit:
        return None
    place = int(rng.choice(fit))
    parts = [v.strip().split("-") for v in truth.column(place)]
    if not any(int(p[2]) > 12 for p in parts if len(p) == 3):
        return None
    cells = ["/".join(reversed(p)) for p in parts]
    facts = replace(truth.facts, dates={**dates, truth.names[place]: "%d/%m/%Y"})
    return _spoiled(truth, place, cells, facts), truth.names[place]


def variants(
    rng: np.random.Generator, truth: TrueTable, free: list[int]
) -> tuple[TrueTable, str] | None:
    """Red -> RED or "Red " in 5 % of the cells of a column of few words."""
    fit = []
    for k in free:
        labels = {collapse(v) for v in truth.column(k) if v.strip()}
        folded = {v.casefold() for v in labels}
        words = all(sum(c.isalpha() for c in v) >= 4 for v in labels)
        if truth.facts.kind(truth.names[k]) == "word" and words and 2 <= len(labels) <= 30:
            fit += [k] if len(folded) == len(labels) else []
    if not fit:
        return None
    place = int(rng.choice(fit))
    cells = truth.column(place)
    filled = [r for r, v in enumerate(cells) if v.strip()]
    dress: tuple[Callable[[str], str], ...] = (str.upper, str.title, lambda v: v + " ")
    for r in rng.choice(filled, max(5, len(filled) // 20), replace=False):
        cells[r] = dress[int(rng.integers(len(dress)))](cells[r])
    column = truth.names[place]
    facts = replace(truth.facts, one_label=(*truth.facts.one_label, column))
    free.remove(place)
    return _spoiled(truth, place, cells, facts), column


def repeated(
    rng: np.random.Generator, truth: TrueTable, free: list[int]
) -> tuple[TrueTable, str] | None:
    """A block of rows that comes again at the end, in a table whose rows have a number."""
    ids = [k for k in range(len(truth.names)) if len(set(truth.column(k))) == len(truth.cells)]
    if not ids or truth.equal_rows:
        return None
    size = max(5, len(truth.cells) // 30)
    start = int(rng.integers(0, len(truth.cells) - size))
    rows = truth.cells + truth.cells[start : start + size]
    facts = replace(truth.facts, rows=len(rows), equal_rows="repeated")
    return TrueTable(facts, truth.names, rows), "rows"


KINDS: dict[str, Planter] = {
    "sentinel": sentinel,
    "unit": unit,
    "thousands": thousands,
    "decimal": decimal,
    "day first": day_first,
    "variants": variants,
    "repeated": repeated,
}


def plant(truth: TrueTable, seed: int) -> tuple[TrueTable, dict[str, str]]:
    """Plant one fault of each kind that the table has a column for.

    Parameters
    ----------
    truth : TrueTable
    seed : int

    Returns
    -------
    spoiled : TrueTable
        With facts that know of the faults.
    where : dict of str to str
        Kind to column.
    """
    rng = np.random.default_rng(seed)
    facts, where = truth.facts, {}
    if len(truth.cells) < LEAST_ROWS:
        return truth, {}
    known = {*facts.unfit, *facts.dates, *facts.one_label, *facts.money, *facts.thousands}
    known |= {*facts.units, *facts.percent, *facts.missing, *facts.doubtful, *facts.either}
    free = [k for k, n in enumerate(truth.names) if n not in known and n != facts.target]
    if "*" in facts.missing:
        spellings = set(facts.missing["*"])
        free = [k for k in free if not spellings & {v.strip() for v in truth.column(k)}]
    for kind, planter in KINDS.items():
        done = planter(rng, truth, free)
        if done is not None:
            truth, where[kind] = done
    return truth, where


def judge_planted(truth: TrueTable, seed: int = 0) -> tuple[Score, dict[str, bool]]:
    """Plant faults and tell which were found.

    Parameters
    ----------
    truth : TrueTable
    seed : int

    Returns
    -------
    score : Score
        Of the spoiled table.
    found : dict of str to bool
        For each kind planted, whether it was repaired or proposed.
    """
    spoiled, where = plant(truth, seed)
    score = Score(truth.facts.name, truth.facts.group)
    if not where:
        return score, {}
    names = [f"{n}" for n in spoiled.names]
    frame = pd.DataFrame(spoiled.cells, columns=names, dtype=object)
    judge_frame(score, spoiled, frame, frame)
    missed = {m.split(": ", 1)[1] for m in score.missed}
    found = {}
    for kind, column in where.items():
        head = "equal rows" if kind == "repeated" else f"{column}: "
        found[kind] = not any(head in m for m in missed)
    return score, found
