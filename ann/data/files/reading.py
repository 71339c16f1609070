"""From a file to a table of text, nothing guessed away: every cell is what the file says.

Rows that do not fit are repaired where only one repair is possible (short rows padded, blank
extra cells cut) and set aside with their line number where not. Big files are read in chunks,
and `TableFile.read` keeps a uniform sample of rows once a memory allowance is used up, and says
so in the log.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ann.data.cells.dates import looks_like_date
from ann.data.cells.lexicon import TIME_WORDS, words_of
from ann.data.chance import generator
from ann.data.errors import ReadError
from ann.data.files.comments import Comments
from ann.data.files.dialect import Dialect, sniff
from ann.data.files.footer import (
    first_note,
    goes_on,
    may_be_note,
    notes_among,
    said,
    summary_rows,
)
from ann.data.files.layout import column_names
from ann.data.files.ragged import Ragged
from ann.data.files.records import Records, RowShape
from ann.data.files.reservoir import Reservoir
from ann.data.log import Log, Step

__all__ = ["RawTable", "TableFile", "read_table"]

#: Bytes a cell of text costs in a frame, with its pointer, as measured on tables of numbers.
CELL_BYTES = 100


@dataclass
class RawTable:
    """A table of text as it stood in the file.

    Attributes
    ----------
    frame : pandas.DataFrame
        Every cell a str; the index counts the file's data rows from 0.
    dialect : Dialect
        How it was written.
    log : Log
        What had to be repaired on the way in.
    rows_in_file : int
        More than ``len(frame)`` where a sample was kept.
    """

    frame: pd.DataFrame
    dialect: Dialect
    log: Log
    rows_in_file: int

    @property
    def sampled(self) -> bool:
        """Whether rows were left out for lack of memory."""
        return len(self.frame) < self.rows_in_file


class TableFile:
    """A text table on disk, read in chunks.

    Parameters
    ----------
    path : str or Path
        The file.
    names : sequence of str, optional
        Column names; replace those of the file.
    **dialect
        ``encoding``, ``delimiter``, ``header``, ``skip``, ``comment`` and ``header_rows``: overrule
        what `ann.data.files.dialect.sniff` finds.

    Raises
    ------
    ReadError
        If the file cannot be a table.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "t.csv"
    >>> _ = file.write_text("a,b\\n1,x\\n2\\n")
    >>> table = TableFile(file).read()
    >>> table.frame.values.tolist()
    [['1', 'x'], ['2', '']]
    >>> print(table.log)
    short rows, 1 rows ('line 3: 2' -> '2,'): padded with missing cells up to 2 columns
    """

    def __init__(
        self,
        path: str | Path,
        *,
        names: Sequence[str] | None = None,
        **dialect: Any,
    ) -> None:
        self.path = Path(path)
        self.dialect, remarks = sniff(self.path, **dialect)
        self.log = Log([Step("", "reading", 0, why=remark) for remark in remarks])
        above, rows = self._first_rows()
        self._comments = Comments.of(above, rows)
        width = Counter(map(len, rows)).most_common(1)[0][0]
        self._shape = RowShape.of(rows[self.dialect.header_rows :], width)
        self._records = Records(self.path, self.dialect, self._shape)
        self.names = self._names(names)
        self._log_length = len(self.log)
        self.rows = 0

    def _names(self, given: Sequence[str] | None) -> list[str]:
        records = (r for _, r in self._records if any(c.strip() for c in r))
        top = list(islice(records, self.dialect.header_rows))
        widths = [len(r) for r in islice(records, 400)]
        if self.dialect.header and not widths:
            columns = ", ".join(c.strip() for c in top[-1][:8]) if top else ""
            raise ReadError(f"{self.path.name} has a header ({columns}) and no rows under it")
        first, what = (
            column_names(top) if top else ([""] * Counter(widths).most_common(1)[0][0], "")
        )
        if what:
            shown = " | ".join(self.dialect.delimiter.join(r) for r in top)
            named = self.dialect.delimiter.join(first)
            self.log.add(Step("", "names", len(top), shown, named, f"above the rows: {what}"))
        if given is not None:
            names = [str(n) for n in given]
            if len(names) != len(first):
                raise ReadError(
                    f"{len(names)} names given for the {len(first)} columns of {self.path.name}"
                )
        elif self.dialect.header:
            names = [name.strip().lstrip("\ufeff") for name in first]
            if names and names[0].startswith("#"):
                # "#chrom" is a name behind a mark; "#" alone is a name.
                names[0] = names[0].lstrip("# ") or names[0]
            wider = sum(w == len(names) + 1 for w in widths)
            if wider >= 0.95 * len(widths) and not self._trailing(len(names)):
                self._one_name_short(names)
            while len(names) > 1 and not names[-1] and max(widths) < len(names):
                names.pop()
        else:
            names = [f"x{k + 1}" for k in range(len(first))]
            self.log.add(Step("", "names", 0, "", f"x1 .. x{len(first)}", "the file has no header"))
        return self._unique(names)

    def _first_rows(self) -> tuple[list[str], list[list[str]]]:
        """Return the lines above the table, and the first lines of it, each read by itself."""
        skip = self.dialect.skip
        with self.path.open(encoding=self.dialect.encoding, newline="") as stream:
            lines = list(islice(stream, skip + 400))
        sign, spaces = self.dialect.delimiter, self.dialect.spaces
        read = partial(csv.reader, delimiter=sign, skipinitialspace=spaces)
        return lines[:skip], [row for line in lines[skip:] for row in read([line])]

    def _trailing(self, width: int) -> bool:
        """Tell whether each row just ends in a delimiter."""
        body = islice((r for _, r in self._records if len(r) > width), 50)
        return all(not r[-1].strip() for r in body)

    def _one_name_short(self, names: list[str]) -> None:
        """Add the name that the header lacks: that of the rows' labels, or of the last column.

        A label differs from row to row. Where the first column holds dates and its name says so,
        the names stand above their columns already.
        """
        body = (r for _, r in self._records if len(r) > len(names))
        first = [r[0].strip() for r in islice(body, 400)]
        dated = sum(map(looks_like_date, first)) >= 0.9 * len(first)
        if len(set(first)) < len(first) or (dated and set(words_of(names[0])) & TIME_WORDS):
            names.append("")
            self.log.add(Step("", "names", 0, why="the header is one name short, at its end"))
            return
        names.insert(0, "row")
        why = "the header is one name short: rows begin with a label"
        self.log.add(Step("row", "names", 0, why=why))

    def _unique(self, names: list[str]) -> list[str]:
        seen: dict[str, int] = {}
        taken = set(names)
        out = []
        for k, name in enumerate(names):
            new = name or f"column_{k + 1}"
            if new in seen:
                seen[new] += 1
                while f"{new}_{seen[new]}" in taken:
                    seen[new] += 1
                new = f"{new}_{seen[new]}"
            seen.setdefault(new, 1)
            if new != name:
                why = "two columns share a name" if name else "a column without a name"
                self.log.add(Step(new, "names", 0, name, new, why))
            out.append(new)
        return out

    def chunks(self, rows: int = 50_000) -> Iterator[pd.DataFrame]:
        """Yield the table in order, `rows` rows at a time.

        Parameters
        ----------
        rows : int
            Rows a chunk.

        Yields
        ------
        pandas.DataFrame
            Cells as str; the index counts data rows of the file.

        Raises
        ------
        ReadError
            If more than a fifth of the rows do not have the header's number of cells.
        """
        width = len(self.names)
        ragged = Ragged(self.path.name, width, self.dialect.delimiter)
        self.rows = 0
        del self.log.steps[self._log_length :]
        keep: list[list[str]] = []
        start = 0
        notes: list[tuple[int, list[str]]] = []
        blank = gaps = False
        records = iter(self._records)
        top = ((line, r) for line, r in records if any(c.strip() for c in r))
        named = [r for _, r in islice(top, self.dialect.header_rows)]
        repeated = next((r for r in named[-1:] if self._shape.cannot_be(r)), None)
        for line, record in records:
            if record == repeated:
                ragged.add("repeated names", line, record)
            elif len(record) == width > 1 and record[-1] and not notes:
                keep.append(record)
                blank = False
            elif len(record) < width and self._comments.has(record):
                ragged.add("comments", line, record)
            elif self._waits(record, notes):
                notes.append((line, record))
                continue
            else:
                # Where rows follow notes, these were rows too.
                ragged.keep([*notes, (line, record)], keep)
                gaps = gaps or any(any(r) and not r[0] for _, r in notes)
                notes, blank = [], not any(record)
            if len(keep) >= rows:
                yield self._frame(keep, start)
                start, keep = start + len(keep), []
                ragged.judge(start)
        told = [n for n in notes if any(n[1])]
        # In another column than the first a note has to look like one, and no row above may.
        aside = bool(told) and not told[0][1][0]
        at = first_note([said(r) for _, r in told], after_blank=blank and not aside)
        if at := len(told) if aside and gaps else at:
            ragged.keep(notes if at == len(told) else told[:at], keep)
        self._below(told[at:], keep, whole=not start)
        self.rows = start + len(keep)
        ragged.judge(self.rows)
        if stray := self._records.stray:
            why = "a quote opens here and the next rows are no part of its cell: read as a sign"
            line, text = stray[0]
            self.log.add(Step("", "stray quotes", len(stray), f"line {line}: {text}", "", why))
        self.log.extend(ragged.steps())
        if keep:
            yield self._frame(keep, start)
        elif not self.rows:
            raise ReadError(f"{self.path.name} has no rows")

    def _waits(self, record: list[str], notes: list[tuple[int, list[str]]]) -> bool:
        """Tell whether only the end of the file can say if this is a row."""
        more = not any(record) or notes_among([[""], record]) or goes_on(record, len(self.names))
        if notes and more:
            return True
        return may_be_note(record, len(self.names))

    def _below(
        self, notes: list[tuple[int, list[str]]], rows: list[list[str]], *, whole: bool
    ) -> None:
        """Set notes below the table and rows of totals aside, and say so."""
        sign = self.dialect.delimiter
        if notes:
            line, record = notes[0]
            why = "below the rows, with a first cell only, or called a note: set aside"
            self.log.add(Step("", "notes", len(notes), f"line {line}: {said(record)}", "", why))
        if among := notes_among(rows):
            why = "below the rows, with commas: set aside"
            self.log.add(Step("", "notes", among, sign.join(rows[-among]), "", why))
            del rows[-among:]
        for k, name, kind in reversed(summary_rows(rows) if whole else []):
            why = f"one of the last rows is called {name!r} "
            why += f"and is the {kind} of the others: set aside" if kind else "and was kept"
            self.log.add(Step("", "total row", 1, sign.join(rows[k]), "", why, applied=bool(kind)))
            if kind:
                del rows[k]

    def _frame(self, rows: list[list[str]], start: int) -> pd.DataFrame:
        # One block of all cells: ten times faster than an array a column.
        cells = np.array(rows, dtype=object)
        index = pd.RangeIndex(start, start + len(rows))
        return pd.DataFrame(cells, index=index, columns=self.names, dtype=object)

    def read(
        self,
        max_rows: int | None = None,
        *,
        seed: int = 0,
        on_chunk: Callable[[pd.DataFrame], object] | None = None,
    ) -> RawTable:
        """Read the table, or a uniform sample of its rows where it is too big.

        Parameters
        ----------
        max_rows : int, optional
            How many rows to keep at most. By default as many as fit into 0.5 times the file's
            size, or into 256 MB where that is more: what follows needs room too.
        seed : int
            Of the sample.
        on_chunk : callable, optional
            Shown every chunk on the way, all rows included.

        Returns
        -------
        RawTable
        """
        if max_rows is None:
            allowance = max(256e6, 0.5 * self.path.stat().st_size)
            max_rows = max(1000, int(allowance / (CELL_BYTES * len(self.names))))
        reservoir = Reservoir(max_rows, generator(seed, "sample"))
        for chunk in self.chunks(min(50_000, max(20_000, max_rows))):
            if on_chunk is not None:
                on_chunk(chunk)
            reservoir.add(chunk)
        frame = reservoir.frame()
        if len(frame) == self.rows:
            frame.index = pd.RangeIndex(len(frame))
        if len(frame) < self.rows:
            why = f"a uniform sample of the {self.rows} rows (seed {seed}) to stay within memory"
            self.log.add(Step("", "sample", len(frame), why=why))
        return RawTable(frame, self.dialect, self.log, self.rows)


def read_table(path: str | Path, *, max_rows: int | None = None, **options: Any) -> RawTable:
    """Read a file into a table of text; short for ``TableFile(path, ...).read()``.

    Parameters
    ----------
    path : str or Path
        The file.
    max_rows : int, optional
        Keep at most so many rows, sampled uniformly.
    **options
        Of `TableFile`.

    Returns
    -------
    RawTable

    Raises
    ------
    ReadError
        If the file cannot be a table.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "t.csv"
    >>> _ = file.write_text("a\\tb\\n1\\tx\\n2\\ty\\n")
    >>> read_table(file).frame.shape
    (2, 2)
    """
    return TableFile(path, **options).read(max_rows)
