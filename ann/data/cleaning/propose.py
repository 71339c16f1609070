"""Proposing rules: what a careful person would do to each column after looking at all of it.

A column is looked at through its distinct texts and their counts. Each rule that is found is
applied to them at once, so that the next one sees what it will see when the rules run.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import hypergeom

from ann.data.cells.numerals import is_plain
from ann.data.cells.text_cells import text_frame
from ann.data.cleaning.across_columns import (
    gaps_of_the_same_rows,
    scales_of_other_rows,
    words_of_several_columns,
)
from ann.data.cleaning.duplicates import find_duplicates, repeats
from ann.data.cleaning.inspection import Inspection
from ann.data.cleaning.propose_missing import blank_missing, trim_spaces
from ann.data.cleaning.propose_numbers import as_numbers
from ann.data.cleaning.propose_words import as_dates, as_words, as_yes_no
from ann.data.cleaning.roles import role_of, says_id
from ann.data.cleaning.rules import Rule
from ann.data.cleaning.schema import ColumnSchema, Rules
from ann.data.errors import SchemaError, nearest

__all__ = ["propose", "propose_column"]


def propose(frame: pd.DataFrame, target: str | None = None, *, rows: bool = True) -> Rules:
    """Learn columns and rules from a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        As read from the file, or of any types (turned into text first).
    target : str, optional
        The column to predict: cleaned like the others, never dropped.
    rows : bool
        Whether to look for duplicate rows.

    Returns
    -------
    Rules

    Raises
    ------
    SchemaError
        If there is no such target.

    Examples
    --------
    >>> city = ["Rom", "rom ", "Oslo"] * 9
    >>> table = pd.DataFrame({"h": ["150 cm", "171 cm", "?"] * 9, "city": city})
    >>> rules = propose(table, rows=False)
    >>> [(c.name, c.kind, c.unit) for c in rules.columns]
    [('h', 'number', 'cm'), ('city', 'category', '')]
    >>> for rule in rules.rules:
    ...     if rule.rows:
    ...         print(rule.column, rule.rule, rule.rows, repr(rule.before), repr(rule.after))
    h missing 9 '?' ''
    h unit 18 '150 cm' '150'
    city trim 9 'rom ' 'rom'
    city spelling 9 'rom' 'Rom'
    """
    frame = text_frame(frame)
    if target is not None and target not in frame.columns:
        raise SchemaError(f"there is no column {target!r}{nearest(target, list(frame.columns))}")
    out = Rules(target=target or "", rows=len(frame))
    if rows:
        out.rules += find_duplicates(frame)
        if any(r.apply for r in out.rules):
            # Counted twice, an id would no longer differ from row to row.
            frame = frame[~repeats(frame)]
    found = {n: propose_column(str(n), frame[n], target=n == target) for n in frame.columns}
    if commas := {n for n in found if _decimal_commas(found[n][1])}:
        for n in set(found) - commas:
            found[n] = propose_column(str(n), frame[n], target=n == target, commas=True)
    if any(r.rule == "duplicates" and r.proposed and not r.apply for r in out.rules):
        # Rows that may be copies are kept; that they repeat an id makes it no feature.
        once = frame[~repeats(frame)]
        for n in (n for n in frame.columns if n != target and found[n][0].kind != "id"):
            alone = propose_column(str(n), once[n], commas=bool(commas) and n not in commas)
            if alone[0].kind == "id":
                found[n] = alone
    for schema, column_rules in found.values():
        out.columns.append(schema)
        out.rules += column_rules
    _zeros_together(frame, out)
    _codes_together(frame, out)
    scales_of_other_rows(frame, out)
    gaps_of_the_same_rows(frame, out)
    words_of_several_columns(frame, out)
    return out


def _decimal_commas(rules: list[Rule]) -> bool:
    """Tell whether the rules of a column turned decimal commas into points."""
    return any(
        r.rule == "thousands" and r.apply and r.rows and r.settings["decimal"] == "," for r in rules
    )


def _codes_together(frame: pd.DataFrame, rules: Rules) -> None:
    """Apply a code for missing that is out of place in three columns and more, such as -200.

    Once in another column it is the same code, if that has no other negative number.
    """
    found = [r for r in rules.rules if r.rule == "sentinel" and len(r.settings["values"]) == 1]
    shared = Counter(r.settings["values"][0] for r in found)
    for rule in found:
        (value,) = rule.settings["values"]
        if value < 0 and shared[value] >= 3 and not says_id(rule.column):
            rule.apply, rule.proposed = True, False
            rule.why = f"{value:g} stands for missing: out of place in {shared[value]} columns"
            rules.column(rule.column).had_missing = True
    coded = {r.column for r in rules.rules if r.rule == "sentinel"}
    for code in (v for v, n in shared.items() if v < 0 and n >= 3):
        why = f"{code:g} stands for missing: out of place in {shared[code]} other columns"
        for schema in rules.columns:
            if schema.kind != "number" or schema.name in coded or says_id(schema.name):
                continue
            seen = Inspection(schema.name, frame[schema.name])
            for rule in (r for r in rules.of(schema.name) if r.apply and r.rule != "drop"):
                seen.now = rule.tried(seen.now, seen.counts)[0]
            values, _ = seen.numbers()
            if len(values) > 2 and values[0] == code and values[1] >= 0:
                seen.rule("sentinel", {"values": [code]}, why=why)
                rules.rules += seen.rules
                schema.had_missing = True


def _zeros_together(frame: pd.DataFrame, rules: Rules) -> None:
    """Propose that zeros are gaps where they come in the same rows as those of another column."""
    found = [r for r in rules.rules if r.rule == "sentinel" and r.settings["values"] == [0.0]]
    rows = {r.column: _zero_rows(frame[r.column]) for r in found} if len(found) > 1 else {}
    n = len(frame)
    for rule in (r for r in found if not r.apply and r.column in rows):
        own = rows[rule.column]
        for name, others in rows.items():
            both = int((own & others).sum())
            if name == rule.column or both < max(5, 0.5 * own.sum()):
                continue
            chance = float(hypergeom.sf(both - 1, n, int(others.sum()), int(own.sum())))
            if chance < 1e-6:
                rule.proposed = True
                rule.why += f"; in {both} of these {own.sum()} rows {name!r} is 0 too"
                break


def _zero_rows(cells: pd.Series) -> NDArray[np.bool_]:
    codes, texts = pd.factorize(cells.to_numpy(dtype=object), use_na_sentinel=True)
    zero = [is_plain(t := str(v).strip()) and float(t) == 0 for v in texts]
    return np.array([*zero, False], dtype=bool)[codes]


def propose_column(
    name: str, cells: pd.Series, *, target: bool = False, commas: bool = False
) -> tuple[ColumnSchema, list[Rule]]:
    """Learn what one column is and how to clean it.

    Parameters
    ----------
    name : str
        Its name, which may tell an id or a unit.
    cells : Series of str or None
        Its text.
    target : bool
        Whether it is the column to predict, which is never dropped.
    commas : bool
        Whether other columns of the table have decimal commas, so that 1,234 has one too.

    Returns
    -------
    ColumnSchema
    list of Rule
    """
    seen = Inspection(name, cells, commas=commas)
    seen.rule("encoding", only_if_found=True, why="UTF-8 read as a Western code page")
    trim_spaces(seen)
    blank_missing(seen)
    if not seen.filled():
        schema = ColumnSchema(name, "empty", had_missing=True)
        seen.drop(target, "empty", "no value in any row")
        return schema, seen.rules
    kind = as_yes_no(seen) or as_numbers(seen) or as_dates(seen) or as_words(seen)
    schema = ColumnSchema(name, kind, seen.unit)
    schema.had_missing = seen.filled() < len(cells)
    if seen.filled() == 0:
        schema.kind = "empty"
        seen.drop(target, "empty", "no usable value in any row")
        return schema, seen.rules
    role = role_of(seen, kind)
    if role is not None:
        schema.kind, why = role
        seen.drop(target, schema.kind, why)
        if target:
            schema.kind = kind
    if schema.kind == "category":
        schema.categories = seen.by_count()[:200]
    return schema, seen.rules
