"""Tables of samples as programs and people write them: columns told apart, or asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
