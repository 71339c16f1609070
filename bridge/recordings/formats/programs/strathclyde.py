"""WinWCP and WinEDR, the programs of the University of Strathclyde: Neo reads the samples.

Which column a channel is, and what a step of the converter means in each record, is read here from
the headers, as WinWCP itself does (WCPFileUnit.pas): Neo takes the channels in the order of their
numbers, the range of the last record for all, and a range one step too small.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.programs.neo_signals import Segment, Signal

__all__ = ["check_edr", "check_wcp", "read_edr", "read_wcp"]

_SECTOR, _HEADER = 512, 1024
_EDR_HEADER = 2048
# The record's header: status, type, group, time, interval (s), and the range of each channel (V).
_RECORD = struct.Struct("<8s4sfff8f")
# The calibration WinWCP falls back to (V a unit).
_UNCALIBRATED = 0.001


def check_wcp(path: Path) -> None:
    """Refuse a WinWCP file that is cut short, or laid out as Neo does not read it.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Raises
    ------
    RecordingError
        What is wrong with it.
    """
    raw = path.read_bytes()
    head = _header(raw[:_HEADER])
    channels = _whole(head, "NC")
    if not 1 <= channels <= 8 or _whole(head, "NBA") != 2:
        raise RecordingError(
            "format",
            f"holds {channels} channels with {_whole(head, 'NBA')} sectors of analysis a record; "
            "Neo reads 1 to 8 channels with 2",
            "export the records from WinWCP as text, with at most 8 channels",
        )
    records = _whole(head, "NR")
    _check_size(len(raw), _HEADER + records * (_SECTOR * _whole(head, "NBD") + _HEADER))
    if records < 1:
        raise RecordingError("no-voltage", "holds no record", "give another file")
    _columns(head, channels)


def check_edr(path: Path) -> None:
    """Refuse a WinEDR file that is cut short.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Raises
    ------
    RecordingError
        It is shorter than its header says, or empty, or a channel has no calibration.
    """
    raw = path.read_bytes()
    head = _header(raw[:_EDR_HEADER])
    if _whole(head, "NC") < 1 or _whole(head, "NP") < 1:
        raise RecordingError("no-voltage", "holds no samples", "give another file")
    _check_size(len(raw), _whole(head, "NBH") + 2 * _whole(head, "NP"))
    for channel in range(len(_columns(head, _whole(head, "NC")))):
        if not _calibration(head, channel):
            raise RecordingError(
                "units",
                f"channel {head.get(f'YN{channel}', channel)!r} has no calibration",
                "set its calibration in WinEDR, and save the file again",
            )


def read_wcp(path: Path, reader: Any) -> list[Segment]:
    """Return the records of a WinWCP file; those that the user rejected are left out.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    reader : neo.rawio.WinWcpRawIO
        Whose header was parsed.

    Raises
    ------
    RecordingError
        A record has no valid header.
    """
    raw = path.read_bytes()
    head = _header(raw[:_HEADER])
    channels, records = _whole(head, "NC"), _whole(head, "NR")
    stride = _SECTOR * _whole(head, "NBD") + _HEADER
    columns = _columns(head, channels)
    segments = []
    for k in range(records):
        status, _, _, _, interval, *ranges = _RECORD.unpack_from(raw, _HEADER + k * stride)
        if status[:4].lower() not in (b"acce", b"reje") or not 0 < interval < 1e3:
            raise RecordingError(
                "file", f"record {k} has no valid header", "open it in WinWCP, and save it again"
            )
        samples = _samples(reader, k, channels)
        signals = [
            Signal(
                head.get(f"YN{c}", f"Ch.{c}"),
                head.get(f"YU{c}", ""),
                round(1 / interval, 3),
                (samples[:, columns[c]] - _zero(head, c))
                * abs(ranges[c] or ranges[0])
                / ((_number(head, f"YG{c}") or _UNCALIBRATED) * (_whole(head, "ADCMAX") + 1)),
            )
            for c in range(channels)
        ]
        rejected = "rejected in WinWCP" if status[:4].lower() == b"reje" else ""
        segments.append(Segment(tuple(signals), k, rejected))
    return segments


def read_edr(path: Path, reader: Any) -> list[Segment]:
    """Return the one long record of a WinEDR file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    reader : neo.rawio.WinEdrRawIO
        Whose header was parsed; `check_edr` let the file pass.
    """
    head = _header(path.read_bytes()[:_EDR_HEADER])
    channels = _whole(head, "NC")
    columns, samples = _columns(head, channels), _samples(reader, 0, channels)
    rate = round(float(reader.get_signal_sampling_rate(0)), 3)
    signals = []
    for c in range(channels):
        calibration = _calibration(head, c)
        step = _number(head, "AD") / (calibration * (_whole(head, "ADCMAX") + 1))
        values = (samples[:, columns[c]] - _zero(head, c)) * step
        signals.append(Signal(head.get(f"YN{c}", f"Ch{c}"), head.get(f"YU{c}", ""), rate, values))
    return [Segment(tuple(signals))]


def _header(raw: bytes) -> dict[str, str]:
    """Split the text at the beginning of a file into its keys and values."""
    lines = raw.split(b"\0")[0].decode("latin-1").splitlines()
    pairs = (line.partition("=") for line in lines)
    return {key.strip(): value.strip() for key, mark, value in pairs if mark}


def _number(head: dict[str, str], key: str) -> float:
    try:
        return float(head[key].replace(",", "."))
    except (KeyError, ValueError):
        raise _no_number(head, key) from None


def _whole(head: dict[str, str], key: str) -> int:
    try:
        return int(head[key])
    except (KeyError, ValueError):
        raise _no_number(head, key) from None


def _no_number(head: dict[str, str], key: str) -> RecordingError:
    told = f"{key}={head[key]}" if key in head else f"no {key}="
    return RecordingError("file", f"its header says {told}", "save it again, or copy it again")


def _calibration(head: dict[str, str], channel: int) -> float:
    """Volt at the converter a unit of a channel of WinEDR."""
    return _number(head, f"YCF{channel}") * _number(head, f"YAG{channel}")


def _columns(head: dict[str, str], channels: int) -> list[int]:
    """Which column of the samples each channel is (YO); WinWCP once counted from behind."""
    columns = [_whole(head, f"YO{c}") for c in range(channels)]
    if sorted(columns) != list(range(channels)):
        raise RecordingError(
            "file",
            f"its header puts the channels into columns {', '.join(map(str, columns))}",
            "save it again from the program that recorded it",
        )
    return columns


def _zero(head: dict[str, str], channel: int) -> int:
    """The level that the user fixed as zero (YZ); one taken from each record is no calibration."""
    fixed = _whole(head, f"YR{channel}") < 0 if f"YR{channel}" in head else True
    return _whole(head, f"YZ{channel}") if fixed and f"YZ{channel}" in head else 0


def _samples(reader: Any, segment: int, channels: int) -> NDArray[np.float64]:
    raw = reader.get_analogsignal_chunk(block_index=0, seg_index=segment, stream_index=0)
    if raw.shape[1] != channels:
        raise RecordingError(
            "file", f"Neo reads {raw.shape[1]} of {channels} channels", "export it as text"
        )
    return np.array(raw, dtype=float)


def _check_size(size: int, needed: int) -> None:
    if size < needed:
        raise RecordingError(
            "truncated",
            f"ends after {size} of the {needed} bytes its header promises",
            "copy it again from where it was recorded",
        )
