"""Files of other programs: read by Neo's raw readers that are named, and by no other."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.recordings import RecordingError, made_recording, read
from bridge.recordings.formats.others import OTHERS
from bridge.recordings.read_recording import FORMATS

CELL = made_recording(
    [-50, 0, 60, 120, 180], [0, 0, 3, 8, 12], holding_pA=-20, sampling_rate_Hz=5000
)


def _same_curve(path: Path) -> None:
    curve, wanted = read(path).fi_curve(), CELL.fi_curve()
    assert curve.count.tolist() == wanted.count.tolist()
    np.testing.assert_allclose(curve.current_pA, wanted.current_pA, atol=0.1)


def _refused(path: Path, **options: Any) -> RecordingError:
    with pytest.raises(RecordingError) as caught:
        read(path, **options)
    assert path.name in str(caught.value)
    return caught.value


def _wcp(path: Path, names: tuple[str, ...] = ("Vm", "Im"), units: tuple[str, ...] = ("mV", "pA")):
    """Write the cell as WinWCP does: a text header, then a record a sweep, each with its own."""
    full_V, most = 10.0, 32767
    sweeps = CELL.sweeps
    blocks = -(-len(sweeps[0]) * len(names) * 2 // 512)
    gains = [0.05 if unit == "mV" else 0.02 for unit in units]  # volt at the converter a unit
    head = [f"VER=9\r\nRTIME=01/01/2020 00:00:00\r\nNC={len(names)}\r\nNR={len(sweeps)}\r\n"]
    head += [f"NBH=2\r\nNBA=2\r\nNBD={blocks}\r\nADCMAX={most}\r\n"]
    for k, (name, unit, gain) in enumerate(zip(names, units, gains, strict=True)):
        head += [f"YN{k}={name}\r\nYU{k}={unit}\r\nYG{k}={gain}\r\nYO{k}={k}\r\n"]
    content = "".join(head).encode().ljust(1024, b" ")
    for s in sweeps:
        about = struct.pack("8s4sfff8f", b"ACCEPTED", b"TEST", 1, 0, 1 / 5000, *[full_V] * 8)
        content += about.ljust(1024, b"\0")
        columns = [
            np.round(values * gain / full_V * most)
            for gain, values in zip(gains, (s.voltage_mV, s.current_pA, s.voltage_mV), strict=False)
        ]
        content += np.stack(columns, axis=1).astype("<i2").tobytes().ljust(blocks * 512, b"\0")
    path.write_bytes(content)
    return path


def test_a_file_of_winwcp(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    _same_curve(_wcp(tmp_path / "cell.wcp"))
    _same_curve(_wcp(tmp_path / "CELL.WCP"))


def test_a_file_without_current(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    error = _refused(_wcp(tmp_path / "cell.wcp", ("Vm",), ("mV",)))
    assert error.reason == "no-current"
    assert "'Vm' (mV)" in error.wrong


def test_a_file_of_two_cells(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    path = _wcp(tmp_path / "cell.wcp", ("one", "Im", "two"), ("mV", "pA", "mV"))
    error = _refused(path)
    assert error.reason == "choice"
    assert 'voltage="..."' in error.remedy
    assert read(path, voltage="two").fi_curve().count.tolist() == [0, 0, 3, 8, 12]


def test_a_file_cut_short(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    path = _wcp(tmp_path / "cell.wcp")
    path.write_bytes(path.read_bytes()[:5000])
    assert _refused(path).reason == "file"


def _igor_wave(name: str, values: np.ndarray, unit: str) -> bytes:
    """Return a wave of version 5, as it lies in a packed experiment too."""
    data = values.astype("<f8").tobytes()
    wave = bytearray(320)
    struct.pack_into("<i", wave, 12, len(values))
    struct.pack_into("<h", wave, 16, 4)
    wave[28 : 28 + len(name)] = name.encode()
    struct.pack_into("<4i", wave, 68, len(values), 0, 0, 0)
    struct.pack_into("<d", wave, 84, 1 / 5000)
    wave[148 : 148 + len(unit)] = unit.encode()
    head = bytearray(64)
    struct.pack_into("<hhi", head, 0, 5, 0, 320 + len(data))
    total = int(np.frombuffer(bytes(head + wave), "<i2").sum(dtype=np.int64))
    struct.pack_into("<H", head, 2, -total & 0xFFFF)
    return bytes(head + wave) + data


def test_a_packed_experiment_of_igor(tmp_path: Path) -> None:
    volts = np.concatenate([s.voltage_mV for s in CELL.sweeps]) * 1e-3
    amps = np.concatenate([s.current_pA for s in CELL.sweeps]) * 1e-12
    path = tmp_path / "cell.pxp"
    waves = _igor_wave("Vm", volts, "V"), _igor_wave("Im", amps, "A")
    path.write_bytes(b"".join(struct.pack("<Hhi", 3, 5, len(w)) + w for w in waves))
    sweep = read(path).sweeps[0]
    np.testing.assert_allclose(sweep.voltage_mV, volts * 1e3, atol=1e-9)
    np.testing.assert_allclose(sweep.current_pA, amps * 1e12, atol=1e-9)
    path.write_bytes(path.read_bytes()[:-100])
    assert _refused(path).reason == "file"


@pytest.mark.parametrize("unit", ["__import__('os').system('touch ran')", "9**9**9**9", "mV*pA"])
def test_a_unit_is_text_and_is_not_evaluated(tmp_path: Path, monkeypatch, unit: str) -> None:
    """Neo's other readers hand units to `quantities`, which computes what they say."""
    pytest.importorskip("neo")
    monkeypatch.chdir(tmp_path)
    assert _refused(_wcp(tmp_path / "cell.wcp", units=("mV", unit))).reason == "no-current"
    assert os.listdir(tmp_path) == ["cell.wcp"]


class _Trap:
    """What runs code when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


def _endings() -> list[str]:
    neo = pytest.importorskip("neo")
    of_neo = {f".{ending}" for reader in neo.io.iolist for ending in reader.extensions if ending}
    return sorted({ending.lower() for ending in of_neo} | set(FORMATS) | {"", ".joblib", ".npy"})


@pytest.mark.parametrize("before", [b"", b"begins"], ids=["bare", "behind-the-right-beginning"])
def test_a_pickle_runs_nothing_whatever_its_name(tmp_path: Path, before: bytes) -> None:
    ran = tmp_path / "ran"
    content = pickle.dumps(_Trap(ran))
    pickle.loads(content)
    assert ran.exists()  # the trap works
    ran.unlink()
    endings = _endings()
    assert {".pkl", ".pickle", ".h5", ".mat", ".npy", ".nix"} <= set(endings)
    for ending in endings:
        form = OTHERS.get(ending)
        head = bytes(form.at) + form.begins[0] if before and form and form.begins else b""
        path = tmp_path / f"cell{ending}"
        path.write_bytes(head + content)
        reason = _refused(path).reason
        assert reason in ("file", "format", "truncated", "no-voltage"), ending
        assert ending in FORMATS or reason == "format", ending
        assert not ran.exists(), ending


def test_a_file_that_does_not_begin_as_its_format_is_not_opened(tmp_path: Path) -> None:
    for ending, form in OTHERS.items():
        path = tmp_path / f"cell{ending}"
        path.write_bytes(b"something else, and enough of it")
        error = _refused(path)
        assert error.reason == "file"
        if form.begins:
            assert form.program in error.wrong
