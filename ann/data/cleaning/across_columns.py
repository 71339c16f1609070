"""What only several columns together tell: zeros of the same rows, rows of totals, shared words."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.cells.numerals import is_plain
from ann.data.cleaning.inspection import Inspection
from ann.data.cleaning.roles import says_id
from ann.data.cleaning.schema import Rules

__all__ = ["gaps_of_the_same_rows", "scales_of_other_rows", "words_of_several_columns"]

#: Zeros of so many rows, nearly the same ones, have one cause.
FEWEST_ZEROS, SAME_ROWS = 5, 0.95
#: A row that has 0 in so many columns, in which hardly another row has it.
ZEROS_A_ROW, RARE_ZEROS = 5, 2
#: How 0 is written.
_ZERO = ("0", "0.0", "0.00", "0.000", "0,0", "0,00", "-0", "0 ", " 0")
#: Columns that would be rescaled by one factor in the same rows: these rows are sums of others.
COLUMNS_OF_TOTALS = 3


def gaps_of_the_same_rows(frame: pd.DataFrame, rules: Rules) -> None:
    """Propose that zeros are gaps where they stand in the rows of gaps that are known.

    A question that was not asked is 0 in every column it has. So is the one row of a table in
    which nothing was measured.

    Parameters
    ----------
    frame : DataFrame of str or None
        As read.
    rules : Rules
        Added to.
    """
    zeros = [r for r in rules.rules if r.rule == "sentinel" and 0.0 in r.settings["values"]]
    # In the order of the table: which column is named must not differ from run to run.
    found = dict.fromkeys(r.column for r in zeros)
    numbers = [c.name for c in rules.columns if c.kind == "number" and not says_id(c.name)]
    zero = {n: _zeros(frame[n]) for n in numbers if n not in found}
    known = {n: _zeros(frame[n]) for n in found}
    for name, own in zero.items():
        if own.sum() < FEWEST_ZEROS:
            continue
        if says := next((k for k, rows in known.items() if _same(own, rows)), None):
            why = f"0 in the same {own.sum()} rows as {says!r}: missing in both?"
            _propose(frame, rules, name, why)
    rare = {n: z for n, z in zero.items() if 0 < z.sum() <= RARE_ZEROS}
    if len(rare) < ZEROS_A_ROW:
        return
    together = np.sum(list(rare.values()), axis=0) >= ZEROS_A_ROW
    rare = {n: z for n, z in rare.items() if not (z & ~together).any()}
    if sum(_far(_numbers(frame, n, rules)) for n in rare) < ZEROS_A_ROW:
        return
    for name in rare:
        why = f"0 in a row that is 0 in {len(rare)} columns, where hardly another is: not measured?"
        _propose(frame, rules, name, why)


def words_of_several_columns(frame: pd.DataFrame, rules: Rules) -> None:
    """Propose that a text means "missing" where it is all that is no number in several columns.

    Parameters
    ----------
    frame : DataFrame of str or None
        As read.
    rules : Rules
        Some are proposed that were only reported.
    """
    by_text = defaultdict(list)
    for rule in rules.rules:
        if rule.rule != "not a number" or rule.apply or not rule.rows:
            continue
        if (frame[rule.column].str.strip() == rule.before).sum() == rule.rows:
            by_text[rule.before].append(rule)
    for text, found in by_text.items():
        for rule in found if len(found) > 1 else ():
            rule.proposed = True
            rule.why += f"; {text!r} stands among the numbers of {len(found)} columns: missing?"


def scales_of_other_rows(frame: pd.DataFrame, rules: Rules) -> None:
    """Take back rescalings that several columns would need in the same rows.

    A year among months, and a country among its towns, are ten times as large in every column.
    Their unit is the same.

    Parameters
    ----------
    frame : DataFrame of str or None
        As read.
    rules : Rules
        Some are taken out.
    """
    by_factor = defaultdict(list)
    for rule in (r for r in rules.rules if r.rule == "scale"):
        by_factor[rule.settings["factor"]].append(rule)
    for found in by_factor.values():
        if len(found) < COLUMNS_OF_TOTALS:
            continue
        rows = []
        for rule in found:
            values = _numbers(frame, rule.column, rules)
            rows.append((values >= rule.settings["from"]) & (values <= rule.settings["to"]))
        alike = [sum(_same(a, b, 0.8) for b in rows) >= COLUMNS_OF_TOTALS for a in rows]
        taken = [id(rule) for rule, same in zip(found, alike, strict=True) if same]
        rules.rules = [r for r in rules.rules if id(r) not in taken]


def _numbers(frame: pd.DataFrame, name: str, rules: Rules) -> NDArray[np.float64]:
    """Return a column's numbers as its applied rules leave them, NaN where there is none."""
    seen = Inspection(name, frame[name])
    for rule in (r for r in rules.of(name) if r.apply and r.rule != "drop"):
        seen.now = rule.tried(seen.now, seen.counts)[0]
    values = [float(v) if v is not None and is_plain(v) else np.nan for v in seen.now]
    return np.array([*values, np.nan])[seen.codes]


def _zeros(cells: pd.Series) -> NDArray[np.bool_]:
    return np.asarray(cells.isin(_ZERO), dtype=bool)


def _same(a: NDArray[np.bool_], b: NDArray[np.bool_], share: float = SAME_ROWS) -> bool:
    either = int((a | b).sum())
    return either > 0 and int((a & b).sum()) >= share * either


def _far(values: NDArray[np.float64]) -> bool:
    """Tell whether 0 lies far below all other values, none of which is negative."""
    if (values < 0).any():
        return False
    others = values[np.isfinite(values) & (values > 0)]
    return len(others) >= 20 and float(others.min()) >= 0.25 * float(np.median(others))


def _propose(frame: pd.DataFrame, rules: Rules, name: str, why: str) -> None:
    seen = Inspection(name, frame[name])
    for rule in (r for r in rules.of(name) if r.apply and r.rule != "drop"):
        seen.now = rule.tried(seen.now, seen.counts)[0]
    seen.rule("sentinel", {"values": [0.0]}, why=why, apply=False, proposed=True)
    rules.rules += seen.rules
