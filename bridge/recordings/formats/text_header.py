"""The line of a text that names its columns: what each is, and where it stands."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from bridge.counts.table import names_counts
from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.clampfit_text import is_atf, trace_columns
from bridge.recordings.formats.sweeps import scale_to

__all__ = [
    "HEADER_REMEDY",
    "TIME_UNITS",
    "check_header",
    "named",
    "names_traces",
    "split",
    "titles_and_body",
    "understand",
]

TIME_UNITS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "second": 1.0, "ms": 1e-3, "us": 1e-6}
_WORDS = {
    "time": ("time", "t"),
    "V": ("voltage", "v", "vm", "potential", "membranepotential", "response"),
    "A": ("current", "i", "im", "command", "stimulus", "stim", "injected"),
    "sweep": ("sweep", "trace", "episode", "trial"),
}
# A number at one of these tells cells apart, or what records them, and no sweeps of one cell.
_OTHER_CELL = re.compile(
    r"(?:cell|neuron|electrode|channel|unit|patch|pipette|headstage|amplifier)s?|ch"
)
HEADER_REMEDY = (
    "name the columns with their units, such as sweep,time_s,voltage_mV,current_pA; or, one sweep "
    "a column, time_s,voltage_mV_1,current_pA_1,voltage_mV_2,..."
)

# Lines above the names of the columns that a message still looks behind.
_MOST_TITLES = 20


def understand(column: str) -> tuple[str, str, str]:
    """Role, sweep label and unit of a column, from its name alone.

    Examples
    --------
    >>> understand("voltage_mV_12")
    ('V', '12', 'mV')
    >>> understand("Time (ms)")
    ('time', '', 'ms')

    The number of a cell is none of a sweep:

    >>> understand("V_cell2 (mV)")
    ('V', '', 'mV')
    """
    words = [word for word in re.split(r"[\s_()\[\],/:.-]+", column.strip()) if word]
    unit = label = role = before = ""
    for word in words:
        match = re.fullmatch(r"([A-Za-zµμ]*)(\d*)", word)
        text, digits = match.groups() if match else (word, "")
        lower = text.lower()
        owner, before = lower or before, lower
        if digits and not _OTHER_CELL.fullmatch(owner):
            # As text: Python makes no number of 5,000 digits.
            label = digits.lstrip("0") or "0"
        # The first word names the column, so that `v` there is the voltage and not the volt.
        named = next((key for key, names in _WORDS.items() if lower in names), "")
        if named and not role:
            role = named
        elif scale_to(text) or lower in TIME_UNITS:
            unit = text if scale_to(text) else lower
    if not role and unit:
        known = scale_to(unit)
        role = known[0] if known else "time"
    return role, label, unit


def names_traces(path: Path) -> bool:
    """Say whether a text file names the columns of a trace: a potential, or Clampfit's titles.

    Parameters
    ----------
    path : pathlib.Path
        The file; one that is no text names nothing.
    """
    try:
        if is_atf(path):
            return True
        titles, _ = titles_and_body(path)
        names = named(split(titles))
    except (RecordingError, OSError, csv.Error):
        return False
    if trace_columns(names):
        return True
    potential = any(understand(name)[0] == "V" for name in names)
    # Counts may have a column of the resting potential beside them; a trace has a time.
    timed = any(name.lower().startswith("time") for name in names)
    return potential and (timed or not names_counts(names))


def split(titles: str) -> list[str]:
    mark = max(",;\t", key=titles.count)
    return next(csv.reader([titles], delimiter=mark, skipinitialspace=True))


def titles_and_body(path: Path) -> tuple[str, str]:
    """Return the line of column names, and all that follows."""
    text = _decoded(path.read_bytes())
    if "\n" not in text:
        # Programs of the first Macintosh end their lines with a carriage return alone.
        text = text.replace("\r", "\n")
    while text:
        titles, _, text = text.partition("\n")
        if titles.strip() and not titles.lstrip().startswith("#"):
            break
    else:
        raise RecordingError("truncated", "is empty", "export it again")
    if not re.search(r"[A-Za-z]", titles):
        raise RecordingError("format", "has no line of column names", HEADER_REMEDY)
    return titles, text


def _decoded(raw: bytes) -> str:
    """Return a text in UTF-8; the refusal tells a text in another encoding from what is none."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RecordingError("file", "is a text in UTF-16", "save it as text in UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text, at = raw.decode("latin-1"), error.start
        if not re.search(r"[\0-\x08\x0e-\x1f\x7f-\x9f]", text):
            raise RecordingError(
                "file",
                f"is a text that is not in UTF-8 (line {text.count(chr(10), 0, at) + 1} has the "
                f"letter {text[at]!r} in another encoding)",
                "save it as text in UTF-8",
            ) from None
        text = "\0"
    if "\0" in text:
        raise RecordingError("file", "is not a text file", "export it as CSV in UTF-8")
    return text


def check_header(titles: str, body: str) -> None:
    """Refuse a table whose names of columns stand further below, or are parted by blanks."""
    if _tells_columns(split(titles)):
        return
    lines = [line for line in body.split("\n", _MOST_TITLES)[:_MOST_TITLES] if line.strip()]
    for line in lines:
        if _tells_columns(split(line)):
            raise RecordingError(
                "format",
                f"the names of its columns stand below another line ({titles.strip()[:40]!r})",
                f"delete the lines above {line.strip()[:40]!r}",
            )
    for line in [titles, *lines]:
        for blanks in (r"\s{2,}", r"\s+(?=Trace|Sweep)", r"\s+"):
            if _tells_columns(re.split(blanks, line.strip())):
                raise RecordingError(
                    "format",
                    "its columns are parted by blanks",
                    "part them by tabs or commas, the names too",
                )


def _tells_columns(names: list[str]) -> bool:
    """Say whether names are those of a time and a potential or current."""
    roles = {understand(name)[0] for name in names} if len(names) > 1 else set()
    return trace_columns([name.strip() for name in names]) or {"time", "V"} <= roles


def named(names: list[str]) -> list[str]:
    """Number a name that comes again, as pandas does: ``Vm``, ``Vm.1``."""
    met: Counter[str] = Counter()
    found = []
    for name in map(str.strip, names):
        found.append(f"{name}.{met[name]}" if met[name] else name)
        met[name] += 1
    return found
