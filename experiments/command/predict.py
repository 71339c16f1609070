"""`neurosim predict`: answers of a trained model, row by row."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.command.console import one_line_errors
from experiments.command.options import Reading, spread
from experiments.command.train import bundled_table

if TYPE_CHECKING:
    import pandas as pd

    from ann.data.log import Log

__all__ = ["predict_command"]


@one_line_errors
@spread
def predict_command(
    model: Annotated[Path, typer.Argument(help="File that `train --out` wrote.")],
    table: Annotated[str, typer.Argument(help="A table with the same columns.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV to write; by default the terminal.")
    ] = None,
    probabilities: Annotated[bool, typer.Option(help="One column a class as well.")] = False,
    *,
    reading: Reading,
) -> None:
    """Predict the target of every row of a table, cleaned by the rules of the model."""
    import pandas as pd

    from ann.data.log import Log
    from ann.data.table_model import TableModel
    from ann.errors import DataError, ModelFileError
    from experiments.kit.outputs import check_file
    from neurosim.atomic_write import write_text

    if os.path.isdir(model):
        raise ModelFileError(f"{model} is a folder; name the file that `train --out` wrote")
    if out is not None:
        check_file(out, inputs=(model, table))
    reader = TableModel.load(model)
    log = Log()
    answers = []
    for chunk in _chunks(table, reading.settings(), log):
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
        write_text(out, text)


def _chunks(table: str, reading: dict[str, Any], log: Log) -> Iterator[pd.DataFrame]:
    """Rows of a table, however many, every one of them in its place."""
    from ann.data import TableFile
    from ann.errors import DataError

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
        same = (
            i for i, s in enumerate(log.steps) if (s.column, s.rule) == (step.column, step.rule)
        )
        at = next(same, None)
        if at is None:
            log.add(step)
        else:
            log.steps[at] = replace(log.steps[at], rows=log.steps[at].rows + step.rows)
