"""`neurosim fit`: a neuron from a recording, its report, its figure and its numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bridge.fit.neuron_families import family_of
from bridge.fit_peers.known_truth import drawn_truth, recording_of
from bridge.recordings.errors import RecordingError
from experiments.command.console import say_error
from experiments.command.main import app
from experiments.command.options import as_flags
from neurosim.errors import UnknownNameError


def _fit(*words: str | Path):
    return CliRunner().invoke(app, ["fit", *map(str, words)])


def test_what_cannot_be_fitted_is_refused_before_the_file_is_read(tmp_path: Path) -> None:
    result = _fit(tmp_path / "none.csv", "--family", "izhikevich")
    assert isinstance(result.exception, UnknownNameError)
    # Whole steps are fitted: what counts spikes in a part of them is no option here.
    for option, value in (("--window", "0:0.5"), ("--trial", "0")):
        result = _fit(tmp_path / "none.csv", option, value)
        assert result.exit_code == 2
        assert f"No such option: {option}" in result.output


def test_a_refusal_names_the_flag_that_answers_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "two.csv"
    file.write_text(
        "sweep,time_s,voltage_mV,voltage_mV_2,current_pA\n"
        + "".join(
            f"0,{k / 1000:.3f},{-65 + 5 * np.sin(k / 9):.3f},{-60 + 4 * np.sin(k / 7):.3f},"
            f"{100 * (200 < k < 700)}\n"
            for k in range(1000)
        )
    )
    result = _fit(file)
    assert isinstance(result.exception, RecordingError)
    assert 'voltage="' in str(result.exception)
    say_error(result.exception)
    said = capsys.readouterr().err
    assert '--voltage "' in said
    assert "voltage=" not in said


def test_the_resistance_of_the_electrode_reaches_the_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "one.csv"
    rows = (
        f"0,{k / 4000:.5f},{-65 + np.sin(k / 9):.3f},{100 * (200 < k < 700)}" for k in range(1000)
    )
    file.write_text("sweep,time_s,voltage_mV,current_pA\n" + "\n".join(rows) + "\n")
    given = []

    def fit(*_: object, series_Mohm: object, **__: object) -> str:
        given.append(series_Mohm)
        return "fitted"

    monkeypatch.setattr("bridge.fit.fit_neuron.fit_neuron", fit)
    for words in ((), ("--series", "seen"), ("--series", "-12.5")):
        assert _fit(file, *words).exit_code == 0
    assert given == [None, "seen", -12.5]
    wrong = _fit(file, "--series", "12M")
    assert wrong.exit_code == 2
    assert "a number of Mohm" in wrong.output


@pytest.mark.parametrize(
    ("refusal", "flags"),
    [
        ('such as voltage_unit="mV"', 'such as --voltage-unit "mV"'),
        ('current="command" or current="IN 1"', '--current "command" or --current "IN 1"'),
        ('say, pairs={"r": "s"} (--pair r=s), or list it', 'say, --pair "r=s", or list it'),
        ('pairs={"r 1": "..."} (--pair r 1=...)', '--pair "r 1=..."'),
        ("it is no NWB file; leave pairs= out", "it is no NWB file; leave --pair out"),
    ],
)  # fmt: skip
def test_options_of_python_are_said_as_flags(refusal: str, flags: str) -> None:
    assert as_flags(refusal) == flags


@pytest.mark.slow
def test_a_fit_is_printed_drawn_and_written(tmp_path: Path) -> None:
    family = family_of("hh1")
    cell = recording_of(family, drawn_truth(family, 2), step_ms=100.0, seed=2)
    rows = ["sweep,time_s,voltage_mV,current_pA"]
    for sweep in cell.sweeps:
        columns = zip(sweep.time_s, sweep.voltage_mV, sweep.current_pA, strict=True)
        rows += [f"{sweep.number},{t:.6f},{v:.4f},{i:.4f}" for t, v, i in columns]
    file = tmp_path / "made.csv"
    file.write_text("\n".join(rows) + "\n")
    result = _fit(file, "--family", "hh1", "--starts", "1", "--out", tmp_path / "found")
    assert result.exit_code == 0, result.output
    assert "Held-out steps" in result.output
    written = {path.name for path in (tmp_path / "found").iterdir()}
    assert written == {"made_hh1.png", "made_hh1.txt", "made_hh1.json"}
    numbers = json.loads((tmp_path / "found" / "made_hh1.json").read_text())
    assert set(numbers["parameters"]) == set(family.names)
    assert np.isfinite(numbers["misfit"])
    assert (tmp_path / "found" / "made_hh1.txt").read_text() in result.output + "\n"
