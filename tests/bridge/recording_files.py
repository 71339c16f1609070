"""Recordings written as other programs write them, to be read back."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_BLOCK, _HEADER = 512, 12 * 512
_RANGE_V, _RESOLUTION = 10.0, 32768


@dataclass(frozen=True)
class Channel:
    """A recorded channel: its sweeps as rows, and what the amplifier (Axon's number) told."""

    name: str
    unit: str
    values: np.ndarray
    mode: int | None = None
    amplifier: int = 24


@dataclass(frozen=True)
class Command:
    """An analog output: steps that last so many samples, of a level that grows by sweep."""

    unit: str
    levels: Sequence[float] = ()
    increments: Sequence[float] = ()
    lengths: Sequence[int] = ()
    holding: float = 0.0
    name: str = ""
    source: int = 1
    user_list: bool = False


def write_abf(
    path: Path,
    channels: Sequence[Channel],
    commands: Sequence[Command] = (),
    *,
    rate_Hz: float = 5000,
    operation_mode: int = 5,
    alternating: bool = False,
) -> Path:
    """Write an ABF 1.8 file with a header of full length, as Axon's ABFHEADR.H lays it out."""
    sweeps, samples = channels[0].values.shape
    head = bytearray(_HEADER)

    def put(form: str, at: int, *values: Any) -> None:
        struct.pack_into("<" + form, head, at, *values)

    put("4sfhi", 0, b"ABF ", 1.83, operation_mode, sweeps * samples * len(channels))
    put("i", 16, sweeps)
    put("i", 40, _HEADER // _BLOCK)
    put("h", 120, len(channels))
    put("f", 122, 1e6 / rate_Hz / len(channels))
    put("f", 130, 1e6 / rate_Hz / len(channels))
    put("i", 138, samples * len(channels))
    put("f", 244, _RANGE_V)
    put("i", 252, _RESOLUTION)
    put("16h", 378, *range(16))
    put("16h", 410, *[k if k < len(channels) else -1 for k in range(16)])
    columns = []
    for k, channel in enumerate(channels):
        gain = 0.9 * _RANGE_V / max(np.abs(channel.values).max(), 1e-12)
        put("10s", 442 + 10 * k, channel.name.encode().ljust(10))
        put("8s", 602 + 8 * k, channel.unit.encode().ljust(8))
        for at, value in ((730, 1.0), (922, gain), (1050, 1.0)):
            put("f", at + 4 * k, value)
        if channel.mode is not None:
            put("h", 4512 + 2 * k, 1)
            put("h", 4544 + 2 * k, channel.amplifier)
            put("f", 4576 + 4 * k, 1.0)
            put("h", 4768 + 2 * k, channel.mode)
        columns.append(np.round(channel.values * gain / _RANGE_V * _RESOLUTION))
    for k, command in enumerate(commands):
        put("10s", 1306 + 10 * k, command.name.encode().ljust(10))
        put("8s", 1346 + 8 * k, command.unit.encode().ljust(8))
        put("f", 1394 + 4 * k, command.holding)
        if k > 1 or not command.levels:
            continue
        put("h", 2296 + 2 * k, 1)
        put("h", 2300 + 2 * k, command.source)
        put("f", 2708 + 4 * k, 1.0)
        count = len(command.levels)
        put(f"{count}h", 2308 + 20 * k, *[1] * count)
        put(f"{count}f", 2348 + 40 * k, *command.levels)
        put(f"{count}f", 2428 + 40 * k, *command.increments)
        put(f"{count}i", 2508 + 40 * k, *command.lengths)
        put("h", 3360 + 2 * k, command.user_list)
    put("h", 5876, alternating)
    data = np.stack(columns, axis=-1).astype("<i2").tobytes()
    data += bytes(-len(data) % _BLOCK)
    # The table of sweeps: where each begins, in the unit of the field at 130, and its samples.
    put("ii", 92, (_HEADER + len(data)) // _BLOCK, sweeps)
    size = samples * len(channels)
    table = np.array([(k * size, size) for k in range(sweeps)], "<i4").tobytes()
    path.write_bytes(bytes(head) + data + table + bytes(-len(table) % _BLOCK))
    return path


def change(path: Path, form: str, at: int, *values: Any) -> Path:
    """Write other values at a place of a file."""
    raw = bytearray(path.read_bytes())
    struct.pack_into("<" + form, raw, at, *values)
    path.write_bytes(raw)
    return path


def write_wcp(
    path: Path,
    cell: Any,
    names: Sequence[str] = ("Vm", "Im"),
    units: Sequence[str] = ("mV", "pA"),
    *,
    first: Sequence[Any] = (),
    columns: Sequence[int] = (),
    ranges: Sequence[float] = (),
    rejected: Sequence[int] = (),
) -> Path:
    """Write a cell as WinWCP does: a text header, then a record a sweep, each with its own.

    Signals are the potential (of `first`, where given), the current and the potential. `columns`
    are those of the signals, `ranges` those of the converter in each record (V).
    """
    most, sweeps = 32767, cell.sweeps
    blocks = -(-len(sweeps[0]) * len(names) * 2 // _BLOCK)
    gains = [0.05 if unit == "mV" else 0.02 for unit in units]  # volt at the converter a unit
    head = [f"VER=9\r\nRTIME=01/01/2020 00:00:00\r\nNC={len(names)}\r\nNR={len(sweeps)}\r\n"]
    columns = columns or range(len(names))
    ranges = ranges or [_RANGE_V] * len(sweeps)
    head += [f"NBH=2\r\nNBA=2\r\nNBD={blocks}\r\nADCMAX={most}\r\n"]
    for k, (name, unit, gain) in enumerate(zip(names, units, gains, strict=True)):
        head += [f"YN{k}={name}\r\nYU{k}={unit}\r\nYG{k}={gain}\r\nYO{k}={columns[k]}\r\n"]
    content = "".join(head).encode().ljust(1024, b" ")
    for n, (s, other) in enumerate(zip(sweeps, first or sweeps, strict=True)):
        times = (1, 0, 1 / s.sampling_rate_Hz, *[ranges[n]] * 8)
        status = b"REJECTED" if n in rejected else b"ACCEPTED"
        content += struct.pack("8s4sfff8f", status, b"TEST", *times).ljust(1024, b"\0")
        data = np.zeros((len(s), len(names)), "<i2")
        values = (other.voltage_mV, s.current_pA, s.voltage_mV)
        for place, gain, signal in zip(columns, gains, values, strict=False):
            data[:, place] = np.round(signal * gain / ranges[n] * (most + 1))
        content += data.tobytes().ljust(blocks * _BLOCK, b"\0")
    path.write_bytes(content)
    return path


def write_atf(
    path: Path, cell: Any, signals: Sequence[tuple[str, str, str]], *, header: bool = True
) -> Path:
    """Write a cell as Clampfit does: of each sweep a column a signal (name, unit, attribute)."""
    titles, columns = ["Time (s)"], [cell.sweeps[0].time_s]
    for k, s in enumerate(cell.sweeps):
        for _, unit, attribute in signals:
            titles.append(f"Trace #{k + 1} ({unit})")
            columns.append(getattr(s, attribute))
    names = [name for name, _, _ in signals] * len(cell.sweeps)
    lines = []
    if header:
        lines = [
            "ATF\t1.0",
            f"4\t{len(titles)}     ",
            '"AcquisitionMode=Episodic Stimulation"',
            '"Comment="',
            f'"SignalsExported={",".join(name for name, _, _ in signals)}"',
            "\t".join(['"Signals="', *(f'"{name}"' for name in names)]),
        ]
    lines.append("\t".join(f'"{title}"' for title in titles))
    lines += ["\t".join(f"{value:.6g}" for value in row) for row in np.stack(columns, axis=1)]
    path.write_text("\r\n".join(lines) + "\r\n")
    return path


def igor_wave(name: str, values: np.ndarray, unit: str, rate_Hz: float = 5000) -> bytes:
    """Return an Igor wave of version 5, as it lies in a packed experiment too."""
    data = values.astype("<f8").tobytes()
    wave = bytearray(320)
    struct.pack_into("<i", wave, 12, len(values))
    struct.pack_into("<h", wave, 16, 4)
    wave[28 : 28 + len(name)] = name.encode()
    struct.pack_into("<4i", wave, 68, len(values), 0, 0, 0)
    struct.pack_into("<d", wave, 84, 1 / rate_Hz)
    wave[148 : 148 + len(unit)] = unit.encode()
    head = bytearray(64)
    struct.pack_into("<hhi", head, 0, 5, 0, 320 + len(data))
    return bytes(with_igor_checksum(bytes(head + wave))) + data


def with_igor_checksum(header: bytes) -> bytes:
    """Return the header of an Igor wave of version 5 with its checksum made right."""
    head = bytearray(header)
    struct.pack_into("<H", head, 2, 0)
    total = int(np.frombuffer(bytes(head[:384]), "<i2").sum(dtype=np.int64))
    struct.pack_into("<H", head, 2, -total & 0xFFFF)
    return bytes(head)


def igor_experiment(*waves: bytes) -> bytes:
    """Return a packed experiment of Igor that holds waves of version 5, and folders of them."""
    return b"".join(
        wave if wave[:2] == b"\x09\0" else struct.pack("<Hhi", 3, 5, len(wave)) + wave
        for wave in waves
    )


def igor_folder(name: str, *waves: bytes) -> bytes:
    """Return records of a data folder of an experiment; `igor_experiment` takes it for a wave."""
    start, end = struct.pack("<Hhi", 9, 0, 32), struct.pack("<Hhi", 10, 0, 0)
    return start + name.encode().ljust(32, b"\0") + igor_experiment(*waves) + end
