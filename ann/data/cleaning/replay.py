"""Applying rules to a table, recording every cell that changes, and taking it all back.

Cleaning goes from text to text: a rule that finds nothing to do leaves a cell as it stood in the
file. Only `typed` turns text into numbers, dates and words.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.cells.text_cells import text_frame
from ann.data.cleaning.duplicates import repeats
from ann.data.cleaning.rules import KEEPS_TEXT, Rule
from ann.data.cleaning.schema import ColumnSchema, Rules
from ann.data.errors import SchemaError, nearest
from ann.data.log import Log, Step

__all__ = ["Cleaned", "Edit", "clean", "replay_column", "typed"]


@dataclass(frozen=True)
class Edit:
    """What one rule did to one column, cell by cell.

    Attributes
    ----------
    column, rule : str
        Which.
    rows : (n,) array
        Index labels of the rows touched.
    before, after : (n,) arrays of str or None
        Their cells.
    """

    column: str
    rule: str
    rows: NDArray[np.object_]
    before: NDArray[np.object_]
    after: NDArray[np.object_]


@dataclass
class Cleaned:
    """A cleaned table of text, and how it came about.

    Attributes
    ----------
    frame : pandas.DataFrame
        Cells as str or None; only columns that can be features, and the target. Beside a column in
        which a code or an odd word became missing, ``COLUMN_code`` keeps what stood there.
    log : Log
        One step a rule that touched something, and the findings that change nothing.
    edits : list of Edit
        Every cell changed, in order.
    removed_rows : pandas.DataFrame
        Rows left out, as they were.
    removed_columns : pandas.DataFrame
        Columns left out, as they were.
    order : list of str
        The columns of the original table.
    index : pandas.Index
        Its rows.
    """

    frame: pd.DataFrame
    log: Log
    edits: list[Edit] = field(default_factory=list)
    removed_rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    removed_columns: pd.DataFrame = field(default_factory=pd.DataFrame)
    order: list[str] = field(default_factory=list)
    index: pd.Index = field(default_factory=lambda: pd.RangeIndex(0))

    def undo(self, column: str | None = None, rule: str | None = None) -> pd.DataFrame:
        """Take the cleaning back.

        Parameters
        ----------
        column, rule : str, optional
            Only this column's edits, or those of this rule and the ones after it in the same
            cells. By default everything, rows and columns included.

        Returns
        -------
        pandas.DataFrame
            A new table; with everything undone it equals the one that was cleaned.
        """
        frame = self.frame.copy()
        for edit in reversed(self.edits):
            if column not in (None, edit.column) or edit.column not in frame.columns:
                continue
            if rule is not None and edit.rule != rule:
                continue
            at = frame.index.get_indexer(pd.Index(edit.rows))
            there = at >= 0
            cells = frame[edit.column].to_numpy(dtype=object).copy()
            if rule is not None:
                # A cell that a later rule went on to change stays as that rule left it.
                there &= cells[at] == edit.after
            cells[at[there]] = edit.before[there]
            frame[edit.column] = pd.Series(cells, index=frame.index, dtype=object)
        if column is None and rule is None:
            frame = frame[[c for c in frame.columns if c in self.order]].copy()
            for name in self.removed_columns.columns:
                frame[name] = self.removed_columns[name].reindex(frame.index)
            frame = frame.astype(object)
            if len(self.removed_rows):
                frame = pd.concat([frame, self.removed_rows[frame.columns]])
            frame = frame.loc[self.index, self.order]
        return frame

    def changes(self) -> pd.DataFrame:
        """Return every changed cell as a table: row, column, rule, before, after."""
        names = ("column", "rule", "before", "after")
        parts = [
            pd.DataFrame({"row": e.rows, **{n: getattr(e, n) for n in names}}) for e in self.edits
        ]
        return (
            pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["row", *names])
        )


def clean(table: object, rules: Rules, *, rows: bool = True) -> Cleaned:
    """Apply rules to a table.

    Parameters
    ----------
    table : DataFrame, array or mapping
        With the columns that the rules know, in any order; others are left out and logged.
    rules : Rules
        What to do.
    rows : bool
        Whether the rules about rows (duplicates) are applied too.

    Returns
    -------
    Cleaned

    Raises
    ------
    SchemaError
        If a feature is absent whose schema says ``absent: error``, or a value is missing where
        it says ``missing: error``.

    Examples
    --------
    >>> from ann.data.cleaning.propose import propose
    >>> raw = pd.DataFrame({"h": ["1,200", " 80", "?"] * 5})
    >>> done = clean(raw, propose(raw), rows=False)
    >>> done.frame["h"].tolist()[:3]
    ['1200', '80', None]
    >>> done.undo().equals(raw.astype(object))
    True
    """
    frame = text_frame(table)
    whole = frame
    order, index = list(frame.columns), frame.index
    if not index.is_unique:
        raise SchemaError("the rows' index labels must differ from one another; use reset_index")
    log = Log()
    frame = _align(frame, rules, log)
    removed_rows = frame.iloc[:0]
    for rule in rules.rules:
        if rule.rule == "duplicates" and rows:
            marked = repeats(frame)
            if not marked.any():
                continue
            if rule.apply:
                removed_rows = frame[marked]
                frame = frame[~marked]
            log.add(rule.step(int(marked.sum())))
    edits: list[Edit] = []
    out, indicators = rules.dropped(), rules.indicators()
    keep: dict[str, NDArray[np.object_]] = {}
    for column in rules.columns:
        name = column.name
        if name not in frame.columns:
            continue
        if name in out:
            rule = next(r for r in rules.of(name) if r.rule == "drop")
            log.add(rule.step(len(frame)))
            continue
        cells, steps, found = replay_column(frame[name], rules.of(name))
        log.extend(steps)
        edits += found
        if column.kind == "category" and column.unseen != "rare" and name != rules.target:
            cells = _unseen(cells, column, log)
        if name != rules.target:
            _new_missing(cells, column, log)
        keep[name] = cells
        if name in indicators:
            keep[indicators[name]] = _removed_text(frame.index, found)
    dropped = [c for c in frame.columns if c not in keep]
    extra = [c for c in order if c not in frame.columns]
    return Cleaned(
        pd.DataFrame(keep, index=frame.index, dtype=object),
        log,
        edits,
        whole.loc[removed_rows.index, order],
        whole[[*dropped, *extra]],
        order,
        index,
    )


def _removed_text(index: pd.Index, edits: list[Edit]) -> NDArray[np.object_]:
    """Return for each row the text that a reversible rule made missing, None elsewhere."""
    out = np.full(len(index), None, dtype=object)
    for edit in edits:
        if edit.rule in KEEPS_TEXT:
            out[index.get_indexer(pd.Index(edit.rows))] = edit.before
    return out


def _align(frame: pd.DataFrame, rules: Rules, log: Log) -> pd.DataFrame:
    known = [c.name for c in rules.columns]
    present = list(frame.columns)
    for column in rules.features():
        if column.name in present:
            continue
        if column.absent == "error":
            raise SchemaError(
                f"the table has no column {column.name!r}{nearest(column.name, present)} "
                '(set its "absent" to "missing" in the rules to go on without it)'
            )
        gone = pd.Series([None] * len(frame), frame.index, dtype=object)
        frame = frame.assign(**{column.name: gone})
        why = "the whole column lacks: all missing"
        log.add(Step(column.name, "absent", len(frame), why=why))
    for name in present:
        if name not in known:
            log.add(Step(name, "new column", len(frame), "", "", "not in the rules: left out"))
    return frame[[n for n in known if n in frame.columns]]


def replay_column(
    cells: pd.Series, rules: list[Rule]
) -> tuple[NDArray[np.object_], list[Step], list[Edit]]:
    """Apply one column's rules in order.

    Parameters
    ----------
    cells : Series of str or None
        The column.
    rules : list of Rule
        Its rules; those not to be applied are tried and reported.

    Returns
    -------
    cells : (rows,) array of str or None
    steps : list of Step
    edits : list of Edit
    """
    codes, uniques = pd.factorize(cells.to_numpy(dtype=object), use_na_sentinel=True)
    counts = np.bincount(codes[codes >= 0], minlength=len(uniques))
    now: list[str | None] = [str(u) for u in uniques]
    labels = cells.index.to_numpy()
    steps: list[Step] = []
    edits: list[Edit] = []
    for rule in rules:
        if rule.rule == "drop":
            continue
        new, changed, step = rule.tried(now, counts)
        if step.rows:
            steps.append(step)
        if rule.apply and len(changed):
            touched = np.flatnonzero(np.isin(codes, changed))
            before, after = (np.array(texts, dtype=object)[codes[touched]] for texts in (now, new))
            edits.append(Edit(rule.column, rule.rule, labels[touched], before, after))
            now = new
    return np.array([*now, None], dtype=object)[codes], steps, edits


def _unseen(cells: NDArray[np.object_], column: ColumnSchema, log: Log) -> NDArray[np.object_]:
    known = set(column.categories)
    new = np.array([v is not None and v not in known for v in cells], dtype=bool)
    if not new.any():
        return cells
    shown = sorted({str(v) for v in cells[new]})
    if column.unseen == "error":
        raise SchemaError(
            f"column {column.name!r} holds {shown[0]!r}, which was not there before"
            f'{nearest(shown[0], column.categories)} (its "unseen" says error)'
        )
    cells = cells.copy()
    cells[new] = None
    why = f"not there before: {', '.join(map(repr, shown[:5]))}"
    log.add(Step(column.name, "unseen", int(new.sum()), shown[0], "", why))
    return cells


def _new_missing(cells: NDArray[np.object_], column: ColumnSchema, log: Log) -> None:
    if column.had_missing or column.kind not in ("number", "category", "date"):
        return
    missing = sum(v is None for v in cells)
    if not missing:
        return
    if column.missing == "error":
        raise SchemaError(
            f'column {column.name!r} lacks {missing} values, and its "missing" says error'
        )
    why = "values missing in a column that was complete: filled in like the others"
    log.add(Step(column.name, "new missing", missing, "", "", why))


def typed(frame: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Turn cleaned text into numbers, dates and words.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `clean` gives it.
    rules : Rules
        Which column is what.

    Returns
    -------
    pandas.DataFrame
        float64 for numbers, datetime64 for dates, object (str or None) for the rest.

    Examples
    --------
    >>> rules = Rules([ColumnSchema("a", "number"), ColumnSchema("d", "date")])
    >>> table = typed(pd.DataFrame({"a": ["1.5", None], "d": ["2007-11-11", None]}), rules)
    >>> [str(t)[:8] for t in table.dtypes]
    ['float64', 'datetime']
    """
    out = {}
    kinds = dict.fromkeys(rules.indicators().values(), "category")
    for name in frame.columns:
        kind = kinds.get(str(name)) or rules.column(str(name)).kind
        cells = frame[name]
        if kind == "number":
            try:
                values: object = np.array([np.nan if v is None else float(v) for v in cells])
            except ValueError as error:
                raise SchemaError(
                    f"column {name!r} is to be numbers, but a cell is not: {error} "
                    '(the rule "not a number" would make it missing)'
                ) from None
        elif kind == "date":
            stamps = pd.to_datetime(cells, errors="coerce", format="ISO8601", utc=True)
            values = stamps.dt.tz_localize(None).to_numpy()
        else:
            values = cells.astype(object)
        out[name] = values
    return pd.DataFrame(out, index=frame.index)
