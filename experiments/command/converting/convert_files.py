"""What `neurosim convert` reads and where it writes, checked before anything long runs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ann import load
from bridge.errors import ConversionError
from bridge.mapping.accepted_networks import validate
from bridge.spiking.answers import Answers, answers_of
from bridge.units.slow_unit import SlowUnit
from experiments.tables.array_inputs import (
    WRITE,
    check_labels,
    check_quantities,
    check_rows,
    check_width,
    read_inputs,
)
from experiments.tables.table_rows import is_table, read_rows, table_reader
from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from ann.data.table_model import TableModel

__all__ = ["Task", "check_labels", "read_task", "slow_unit_of_file", "write_answers"]

# Rows held out in training that are answered; more take long and tell little more.
MOST = 5000


@dataclass(frozen=True, eq=False)
class Task:
    """A trained model, what it is calibrated on, and what it is to answer.

    Attributes
    ----------
    trained : fitted estimator or ann.Network
        The model.
    answers : Answers
        What its outputs mean.
    classes : ndarray
        Its classes.
    X, X_test : ndarray, shape (n_samples, n_features)
        Inputs to calibrate on and to answer.
    order : ndarray of int
        Rows of `X`, shuffled: tables are often sorted by class, so the first would be of one kind.
    y : ndarray or None
        What is right for `X_test`.
    which : str
        Which inputs `X_test` is, in words.
    rows : ndarray of int
        Where the inputs of `X_test` stand in their file, from 0.
    known : ndarray of bool or None
        For which of them `y` says what is right; None for all.
    notes : list of str
        What cleaning did to tables, for the user.
    """

    trained: Any
    answers: Answers
    classes: np.ndarray
    X: np.ndarray
    X_test: np.ndarray
    order: np.ndarray
    y: np.ndarray | None
    which: str
    rows: np.ndarray
    known: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def alone(self) -> bool:
        """Whether it is a network without its estimator."""
        return self.trained is getattr(self.trained, "network_", self.trained)

    @property
    def labels(self) -> bool:
        """Whether the answers are labels."""
        return self.answers.labels

    @cached_property
    def from_network(self) -> np.ndarray:
        """What the trained network answers to `X_test`."""
        network = getattr(self.trained, "network_", self.trained)
        logits = np.asarray(network.logits(self.X_test), dtype=float)
        return self.answers.predict(logits, getattr(self.trained, "classes_", None))


def read_task(
    model: Path,
    inputs: Path,
    test: Path | None,
    task: str,
    seed: int,
    shown: int,
    reading: dict[str, Any] | None = None,
) -> Task:
    """Read model and inputs, and refuse what does not fit together.

    Parameters
    ----------
    model, inputs : Path
        Files of the model and of the inputs to calibrate on: arrays, or a table for a model that
        `neurosim train` saved. Of the table it was trained on, rows held out are not calibrated
        on.
    test : Path or None
        File of the inputs to answer; None takes the rows held out, or else draws `shown` of those
        to calibrate on.
    task : {"auto", "classification", "regression"}
        What outputs are, of a network saved without its estimator.
    seed : int
        Of the order in which inputs are drawn.
    shown : int
    reading : dict, optional
        Options of `ann.data.TableFile` for tables.

    Raises
    ------
    ConversionError
        A file is none of the kind, or model and inputs are not for each other.
    """
    if os.path.isdir(model):
        raise ConversionError(f"{model} is a folder; name the file that ann.save wrote")
    reader = table_reader(model)
    trained = load(model)
    inner = getattr(trained, "network_", trained)
    if reader is not None and len(inner.layers) < 2:
        kind = "logistic" if reader.task == "classification" else "linear"
        raise ConversionError(
            f"{model} is a {kind} model: it has no hidden layer, so there is nothing to put onto "
            f"neurons; train it again with `neurosim train FILE --target {reader.target!r} "
            "--model shallow`"
        )
    network = validate(trained)
    X, y, unseen, notes = _inputs(inputs, reader, network.sizes[0], model, reading)
    order = np.random.default_rng(seed).permutation(len(X))
    if test is not None:
        X_test, y, _, more = _inputs(test, reader, network.sizes[0], model, reading)
        notes = notes + more
        rows, which, source = np.arange(len(X_test)), f"{len(X_test)} inputs", test
    elif unseen is not None:
        # The table it was trained on: what it has seen to calibrate on, the rest to answer.
        rows = unseen[:MOST]
        X_test, y, source = X[rows], None if y is None else y[rows], inputs
        X = np.delete(X, unseen, axis=0)
        order = np.random.default_rng(seed).permutation(len(X))
        which = f"the {len(rows)} rows that were held out in training"
    else:
        # From the other end: as long as they last, others than those certified on.
        rows, y, source = order[::-1][:shown], None, inputs
        X_test = X[rows]
        which = f"{len(X_test)} inputs drawn from those it was calibrated on"
    classes = getattr(trained, "classes_", np.arange(max(2, network.sizes[-1])))
    answers = answers_of(trained, network, reader.task if reader is not None else task)
    found = Task(trained, answers, classes, X, X_test, order, None, which, rows, notes=notes)
    if y is None:
        return found
    known = np.array([v is not None and v == v for v in y]) if y.dtype.kind in "Of" else None
    if reader is None or known is None:
        return replace(found, y=_checked_y(found, y, source))
    shorter = replace(found, X_test=X_test[known])
    return replace(found, y=_checked_y(shorter, y[known], source), known=known)


def _inputs(
    path: Path,
    reader: TableModel | None,
    width: int,
    model: Path,
    reading: dict[str, Any] | None,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None, list[str]]:
    """Inputs of a file of arrays or of a table, targets, rows not learned from, and notes."""
    if not is_table(path):
        X, y = read_inputs(path)
        return check_width(X, width, path), y, None, []
    if reader is None:
        raise ConversionError(
            f"{path} is a table, but {model} was not saved by `neurosim train`, so how its cells "
            f"become numbers is unknown; {WRITE}"
        )
    found = read_rows(reader, path, reading)
    return check_width(found.X, width, path), found.y, found.unseen, found.notes


def _checked_y(found: Task, y: np.ndarray, path: Path) -> np.ndarray:
    shape = found.from_network.shape
    if found.answers.kind == "quantities":
        return check_quantities(y, shape, path)
    if found.answers.kind == "labels":
        return check_rows(y, shape, path)
    hint = "; if its outputs are quantities, say --task regression" if found.alone else ""
    return check_labels(y, len(found.X_test), found.classes, path, hint)


def write_answers(path: Path, given: Task, neurons: np.ndarray) -> None:
    """Write a CSV with a line for each input: its row in the file, and what was answered.

    Parameters
    ----------
    path : Path
    given : Task
    neurons : ndarray
        What the neurons answered; several outputs have a column each.
    """
    import pandas as pd

    from neurosim.atomic_write import write_text

    columns: dict[str, np.ndarray] = {"row": given.rows}
    for name, found in (("network", given.from_network), ("neurons", neurons)):
        table = found.reshape(len(found), -1)
        several = table.shape[1] > 1
        columns |= {f"{name} {k}" if several else name: v for k, v in enumerate(table.T)}
    write_text(path, pd.DataFrame(columns).to_csv(index=False))


def slow_unit_of_file(path: Path) -> SlowUnit | None:
    """The unit with a slow state in a file of `neurosim unit`; None where it claims none."""
    wanted = f"--memory {path}: give the JSON file that `neurosim unit --memory --out` wrote"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))["memory"]
    except OSError as error:
        raise ParameterError(f"--memory {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ParameterError(wanted) from None
    if not isinstance(said, dict) or "unit" not in said:
        raise ParameterError(wanted)
    if said.get("verdict") != "slow":
        return None
    return SlowUnit.from_dict(said["unit"])
