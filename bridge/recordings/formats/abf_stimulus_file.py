"""Stimulus files: waveforms that a protocol of pCLAMP played, kept beside the recording."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.errors import RecordingError

__all__ = ["played_file", "stimulus_file"]

Array = NDArray[np.float64]


def played_file(abf: Any, output: int) -> tuple[str, Path | None]:
    """Return the name of the stimulus file that an output played, and where it lies.

    Parameters
    ----------
    abf : pyabf.ABF
        The recording.
    output : int
        Position in the header.

    Returns
    -------
    name : str
        As the header has it, without its folder.
    path : pathlib.Path or None
        Beside the recording, whatever the case of its letters; None where it is not there.
    """
    if abf.abfVersion["major"] == 1:
        written = abf._headerV1.sDACFilePath[output]
    else:
        strings, index = abf._stringsSection._indexedStrings, abf._dacSection.lDACFilePathIndex
        written = strings[index[output]] if 0 <= index[output] < len(strings) else ""
    if isinstance(written, bytes):
        written = written.decode("latin-1")
    name = PureWindowsPath(written.strip("\0 ")).name
    beside = Path(abf.abfFilePath).parent
    return name, next((p for p in beside.iterdir() if p.name.lower() == name.lower()), None)


def stimulus_file(abf: Any, output: int, path: Path) -> list[Array]:
    """Return the waveform of each sweep; pyABF gives that of the first, and leaves out the scale.

    Parameters
    ----------
    abf : pyabf.ABF
        The recording.
    output : int
        Position in the header.
    path : pathlib.Path
        The stimulus file, ABF or ATF.

    Returns
    -------
    list of ndarray
        In the unit of the output.

    Raises
    ------
    RecordingError
        The file cannot be read, or is not the one that was played.
    """
    import pyabf

    reader = pyabf.ABF if path.suffix.lower() == ".abf" else pyabf.ATF
    try:
        stimulus: Any = reader(str(path))
    except Exception as error:  # pyABF raises whatever its parsing runs into
        raise RecordingError(
            "no-current",
            f"the stimulus file {path.name!r} cannot be read ({error})",
            "copy it again",
        ) from None
    header = abf._headerV1 if abf.abfVersion["major"] == 1 else abf._dacSection
    return _played(abf, stimulus, header, output, path.name)


def _played(abf: Any, stimulus: Any, header: Any, output: int, name: str) -> list[Array]:
    """Waveform of each sweep as the protocol plays a stimulus file."""
    only = int(header.lDACFileEpisodeNum[output])
    last = only if only > 0 else stimulus.sweepCount
    if stimulus.channelCount > 1:
        wrong, remedy = f"{name} holds {stimulus.channelCount} signals", "export it with one"
        raise RecordingError("no-current", wrong, f"{remedy}, under the same name")
    misfit = only <= 0 and stimulus.sweepCount not in (1, abf.sweepCount)
    if misfit or last > stimulus.sweepCount:
        raise RecordingError(
            "no-current",
            f"{name} holds {stimulus.sweepCount} sweeps, the recording {abf.sweepCount}",
            "put the stimulus file this recording was made with beside it",
        )
    scale, offset = float(header.fDACFileScale[output]), float(header.fDACFileOffset[output])
    waves = []
    for sweep in abf.sweepList:
        stimulus.setSweep(only - 1 if only > 0 else sweep if stimulus.sweepCount > 1 else 0)
        wave = np.array(stimulus.sweepY, dtype=float)[: abf.sweepPointCount] * scale + offset
        waves.append(np.pad(wave, (0, abf.sweepPointCount - len(wave)), mode="edge"))
    return waves
