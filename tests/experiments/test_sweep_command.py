"""`neurosim sweep`: from a file to a store, and what is asked of the store."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("zarr", reason="needs the extra 'sweep'")

from brian2 import ms, pA
from commands import Commands

from experiments.sweep.rows.axes import Between
from experiments.sweep.sweep_file import read_sweep_file
from neurosim.errors import ParameterError, UnitError, UnknownNameError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sweeps.md"
SMALL = """
seed = 3
measure = "count"
[run]
neuron = {model = "LIF", t_ref = "1 ms"}
duration = "100 ms"
[grid.axes]
tau_m = ["10 ms", "20 ms"]
current = {from = "100 pA", to = "300 pA", count = 5}
"""


@pytest.fixture(scope="module")
def neurosim(tmp_path_factory):
    """The command, forked from one process that has imported what a sweep needs."""
    also = "import xarray, zarr, dask.array, experiments.sweep.stored_rows as _"
    commands = Commands(tmp_path_factory.mktemp("sweeps"), also)
    yield commands.run
    commands.close()


def test_the_file_of_the_page_is_a_sweep(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.S)
    (tmp_path / "lif.toml").write_text(text)
    told = read_sweep_file(tmp_path / "lif.toml")
    assert told.grid.shape == (3, 31, 20)
    assert told.seed == 1
    assert set(told.description.stimulus.components()) == {"constant", "ornstein_uhlenbeck"}


def test_files_say_where_they_are_wrong(tmp_path):
    file = tmp_path / "a.toml"
    for old, new, error, said in [
        ('"LIF"', '"LIV"', UnknownNameError, "run.neuron.*LIF"),
        ("t_ref", "t_reff", UnknownNameError, "t_ref"),
        ('"100 ms"', '"100 mV"', UnitError, "run.duration"),
        ("count = 5", "counts = 5", UnknownNameError, "count"),
        ('"20 ms"', '"20 parsec"', UnitError, "parsec"),
        ("measure", "measures", UnknownNameError, "measure"),
        ("[grid.axes]", '[grid]\nkind = "sobol"\n[grid.axes]', ParameterError, "rows"),
        ("seed = 3", "seed = ", ParameterError, "no TOML"),
        ("count = 5", 'count = "x"', ParameterError, "count"),
        ('duration = "100 ms"', "duration = 100", ParameterError, "run.duration must be a text"),
        ('"1 ms"}', '"1 ms"}\nstimulus = []', ParameterError, "run.stimulus: the list is empty"),
        ('{model = "LIF", t_ref = "1 ms"}', "3", ParameterError, "run.neuron must be a table"),
        ("[grid.axes]", '[grid]\nkind = "sobol"\nrows = "x"\n[grid.axes]', ParameterError, "rows"),
        ("[grid.axes]", "[grid]\nwhere = 3\n[grid.axes]", ParameterError, "where must be a text"),
        ("[grid.axes]", "[grid]\nkind = [1]\n[grid.axes]", ParameterError, "kind must be a text"),
        ("count = 5", 'count = 5, log = "no"', ParameterError, "log must be true or false"),
        ('"100 pA", to', '"0 pA", log = true, to', ParameterError, "ends above 0"),
        ("count = 5", "repeats = 5", UnknownNameError, "an axis of repeats has no 'from'"),
        ('duration = "100 ms"', 'duration = "1 s"\nscheme = "a"', UnknownNameError, "crank"),
        ('duration = "100 ms"', 'duration = "1 s"\ndt = "1 mV"', UnitError, "run.dt"),
    ]:
        file.write_text(SMALL.replace(old, new))
        with pytest.raises(error, match=said):
            read_sweep_file(file)
    with pytest.raises(ParameterError, match="no such file"):
        read_sweep_file(tmp_path / "b.toml")
    (tmp_path / "c.py").write_text("description = 1\n")
    with pytest.raises(ParameterError, match="must define grid"):
        read_sweep_file(tmp_path / "c.py")
    (tmp_path / "d.py").write_text("description = (\n")
    with pytest.raises(ParameterError, match=r"d\.py: the file fails with SyntaxError"):
        read_sweep_file(tmp_path / "d.py")


def test_ranges_and_labels(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text(
        'measure = "count"\n[run]\nduration = "1 s"\n'
        'neuron = {slow = {model = "LIF", tau_m = "30 ms"}, fast = "AdEx"}\n'
        '[grid]\nkind = "random"\nrows = 4\nwhere = "neuron == slow"\n[grid.axes]\n'
        'neuron = ["slow", "fast"]\ncurrent = {from = "1 pA", to = "9 pA", log = true}\n'
    )
    told = read_sweep_file(file)
    axes = {axis.name: axis for axis in told.grid.axes}
    assert axes["current"].log
    assert axes["current"].high == float(9 * pA)
    assert axes["neuron"].values.tolist() == ["slow", "fast"]
    assert told.description.neuron["slow"].tau_m == 30 * ms
    assert 0 < len(told.grid.selected) < 4
    assert Between(1 * pA, 9 * pA, log=True).low == 1 * pA


def test_the_command_from_start_to_table(neurosim, tmp_path):
    file = tmp_path / "lif.toml"
    file.write_text(SMALL)
    half = neurosim("sweep", "lif.toml", "--where", "tau_m < 15ms", "--jobs", 1, cwd=tmp_path)
    assert half.returncode == 0, half.stderr
    assert "5 of 5 rows" in half.stderr
    refused = neurosim("sweep", "lif.toml", cwd=tmp_path)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    whole = neurosim("sweep", "lif.toml", "--resume", "--jobs", 1, cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    assert "count" in whole.stdout
    told = neurosim("sweep", "lif.toml", "--status", cwd=tmp_path)
    assert "10 of 10 rows are computed (2 of 2 chunks)." in told.stdout
    checked = neurosim("sweep", "lif.toml", "--verify", 4, cwd=tmp_path)
    assert checked.stdout == ("4 rows, each computed alone, agree with the store (bit for bit).\n")
    written = neurosim("sweep", "lif.toml", "--export", "a.parquet", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert (tmp_path / "a.parquet").is_file()
    page = neurosim("sweep", "lif.toml", "--report", "page.html", cwd=tmp_path)
    assert page.returncode == 0, page.stderr
    assert "10 of 10 rows" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_script_for_slurm_runs_its_parts(neurosim, tmp_path):
    file = tmp_path / "lif.toml"
    file.write_text(SMALL + "\n")
    script = neurosim("sweep", "lif.toml", "--slurm", 2, cwd=tmp_path).stdout
    assert "#SBATCH --array=0-1" in script
    program = f"{sys.executable} -m experiments.command.main"
    script = script.replace("\nneurosim ", f"\n{program} ")
    by_slurm = subprocess.run(
        ["sh", "-c", script],
        env=os.environ | {"SLURM_ARRAY_TASK_ID": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert by_slurm.returncode == 0, by_slurm.stderr
    other = neurosim("sweep", "lif.toml", "--part", "1/2", cwd=tmp_path)
    assert other.returncode == 0, other.stderr
    told = neurosim("sweep", "lif.toml", "--status", cwd=tmp_path)
    assert "10 of 10 rows are computed" in told.stdout
