"""Formats of other programs (AxoGraph, WinWCP, Spike2, ...), where they hold both channels.

Neo reads them, but only by readers that are named here, and only files that begin as their format
does: some of Neo's other readers run code that a file brings. Neo's raw readers are called, which
leave units as text; its others evaluate them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.errors import optional
from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.channels import live_one
from bridge.recordings.formats.igor import wave_of
from bridge.recordings.formats.sweeps import Sweep, Units, factor_to, scale_to

__all__ = ["OTHERS", "read_other"]

_Channel = tuple[str, str, float, NDArray[np.float64]]
"""Name, unit, sampling rate (Hz) and samples."""


@dataclass(frozen=True)
class Format:
    """A format that is read: what its files begin with, and the reader in ``neo.rawio``."""

    program: str
    reader: str
    begins: tuple[bytes, ...]
    at: int = 0


_AXOGRAPH = Format("AxoGraph", "AxographRawIO", (b"AxGr", b"axgx"))
_NIX = Format("NIX", "NIXRawIO", (b"\x89HDF\r\n\x1a\n",))
_PACKED = Format("Igor, packed experiment", "", ())
# Magic numbers of Intan's "RHD2000/RHS2000 Data File Formats", 4 bytes, little-endian.
_RHD = Format("Intan", "IntanRawIO", ((0xC6912702).to_bytes(4, "little"),))
_RHS = Format("Intan", "IntanRawIO", ((0xD69127AC).to_bytes(4, "little"),))

# WinEDR and WinWCP write VER= first in their header; Neo's readers do not look at it.
OTHERS: dict[str, Format] = {
    ".axgd": _AXOGRAPH,
    ".axgx": _AXOGRAPH,
    ".edr": Format("WinEDR", "WinEdrRawIO", (b"VER=",)),
    ".h5": _NIX,
    ".nix": _NIX,
    ".pxp": _PACKED,
    ".rhd": _RHD,
    ".rhs": _RHS,
    ".smr": Format("Spike2", "Spike2RawIO", (b"(C) CED 87",), at=2),
    ".wcp": Format("WinWCP", "WinWcpRawIO", (b"VER=",)),
}
"""Formats by the ending of the file's name."""


# Neo's reader of .smrx calls sonpy, CED's own library, which is not open. HEKA: pyheka 1.0.1 reads
# bundles of PatchMaster 9, 1000 and 2000; x-to-nwb has had no release since 2020.
_TEXT = "or export the sweeps with their currents as CSV"
ELSEWHERE: dict[str, tuple[str, str]] = {
    ".dat": (
        "HEKA PatchMaster",
        "export it from PatchMaster as Igor waves (.ibw), or read it with the Python package "
        "pyheka and write the sweeps as CSV",
    ),
    ".smrx": (
        "Spike2, 64 bit",
        f"save it from Spike2 as .smr (32 bit), {_TEXT}",
    ),
    ".cfs": ("Signal (CED)", "export the sweeps from Signal as text, with their currents"),
    ".mat": ("Matlab", f"write its traces as NWB, {_TEXT}"),
    ".xlsx": ("Excel", "save the sheet as CSV"),
    ".xls": ("Excel", "save the sheet as CSV"),
    ".pkl": ("Python (a pickle, which may run code)", f"write its traces as NWB, {_TEXT}"),
    ".tdms": ("LabVIEW", f"write its traces as NWB, {_TEXT}"),
    ".opj": ("Origin", "export the sheet as CSV"),
}
"""Formats that are not read, by ending: the program, and the way to a format that is."""


def read_other(path: Path, voltage: str | None, current: str | None, units: Units) -> list[Sweep]:
    """Read sweeps, one a segment, from its signals in volt and in ampere.

    Parameters
    ----------
    path : pathlib.Path
        The file; its ending must be one of `OTHERS`.
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
        The format is not one of `OTHERS`, the file is damaged, or a signal is missing.
    ExtraMissingError
        neo is not installed.
    """
    ending = path.suffix.lower()
    form = OTHERS.get(ending)
    if form is None and ending in ELSEWHERE:
        program, remedy = ELSEWHERE[ending]
        raise RecordingError("format", f"files of {program} are not read", remedy)
    if form is None:
        raise RecordingError(
            "format",
            f"files ending in {path.suffix!r} are not read",
            "convert it to NWB, or export the sweeps as CSV",
        )
    _check_begin(path, form)
    segments = _packed(path) if form is _PACKED else _by_neo(path, form)
    note = ""
    if voltage is None:
        voltage, note = _live_voltage(segments, units[0])
    sweeps = []
    for k, channels in enumerate(segments):
        volts = _one(channels, "V", voltage, units[0])
        amps = _one(channels, "A", current, units[1])
        if volts[0] != amps[0] or len(volts[1]) != len(amps[1]):
            raise RecordingError(
                "format",
                f"voltage and current of sweep {k} differ in sampling rate or length",
                "resample one of them, or export the sweeps as CSV",
            )
        sweeps.append(Sweep(k, *volts, amps[1], "measured", channel=note))
    if not sweeps:
        raise RecordingError("no-voltage", "holds no sweep", "give another file")
    return sweeps


def _check_begin(path: Path, form: Format) -> None:
    with path.open("rb") as stream:
        stream.seek(form.at)
        head = stream.read(16)
    if form.begins and not head.startswith(form.begins):
        raise RecordingError(
            "file",
            f"does not begin as a file of {form.program} does",
            f"give a file that {form.program} saved, or export the sweeps as CSV",
        )


def _by_neo(path: Path, form: Format) -> list[list[_Channel]]:
    """Return the channels of each segment, read by one of Neo's raw readers."""
    rawio = optional("neo.rawio", f"reading {path.suffix} files", "recordings")
    try:
        reader = getattr(rawio, form.reader)(str(path))
        reader.parse_header()
        return [
            list(_raw_channels(reader, block, segment))
            for block in range(reader.block_count())
            for segment in range(reader.segment_count(block))
        ]
    except Exception as error:  # each of Neo's readers fails in its own way
        raise _unreadable(error) from None


def _raw_channels(reader: Any, block: int, segment: int) -> Iterator[_Channel]:
    listed = reader.header["signal_channels"]
    for stream, of in enumerate(reader.header["signal_streams"]):
        channels = listed[listed["stream_id"] == of["id"]]
        if not len(channels):
            continue
        rate = float(reader.get_signal_sampling_rate(stream))
        raw = reader.get_analogsignal_chunk(
            block_index=block, seg_index=segment, stream_index=stream
        )
        values = reader.rescale_signal_raw_to_float(raw, dtype="float64", stream_index=stream)
        for column, channel in enumerate(channels):
            yield str(channel["name"]), str(channel["units"]), rate, np.array(values[:, column])


def _packed(path: Path) -> list[list[_Channel]]:
    """Return the waves of an Igor packed experiment: channels of one segment."""
    import igor2.packed

    try:
        records, _ = igor2.packed.load(io.BytesIO(path.read_bytes()))
        content = [r.wave["wave"] for r in records if hasattr(r, "wave")]
    except Exception as error:  # igor2 raises whatever its parsing runs into
        raise _unreadable(error) from None
    channels = []
    for wave in content:
        name = bytes(wave["wave_header"]["bname"]).split(b"\0")[0].decode("latin-1")
        found = wave_of(wave)
        if found.data.dtype.kind == "f" and found.step_s > 0:
            rate = round(1 / found.step_s, 6)
            channels += [(name, found.unit, rate, column) for column in found.data.T]
    return [channels] if channels else []


def _unreadable(error: Exception) -> RecordingError:
    return RecordingError(
        "file",
        f"cannot be read ({type(error).__name__}: {error})",
        "check that it is whole, or export the sweeps as CSV",
    )


def _live_voltage(segments: list[list[_Channel]], said: str | None) -> tuple[str | None, str]:
    """Choose among several signals in volt, where all but one are flat."""
    traces: dict[str, list[NDArray[np.float64]]] = {}
    for channels in segments:
        for name, unit, _, values in channels:
            if (scale_to(unit) or ("",))[0] == "V" and values.size:
                traces.setdefault(name, []).append(values * factor_to("V", unit, said))
    if len(traces) < 2:
        return None, ""
    names = list(traces)
    found, note = live_one(names, list(traces.values()))
    return names[found], note


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
