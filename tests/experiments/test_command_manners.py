"""What every command does alike: its version, names in any case, short lists, lines of progress."""

from __future__ import annotations

import subprocess
import sys

import pytest

import experiments.command.console as console_module
from experiments.command.console import progress
from experiments.kit.neuron_names import CELLS, MODELS, known_name
from neurosim.errors import suggest


def test_the_version_is_said_without_a_simulator():
    program = (
        "import sys; sys.argv = ['neurosim', '--version']\n"
        "from experiments.command.main import main\n"
        "try:\n    main()\n"
        "finally:\n    assert not {'brian2', 'numpy', 'matplotlib'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    name, number = done.stdout.split()
    assert name == "neurosim"
    assert number[0].isdigit()


@pytest.mark.parametrize("name", [*MODELS, *CELLS])
def test_the_case_of_a_name_is_forgiven(name):
    assert known_name(name.lower()) == known_name(name.upper()) == known_name(name) == name


def test_a_word_that_is_no_name_is_left_alone():
    assert known_name("recording.abf") == ""


def test_a_message_lists_eight_names_and_the_nearest_is_among_them():
    known = [f"part_{k}" for k in range(50)] + ["Threshold"]
    said = suggest("threshld", known)
    assert said.startswith("did you mean 'Threshold'?")
    listed = said.partition("known: ")[2].rstrip(")")
    assert listed.endswith("and 43 more")
    assert listed.count(",") == 7
    assert "Threshold" in listed
    few = suggest("x", ["a", "b"])
    assert few == "known: a, b"


def test_where_there_is_no_terminal_a_long_command_says_how_far_it_is(monkeypatch, capsys):
    clock = iter([0.0, 3.0, 11.0, 12.0, 25.0, 40.0])
    monkeypatch.setattr(console_module.time, "monotonic", lambda: next(clock))
    with progress() as task:
        told = task("f-I curve")
        for share in (0.1, 0.4, 0.5, 0.9, 1.0):
            told(share)
    said = capsys.readouterr().err.splitlines()
    assert said == ["11 s: f-I curve, 40 %", "25 s: f-I curve, 90 %"]


def test_a_result_names_the_version_that_is_installed():
    import neurosim
    from neurosim.run.recording import versions

    assert versions()["neurosim"] == neurosim.__version__ != "not installed"
