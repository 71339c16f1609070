"""The f-I curves of recorded cells that come with the project, and those a user brings."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import pandas as pd

from bridge.counts.curve import FICurve
from neurosim.errors import UnknownNameError, suggest

__all__ = ["CELLS", "recorded_curve"]

CELLS = {
    "fast-spiking": "fast-spiking interneuron (pyABF, 2019_07_24_0055_fsi)",
    "regular": "regular-spiking cell (pyABF, 18713001)",
    "block": "cell with depolarisation block (pyABF, 171116sh_0019)",
    "continuous": "continuously firing cell (BluePyEfe, B6 IDRest 181-185)",
}


@cache
def _table() -> pd.DataFrame:
    text = files("experiments.kit") / "data" / "recorded_fi.csv"
    with text.open() as stream:
        return pd.read_csv(stream, comment="#")


def recorded_curve(cell: str) -> FICurve:
    """Return the f-I curve of a recorded cell that comes with the project.

    Parameters
    ----------
    cell : {"fast-spiking", "regular", "block", "continuous"}
        Which one; sources stand in the table itself, ``experiments/kit/data/recorded_fi.csv``.

    Raises
    ------
    UnknownNameError
        There is no such cell.

    Examples
    --------
    >>> float(recorded_curve("fast-spiking").rate_Hz.max())
    128.0
    """
    if cell not in CELLS:
        raise UnknownNameError(f"no recorded cell is called {cell!r}: {suggest(cell, CELLS)}")
    table = _table()
    rows = table[table["cell"] == cell]
    return FICurve(
        rows["current_pA"].to_numpy(),
        rows["count"].to_numpy(),
        rows["window_s"].to_numpy(),
        source=CELLS[cell],
        provenance={
            "table": "experiments/kit/data/recorded_fi.csv",
            "cell": cell,
            "current": "above holding",
        },
    )
