"""What can go wrong between a file and a model, one class a kind of mistake."""

from __future__ import annotations

from ann.errors import AnnError

__all__ = ["ReadError", "SchemaError", "SplitError", "TableError", "TargetError"]


class TableError(AnnError, ValueError):
    """Root of everything `ann.data` raises on purpose."""


class ReadError(TableError):
    """A file that is not a table: empty, binary, undecodable, or torn beyond repair."""


class SchemaError(TableError):
    """Rules or columns that do not fit the table they are applied to."""


class TargetError(TableError):
    """A target column that is absent, empty or constant."""


class SplitError(TableError):
    """A split that would leave a part without rows, classes or groups."""
