"""Files of WinWCP, WinEDR, Spike2, Intan, AxoGraph and Igor mean what they meant there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recording_checks import CELL, check_same_curve, refusal
from recording_files import igor_experiment, igor_folder, igor_wave, write_wcp
from recording_programs import Trace, in_one, write_axgx, write_edr, write_rhd, write_smr

from bridge.recordings import RecordingError, made_recording, read

RATE = CELL.sweeps[0].sampling_rate_Hz
VOLTS, AMPS = in_one(CELL)
BOTH = (Trace("Vm", "mV", VOLTS), Trace("Im", "pA", AMPS))


def check_same_staircase(path: Path, atol: float = 0.5, **options: str) -> None:
    """Hold one long sweep against the sweeps it was made of, but for the step of 0 pA."""
    curve, made = read(path, **options).fi_curve(), CELL.fi_curve()
    steps = made.current_pA != 0
    assert curve.count.tolist() == made.count[steps].tolist()
    np.testing.assert_allclose(curve.current_pA, made.current_pA[steps], atol=atol)


# --------------------------------------------------------------------------------------- WinWCP


def test_the_header_says_which_column_a_channel_of_winwcp_is(tmp_path: Path) -> None:
    """Neo takes them in the order of their numbers: potential and current were exchanged."""
    pytest.importorskip("neo")
    check_same_curve(read(write_wcp(tmp_path / "cell.wcp", CELL, columns=(1, 0))))
    bad = write_wcp(tmp_path / "bad.wcp", CELL)
    bad.write_bytes(bad.read_bytes().replace(b"YO1=1", b"YO1=0"))
    assert "columns 0, 0" in refusal(bad).wrong


def test_each_record_of_winwcp_has_a_range_of_its_own(tmp_path: Path) -> None:
    """Neo takes the range of the last record for all: two sweeps would be half as large."""
    pytest.importorskip("neo")
    check_same_curve(read(write_wcp(tmp_path / "cell.wcp", CELL, ranges=(10, 5, 10, 5, 5))))


def test_a_record_that_was_rejected_in_winwcp_is_left_out(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    path = write_wcp(tmp_path / "cell.wcp", CELL, rejected=(2,))
    curve = read(path).fi_curve()
    assert curve.count.tolist() == [0, 0, 8, 12]
    assert curve.provenance["left_out"] == {2: "rejected in WinWCP"}
    assert "rejected" in refusal(write_wcp(path, CELL, rejected=range(5))).wrong


def test_a_file_of_winwcp_that_is_cut_short_says_so(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    path = write_wcp(tmp_path / "cell.wcp", CELL)
    whole = path.read_bytes()
    for share in (0.2, 0.5, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        assert refusal(path).reason == "truncated"
    path.write_bytes(whole.replace(b"NC=2", b"NC=9"))
    assert "9 channels" in refusal(path).wrong
    path.write_bytes(whole.replace(b"ACCEPTED", b"\0\0\0\0\0\0\0\0", 1))
    assert "record 0 has no valid header" in refusal(path).wrong


# --------------------------------------------------------------------------------------- WinEDR


@pytest.mark.parametrize("columns", [(0, 1), (1, 0)])
@pytest.mark.parametrize("zero", [(0, -1), (300, -1), (300, 5)])
def test_a_file_of_winedr(tmp_path: Path, columns: tuple[int, int], zero: tuple[int, int]) -> None:
    """A zero that the user fixed counts; one that was taken from the record is a baseline."""
    pytest.importorskip("neo")
    path = write_edr(tmp_path / "cell.edr", BOTH, RATE, columns=columns, zero=zero)
    check_same_staircase(path)
    sweep = read(path).sweeps[0]
    np.testing.assert_allclose(sweep.voltage_mV, VOLTS, atol=0.01)
    np.testing.assert_allclose(sweep.current_pA, AMPS, atol=0.02)


def test_a_file_of_winedr_that_cannot_be_used(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    path = write_edr(tmp_path / "cell.edr", BOTH, RATE)
    whole = path.read_bytes()
    for changed, reason in (
        (whole[:-2], "truncated"),
        (whole[:1000], "truncated"),
        (whole.replace(f"NP={2 * len(VOLTS)}".encode(), b"NP=0"), "no-voltage"),
        (whole.replace(b"YCF1=0.005", b"YCF1=0.000"), "units"),
        (whole.replace(b"YU1=pA", b"YU1=V "), "choice"),
        (whole.replace(b"VER=1", b"NOT=1"), "file"),
    ):
        path.write_bytes(changed)
        assert refusal(path).reason == reason


# --------------------------------------------------------------------------------------- Spike2


def test_a_file_of_spike2(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    path = write_smr(tmp_path / "cell.smr", BOTH, RATE)
    check_same_staircase(path)
    sweep = read(path).sweeps[0]
    assert sweep.sampling_rate_Hz == pytest.approx(RATE)
    np.testing.assert_allclose(sweep.voltage_mV, VOLTS, atol=0.002)
    np.testing.assert_allclose(sweep.current_pA, AMPS, atol=0.004)


def test_pauses_of_spike2_part_the_sweeps(tmp_path: Path) -> None:
    """Sampling that a trigger starts: the step of 0 pA is a sweep of its own."""
    pytest.importorskip("neo")
    sweep = len(CELL.sweeps[0])
    path = write_smr(tmp_path / "cell.smr", BOTH, RATE, block=sweep, pause=1000)
    check_same_curve(read(path))
    assert [len(found) for found in read(path).sweeps] == [sweep] * 5


def test_channels_of_spike2_that_begin_or_end_apart_are_put_in_time(tmp_path: Path) -> None:
    """Each channel has a clock of its own; of channels grouped by Neo the shorter ends in zeros."""
    pytest.importorskip("neo")
    late = replace(BOTH[1], values=AMPS[100:-30], first=100)
    sweep = read(write_smr(tmp_path / "cell.smr", (BOTH[0], late), RATE)).sweeps[0]
    np.testing.assert_allclose(sweep.voltage_mV, VOLTS[100:-30], atol=0.002)
    np.testing.assert_allclose(sweep.current_pA, AMPS[100:-30], atol=0.004)
    never = replace(BOTH[1], first=len(VOLTS) + 5)
    assert refusal(write_smr(tmp_path / "cell.smr", (BOTH[0], never), RATE)).reason == "format"


def test_a_file_of_spike2_that_is_cut_short_says_so(tmp_path: Path) -> None:
    """Within a block Neo fills with zeros what is not there."""
    pytest.importorskip("neo")
    path = write_smr(tmp_path / "cell.smr", BOTH, RATE)
    whole = path.read_bytes()
    for size in (len(whole) - 2, len(whole) // 2, 600, 300):
        path.write_bytes(whole[:size])
        assert refusal(path).reason == "truncated"


# ------------------------------------------------------------------------- Intan: inputs in volt


def test_monitors_in_volt_are_read_by_what_a_volt_means(tmp_path: Path) -> None:
    """A volt of the first input is 100 mV of the cell, one of the second 400 pA."""
    pytest.importorskip("neo")
    inputs = (Trace("Vm", "V", VOLTS / 100), Trace("Im", "V", AMPS / 400))
    path = write_rhd(tmp_path / "cell.rhd", inputs, RATE)
    assert refusal(path).reason == "choice"
    error = refusal(path, voltage="Vm", voltage_unit="0.1V")
    assert error.reason == "no-current"
    assert 'current_unit="..."' in error.remedy
    named = {"voltage": "Vm", "current": "Im", "voltage_unit": "0.1V", "current_unit": "400 pA"}
    check_same_staircase(path, **named)
    error = refusal(path, **{**named, "current_unit": "0 pA"})
    assert error.reason == "units"


def test_a_file_of_intan_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    path = write_rhd(tmp_path / "cell.rhd", (Trace("Vm", "V", VOLTS / 100),), RATE)
    whole = path.read_bytes()
    for size in (len(whole) - 10, len(whole) // 2, 100):
        path.write_bytes(whole[:size])
        assert refusal(path).reason == "file"


# ------------------------------------------------------------------------------------- AxoGraph


def test_columns_of_axograph_that_come_again_are_episodes(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    columns = [
        column
        for s in CELL.sweeps
        for column in (
            Trace("Vm", "V", s.voltage_mV * 1e-3),
            Trace("Im", "A", s.current_pA * 1e-12),
        )
    ]
    path = write_axgx(tmp_path / "cell.axgx", columns, RATE)
    check_same_curve(read(path), atol=1e-6)
    assert len(read(path).sweeps) == 5
    assert refusal(write_axgx(path, columns[:-1], RATE)).reason == "choice"
    path.write_bytes(write_axgx(path, columns, RATE).read_bytes()[:-100])
    assert refusal(path).reason == "file"


def test_a_file_of_axograph_leaves_the_terminal_alone(tmp_path: Path, capfd) -> None:
    pytest.importorskip("neo")
    refusal(write_axgx(tmp_path / "cell.axgx", [Trace("Im", "A", AMPS)], RATE))
    assert capfd.readouterr() == ("", "")


# ----------------------------------------------------------------------------------------- Igor


def _waves(volts: str = "Vm_{}", amps: str = "Im_{}", leave_out: str = "") -> list[bytes]:
    made = [
        (name.format(k + 3), values, unit)
        for k, s in enumerate(CELL.sweeps)
        for name, values, unit in (
            (volts, s.voltage_mV * 1e-3, "V"),
            (amps, s.current_pA * 1e-12, "A"),
        )
    ]
    return [igor_wave(*wave) for wave in made if wave[0] != leave_out]


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("names", [("Vm_{}", "Im_{}"), ("RecordA{}", "RecordB{}")])
def test_waves_of_one_number_are_a_sweep(
    tmp_path: Path, names: tuple[str, str], folder: bool
) -> None:
    path = tmp_path / "cell.pxp"
    inside = [igor_folder("cell", *_waves(*names))] if folder else _waves(*names)
    extra = igor_wave("spectrum", np.arange(7.0), "")
    path.write_bytes(igor_experiment(*inside, extra))
    check_same_curve(read(path), atol=1e-6)
    assert [sweep.number for sweep in read(path).sweeps] == [3, 4, 5, 6, 7]


def test_a_wave_without_its_partner_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "cell.pxp"
    path.write_bytes(igor_experiment(*_waves(leave_out="Im_5")))
    curve = read(path).fi_curve()
    assert curve.count.tolist() == [0, 0, 8, 12]
    assert curve.provenance["left_out"] == {5: "no wave of current bears its number"}


def test_several_channels_of_an_experiment_are_chosen_by_name(tmp_path: Path) -> None:
    """Two cells, and a current that has no unit."""
    path = tmp_path / "cell.pxp"
    other = made_recording([0, 1, 2, 3, 4], [1, 1, 1, 1, 1], sampling_rate_Hz=RATE)
    more = [
        igor_wave(f"Other_{k + 3}", s.voltage_mV * 1e-3, "V") for k, s in enumerate(other.sweeps)
    ]
    path.write_bytes(igor_experiment(*_waves(), *more))
    assert refusal(path).reason == "choice"
    check_same_curve(read(path, voltage="Vm"), atol=1e-6)
    assert refusal(path, voltage="Cell").reason == "choice"
    bare = [igor_wave(f"I_{k + 3}", s.current_pA, "") for k, s in enumerate(CELL.sweeps)]
    path.write_bytes(igor_experiment(*_waves()[::2], *bare))
    assert refusal(path).reason == "no-current"
    assert refusal(path, current="I").reason == "units"
    check_same_curve(read(path, current="I", current_unit="pA"), atol=1e-6)


def test_an_experiment_without_waves_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cell.pxp"
    path.write_bytes(igor_experiment(igor_folder("empty")))
    assert refusal(path).wrong == "holds no sweep"
    path.write_bytes(igor_experiment(igor_wave("I", AMPS, "A"))[:-5])
    assert refusal(path).reason == "file"


# --------------------------------------------------------------------------- units that are wrong


@pytest.mark.parametrize(("unit", "word"), [("nA", "pA"), ("A", "units")])
def test_a_current_whose_unit_is_wrong_is_refused(tmp_path: Path, unit: str, word: str) -> None:
    """The values are pA: called nA, the cell would have less than 0.3 Mohm."""
    pytest.importorskip("neo")
    path = write_smr(tmp_path / "cell.smr", (BOTH[0], Trace("Im", unit, AMPS)), RATE)
    error = refusal(path)
    assert error.reason == "units"
    assert word in str(error) or error.reason == word
    check_same_staircase(path, current_unit="pA")


def test_a_potential_in_volt_that_is_called_millivolt_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    volts = Trace("Vm", "mV", VOLTS * 1e-3)
    path = write_smr(tmp_path / "cell.smr", (volts, BOTH[1]), RATE)
    with pytest.raises(RecordingError, match="mV"):
        read(path).fi_curve()
    check_same_staircase(path, voltage_unit="V")
