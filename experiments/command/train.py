"""Training and predicting from the terminal: `neurosim train`, `neurosim predict`.

A table is a text file, however it is written, or the name of one of scikit-learn's bundled
tables. It goes through `ann.data`: read, cleaned by rules learned on the training part only,
judged, encoded, learnt from, tested. The rules are saved with the model, and `predict` applies
them to the new file.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from sklearn import datasets

from ann.data.cells.text_cells import text_frame
from ann.data.cleaning.schema import Rules
from ann.data.files.reading import RawTable, TableFile, read_table
from ann.data.log import Log, Step
from ann.data.report.page import write_report
from ann.data.report.profiling import profile
from ann.data.table_model import TableModel
from ann.data.workflow import train as train_on_table
from ann.errors import AnnError, DataError, ParameterError, unknown_name
from ann.whole_files import whole
from experiments.command.options import (
    Delimiter,
    Encoding,
    Group,
    Header,
    Keep,
    Leave,
    Names,
    RulesFile,
    Seed,
    reading_options,
    say_scores,
    say_steps,
    write_json,
)

if TYPE_CHECKING:
    from ann.data.workflow import Trained

__all__ = ["DATASETS", "app", "predict", "train", "train_and_say"]

app = typer.Typer(no_args_is_help=True, help="Train a network on a table; predict with it.")

#: Tables that come with scikit-learn; the target's column is called ``target``.
DATASETS = ("breast_cancer", "diabetes", "digits", "iris", "wine")

# What a report is made of.
REPORT_FILES = ("report.html", "rules.json", "trained.json")


class Model(StrEnum):
    """What can be trained."""

    best = "best"
    logistic = "logistic"
    shallow = "shallow"
    deep = "deep"


class Task(StrEnum):
    """What is predicted."""

    auto = "auto"
    classification = "classification"
    regression = "regression"


def bundled_table(name: str) -> pd.DataFrame:
    """One of scikit-learn's tables, classes by their names.

    Parameters
    ----------
    name : str
        One of `DATASETS`.

    Returns
    -------
    DataFrame

    Raises
    ------
    ParameterError
        If there is neither a table nor, it seems, a file of that name.

    Examples
    --------
    >>> bundled_table("iris").shape
    (150, 5)
    """
    if name not in DATASETS:
        if Path(name).exists():
            raise ParameterError(f"{name} is a folder or device, not a file with a table")
        if Path(name).suffix or "/" in name:
            raise ParameterError(f"there is no file {name}")
        raise unknown_name("file or bundled table", name, DATASETS)
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.frame.copy()
    if name != "diabetes":
        frame["target"] = np.asarray(bunch.target_names).astype(str)[bunch.target]
    return frame


def _usage_errors(function: Callable[..., None]) -> Callable[..., None]:
    """End with one line and exit code 2 where the caller can put things right."""

    @wraps(function)
    def wrapped(*args: Any, **settings: Any) -> None:
        try:
            function(*args, **settings)
        except (AnnError, OSError) as error:
            Console(stderr=True, highlight=False).print(f"neurosim: {error}", markup=False)
            raise typer.Exit(2) from error

    return wrapped


def check_file(path: Path, inputs: Iterable[str | Path | None] = ()) -> None:
    """Say early, before anything long runs, that a file cannot be written.

    Parameters
    ----------
    path : Path
        The file to be written.
    inputs : iterable of path, optional
        Files that are read and must not be written over.

    Raises
    ------
    ParameterError
        If it is a folder, a device or one of the inputs, or its folder is absent or not writable.
    """
    # Unlike those of Path, these do not fail where a name is too long.
    if os.path.isdir(path):
        raise ParameterError(f"{path} is a folder; name a file, such as {path / 'found'}")
    if os.path.exists(path) and not os.path.isfile(path):
        raise ParameterError(f"{path} is not a plain file; name one that may be replaced")
    read = [file for file in inputs if file is not None and os.path.exists(file)]
    if os.path.exists(path) and any(os.path.samefile(path, file) for file in read):
        raise ParameterError(f"{path} is read and would be written over; name another file")
    parent = path.resolve().parent
    if not os.path.isdir(parent):
        raise ParameterError(f"there is no folder {parent} to save {path.name} in; make it first")
    _check_holds(parent, path.name)


def check_folder(path: Path, files: Iterable[str]) -> None:
    """Say early that files cannot be written into a folder, which is made if need be.

    Raises
    ------
    ParameterError
        If it is a file, one of the files is a folder, or nothing can be written there.
    """
    existing = path.resolve()
    while not os.path.lexists(existing):
        existing = existing.parent
    if not os.path.isdir(existing):
        raise ParameterError(f"{existing} is a file, and a folder is needed for {path}")
    for name in files:
        if os.path.isdir(path / name):
            raise ParameterError(f"{path / name} is a folder, but a file of that name is written")
    _check_holds(existing, path.name)


def _check_holds(folder: Path, name: str) -> None:
    """Write a file of no length that is gone at once."""
    try:
        # Access rights do not tell of read-only mounts, full disks or names too long.
        with tempfile.NamedTemporaryFile(prefix=f".{name}.", dir=folder):
            pass
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ParameterError(f"cannot write {name} in {folder}: {why}") from None


def _check_model(path: Path) -> None:
    if os.path.isdir(path):
        raise ParameterError(f"{path} is a folder; name the file that `train --out` wrote")


def train_and_say(
    table: str,
    target: str,
    *,
    model_file: Path | None = None,
    folder: Path | None = None,
    reading: dict[str, Any] | None = None,
    rules: Path | None = None,
    **settings: Any,
) -> Trained:
    """Train on a table, print how it went, write what is wanted.

    Parameters
    ----------
    table : str
        A file, or one of `DATASETS`.
    target : str
        The column to predict, or a comparison such as ``"num > 0"``.
    model_file : Path, optional
        Where the model goes.
    folder : Path, optional
        Where ``report.html``, ``rules.json`` and ``trained.json`` go.
    reading : dict, optional
        Options of `ann.data.TableFile`.
    rules : Path, optional
        Clean by this file instead of learning rules.
    **settings
        Of `ann.data.train`.

    Returns
    -------
    Trained

    Raises
    ------
    TableError
        If the table cannot be read, or cannot support a model.
    ParameterError
        If there is no such table, or model file or folder cannot be written.
    """
    if model_file is not None:
        check_file(model_file, (table, rules))
    if folder is not None:
        check_folder(folder, REPORT_FILES)
    path = Path(table)
    raw: RawTable | pd.DataFrame
    if path.is_file():
        raw = read_table(path, **(reading or {}))
        frame = raw.frame
    else:
        raw = frame = text_frame(bundled_table(table))
    given = None if rules is None else Rules.load(rules)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        done = train_on_table(raw, target, rules=given, **settings)
    say_steps(done.log)
    typer.echo(str(done.verdict))
    say_scores(done.verdict)
    for message in dict.fromkeys(str(w.message) for w in told):
        typer.echo(f"note: {message}")
    shown = ", ".join(f"{k} {v:.4f}" for k, v in done.test_scores.items())
    rows = f"{len(done.split.train):,} rows to learn from, {len(done.split.test):,} set aside"
    typer.echo(f"{done.model} of {target} ({rows}): {shown}")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        done.pipeline["clean"].rules_.save(folder / "rules.json")
        write_json(folder / "trained.json", done.document())
        write_report(folder / "report.html", profile(frame, target, name=path.name), done.verdict)
        typer.echo(f"written to {folder}: {', '.join(REPORT_FILES)}")
    if model_file is not None:
        TableModel.of(done).save(model_file)
        typer.echo(f"model saved to {model_file}")
    return done


@app.command()
@_usage_errors
def train(
    table: Annotated[str, typer.Argument(help="A text table, or a bundled one by name.")],
    target: Annotated[
        str, typer.Option("--target", "-t", help='Column to predict, or such as "num > 0".')
    ] = "target",
    model: Annotated[
        Model,
        typer.Option(help="No, one or five hidden layers; best: a network if it is better."),
    ] = Model.best,
    task: Annotated[Task, typer.Option(help="Classes or quantities.")] = Task.auto,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File for the model (.safetensors).")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder for report.html, rules.json, trained.json.")
    ] = None,
    held_out: Annotated[float, typer.Option(min=0.05, max=0.9, help="Share to test on.")] = 0.2,
    group: Group = None,
    time: Annotated[
        str | None, typer.Option(help="Test on what comes last by this column.")
    ] = None,
    keep: Keep = None,
    leave_out: Leave = None,
    rules: RulesFile = None,
    names: Names = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    seed: Seed = 0,
) -> None:
    """Clean a table, judge it, train on it, and say how good the model is on unseen rows."""
    train_and_say(
        table,
        target,
        model_file=out,
        folder=report,
        reading=reading_options(names, encoding, delimiter, header),
        rules=rules,
        model=model.value,
        task=None if task is Task.auto else task.value,
        test=held_out,
        group=group,
        time=time,
        keep=tuple(keep or ()),
        leave_out=tuple(leave_out or ()),
        seed=seed,
    )


@app.command()
@_usage_errors
def predict(
    model: Annotated[Path, typer.Argument(help="File that `train --out` wrote.")],
    table: Annotated[str, typer.Argument(help="A table with the same columns.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV to write; by default the terminal.")
    ] = None,
    probabilities: Annotated[bool, typer.Option(help="One column a class as well.")] = False,
    names: Names = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
) -> None:
    """Predict the target of every row of a table, cleaned by the rules of the model."""
    _check_model(model)
    if out is not None:
        check_file(out, (model, table))
    reader = TableModel.load(model)
    log = Log()
    answers = []
    for chunk in _chunks(table, reading_options(names, encoding, delimiter, header), log):
        X, steps = reader.encode(chunk)
        _merge(log, steps)
        answer = pd.DataFrame({reader.target: reader.answer(X)})
        if probabilities:
            answer = answer.join(reader.probabilities(X).add_prefix("P(").add_suffix(")"))
        answers.append(answer)
    if not answers:
        raise DataError(f"{table} has no rows to predict")
    for step in log:
        if step.column != reader.target:
            typer.echo(f"note: {step}", err=True)
    text = pd.concat(answers).to_csv(index=False)
    if out is None:
        sys.stdout.write(text)
    else:
        with whole(out) as stream:
            stream.write(text)


def _chunks(table: str, reading: dict[str, Any], log: Log) -> Iterator[pd.DataFrame]:
    """Rows of a table, however many, every one of them in its place."""
    if not Path(table).is_file():
        yield bundled_table(table)
        return
    file = TableFile(table, **reading)
    yield from file.chunks()
    torn = file.log.find(rule="torn rows")
    if torn:
        raise DataError(
            f"{torn[0].rows} lines of {table} have more cells than there are columns "
            f"({torn[0].before!r}), so answers would not stand beside their rows; mend them first"
        )
    _merge(log, file.log)


def _merge(log: Log, more: Log) -> None:
    """Add the steps of another chunk to those of the same kind."""
    for step in more:
        same = [
            i for i, s in enumerate(log.steps) if (s.column, s.rule) == (step.column, step.rule)
        ]
        if same:
            old = log.steps[same[0]]
            log.steps[same[0]] = Step(**{**vars(old), "rows": old.rows + step.rows})
        else:
            log.add(step)


if __name__ == "__main__":
    app()
