"""A batch of cells taken apart: the files of each cell, as a run of it alone would read them.

To compose a cell costs much the same for one cell as for twenty. So a parameter is tried with all
its values in one batch, and the files of that batch are taken apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["NotApartError", "row_apart"]

# What says how large the batch is, and nothing of the cells.
_SIZES = (".count", "/settings")


class NotApartError(Exception):
    """The files of a batch do not hold a number a cell where a cell alone has one."""


def row_apart(
    batch: Mapping[str, bytes], alone: Mapping[str, bytes], row: int, rows: int
) -> dict[str, bytes]:
    """Return the files of one cell of a batch.

    Parameters
    ----------
    batch : mapping of str to bytes
        Files of a run of `rows` cells.
    alone : mapping of str to bytes
        Files of a run of one such cell: they say how much stands in each.
    row, rows : int
        Which cell, and of how many.

    Raises
    ------
    NotApartError
        The files of the batch are others, or have other sizes.

    Examples
    --------
    >>> two = {"g": np.array([1.0, 2.0, 1.0, 2.0]).tobytes()}
    >>> one = {"g": np.array([5.0, 5.0]).tobytes()}
    >>> np.frombuffer(row_apart(two, one, 1, 2)["g"])
    array([2., 2.])
    """
    # A parameter that differs between cells is counted, beside one that all share.
    if {name for name in batch.keys() ^ alone.keys() if not name.endswith(_SIZES)}:
        raise NotApartError("the batch reads other files")
    return {name: _of_row(name, batch[name], alone[name], row, rows) for name in alone}


def _of_row(name: str, wide: bytes, one: bytes, row: int, rows: int) -> bytes:
    if wide == one or name.endswith(_SIZES):
        return one
    if len(wide) == len(one) or len(wide) % (8 * rows) or len(one) % 8:
        raise NotApartError(f"{name} has no number a cell")
    column = np.frombuffer(wide).reshape(-1, rows)[:, row]
    if 8 * len(column) == len(one):
        return column.tobytes()
    # What all compartments share is told once of one cell, and compartment by compartment of many.
    if len(one) == 8 and np.all(column == column[0]):
        return column[:1].tobytes()
    raise NotApartError(f"{name} has another size")
