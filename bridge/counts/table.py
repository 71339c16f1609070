"""Read a table of counts, and say exactly which line is wrong when one is."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridge.counts.curve_checks import separates
from bridge.counts.spike_timing import PER_MEASUREMENT, SpikeTiming
from bridge.errors import CurveError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ALIASES",
    "names_counts",
    "read_table",
    "table_columns",
    "table_timing",
    "timing_columns",
]

ALIASES = {
    "current_pA": ("current",),
    "count": ("spikes",),
    "window_s": ("window", "duration_s"),
    "trial": (),
}
"""Columns of an f-I table, and the other names each goes by."""

_WORDS = {
    "current_pA": ("current", "i", "injected current", "step current"),
    "count": ("count", "counts", "spike count", "spikes", "number of spikes", "n spikes"),
    "window_s": ("window", "duration", "window length"),
    "trial": ("trial", "repeat"),
}
# What brings a written unit to pA or s: a factor, and a divisor, so that 500 ms are .5 s exactly.
_UNITS: dict[str, dict[str, tuple[float, float]]] = {
    "current_pA": {"fa": (1, 1e3), "pa": (1, 1), "na": (1e3, 1), "ua": (1e6, 1), "a": (1e12, 1)},
    "window_s": {"s": (1, 1), "sec": (1, 1), "seconds": (1, 1), "ms": (1, 1e3), "min": (60, 1)},
    "count": {},
    "trial": {},
}
_SUBJECT = re.compile(r"(cell|neuron|animal|subject|slice)s?([ _-]?(id|no|nr|name|number))?")
"""Titles of a column that tells whose counts they are."""

_TIMING = {name: f"timing_{name}" for name in (*PER_MEASUREMENT, "resolution_s")}
"""Columns of what is known of the intervals between spikes, by attribute of `SpikeTiming`."""
_EXTREMES = ("shortest_s", "longest_s")
_PERHAPS = ("lead_s", "early_s", "late_s")
_KEEP_WHOLE = "write the file again with FICurve.to_csv, or delete every column timing_..."

_Place = Callable[[str, str, int | None], CurveError]
_DENSITY = re.compile(
    r"(?<![a-z])[munpµμ]?A[\s_]*(/|per)?[\s_]*[cmuµμn]?m[\s_]*(\^|\*\*)?-?[2²]", re.IGNORECASE
)
"""Ampere per area in the name of a column."""
_HEADER = "name the columns current_pA, count, window_s (and trial where currents repeat)"


def read_table(path: Path) -> pd.DataFrame:
    """Read a text table as strings, indexed by line number.

    Parameters
    ----------
    path : pathlib.Path
        A text file, its columns parted by comma, semicolon or tab; ``#`` opens a comment line.

    Returns
    -------
    pandas.DataFrame
        Strings; the index is named ``line``. ``attrs["file"]`` holds the path, ``attrs["neuron"]``
        and ``attrs["background"]`` what comment lines such as ``# neuron: {...}`` say.

    Raises
    ------
    CurveError
        The file is missing, empty, not text, or a row has more or fewer fields than the header.
    """
    file = str(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise CurveError("no such file", "check the path", file=file) from None
    except OSError as error:
        raise CurveError(f"cannot be read ({error.strerror})", "give a file", file=file) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise CurveError("is not a text file", "export the table as CSV in UTF-8", file=file)
    lines, measured_on = _without_comments(text.splitlines(), file)
    reader = csv.reader(lines, delimiter=_delimiter(lines))
    header: list[str] | None = None
    rows, numbers = [], []
    try:
        for fields in reader:
            cells = [cell.strip() for cell in fields]
            if not any(cells):
                continue
            if header is None:
                header = cells
                continue
            if len(cells) != len(header):
                raise CurveError(
                    f"{len(cells)} fields where the header names {len(header)}",
                    "give every row one value a column",
                    file=file,
                    line=reader.line_num,
                )
            rows.append(cells)
            numbers.append(reader.line_num)
    except csv.Error as error:
        raise CurveError(
            f"is not a table ({error})", "export it as CSV", file=file, line=reader.line_num
        ) from None
    if header is None:
        raise CurveError("the file is empty", _HEADER, file=file)
    import pandas as pd

    frame = pd.DataFrame(rows, columns=header, index=pd.Index(numbers, name="line"), dtype=object)
    frame.attrs |= {"file": file, **measured_on}
    return frame


def table_columns(
    frame: pd.DataFrame,
) -> tuple[dict[str, NDArray[np.float64]], Callable[[str, str, int | None], CurveError]]:
    """Find the columns of an f-I table under any of their names, as numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `read_table`, or the user's own.

    Returns
    -------
    columns : dict of ndarray
        By their proper names; `trial` only where the table has it.
    place : callable
        ``place(wrong, remedy, entry)`` makes the error that names file and line of an entry.

    Raises
    ------
    CurveError
        A column is missing, there is no row, or a field is not a number.
    """
    file = frame.attrs.get("file")
    by_line = frame.index.name == "line"

    def place(wrong: str, remedy: str, entry: int | None) -> CurveError:
        if entry is None:
            return CurveError(wrong, remedy, file=file)
        if by_line:
            return CurveError(wrong, remedy, file=file, line=int(frame.index[entry]))
        return CurveError(f"row {entry}: {wrong}", remedy, file=file)

    known = [str(column) for column in frame.columns]
    found = {name: _find(name, known, place, file) for name in ALIASES}
    columns = {name: column for name, column in found.items() if column is not None}
    for name, column in columns.items():
        if known.count(column) > 1:
            raise place(f"two columns are called {column!r}", "keep one of them", None)
        _unit(name, column, place)
    if not len(frame):
        raise place("a header but no data", "add one row a measurement", None)
    numbers = {}
    for name, column in columns.items():
        times, over = _unit(name, column, place)
        values = _numbers(frame, column, place)
        # 0.035 nA are 35 pA, not 35.00000000000001.
        numbers[name] = values if times == over else np.round(values * times / over, 9)
    _one_curve(frame, set(columns.values()), numbers, place)
    return numbers, place


def names_counts(titles: Sequence[str]) -> bool:
    """Say whether the columns of a table are those of counts, by any of their names.

    Examples
    --------
    >>> names_counts(["Current (nA)", "Spikes", "Window (ms)"])
    True
    >>> names_counts(["time_s", "voltage_mV", "current_pA"])
    False
    """
    return any(_means(title)[0] in _WORDS["count"] for title in titles)


def _means(title: str) -> tuple[str, str]:
    """Split a title into its name, in small letters, and its unit, the last word if it is one.

    Examples
    --------
    >>> _means("Current (nA)"), _means("window_ms"), _means("Spikes")
    (('current', 'na'), ('window', 'ms'), ('spikes', ''))
    """
    words = [word for word in re.split(r"[\s_()\[\],/:.#-]+", title.lower()) if word]
    words = [word.replace("µ", "u").replace("μ", "u") for word in words]
    for known in _WORDS.values():
        if " ".join(words[:-1]) in known and len(words) > 1:
            return " ".join(words[:-1]), words[-1]
    return " ".join(words), ""


def _find(name: str, known: list[str], place: _Place, file: str | None) -> str | None:
    """The column that is meant by a proper name; None where a table has no trials."""
    exact = next((other for other in (name, *ALIASES[name]) if other in known), None)
    if exact is not None:
        return exact
    meant = [column for column in known if _means(column)[0] in _WORDS[name]]
    if len(meant) > 1:
        told = " and ".join(map(repr, meant))
        raise place(f"{told} may both be {name!r}", f"call the right one {name}", None)
    if meant:
        return meant[0]
    if name == "trial":
        return None
    # A column that is something else already is not meant.
    taken = [word for words in _WORDS.values() for word in words]
    lower = {column.lower(): column for column in known if _means(column)[0] not in taken}
    near = get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
    hint = f"is {lower[near[0]]!r} meant? rename it" if near else _HEADER
    dense = [column for column in known if _DENSITY.search(column)] if name == "current_pA" else []
    if dense:
        hint = (
            f"{dense[0]!r} is a current per area; multiply it by the area of the membrane, and "
            "give the current in pA"
        )
    if name == "count" and any("rate" in _means(column)[0].split() for column in known):
        hint = "give the number of spikes, not a rate: what a rate is worth depends on its count"
    wrong = f"no column {name!r} (found: {', '.join(known)})"
    raise CurveError(wrong, hint, file=file, column=name)


def _unit(name: str, column: str, place: _Place) -> tuple[float, float]:
    """Factor and divisor of the unit that a title names; 1 and 1 where it names none."""
    unit = _means(column)[1]
    if not unit:
        return 1, 1
    if unit not in _UNITS[name]:
        known = ", ".join(_UNITS[name])
        if name == "count":
            remedy = "give the number of spikes, not a rate"
        else:
            remedy = f"call it {name}" if name == "trial" else f"one of {known} is read"
        raise place(f"the unit {unit!r} of column {column!r} is not that of {name}", remedy, None)
    return _UNITS[name][unit]


def _one_curve(
    frame: pd.DataFrame, used: set[str], numbers: dict[str, NDArray[np.float64]], place: _Place
) -> None:
    """Refuse a table of several curves: its rows would be taken for repeats of one."""
    for k, column in enumerate(map(str, frame.columns)):
        if column in used or column in (*_TIMING.values(), "rate_Hz"):
            continue
        labels = [str(value) for value in frame.iloc[:, k]]
        values = list(dict.fromkeys(labels))
        subject = _SUBJECT.fullmatch(column.strip().lower()) is not None
        # Whoever numbers the same rows as trials says that they are repeats.
        pairs = set(zip(labels, numbers["trial"], strict=True)) if "trial" in numbers else set()
        repeats = len(pairs) == len(values) == len({trial for _, trial in pairs})
        # Numbers, such as those of steps or their times, tell the order of measuring one cell.
        words = not all(map(_is_number, values))
        apart = subject or (words and not repeats and separates(labels, numbers["current_pA"]))
        if len(values) > 1 and apart:
            told = ", ".join(values[:4]) + (", ..." if len(values) > 4 else "")
            raise place(
                f"column {column!r} tells {len(values)} curves apart ({told})",
                "give each curve a table of its own; if they are repeats of one cell, number them "
                "in a column `trial` (0, 1, 2, ...)" + (f", without {column!r}" if subject else ""),
                None,
            )


def _is_number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True


def timing_columns(timing: SpikeTiming) -> dict[str, NDArray[np.float64]]:
    """The columns of a table that `table_timing` reads back.

    Examples
    --------
    >>> from bridge.counts.spike_timing import timing_of
    >>> list(timing_columns(timing_of([[0.1, 0.3, 0.6], []], 1e-4)))[:2]
    ['timing_intervals', 'timing_shortest_s']
    """
    return {
        column: np.broadcast_to(getattr(timing, name), len(timing))
        for name, column in _TIMING.items()
    }


def table_timing(
    frame: pd.DataFrame,
    count: NDArray[np.float64],
    place: Callable[[str, str, int | None], CurveError],
) -> SpikeTiming | None:
    """What a table says of the intervals between spikes; None where it says nothing.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `read_table`, or ``FICurve.to_frame()``.
    count : ndarray, shape (n,)
        Spikes of each row.
    place : callable
        Of `table_columns`.

    Raises
    ------
    CurveError
        A part of it is missing, or more intervals are told than there are spikes.
    """
    there = [column for column in _TIMING.values() if column in frame.columns]
    if not there:
        return None
    absent = [column for column in _TIMING.values() if column not in there]
    if absent:
        raise place(f"{there[0]!r} without {absent[0]!r}", _KEEP_WHOLE, None)
    columns = {
        name: _numbers(frame, column, place, empty=name in (*_EXTREMES, *_PERHAPS))
        for name, column in _TIMING.items()
    }
    for name, column in columns.items():
        # No interval has no shortest one; some numbers may be unknown; the others have to be there.
        known = np.isfinite(column)
        if name in _EXTREMES:
            known |= (columns["intervals"] == 0) & np.isnan(column)
        elif name in _PERHAPS:
            known |= np.isnan(column)
        if not known.all():
            entry = int(np.argmin(known))
            raise place(f"{_TIMING[name]} is {column[entry]}", _KEEP_WHOLE, entry)
    fits = columns["intervals"] == np.maximum(count - 1, 0)
    if not fits.all():
        entry = int(np.argmin(fits))
        told, spikes = columns["intervals"][entry], count[entry]
        wrong = f"{_TIMING['intervals']} {told:g} does not go with a count of {spikes:g}"
        raise place(wrong, _KEEP_WHOLE, entry)
    resolution = columns.pop("resolution_s")
    if resolution.min() < 0:
        entry = int(np.argmin(resolution))
        raise place(f"{_TIMING['resolution_s']} is {resolution[entry]}", _KEEP_WHOLE, entry)
    # Tables of several curves may have been put together.
    return SpikeTiming(**columns, resolution_s=float(resolution.max()))


def _numbers(
    frame: pd.DataFrame,
    column: str,
    place: Callable[[str, str, int | None], CurveError],
    *,
    empty: bool = False,
) -> NDArray[np.float64]:
    """A column as numbers; where `empty` is true an empty field is nan."""
    values = np.empty(len(frame))
    for i, cell in enumerate(frame[column]):
        if empty and isinstance(cell, str) and not cell:
            values[i] = np.nan
            continue
        try:
            values[i] = float(cell)
        except (TypeError, ValueError):
            what = "is empty" if cell == "" or cell is None else f"{cell!r} is not a number"
            raise place(f"{column} {what}", "write plain digits, with a decimal point", i) from None
    return values


def _without_comments(lines: list[str], file: str) -> tuple[list[str], dict[str, Any]]:
    """Blank comment lines, so that lines keep their numbers, and read what they say as JSON."""
    rest, said = [], {}
    for number, line in enumerate(lines, 1):
        comment = line.lstrip(' \t"').startswith("#")
        rest.append("" if comment else line)
        found = re.match(r"\s*#\s*(neuron|background):\s*(\{.*)", line)
        if found:
            try:
                said[found[1]] = json.loads(found[2])
            except (ValueError, RecursionError):
                raise CurveError(
                    f"the comment on the {found[1]} is damaged", "delete it, or write the file "
                    "again", file=file, line=number,
                ) from None  # fmt: skip
    return rest, said


def _delimiter(lines: list[str]) -> str:
    header = next((line for line in lines if line.strip()), "")
    return max(",;\t", key=header.count)
