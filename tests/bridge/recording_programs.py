"""Recordings written as WinEDR, Spike2, Intan and AxoGraph write them, to be read back."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_MOST, _RANGE_V = 32767, 10.0


@dataclass(frozen=True)
class Trace:
    """One signal from beginning to end: name, unit, and when it begins (in samples)."""

    name: str
    unit: str
    values: np.ndarray
    first: int = 0


def in_one(cell: Any) -> tuple[np.ndarray, np.ndarray]:
    """Potential (mV) and current (pA) of a cell, its sweeps one after the other."""
    return (
        np.concatenate([s.voltage_mV for s in cell.sweeps]),
        np.concatenate([s.current_pA for s in cell.sweeps]),
    )


def write_edr(
    path: Path,
    traces: Sequence[Trace],
    rate_Hz: float,
    *,
    columns: Sequence[int] = (),
    zero: tuple[int, int] = (0, -1),
) -> Path:
    """Write a WinEDR file: a text header of 2048 bytes, then the samples of all channels in turn.

    Columns are those of the channels; zero is YZ and YR of each.
    """
    columns = columns or range(len(traces))
    calibration = [0.01 if trace.unit == "mV" else 0.005 for trace in traces]
    samples = len(traces[0].values) * len(traces)
    head = [f"VER=1\r\nADCMAX={_MOST}\r\nNBH=2048\r\nNC={len(traces)}\r\nAD={_RANGE_V}\r\n"]
    head += [f"NP={samples}\r\nDT={1 / rate_Hz}\r\n"]
    data = np.zeros((len(traces[0].values), len(traces)), "<i2")
    for k, (trace, factor) in enumerate(zip(traces, calibration, strict=True)):
        head += [f"YO{k}={columns[k]}\r\nYU{k}={trace.unit}\r\nYN{k}={trace.name}\r\n"]
        head += [f"YCF{k}={factor}\r\nYAG{k}=2\r\nYZ{k}={zero[0]}\r\nYR{k}={zero[1]}\r\n"]
        step = _RANGE_V / (factor * 2 * (_MOST + 1))
        fixed = zero[0] if zero[1] < 0 else 0
        data[:, columns[k]] = np.round(trace.values / step) + fixed
    path.write_bytes("".join(head).encode().ljust(2048, b" ") + data.tobytes())
    return path


def write_smr(
    path: Path, traces: Sequence[Trace], rate_Hz: float, block: int = 5000, pause: int = 0
) -> Path:
    """Write a Spike2 file of version 6: channels of whole numbers, each a chain of blocks.

    Between blocks nothing is sampled for so many samples as `pause` says.
    """
    us_per_tick = 10
    ticks = round(1e6 / us_per_tick / rate_Hz)
    head = bytearray(512 + 140 * len(traces))
    struct.pack_into("<h10s8s", head, 0, 6, b"(C) CED 87", b"Spike2")
    struct.pack_into("<hhh", head, 20, us_per_tick, 1, 0)
    struct.pack_into("<h", head, 30, len(traces))
    struct.pack_into("<d", head, 44, 1e-6)
    content = b""
    for k, trace in enumerate(traces):
        at = 512 + 140 * k
        scale = 6553.6 * np.abs(trace.values).max() / 32000
        counts = np.round(trace.values / scale * 6553.6).astype("<i2")
        pieces = [counts[j : j + block] for j in range(0, len(counts), block)]
        begin = len(head) + len(content)
        struct.pack_into("<ii", head, at + 6, begin, 0)
        struct.pack_into("<h", head, at + 14, len(pieces))
        struct.pack_into("<i", head, at + 102, ticks)
        name, unit = trace.name.encode(), trace.unit.encode()
        struct.pack_into(f"<B{len(name)}s", head, at + 108, len(name), name)
        head[at + 122] = 1
        struct.pack_into("<ff", head, at + 124, scale, 0.0)
        struct.pack_into(f"<B{len(unit)}s", head, at + 132, len(unit), unit)
        for j, piece in enumerate(pieces):
            start = (trace.first + j * (block + pause)) * ticks
            after = begin + 20 + 2 * len(piece) if j + 1 < len(pieces) else -1
            content += struct.pack(
                "<iiiihh", -1, after, start, start + (len(piece) - 1) * ticks, k, len(piece)
            )
            content += piece.tobytes()
            begin = after
    path.write_bytes(bytes(head) + content)
    return path


def write_rhd(path: Path, traces: Sequence[Trace], rate_Hz: float) -> Path:
    """Write an Intan file of version 2 with inputs of the board's converter, in volt."""
    block, step = 128, 0.0003125  # V a step in mode 13
    head = struct.pack("<Ihh", 0xC6912702, 2, 0)
    head += struct.pack("<fhffffffhff", rate_Hz, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    head += _q_string("") * 3 + struct.pack("<hh", 0, 13) + _q_string("") + struct.pack("<h", 1)
    head += _q_string("Board") + _q_string("ANALOG") + struct.pack("<hhh", 1, len(traces), 0)
    for k, trace in enumerate(traces):
        head += _q_string(f"ANALOG-IN-{k + 1}") + _q_string(trace.name)
        head += struct.pack("<hhhhhhhhhhff", k, k, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    samples = len(traces[0].values) // block * block
    content = b""
    for j in range(0, samples, block):
        content += np.arange(j, j + block, dtype="<i4").tobytes()
        for trace in traces:
            piece = np.round(trace.values[j : j + block] / step) + 32768
            content += piece.astype("<u2").tobytes()
    path.write_bytes(head + content)
    return path


def write_axgx(path: Path, columns: Sequence[Trace], rate_Hz: float) -> Path:
    """Write an AxoGraph X file: a column of times, then columns of numbers, big-endian."""
    size = len(columns[0].values)
    content = b"axgx" + struct.pack(">ii", 6, len(columns) + 1)
    content += _title(size, 9, "Time (s)") + struct.pack(">dd", 1 / rate_Hz, 1 / rate_Hz)
    for column in columns:
        content += _title(size, 7, f"{column.name} ({column.unit})")
        content += column.values.astype(">f8").tobytes()
    path.write_bytes(content)
    return path


def _q_string(text: str) -> bytes:
    raw = text.encode("utf-16-le")
    return struct.pack("<I", len(raw)) + raw


def _title(size: int, kind: int, text: str) -> bytes:
    raw = text.encode("utf-16-be")
    return struct.pack(">iii", size, kind, len(raw)) + raw
