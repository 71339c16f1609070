"""The whole way in one call: a file in, a trained model and its account out.

Read, leave out rows without a target and rows entered twice, set a test part aside, learn rules,
scales and categories on the training part only, judge, fit, test.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from ann.atomic_write import whole, write_json
from ann.data.cells.text_cells import text_frame
from ann.data.cleaning.duplicates import find_duplicates, row_hashes, without_repeats
from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean
from ann.data.cleaning.schema import Rules
from ann.data.encoding.encoder import table_pipeline
from ann.data.errors import TargetError, require_known
from ann.data.files.reading import RawTable, TableFile
from ann.data.judging.assess import assess
from ann.data.judging.candidates import candidate
from ann.data.judging.crossfit import fit_quietly
from ann.data.judging.held_out import HeldOut
from ann.data.judging.leakage import SUSPICIONS
from ann.data.judging.reasons import OF_THE_COLUMN, judge_column
from ann.data.judging.splitting import Split, split_rows
from ann.data.judging.target import Target, find_target, target_column
from ann.data.judging.verdict import Verdict
from ann.data.log import Log, Step
from ann.data.report.profiling import profile
from ann.errors import OutputError

__all__ = ["MODELS", "Trained", "clean_file", "train"]

MODELS = ("logistic", "shallow", "deep", "best")


@dataclass
class Trained:
    """A model, and how it came about.

    Attributes
    ----------
    pipeline : sklearn.pipeline.Pipeline
        From text to predictions: ``clean``, ``encode``, ``model``.
    verdict : Verdict
        On the training part.
    split : Split
    target : Target
    held_out : HeldOut
        What was answered to the rows of the test part.
    log : Log
        Every step from the file on.
    model : str
        Which of `MODELS`.
    learned : (n,) array of int
        Places, in the table that was read, of the rows of the training part, from 0.
    """

    pipeline: Pipeline
    verdict: Verdict
    split: Split
    target: Target
    held_out: HeldOut
    log: Log
    model: str
    learned: NDArray[np.intp]

    @property
    def test_scores(self) -> dict[str, float]:
        """On rows that nothing has seen: accuracy and AUC, or R² and RMSE."""
        return self.held_out.scores()

    @property
    def model_name(self) -> str:
        """What the model is called where it is used: logistic regression is no regression."""
        names = {"shallow": "shallow network", "deep": "deep network"}
        straight = "linear" if self.target.task == "regression" else "logistic"
        return names.get(self.model, f"{straight} regression")

    def document(self) -> dict[str, Any]:
        """Return the account as plain values, ready for JSON."""
        return {
            "target": self.target.name,
            "task": self.target.task,
            "model": self.model,
            "rows": {"train": len(self.split.train), "test": len(self.split.test)},
            "test": self.test_scores,
            "verdict": self.verdict.document(),
            "log": self.log.document(),
        }


def train(
    raw: RawTable | pd.DataFrame,
    target: str,
    *,
    model: str = "best",
    test: float = 0.2,
    group: str | None = None,
    time: str | None = None,
    keep: tuple[str, ...] = (),
    leave_out: tuple[str, ...] = (),
    task: str | None = None,
    rules: Rules | None = None,
    apply: tuple[str, ...] = (),
    seed: int = 0,
) -> Trained:
    """Go from a table of text to a trained and tested model.

    Parameters
    ----------
    raw : RawTable or DataFrame
        As read.
    target : str
        The column to predict, or a comparison such as ``"num > 0"``.
    model : str
        ``"logistic"`` (linear for quantities), ``"shallow"``, ``"deep"``, or ``"best"``: a network
        only where the verdict finds it better than logistic regression.
    test : float
        Share set aside.
    group, time : str, optional
        Split by this column.
    keep, leave_out : sequence of str
        Columns to use although they are suspected, and columns not to use.
    task : str, optional
        ``"classification"`` or ``"regression"``.
    rules : Rules, optional
        Clean by these instead of learning rules.
    apply : tuple of str
        Proposed rules to apply, each ``"RULE"`` or ``"RULE:COLUMN"``.
    seed : int

    Returns
    -------
    Trained

    Raises
    ------
    TargetError
        If the verdict is ``"cannot"``; its reasons are in the message.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=300)
    >>> table = pd.DataFrame({"a": [f"{v:.3f} cm" for v in a], "y": np.where(a > 0, "Yes", "no ")})
    >>> train(table, "y", model="logistic", keep=("a",)).test_scores["accuracy"] > 0.9
    True
    """
    require_known("there is no model", [model], MODELS, error=TargetError)
    log = Log(list(raw.log)) if isinstance(raw, RawTable) else Log()
    frame = text_frame(raw.frame if isinstance(raw, RawTable) else raw).reset_index(drop=True)
    goal = find_target(frame, target, task=task, rules=rules, apply=apply)
    log.extend(goal.steps)
    kept, y = frame.iloc[goal.rows], goal.values
    if apply and rules is None:
        # A name that nothing answers to is a slip of the pen.
        propose(kept, goal.column).applying(apply)
    copies = [r for r in (find_duplicates(kept) if rules is None else rules.rules) if not r.column]
    copies = (
        Rules([], copies)
        .applying([n for n in apply if n.partition(":")[0] == "duplicates"], lenient=True)
        .rules
    )
    kept, y, steps = without_repeats(kept, y, copies)
    log.extend(steps)
    places = kept.index.to_numpy()
    kept = kept.reset_index(drop=True)
    split = split_rows(kept, y, test=test, group=group, time=time, seed=seed)
    log.add(split.step)
    if any(r.proposed and not r.apply for r in copies):
        split = _without_twins(split, kept, log)
    learn = kept.iloc[split.train].reset_index(drop=True)
    verdict = assess(
        learn,
        target,
        task=goal.task,
        group=group,
        keep=keep,
        leave_out=leave_out,
        rules=rules,
        apply=apply,
        seed=seed,
    )
    # Rows without a target are not in the training part, and what was done to it is told of all.
    verdict.forget(OF_THE_COLUMN)
    judge_column(goal, len(frame), verdict)
    if verdict.level == "cannot":
        reasons = "; ".join(r.text for r in verdict.reasons if r.level == "cannot")
        parts = f"{len(split.train)} rows to learn from, {len(split.test)} set aside"
        if verdict.leave_out:
            options = " ".join(shlex.join(["--keep", name]) for name in verdict.leave_out)
            reasons += (
                f". Left out, because they seem to give the target or the origin of rows away: "
                f"{', '.join(verdict.leave_out)}; to use them all the same: {options}"
            )
        raise TargetError(f"the data cannot support a model of {target!r} ({parts}): {reasons}")
    chosen = model
    if model == "best":
        chosen = "shallow" if verdict.has("network better") else "logistic"
    out = tuple(dict.fromkeys((*leave_out, *verdict.leave_out, *([group] if group else []))))
    pipeline = table_pipeline(
        candidate(chosen, goal.task, seed=seed),
        rules=None if rules is None else rules.without(goal.column),
        leave_out=tuple(n for n in out if n not in keep),
        apply=apply,
    )
    X = kept.drop(columns=goal.column)
    labels = y.astype(str) if goal.task == "classification" else y
    pipeline, doubts = fit_quietly(pipeline, X.iloc[split.train], labels[split.train])
    log.extend(pipeline["clean"].log_)
    log.extend(s for s in verdict.log if s.rule in SUSPICIONS)
    log.extend(Step("", "fit", len(split.train), why=told) for told in doubts)
    held_out = _answers(pipeline, X.iloc[split.test], labels[split.test], goal.task)
    groups = None if group is None else kept[group].to_numpy()[split.test]
    held_out = replace(held_out, rows=places[split.test], groups=groups)
    learned = np.asarray(places[split.train])
    return Trained(pipeline, verdict, split, goal, held_out, log, chosen, learned)


def _without_twins(split: Split, table: pd.DataFrame, log: Log) -> Split:
    """Take rows out of the test part that equal one of the training part."""
    rows = row_hashes(table)
    seen = np.isin(rows[split.test], rows[split.train])
    if not seen.any() or seen.all():
        return split
    why = "they equal a row of the training part, and are likely copies"
    log.add(Step("", "test part", int(seen.sum()), "", "not tested on", why))
    return replace(split, test=split.test[~seen])


def _answers(pipeline: Pipeline, X: pd.DataFrame, y: Any, task: str) -> HeldOut:
    """Ask the model about the test part."""
    rows = np.arange(len(X))
    if task == "regression":
        return HeldOut(rows, y, np.asarray(pipeline.predict(X)).ravel())
    chances, classes = pipeline.predict_proba(X), np.asarray(pipeline.classes_)
    return HeldOut(rows, y, classes[chances.argmax(axis=1)], chances, classes)


def clean_file(
    path: str | Path,
    out: str | Path,
    *,
    target: str | None = None,
    rules: Rules | None = None,
    apply: tuple[str, ...] = (),
    sample_rows: int = 100_000,
    **options: Any,
) -> tuple[Rules, Log]:
    """Clean a file of any size, chunk by chunk.

    Parameters
    ----------
    path : str or Path
        The messy file.
    out : str or Path
        A folder. It receives ``clean.csv``, ``changes.csv`` (row, column, rule, before, after),
        ``removed.csv`` (rows left out, as they were), ``rules.json`` and ``log.json``.
    target : str, optional
        A column that is never dropped, or a comparison; what gives it away is logged.
    rules : Rules, optional
        Apply these; by default they are learned from a uniform sample of the file.
    apply : tuple of str
        Proposed rules to apply, each ``"RULE"`` or ``"RULE:COLUMN"``.
    sample_rows : int
        Size of that sample.
    **options
        Of `TableFile`.

    Returns
    -------
    rules : Rules
    log : Log

    Raises
    ------
    SchemaError
        If the rules do not fit the file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "t.csv").write_text("h,c\\n" + "150 cm,a\\n1.62 m,b\\n" * 10)
    >>> rules, log = clean_file(folder / "t.csv", folder / "out")
    >>> (folder / "out" / "clean.csv").read_text().splitlines()[:3]
    ['h,c', '150,a', '162,b']
    """
    file = TableFile(path, **options)
    asked = target
    if target is not None:
        target = target_column(file.names, target)[0]
    hashes: list[NDArray[np.uint64]] = []
    suspects: list[Step] = []
    if rules is None:
        # One pass serves both: a sample to learn from, and a hash of every row.
        sample = file.read(sample_rows, on_chunk=lambda chunk: hashes.append(row_hashes(chunk)))
        rules = propose(sample.frame, target)
        if asked is not None:
            suspects = _suspects(sample.frame, asked)
        if sample.sampled:
            # A sample holds hardly any pair: the hashes of all rows tell.
            rules.rules = [r for r in rules.rules if r.rule != "duplicates"]
            rules.rules[:0] = find_duplicates(sample.frame, np.concatenate(hashes))
    rules = rules.applying(apply)
    waiting = [r for r in rules.rules if r.rule == "duplicates" and not r.apply]
    drop_rows = None
    if any(r.rule == "duplicates" and r.apply for r in rules.rules):
        every = np.concatenate(hashes or [row_hashes(chunk) for chunk in file.chunks()])
        drop_rows = pd.Series(every).duplicated().to_numpy()
    steps = Log()
    with (
        _folder(Path(out)) as out,
        whole(out / "clean.csv") as clean_stream,
        whole(out / "changes.csv") as change_stream,
        whole(out / "removed.csv") as removed_stream,
    ):
        for chunk in file.chunks():
            head = {"header": chunk.index[0] == 0, "lineterminator": "\n"}
            if drop_rows is not None:
                marked = drop_rows[chunk.index[0] : chunk.index[-1] + 1]
                chunk[marked].to_csv(removed_stream, index_label="row", **head)
                chunk = chunk[~marked]
            done = clean(chunk, rules, rows=False)
            done.frame.to_csv(clean_stream, index=False, **head)
            changes = done.changes()
            # Blank before and after: counted in the log, no change to list.
            listed = (changes["before"] != "") | changes["after"].notna()
            changes[listed].to_csv(change_stream, index=False, **head)
            steps.merge(done.log)
    log = Log(list(file.log))
    if drop_rows is not None and drop_rows.any():
        rule = next(r for r in rules.rules if r.rule == "duplicates")
        log.add(rule.step(int(drop_rows.sum())))
    log.extend(r.step(r.rows) for r in waiting)
    log.extend([*steps, *suspects])
    rules.save(out / "rules.json")
    write_json(out / "log.json", log.document())
    return rules, log


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    """Make a folder, and take it away again if the work in it fails."""
    new = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror}") from None
    try:
        yield path
    except BaseException:
        if new and not any(path.iterdir()):
            path.rmdir()
        raise


def _suspects(sample: pd.DataFrame, asked: str) -> list[Step]:
    """Tell which columns a model should not see; cleaning alone leaves them in the table."""
    return [
        replace(s, after="kept in the table", applied=False)
        for s in profile(sample, asked).log
        if s.rule in SUSPICIONS
    ]
