"""The rows of a text table one by one, with the line each begins on; stray quotes do no harm.

A quote at the beginning of a cell opens it, and everything up to the next quote belongs to it, line
ends included. A single stray one, as in `5" pipe` with the mark in front, would swallow all rows
up to the next. So a row that spans lines is looked at again: where the lines it has swallowed are
rows by themselves, the quote is read as a character, and the rows are read as they stand.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from ann.data.cells.lexicon import MISSING_ALWAYS, fold
from ann.data.errors import ReadError
from ann.data.files.dialect import Dialect
from ann.data.files.layout import is_number

__all__ = ["Records", "RowShape"]

csv.field_size_limit(1 << 27)
_LONGEST_RECORD = 2000


@dataclass(frozen=True)
class RowShape:
    """What a row of the table looks like.

    Attributes
    ----------
    width : int
        Its number of cells.
    numbers : tuple of int
        The columns that hold numbers.
    """

    width: int
    numbers: tuple[int, ...] = ()

    @classmethod
    def of(cls, rows: list[list[str]], width: int) -> RowShape:
        """Learn it from some rows, most of which are whole."""
        whole = [r for r in rows if len(r) == width]
        numbers = [
            k
            for k in range(width)
            if (cells := [r[k] for r in whole if fold(r[k]) not in MISSING_ALWAYS])
            and sum(map(is_number, cells)) >= 0.9 * len(cells)
        ]
        return cls(width, tuple(numbers))

    def fits(self, cells: list[str]) -> bool:
        """Tell whether some cells may be a row."""
        return len(cells) == self.width and all(
            is_number(cells[k]) or fold(cells[k]) in MISSING_ALWAYS for k in self.numbers
        )

    def cannot_be(self, names: list[str]) -> bool:
        """Tell whether a row that equals the names cannot be one of the table's rows.

        One of them is a word above numbers, or three words and more would come again together.
        """
        words = {k for k, c in enumerate(names) if c.strip() and not is_number(c)}
        return len(names) > 1 and (len(words) > 2 or not words.isdisjoint(self.numbers))


@dataclass
class Records:
    """The rows of a file.

    Attributes
    ----------
    path : Path
    dialect : Dialect
    shape : RowShape or None
        What a row looks like; without it no stray quote is looked for.
    stray : list of (int, str)
        The lines on which a stray quote was found, with their text.
    """

    path: Path
    dialect: Dialect
    shape: RowShape | None = None
    stray: list[tuple[int, str]] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line number, cells), blank lines included as empty lists."""
        self.stray.clear()
        skip = self.dialect.skip
        with self._open() as stream, self._open() as shadow:
            for _ in range(skip):
                stream.readline()
                shadow.readline()
            if self.dialect.comment:
                yield from self._carefully(stream, skip)
                return
            width = 0 if self.shape is None else self.shape.width
            reader = self._reader(stream)
            line = seen = skip + 1
            try:
                for record in reader:
                    after = skip + reader.line_num + 1
                    # A last line that ends within a quote keeps its line end.
                    torn = len(record) < width and "".join(record)[-1:] == "\n"
                    if after - line > 1 or torn:
                        # The shadow follows only here, so that other files are read once.
                        held = list(islice(shadow, line - seen, after - seen))
                        seen = after
                        if len(held) > _LONGEST_RECORD or self._is_stray(held):
                            yield from self._carefully(chain(held, stream), line - 1)
                            return
                    yield line, record
                    line = after
            except csv.Error:
                rest = islice(shadow, line - seen, None)
                yield from self._carefully(rest, line - 1)

    def _open(self) -> TextIO:
        return self.path.open(encoding=self.dialect.encoding, newline="")

    def _carefully(self, stream: Iterable[str], number: int) -> Iterator[tuple[int, list[str]]]:
        """Read line by line, so that those a stray quote has swallowed can be read again."""
        held: list[str] = []
        again: list[str] = []
        source = iter(stream)
        comment, width = self.dialect.comment, 0 if self.shape is None else self.shape.width

        def lines(ahead: list[str]) -> Iterator[str]:
            nonlocal number
            for line in chain(ahead, source):
                number += 1
                if comment and line.startswith(comment) and not held:
                    continue
                held.append(line)
                if len(held) > _LONGEST_RECORD:
                    raise _RunawayQuoteError
                yield line

        while True:
            reader = self._reader(lines(again))
            again = []
            try:
                for record in reader:
                    odd = len(held) > 1 or (len(record) < width and "".join(record)[-1:] == "\n")
                    if odd and self._is_stray(held):
                        again = held[1:]
                        break
                    yield number - len(held) + 1, record
                    held.clear()
                else:
                    return
            except _RunawayQuoteError:
                again = held[1:]
                self._refuse_unless_literal(number - len(held) + 1, held[0])
            first = number - len(held) + 1
            self.stray.append((first, held[0].rstrip("\r\n")))
            yield first, self._literal(held[0])
            number = first
            held.clear()

    def _reader(self, lines: Iterable[str]) -> Any:
        spaces = self.dialect.spaces
        return csv.reader(lines, delimiter=self.dialect.delimiter, skipinitialspace=spaces)

    def _literal(self, line: str) -> list[str]:
        """Split a line with quotes read as characters, but for those that enclose a whole cell."""
        parts = line.rstrip("\r\n").split(self.dialect.delimiter)
        parts = [p.strip() for p in parts] if self.dialect.spaces else parts
        return [
            p[1:-1] if len(p) > 1 and p[0] == p[-1] == '"' and '"' not in p[1:-1] else p
            for p in parts
        ]

    def _is_stray(self, held: list[str]) -> bool:
        """Tell whether a row that spans lines has swallowed others."""
        shape = self.shape
        if shape is None:
            return False
        inner = held[1:]
        if not inner:
            return len(self._literal(held[0])) == shape.width
        if not shape.numbers and len(inner) < 3:
            # Two lines of an address may have as many commas as a row.
            return False
        if not shape.fits(self._literal(held[0])) and len(inner) < 3:
            return False
        return sum(map(self._is_row, inner)) >= 0.8 * len(inner)

    def _is_row(self, line: str) -> bool:
        assert self.shape is not None
        alone: list[str] = next(self._reader(iter([line])), [])
        return self.shape.fits(alone) or self.shape.fits(self._literal(line))

    def _refuse_unless_literal(self, line: int, text: str) -> None:
        if self.shape is None or not self.shape.fits(self._literal(text)):
            raise ReadError(
                f"{self.path.name}, line {line}: a quote opens here and does not close "
                f"within {_LONGEST_RECORD} lines"
            )


class _RunawayQuoteError(Exception):
    """More lines than any cell has."""
