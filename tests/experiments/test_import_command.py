"""`neurosim import`: a MOD file as Python, a folder as a table, mistakes in one line."""

from __future__ import annotations

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
