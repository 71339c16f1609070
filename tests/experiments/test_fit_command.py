"""`neurosim fit`: a neuron from a recording, its report, its figure and its numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bridge.fit.neuron_families import family_of
from bridge.fit_peers.known_truth import drawn_truth, recording_of
from experiments.command.main import app
from neurosim.errors import ParameterError, UnknownNameError


def _fit(*words: str | Path):
    return CliRunner().invoke(app, ["fit", *map(str, words)])


def test_what_cannot_be_fitted_is_refused_before_the_file_is_read(tmp_path: Path) -> None:
    result = _fit(tmp_path / "none.csv", "--family", "izhikevich")
    assert isinstance(result.exception, UnknownNameError)
    result = _fit(tmp_path / "none.csv", "--window", "0:0.5")
    assert isinstance(result.exception, ParameterError)
    assert "whole steps" in str(result.exception)


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
