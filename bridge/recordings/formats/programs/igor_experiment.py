"""Packed experiments of Igor (.pxp), by igor2: waves of one sweep bear one number."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, Literal

from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.igor import wave_of
from bridge.recordings.formats.programs.neo_signals import Segment, Signal
from bridge.recordings.formats.sweeps import scale_to

__all__ = ["read_experiment"]

_NUMBERED = re.compile(r"(.*?)_?(\d+)")


def read_experiment(path: Path, voltage: str | None, current: str | None) -> list[Segment]:
    """Return the sweeps of a packed experiment.

    A wave alone in its kind is a sweep. Where a folder of the experiment holds several waves in
    volt or in ampere, they are named alike but for a number at the end (``Vm_3`` and ``Im_3``), and
    those of one number belong together; what precedes the number is the name of the signal. A wave
    of two dimensions holds a sweep in each column.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    voltage, current : str, optional
        Names of signals that the user chose, whatever their unit.

    Raises
    ------
    RecordingError
        igor2 cannot read it, or it holds no waves.
    """
    import igor2.packed

    try:
        _, filesystem = igor2.packed.load(io.BytesIO(path.read_bytes()))
        folders = list(_folders(filesystem["root"]))
    except RecordingError:
        raise
    except Exception as error:  # igor2 raises whatever its parsing runs into
        raise RecordingError(
            "file",
            f"cannot be read ({type(error).__name__}: {error})",
            "check that it is whole, or export the sweeps as CSV",
        ) from None
    chosen = {name for name in (voltage, current) if name is not None}
    signals = [_signals(waves) for waves in folders]
    recorded = [_recorded(of_one, chosen) for of_one in signals]
    if any(recorded):
        return [segment for of_one in recorded for segment in _sweeps(of_one)]
    # What is there is named in the error.
    every = [column for of_one in signals for columns in of_one.values() for column in columns]
    return [Segment(tuple(every))] if every else []


def _folders(folder: dict[Any, Any]) -> list[dict[str, Any]]:
    """The waves of each data folder that holds any, by name."""
    waves: dict[str, Any] = {}
    inner: list[dict[str, Any]] = []
    for name, entry in folder.items():
        if isinstance(entry, dict):
            inner += _folders(entry)
        elif hasattr(entry, "wave"):
            waves[_text(name)] = entry.wave["wave"]
    return ([waves] if waves else []) + inner


def _text(name: Any) -> str:
    raw = name if isinstance(name, bytes) else bytes(str(name), "latin-1", "replace")
    return raw.split(b"\0")[0].decode("latin-1")


def _signals(waves: dict[str, Any]) -> dict[str, list[Signal]]:
    """The columns of each wave that is a function of time."""
    signals: dict[str, list[Signal]] = {}
    for name, wave in waves.items():
        if wave["wData"].dtype.kind != "f" or not wave["wData"].size:
            continue
        try:
            found = wave_of(wave)
        except RecordingError:  # rows without a scale in time: a parameter, no recording
            continue
        rate = round(1 / found.step_s, 6)
        signals[name] = [Signal(name, found.unit, rate, column) for column in found.data.T]
    return signals


def _recorded(signals: dict[str, list[Signal]], chosen: set[str]) -> dict[str, list[Signal]]:
    """Those in volt or ampere, or named by the user."""
    return {
        name: columns
        for name, columns in signals.items()
        if scale_to(columns[0].unit) is not None or name in chosen or _stem(name) in chosen
    }


def _sweeps(recorded: dict[str, list[Signal]]) -> list[Segment]:
    """Put together what belongs together in one folder."""
    if not _come_again(recorded):
        length = max(map(len, recorded.values()), default=0)
        return [
            Segment(tuple(columns[k] for columns in recorded.values() if k < len(columns)))
            for k in range(length)
        ]
    numbers = sorted({n for name in recorded if (n := _number(name)) is not None})
    return [
        Segment(
            tuple(
                Signal(_stem(name), columns[0].unit, columns[0].rate_Hz, columns[0].values)
                for name, columns in recorded.items()
                if _number(name) == number
            ),
            number,
            _lacks(recorded, number),
        )
        for number in numbers
    ]


def _come_again(recorded: dict[str, list[Signal]]) -> bool:
    """Whether some signal has several waves that differ by the number at their end."""
    stems = [_stem(name) for name in recorded if _number(name) is not None]
    return len(set(stems)) < len(stems)


def _lacks(recorded: dict[str, list[Signal]], number: int) -> str:
    """Say which quantity has no wave of a number, where the experiment has waves of both."""
    kinds = {name: _kind(columns[0].unit) for name, columns in recorded.items()}
    here = {kinds[name] for name in recorded if _number(name) == number}
    for kind, word in (("V", "potential"), ("A", "current")):
        if kind in kinds.values() and kind not in here:
            return f"no wave of {word} bears its number"
    return ""


def _kind(unit: str) -> Literal["V", "A"] | None:
    known = scale_to(unit)
    return known[0] if known else None


def _stem(name: str) -> str:
    found = _NUMBERED.fullmatch(name)
    return found.group(1) if found and found.group(1) else name


def _number(name: str) -> int | None:
    found = _NUMBERED.fullmatch(name)
    return int(found.group(2)) if found and found.group(1) else None
