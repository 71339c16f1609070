"""Read a recording, whichever format it comes in."""

from __future__ import annotations

from pathlib import Path

from bridge.recordings.abf import read_abf
from bridge.recordings.cell import CellRecording
from bridge.recordings.errors import RecordingError

__all__ = ["read"]


def read(
    path: str | Path, *, voltage: str | None = None, current: str | None = None
) -> CellRecording:
    """Read a current-clamp recording of one cell.

    Parameters
    ----------
    path : path
        An ABF file.
    voltage, current : str, optional
        Which channel is the membrane potential, and which the current, where a file has several.

    Returns
    -------
    CellRecording

    Raises
    ------
    RecordingError
        The file cannot serve, with the reason and the remedy.
    ExtraMissingError
        The format needs the extra ``recordings``.
    """
    file = Path(path)
    if not file.is_file():
        raise RecordingError("file", "no such file", "check the path", str(file))
    if file.suffix.lower() != ".abf":
        raise RecordingError(
            "format", f"{file.suffix!r} files are not read", "give an .abf file", file.name
        )
    return CellRecording(tuple(read_abf(file, voltage, current)), file.stem, (file,))
