"""Rows that do not have as many cells as there are columns: repaired, or set aside with their line.

A short row is padded and blank cells beyond the last column are cut. A row with too many cells is
read anew where backslashes stand before the delimiters that are too many; else it is set aside,
because nobody can tell which cell belongs where.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ann.data.errors import ReadError
from ann.data.log import Step

__all__ = ["Ragged"]


@dataclass
class Ragged:
    """The rows of a file that did not fit: how many of each kind, and the first with its line.

    Parameters
    ----------
    file : str
        Its name.
    width : int
        How many cells a row has.
    delimiter : str

    Examples
    --------
    >>> ragged, rows = Ragged("t.csv", 2, ","), []
    >>> ragged.keep([(2, ["1", "x"]), (3, ["2"])], rows)
    >>> rows
    [['1', 'x'], ['2', '']]
    >>> ragged.steps()[0].before
    'line 3: 2'
    """

    file: str
    width: int
    delimiter: str
    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    #: How many cells short rows lack, and how many complete rows end in so many blank cells.
    lacking: Counter[int] = field(default_factory=Counter)
    open_ends: Counter[int] = field(default_factory=Counter)

    def keep(self, records: list[tuple[int, list[str]]], rows: list[list[str]]) -> None:
        """Add records, each with its line, to the rows kept, repaired where they must be."""
        for line, record in records:
            if len(record) != self.width:
                fitted = self._fit(line, record)
                if fitted is not None:
                    rows.append(fitted)
            elif not any(c.strip() for c in record):
                self.add("blank lines", line, record)
            else:
                self.open_ends[_blank_at_end(record)] += 1
                rows.append(record)

    def add(self, kind: str, line: int, record: list[str]) -> None:
        """Count a line that is set aside or repaired, by its kind."""
        self.counts[kind] += 1
        self.first.setdefault(kind, (line, record))

    def _fit(self, line: int, record: list[str]) -> list[str] | None:
        """Return the row with as many cells as there are columns, or None where none is right."""
        width = self.width
        if not any(c.strip() for c in record):
            self.add("blank lines", line, record)
            return None
        if len(record) < width:
            self.add("short rows", line, record)
            self.lacking[width - len(record)] += 1
            return record + [""] * (width - len(record))
        if not any(c.strip() for c in record[width:]):
            self.add("long rows", line, record)
            return record[:width]
        escaped = _rejoined(record, self.delimiter)
        if len(escaped) == width:
            self.add("escaped delimiters", line, record)
            return escaped
        self.add("torn rows", line, record)
        return None

    def judge(self, kept: int) -> None:
        """Refuse a file most of whose rows do not fit.

        Raises
        ------
        ReadError
            If more than a fifth of the rows do not have the header's number of cells.
        """
        aside = self.counts["torn rows"]
        short = 0 if self._last_column_blank(kept) else self.counts["short rows"]
        bad = short + aside
        if bad > max(2, 0.2 * (kept + aside)):
            line, record = self.first.get("torn rows") or self.first["short rows"]
            raise ReadError(
                f"{self.file}: {bad} of {kept + aside} rows do not have the {self.width} cells of "
                f"the header (line {line} has {len(record)}); is {self.delimiter!r} the delimiter?"
            )

    def _last_column_blank(self, kept: int) -> bool:
        """Tell whether short rows lack the very cells that are blank in every complete row."""
        complete = kept - self.counts["short rows"]
        if len(self.lacking) != 1 or complete < 1:
            return False
        (lack,) = self.lacking
        return sum(n for blank, n in self.open_ends.items() if blank >= lack) >= complete

    def steps(self) -> list[Step]:
        """Return what was done, for the log."""
        width = self.width
        reasons = {
            "blank lines": "lines without any cell left out",
            "comments": "between the rows, with a mark of comments and too few cells: set aside",
            "repeated names": "the names come again between the rows: set aside",
            "short rows": f"padded with missing cells up to {width} columns",
            "long rows": f"blank cells beyond column {width} cut",
            "escaped delimiters": "a backslash stands before each: part of the cell",
            "torn rows": f"more than {width} cells, so no telling which belongs where; set aside",
        }
        out = []
        for kind, why in reasons.items():
            if not self.counts[kind]:
                continue
            line, record = self.first[kind]
            before = after = ""
            if kind != "blank lines":
                before = f"line {line}: {self.delimiter.join(record)}"
            if kind == "escaped delimiters":
                after = " | ".join(_rejoined(record, self.delimiter))
            if kind in ("short rows", "long rows"):
                fitted = (record + [""] * width)[:width]
                after = self.delimiter.join(fitted)
            out.append(Step("", kind, self.counts[kind], before, after, why))
        return out


def _blank_at_end(record: list[str]) -> int:
    filled = [k for k, c in enumerate(record) if c.strip()]
    return len(record) - 1 - (filled[-1] if filled else -1)


def _rejoined(record: list[str], delimiter: str) -> list[str]:
    """Return a row whose cells were cut at delimiters behind backslashes.

    Examples
    --------
    >>> _rejoined(["1", "Fargo\\\\", " the film", "8.1"], ",")
    ['1', 'Fargo, the film', '8.1']
    """
    out: list[str] = []
    for cell in record:
        if out and out[-1].endswith("\\"):
            out[-1] = out[-1][:-1] + delimiter + cell
        else:
            out.append(cell)
    return out
