"""Formats that Neo knows (WinWCP, AxoGraph, Spike2, ...), where they hold both channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.errors import optional
from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.sweeps import Sweep, Units, factor_to, scale_to

__all__ = ["read_with_neo"]


def read_with_neo(
    path: Path, voltage: str | None, current: str | None, units: Units
) -> list[Sweep]:
    """Read sweeps through Neo: one a segment, from its analog signals in volt and in ampere.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    voltage, current : str, optional
        Names of the signals, where a segment has several of a kind.
    units : (str or None, str or None)
        Units of voltage and current, where the file has them wrong.

    Returns
    -------
    list of Sweep

    Raises
    ------
    RecordingError
        Neo does not know the format, cannot read the file, or a signal is missing.
    ExtraMissingError
        neo is not installed.
    """
    neo = optional("neo", f"reading {path.suffix} files", "recordings")
    try:
        known = bool(neo.list_candidate_ios(str(path)))
    except ValueError:
        known = False
    if not known:
        raise RecordingError(
            "format",
            f"files ending in {path.suffix!r} are not read, nor does Neo know them",
            "convert it to NWB, or export the sweeps as CSV",
        )
    try:
        blocks = neo.get_io(str(path)).read(lazy=False)
    except Exception as error:  # each of Neo's readers fails in its own way
        raise RecordingError(
            "file",
            f"Neo cannot read it ({type(error).__name__}: {error})",
            "check that it is whole, or export the sweeps as CSV",
        ) from None
    segments = [segment for block in blocks for segment in block.segments]
    sweeps = []
    for k, segment in enumerate(segments):
        channels = [
            _channel(signal, column)
            for signal in segment.analogsignals
            for column in range(signal.shape[1])
        ]
        volts = _one(channels, "V", voltage, units[0])
        amps = _one(channels, "A", current, units[1])
        if volts[0] != amps[0] or len(volts[1]) != len(amps[1]):
            raise RecordingError(
                "format",
                f"voltage and current of sweep {k} differ in sampling rate or length",
                "resample one of them, or export the sweeps as CSV",
            )
        sweeps.append(Sweep(k, *volts, amps[1], "measured"))
    if not sweeps:
        raise RecordingError("no-voltage", "holds no sweep", "give another file")
    return sweeps


_Channel = tuple[str, str, float, NDArray[np.float64]]


def _channel(signal: Any, column: int) -> _Channel:
    names = signal.array_annotations.get("channel_names")
    name = str(names[column]) if names is not None else str(signal.name or "")
    rate = float(signal.sampling_rate.rescale("Hz"))
    unit = signal.units.dimensionality.string
    return name, unit, rate, np.asarray(signal.magnitude[:, column], dtype=float)


def _one(
    channels: list[_Channel], kind: Literal["V", "A"], name: str | None, said: str | None
) -> tuple[float, NDArray[np.float64]]:
    if name is not None:
        fitting = [c for c in channels if c[0] == name]
    else:
        fitting = [c for c in channels if (scale_to(c[1]) or ("",))[0] == kind]
    told = ", ".join(f"{c[0]!r} ({c[1]})" for c in channels) or "none"
    quantity = "volt" if kind == "V" else "ampere"
    option = "voltage" if kind == "V" else "current"
    if not fitting and name is not None:
        raise RecordingError("choice", f"no signal is called {name!r}", f"found: {told}")
    if not fitting:
        raise RecordingError(
            "no-voltage" if kind == "V" else "no-current",
            f"no signal is in {quantity} (found: {told})",
            f'name the one that is: {option}="...", {option}_unit="..."',
        )
    if len(fitting) > 1:
        raise RecordingError(
            "choice",
            f"{len(fitting)} signals are in {quantity} (found: {told})",
            f'say which one it is: {option}="..."',
        )
    _, unit, rate, values = fitting[0]
    return rate, values * factor_to(kind, unit, said)
