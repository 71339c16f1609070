"""Tables of samples as programs and people write them: columns told apart, or asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from recording_checks import check_same_curve, refusal
from recording_files import write_atf

from bridge.recordings import made_recording, read

CELL = made_recording([0, 60, 120], [0, 3, 8], holding_pA=-20, sampling_rate_Hz=5000)
VOLTS, AMPS = ("", "mV", "voltage_mV"), ("", "pA", "current_pA")


def _same_curve(path: Path, **options: Any) -> None:
    check_same_curve(read(path, **options), CELL)


def _unnamed(path: Path) -> Path:
    """Delete the record of an ATF file that names its signals."""
    lines = path.read_text(encoding="latin-1").split("\n")
    at = next(k for k, line in enumerate(lines[:20]) if "Signals=" in line[:10])
    records, columns = lines[1].split()
    lines[1] = f"{int(records) - 1}\t{columns}"
    path.write_text("\n".join(lines[:at] + lines[at + 1 :]), encoding="latin-1")
    return path


def test_two_potentials_of_a_trace_are_no_sweeps(tmp_path: Path) -> None:
    path = _unnamed(write_atf(tmp_path / "two.atf", CELL, [VOLTS, AMPS, VOLTS]))
    error = refusal(path)
    assert error.reason == "choice"
    assert "'mV 2'" in error.wrong
    _same_curve(path, voltage="mV 2")
    # Signals that the file gives one name are no more sweeps than those without a name.
    same = write_atf(tmp_path / "same.atf", CELL, [VOLTS, AMPS, VOLTS])
    assert refusal(same).reason == "choice"
    _same_curve(_unnamed(write_atf(tmp_path / "one.atf", CELL, [AMPS, VOLTS])))


def test_a_signal_that_only_one_trace_has_twice(tmp_path: Path) -> None:
    path = _unnamed(write_atf(tmp_path / "odd.atf", CELL, [VOLTS, AMPS]))
    path.write_text(path.read_text().replace("Trace #2 (", "Trace #1 ("), encoding="latin-1")
    assert refusal(path).reason == "choice"


def _wide(
    path: Path,
    mark: str,
    *,
    decimal: str = ".",
    quoted: bool = False,
    word: str = "Trace",
    names: tuple[str, str] = ("", ""),
) -> Path:
    """Write what Clampfit copies: a time, and of each sweep a potential and a current."""
    titles, columns = ["Time (s)"], [CELL.sweeps[0].time_s]
    for k, sweep in enumerate(CELL.sweeps):
        titles += [f"{word} #{k + 1}{names[0]} (mV)", f"{word} #{k + 1}{names[1]} (pA)"]
        columns += [sweep.voltage_mV, sweep.current_pA]
    head = mark.join(f'"{title}"' if quoted else title for title in titles)
    rows = (mark.join(f"{value:.6g}" for value in row) for row in np.stack(columns, axis=1))
    path.write_text("\n".join([head, *(row.replace(".", decimal) for row in rows)]) + "\n")
    return path


@pytest.mark.parametrize(("mark", "decimal"), [("\t", "."), (",", "."), ("\t", ","), (";", ",")])
@pytest.mark.parametrize("quoted", [True, False])
def test_tables_of_clampfit(tmp_path: Path, mark: str, decimal: str, quoted: bool) -> None:
    _same_curve(_wide(tmp_path / "cell.txt", mark, decimal=decimal, quoted=quoted))


def test_other_titles_of_clampfit(tmp_path: Path) -> None:
    _same_curve(_wide(tmp_path / "sweep.txt", "\t", word="Sweep"))
    path = _wide(tmp_path / "named.txt", "\t", names=(" Vm_prime", " Im_sec"))
    _same_curve(path)
    _same_curve(path, voltage="Vm_prime", current="Im_sec")
    assert "'Im_sec' (pA)" in refusal(path, voltage="Vm").remedy


def test_an_atf_file_with_decimal_commas(tmp_path: Path) -> None:
    path = write_atf(tmp_path / "cell.atf", CELL, [("Vm", "mV", "voltage_mV"), AMPS])
    head, marked, rest = path.read_text().partition("Time (s)")
    path.write_text(head + marked + rest.replace(".", ","))
    _same_curve(path)


def _long() -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "sweep": sweep.number,
                "time_s": sweep.time_s,
                "voltage_mV": sweep.voltage_mV,
                "current_pA": sweep.current_pA,
            }
        )
        for sweep in CELL.sweeps
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("sweep", [0, 2])
@pytest.mark.parametrize("written", ["NaN", ""])
def test_padding_at_the_end_of_a_sweep_is_cut_and_told(
    tmp_path: Path, sweep: int, written: str
) -> None:
    table = _long()
    rows = table.index[table["sweep"] == CELL.sweeps[sweep].number][-40:]
    table.loc[rows, ["voltage_mV", "current_pA"]] = np.nan
    path = tmp_path / "cell.csv"
    table.to_csv(path, index=False, na_rep=written)
    _same_curve(path)
    assert list(dict(read(path).cut)) == [CELL.sweeps[sweep].number]
    # Anywhere else it is an error that names sweep and time; a time has no padding.
    table.loc[rows[0] - 500, "voltage_mV"] = np.nan
    table.to_csv(path, index=False, na_rep=written)
    assert "is no number at" in refusal(path).wrong
    table = _long()
    table.loc[rows[0], "time_s"] = np.nan
    table.to_csv(path, index=False, na_rep=written)
    assert "'time_s' is empty" in refusal(path).wrong


def test_columns_without_a_name_are_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    lines = _long().to_csv(index=False).splitlines()
    path.write_text("\n".join([lines[0], *(line + "," for line in lines[1:])]))
    _same_curve(path)
    path.write_text("\n".join([lines[0] + ",,", *lines[1:]]))
    _same_curve(path)
    path.write_text("\n".join([line + "," for line in lines]))
    _same_curve(path)
    path.write_text("\n".join([lines[0].replace("sweep,", ""), *lines[1:]]))
    assert "4 columns of numbers under 3 names" in refusal(path).wrong


@pytest.mark.parametrize(("told", "times", "right"), [("V", 1.0, "mV"), ("mV", 1e3, "uV")])
def test_numbers_smaller_than_their_unit(
    tmp_path: Path, told: str, times: float, right: str
) -> None:
    table = _long()
    table["voltage_mV"] *= times
    path = tmp_path / "cell.csv"
    table.rename(columns={"voltage_mV": f"voltage_{told}"}).to_csv(path, index=False)
    error = refusal(path)
    assert error.reason == "units"
    assert f'"{right}" if' in error.remedy
    _same_curve(path, voltage_unit=right)
    # A unit that the user gives cannot make a membrane of many volt.
    error = refusal(path, voltage_unit=told)
    assert error.reason == "units"
    assert "exceeds 1 V" in error.wrong
    assert refusal(path, voltage_unit="V").reason == "units"


def test_a_current_is_no_potential(tmp_path: Path) -> None:
    named = [("Vm", "mV", "voltage_mV"), ("Im", "pA", "current_pA"), ("I2", "pA", "current_pA")]
    path = write_atf(tmp_path / "cell.atf", CELL, named)
    error = refusal(path, voltage="Im", current="I2")
    assert "that of a current" in error.wrong
    assert 'voltage="..."' in error.remedy
    assert "that of a potential" in refusal(path, current="Vm").wrong


def test_a_dead_signal_chosen_by_name(tmp_path: Path) -> None:
    dead = ("10Vm", "mV", "time_s")
    path = write_atf(tmp_path / "cell.atf", CELL, [("Vm", "mV", "voltage_mV"), AMPS, dead])
    error = refusal(path, voltage="10Vm")
    assert error.reason == "choice"
    assert "'Vm'" in error.remedy
    _same_curve(path, voltage="Vm")


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize(
    ("column", "like", "option"),
    [
        ("voltage2_mV", "voltage_mV", {"voltage": "voltage_mV"}),
        ("command_pA", "current_pA", {"current": "current_pA"}),
    ],
)
def test_a_second_column_beside_stacked_sweeps(
    tmp_path: Path, numbered: bool, column: str, like: str, option: dict[str, str]
) -> None:
    table = _long()
    table[column] = table[like] * 0.5
    path = tmp_path / "cell.csv"
    (table if numbered else table.drop(columns="sweep")).to_csv(path, index=False)
    error = refusal(path)
    assert error.reason == "choice"
    assert like in error.remedy
    assert "_1" not in error.remedy
    _same_curve(path, **option)


def test_sweeps_numbered_by_halves_are_counted(tmp_path: Path) -> None:
    table = _long()
    table["sweep"] = table["sweep"] / 2
    path = tmp_path / "cell.csv"
    table.to_csv(path, index=False)
    assert [sweep.number for sweep in read(path).sweeps] == [0, 1, 2]


@pytest.mark.parametrize("lines", ["Cell 12, slice 3\n", "exported by Clampfit\n\n10.7\n"])
def test_lines_above_the_names_of_the_columns_are_named(tmp_path: Path, lines: str) -> None:
    """The advice was to name the columns, which have names."""
    path = _wide(tmp_path / "cell.txt", "\t")
    path.write_text(lines + path.read_text())
    error = refusal(path)
    assert lines.split("\n")[0] in error.wrong
    assert error.remedy.startswith("delete the lines above 'Time")


@pytest.mark.parametrize("blanks", [" ", "   "])
def test_columns_parted_by_blanks_are_named(tmp_path: Path, blanks: str) -> None:
    path = _wide(tmp_path / "cell.txt", "\t")
    path.write_text(path.read_text().replace("\t", blanks))
    error = refusal(path)
    assert "parted by blanks" in error.wrong
    assert "tabs or commas" in error.remedy


@pytest.mark.parametrize(
    ("encoding", "says"), [("utf-16", "UTF-16"), ("latin-1", "line 1 has the letter 'µ'")]
)
def test_a_text_in_another_encoding_is_called_so(tmp_path: Path, encoding: str, says: str) -> None:
    """It was called no text."""
    path = _wide(tmp_path / "cell.txt", "\t")
    path.write_text(path.read_text().replace("Time (s)", "Time (µs)"), encoding=encoding)
    error = refusal(path)
    assert says in error.wrong
    assert error.remedy == "save it as text in UTF-8"


def test_what_is_no_text_is_called_so(tmp_path: Path) -> None:
    for raw in (b"\x89PNG\x00\x1a\xff", b"time\x80\x81\xff"):
        (tmp_path / "cell.txt").write_bytes(raw)
        assert "not a text file" in refusal(tmp_path / "cell.txt").wrong


def test_numbers_of_columns_of_thousands_of_digits(tmp_path: Path) -> None:
    long = "1" * 5000
    path = tmp_path / "cell.csv"
    frame = pd.DataFrame({"time_s": CELL.sweeps[0].time_s})
    for sweep, label in zip(CELL.sweeps[:2], (long, f"{long}2"), strict=True):
        frame[f"voltage_mV_{label}"] = sweep.voltage_mV
        frame[f"current_pA_{label}"] = sweep.current_pA
    frame.to_csv(path, index=False)
    assert [sweep.number for sweep in read(path).sweeps] == [0, 1]
