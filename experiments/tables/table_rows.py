"""Tables for commands that know them by a name or a file: bundled ones, and rows for a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ann.data.table_model import TableModel

__all__ = ["DATASETS", "TableRows", "bundled_table", "is_table", "read_rows", "table_reader"]

#: Tables that come with scikit-learn; the target's column is called ``target``.
DATASETS = ("breast_cancer", "diabetes", "digits", "iris", "wine")
#: How files of NumPy's arrays begin; whatever else is read is a table of text.
_ARRAYS = (b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY")


@dataclass(frozen=True, eq=False)
class TableRows:
    """Rows of a table as a trained model sees them.

    Attributes
    ----------
    X : ndarray of shape (rows, features)
        Encoded as in training.
    y : ndarray of shape (rows,) or None
        The target, where the table has it; None or NaN in rows without.
    unseen : ndarray of int or None
        If this is the table the model was trained on: the rows that were held out.
    notes : list of str
        What cleaning did, for the user.
    """

    X: np.ndarray
    y: np.ndarray | None
    unseen: np.ndarray | None
    notes: list[str] = field(default_factory=list)


def bundled_table(name: str) -> pd.DataFrame:
    """One of scikit-learn's tables, classes by their names.

    Parameters
    ----------
    name : str
        One of `DATASETS`.

    Returns
    -------
    DataFrame

    Raises
    ------
    ParameterError
        If there is neither a table nor, it seems, a file of that name.

    Examples
    --------
    >>> bundled_table("iris").shape
    (150, 5)
    """
    import numpy as np
    from sklearn import datasets

    from ann.errors import ParameterError, unknown_name

    if name not in DATASETS:
        if Path(name).exists():
            raise ParameterError(f"{name} is a folder or device, not a file with a table")
        if Path(name).suffix or "/" in name:
            raise ParameterError(f"there is no file {name}")
        raise unknown_name("file or bundled table", name, DATASETS)
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame: pd.DataFrame = bunch.frame.copy()
    if name != "diabetes":
        frame["target"] = np.asarray(bunch.target_names).astype(str)[bunch.target]
    return frame


def is_table(path: Path) -> bool:
    """Whether a path is a table of text, or names a bundled one, rather than a file of arrays.

    Examples
    --------
    >>> is_table(Path("iris")), is_table(Path("nowhere.npz"))
    (True, False)
    """
    if not path.is_file():
        return str(path) in DATASETS
    with path.open("rb") as stream:
        start = stream.read(8)
    return bool(start) and path.suffix not in (".npz", ".npy") and not start.startswith(_ARRAYS)


def table_reader(model: Path) -> TableModel | None:
    """Return the model of a file with its table's encoding; None where the file has none.

    Raises
    ------
    ModelFileError
        The file is damaged or holds no model.
    """
    from ann.data.table_model import TableModel
    from ann.files.storage import read_card

    notes = read_card(model).get("notes")
    return TableModel.load(model) if isinstance(notes, dict) and "table" in notes else None


def read_rows(reader: TableModel, table: Path, reading: dict[str, Any] | None = None) -> TableRows:
    """Read a table and encode it as the model's training table was.

    Parameters
    ----------
    reader : TableModel
    table : Path
        A file, or one of `DATASETS`.
    reading : dict, optional
        Options of `ann.data.TableFile`.

    Raises
    ------
    TableError
        The table cannot be read, or lacks columns.
    """
    from ann.data import TableFile
    from ann.data.cells.text_cells import text_frame
    from ann.errors import DataError

    if table.is_file():
        file = TableFile(table, **(reading or {}))
        frame = file.read().frame
        torn = file.log.find(rule="torn rows")
        if torn:
            raise DataError(
                f"{torn[0].rows} lines of {table} have more cells than there are columns "
                f"({torn[0].before!r}), so answers would not stand beside their rows; mend them "
                "first"
            )
    else:
        frame = text_frame(bundled_table(str(table)))
    X, log = reader.encode(frame)
    notes = [str(step) for step in log if step.column != reader.target]
    return TableRows(X, reader.truth(frame), reader.unseen(frame), notes)
