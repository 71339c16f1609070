"""What is true of each table of the corpus, and what a cell of it really says.

The facts stand in ``facts.toml``. They were written by people who read the tables and their
documentation; nothing here asks the code that is being measured. A table is read with the `csv`
module alone, by the dialect that the facts name, so that its cells are known without a guess.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any

__all__ = ["EITHER", "MISSING", "Facts", "TrueTable", "collapse", "group_of", "load_facts"]

csv.field_size_limit(1 << 27)
#: The first is of groups A and B, the others of groups C, D and E.
FACTS = tuple(Path(__file__).parent / f"facts{part}.toml" for part in ("", "_c", "_d", "_e"))


class _Word:
    """A truth that is no text."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


#: The cell holds no value, whatever is written there.
MISSING = _Word("missing")
#: Nobody can tell whether the cell is missing: not counted either way.
EITHER = _Word("either")


def group_of(name: str) -> str:
    """Return the group of one of the first tables: A was looked at while the code was written.

    B was only measured until its failures were looked at too, and so were C and D; each later group
    was assembled when the code was done. The first digit of the name's SHA-256 decides between A
    and B, so that nobody chose which table is in B. A part of a table (``"..._part"``) belongs to
    its group.

    Examples
    --------
    >>> group_of("jb_pima"), group_of("sv_vowel")
    ('B', 'A')
    """
    return (
        "A"
        if int(hashlib.sha256(name.removesuffix("_part").encode()).hexdigest()[0], 16) < 8
        else "B"
    )


def collapse(text: str) -> str:
    """Return a text without spaces at its ends, and with single ones inside.

    Examples
    --------
    >>> collapse("  New   York ")
    'New York'
    """
    return " ".join(text.split())


@dataclass(frozen=True)
class Facts:
    """What is true of one table.

    Attributes
    ----------
    name, repository, path, commit, sha256 : str
        Where the file is, and a hash of its bytes.
    drawn : str
        Its group if the table was assembled later: ``"C"``, ``"D"`` or ``"E"``.
    suffix : str
        Of the file in the corpus folder.
    rows, columns : int
        Of the data.
    about : str
        One sentence.
    header, extra, footer : int
        Which record holds the names (1 is the first, 0 none), how many records after it are no
        data (a second header row, a row of units), and how many at the end.
    short_header : int
        How many names the header lacks at its start.
    encoding, delimiter : str
        A blank delimiter stands for runs of spaces.
    escape : str
        The character before a delimiter that belongs to a cell.
    reading : tuple of str
        Faults of the file as a whole, in words.
    words : tuple of str
        Columns that are no numbers; all others are. Dates are named in `dates` instead.
    unfit : tuple of str
        Columns that can be left out without harm: ids, free text, names of rows, constants.
    missing, doubtful, either : dict of str to list of str
        Spellings of "missing" in each column (``"*"``: in all): those that the table shows, those
        that only its documentation proves, and those that nobody can tell.
    money, thousands, decimal, units, percent : dict
        How numbers of a column are dressed.
    dates : dict of str to str
        The order of each date column, as for `datetime.strptime`; several orders with a bar
        between them.
    latest : int
        The last year that a two-digit year can mean.
    one_label : tuple of str
        Columns in which spellings that differ in case, spaces or marks mean one thing.
    same : dict of str to list of list of str
        Other spellings of one thing.
    equal_rows : str
        ``"different"`` (two things that look alike), ``"likely repeats"`` (long records that are
        equal) or ``"repeated"`` (proved by the file).
    target : str
        The column to predict, or empty.
    """

    name: str
    drawn: str = ""
    repository: str = ""
    path: str = ""
    commit: str = ""
    sha256: str = ""
    suffix: str = ".csv"
    rows: int = 0
    columns: int = 0
    about: str = ""
    header: int = 1
    extra: int = 0
    footer: int = 0
    short_header: int = 0
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    escape: str = ""
    reading: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    missing: dict[str, list[str]] = field(default_factory=dict)
    doubtful: dict[str, list[str]] = field(default_factory=dict)
    either: dict[str, list[str]] = field(default_factory=dict)
    money: dict[str, dict[str, str]] = field(default_factory=dict)
    thousands: dict[str, str] = field(default_factory=dict)
    decimal: dict[str, str] = field(default_factory=dict)
    units: dict[str, dict[str, str]] = field(default_factory=dict)
    percent: tuple[str, ...] = ()
    dates: dict[str, str] = field(default_factory=dict)
    latest: int = 2025
    one_label: tuple[str, ...] = ()
    same: dict[str, list[list[str]]] = field(default_factory=dict)
    equal_rows: str = "different"
    target: str = ""

    @property
    def group(self) -> str:
        """``"A"`` to ``"E"``: see `group_of`."""
        return self.drawn or group_of(self.name)

    @property
    def url(self) -> str:
        """Where the file can be fetched."""
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{self.path}"

    def spelled(self, which: str, column: str) -> frozenset[str]:
        """Return the spellings of one kind in one column, stripped."""
        table: dict[str, list[str]] = getattr(self, which)
        return frozenset(table.get(column, table.get("*", ())))

    def kind(self, column: str) -> str:
        """Return ``"number"``, ``"date"`` or ``"word"``."""
        if column in self.dates:
            return "date"
        return "word" if column in self.words else "number"

    def value(self, column: str, text: str) -> Any:
        """Return what a cell really says.

        Parameters
        ----------
        column : str
        text : str
            The cell as it stands in the file.

        Returns
        -------
        str, Decimal or datetime
            Or `MISSING` or `EITHER`.

        Examples
        --------
        >>> facts = Facts("x", missing={"a": ["?"]}, money={"a": {"$": "1", "M": "1000000"}})
        >>> facts.value("a", "$1.2M"), facts.value("a", " ?")
        (Decimal('1200000.0'), missing)
        """
        bare = text.strip()
        if not bare or bare in self.spelled("missing", column):
            return MISSING
        if bare in self.spelled("either", column) or bare in self.spelled("doubtful", column):
            return EITHER
        kind = self.kind(column)
        if kind == "number":
            found = self._number(column, bare)
            return bare if found is None else found
        if kind == "date":
            found_date = self._date(column, bare)
            return bare if found_date is None else found_date
        return bare

    def _number(self, column: str, bare: str) -> Decimal | None:
        factor = Decimal(1)
        for dress in (self.money.get(column, {}), self.units.get(column, {})):
            for sign, size in dress.items():
                if sign in bare:
                    bare, factor = bare.replace(sign, "").strip(), factor * Decimal(size)
        if column in self.percent:
            bare = bare.removesuffix("%").strip()
        bare = bare.replace(self.thousands.get(column, "\0"), "")
        bare = bare.replace(self.decimal.get(column, "."), ".")
        try:
            found = Decimal(bare) * factor
        except InvalidOperation:
            return None
        return found if found.is_finite() else None

    def _date(self, column: str, bare: str) -> datetime | None:
        for order in self.dates[column].split("|"):
            try:
                found = datetime.strptime(bare, order)
            except ValueError:
                continue
            if "%y" in order and found.year > self.latest:
                found = found.replace(year=found.year - 100)
            return found
        return None


@dataclass(frozen=True)
class TrueTable:
    """A table as it stands in its file, read by its facts.

    Attributes
    ----------
    facts : Facts
    names : list of str
    cells : list of list of str
        Row by row.
    """

    facts: Facts
    names: list[str]
    cells: list[list[str]]

    @classmethod
    def read(cls, facts: Facts, folder: Path) -> TrueTable:
        """Read a table of the corpus folder.

        Raises
        ------
        FileNotFoundError
            If it is not there, with its address.
        ValueError
            If it is another file than the facts were written for.
        """
        path = folder / f"{facts.name}{facts.suffix}"
        if not path.is_file():
            raise FileNotFoundError(f"{path} is absent; get it from {facts.url}")
        data = path.read_bytes()
        if facts.sha256 and hashlib.sha256(data).hexdigest() != facts.sha256:
            raise ValueError(f"{path} is not the file of {facts.url}")
        text = data.decode(facts.encoding)
        records: Sequence[list[str]]
        if facts.delimiter:
            stream = io.StringIO(text, newline="")
            records = list(
                csv.reader(stream, delimiter=facts.delimiter, escapechar=facts.escape or None)
            )
        else:
            records = [line.split() for line in text.splitlines()]
        records = [r for r in records if any(c.strip() for c in r)]
        body = records[facts.header + facts.extra : len(records) - facts.footer]
        width = facts.columns
        if facts.header:
            names = [n.strip() for n in records[facts.header - 1]]
            names = [""] * facts.short_header + names
            names += [""] * (width - len(names))
        else:
            names = [f"x{k + 1}" for k in range(width)]
        body = [(r + [""] * width)[:width] for r in body]
        if len(body) != facts.rows:
            raise ValueError(f"{facts.name}: {len(body)} rows, but the facts say {facts.rows}")
        return cls(facts, [n or f"column {k + 1}" for k, n in enumerate(names[:width])], body)

    @cached_property
    def equal_rows(self) -> int:
        """How many rows equal an earlier one."""
        return len(self.cells) - len({tuple(c.strip() for c in r) for r in self.cells})

    def column(self, place: int) -> list[str]:
        """Return one column's cells."""
        return [r[place] for r in self.cells]


def load_facts(*paths: Path) -> list[Facts]:
    """Read the facts of all tables, or those that stand in some files."""
    documents = [tomllib.loads(p.read_text(encoding="utf-8")) for p in paths or FACTS]
    lists = ("reading", "words", "unfit", "percent", "one_label")
    return [
        Facts(**{k: tuple(v) if k in lists else v for k, v in entry.items()})
        for document in documents
        for entry in document["table"]
    ]


_MOJIBAKE = re.compile("[ÃÂâ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")


def repaired(text: str) -> str:
    """Return what a text says whose UTF-8 was read as a Western code page.

    Examples
    --------
    >>> repaired("KÃ¶ln")
    'Köln'
    """
    if not _MOJIBAKE.search(text):
        return text
    for codec in ("cp1252", "latin-1"):
        try:
            return text.encode(codec).decode("utf-8")
        except UnicodeError:
            continue
    return text
