"""Igor waves of several cells: each voltage with its own current, or a question."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recording_checks import CELL, check_same_curve, refusal
from recording_files import igor_wave

from bridge.recordings import read
from bridge.recordings.errors import RecordingError

pytest.importorskip("igor2")


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Write cells A (Ch0, Ch2), which got the steps in reverse order, and B (Ch1, Ch3)."""
    for k, sweep in enumerate(CELL.sweeps):
        back = CELL.sweeps[-1 - k]
        for channel, values, unit in (
            (0, back.current_pA, "pA"),
            (1, sweep.current_pA, "pA"),
            (2, back.voltage_mV, "mV"),
            (3, sweep.voltage_mV, "mV"),
        ):
            wave = igor_wave("w", values, unit, sweep.sampling_rate_Hz)
            (tmp_path / f"pair_Ch{channel}_{k}.ibw").write_bytes(wave)
    return tmp_path


def test_several_currents_are_asked_about(pair: Path) -> None:
    """The first was taken: cell B had the counts of 0 pA where 150 pA were injected."""
    error = refusal(pair / "pair_Ch3_0.ibw")
    assert error.reason == "choice"
    assert "pair_Ch0_0.ibw, pair_Ch1_0.ibw" in error.wrong
    assert "current= with 'Ch0' or 'Ch1'" in error.remedy
    error = refusal(pair / "pair_Ch1_0.ibw")
    assert "voltage= with 'Ch2' or 'Ch3'" in error.remedy


def test_what_is_said_wins(pair: Path) -> None:
    cell = read(pair / "pair_Ch3_0.ibw", current="Ch1")
    check_same_curve(cell)
    assert len(cell.sweeps) == len(CELL.sweeps)
    check_same_curve(read(pair / "pair_Ch1_2.ibw", voltage="ch_3"))
    check_same_curve(read(sorted(pair.glob("*.ibw")), voltage="Ch3", current="Ch1"))
    other = read(pair / "pair_Ch2_0.ibw", current="Ch0")
    np.testing.assert_allclose(other.sweeps[0].current_pA, CELL.sweeps[-1].current_pA)


def test_what_is_given_wins(pair: Path) -> None:
    files = [pair / f"pair_Ch{c}_{k}.ibw" for k in range(len(CELL.sweeps)) for c in (3, 1)]
    cell = read(files)
    check_same_curve(cell)
    # Each sweep was read twice.
    assert len(cell.sweeps) == len(CELL.sweeps)
    assert len(cell.files) == len(files)


def test_files_of_both_cells_are_asked_about(pair: Path) -> None:
    for channels in ((0, 2, 3), (2, 3, 0), (0, 1, 2, 3)):
        with pytest.raises(RecordingError, match=r"2 waves in (volt|ampere)") as caught:
            read([pair / f"pair_Ch{c}_0.ibw" for c in channels])
        assert caught.value.reason == "choice"


def test_channels_that_are_not_there(pair: Path) -> None:
    error = refusal(pair / "pair_Ch3_0.ibw", current="Ch7")
    assert error.reason == "no-current"
    assert "'Ch7'" in error.wrong
    error = refusal(pair / "pair_Ch3_0.ibw", voltage="Ch2")
    assert error.reason == "choice"
    assert "'Ch2'" in error.wrong


def test_two_files_of_other_names_are_a_pair(pair: Path) -> None:
    v, i = pair / "potential.ibw", pair / "injected.ibw"
    v.write_bytes((pair / "pair_Ch3_4.ibw").read_bytes())
    i.write_bytes((pair / "pair_Ch1_4.ibw").read_bytes())
    np.testing.assert_allclose(read([v, i]).sweeps[0].current_pA, CELL.sweeps[4].current_pA)


def test_a_wave_of_another_quantity_is_not_in_the_way(tmp_path: Path) -> None:
    for k, sweep in enumerate(CELL.sweeps):
        for channel, values, unit in (
            (0, sweep.time_s, "W"), (1, sweep.current_pA, "pA"), (3, sweep.voltage_mV, "mV"),
        ):  # fmt: skip
            wave = igor_wave("w", values, unit, sweep.sampling_rate_Hz)
            (tmp_path / f"Ch{channel}_{k}.ibw").write_bytes(wave)
    check_same_curve(read(tmp_path / "Ch3_0.ibw"))
