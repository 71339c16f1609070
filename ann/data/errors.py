"""What can go wrong between a file and a model, one class a kind of mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from ann.errors import AnnError

__all__ = [
    "ContradictionError",
    "ReadError",
    "SchemaError",
    "SplitError",
    "TableError",
    "TargetError",
    "UnusableTargetError",
    "nearest",
    "require_known",
]


class TableError(AnnError, ValueError):
    """Root of everything `ann.data` raises on purpose."""


class ReadError(TableError):
    """A file that is not a table: empty, binary, undecodable, or torn beyond repair."""


class SchemaError(TableError):
    """Rules or columns that do not fit the table they are applied to."""


class ContradictionError(SchemaError):
    """Cells that a rule cannot read the way it reads the column."""


class TargetError(TableError):
    """A target that is asked for wrongly, or that cannot be predicted."""


class UnusableTargetError(TargetError):
    """A target column that is there and cannot be predicted: empty, constant, or of words only."""


class SplitError(TableError):
    """A split that would leave a part without rows, classes or groups."""


def nearest(given: object, known: Collection[object]) -> str:
    """Return the end of a message about an unknown name: the nearest one, or what there is.

    Examples
    --------
    >>> nearest("hight", ["height", "age"]), nearest("x", ["height", "age"])
    ("; did you mean 'height'?", "; there are 'height', 'age'")
    """
    names = list(map(str, known))
    near = get_close_matches(str(given), names, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return "; there are " + ", ".join(map(repr, names[:12])) + more


def require_known(
    what: str,
    names: Iterable[object],
    known: Iterable[object],
    end: str = "",
    error: type[TableError] = SchemaError,
) -> None:
    """Raise unless all names are known, with the nearest one that is.

    Parameters
    ----------
    what, end : str
        What the message says before and after the name.
    names, known : iterable of str
        What was given, and what there is.
    error : type of TableError

    Examples
    --------
    >>> require_known("there is no column", ["hight"], ["height", "age"], " to split by")
    Traceback (most recent call last):
    ...
    ann.data.errors.SchemaError: there is no column 'hight' to split by; did you mean 'height'?
    """
    there = list(map(str, known))
    for name in names:
        if str(name) not in there:
            raise error(f"{what} {name!r}{end}{nearest(name, there)}")
