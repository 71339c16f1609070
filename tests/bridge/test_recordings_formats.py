"""The same cell written as IBW and text comes back as the same f-I curve."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from recording_checks import CELL, check_same_curve, refusal

from bridge.recordings import RecordingError, read

# ----------------------------------------------------------------------------------------- text


def _long(unit_t: float = 1.0) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame(
            {
                "sweep": s.number,
                "time_s": s.time_s * unit_t,
                "voltage_mV": s.voltage_mV.round(4),
                "current_pA": s.current_pA,
            }
        )
        for s in CELL.sweeps
    )


@pytest.mark.parametrize(
    ("rename", "scale"),
    [
        ({}, {}),
        ({"time_s": "Time (ms)", "voltage_mV": "Vm [mV]", "current_pA": "I (nA)"}, (1e3, 1, 1e-3)),
        ({"time_s": "t_s", "voltage_mV": "v_V", "current_pA": "command (A)"}, (1, 1e-3, 1e-12)),
    ],
)
def test_long_text(tmp_path: Path, rename: dict[str, str], scale: Any) -> None:
    table = _long()
    for column, factor in zip(("time_s", "voltage_mV", "current_pA"), scale or (), strict=False):
        table[column] *= factor
    path = tmp_path / "cell.csv"
    table.rename(columns=rename).to_csv(path, index=False)
    check_same_curve(read(path))


def test_time_that_starts_again_is_a_new_sweep(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    _long().drop(columns="sweep").to_csv(path, index=False)
    check_same_curve(read(path))


def test_wide_text_with_decimal_commas(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"time_ms": CELL.sweeps[0].time_s * 1e3}
    for s in CELL.sweeps:
        columns[f"voltage_mV_{s.number}"] = s.voltage_mV.round(4)
    for s in CELL.sweeps:
        columns[f"current_pA_{s.number}"] = s.current_pA
    path = tmp_path / "cell.txt"
    pd.DataFrame(columns).to_csv(path, index=False, sep=";", decimal=",")
    check_same_curve(read(path))


@pytest.mark.parametrize(
    ("columns", "reason", "said"),
    [
        (["time_s", "voltage_mV"], "no-current", "injected current"),
        (["time_s", "current_pA"], "no-voltage", "voltage_mV"),
        (["voltage_mV", "current_pA"], "format", "no column of time"),
    ],
)
def test_text_without_a_column(tmp_path: Path, columns: list[str], reason: str, said: str) -> None:
    path = tmp_path / "cell.csv"
    _long()[columns].to_csv(path, index=False)
    error = refusal(path)
    assert error.reason == reason
    assert said in str(error)


def test_text_without_units(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    _long().rename(columns={"current_pA": "current"}).to_csv(path, index=False)
    error = refusal(path)
    assert error.reason == "units"
    assert 'current_unit="pA"' in error.remedy
    check_same_curve(read(path, current_unit="pA"))


def test_nanoampere_labelled_as_picoampere(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    table = _long()
    table["current_pA"] *= 1e-3
    table.to_csv(path, index=False)
    error = refusal(path)
    assert error.reason == "units"
    assert 'current_unit="nA"' in error.remedy
    check_same_curve(read(path, current_unit="nA"))


def test_text_in_voltage_clamp(tmp_path: Path) -> None:
    table = _long()
    table["voltage_mV"], table["current_pA"] = table["current_pA"], table["voltage_mV"]
    path = tmp_path / "cell.csv"
    table.to_csv(path, index=False)
    error = refusal(path)
    assert error.reason == "voltage-clamp"


@pytest.mark.parametrize("cut", [3, 4000])
def test_text_cut_short(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cell.csv"
    text = _long().to_csv(index=False)
    path.write_text(text[: -cut - text[:-cut][::-1].find(",")] if cut == 3 else text[:-cut])
    assert refusal(path).reason == "truncated"


def test_text_sampled_unevenly(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    _long().drop(columns="sweep").iloc[np.r_[0:500, 900:3000]].to_csv(path, index=False)
    assert refusal(path).reason == "format"


def test_text_without_header(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    _long().to_csv(path, index=False, header=False)
    error = refusal(path)
    assert error.reason == "format"
    assert "column names" in error.wrong


# ------------------------------------------------------------------------------------------ IBW


def _wave(path: Path, values: np.ndarray, unit: str, rate: float, version: int = 5) -> Path:
    """Write an Igor binary wave as Technical Note 003 describes it."""
    data = values.astype(">f8").tobytes() if version == 5 else values.astype("<f4").tobytes()
    if version == 5:
        wave = bytearray(320)
        struct.pack_into(">i", wave, 12, len(values))
        struct.pack_into(">h", wave, 16, 4)
        struct.pack_into(">4i", wave, 68, len(values), 0, 0, 0)
        struct.pack_into(">d", wave, 84, 1 / rate)
        wave[148 : 148 + len(unit)] = unit.encode()
        head = bytearray(64)
        struct.pack_into(">hhi", head, 0, 5, 0, 320 + len(data))
        order, place, covered = ">", 2, 384
    else:
        wave = bytearray(110)
        struct.pack_into("<h", wave, 0, 2)
        wave[34 : 34 + len(unit)] = unit.encode()
        struct.pack_into("<i", wave, 42, len(values))
        struct.pack_into("<d", wave, 48, 1 / rate)
        head = bytearray(16)
        struct.pack_into("<hi", head, 0, 2, 126 + len(data))
        order, place, covered = "<", 14, 142
    header = bytes(head + wave + data)[:covered]
    total = int(np.frombuffer(header, order + "i2").sum(dtype=np.int64))
    struct.pack_into(order + "H", head, place, -total & 0xFFFF)
    # Versions 1 to 3 end with 16 bytes of padding, which the size in the header counts.
    path.write_bytes(bytes(head + wave) + data + bytes(0 if version == 5 else 16))
    return path


@pytest.mark.parametrize("version", [2, 5])
def test_igor_waves_both_byte_orders(tmp_path: Path, version: int) -> None:
    for s in CELL.sweeps:
        _wave(
            tmp_path / f"AD0_{s.number}.ibw", s.voltage_mV * 1e-3, "V", s.sampling_rate_Hz, version
        )
        _wave(
            tmp_path / f"AD1_{s.number}.ibw", s.current_pA * 1e-3, "nA", s.sampling_rate_Hz, version
        )
    check_same_curve(read(tmp_path / "AD0_2.ibw"))


def test_igor_wave_that_was_changed(tmp_path: Path) -> None:
    path = _wave(tmp_path / "AD0_1.ibw", CELL.sweeps[0].voltage_mV, "mV", 5000)
    raw = bytearray(path.read_bytes())
    raw[80] ^= 0x55
    path.write_bytes(raw)
    assert "checksum" in str(refusal(path))


@pytest.mark.parametrize("version", [2, 5])
@pytest.mark.parametrize("points", [-1, -(2**31), 10**9, 0])
def test_igor_wave_of_a_size_that_is_none(tmp_path: Path, version: int, points: int) -> None:
    """igor2 takes a negative size for all that follows; the checksum is set right again."""
    path = _wave(tmp_path / "AD0_1.ibw", CELL.sweeps[0].voltage_mV, "mV", 5000, version)
    raw = bytearray(path.read_bytes())
    order, places, at, covered = (">", (76, 132), 2, 384) if version == 5 else ("<", (58,), 14, 142)
    for place in places:
        struct.pack_into(f"{order}i", raw, place, points)
    struct.pack_into(f"{order}H", raw, at, 0)
    total = int(np.frombuffer(bytes(raw[:covered]), order + "i2").sum(dtype=np.int64))
    struct.pack_into(f"{order}H", raw, at, -total & 0xFFFF)
    path.write_bytes(raw)
    assert refusal(path).reason in ("file", "truncated")


PRINTED = """
import numpy as np
from pathlib import Path
from bridge.recordings.formats.abf import read_abf
before = np.get_printoptions()
try:
    read_abf(Path("missing.abf"), None, None, (None, None))
except OSError:
    pass
import sys
assert "pyabf" in sys.modules
assert np.get_printoptions() == before
"""


def test_reading_leaves_the_printing_of_arrays_alone(tmp_path: Path) -> None:
    pytest.importorskip("pyabf")
    run = subprocess.run(
        [sys.executable, "-c", PRINTED], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("name", "option"), [("cell.nwb", "current"), ("cell.ibw", "current"), ("cell.ibw", "voltage")]
)
def test_a_choice_that_there_is_not_is_not_passed_over(
    tmp_path: Path, name: str, option: str
) -> None:
    (tmp_path / name).write_bytes(b"anything")
    error = refusal(tmp_path / name, **{option: "IN 0"})
    assert error.reason == "choice"
    # Of NWB the option at the shell is named too.
    assert f"leave {option}= out" in error.remedy.replace(f" (--{option})", "")


def test_igor_wave_without_unit(tmp_path: Path) -> None:
    path = _wave(tmp_path / "AD0_1.ibw", CELL.sweeps[0].voltage_mV, "", 5000)
    error = refusal(path)
    assert error.reason == "units"
    assert "SetScale" in error.remedy


# ------------------------------------------------------------------------------------- anything


def test_files_that_are_not_there_or_of_no_known_kind(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.abf").reason == "file"
    other = tmp_path / "cell.xyz"
    other.write_bytes(b"x")
    error = refusal(other)
    assert error.reason == "format"
    assert "CSV" in error.remedy
    assert refusal(tmp_path).reason == "file"


def test_several_files_of_one_cell(tmp_path: Path) -> None:
    table = _long()
    for k in range(5):
        table[table["sweep"] == k].to_csv(tmp_path / f"sweep_{k}.csv", index=False)
    cell = read(sorted(tmp_path.glob("*.csv")), name="cell")
    assert cell.name == "cell"
    check_same_curve(cell)


@pytest.mark.parametrize("owner", ["cell{}", "electrode{}", "neuron_{}", "Channel {}"])
def test_numbered_cells_are_no_sweeps(tmp_path: Path, owner: str) -> None:
    """Two cells side by side were read as two sweeps of one."""
    wide = pd.DataFrame({"time_s": np.arange(100) * 1e-3})
    for k in (1, 2):
        wide[f"V_{owner.format(k)} (mV)"] = -70.0 + k
        wide[f"I_{owner.format(k)} (pA)"] = 0.0
    path = tmp_path / "two.csv"
    wide.to_csv(path, index=False)
    assert refusal(path).reason == "choice"


def test_lines_that_end_with_a_carriage_return_alone(tmp_path: Path) -> None:
    """The module csv raised an error of its own."""
    path = tmp_path / "cell.csv"
    path.write_bytes(_long().to_csv(index=False, lineterminator="\r").encode())
    check_same_curve(read(path, name=CELL.name))


@pytest.mark.parametrize("path", [None, 3, [None]])
def test_what_is_no_path_is_refused(path: Any) -> None:
    """Python's own TypeError came out."""
    with pytest.raises(RecordingError, match="no path") as caught:
        read(path)
    assert caught.value.reason == "file"
