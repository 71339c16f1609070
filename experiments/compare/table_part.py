"""A table of the reader in place of the digits: cleaned, split and learned from as by `train`."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.gallery.networks.digits_on_neurons import Trained
from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from ann.data.files.reading import RawTable
    from ann.data.table_model import TableModel

__all__ = ["OwnTable", "check_target", "learn"]

# Rows held out that are answered; more take long and tell little more.
_MOST = 5000
# Columns left out that are named in the text; the rest stand in the list of steps.
_NAMED = 8


@dataclass(frozen=True, eq=False)
class OwnTable:
    """A network trained on a table, and what was done to the table.

    Attributes
    ----------
    name, target : str
        The file's, and what is predicted.
    trained : Trained
        The network with its rows, encoded.
    rows : int
        In the file.
    learned : int
        Rows that the network learned from.
    others : tuple of (int, str)
        Rows of each kind that was neither learned from nor answered, and what they are, as the end
        of a sentence.
    used : tuple of str
        Columns that it sees.
    left_out : tuple of str
        Columns that it does not see.
    steps : tuple of str
        Everything that was done, or found and not done, in the order in which it happened.
    """

    name: str
    target: str
    trained: Trained
    rows: int
    learned: int
    others: tuple[tuple[int, str], ...]
    used: tuple[str, ...]
    left_out: tuple[str, ...]
    steps: tuple[str, ...]

    def said(self) -> str:
        """Say which rows and columns the network was trained on."""
        test = len(self.trained.y_test)
        told = [f"{count:,} {what}" for count, what in self.others]
        *most, last = told or [""]
        lacking = (
            f" Of the others, {', '.join(most)}{' and ' if most else ''}{last}." if told else ""
        )
        without = ""
        if self.left_out:
            named = ", ".join(self.left_out[:_NAMED])
            more = len(self.left_out) - _NAMED
            without = f" It does not see {named}{f' and {more} more' if more > 0 else ''}."
        columns = "column" if len(self.used) == 1 else "columns"
        return (
            f"The network predicts {self.target} of {self.name}. Of {self.rows:,} rows it learned "
            f"from {self.learned:,}, and {test:,} were held out.{lacking} It sees "
            f"{len(self.used)} {columns}, which become {self.trained.X_test.shape[1]} inputs."
            f"{without}"
        )


def check_target(
    path: Path, target: str, reading: Mapping[str, Any], rules: Any = None, apply: Any = ()
) -> RawTable:
    """Read a table and refuse a target that has no classes.

    Parameters
    ----------
    path : Path
    target : str
        A column, or a question about one.
    reading : mapping
        Options of `ann.data.TableFile`.
    rules, apply
        Of `ann.data.train`.

    Raises
    ------
    TableError
        The table cannot be read, or has no such column.
    ParameterError
        The target is a quantity.
    """
    # Imported here and in `learn`: most runs have no table.
    from ann.data import read_table
    from ann.data.cells.text_cells import text_frame
    from ann.data.judging.target import find_target

    raw = read_table(path, **reading)
    found = find_target(
        text_frame(raw.frame).reset_index(drop=True), target, rules=rules, apply=apply
    )
    if found.task == "regression":
        middle = float(np.median(np.asarray(found.values, dtype=float)))
        question = shlex.quote(f"{found.column} > {middle:g}")
        raise ParameterError(
            f"--target {shlex.quote(target)} is a quantity, and this page counts right answers; "
            f"ask a question of it, such as --target {question}, or use `neurosim train` and "
            "`neurosim convert`, which put a network of quantities onto neurons"
        )
    return raw


def learn(raw: RawTable, name: str, target: str, seed: int, **columns: Any) -> OwnTable:
    """Clean a table, train a network with one hidden layer on it, and encode its rows.

    Parameters
    ----------
    raw : RawTable
        As `check_target` read it.
    name : str
        Of the file.
    target : str
        What is predicted: classes.
    seed : int
    **columns
        Of `ann.data.train`: group, keep, leave_out, rules and apply.

    Raises
    ------
    TableError
        The table cannot support a model.
    """
    from ann.data import train as train_on_table
    from ann.data.table_model import TableModel

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        done = train_on_table(raw, target, model="shallow", seed=seed % 2**32, **columns)
    reader = TableModel.of(done, raw.frame)
    X = np.asarray(reader.encode(raw.frame)[0], dtype=float)
    held_out = done.held_out.rows
    shown = held_out[:_MOST]
    trained = Trained(
        done.pipeline["model"], X[done.learned], X[shown], done.held_out.truth[: len(shown)], seed
    )
    used = _columns(reader)
    given = [str(column) for column in raw.frame.columns]
    out = tuple(c for c in given if c not in used and c != done.target.column)
    steps = [str(step) for step in done.log] + list(dict.fromkeys(str(w.message) for w in told))
    return OwnTable(
        name, target, trained, len(raw.frame), len(done.learned),
        _others(len(raw.frame), len(done.target.rows), len(done.learned), len(held_out)),
        used, out, tuple(steps),
    )  # fmt: skip


def _others(
    rows: int, with_target: int, learned: int, held_out: int
) -> tuple[tuple[int, str], ...]:
    """Count the rows that were neither learned from nor answered, by kind; only kinds that occur.

    Examples
    --------
    >>> _others(240, 239, 180, 57)
    ((1, 'lacks the target'), (2, 'are copies'))
    >>> _others(30000, 30000, 24000, 6000)
    ((1000, 'were held out beyond the first 5,000'),)
    """
    beyond = f"held out beyond the first {_MOST:,}"
    kinds = (
        (rows - with_target, "lacks the target", "lack the target"),
        (with_target - learned - held_out, "is a copy", "are copies"),
        (max(held_out - _MOST, 0), f"was {beyond}", f"were {beyond}"),
    )
    return tuple((count, one if count == 1 else many) for count, one, many in kinds if count)


def _columns(reader: TableModel) -> tuple[str, ...]:
    """Return the columns of the table that became inputs."""
    encoding = reader.encoding
    found = [c for block in (encoding.numbers, encoding.dates) for c in block.get("columns", ())]
    return (*found, *(word["name"] for word in encoding.words))
