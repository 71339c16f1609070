"""What an error tells a user to type can be typed: in Python, and at the shell."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from recording_files import Channel, Command, write_abf, write_atf
from typer.testing import CliRunner

import bridge.recordings
from bridge.counts.curve import FICurve
from bridge.equivalent.find_unit import equivalent_unit
from bridge.errors import CurveError
from bridge.recordings import CellRecording, made_recording, read
from experiments.command.main import app
from neurosim import LIF
from neurosim.errors import NeurosimError, ParameterError, UnknownNameError

CELL = made_recording([0, 60, 120, 180], [0, 3, 8, 12], sampling_rate_Hz=5000)
VOLTS, AMPS = ("IN 0", "mV", "voltage_mV"), ("I com", "pA", "current_pA")
FOLDER = Path(bridge.recordings.__file__).parent
NAMED = re.compile(r"(?<!\w)([a-z][a-z_]*)=\"")


def _messages() -> Iterator[tuple[str, str]]:
    """Every text in the readers that is no docstring, with the file it stands in."""
    for path in sorted(FOLDER.rglob("*.py")):
        tree = ast.parse(path.read_text())
        docs = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if text and id(node) not in docs:
                yield path.name, node.value


def test_every_option_that_an_error_names_exists() -> None:
    root = typer.main.get_command(app)
    shell = {
        name: {option for parameter in root.commands[name].params for option in parameter.opts}
        for name in ("unit", "atlas")
    }
    python = set(inspect.signature(read).parameters)
    python |= set(inspect.signature(CellRecording.fi_curve).parameters)
    seen = set()
    for place, text in _messages():
        for option in NAMED.findall(text):
            assert option in python, f"{place}: {text}"
            for command, options in shell.items():
                typed = f"--{option.replace('_', '-')}"
                assert typed in options, f"{place}: neurosim {command} does not take {typed}"
            seen.add(option)
    assert seen == {"voltage", "current", "voltage_unit", "current_unit"}
    for options in shell.values():
        assert {"--unit", "--step", "--window", "--trial"} <= options


def test_remedies_typed_at_the_shell(tmp_path: Path) -> None:
    signals = [VOLTS, AMPS, ("IN 2", "mV", "voltage_mV"), ("no unit", "", "current_pA")]
    path = str(write_atf(tmp_path / "cell.atf", CELL, signals))

    def call(*words: str) -> str:
        done = CliRunner().invoke(app, ["unit", path, "--intervals", "none", *words])
        if isinstance(done.exception, NeurosimError):
            return str(done.exception)
        assert done.exit_code == 0, done.output
        return done.output

    assert 'voltage="..."' in call()
    assert "stands for this neuron" in call("--voltage", "IN 2")
    assert "between 0 and 0.5" in call("--voltage", "IN 2", "--window", "0.1:7")
    assert "FROM:TO" in call("--window", "half")
    assert "there is no step 7" in call("--voltage", "IN 2", "--step", "7")
    assert "choose one of 0" in call("--voltage", "IN 2", "--trial", "3")
    assert "no unit is told" in call("--voltage", "IN 2", "--current", "no unit", "--unit", "mV")
    said = call("--voltage", "IN 2", "--current", "no unit", "--unit", "pA", "--step", "1")
    assert "stands for this neuron" in said
    assert "a unit of volt or ampere" in call("--unit", "um")
    assert "goes with a reconstruction" in call("--tree", "1")
    assert "goes with equations" in call("--start", "-70mV")


def test_a_model_is_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "LIF").write_text("a file of that name")
    for option in ("--voltage", "--current"):
        done = CliRunner().invoke(app, ["unit", "LIF", option, "IN 0"])
        assert "a recording; 'LIF' is none" in str(done.exception)


def test_an_atlas_takes_the_same_for_all(tmp_path: Path) -> None:
    folder = tmp_path / "cells"
    folder.mkdir()
    write_atf(folder / "one.atf", CELL, [VOLTS, AMPS, ("IN 2", "mV", "voltage_mV")])

    def call(*words: str) -> str:
        words = ("atlas", str(folder), "--out", str(tmp_path / "out"), "--no-cards", *words)
        return CliRunner().invoke(app, list(words)).output

    assert "not used: one.atf" in call()
    # Kept answers were given without it.
    assert "1 cells" in call("--voltage", "IN 2")
    assert "1 cells" in call("--voltage", "IN 2")
    assert "not used: one.atf" in call("--voltage", "IN 7")


def test_settings_of_a_recording(tmp_path: Path) -> None:
    quick = {"intervals": None, "adaptation": False}
    volts = CELL.sweeps[0].voltage_mV[None].repeat(2, axis=0)
    path = write_abf(tmp_path / "cell.abf", [Channel("Vm", "mV", volts)], [Command("pA")])
    with pytest.raises(UnknownNameError, match="did you mean 'voltage'"):
        equivalent_unit(path, recording={"volts": "Vm"})
    counts = FICurve([0, 0, 60, 60, 120, 120], [0, 0, 3, 4, 8, 9], 0.5, [0, 1, 0, 1, 0, 1])
    with pytest.raises(ParameterError, match="counts are no recording; leave out step"):
        equivalent_unit(counts, recording={"step": 1}, **quick)
    one = equivalent_unit(counts, recording={"trial": 1}, **quick)
    assert one.selection.curve.count.tolist() == [0, 4, 9]
    with pytest.raises(CurveError, match="choose one of 0, 1"):
        equivalent_unit(counts, recording={"trial": 2}, **quick)
    with pytest.raises(ParameterError, match="this recording has been read"):
        equivalent_unit(CELL, recording={"voltage": "IN 0"}, **quick)
    with pytest.raises(ParameterError, match="a model is no recording"):
        equivalent_unit(LIF(), recording={"step": 1}, **quick)
    twice = made_recording([0, 60, 120, 0, 60, 120], [0, 3, 8, 0, 4, 9])
    found = equivalent_unit(twice, recording={"trial": 1, "window": (0, 0.3)}, **quick)
    assert found.selection.curve.provenance["window_from_step_s"] == [0, 0.3]
    assert len(found.selection.curve) == len(found.responses.trains) == 3
    assert len(found.responses.trains[-1]) == 9


def test_a_trace_with_a_mistake_is_not_taken_for_counts(tmp_path: Path) -> None:
    """The error of the trace holds the remedy; that of the counts was shown."""
    path = write_atf(
        tmp_path / "cell.txt", CELL, [VOLTS, AMPS, ("", "mV", "voltage_mV")], header=False
    )
    with pytest.raises(NeurosimError, match=r'voltage="\.\.\."'):
        equivalent_unit(path)
