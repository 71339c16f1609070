"""`neurosim unit` and `neurosim atlas` at the shell: answers, files, and errors with status 2."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from experiments.command.main import app
from experiments.kit.recorded import recorded_curve
from neurosim.errors import NeurosimError


def call(*words):
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def counts(tmp_path):
    return str(recorded_curve("block").to_csv(tmp_path / "cell.csv"))


@pytest.mark.slow
def test_a_file_gets_its_unit_and_card(counts, tmp_path):
    done = call("unit", counts, "--intervals", "none", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "The block unit stands for this neuron" in done.output
    numbers = json.loads((tmp_path / "out" / "cell.csv.json").read_text())
    assert numbers["selection"]["best"] == "block"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"cell.csv.html", "cell.csv.pdf", "cell.csv.json", "cell.csv-panels"}
    panels = {path.name for path in (tmp_path / "out" / "cell.csv-panels").iterdir()}
    assert panels == {"figure.svg", "figure.png", "f-i-curve.svg", "f-i-curve.png"}


def test_a_refusal_ends_with_status_one(tmp_path):
    path = tmp_path / "silent.csv"
    path.write_text("current_pA,count,window_s\n0,0,1\n50,0,1\n")
    done = call("unit", str(path))
    assert done.exit_code == 1
    assert done.output.count("no spikes up to 50 pA") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["LIFF"], "did you mean 'LIF'"),
        (["nothing.abf"], "no such file"),
        (["LIF", "--noise", "lots"], "is no number with a unit"),
        (["LIF", "--noise", "3 mX"], "no unit is called 'mX'"),
        (["LIF", "--set", "tau_m"], "NAME=VALUE"),
        (["LIF", "--set", "taum=10ms"], "did you mean 'tau_m'"),
        (["LIF", "--set", "tau_m=10mV"], "tau_m"),
        (["LIF", "--currents", "500:0:25"], "TO above FROM"),
        (["LIF", "--currents", "a lot"], "FROM:TO:STEP"),
        (["LIF", "--reset", "v = 0*mV"], "goes with equations"),
        (["LIF", "--intervals", "wide"], "choose profile, bootstrap or none"),
        (["dv/dt = -v/(10*ms) : volt"], "when it spikes"),
    ],
)
def test_mistakes_are_named(words, told):
    done = call("unit", *words)
    # The command's main turns these into one line and status 2.
    assert isinstance(done.exception, NeurosimError), done.output
    assert told in str(done.exception)


def test_an_atlas_of_two_cells(tmp_path):
    folder = tmp_path / "cells"
    folder.mkdir()
    recorded_curve("continuous").to_csv(folder / "good.csv")
    (folder / "bad.csv").write_text("nothing\n")
    done = call("atlas", str(folder), "--out", str(tmp_path / "out"), "--no-cards")
    assert done.exit_code == 0, done.output
    assert "square-root" in done.output
    assert "not used: bad.csv" in done.output
    missing = call("atlas", str(tmp_path / "none"), "--out", str(tmp_path / "out"))
    assert "no folder" in str(missing.exception)


ONSET = ["unit", "AdEx", "--set", "V_T=-75mV", "--intervals", "none", "--currents"]


def test_a_model_that_fires_only_before_counting_is_not_called_silent():
    done = CliRunner().invoke(app, [*ONSET, "0:400:200"])
    assert done.exit_code == 1
    assert "it fires only at the onset of a step (until 98.2 ms), before spikes are" in done.output
    assert "count from the onset on (--window 0:1.2)" in done.output
    # The advice is of use.
    done = CliRunner().invoke(app, [*ONSET, "0:400:100", "--window", "0:0.1"])
    assert "no spikes" not in done.output
    assert "unit stands for this" in done.output
    # A cell that is silent throughout is told as before.
    done = CliRunner().invoke(app, ["unit", "LIF", "--currents", "0:20:10"])
    assert "no spikes up to 20 pA; measure at larger currents" in done.output


def test_the_window_of_a_model_is_checked():
    done = CliRunner().invoke(app, [*ONSET, "0:400:200", "--window", "0.5:0.2"])
    assert "--window '0.5:0.2': of a model it begins at 0 or later" in str(done.exception)
