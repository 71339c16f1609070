"""Training and predicting from the terminal: `neurosim train`, `neurosim predict`.

A table is a CSV file with a header, or the name of one of scikit-learn's bundled tables. How its
columns become numbers is learnt on the training rows only and saved with the model.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table
from sklearn import datasets
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import log_loss, mean_absolute_error
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from ann.errors import AnnError, DataError, ParameterError, unknown_name
from ann.estimators import DeepNetwork, LogisticRegression, ShallowNetwork
from ann.storage import load, read_card, save
from ann.tabular import Columns

__all__ = ["DATASETS", "app", "predict", "read_table", "train"]

app = typer.Typer(no_args_is_help=True, help="Train a network on a table; predict with it.")

#: Tables that come with scikit-learn; the target's column is called ``target``.
DATASETS = ("breast_cancer", "diabetes", "digits", "iris", "wine")


class Model(StrEnum):
    """What can be trained."""

    logistic = "logistic"
    shallow = "shallow"
    deep = "deep"


class Task(StrEnum):
    """What is predicted."""

    auto = "auto"
    classification = "classification"
    regression = "regression"


def read_table(source: str) -> pd.DataFrame:
    """Read a CSV file, or a bundled table by its name.

    Parameters
    ----------
    source : str
        A path, or a name of `DATASETS`.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        If the file is no table.
    ParameterError
        If there is no such file and no such name.

    Examples
    --------
    >>> read_table("iris").shape
    (150, 5)
    """
    path = Path(source)
    if path.is_file():
        try:
            frame = pd.read_csv(path)
        except (ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
            raise DataError(f"{path} cannot be read as a CSV table: {error}") from error
        if frame.empty:
            raise DataError(f"{path} has a header but no rows")
        return frame
    if source in DATASETS:
        bunch = getattr(datasets, f"load_{source}")(as_frame=True)
        frame = bunch.frame.copy()
        if source != "diabetes":
            frame["target"] = np.asarray(bunch.target_names).astype(str)[bunch.target]
        return frame
    if path.suffix or "/" in source:
        raise ParameterError(f"there is no file {source}")
    raise unknown_name("file or bundled table", source, DATASETS)


def _is_quantity(column: pd.Series) -> bool:
    """Numbers with fractions, or more different whole numbers than classes usually are."""
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return False
    values = column.to_numpy(float)
    return bool(np.any(values != np.round(values)) or column.nunique() > 20)


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


@app.command()
@_usage_errors
def train(
    table: Annotated[str, typer.Argument(help="CSV file with a header, or a bundled table.")],
    target: Annotated[str, typer.Option(help="Column to predict.")] = "target",
    model: Annotated[Model, typer.Option(help="No, one or five hidden layers.")] = Model.shallow,
    task: Annotated[Task, typer.Option(help="Classes or quantities.")] = Task.auto,
    out: Annotated[Path | None, typer.Option(help="Where to save the model.")] = None,
    held_out: Annotated[float, typer.Option(min=0.05, max=0.9, help="Share to test on.")] = 0.25,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the rows.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 0,
) -> None:
    """Train a model on a table and say how good it is on rows it has not seen."""
    frame = read_table(table)
    if target not in frame.columns:
        raise unknown_name("column", target, map(str, frame.columns))
    unknown = frame[target].isna()
    frame, gaps = frame[~unknown], int(unknown.sum())
    quantity = _is_quantity(frame[target]) if task is Task.auto else task is Task.regression
    if quantity and model is Model.logistic:
        raise ParameterError(
            f"column {target!r} holds quantities; logistic regression predicts classes. Use "
            "--model shallow, or --task classification"
        )
    y = frame[target].to_numpy(float) if quantity else frame[target].astype(str).to_numpy()
    counts = None if quantity else pd.Series(y).value_counts()
    if counts is not None and (len(counts) < 2 or counts.min() < 2):
        raise DataError(
            f"column {target!r} needs at least two classes of at least two rows each; it has "
            f"{counts.head(5).to_dict()}"
        )
    if target in frame.columns:
        frame = frame.drop(columns=target)
    rows, test = train_test_split(
        np.arange(len(y)),
        test_size=held_out,
        random_state=seed,
        stratify=None if quantity else y,
    )
    columns = Columns.learn(frame.iloc[rows])
    X = columns.apply(frame)
    scaler = StandardScaler().fit(X[rows])
    settings: dict[str, Any] = {} if model is Model.logistic else {"random_state": seed}
    if epochs is not None and model is not Model.logistic:
        settings["max_epochs"] = epochs
    if quantity:
        settings["task"] = "regression"
    kinds = {"logistic": LogisticRegression, "shallow": ShallowNetwork, "deep": DeepNetwork}
    estimator = kinds[model.value](**settings)
    if sys.stderr.isatty() and model is not Model.logistic:
        estimator.set_params(progress=True)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        estimator.fit(scaler.transform(X[rows]), y[rows])
    console = Console(highlight=False)
    said = Table(title=f"{type(estimator).__name__} on {table}: {target}", title_justify="left")
    for head in ("", "model", "constant answer"):
        said.add_column(head, justify="left" if not head else "right")
    new = scaler.transform(X[test])
    dummy = (DummyRegressor() if quantity else DummyClassifier()).fit(X[rows], y[rows])
    if quantity:
        said.add_row("R²", f"{estimator.score(new, y[test]):.3f}", "0")
        errors = [mean_absolute_error(y[test], m.predict(new)) for m in (estimator, dummy)]
        said.add_row("mean absolute error", *(f"{e:.4g}" for e in errors))
    else:
        said.add_row("accuracy", *(f"{m.score(new, y[test]):.3f}" for m in (estimator, dummy)))
        losses = [
            log_loss(y[test], m.predict_proba(new), labels=estimator.classes_)
            for m in (estimator, dummy)
        ]
        said.add_row("log-loss", *(f"{e:.4f}" for e in losses))
    console.print(said)
    console.print(f"{len(rows)} rows to learn from, {len(test)} to test on, {X.shape[1]} inputs")
    if gaps:
        console.print(f"{gaps} rows without a value of {target} were left out")
    for name, reason in columns.dropped.items():
        console.print(f"column {name} was left out: {reason}", markup=False)
    for warning in told:
        console.print(f"note: {warning.message}", markup=False)
    if out is not None:
        notes = {
            "columns": columns.to_dict(),
            "mean": scaler.mean_.tolist(),
            "spread": scaler.scale_.tolist(),
            "target": target,
        }
        save(
            estimator.set_params(**({} if model is Model.logistic else {"progress": False})),
            out,
            notes,
        )
        console.print(f"saved to {out}", markup=False, soft_wrap=True)


@app.command()
@_usage_errors
def predict(
    model: Annotated[Path, typer.Argument(help="File that `train --out` wrote.")],
    table: Annotated[str, typer.Argument(help="CSV file with the same columns.")],
    out: Annotated[Path | None, typer.Option(help="CSV to write; by default the terminal.")] = None,
    probabilities: Annotated[bool, typer.Option(help="One column a class as well.")] = False,
) -> None:
    """Predict the target of every row of a table."""
    notes = read_card(model).get("notes")
    if not isinstance(notes, dict) or "columns" not in notes:
        raise ParameterError(
            f"{model} was not saved by `neurosim train`, so how its columns were made is unknown; "
            "use ann.storage.load in Python"
        )
    estimator = load(model)
    X = Columns(**notes["columns"]).apply(read_table(table))
    X = (X - np.array(notes["mean"])) / np.array(notes["spread"])
    answer = pd.DataFrame({notes["target"]: estimator.predict(X)})
    if probabilities:
        if getattr(estimator, "task", "classification") != "classification":
            raise ParameterError("quantities have no probabilities; leave out --probabilities")
        for name, column in zip(estimator.classes_, estimator.predict_proba(X).T, strict=True):
            answer[f"P({name})"] = column
    if out is None:
        sys.stdout.write(answer.to_csv(index=False))
    else:
        whole = out.with_name(f".{out.name}.part")
        answer.to_csv(whole, index=False)
        whole.replace(out)


if __name__ == "__main__":
    app()
