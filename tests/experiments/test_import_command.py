"""`neurosim import`: a MOD file as Python, a folder as a table, mistakes in one line."""

from __future__ import annotations

import pytest

from tests.neurosim.allen_texts import all_active, perisomatic, write_model

MOD = """NEURON { SUFFIX leaky NONSPECIFIC_CURRENT i RANGE g0, e }
PARAMETER { g0 = 3e-4 (S/cm2) e = -65 (mV) }
ASSIGNED { v (mV) i (mA/cm2) }
BREAKPOINT { i = g0*(v - e) }
"""


def test_a_file_becomes_python_that_its_user_owns(commands, tmp_path):
    source, out = tmp_path / "leaky.mod", tmp_path / "leaky.py"
    source.write_text(MOD)
    done = commands.run("import", str(source), "--out", str(out))
    assert done.returncode == 0, done.stderr
    space: dict = {}
    exec(out.read_text(), space)
    assert space["Leaky"]().ion is None
    shown = commands.run("import", str(source))
    assert "class Leaky(Channel):" in shown.stdout


def test_a_folder_is_a_table_of_what_comes_in(commands, tmp_path):
    (tmp_path / "leaky.mod").write_text(MOD)
    (tmp_path / "bad.mod").write_text(MOD + "VERBATIM\nx();\nENDVERBATIM\n")
    done = commands.run("import", str(tmp_path))
    assert "1 of 2 files come in" in done.stdout
    assert "line 5: VERBATIM" in done.stdout


def test_a_refusal_is_one_line(commands, tmp_path):
    (tmp_path / "bad.mod").write_text(MOD + 'INCLUDE "other.inc"\n')
    done = commands.run("import", str(tmp_path / "bad.mod"))
    assert done.returncode == 2
    assert "line 5: INCLUDE: no other file is opened" in done.stderr


def test_a_model_of_the_allen_institute_is_told_with_its_rules(commands, tmp_path):
    folder = write_model(tmp_path / "model", all_active())
    done = commands.run("import", str(folder))
    assert done.returncode == 0, done.stderr
    assert "all active, 34 °C, from -78.25 mV" in done.stdout
    assert "The axon is two pieces of 30 um, 1.37 and 0.9 um thick, at the end of" in done.stdout
    assert "Add 14 mV to its potential" in done.stdout
    stub = commands.run("import", str(folder / "fit_parameters.json"), "--axon", "stub")
    assert "1 and 1 um thick, at the middle of the soma" in stub.stdout


def test_options_of_a_model_go_with_a_model(commands, tmp_path):
    (tmp_path / "leaky.mod").write_text(MOD)
    done = commands.run("import", str(tmp_path / "leaky.mod"), "--axon", "stub")
    assert done.returncode == 2
    assert "--swc, --mod and --axon go with a model of the Allen Institute" in done.stderr
    folder = write_model(tmp_path / "model", all_active())
    done = commands.run("import", str(folder), "--mod", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert "there is no folder" in done.stderr


@pytest.mark.slow
def test_a_model_of_the_allen_institute_has_a_unit(commands, tmp_path):
    folder = write_model(tmp_path / "model", perisomatic())
    done = commands.run(
        "unit", str(folder), "--currents", "0:500:100", "--trials", "1", "--intervals", "none"
    )
    assert "model" in done.stdout, done.stderr
    assert done.returncode in (0, 1)
