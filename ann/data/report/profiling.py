"""Looking at a table before doing anything to it: what each column holds, and what is odd.

A file is looked at in one pass, in chunks: rows, missing cells and repeated rows are counted over
all of it; everything else (types, distributions, suspicions) comes from a uniform sample of rows
where the file is bigger than that, and the profile says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.cells.lexicon import MISSING_ALWAYS, fold
from ann.data.cells.text_cells import as_floats, is_words, text_frame
from ann.data.chance import generator, sample
from ann.data.cleaning.duplicates import factorized, row_hashes
from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean, typed
from ann.data.cleaning.schema import Rules
from ann.data.errors import UnusableTargetError
from ann.data.files.reading import TableFile
from ann.data.files.reservoir import Reservoir
from ann.data.judging.leakage import find_suspects, single_feature_score
from ann.data.judging.target import Target, find_target
from ann.data.log import Log, Step
from ann.display import html_table

__all__ = ["ColumnProfile", "Profile", "profile", "profile_file"]

SAMPLE_ROWS = 100_000
_BINS = 24
#: Classes beyond the third share the fourth colour.
_MOST_COLOURS, _OTHERS = 4, "(other classes)"


@dataclass
class ColumnProfile:
    """One column.

    Attributes
    ----------
    name, kind, unit : str
    rows, missing, distinct : int
        Distinct values after cleaning; in the sample, if the table was sampled.
    summary : dict
        Of numbers: smallest, quartiles, largest, mean, sd; of dates: first and last.
    top : list of (str, int)
        The commonest categories.
    edges, counts : list
        Histogram of numbers and dates; one list of counts a class, or a single one.
    classes : list of str
        To which the counts belong.
    score : float or None
        How well this column alone predicts the target, out of fold: AUC or R².
    findings : list of Step
        What was seen in this column.
    """

    name: str
    kind: str
    unit: str
    rows: int
    missing: int
    distinct: int
    summary: dict[str, Any] = field(default_factory=dict)
    top: list[tuple[str, int]] = field(default_factory=list)
    edges: list[float] = field(default_factory=list)
    counts: list[list[int]] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    score: float | None = None
    findings: list[Step] = field(default_factory=list)


@dataclass(repr=False)
class Profile:
    """A table.

    Attributes
    ----------
    name : str
    rows, looked_at : int
        Rows of the table, and rows of the sample that types and distributions come from.
    columns : list of ColumnProfile
    log : Log
        Everything seen, in reading and in the columns.
    rules : Rules
        Proposed.
    target, task : str
        If one was named.
    target_column : str
        Which column the target speaks of, if it can be predicted.
    """

    name: str
    rows: int
    looked_at: int
    columns: list[ColumnProfile]
    log: Log
    rules: Rules
    target: str = ""
    task: str = ""
    target_column: str = ""

    @property
    def sampled(self) -> bool:
        """Whether types and distributions come from a sample."""
        return self.looked_at < self.rows

    def __repr__(self) -> str:
        kinds = Counter(c.kind for c in self.columns)
        said = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        found = sum(bool(c.findings) for c in self.columns)
        return (
            f"<Profile of {self.name}: {self.rows} rows, {len(self.columns)} columns ({said}); "
            f"{found} with findings>"
        )

    def _repr_html_(self) -> str:
        rows = [
            (
                c.name,
                c.kind + (f" ({c.unit})" if c.unit else ""),
                c.distinct,
                c.missing or "",
                "" if c.score is None else f"{c.score:.2f}",
                "; ".join(f"{s.rule}: {s.why}" for s in c.findings),
            )
            for c in self.columns
        ]
        score = "AUC alone" if self.task == "classification" else "R² alone"
        head = ("column", "kind", "different", "missing", score if self.task else "", "findings")
        sampled = f"Types are those of a sample of {self.looked_at} rows." if self.sampled else ""
        return html_table(f"{self.name}: {self.rows} rows", rows, head, sampled)

    def document(self) -> dict[str, Any]:
        """Return the profile as plain values, ready for JSON."""
        return {
            "name": self.name,
            "rows": self.rows,
            "looked at": self.looked_at,
            "target": self.target,
            "task": self.task,
            "columns": [asdict(c) for c in self.columns],
            "log": self.log.document(),
        }


def profile(table: Any, target: str | None = None, *, name: str = "table") -> Profile:
    """Look at a table in memory.

    Parameters
    ----------
    table : DataFrame, array or mapping
    target : str, optional
        The column to predict; adds scores, classes and leaks.
    name : str
        What to call it.

    Returns
    -------
    Profile

    Examples
    --------
    >>> seen = profile({"h": ["1,200", "80", "75"] * 9, "nr": [str(k) for k in range(27)]})
    >>> [(c.name, c.kind, c.distinct) for c in seen.columns]
    [('h', 'number', 3), ('nr', 'id', 27)]
    """
    frame = text_frame(table).reset_index(drop=True)
    rows, log = len(frame), Log()
    if rows > SAMPLE_ROWS:
        why = f"a uniform sample of {SAMPLE_ROWS} of the {rows} rows"
        log.add(Step("", "sample", SAMPLE_ROWS, why=why))
        frame = frame.iloc[sample(rows, SAMPLE_ROWS, 0)].reset_index(drop=True)
    return _inspect(frame, target, name, rows, None, log)


def profile_file(
    path: str | Path,
    target: str | None = None,
    *,
    sample_rows: int = SAMPLE_ROWS,
    seed: int = 0,
    **options: Any,
) -> Profile:
    """Look at a file of any size in one pass.

    Parameters
    ----------
    path : str or Path
    target : str, optional
        The column to predict.
    sample_rows : int
        Types and distributions come from so many rows at most, drawn uniformly.
    seed : int
        Of the sample.
    **options
        Of `TableFile`.

    Returns
    -------
    Profile

    Raises
    ------
    ReadError
        If the file is no table.
    TargetError
        If there is no such target.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "t.csv"
    >>> _ = file.write_text("a,b\\n" + "1,x\\n?,y\\n" * 10)
    >>> [(c.name, c.missing) for c in profile_file(file).columns]
    [('a', 10), ('b', 0)]
    """
    file = TableFile(path, **options)
    reservoir = Reservoir(sample_rows, generator(seed, "sample"))
    missing: Counter[str] = Counter()
    hashes: list[NDArray[np.uint64]] = []
    for chunk in file.chunks():
        columns = factorized(chunk)
        hashes.append(row_hashes(columns))
        for column, (codes, values) in zip(chunk.columns, columns, strict=True):
            gone = np.array([fold(v) in MISSING_ALWAYS for v in values], dtype=bool)
            missing[column] += int(gone[codes].sum())
        reservoir.add(chunk)
    frame = reservoir.frame().reset_index(drop=True)
    rows = file.rows
    log = Log(list(file.log))
    if len(frame) < rows:
        why = (
            f"types, distributions and suspicions come from a uniform sample of {len(frame)} "
            f"of the {rows} rows (seed {seed}); rows, missing cells and repeated rows were "
            "counted over all"
        )
        log.add(Step("", "sample", len(frame), why=why))
        every = np.concatenate(hashes)
        repeated = rows - len(np.unique(every))
        if repeated:
            why = f"{repeated} of all {rows} rows equal an earlier one"
            log.add(Step("", "repeated rows", repeated, why=why, applied=False))
    exact = dict(missing) if len(frame) < rows else None
    return _inspect(frame, target, file.path.name, rows, exact, log)


def _inspect(
    frame: pd.DataFrame,
    target: str | None,
    name: str,
    rows: int,
    missing: dict[str, int] | None,
    log: Log,
) -> Profile:
    goal: Target | None = None
    if target is not None:
        try:
            goal = find_target(frame, target)
        except UnusableTargetError as error:
            log.add(Step("", "target", len(frame), why=str(error), applied=False))
    column = goal.column if goal else None
    rules = propose(frame, column)
    # Without its target the rules would put a column of codes beside it, which they do not list.
    kept = [r for r in rules.rules if r.rule != "drop"]
    done = clean(frame, Rules(rules.columns, kept, rules.target))
    dropped = [r.step(r.rows) for r in rules.rules if r.rule == "drop"]
    steps = [s for s in done.log if s.rule != "new column"] + dropped
    # In the rows that are kept, by their place in the table.
    table = typed(done.frame, rules)
    y: NDArray[Any] | None = None
    suspects: list[Step] = []
    scores: dict[str, float] = {}
    if goal is not None:
        place = {int(r): k for k, r in enumerate(goal.rows)}
        there = np.array([int(i) in place for i in table.index], dtype=bool)
        y = goal.values[[place[int(i)] for i in table.index[there]]]
        features = table.loc[there, rules.feature_names()]
        few = goal.task == "classification" and len(np.unique(y.astype(str))) > 50
        if len(y) >= 20 and not few:
            suspects = find_suspects(features, y)
            scores = {str(c): single_feature_score(features[c], y)[0] for c in features.columns}
        table = table[there]
    log.extend(steps)
    log.extend(suspects)
    columns = []
    for schema in rules.columns:
        cells = table[schema.name]
        gone = int(cells.isna().sum())
        one = ColumnProfile(
            schema.name,
            schema.kind,
            schema.unit,
            rows,
            gone if missing is None else max(missing[schema.name], round(gone / len(table) * rows)),
            int(cells.nunique()),
            score=scores.get(schema.name),
            findings=[s for s in (*steps, *suspects) if s.column == schema.name],
        )
        _distribution(one, cells, y)
        columns.append(one)
    return Profile(
        name,
        rows,
        len(frame),
        columns,
        log,
        rules,
        target or "",
        goal.task if goal else "",
        column or "",
    )


def _distribution(one: ColumnProfile, cells: pd.Series, y: NDArray[Any] | None) -> None:
    classes: list[str] = []
    if y is not None and y.dtype == object:
        classes = [str(c) for c in pd.Series(y).value_counts().index]
        if len(classes) > _MOST_COLOURS:
            classes = [*classes[: _MOST_COLOURS - 1], _OTHERS]
            y = np.where(np.isin(y.astype(str), classes[:-1]), y, _OTHERS).astype(object)
    one.classes = classes
    if is_words(cells):
        one.top = [(str(v), int(n)) for v, n in cells.value_counts().head(12).items()]
        one.counts = [[n for _, n in one.top]]
        if classes and y is not None:
            table = pd.crosstab(y, cells.to_numpy())
            table = table.reindex(index=classes, columns=[v for v, _ in one.top], fill_value=0)
            one.counts = table.to_numpy().tolist()
        return
    values = cells.dropna()
    if values.empty:
        return
    numbers = as_floats(values)
    if one.kind == "date":
        one.summary = {"first": str(values.min().date()), "last": str(values.max().date())}
    else:
        q = np.quantile(numbers, [0, 0.25, 0.5, 0.75, 1])
        names = ("smallest", "lower quartile", "median", "upper quartile", "largest")
        one.summary = {n: float(v) for n, v in zip(names, q, strict=True)}
        one.summary |= {"mean": float(numbers.mean()), "sd": float(numbers.std())}
    # A few wild values must not squeeze all others into one bar.
    low, high = np.quantile(numbers, [0.005, 0.995])
    inside = np.clip(numbers, low, high)
    edges = np.histogram_bin_edges(inside, bins=min(_BINS, max(1, len(np.unique(inside)))))
    one.edges = [float(e) for e in edges]
    filled = cells.notna().to_numpy()
    masks = [y[filled] == c for c in classes] if classes and y is not None else [slice(None)]
    one.counts = [[int(n) for n in np.histogram(inside[m], edges)[0]] for m in masks]
