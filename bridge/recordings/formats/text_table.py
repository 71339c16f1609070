"""Sweeps as text: one row a sample, with a column that numbers the sweeps, or columns a sweep."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bridge.recordings.errors import Reason, RecordingError
from bridge.recordings.formats.clampfit_text import (
    decimal_mark,
    is_atf,
    read_atf,
    read_traces,
    trace_columns,
)
from bridge.recordings.formats.sweeps import Sweep, Units, factor_to, sampling_rate
from bridge.recordings.formats.text_header import (
    HEADER_REMEDY,
    TIME_UNITS,
    check_header,
    named,
    split,
    titles_and_body,
    understand,
)

__all__ = ["read_text"]

Array = NDArray[np.float64]


def read_text(
    path: Path, units: Units, voltage: str | None = None, current: str | None = None
) -> list[Sweep]:
    """Read sweeps from a table of samples.

    Parameters
    ----------
    path : pathlib.Path
        Comma, semicolon or tab; ``#`` opens a comment. Long: columns of time, voltage, current
        and, with several sweeps, their number. Wide: a column of time, and for each sweep one
        of voltage and one of current (or one current for all). Or an Axon Text File, or columns
        as Clampfit names them, by whatever name the file has.
    units : (str or None, str or None)
        Units of voltage and current, where the header does not tell or is wrong.
    voltage, current : str, optional
        Names of the columns, or of the signals in what Clampfit exported.

    Returns
    -------
    list of Sweep

    Raises
    ------
    RecordingError
        A column or a unit is missing, several could be meant, the file is cut short, or times are
        uneven.
    """
    if is_atf(path):
        return read_atf(path, voltage, current, units)
    frame = _table(path)
    if trace_columns(list(frame.columns)):
        return read_traces(frame, list(frame.columns), (), voltage, current, units)
    roles: dict[str, list[tuple[str, str, str]]] = {"time": [], "V": [], "A": [], "sweep": []}
    for column in frame.columns:
        role, label, unit = understand(str(column))
        if role:
            roles[role].append((str(column), label, unit))
    # Rows of several sweeps below each other: a further column is no further sweep.
    stacked = bool(roles["sweep"]) or any(
        bool((frame[column].diff() < 0).any()) for column, _, _ in roles["time"][:1]
    )
    _choose(roles, "V", voltage, stacked)
    _choose(roles, "A", current, stacked)
    missing: tuple[tuple[str, Reason, str, str], ...] = (
        ("time", "format", "time", ""),
        ("V", "no-voltage", "voltage", ""),
        ("A", "no-current", "current", "add the injected current of each sample: "),
    )
    for role, reason, name, first in missing:
        if not roles[role]:
            found = ", ".join(frame.columns)
            raise RecordingError(
                reason, f"no column of {name} (found: {found})", first + HEADER_REMEDY
            )
    time_column, _, time_unit = roles["time"][0]
    if time_unit not in TIME_UNITS:
        raise RecordingError(
            "units", f"column {time_column!r} does not tell its unit", "name it time_s or time_ms"
        )
    scales = {
        column: factor_to(kind, unit, units[0 if kind == "V" else 1], f"column {column!r}")
        for kind in ("V", "A")
        for column, _, unit in roles[kind]
    }
    seconds = frame[time_column].to_numpy(float) * TIME_UNITS[time_unit]
    if len(roles["V"]) > 1:
        return _wide(frame, seconds, roles, scales)
    volts = frame[roles["V"][0][0]].to_numpy(float) * scales[roles["V"][0][0]]
    amps = frame[roles["A"][0][0]].to_numpy(float) * scales[roles["A"][0][0]]
    if roles["sweep"]:
        marks = frame[roles["sweep"][0][0]].to_numpy()
    else:
        # A time that starts again is a new sweep.
        marks = np.concatenate([[0], np.cumsum(np.diff(seconds) < 0)])
    sweeps = []
    numbers = list(dict.fromkeys(marks.tolist()))
    whole = all(float(mark).is_integer() for mark in numbers)
    for order, mark in enumerate(numbers):
        rows = marks == mark
        number = int(mark) if whole else order
        sweeps.append(
            Sweep(number, sampling_rate(seconds[rows], number), volts[rows], amps[rows], "measured")
        )
    lengths = [len(s) for s in sweeps]
    if len(lengths) > 1 and lengths[-1] < max(lengths[:-1]) == min(lengths[:-1]):
        raise RecordingError(
            "truncated",
            f"the last sweep has {lengths[-1]} samples, all others {lengths[0]}",
            "export the table again, or leave the last sweep out",
        )
    return sweeps


def _choose(
    roles: dict[str, list[tuple[str, str, str]]],
    kind: Literal["V", "A"],
    name: str | None,
    stacked: bool,
) -> None:
    """Keep the column that the user named; several without numbers of their own are no sweeps."""
    option, quantity = ("voltage", "potential") if kind == "V" else ("current", "current")
    found = roles[kind]
    told = ", ".join(repr(column) for column, _, _ in found)
    if name is not None:
        roles[kind] = [entry for entry in found if entry[0] == name]
        if not roles[kind]:
            raise RecordingError(
                "choice",
                f"no column of {quantity} is called {name!r}",
                f"choose one of {told or 'none'}",
            )
        return
    labels = {label for _, label, _ in found}
    several = len(found) > 1
    if (
        (several and stacked)
        or len(labels) < len(found)
        or (kind == "A" and several and len(roles["V"]) == 1)
    ):
        which = "is the cell's" if kind == "V" else "was injected into this cell"
        remedy = f'say which one {which}: {option}="{found[0][0]}"'
        if not stacked:
            unit = "mV" if kind == "V" else "pA"
            remedy += (
                f"; or, if they are sweeps, end their names with numbers: {option}_{unit}_1, "
                f"{option}_{unit}_2"
            )
        raise RecordingError("choice", f"{len(found)} columns are a {quantity} ({told})", remedy)


def _wide(
    frame: pd.DataFrame,
    seconds: Array,
    roles: dict[str, list[tuple[str, str, str]]],
    scales: dict[str, float],
) -> list[Sweep]:
    currents = {label: column for column, label, _ in roles["A"]}
    rate = sampling_rate(seconds, 0)
    sweeps = []
    for order, (column, label, _) in enumerate(roles["V"]):
        partner = currents.get(label)
        if partner is None and len(currents) == 1:
            partner = next(iter(currents.values()))
        if partner is None:
            raise RecordingError(
                "no-current",
                f"no column of current belongs to {column!r}",
                "end both names with the sweep's number: voltage_mV_1, current_pA_1",
            )
        sweeps.append(
            Sweep(
                int(label) if label.isdecimal() and len(label) < 10 else order,
                rate,
                frame[column].to_numpy(float) * scales[column],
                frame[partner].to_numpy(float) * scales[partner],
                "measured",
            )
        )
    return sweeps


def _table(path: Path) -> pd.DataFrame:
    titles, body = titles_and_body(path)
    check_header(titles, body)
    mark = max(",;\t", key=titles.count)
    try:
        # A "#" within a title, as of "Trace #1 (mV)", opens no comment.
        names = split(titles)
        frame = pd.read_csv(
            io.StringIO(body),
            sep=mark,
            header=None,
            comment="#",
            skipinitialspace=True,
            decimal=decimal_mark(body, mark),
            low_memory=False,
        )
    except pd.errors.EmptyDataError:
        raise RecordingError(
            "truncated", "has a header but no samples", "export it again"
        ) from None
    except (pd.errors.ParserError, ValueError, csv.Error) as error:
        raise RecordingError("file", f"is not a table ({error})", "export it as CSV") from None
    while names and not names[-1].strip() and len(names) > frame.shape[1]:
        names.pop()
    columns = named(names)
    if frame.shape[1] == len(columns) + 1 and frame.iloc[:, -1].isna().all():
        # Every line ends with a mark.
        frame = frame.iloc[:, :-1]
    if frame.shape[1] != len(columns):
        raise RecordingError(
            "format",
            f"has {frame.shape[1]} columns of numbers under {len(columns)} names",
            "give every column its name, and no other",
        )
    frame.columns = pd.Index(columns)
    for column in frame.columns:
        role = understand(column)[0]
        if role:
            _check_numbers(frame, column, padded=role in ("V", "A"))
    return frame


def _check_numbers(frame: pd.DataFrame, column: str, *, padded: bool) -> None:
    """Refuse a column that holds words; or gaps, where these are not the padding of a sweep."""
    values = frame[column]
    empty = values.isna().to_numpy()
    if not pd.api.types.is_numeric_dtype(values):
        wrong = pd.to_numeric(values, errors="coerce").isna().to_numpy() & ~empty
        row = int(wrong.argmax())
        raise RecordingError(
            "format",
            f"column {column!r}, sample {row + 1}: {values.iloc[row]!r} is no number",
            "write plain digits",
        )
    # A last line without its last fields is that of a file cut short; padding is longer.
    cut = bool(empty[-1]) and not empty[-2:-1].any()
    if cut or (empty.any() and not padded):
        row = len(frame) - 1 if cut else int(empty.argmax())
        raise RecordingError(
            "truncated" if cut else "format",
            f"column {column!r} is empty at sample {row + 1} of {len(frame)}",
            "export it again: the file ends within a line" if cut else "fill or cut the gap",
        )
