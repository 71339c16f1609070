"""The whole way in one call: a file in, a trained model and its account out.

Read, leave out rows without a target and rows entered twice, set a test part aside, learn rules,
scales and categories on the training part only, judge, fit, test.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline

from ann.data.cells.text_cells import text_frame
from ann.data.cleaning.duplicates import expected_pairs, find_duplicates, repeats, row_hashes
from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean
from ann.data.cleaning.rules import Rule
from ann.data.cleaning.schema import Rules, nearest
from ann.data.encoding.encoder import table_pipeline
from ann.data.errors import TableError, TargetError
from ann.data.files.reading import RawTable, TableFile
from ann.data.judging.splitting import Split, split_rows
from ann.data.judging.target import Target, find_target, target_column
from ann.data.judging.verdict import Verdict, assess
from ann.data.log import Log, Step
from ann.data.report.profiling import profile
from ann.whole_files import whole

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
    test_scores : dict of str to float
        On rows that nothing has seen: accuracy and AUC, or R² and RMSE.
    log : Log
        Every step from the file on.
    model : str
        Which of `MODELS`.
    """

    pipeline: Pipeline
    verdict: Verdict
    split: Split
    target: Target
    test_scores: dict[str, float]
    log: Log
    model: str

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


def estimator(model: str, task: str, seed: int) -> Any:
    """Return an unfitted model of this package by name.

    Networks are smaller and more strongly decayed than the estimators' defaults, which overfit
    messy tables: on a churn table of 5,600 rows the default five layers reach an AUC of .75 where
    these reach that of logistic regression.
    """
    from ann.estimators.models import DeepNetwork, LogisticRegression, ShallowNetwork

    if model == "shallow":
        return ShallowNetwork(hidden=16, task=task, l2=2.0, max_epochs=30, random_state=seed)
    if model == "deep":
        return DeepNetwork(hidden=(32,) * 5, task=task, l2=2.0, max_epochs=30, random_state=seed)
    if task == "regression":
        from sklearn.linear_model import RidgeCV

        return RidgeCV(np.logspace(-2, 3, 11))
    return LogisticRegression()


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
    if model not in MODELS:
        raise TargetError(f"there is no model {model!r}{nearest(model, list(MODELS))}")
    log = Log(list(raw.log)) if isinstance(raw, RawTable) else Log()
    frame = text_frame(raw.frame if isinstance(raw, RawTable) else raw).reset_index(drop=True)
    goal = find_target(frame, target, task=task)
    log.extend(goal.steps)
    kept, y = frame.iloc[goal.rows], goal.values
    for rule in find_duplicates(kept):
        if rule.apply:
            marked = repeats(kept)
            log.add(Step("", "duplicates", int(marked.sum()), rule.before, rule.after, rule.why))
            kept, y = kept[~marked], y[~marked]
    kept = kept.reset_index(drop=True)
    split = split_rows(kept, y, test=test, group=group, time=time, seed=seed)
    log.add(split.step)
    learn = kept.iloc[split.train].reset_index(drop=True)
    verdict = assess(
        learn,
        target,
        task=goal.task,
        group=group,
        keep=keep,
        leave_out=leave_out,
        rules=rules,
        seed=seed,
    )
    if verdict.level == "cannot":
        reasons = "; ".join(r.text for r in verdict.reasons if r.level == "cannot")
        raise TargetError(f"the data cannot support a model of {target!r}: {reasons}")
    chosen = model
    if model == "best":
        better = any(r.code == "network" and "is better" in r.text for r in verdict.reasons)
        chosen = "shallow" if better else "logistic"
    out = tuple(dict.fromkeys((*leave_out, *verdict.leave_out, *([group] if group else []))))
    pipeline = table_pipeline(
        estimator(chosen, goal.task, seed),
        rules=None if rules is None else rules.without(goal.column),
        leave_out=tuple(n for n in out if n not in keep),
    )
    X = kept.drop(columns=goal.column)
    labels = y.astype(str) if goal.task == "classification" else y
    pipeline.fit(X.iloc[split.train], labels[split.train])
    log.extend(pipeline["clean"].log_)
    log.extend(s for s in verdict.log if s.rule in ("leak", "group", "origin"))
    scores = _test(pipeline, X.iloc[split.test], labels[split.test], goal.task)
    return Trained(pipeline, verdict, split, goal, scores, log, chosen)


def _test(pipeline: Pipeline, X: pd.DataFrame, y: Any, task: str) -> dict[str, float]:
    if task == "regression":
        error = np.asarray(y, dtype=float) - np.asarray(pipeline.predict(X)).ravel()
        spread = float(np.var(np.asarray(y, dtype=float)))
        out = {"rmse": float(np.sqrt(np.mean(error**2)))}
        return {"r2": 1 - float(np.mean(error**2)) / spread, **out} if spread > 0 else out
    chance = pipeline.predict_proba(X)
    classes = np.asarray(pipeline.classes_)
    out = {"accuracy": float(np.mean(classes[chance.argmax(axis=1)] == y))}
    parts = [
        roc_auc_score(y == c, chance[:, k])
        for k, c in enumerate(classes)
        if 0 < np.sum(y == c) < len(y)
    ]
    if parts:
        out["auc"] = float(parts[-1] if len(classes) == 2 else np.mean(parts))
    return out


def clean_file(
    path: str | Path,
    out: str | Path,
    *,
    target: str | None = None,
    rules: Rules | None = None,
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
    hashes: list[np.ndarray] = []
    suspects: list[Step] = []
    if rules is None:
        # One pass serves both: a sample to learn from, and a hash of every row.
        sample = file.read(sample_rows, on_chunk=lambda chunk: hashes.append(row_hashes(chunk)))
        rules = propose(sample.frame, target)
        if asked is not None:
            suspects = _suspects(sample.frame, asked)
        if sample.sampled and rules.rules and not any(r.rule == "duplicates" for r in rules.rules):
            rules.rules[:0] = _duplicates_of_all(sample.frame, hashes)
    drop_rows = None
    if any(r.rule == "duplicates" and r.apply for r in rules.rules):
        drop_rows = _later(hashes or [row_hashes(chunk) for chunk in file.chunks()])
    steps: dict[tuple[str, str, bool], Step] = {}
    with (
        _folder(Path(out)) as out,
        whole(out / "clean.csv") as clean_stream,
        whole(out / "changes.csv") as change_stream,
        whole(out / "removed.csv") as removed_stream,
    ):
        first = True
        changes = csv.writer(change_stream)
        changes.writerow(["row", "column", "rule", "before", "after"])
        for chunk in file.chunks():
            if drop_rows is not None:
                marked = drop_rows[chunk.index[0] : chunk.index[-1] + 1]
                chunk[marked].to_csv(
                    removed_stream, header=first, index_label="row", lineterminator="\n"
                )
                chunk = chunk[~marked]
            done = clean(chunk, rules, rows=False)
            done.frame.to_csv(clean_stream, header=first, index=False, lineterminator="\n")
            for edit in done.edits:
                for row, before, after in zip(edit.rows, edit.before, edit.after, strict=True):
                    if before == "" and after is None:
                        # Blank before and after: counted in the log, no change to list.
                        continue
                    changes.writerow(
                        [row, edit.column, edit.rule, before, "" if after is None else after]
                    )
            _merge(steps, done.log)
            first = False
    log = Log(list(file.log))
    if drop_rows is not None and drop_rows.any():
        rule = next(r for r in rules.rules if r.rule == "duplicates")
        log.add(Step("", "duplicates", int(drop_rows.sum()), rule.before, rule.after, rule.why))
    log.extend(steps.values())
    log.extend(suspects)
    rules.save(out / "rules.json")
    with whole(out / "log.json") as stream:
        json.dump(log.document(), stream, indent=1, ensure_ascii=False)
    return rules, log


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    """Make a folder, and take it away again if the work in it fails."""
    new = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TableError(f"cannot make the folder {path}: {error.strerror}") from None
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
        if s.rule in ("leak", "group", "origin")
    ]


def _later(hashes: list[np.ndarray]) -> np.ndarray:
    """Mark the rows whose hash an earlier row has."""
    every = np.concatenate(hashes)
    order = np.argsort(every, kind="stable")
    same = np.zeros(len(every), dtype=bool)
    same[order[1:]] = every[order[1:]] == every[order[:-1]]
    return same


def _duplicates_of_all(sample: pd.DataFrame, hashes: list[np.ndarray]) -> list[Rule]:
    """Judge rows that come twice in the whole file, of which a sample holds hardly any pair."""
    later = _later(hashes)
    found, n = int(later.sum()), len(later)
    if not found:
        return []
    # Chance pairs grow with the square of the number of rows.
    chance = expected_pairs(sample) * (n / len(sample)) ** 2
    sure = chance < 0.05 * found
    row = int(np.flatnonzero(later)[0])
    why = f"{found} of {n} rows equal an earlier one; independent columns would give {chance:.2g}"
    return [Rule("", "duplicates", sure, {}, why, found, f"row {row}", f"row {row} left out")]


def _merge(steps: dict[tuple[str, str, bool], Step], log: Log) -> None:
    for s in log:
        key = (s.column, s.rule, s.applied)
        old = steps.get(key)
        rows = s.rows + (old.rows if old else 0)
        kept = old or s
        steps[key] = Step(s.column, s.rule, rows, kept.before, kept.after, kept.why, s.applied)
