"""Read a recording, whichever format it comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.recordings.cell import CellRecording
from bridge.recordings.errors import RecordingError, about
from bridge.recordings.formats.abf import read_abf
from bridge.recordings.formats.clampfit_text import read_atf
from bridge.recordings.formats.igor import is_channel_name, read_igor, series
from bridge.recordings.formats.nwb import read_nwb
from bridge.recordings.formats.others import OTHERS, read_other
from bridge.recordings.formats.sweeps import Sweep, Units, without_padding
from bridge.recordings.formats.text_table import read_text
from bridge.recordings.plausible import check_plausible

__all__ = ["FORMATS", "read"]

FORMATS = {
    ".abf": "Axon Binary Format (pCLAMP)",
    ".atf": "Axon Text File (Clampfit)",
    ".ibw": "Igor binary wave",
    ".nwb": "Neurodata Without Borders",
    ".csv": "table of samples",
    ".txt": "table of samples",
    ".tsv": "table of samples",
    **{ending: form.program for ending, form in OTHERS.items()},
}
"""Formats that are read, by the ending of the file's name."""

_TABLES = (".csv", ".txt", ".tsv")


def read(
    path: str | Path | Sequence[str | Path],
    *,
    voltage: str | None = None,
    current: str | None = None,
    voltage_unit: str | None = None,
    current_unit: str | None = None,
    pairs: Mapping[str, str] | None = None,
    name: str | None = None,
) -> CellRecording:
    """Read a current-clamp recording of one cell.

    Parameters
    ----------
    path : path, or sequence of paths
        An ABF, ATF, IBW, NWB or text file, or one of the other `FORMATS`; or several files of one
        cell whose sweeps belong together.
        One IBW file brings its series with it: the files named alike but for the number at the
        end, and the current channel beside each.
    voltage : str, optional
        Which channel (ABF, ATF, IBW, Neo) or electrode (NWB) is the cell, where there are several.
    current : str, optional
        Which channel (ABF, ATF, IBW, Neo) is the current; ``"command"`` for the command waveform
        (ABF). Channels of Igor waves are said as in their names: ``"Ch0"``.
    voltage_unit, current_unit : str, optional
        What a stored 1 is, such as ``"nA"``, or ``"400pA"`` if the monitor of the amplifier was
        recorded in volt at 400 pA/V. It is then taken at your word; only a potential beyond 1 V is
        refused.
    pairs : mapping of str to str, optional
        Which stimulus belongs to which response of an NWB file, where the file does not say it or
        says it wrong: by the name of the response, the name of its stimulus (or of a recorded
        current), such as ``{"response_07": "stimulus_03"}``. Responses that are not named are left
        out, which the recording says. A stimulus begins when its starting time says; if that lies
        outside the response, both begin together.
    name : str, optional
        How tables and figures call the cell; the file's name where left out.

    Returns
    -------
    CellRecording

    Raises
    ------
    RecordingError
        The file cannot serve; `reason` tells which kind of trouble, the message the remedy.
    ExtraMissingError
        The format needs the extra ``recordings``.
    """
    try:
        given = [Path(path)] if isinstance(path, (str, Path)) else [Path(p) for p in path]
    except TypeError:
        raise RecordingError(
            "file", f"no path (got {path!r})", "give the path of a recording, or several in a list"
        ) from None
    if not given:
        raise RecordingError("file", "no file given", "give at least one")
    for file in given:
        if not file.is_file():
            what = "is a folder" if file.is_dir() else "no such file"
            raise RecordingError("file", what, "give the path of a recording", str(file))
    endings = sorted({file.suffix.lower() for file in given})
    if len(endings) > 1:
        raise RecordingError(
            "format",
            f"files of {len(endings)} formats ({', '.join(endings)})",
            "give the files of one recording",
            given[0].name,
        )
    units = (voltage_unit, current_unit)
    _check_choice(given[0], endings[0], voltage, current)
    _check_pairs(given[0], endings[0], pairs)
    if endings[0] == ".ibw":
        chosen = series(given[0]) if len(given) == 1 else given
        sweeps, files = read_igor(chosen, voltage, current, units)
    else:
        files = given
        sweeps = []
        for file in given:
            found = _read_one(file, voltage, current, units, pairs)
            sweeps += _renumbered(found, len(sweeps)) if len(given) > 1 else found
    cell = _cell(sweeps, name or files[0].stem, files)
    check_plausible(cell, voltage=voltage_unit is None, current=current_unit is None)
    return cell


def _check_choice(file: Path, ending: str, voltage: str | None, current: str | None) -> None:
    """Refuse the name of a channel where there is none to choose, before it is passed over."""
    told = {"voltage": voltage, "current": current}
    where = {".ibw": ("voltage", "current")}.get(ending, ())
    for option in where:
        said = told[option]
        if said is not None and not is_channel_name(said):
            raise RecordingError(
                "choice",
                f"{FORMATS[ending]} has no {option} to choose by that name (got {said!r})",
                f"each wave says what it is; leave {option}= out, or say the channel as the names "
                f'of the files do, such as {option}="Ch0"',
                file.name,
            )


def _check_pairs(file: Path, ending: str, pairs: Any) -> None:
    if pairs is None:
        return
    if ending != ".nwb":
        raise RecordingError(
            "choice",
            f"pairs are of NWB files; {FORMATS.get(ending, ending)} holds each response with its "
            "current",
            "leave pairs= (--pair) out",
            file.name,
        )
    named = isinstance(pairs, Mapping) and all(
        isinstance(one, str) for pair in pairs.items() for one in pair
    )
    if not named or not pairs:
        raise RecordingError(
            "choice",
            f"pairs says no names (got {pairs!r})",
            'give the name of each response and of its stimulus, {"response": "stimulus"}',
            file.name,
        )


def _read_one(
    file: Path,
    voltage: str | None,
    current: str | None,
    units: Units,
    pairs: Mapping[str, str] | None,
) -> list[Sweep]:
    ending = file.suffix.lower()
    with about(file.name):
        if ending == ".abf":
            return read_abf(file, voltage, current, units)
        if ending == ".nwb":
            return read_nwb(file, voltage, current, units, pairs)
        if ending in _TABLES:
            return read_text(file, units, voltage, current)
        if ending == ".atf":
            return read_atf(file, voltage, current, units)
        return read_other(file, voltage, current, units)


def _cell(sweeps: list[Sweep], name: str, files: list[Path]) -> CellRecording:
    """Put sweeps together without their padding, and keep in mind what was cut."""
    kept, cut, unused = [], [], []
    with about(files[0].name if len(files) == 1 else name):
        for sweep in sweeps:
            if sweep.left_out:
                unused.append((sweep.number, sweep.left_out))
                continue
            found = without_padding(sweep)
            if found is None:
                cut.append((sweep.number, "left out: it holds no numbers"))
                continue
            kept.append(found)
            if found.padding_s:
                cut.append((sweep.number, f"no numbers after {found.duration_s:g} s"))
        if not kept:
            raise RecordingError(
                "file", f"none of its {len(sweeps)} sweeps holds numbers", "export it again"
            )
    return CellRecording(tuple(kept), name, tuple(files), cut=tuple(cut), unused=tuple(unused))


def _renumbered(sweeps: list[Sweep], first: int) -> list[Sweep]:
    """Number the sweeps of several files through."""
    return [replace(sweep, number=first + k) for k, sweep in enumerate(sweeps)]
