"""Rows that do not have as many cells as there are columns: repaired, or set aside with their line.

A short row is padded and blank cells beyond the last column are cut; a row with too many cells is
set aside, because nobody can tell which cell belongs where.
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

    def keep(self, records: list[tuple[int, list[str]]], rows: list[list[str]]) -> None:
        """Add records, each with its line, to the rows kept, repaired where they must be."""
        for line, record in records:
            if len(record) != self.width:
                fitted = self._fit(line, record)
                if fitted is not None:
                    rows.append(fitted)
            elif not any(c.strip() for c in record):
                self._add("blank lines", line, record)
            else:
                rows.append(record)

    def _add(self, kind: str, line: int, record: list[str]) -> None:
        self.counts[kind] += 1
        self.first.setdefault(kind, (line, record))

    def _fit(self, line: int, record: list[str]) -> list[str] | None:
        """Return the row with as many cells as there are columns, or None where none is right."""
        width = self.width
        if not any(c.strip() for c in record):
            self._add("blank lines", line, record)
            return None
        if len(record) < width:
            self._add("short rows", line, record)
            return record + [""] * (width - len(record))
        if not any(c.strip() for c in record[width:]):
            self._add("long rows", line, record)
            return record[:width]
        self._add("torn rows", line, record)
        return None

    def judge(self, kept: int) -> None:
        """Refuse a file most of whose rows do not fit.

        Raises
        ------
        ReadError
            If more than a fifth of the rows do not have the header's number of cells.
        """
        aside = self.counts["torn rows"]
        bad = self.counts["short rows"] + aside
        if bad > max(2, 0.2 * (kept + aside)):
            line, record = self.first.get("torn rows") or self.first["short rows"]
            raise ReadError(
                f"{self.file}: {bad} of {kept + aside} rows do not have the {self.width} cells of "
                f"the header (line {line} has {len(record)}); is {self.delimiter!r} the delimiter?"
            )

    def steps(self) -> list[Step]:
        """Return what was done, for the log."""
        width = self.width
        reasons = {
            "blank lines": "lines without any cell left out",
            "short rows": f"padded with missing cells up to {width} columns",
            "long rows": f"blank cells beyond column {width} cut",
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
            if kind in ("short rows", "long rows"):
                fitted = (record + [""] * width)[:width]
                after = self.delimiter.join(fitted)
            out.append(Step("", kind, self.counts[kind], before, after, why))
        return out
