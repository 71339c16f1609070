"""`neurosim recording`: what files are read as, and whether two readers agree."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from bridge.recordings import made_recording
from experiments.command.main import app


def said(*words):
    result = CliRunner().invoke(app, ["recording", *map(str, words)])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def table(tmp_path):
    """Write a cell that fires 2 and 5 spikes, its current in pA."""
    cell = made_recording([0, 50, 90], [0, 2, 5], sampling_rate_Hz=5000)
    parts = [
        pd.DataFrame(
            {
                "sweep": sweep.number,
                "time_s": sweep.time_s,
                "voltage_mV": sweep.voltage_mV,
                "current_pA": sweep.current_pA,
            }
        )
        for sweep in cell.sweeps
    ]
    path = tmp_path / "cell.csv"
    pd.concat(parts).to_csv(path, index=False)
    return path


def test_a_recording_and_a_refusal(table):
    status, words = said(table, "--check")
    assert status == 0
    assert "3 sweeps of 0.7 s, 5 kHz; spikes at pA: 0 at 0, 2 at 50, 5 at" in words
    assert "0 of 1 refused" in words
    sound = table.with_suffix(".wav")
    sound.write_bytes(b"RIFF")
    status, words = said(table, sound)
    assert status == 2
    assert "3 sweeps of 0.7 s" in words
    assert "refused (format)" in words
    status, words = said(table, sound, "--check")
    assert status == 2
    assert "1 of 2 refused" in words


def test_options_are_those_of_a_recording(table):
    status, words = said(table, "--current-unit", "2pA", "--window", "0:0.25")
    assert status == 0
    assert "0 at 0, 1 at 100" in words


def test_the_readers_of_a_real_cell_agree(shared_data):
    pytest.importorskip("pyabf")
    pytest.importorskip("neo")
    status, words = said(shared_data / "recordings" / "18713001.abf", "--check")
    assert status == 0
    assert "30 sweeps of 1.5 s, 20 kHz; spikes at pA:" in words
    assert "agree" in words
    assert "0 of 1 refused" in words
