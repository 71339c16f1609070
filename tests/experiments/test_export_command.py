"""`neurosim export`: what it writes, and what it says to a wrong word."""

from __future__ import annotations

from typer.testing import CliRunner

from experiments.command.main import app
from neurosim.errors import UnknownNameError


def export(*words: object):
    return CliRunner().invoke(app, ["export", *map(str, words)])


def test_it_writes_a_cell_of_the_catalogue(tmp_path):
    done = export("textbook_neuron", "--out", tmp_path / "cell")
    assert done.exit_code == 0, done.output
    assert "nothing is lost" in done.output
    assert "nrnivmodl mod" in done.output
    assert sorted(path.name for path in (tmp_path / "cell").iterdir()) == [
        "cell.json",
        "cell.py",
        "mod",
    ]


def test_it_writes_a_cell_for_arbor(tmp_path):
    done = export("textbook_neuron", "--to", "arbor", "--out", tmp_path / "cell")
    assert done.exit_code == 0, done.output
    assert "nothing is lost" in done.output
    assert "arbor-build-catalogue cell mod" in done.output
    assert "arbor.cable_cell" in (tmp_path / "cell" / "cell.py").read_text()


def test_it_offers_the_nearest_name(tmp_path):
    done = export("textbok_neuron", "--out", tmp_path / "cell")
    assert isinstance(done.exception, UnknownNameError)
    assert "did you mean 'textbook_neuron'?" in str(done.exception)


def test_it_says_what_has_no_shape_or_no_such_program(tmp_path):
    assert "no single neuron" in str(export("textbook_lif", "--out", tmp_path / "a").exception)
    asked = export("textbook_neuron", "--to", "genesis", "--out", tmp_path / "b")
    assert "choose neuron" in str(asked.exception)
    assert not list(tmp_path.iterdir())
