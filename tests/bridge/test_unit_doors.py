"""`neurosim unit` of a file: judged as the kind of table that it is; options that do not apply."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.equivalent.find_unit import equivalent_unit
from bridge.errors import CurveError
from bridge.recordings import RecordingError, made_recording
from experiments.command.main import app
from neurosim.errors import ParameterError

TRACE = "sweep,time_s,voltage_mV,current_pA\n0,0,-70,0\n0,0.0001,x,0\n0,0.0002,-70,0\n"


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        TRACE,
        TRACE.replace(",0\n", ",0,\n"),
        "Time (s)\tTrace #1 (mV)\tTrace #1 (pA)\n0\tx\t0\n1\t1\t0\n",
        "ATF\t1.0\n0\t3\nTime (s)\tTrace #1 (mV)\tTrace #1 (pA)\n0\tx\t0\n1\t1\t0\n",
        "time_s,voltage_mV,current_pA,spikes\n0,x,0,0\n0.1,1,0,0\n",
        "time_s,current_pA\n0,0\n0.0001,0\n0.0002,0\n",
    ],
)
def test_a_faulty_trace_is_told_as_a_trace(tmp_path: Path, text: str) -> None:
    with pytest.raises(RecordingError):
        equivalent_unit(_write(tmp_path / "trace.txt", text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("current_pA,rate_Hz\n0,0\n50,4\n", "no column 'count'"),
        ("Current (pA),Spikes\n0,0\n50,4\n", "no column 'window_s'"),
        ("spikes,window_s\n0,1\n4,1\n", "no column 'current_pA'"),
        ("Current_pA,Count,Window_s,v_rest_mV\n0,0,1,-70\n50,x,1,-70\n", "'x' is not a number"),
        ("nothing\n1\n2\n", "no column 'current_pA'"),
    ],
)
def test_faulty_counts_are_told_as_counts(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CurveError) as caught:
        equivalent_unit(_write(tmp_path / "counts.csv", text))
    assert told in str(caught.value)


def test_options_of_a_model_are_refused_with_a_file(tmp_path: Path) -> None:
    counts = _write(tmp_path / "k.csv", "current_pA,count,window_s\n0,0,1\n50,4,1\n100,9,1\n")
    for words in (["--trials", "4"], ["--frozen"]):
        done = CliRunner().invoke(app, ["unit", str(counts), *words])
        assert isinstance(done.exception, ParameterError), done.output
        assert words[0].strip("-") in str(done.exception)
    cell = made_recording([0, 60, 120], [0, 3, 8], sampling_rate_Hz=5000)
    with pytest.raises(ParameterError, match="trials"):
        equivalent_unit(cell, trials=4)
