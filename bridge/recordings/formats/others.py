"""Formats of other programs (AxoGraph, WinWCP, Spike2, ...), where they hold both channels.

Neo reads them, but only by readers that are named here, and only files that begin as their format
does: some of Neo's other readers run code that a file brings. Neo's raw readers are called, which
leave units as text; its others evaluate them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.errors import optional
from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.channels import live_one
from bridge.recordings.formats.programs.axograph import read_axograph
from bridge.recordings.formats.programs.igor_experiment import read_experiment
from bridge.recordings.formats.programs.neo_signals import (
    Segment,
    Signal,
    overlap,
    quiet_neo,
    segments_of,
)
from bridge.recordings.formats.programs.spike2 import check_smr
from bridge.recordings.formats.programs.strathclyde import (
    check_edr,
    check_wcp,
    read_edr,
    read_wcp,
)
from bridge.recordings.formats.sweeps import Sweep, Units, factor_to, scale_to

__all__ = ["OTHERS", "read_other"]


@dataclass(frozen=True)
class Format:
    """A format that is read.

    Parameters
    ----------
    program : str
        Which program writes it.
    reader : str
        In ``neo.rawio``; empty where Neo has none that is used.
    begins : tuple of bytes
        What its files begin with, at the byte `at`.
    load : callable
        What is made of the file and of Neo's reader.
    check : callable, optional
        Refuses a file that Neo would read wrong.
    options : mapping
        Of Neo's reader.
    """

    program: str
    reader: str
    begins: tuple[bytes, ...]
    at: int = 0
    load: Callable[[Path, Any], list[Segment]] = lambda _, reader: segments_of(reader)
    check: Callable[[Path], None] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


_AXOGRAPH = Format("AxoGraph", "AxographRawIO", (b"AxGr", b"axgx"), load=read_axograph)
_NIX = Format("NIX", "NIXRawIO", (b"\x89HDF\r\n\x1a\n",))
_PACKED = Format("Igor, packed experiment", "", ())
# Magic numbers of Intan's "RHD2000/RHS2000 Data File Formats", 4 bytes, little-endian.
_RHD = Format("Intan", "IntanRawIO", ((0xC6912702).to_bytes(4, "little"),))
_RHS = Format("Intan", "IntanRawIO", ((0xD69127AC).to_bytes(4, "little"),))

# WinEDR and WinWCP write VER= first in their header; Neo's readers do not look at it.
OTHERS: dict[str, Format] = {
    ".axgd": _AXOGRAPH,
    ".axgx": _AXOGRAPH,
    ".edr": Format("WinEDR", "WinEdrRawIO", (b"VER=",), load=read_edr, check=check_edr),
    ".h5": _NIX,
    ".nix": _NIX,
    ".pxp": _PACKED,
    ".rhd": _RHD,
    ".rhs": _RHS,
    ".smr": Format(
        "Spike2",
        "Spike2RawIO",
        (b"(C) CED 87",),
        at=2,
        check=check_smr,
        # Neo gives channels that it groups the length of the first, and fills up with zeros.
        options={"try_signal_grouping": False},
    ),
    ".wcp": Format("WinWCP", "WinWcpRawIO", (b"VER=",), load=read_wcp, check=check_wcp),
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
    packed = form is _PACKED
    segments = read_experiment(path, voltage, current) if packed else _by_neo(path, form)
    note = ""
    if voltage is None:
        voltage, note = _live_voltage(segments, units[0])
    sweeps = []
    for k, segment in enumerate(segments):
        number = k if segment.number is None else segment.number
        if segment.left_out:
            nothing = np.empty(0)
            sweeps.append(Sweep(number, 1.0, nothing, nothing, left_out=segment.left_out))
            continue
        volts = _one(segment.signals, "V", voltage, units[0])
        amps = _one(segment.signals, "A", current, units[1])
        both = overlap(volts, amps)
        if both is None or (
            volts.start_s == amps.start_s and len(volts.values) != len(amps.values)
        ):
            raise RecordingError(
                "format",
                f"voltage and current of sweep {number} differ in sampling rate or length",
                "resample one of them, or export the sweeps as CSV",
            )
        one, other = both
        sweeps.append(
            Sweep(number, one.rate_Hz, one.values, other.values, "measured", channel=note)
        )
    if not any(not sweep.left_out for sweep in sweeps):
        why = "".join(f"none of its sweeps can be used: {sweep.left_out}" for sweep in sweeps[:1])
        raise RecordingError("no-voltage", why or "holds no sweep", "give another file")
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


def _by_neo(path: Path, form: Format) -> list[Segment]:
    """Return the segments of a file, read by one of Neo's raw readers."""
    rawio = optional("neo.rawio", f"reading {path.suffix} files", "recordings")
    try:
        if form.check is not None:
            form.check(path)
        with quiet_neo():
            reader = getattr(rawio, form.reader)(str(path), **form.options)
            reader.parse_header()
            return form.load(path, reader)
    except RecordingError:
        raise
    except Exception as error:  # each of Neo's readers fails in its own way
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> RecordingError:
    return RecordingError(
        "file",
        f"cannot be read ({type(error).__name__}: {error})",
        "check that it is whole, or export the sweeps as CSV",
    )


def _live_voltage(segments: list[Segment], said: str | None) -> tuple[str | None, str]:
    """Choose among several signals in volt, where all but one are flat."""
    traces: dict[str, list[NDArray[np.float64]]] = {}
    for segment in segments:
        for one in segment.signals if not segment.left_out else ():
            if (scale_to(one.unit) or ("",))[0] == "V" and one.values.size:
                traces.setdefault(one.name, []).append(one.values * factor_to("V", one.unit, said))
    if len(traces) < 2:
        return None, ""
    names = list(traces)
    found, note = live_one(names, list(traces.values()))
    return names[found], note


def _one(
    signals: tuple[Signal, ...], kind: Literal["V", "A"], name: str | None, said: str | None
) -> Signal:
    """Return the one signal of a kind, in mV or pA."""
    if name is not None:
        fitting = [s for s in signals if s.name == name]
    else:
        fitting = [s for s in signals if (scale_to(s.unit) or ("",))[0] == kind]
    told = ", ".join(f"{s.name!r} ({s.unit})" for s in signals) or "none"
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
    found = fitting[0]
    return replace(found, values=found.values * factor_to(kind, found.unit, said))
