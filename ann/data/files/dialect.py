"""What kind of text file this is: its encoding, delimiter, line ends and header.

Everything is decided from the bytes themselves and can be overruled by name. What is refused is
refused with what it seems to be instead (a workbook, an archive, a picture).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from ann.data.errors import ReadError
from ann.data.files.layout import header_rows as count_header_rows
from ann.data.files.layout import lines_above
from ann.data.files.spaced import begins_at, is_spaced

__all__ = ["Dialect", "sniff"]

_MAGIC = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook (save the sheet as CSV)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (save the sheet as CSV)"),
    (b"\x1f\x8b", "a gzip archive (unpack it first)"),
    (b"BZh", "a bzip2 archive (unpack it first)"),
    (b"\xfd7zXZ", "an xz archive (unpack it first)"),
    (b"PAR1", "a Parquet file (read it with pandas and pass the frame)"),
    (b"\x89HDF", "an HDF5 file (read it with pandas and pass the frame)"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"\x93NUMPY", "a NumPy array (load it and pass a frame)"),
    (b"SQLite format", "a database"),
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = ("\t", ";", "|", ",")
_HEAD, _LOOKED_AT = 1 << 20, 400


@dataclass(frozen=True)
class Dialect:
    r"""How a table is written down.

    Attributes
    ----------
    encoding : str
        As Python's codecs call it.
    delimiter : str
        One character.
    header : bool
        Whether the table begins with names.
    line_ends : str
        ``"LF"``, ``"CRLF"``, ``"CR"`` or ``"mixed"``.
    spaces : bool
        Whether delimiters are followed by spaces that are not part of the cell.
    skip : int
        Lines above the table, such as comments and a title.
    comment : str
        What a line begins with that is no row; empty where there is no such mark.
    header_rows : int
        How many rows of names there are; more than one with a row of units, for instance.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    header: bool = True
    line_ends: str = "LF"
    spaces: bool = False
    skip: int = 0
    comment: str = ""
    header_rows: int = 1


def sniff(
    path: str | Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    skip: int | None = None,
    comment: str | None = None,
    header_rows: int | None = None,
) -> tuple[Dialect, list[str]]:
    """Find the dialect of a file.

    Parameters
    ----------
    path : str or Path
        The file.
    encoding, delimiter, header, skip, comment, header_rows : optional
        Overrule what would be found; see `Dialect`.

    Returns
    -------
    dialect : Dialect
    remarks : list of str
        What was unusual, in words, for the log.

    Raises
    ------
    ReadError
        If the file is absent, empty, binary, or not in the encoding given.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "t.csv"
    >>> _ = file.write_bytes(b"a;b\\r1,5;x\\r2,5;y\\r")
    >>> found = sniff(file)[0]
    >>> found.delimiter, found.line_ends, found.header
    (';', 'CR', True)
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except FileNotFoundError:
        raise ReadError(f"there is no file {path}{_nearby(path)}") from None
    except IsADirectoryError:
        raise ReadError(f"{path} is a folder, not a table") from None
    except OSError as error:
        raise ReadError(f"cannot read {path}: {error.strerror}") from None
    if not head:
        raise ReadError(f"{path.name} is empty (0 bytes)")
    for magic, what in _MAGIC:
        if head.startswith(magic):
            raise ReadError(f"{path.name} is {what}, not a text table")
    remarks: list[str] = []
    if encoding is None:
        encoding = _encoding(path, head, remarks)
    else:
        _check_encoding(path, encoding)
    text = codecs.getincrementaldecoder(encoding)("strict").decode(head)
    if not text.strip():
        raise ReadError(f"{path.name} holds only blank lines")
    if "\0" in text or _control_share(text) > 0.01:
        raise ReadError(f"{path.name} is a binary file, not a text table")
    ends = _line_ends(text)
    if ends in ("CR", "mixed"):
        remarks.append(f"line ends: {'old Mac (CR)' if ends == 'CR' else 'mixed'}")
    # As the file will be read: str.splitlines would also split at a form feed.
    lines = [line.rstrip("\r\n") for line in io.StringIO(text, newline="")]
    if len(head) == _HEAD:
        lines = lines[:-1] or lines
    head_lines = _read_lines(path, lines[:_LOOKED_AT], skip, comment)
    lines = [line for line in head_lines if line.strip()]
    if delimiter is None:
        delimiter = _delimiter(lines)
        if delimiter != ",":
            remarks.append(f"delimiter: {delimiter!r}")
    elif len(delimiter) != 1:
        raise ReadError(f"a delimiter is one character, not {delimiter!r}")
    elif not any(delimiter in line for line in lines) and (other := _delimiter(lines)) in lines[0]:
        raise ReadError(
            f"the delimiter {delimiter!r} does not occur in {path.name}; is it {other!r}?"
        )
    spaces = delimiter == " " or _spaced(lines, delimiter)
    if spaces and delimiter != " ":
        remarks.append("a space after each delimiter, not part of the cells")
    found = Dialect(encoding, delimiter, True, ends, spaces, skip or 0, comment or "")
    return _laid_out(found, head_lines, header, skip, header_rows, remarks), remarks


def _read_lines(path: Path, lines: list[str], skip: int | None, comment: str | None) -> list[str]:
    """Leave out the lines that the caller says are no part of the table."""
    if skip is not None and not 0 <= skip < max(len(lines), 1):
        raise ReadError(f"cannot skip {skip} lines of {path.name}: it has no row after them")
    lines = lines[skip or 0 :]
    if comment is not None and not comment:
        raise ReadError("a comment mark is one character or more, such as '#'")
    if comment:
        lines = [line for line in lines if not line.startswith(comment)]
    if not any(line.strip() for line in lines):
        raise ReadError(f"{path.name} holds nothing but lines that are to be left out")
    return lines


def _rows_of(lines: list[str], dialect: Dialect) -> list[tuple[int, list[str]]]:
    """Return the rows in some lines, each with the place of its first line.

    A row may span lines, but a stray quote must not swallow others: where the lines inside a row
    are as wide as most, each is read by itself.
    """
    read = partial(csv.reader, delimiter=dialect.delimiter, skipinitialspace=dialect.spaces)
    alone = [next(read([line]), []) for line in lines]
    width = Counter(map(len, alone)).most_common(1)[0][0]
    rows: list[tuple[int, list[str]]] = []
    reader, start = read([f"{line}\n" for line in lines]), 0
    for row in reader:
        inside = range(start + 1, reader.line_num)
        if sum(len(alone[k]) == width for k in inside) > 0.8 * len(inside):
            rows += [(k, alone[k]) for k in range(start, reader.line_num)]
        else:
            rows.append((start, row))
        start = reader.line_num
    return rows


def _laid_out(
    found: Dialect,
    lines: list[str],
    header: bool | None,
    skip: int | None,
    names: int | None,
    remarks: list[str],
) -> Dialect:
    """Find where the table begins and how many rows of names it has."""

    numbered = _rows_of(lines, found)
    above = 0
    if skip is None and not found.comment:
        above, what = lines_above(lines, numbered)
        if found.delimiter == " " and (page := begins_at(lines) or 0) > above:
            above, what = page, "words about the table"
        if above:
            remarks.append(f"{above} lines above the table left out: {what}")
            found = replace(found, skip=above)
    rows = [r for line, r in numbered if line >= above]
    rows = [r for r in rows if any(c.strip() for c in r)]
    count = names if names is not None else (count_header_rows(rows) if header is not False else 0)
    if header:
        count = max(count, 1)
    if not count:
        if header is None and names is None:
            remarks.append("no header: the first row is data")
        return replace(found, header=False, header_rows=0)
    return replace(found, header=True, header_rows=count)


def _nearby(path: Path) -> str:
    try:
        names = [p.name for p in path.parent.iterdir() if p.is_file()]
    except OSError:
        return f" (nor a folder {path.parent})"
    near = get_close_matches(path.name, names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _encoding(path: Path, head: bytes, remarks: list[str]) -> str:
    for bom, name in _BOMS:
        if head.startswith(bom):
            if name != "utf-8-sig":
                remarks.append(f"encoding: {name}")
            return name
    if b"\0" in head:
        even, odd = (2 * head[k::2].count(0) / len(head) for k in (0, 1))
        for name, many, few in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
            if many > 0.4 and few < 0.05:
                remarks.append(f"encoding: {name}")
                return name
        raise ReadError(f"{path.name} is a binary file, not a text table (it holds zero bytes)")
    bad = _first_undecodable(path, "utf-8")
    if bad is None:
        return "utf-8"
    # Windows' code page leaves five bytes undefined; Latin-1 reads anything.
    name = "cp1252" if _first_undecodable(path, "cp1252") is None else "latin-1"
    remarks.append(f"encoding: not UTF-8 (byte 0x{bad[1]:02x} at {bad[0]}), read as {name}")
    return name


def _check_encoding(path: Path, encoding: str) -> None:
    try:
        bad = _first_undecodable(path, encoding)
    except LookupError:
        raise ReadError(f"there is no encoding {encoding!r}; try utf-8, cp1252 or utf-16") from None
    if bad is not None:
        raise ReadError(
            f"{path.name} is not {encoding}: byte 0x{bad[1]:02x} at position {bad[0]} has no "
            "meaning in it; leave the encoding out to have it found"
        )


def _first_undecodable(path: Path, encoding: str) -> tuple[int, int] | None:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    start = 0
    with path.open("rb") as stream:
        while True:
            block = stream.read(_HEAD)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                at = start - pending + error.start
                return at, error.object[error.start]
            except UnicodeError:
                return start, 0
            if not block:
                return None
            start += len(block)


def _control_share(text: str) -> float:
    head = text[:65536]
    return len(re.findall(r"[\x01-\x08\x0e-\x1f]", head)) / len(head)


def _line_ends(text: str) -> str:
    crlf = text.count("\r\n")
    cr, lf = text.count("\r") - crlf, text.count("\n") - crlf
    kinds = [name for name, n in (("CRLF", crlf), ("CR", cr), ("LF", lf)) if n]
    return kinds[0] if len(kinds) == 1 else ("mixed" if kinds else "LF")


def _delimiter(lines: list[str]) -> str:
    best, best_score = ",", 0.0
    for candidate in _DELIMITERS:
        widths = [len(r) for r in csv.reader(lines, delimiter=candidate)]
        if not widths:
            continue
        width, count = Counter(widths).most_common(1)[0]
        if width < 2:
            continue
        score = count / len(widths) + 0.2 * (widths[0] == width)
        # A tie goes to the rarer sign: commas also stand in numbers and sentences.
        if score > best_score + 0.02:
            best, best_score = candidate, score
    if best_score == 0.0 and (is_spaced(lines) or begins_at(lines) is not None):
        return " "
    return best


def _spaced(lines: list[str], delimiter: str) -> bool:
    joined = "\n".join(lines)
    n = joined.count(delimiter)
    return n > 0 and joined.count(delimiter + " ") >= 0.9 * n
