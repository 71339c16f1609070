"""The same cell written as NWB, IBW and text comes back as the same f-I curve."""

from __future__ import annotations

import struct
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bridge.recordings import CellRecording, RecordingError, made_recording, read

CELL = made_recording(
    [-50, 0, 60, 120, 180], [0, 0, 3, 8, 12], holding_pA=-20, sampling_rate_Hz=5000
)
CURVE = CELL.fi_curve()


def _same_curve(cell: CellRecording) -> None:
    curve = cell.fi_curve()
    assert curve.count.tolist() == CURVE.count.tolist()
    np.testing.assert_allclose(curve.current_pA, CURVE.current_pA, atol=0.01)
    np.testing.assert_allclose(curve.window_s, CURVE.window_s, atol=1e-3)


def _refused(path: Path, **options: Any) -> RecordingError:
    with pytest.raises(RecordingError) as caught:
        read(path, **options)
    assert path.name in str(caught.value)
    return caught.value


# ------------------------------------------------------------------------------------------ NWB


def _nwb(
    path: Path,
    *,
    pairing: str = "sweep_number",
    clamp: str = "current",
    stimulus: bool = True,
    factor: float = 1e-12,
    electrodes: int = 1,
    starts_s: float = 0.0,
    command_starts_s: Any = None,
) -> Path:
    pynwb = pytest.importorskip("pynwb")
    from pynwb import icephys

    content = pynwb.NWBFile("made", "made", datetime(2020, 1, 1, tzinfo=UTC))
    device = content.create_device(name="amplifier")
    wires = [
        content.create_icephys_electrode(name=f"cell {k}", description="", device=device)
        for k in range(electrodes)
    ]
    for k, sweep in enumerate(CELL.sweeps):
        common = {
            "electrode": wires[k % electrodes],
            "gain": 1.0,
            "rate": sweep.sampling_rate_Hz,
            "starting_time": starts_s + 2.0 * k,
        }
        if pairing == "sweep_number":
            common["sweep_number"] = np.uint64(k)
        if clamp == "voltage":
            content.add_acquisition(
                icephys.VoltageClampSeries(name=f"in_{k}", data=sweep.current_pA, **common)
            )
            continue
        response = icephys.CurrentClampSeries(
            name=f"in_{k}", data=sweep.voltage_mV.astype("f4"), conversion=1e-3, **common
        )
        content.add_acquisition(response)
        if not stimulus:
            continue
        if command_starts_s is not None:
            common["starting_time"] = command_starts_s[k]
        command = icephys.CurrentClampStimulusSeries(
            name=f"out_{k}", data=sweep.current_pA, conversion=factor, **common
        )
        content.add_stimulus(command)
        if pairing == "table":
            content.add_intracellular_recording(
                electrode=wires[k % electrodes], stimulus=command, response=response
            )
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(content)
    return path


@pytest.mark.parametrize("pairing", ["sweep_number", "table", "name"])
def test_nwb(tmp_path: Path, pairing: str) -> None:
    _same_curve(read(_nwb(tmp_path / "cell.nwb", pairing=pairing)))


def test_nwb_whose_stimuli_do_not_say_when_they_begin(tmp_path: Path) -> None:
    """PyNWB puts 0 if nothing is said; sweeps cannot all begin there."""
    path = _nwb(tmp_path / "cell.nwb", starts_s=0.3, command_starts_s=[0.0] * 5)
    _same_curve(read(path))


def test_nwb_whose_stimulus_begins_after_its_response_has_ended(tmp_path: Path) -> None:
    path = _nwb(tmp_path / "cell.nwb", command_starts_s=[0.0, 2.0, 4.0, 6.0, 9.5])
    error = _refused(path)
    assert error.reason == "format"
    assert "1.5 s after" in error.wrong
    assert "'out_4'" in error.wrong


def test_nwb_with_times_of_samples(tmp_path: Path) -> None:
    """Series with timestamps begin where these do."""
    h5py = pytest.importorskip("h5py")
    path = _nwb(tmp_path / "cell.nwb")
    with h5py.File(path, "a") as file:
        for k, sweep in enumerate(CELL.sweeps):
            for place, late in (
                (f"acquisition/in_{k}", 0.0),
                (f"stimulus/presentation/out_{k}", 0.05),
            ):
                group = file[place]
                del group["starting_time"]
                data = group["data"][round(late * 5000) :]
                attributes = dict(group["data"].attrs)
                del group["data"]
                group.create_dataset("data", data=data).attrs.update(attributes)
                times = group.create_dataset(
                    "timestamps", data=sweep.time_s[: len(data)] + 3 * k + late
                )
                times.attrs["interval"], times.attrs["unit"] = np.int32(1), "seconds"
    _same_curve(read(path))


def test_nwb_without_stimulus(tmp_path: Path) -> None:
    error = _refused(_nwb(tmp_path / "cell.nwb", stimulus=False))
    assert error.reason == "no-stimulus"
    assert "CurrentClampStimulusSeries" in error.remedy


def test_nwb_in_voltage_clamp(tmp_path: Path) -> None:
    assert _refused(_nwb(tmp_path / "cell.nwb", clamp="voltage")).reason == "voltage-clamp"


def test_nwb_with_a_wrong_factor_and_its_remedy(tmp_path: Path) -> None:
    path = _nwb(tmp_path / "cell.nwb", factor=1e-9)
    error = _refused(path)
    assert error.reason == "units"
    assert 'current_unit="pA"' in error.remedy
    _same_curve(read(path, current_unit="pA"))


def test_nwb_of_two_cells(tmp_path: Path) -> None:
    path = _nwb(tmp_path / "cells.nwb", electrodes=2)
    assert _refused(path).reason == "choice"
    assert "'cell 0', 'cell 1'" in _refused(path, voltage="cell 7").remedy
    one = read(path, voltage="cell 0")
    assert [sweep.number for sweep in one.sweeps] == [0, 2, 4]


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_truncated_nwb(tmp_path: Path, kept: float) -> None:
    path = _nwb(tmp_path / "cell.nwb")
    raw = path.read_bytes()
    path.write_bytes(raw[: int(kept * len(raw))])
    assert _refused(path).reason == "truncated"


def _nwb_long(path: Path, *, late_s: float = 0.0, bias_pA: float = 0.0) -> Path:
    """Write all sweeps one after the other in one series, as the table of recordings allows."""
    pynwb = pytest.importorskip("pynwb")
    from pynwb import icephys

    content = pynwb.NWBFile("made", "made", datetime(2020, 1, 1, tzinfo=UTC))
    device = content.create_device(name="amplifier")
    wire = content.create_icephys_electrode(name="cell", description="", device=device)
    rate, length = CELL.sweeps[0].sampling_rate_Hz, len(CELL.sweeps[0])
    common = {"electrode": wire, "gain": 1.0, "rate": rate}
    late = round(late_s * rate)
    volts, amps = ([getattr(s, name) for s in CELL.sweeps] for name in ("voltage_mV", "current_pA"))
    response = icephys.CurrentClampSeries(
        name="in", data=np.concatenate(volts), conversion=1e-3, starting_time=1.0,
        bias_current=bias_pA * 1e-12, **common,
    )  # fmt: skip
    command = icephys.CurrentClampStimulusSeries(
        name="out", data=np.concatenate(amps)[late:] - bias_pA, conversion=1e-12,
        starting_time=1.0 + late_s, **common,
    )  # fmt: skip
    content.add_acquisition(response)
    content.add_stimulus(command)
    for k in range(len(CELL.sweeps)):
        first = k * length
        start = max(first - late, 0)
        content.add_intracellular_recording(
            electrode=wire, stimulus=command, response=response,
            response_start_index=first, response_index_count=length,
            stimulus_start_index=start, stimulus_index_count=first + length - late - start,
        )  # fmt: skip
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(content)
    return path


@pytest.mark.parametrize("late_s", [0.0, 0.05])
@pytest.mark.parametrize("bias_pA", [0.0, -20.0])
def test_nwb_of_one_long_series_by_its_table(tmp_path: Path, late_s: float, bias_pA: float) -> None:
    """Ranges of samples, starting times and the amplifier's bias are what they say."""
    cell = read(_nwb_long(tmp_path / "cell.nwb", late_s=late_s, bias_pA=bias_pA))
    assert len(cell) == 5
    assert {len(sweep) for sweep in cell.sweeps} == {len(CELL.sweeps[0])}
    _same_curve(cell)
    assert cell.fi_curve().provenance["holding_pA"] == pytest.approx(-20)


def test_nwb_whose_table_goes_beyond_its_series(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = _nwb_long(tmp_path / "cell.nwb")
    with h5py.File(path, "a") as file:
        rows = file["general/intracellular_ephys/intracellular_recordings/responses/response"]
        changed = rows[...]
        changed["count"][4] += 7
        rows[...] = changed
    assert _refused(path).reason in ("truncated", "file")


def _nwb_1(path: Path, *, stimulus: bool = True) -> Path:
    """Write the cell as version 1 has it, with one sweep in voltage clamp before."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        responses = file.create_group("acquisition/timeseries")
        stimuli = file.create_group("stimulus/presentation")
        told = [(10 + s.number, s.voltage_mV * 1e-3, s.current_pA) for s in CELL.sweeps]
        for number, volts, amps in told:
            for group, values, unit, factor in (
                (responses, volts, "Volts", 1.0),
                (stimuli, amps, "Amps", 1e-12),
            ):
                if group is stimuli and not stimulus:
                    continue
                series = group.create_group(f"Sweep_{number}")
                data = series.create_dataset("data", data=values)
                data.attrs["unit"], data.attrs["conversion"] = np.bytes_(unit), factor
                series.create_dataset("starting_time", data=0.0).attrs["rate"] = 5000.0
        clamped = responses.create_group("Sweep_3")
        data = clamped.create_dataset("data", data=CELL.sweeps[0].current_pA)
        data.attrs["unit"], data.attrs["conversion"] = np.bytes_("Amps"), 1e-12
        clamped.create_dataset("starting_time", data=0.0).attrs["rate"] = 5000.0
    return path


def test_nwb_1(tmp_path: Path) -> None:
    pytest.importorskip("pynwb")
    cell = read(_nwb_1(tmp_path / "cell.nwb"))
    assert [sweep.number for sweep in cell.sweeps] == [10, 11, 12, 13, 14]
    _same_curve(cell)


def test_nwb_1_without_stimulus(tmp_path: Path) -> None:
    pytest.importorskip("pynwb")
    error = _refused(_nwb_1(tmp_path / "cell.nwb", stimulus=False))
    assert error.reason == "no-stimulus"


def test_nwb_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "cell.nwb"
    path.write_text("not HDF5")
    assert _refused(path).reason == "file"


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
    _same_curve(read(path))


def test_time_that_starts_again_is_a_new_sweep(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    _long().drop(columns="sweep").to_csv(path, index=False)
    _same_curve(read(path))


def test_wide_text_with_decimal_commas(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"time_ms": CELL.sweeps[0].time_s * 1e3}
    for s in CELL.sweeps:
        columns[f"voltage_mV_{s.number}"] = s.voltage_mV.round(4)
    for s in CELL.sweeps:
        columns[f"current_pA_{s.number}"] = s.current_pA
    path = tmp_path / "cell.txt"
    pd.DataFrame(columns).to_csv(path, index=False, sep=";", decimal=",")
    _same_curve(read(path))


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
    error = _refused(path)
    assert error.reason == reason
    assert said in str(error)


def test_text_without_units(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    _long().rename(columns={"current_pA": "current"}).to_csv(path, index=False)
    error = _refused(path)
    assert error.reason == "units"
    assert 'current_unit="pA"' in error.remedy
    _same_curve(read(path, current_unit="pA"))


def test_nanoampere_labelled_as_picoampere(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    table = _long()
    table["current_pA"] *= 1e-3
    table.to_csv(path, index=False)
    error = _refused(path)
    assert error.reason == "units"
    assert 'current_unit="nA"' in error.remedy
    _same_curve(read(path, current_unit="nA"))


def test_text_in_voltage_clamp(tmp_path: Path) -> None:
    table = _long()
    table["voltage_mV"], table["current_pA"] = table["current_pA"], table["voltage_mV"]
    path = tmp_path / "cell.csv"
    table.to_csv(path, index=False)
    error = _refused(path)
    assert error.reason == "voltage-clamp"


@pytest.mark.parametrize("cut", [3, 4000])
def test_text_cut_short(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cell.csv"
    text = _long().to_csv(index=False)
    path.write_text(text[: -cut - text[:-cut][::-1].find(",")] if cut == 3 else text[:-cut])
    assert _refused(path).reason == "truncated"


def test_text_sampled_unevenly(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    _long().drop(columns="sweep").iloc[np.r_[0:500, 900:3000]].to_csv(path, index=False)
    assert _refused(path).reason == "format"


def test_text_without_header(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    _long().to_csv(path, index=False, header=False)
    error = _refused(path)
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
    _same_curve(read(tmp_path / "AD0_2.ibw"))


def test_igor_wave_that_was_changed(tmp_path: Path) -> None:
    path = _wave(tmp_path / "AD0_1.ibw", CELL.sweeps[0].voltage_mV, "mV", 5000)
    raw = bytearray(path.read_bytes())
    raw[80] ^= 0x55
    path.write_bytes(raw)
    assert "checksum" in str(_refused(path))


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
    assert _refused(path).reason in ("file", "truncated")


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
    error = _refused(tmp_path / name, **{option: "IN 0"})
    assert error.reason == "choice"
    assert f"leave {option}= out" in error.remedy


def test_igor_wave_without_unit(tmp_path: Path) -> None:
    path = _wave(tmp_path / "AD0_1.ibw", CELL.sweeps[0].voltage_mV, "", 5000)
    error = _refused(path)
    assert error.reason == "units"
    assert "SetScale" in error.remedy


# ------------------------------------------------------------------------------------- anything


def test_files_that_are_not_there_or_of_no_known_kind(tmp_path: Path) -> None:
    assert _refused(tmp_path / "absent.abf").reason == "file"
    other = tmp_path / "cell.xyz"
    other.write_bytes(b"x")
    error = _refused(other)
    assert error.reason == "format"
    assert "CSV" in error.remedy
    assert _refused(tmp_path).reason == "file"


def test_several_files_of_one_cell(tmp_path: Path) -> None:
    table = _long()
    for k in range(5):
        table[table["sweep"] == k].to_csv(tmp_path / f"sweep_{k}.csv", index=False)
    cell = read(sorted(tmp_path.glob("*.csv")), name="cell")
    assert cell.name == "cell"
    _same_curve(cell)
