"""Axon Text Files and tables as Clampfit exports them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from recording_checks import check_same_curve, refusal
from recording_files import write_atf

from bridge.recordings import made_recording, read

CELL = made_recording([0, 60, 120], [0, 3, 8], holding_pA=-20, sampling_rate_Hz=5000)
VOLTS, AMPS = ("IN 0", "mV", "voltage_mV"), ("I com", "pA", "current_pA")


def _same_curve(path: Path, **options: Any) -> None:
    check_same_curve(read(path, **options), CELL)


@pytest.mark.parametrize("name", ["cell.atf", "CELL.ATF", "cell.txt"])
@pytest.mark.parametrize("header", [True, False])
def test_a_file_of_clampfit(tmp_path: Path, name: str, header: bool) -> None:
    if not header and name.lower().endswith("atf"):
        error = refusal(write_atf(tmp_path / name, CELL, [VOLTS, AMPS], header=False))
        assert error.reason == "file"
        return
    _same_curve(write_atf(tmp_path / name, CELL, [VOLTS, AMPS], header=header))
    _same_curve(write_atf(tmp_path / f"other {name}", CELL, [AMPS, VOLTS], header=header))


def test_a_potential_without_its_current(tmp_path: Path) -> None:
    error = refusal(write_atf(tmp_path / "cell.atf", CELL, [VOLTS]))
    assert error.reason == "no-current"
    assert "'IN 0' (mV)" in error.wrong


def test_a_signal_without_a_unit(tmp_path: Path) -> None:
    path = write_atf(tmp_path / "cell.atf", CELL, [VOLTS, ("I com", "", "current_pA")])
    error = refusal(path)
    assert error.reason == "no-current"
    assert 'current="...", current_unit="..."' in error.remedy
    _same_curve(path, current="I com", current_unit="pA")


def test_several_signals_are_asked_about(tmp_path: Path) -> None:
    path = write_atf(tmp_path / "cell.atf", CELL, [VOLTS, AMPS, ("IN 2", "mV", "voltage_mV")])
    error = refusal(path)
    assert error.reason == "choice"
    assert "'IN 2' -7" in error.wrong
    _same_curve(path, voltage="IN 2")
    assert refusal(path, voltage="IN 7").reason == "choice"
    path = write_atf(tmp_path / "two.atf", CELL, [VOLTS, AMPS, ("I 2", "pA", "voltage_mV")])
    assert refusal(path).reason == "choice"
    _same_curve(path, current="I com")
    # Without a header the signals are called by their units.
    path = write_atf(tmp_path / "two.txt", CELL, [VOLTS, AMPS, ("", "mV", "time_s")], header=False)
    _same_curve(path, voltage="mV")


def test_a_flat_signal_is_not_the_cell(tmp_path: Path) -> None:
    path = write_atf(tmp_path / "cell.atf", CELL, [("IN 2", "mV", "time_s"), VOLTS, AMPS])
    _same_curve(path)
    assert "'IN 2' is flat" in repr(read(path))


def test_a_sweep_that_is_shorter_ends_in_empty_cells(tmp_path: Path) -> None:
    path = write_atf(tmp_path / "cell.atf", CELL, [VOLTS, AMPS])
    lines = path.read_text().split("\n")
    short = ["\t".join([*line.split("\t")[:-2], "", ""]) for line in lines[-400:-1]]
    path.write_text("\n".join([*lines[:-400], *short, ""]))
    cell = read(path)
    assert len(cell.sweeps[2]) == len(cell.sweeps[0]) - 399
    assert cell.cut[0][0] == 3


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("4\t7", "x", "file"),
        ("4\t7", "4\t9", "truncated"),
        ("4\t7", "3\t7", "format"),
        ("4\t7", "99999999\t7", "file"),
        ('"Trace #2 (mV)"', '"Amplitude"', "format"),
        ("\r\n0.1\t", "\r\nx\t", "format"),
    ],
)
def test_a_damaged_file(tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = write_atf(tmp_path / "cell.atf", CELL, [VOLTS, AMPS])
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode())
    assert refusal(path).reason == reason


# ------------------------------------------------------------ columns of other tables


def _table(tmp_path: Path, **columns: Any) -> Path:
    frames = [
        pd.DataFrame({"sweep": s.number, "time_s": s.time_s}
                     | {name: getattr(s, attribute) for name, attribute in columns.items()})
        for s in CELL.sweeps
    ]  # fmt: skip
    path = tmp_path / "cell.csv"
    pd.concat(frames).to_csv(path, index=False)
    return path


def test_two_potentials_of_a_table_are_not_two_sweeps(tmp_path: Path) -> None:
    columns = {"V_soma_mV": "voltage_mV", "V_dend_mV": "voltage_mV", "current_pA": "current_pA"}
    path = _table(tmp_path, **columns)
    error = refusal(path)
    assert error.reason == "choice"
    assert 'voltage="V_soma_mV"' in error.remedy
    _same_curve(path, voltage="V_dend_mV")


@pytest.mark.parametrize("names", [("I_one_pA", "I_two_pA"), ("I_pA_1", "I_pA_2")])
def test_two_currents_of_a_table_are_asked_about(tmp_path: Path, names: tuple[str, str]) -> None:
    columns = {"voltage_mV": "voltage_mV", names[0]: "time_s", names[1]: "current_pA"}
    path = _table(tmp_path, **columns)
    error = refusal(path)
    assert error.reason == "choice"
    assert f'current="{names[0]}"' in error.remedy
    _same_curve(path, current=names[1])
    assert refusal(path, current="I_three_pA").reason == "choice"
