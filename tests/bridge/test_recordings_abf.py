"""ABF files: the current is the one that the cell received, or the file is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from recording_checks import check_same_curve, refusal
from recording_files import Channel, Command, change, write_abf

from bridge.recordings import CellRecording, made_recording, read
from bridge.recordings.formats.abf_command import _has_user_list

pytest.importorskip("pyabf")

STAIR = made_recording([0, 50, 100, 150], [0, 2, 6, 11], length_s=0.64, sampling_rate_Hz=5000)
VOLTS = np.stack([s.voltage_mV for s in STAIR.sweeps])
AMPS = np.stack([s.current_pA for s in STAIR.sweeps])
RNG = np.random.default_rng(8)
FLAT = 0.1 * RNG.standard_normal(VOLTS.shape)
HISS = 30 * RNG.standard_normal(VOLTS.shape)
STEPS: dict[str, Any] = {"levels": (0, 0), "increments": (0, 50), "lengths": (450, 2500)}
CELL = Channel("Vm", "mV", VOLTS)


def _same_curve(cell: CellRecording, atol: float = 1e-4) -> None:
    check_same_curve(cell, STAIR, atol)


@pytest.mark.parametrize(("unit", "factor"), [("pA", 1), ("nA", 1e-3)])
def test_a_command(tmp_path: Path, unit: str, factor: float) -> None:
    command = Command(unit, (0, 0), (0, 50 * factor), (450, 2500))
    cell = read(write_abf(tmp_path / "cell.abf", [CELL], [command]))
    _same_curve(cell)
    assert cell.sweeps[0].current_kind == "command"


def test_the_holding_current_is_that_of_the_header(tmp_path: Path) -> None:
    """pyABF takes the first epoch's level for it in ABF 1; currents above holding were wrong."""
    command = Command("pA", (180,), (-50,), (2500,), holding=-20)
    path = write_abf(tmp_path / "cell.abf", [Channel("Vm", "mV", VOLTS[::-1])], [command])
    for k, sweep in enumerate(read(path).sweeps):
        assert set(sweep.current_pA[:50]) == {-20}
        assert sweep.current_pA[1000] == 180 - 50 * k
        assert sweep.current_pA[-1] == -20


# ----------------------------------------------------------------------------- a second witness


@pytest.mark.parametrize(
    "recorded",
    [
        AMPS,
        AMPS - 35,
        AMPS - np.array([[0], [30], [10], [60]]),
        1.08 * AMPS,
        AMPS + HISS,
        AMPS + 20 * np.sin(np.arange(3200) * 0.0628),
    ],
    ids=["same", "held elsewhere", "holding drifts", "8 per cent", "hiss", "hum"],
)
def test_a_recorded_current_that_agrees(tmp_path: Path, recorded: np.ndarray) -> None:
    channels = [CELL, Channel("Im", "pA", recorded)]
    cell = read(write_abf(tmp_path / "cell.abf", channels, [Command("pA", **STEPS)]))
    _same_curve(cell)
    assert cell.sweeps[0].current_kind == "command"


@pytest.mark.parametrize(
    "recorded",
    [
        0.5 * AMPS,
        AMPS[::-1],
        np.roll(AMPS, 800, axis=1),
        FLAT,
        AMPS[[0, 2, 2, 3]] + 0.1 * HISS,
        AMPS * np.array([[1], [0.8], [1], [1]]),
    ],
    ids=["half", "other order", "later", "not connected", "one sweep", "one amplitude"],
)
def test_a_recorded_current_that_contradicts(tmp_path: Path, recorded: np.ndarray) -> None:
    channels = [CELL, Channel("Im", "pA", recorded)]
    path = write_abf(tmp_path / "cell.abf", channels, [Command("pA", **STEPS)])
    error = refusal(path)
    assert error.reason == "contradiction"
    assert "'Im'" in error.wrong
    assert 'current="command" or current="Im"' in error.remedy
    _same_curve(read(path, current="command"))
    np.testing.assert_allclose(read(path, current="Im").sweeps[2].current_pA, recorded[2], atol=0.1)


def test_one_of_two_recorded_currents_agrees(tmp_path: Path) -> None:
    channels = [CELL, Channel("I other", "pA", FLAT), Channel("Im", "pA", AMPS)]
    _same_curve(read(write_abf(tmp_path / "cell.abf", channels, [Command("pA", **STEPS)])))


# ------------------------------------------------------------------- commands that are not told


def test_a_user_list_of_abf_1(tmp_path: Path) -> None:
    """pyABF gives the epochs without the list, which changes them: the currents would be wrong."""
    command = Command("pA", **STEPS, user_list=True)
    error = refusal(write_abf(tmp_path / "cell.abf", [CELL], [command]))
    assert error.reason == "no-current"
    assert "user list" in error.wrong
    channels = [CELL, Channel("Im", "pA", AMPS)]
    cell = read(write_abf(tmp_path / "both.abf", channels, [command]))
    assert cell.sweeps[0].current_kind == "measured"
    _same_curve(cell, atol=0.1)


@pytest.mark.parametrize("output", [0, 1, 2, 3])
def test_a_user_list_belongs_to_one_output(tmp_path: Path, output: int) -> None:
    path = change(write_abf(tmp_path / "cell.abf", [CELL]), "h", 3360 + 2 * output, 1)
    # What the list varies stands behind the four marks.
    change(path, "4h", 3368, 22, 22, 22, 22)
    abf = SimpleNamespace(abfVersion={"major": 1}, dataByteStart=6144, abfFilePath=str(path))
    assert [_has_user_list(abf, k) for k in range(5)] == [k == output for k in range(5)]


def test_a_user_list_of_abf_2(tmp_path: Path) -> None:
    """The entry of pyABF's example 2020_03_02_0000.abf: its own mark is 0, and the list is on."""
    path = tmp_path / "section"
    path.write_bytes(bytes.fromhex("0000 0000 3e00 0000 1f00 0000") + bytes(52))
    section = SimpleNamespace(_byteStart=0, _entrySize=64, _entryCount=1)
    abf = SimpleNamespace(abfVersion={"major": 2}, abfFilePath=str(path), _userListSection=section)
    assert _has_user_list(abf, 0)
    assert not _has_user_list(abf, 1)
    # The time from sweep to sweep.
    change(path, "h", 4, 7)
    assert not _has_user_list(abf, 0)


def test_trains_of_pulses_of_abf_1(tmp_path: Path) -> None:
    """pyABF knows no period and width of theirs, and makes a flat current of them."""
    path = write_abf(tmp_path / "cell.abf", [CELL], [Command("pA", **STEPS)])
    change(path, "h", 2310, 3)
    change(path, "i", 2140, 1000)
    change(path, "i", 2220, 400)
    current = read(path).sweeps[3].current_pA
    first = 3200 // 64 + 450
    assert set(current[first : first + 400]) == {150}
    assert set(current[first + 400 : first + 1000]) == {0}
    assert set(current[first + 1000 : first + 1400]) == {150}
    assert current.sum() == 150 * 2 * 400


def test_outputs_that_take_turns(tmp_path: Path) -> None:
    commands = [Command("pA", **STEPS, holding=-10), Command("nA", (1,), (0,), (2500,))]
    path = write_abf(tmp_path / "cell.abf", [CELL], commands, alternating=True)
    middle = [sweep.current_pA[1000] for sweep in read(path).sweeps]
    assert middle == [0, -10, 100, -10]


@pytest.mark.parametrize("mode", [1, 2, 3, 4])
def test_epochs_are_played_in_episodic_recordings_only(tmp_path: Path, mode: int) -> None:
    path = write_abf(tmp_path / "cell.abf", [CELL], [Command("pA", **STEPS)], operation_mode=mode)
    assert refusal(path).reason in ("no-current", "file")


@pytest.mark.parametrize(
    ("unit", "what"),
    [("um", "a length"), ("mmHg", "a pressure"), ("deg C", "a temperature"), ("mN", "a force")],
)
def test_a_command_that_is_no_current(tmp_path: Path, unit: str, what: str) -> None:
    """To say "pA" would be wrong advice."""
    command = Command(unit, **STEPS, name="piezo")
    error = refusal(write_abf(tmp_path / "cell.abf", [CELL], [command]))
    assert error.reason == "no-current"
    assert what in error.wrong
    assert "'piezo'" in error.wrong
    assert "pA" not in error.remedy
    channels = [CELL, Channel("Im", "pA", AMPS)]
    _same_curve(read(write_abf(tmp_path / "both.abf", channels, [command])), atol=0.1)
    both = [command, Command("pA", **STEPS)]
    _same_curve(read(write_abf(tmp_path / "second.abf", [CELL], both)))


def test_a_unit_that_is_none(tmp_path: Path) -> None:
    path = write_abf(tmp_path / "cell.abf", [CELL], [Command("", **STEPS)])
    assert refusal(path).reason == "units"
    _same_curve(read(path, current_unit="pA"))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"current_unit": "mV"}, ("'mV', is not one of ampere", 'current_unit="pA", or none')),
        ({"voltage_unit": "ell"}, ("'ell', is not one of volt", 'voltage_unit="mV", or none')),
    ],
)
def test_a_unit_that_was_given_is_not_to_be_corrected_in_the_file(
    tmp_path: Path, given: dict[str, str], told: tuple[str, str]
) -> None:
    path = write_abf(tmp_path / "cell.abf", [CELL], [Command("pA", **STEPS)])
    error = refusal(path, **given)
    assert error.reason == "units"
    assert told[0] in error.wrong
    assert told[1] in error.remedy
    assert "correct it in the file" not in str(error)


def test_nanoampere_called_picoampere(tmp_path: Path) -> None:
    path = write_abf(tmp_path / "cell.abf", [CELL], [Command("pA", (0, 0), (0, 0.05), (450, 2500))])
    error = refusal(path)
    assert error.reason == "units"
    assert 'current_unit="nA"' in error.remedy
    assert read(path, current_unit="nA").fi_curve().currents[-1] == pytest.approx(150)


@pytest.mark.parametrize("hiss", [1.0, 0.1], ids=["30 pA", "3 pA"])
def test_noise_on_a_constant_current_is_no_stimulus(tmp_path: Path, hiss: float) -> None:
    for k, commands in enumerate(([], [Command("pA", (0,), (0,), (2500,))])):
        channels = [CELL, Channel("Im", "pA", hiss * HISS)]
        error = refusal(write_abf(tmp_path / f"{k}.abf", channels, commands))
        assert error.reason == "no-step"


def test_a_stimulus_played_from_elsewhere_is_one(tmp_path: Path) -> None:
    slow = np.stack([np.convolve(row, np.ones(100) / 10, "same") for row in 2 * HISS])
    channels = [CELL, Channel("Im", "pA", slow)]
    assert refusal(write_abf(tmp_path / "cell.abf", channels)).reason == "fluctuating"


def test_a_stimulus_file_beside_the_recording(tmp_path: Path) -> None:
    path = write_abf(tmp_path / "cell.abf", [CELL], [Command("pA", **STEPS, source=2)])
    change(path, "256s", 2736, b"D:\\lab\\stair.abf")
    error = refusal(path)
    assert error.reason == "no-current"
    assert "'stair.abf'" in error.wrong
    both = write_abf(
        tmp_path / "both.abf", [CELL, Channel("Im", "pA", AMPS)], [Command("pA", **STEPS, source=2)]
    )
    _same_curve(read(both), atol=0.1)
    # Each sweep gets its own sweep of it.
    write_abf(tmp_path / "Stair.abf", [Channel("I", "pA", AMPS)])
    _same_curve(read(path), atol=0.1)
    # The protocol may scale it: pyABF's example 171116sh_0015.abf plays 0.25 of it less 70.
    change(path, "f", 2708, 0.5)
    change(path, "f", 2716, -15.0)
    curve = read(path).fi_curve()
    np.testing.assert_allclose(curve.current_pA, [0, 25, 50, 75], atol=0.1)
    assert curve.provenance["holding_pA"] == pytest.approx(-15, abs=0.1)
    # Or play one and the same sweep of it.
    change(path, "i", 2724, 3)
    assert read(path).sweeps[0].current_pA[1000] == pytest.approx(35, abs=0.1)


# --------------------------------------------------------------------------------- which channel


def test_a_flat_channel_is_not_the_cell(tmp_path: Path) -> None:
    channels = [Channel("IN 0", "mV", FLAT), Channel("IN 1", "mV", VOLTS)]
    cell = read(write_abf(tmp_path / "cell.abf", channels, [Command("mV"), Command("pA", **STEPS)]))
    _same_curve(cell)
    assert "'IN 0' is flat" in repr(cell)
    assert "'IN 1'" in cell.fi_curve().provenance["channel"]


def test_two_cells_are_asked_about(tmp_path: Path) -> None:
    quiet = -70 + 3 * np.cumsum(FLAT, axis=1) / 10
    channels = [Channel("IN 0", "mV", VOLTS), Channel("IN 1", "mV", quiet)]
    path = write_abf(tmp_path / "cell.abf", channels, [Command("pA", **STEPS)])
    error = refusal(path)
    assert error.reason == "choice"
    assert "'IN 0' -7" in error.wrong
    assert 'voltage="..."' in error.remedy
    _same_curve(read(path, voltage="IN 0"))
    # The current went through the other cell's output.
    error = refusal(path, voltage="IN 1")
    assert error.reason == "choice"
    named = path.with_name("named.abf")
    write_abf(named, channels, [Command("pA", **STEPS, name="Cmd 0")])
    assert 'current="Cmd 0"' in refusal(named, voltage="IN 1").remedy
    assert read(named, voltage="IN 1", current="Cmd 0").steps[-1].current_pA == 150


def test_a_recorded_current_beside_two_cells_is_asked_about(tmp_path: Path) -> None:
    """It was taken for the current of whichever cell was named."""
    quiet = -70 + 3 * np.cumsum(FLAT, axis=1) / 10
    channels = [CELL, Channel("Vm 2", "mV", quiet), Channel("Im", "pA", AMPS)]
    path = write_abf(tmp_path / "cell.abf", channels)
    for name in ("Vm", "Vm 2"):
        error = refusal(path, voltage=name)
        assert error.reason == "choice"
        assert 'current="Im"' in error.remedy
    _same_curve(read(path, voltage="Vm", current="Im"), atol=0.1)
    flat = write_abf(
        tmp_path / "flat.abf", [CELL, Channel("Vm 2", "mV", FLAT), Channel("Im", "pA", AMPS)]
    )
    _same_curve(read(flat, voltage="Vm"), atol=0.1)


@pytest.mark.parametrize("varied", [7, 9, 10])
def test_a_user_list_of_what_lies_between_sweeps(tmp_path: Path, varied: int) -> None:
    command = Command("pA", **STEPS, user_list=True)
    path = write_abf(tmp_path / "cell.abf", [CELL], [command])
    assert refusal(path).reason == "no-current"
    _same_curve(read(change(path, "h", 3368, varied)))


def test_two_recorded_currents_are_asked_about(tmp_path: Path) -> None:
    channels = [CELL, Channel("I 1", "pA", AMPS), Channel("I 2", "pA", FLAT)]
    path = write_abf(tmp_path / "cell.abf", channels)
    error = refusal(path)
    assert error.reason == "choice"
    assert 'current="I 1"' in error.remedy
    _same_curve(read(path, current="I 1"), atol=0.1)


# --------------------------------------------------------------------------------- voltage clamp

CLAMPED = Channel("IN 0", "pA", 300 + AMPS)


@pytest.mark.parametrize(
    ("channels", "commands", "rate"),
    [
        ([CLAMPED], [], 5000),
        ([CLAMPED, Channel("copy", "mV", AMPS)], [Command("mV", **STEPS)], 5000),
        ([CLAMPED, Channel("copy", "mV", VOLTS)], [Command("mV", **STEPS)], 2000),
        ([CLAMPED, CELL, Channel("Vm 2", "mV", VOLTS)], [Command("mV", **STEPS)], 5000),
        ([Channel("IN 0", "pA", AMPS, mode=0), CELL], [], 5000),
        ([CELL], [Command("mV", **STEPS)], 5000),
    ],
    ids=["only current", "copy of the command", "slow", "two potentials", "amplifier", "command"],
)
def test_voltage_clamp_is_named_first(
    tmp_path: Path, channels: list[Channel], commands: list[Command], rate: float
) -> None:
    path = write_abf(tmp_path / "cell.abf", channels, commands, rate_Hz=rate)
    assert refusal(path).reason == "voltage-clamp"


@pytest.mark.parametrize(
    ("channels", "commands"),
    [
        ([CLAMPED, CELL], [Command("mV", **STEPS), Command("pA", **STEPS)]),
        ([Channel("I", "pA", AMPS, mode=0), Channel("Vm", "mV", VOLTS, mode=1)], []),
        ([Channel("I", "pA", AMPS), CELL], [Command("mV")]),
        # An Axopatch 200B says 0, whatever it does.
        ([Channel("I", "pA", AMPS, mode=0, amplifier=15), CELL], [Command("mV")]),
    ],
    ids=["a pair of cells", "amplifier", "an output that is off", "an amplifier without a mode"],
)
def test_current_clamp_is_not_taken_for_it(
    tmp_path: Path, channels: list[Channel], commands: list[Command]
) -> None:
    path = write_abf(tmp_path / "cell.abf", channels, commands)
    options = {"current": "I"} if channels[0].mode == 0 and channels[0].amplifier == 24 else {}
    _same_curve(read(path, **options), atol=0.1)


def test_a_potential_labelled_as_current(tmp_path: Path) -> None:
    """As in pyABF's example opto_aps_bad_units.abf."""
    channel = Channel("IN 0", "pA", VOLTS)
    path = write_abf(tmp_path / "cell.abf", [channel], [Command("pA", **STEPS)])
    told = write_abf(tmp_path / "told.abf", [Channel("IN 0", "pA", VOLTS, mode=1)])
    assert refusal(told).reason == "units"
    error = refusal(path)
    assert error.reason == "units"
    assert 'voltage="IN 0", voltage_unit="mV"' in error.remedy
    _same_curve(read(path, voltage="IN 0", voltage_unit="mV"))


# ----------------------------------------------------------------------------------- other files


def test_without_any_current(tmp_path: Path) -> None:
    error = refusal(write_abf(tmp_path / "cell.abf", [CELL]))
    assert error.reason == "no-current"
    assert "waveform" in error.remedy


def test_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "cell.abf"
    path.write_bytes(b"PK\x03\x04" + bytes(2000))
    assert refusal(path).reason == "file"
