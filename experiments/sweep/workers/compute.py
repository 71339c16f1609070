"""The rows of a chunk, computed: on a worker of any backend, or in this process.

The rows are one engine batch. When it fails, it is run in halves, and these in halves, until every
row that fails stands alone: it is reported with its error, and the others have their numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity

from experiments.sweep.errors import MeasureError, SweepError
from experiments.sweep.rows.axes import said_of_row
from experiments.sweep.rows.measure import Measure
from experiments.sweep.rows.row_hashes import seeds_of
from experiments.sweep.rows.swept import FREE, Run
from neurosim.engine.point.execute import EngineNotice
from neurosim.run.simulate import simulate

__all__ = ["Failure", "Outcome", "Task", "compute", "row_seeds"]


@dataclass(frozen=True, eq=False)
class Task:
    """What is computed of every row.

    Attributes
    ----------
    description : Run or mapping
    measures : tuple of Measure
    units : mapping of str to Quantity
        One SI unit of each axis.
    structural : tuple of str
        Axes that are one value in a chunk.
    most_failures : int
        How many rows of a chunk may fail.
    """

    description: Any
    measures: tuple[Measure, ...]
    units: Mapping[str, Quantity]
    structural: tuple[str, ...]
    most_failures: int = 1000

    @property
    def outputs(self) -> dict[str, str]:
        """Unit of each number by its name."""
        return dict(one for measure in self.measures for one in measure.outputs)


@dataclass(frozen=True)
class Failure:
    """A row that could not be computed: its place among the rows, and why."""

    row: int
    why: str


@dataclass(frozen=True, eq=False)
class Outcome:
    """The numbers of some rows; those of a failed row are nan.

    Attributes
    ----------
    values : dict of str to ndarray, each of shape (rows,)
    failures : tuple of Failure
    """

    values: dict[str, np.ndarray]
    failures: tuple[Failure, ...] = ()

    @classmethod
    def together(cls, parts: Sequence[Outcome]) -> Outcome:
        """Return the outcome of rows that were computed in several parts, in their order."""
        failures, first = [], 0
        for part in parts:
            failures += [Failure(one.row + first, one.why) for one in part.failures]
            first += len(next(iter(part.values.values())))
        names = parts[0].values
        values = {name: np.concatenate([part.values[name] for part in parts]) for name in names}
        return cls(values, tuple(failures))

    @classmethod
    def failed(cls, task: Task, rows: int, why: str) -> Outcome:
        """Return the outcome of rows none of which could be computed."""
        values = {name: np.full(rows, np.nan) for name in task.outputs}
        return cls(values, tuple(Failure(row, why) for row in range(rows)))


def row_seeds(columns: Mapping[str, np.ndarray], hashes: np.ndarray) -> np.ndarray:
    """Return the seed of each row's noise: that of the axis ``seed``, or one of the row's own."""
    return columns["seed"] if "seed" in columns else seeds_of(hashes)


def compute(task: Task, columns: Mapping[str, np.ndarray], hashes: np.ndarray) -> Outcome:
    """Return the numbers of rows that share their structural coordinates.

    Parameters
    ----------
    task : Task
    columns : mapping of str to ndarray, each of shape (rows,)
        Coordinates by axis, in SI units.
    hashes : ndarray of uint64, shape (rows,)
        From `row_hashes`.

    Raises
    ------
    SweepError
        More rows fail than may.
    MeasureError
        A measure does not return what it promised.
    OSError
        Files cannot be read or written: no fault of a row.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EngineNotice)
        return _halving(task, columns, hashes, task.most_failures)


def _halving(
    task: Task, columns: Mapping[str, np.ndarray], hashes: np.ndarray, left: int
) -> Outcome:
    """Return the numbers of rows of which `left` more may fail."""
    try:
        return _batch(task, columns, hashes)
    except (MeasureError, SweepError, OSError):
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        rows = len(hashes)
        if rows == 1:
            if not left:
                raise SweepError(
                    f"more than {task.most_failures} rows of a chunk fail, the last of them with "
                    f"{why} ({_first(columns, task)}); correct the description, or allow more by "
                    "most_failures"
                ) from None
            return Outcome.failed(task, 1, why)
    parts: list[Outcome] = []
    for half in (slice(0, rows // 2), slice(rows // 2, rows)):
        fewer = {name: values[half] for name, values in columns.items()}
        parts.append(_halving(task, fewer, hashes[half], left))
        left -= len(parts[-1].failures)
    return Outcome.together(parts)


def _first(columns: Mapping[str, np.ndarray], task: Task) -> str:
    return said_of_row({name: values[0] for name, values in columns.items()}, task.units)


def _batch(task: Task, columns: Mapping[str, np.ndarray], hashes: np.ndarray) -> Outcome:
    rows, seeds = len(hashes), row_seeds(columns, hashes)
    values: dict[str, np.ndarray] = {}
    of_runs = [measure for measure in task.measures if measure.of == "runs"]
    if of_runs:
        recording = _simulated(task, of_runs, columns, seeds)
        for measure in of_runs:
            values |= _checked(measure, measure(recording), rows)
    for measure in task.measures:
        if measure.of != "rows":
            continue
        several = [measure(_of_row(task, columns, row), int(seeds[row])) for row in range(rows)]
        gathered = {name: np.array([float(one[name]) for one in several]) for name in several[0]}
        values |= _checked(measure, gathered, rows)
    return Outcome({name: values[name] for name in task.outputs})


def _simulated(
    task: Task, measures: Sequence[Measure], columns: Mapping[str, np.ndarray], seeds: np.ndarray
) -> Any:
    run = task.description.chosen({name: columns[name][0] for name in task.structural})
    batch = {
        name: Quantity(values, dim=task.units[name].dim)
        for name, values in columns.items()
        if name not in (*task.structural, *FREE)
    }
    record = dict.fromkeys(name for measure in measures for name in measure.record)
    given = {"dt": run.dt, "settle": run.settle, "scheme": run.scheme}
    return simulate(
        run.neuron, run.duration, stimulus=run.stimulus, batch=batch, seed=seeds,
        record=list(record), **{name: value for name, value in given.items() if value is not None},
    )  # fmt: skip


def _of_row(task: Task, columns: Mapping[str, np.ndarray], row: int) -> Any:
    """Return the description of one row: a run with its parameters set, or a dict of options."""
    if isinstance(task.description, Run):
        run = task.description.chosen({name: columns[name][row] for name in task.structural})
        return run.at(
            {
                name: Quantity(values[row], dim=task.units[name].dim)
                for name, values in columns.items()
                if name not in (*task.structural, *FREE)
            }
        )
    options = dict(task.description)
    for name, values in columns.items():
        value = values[row].item()
        unit = task.units[name]
        options[name] = value if unit.dim.is_dimensionless else Quantity(value, dim=unit.dim)
    return options


def _checked(measure: Measure, found: Mapping[str, Any], rows: int) -> dict[str, np.ndarray]:
    checked = {}
    for name, numbers in found.items():
        try:
            checked[name] = np.array(numbers, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise MeasureError(f"measure {measure.name!r}: {name} is no number: {error}") from None
        if checked[name].shape != (rows,):
            raise MeasureError(
                f"measure {measure.name!r} returned {name} of shape {checked[name].shape} for "
                f"{rows} rows; it needs one number a row"
            )
    return checked
