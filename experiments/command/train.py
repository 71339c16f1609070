"""`neurosim train`: a network on a table.

A table is a text file, however it is written, or the name of one of scikit-learn's bundled
tables. It goes through `ann.data`: read, cleaned by rules learned on the training part only,
judged, encoded, learnt from, tested. The rules are saved with the model, and `neurosim predict`
applies them to the new file.
"""

from __future__ import annotations

import warnings
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.command.console import one_line_errors, say_scores, say_steps
from experiments.command.options import Columns, Reading, TableSeed, Time, spread
from experiments.tables.table_rows import DATASETS, bundled_table

if TYPE_CHECKING:
    import pandas as pd

    from ann.data.files.reading import RawTable
    from ann.data.workflow import Trained

__all__ = ["DATASETS", "REPORT_FILES", "bundled_table", "train_and_say", "train_command"]

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


def train_and_say(
    table: str,
    target: str,
    *,
    model_file: Path | None = None,
    folder: Path | None = None,
    reading: dict[str, Any] | None = None,
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
    **settings
        Of `ann.data.train`; `rules` are cleaned by instead of learnt.

    Returns
    -------
    Trained

    Raises
    ------
    TableError
        If the table cannot be read, or cannot support a model.
    ParameterError
        If there is no such table.
    """
    from ann.data import profile, read_table, write_report
    from ann.data import train as train_on_table
    from ann.data.cells.text_cells import text_frame
    from ann.data.table_model import TableModel
    from experiments.tables.score_intervals import score_intervals
    from experiments.tables.training_account import held_out_section, scores_said
    from neurosim.atomic_write import make_folder, write_json

    path = Path(table)
    raw: RawTable | pd.DataFrame
    if path.is_file():
        raw = read_table(path, **(reading or {}))
        frame = raw.frame
    else:
        raw = frame = text_frame(bundled_table(table))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        done = train_on_table(raw, target, **settings)
    say_steps(done.log)
    typer.echo(str(done.verdict))
    say_scores(done.verdict)
    for message in dict.fromkeys(str(w.message) for w in told):
        typer.echo(f"note: {message}")
    scores = score_intervals(done.held_out)
    rows = f"{len(done.split.train):,} rows to learn from, {len(done.split.test):,} set aside"
    typer.echo(f"{done.model_name} of {target} ({rows}): {scores_said(scores)}")
    if folder is not None:
        make_folder(folder)
        done.pipeline["clean"].rules_.save(folder / "rules.json")
        held_out = {name: vars(score) for name, score in scores.items()}
        write_json(folder / "trained.json", done.document() | {"held_out": held_out})
        page = folder / "report.html"
        sections = [held_out_section(done)]
        write_report(page, profile(frame, target, name=path.name), done.verdict, sections)
        typer.echo(f"written to {folder}: {', '.join(REPORT_FILES)}")
    if model_file is not None:
        TableModel.of(done, frame).save(model_file)
        typer.echo(f"model saved to {model_file}")
        if done.model == "logistic":
            typer.echo(
                "it has no hidden layer; for `neurosim convert`, which puts hidden units onto "
                "neurons, train with --model shallow"
            )
    return done


@one_line_errors
@spread
def train_command(
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
    time: Time = None,
    *,
    columns: Columns,
    reading: Reading,
    seed: TableSeed = 0,
) -> None:
    """Clean a table, judge it, train on it, and say how good the model is on unseen rows."""
    from experiments.kit.outputs import check_file, check_folder

    if out is not None:
        check_file(out, inputs=(table, columns.rules))
    if report is not None:
        check_folder(report, "--report", REPORT_FILES)
    train_and_say(
        table,
        target,
        model_file=out,
        folder=report,
        reading=reading.settings(),
        model=model.value,
        task=None if task is Task.auto else task.value,
        test=held_out,
        time=time,
        seed=seed,
        **columns.settings(),
    )
