"""What Clampfit exports as text: Axon Text Files (ATF), and tables with a column a trace."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.channels import is_flat, live_one
from bridge.recordings.formats.sweeps import Sweep, Units, factor_to, sampling_rate, scale_to

__all__ = ["decimal_mark", "is_atf", "read_atf", "read_traces", "trace_columns"]

Array = NDArray[np.float64]

# "Trace #12 (mV)"; pandas numbers a second column of that name as "Trace #12 (mV).1".
# A signal may be named between the two.
_TRACE = re.compile(
    r"\s*(?:Trace|Sweep)\s*#?\s*(\d+)(?!\d)([^()]*)(?:\(([^()]*)\))?(?:\.\d+)?\s*", re.IGNORECASE
)
_TIME = re.compile(r"\s*Time\s*\((s|ms|us)\)\s*", re.IGNORECASE)
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
# A header has a record a line, about ten of them.
_MOST_RECORDS = 1000


@dataclass(frozen=True)
class _Column:
    """Where the trace of a signal stands."""

    place: int
    sweep: int
    signal: str
    unit: str


def is_atf(path: Path) -> bool:
    """Say whether a file begins as an Axon Text File."""
    with path.open("rb") as stream:
        return bool(re.match(rb"ATF[\t ,]", stream.read(4)))


def read_atf(path: Path, voltage: str | None, current: str | None, units: Units) -> list[Sweep]:
    """Read the sweeps of an Axon Text File.

    Its first line says ATF and a version; the second how many records the header has and how many
    columns the table. One record names the signal of each column.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    voltage, current : str, optional
        Names of the signals, where the file has several of a kind.
    units : (str or None, str or None)
        Units of voltage and current, where the file has them wrong.

    Returns
    -------
    list of Sweep

    Raises
    ------
    RecordingError
        The file is broken, or holds no potential and current.
    """
    if not is_atf(path):
        raise RecordingError("file", "does not begin as an ATF file does", "export it again")
    text = path.read_text(encoding="latin-1")
    head = io.StringIO(text)
    head.readline()
    sizes = re.findall(r"\d+", head.readline())
    if len(sizes) != 2 or not 0 <= int(sizes[0]) <= _MOST_RECORDS:
        raise RecordingError(
            "file", "its second line does not say how long its header is", "export it again"
        )
    records = [head.readline() for _ in range(int(sizes[0]))]
    titles = _cells(head.readline())
    if len(titles) != int(sizes[1]):
        raise RecordingError(
            "truncated",
            f"names {len(titles)} columns, and promises {sizes[1]}",
            "export it again",
        )
    signals = next((_cells(line)[1:] for line in records if "Signals=" in line[:10]), [])
    first = head.readline()
    mark = "," if "," in first and "\t" not in first else "\t"
    body = first + head.read()
    try:
        frame = pd.read_csv(
            io.StringIO(body),
            sep=mark,
            header=None,
            skipinitialspace=True,
            decimal=decimal_mark(body, mark),
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise RecordingError("truncated", f"is not a table ({error})", "export it again") from None
    if frame.shape[1] != len(titles):
        raise RecordingError(
            "truncated",
            f"has {frame.shape[1]} columns of numbers under {len(titles)} titles",
            "export it again",
        )
    frame.columns = pd.RangeIndex(len(titles))
    return read_traces(frame, titles, signals, voltage, current, units)


def decimal_mark(text: str, mark: str) -> str:
    """Say whether numbers are written with a decimal comma, as some countries do.

    Parameters
    ----------
    text : str
        Lines of numbers.
    mark : str
        What parts the columns.

    Examples
    --------
    >>> decimal_mark("0\\t-70,5", "\\t"), decimal_mark("0,-70.5", ",")
    (',', '.')
    """
    comma = mark != "," and re.search(r"\d,\d", text) and not re.search(r"\d\.\d", text)
    return "," if comma else "."


def _cells(line: str) -> list[str]:
    cells = line.rstrip("\r\n").split("\t" if "\t" in line else ",")
    return [cell.strip().strip('"') for cell in cells]


def trace_columns(titles: Sequence[str]) -> bool:
    """Say whether a table is a time and traces, as Clampfit names them.

    Examples
    --------
    >>> trace_columns(["Time (s)", "Trace #1 (mV)", "Trace #1 (pA)"])
    True
    >>> trace_columns(["time_s", "trace", "voltage_mV"])
    False
    """
    return (
        len(titles) > 1
        and _TIME.fullmatch(titles[0]) is not None
        and all(_TRACE.fullmatch(title) for title in titles[1:])
    )


def read_traces(
    frame: pd.DataFrame,
    titles: Sequence[str],
    signals: Sequence[str],
    voltage: str | None,
    current: str | None,
    units: Units,
) -> list[Sweep]:
    """Read sweeps from columns of a time and of traces.

    Parameters
    ----------
    frame : pandas.DataFrame
        A row a sample.
    titles : sequence of str
        Of the columns: ``Time (s)``, ``Trace #1 (mV)``, ...
    signals : sequence of str
        Name of the signal of each column but the first; empty where they are not told. Then a
        signal is called by its unit.
    voltage, current, units
        As in `read_atf`.

    Returns
    -------
    list of Sweep

    Raises
    ------
    RecordingError
        A column has another title, holds no numbers, or there is no potential or no current.
    """
    if not trace_columns(titles):
        raise RecordingError(
            "format",
            f"its columns are {', '.join(map(repr, titles[:4]))}, not a time and traces",
            "export the sweeps from Clampfit with their signals",
        )
    columns = _columns(titles, signals)
    heard, note = _signal(frame, columns, "V", voltage, units[0])
    given, _ = _signal(frame, columns, "A", current, units[1])
    found = _TIME.fullmatch(titles[0])
    assert found is not None
    seconds = _numbers(frame, 0, titles) * _SECONDS[found[1].lower()]
    partner = {column.sweep: column for column in given}
    sweeps = []
    for column in heard:
        other = partner.get(column.sweep)
        if other is None:
            raise RecordingError(
                "no-current",
                f"trace {column.sweep} has no column of {given[0].signal!r}",
                "export all signals of every sweep",
            )
        volts = _numbers(frame, column.place, titles) * factor_to("V", column.unit, units[0])
        amps = _numbers(frame, other.place, titles) * factor_to("A", other.unit, units[1])
        rate = sampling_rate(seconds, column.sweep)
        sweeps.append(Sweep(column.sweep, rate, volts, amps, "measured", channel=note))
    return sweeps


def _columns(titles: Sequence[str], signals: Sequence[str]) -> list[_Column]:
    """Read the titles; a signal that a trace has twice is two signals, as of two electrodes."""
    columns = []
    met: Counter[tuple[int, str]] = Counter()
    for k, title in enumerate(titles[1:]):
        match = _TRACE.fullmatch(title)
        assert match is not None
        unit, sweep, own = (match[3] or "").strip(), int(match[1]), match[2].strip()
        named = len(signals) == len(titles) - 1 and signals[k]
        name = signals[k] if named else own or unit
        met[sweep, name] += 1
        again = f" {met[sweep, name]}" if met[sweep, name] > 1 else ""
        columns.append(_Column(k + 1, sweep, f"{name}{again}", unit))
    _check_repeats(columns, met)
    return columns


def _check_repeats(columns: list[_Column], met: Counter[tuple[int, str]]) -> None:
    """Refuse a signal that only some traces have twice: which is which cannot be told."""
    sweeps = {column.sweep for column in columns}
    for name in {name for (_, name), times in met.items() if times > 1}:
        times = {sweep: met[sweep, name] for sweep in sorted(sweeps)}
        if len(set(times.values())) > 1:
            few, many = min(times, key=times.__getitem__), max(times, key=times.__getitem__)
            raise RecordingError(
                "choice",
                f"trace {many} has {times[many]} columns of {name!r}, trace {few} has "
                f"{times[few]}: which of them belong together is not told",
                "export it as ATF with the names of the signals, or only the cell's own signals",
            )


def _signal(
    frame: pd.DataFrame,
    columns: list[_Column],
    kind: Literal["V", "A"],
    name: str | None,
    said: str | None,
) -> tuple[list[_Column], str]:
    """Return the traces of the potential or the current, and a note if they were chosen."""
    by_name: dict[str, list[_Column]] = {}
    for column in columns:
        by_name.setdefault(column.signal, []).append(column)
    told = ", ".join(f"{name!r} ({of[0].unit})" for name, of in by_name.items())
    option, quantity = ("voltage", "volt") if kind == "V" else ("current", "ampere")
    if name is not None:
        if name not in by_name:
            raise RecordingError("choice", f"no signal is called {name!r}", f"found: {told}")
        if kind == "V":
            _check_alive(frame, by_name, name, said)
        return by_name[name], ""
    fitting = {
        signal: of for signal, of in by_name.items() if (scale_to(of[0].unit) or " ")[0] == kind
    }
    if not fitting:
        raise RecordingError(
            "no-voltage" if kind == "V" else "no-current",
            f"no signal is in {quantity} (found: {told})",
            f"export the {'potential' if kind == 'V' else 'injected current'} with the others; "
            f'or name the signal that it is: {option}="...", {option}_unit="..."',
        )
    if len(fitting) == 1:
        return next(iter(fitting.values())), ""
    if kind == "A":
        raise RecordingError(
            "choice",
            f"{len(fitting)} signals are in ampere (found: {told})",
            'say which one was injected into this cell: current="..."',
        )
    names = list(fitting)
    traces = [
        [_numbers(frame, c.place, ()) * factor_to("V", c.unit, said) for c in of]
        for of in fitting.values()
    ]
    chosen, note = live_one(names, traces)
    return fitting[names[chosen]], note


def _check_alive(
    frame: pd.DataFrame, by_name: dict[str, list[_Column]], name: str, said: str | None
) -> None:
    """Refuse a signal chosen by name that is flat, where another potential is not."""
    flat, alive = False, []
    for signal, of in by_name.items():
        if (scale_to(of[0].unit) or " ")[0] != "V":
            continue
        still = is_flat([_numbers(frame, c.place, ()) * factor_to("V", c.unit, said) for c in of])
        flat |= still and signal == name
        alive += [] if still else [repr(signal)]
    if flat and alive:
        raise RecordingError(
            "choice",
            f"signal {name!r} never moves by as much as 1 mV: no cell is on it",
            f'choose {" or ".join(alive)}: voltage="..."',
        )


def _numbers(frame: pd.DataFrame, place: int, titles: Sequence[str]) -> Array:
    """Return a column as numbers; where a shorter trace has ended there are none (NaN)."""
    raw = frame.iloc[:, place]
    numbers = pd.to_numeric(raw, errors="coerce")
    wrong = (numbers.isna() & raw.notna()).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        title = titles[place] if place < len(titles) else str(place + 1)
        raise RecordingError(
            "format",
            f"column {title!r}, sample {row + 1}: {raw.iloc[row]!r} is no number",
            "write plain digits",
        )
    values: Array = numbers.to_numpy(float)
    return values
