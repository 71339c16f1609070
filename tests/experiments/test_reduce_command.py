"""`neurosim reduce` as a user calls it: what it prints, writes, and refuses at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.command.reduce import reduce_command
from neurosim.errors import NeurosimError


def neurosim(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "experiments.command.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_point_neuron_is_reduced_to_a_point_unit(tmp_path):
    out = tmp_path / "lif"
    done = neurosim("reduce", "LIF", "--tolerance", "auc=0.99", "--quick", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "is a point unit of 114 numbers" in done.stdout
    numbers = json.loads((out / "reduction.json").read_text())
    assert numbers["reached"]
    assert numbers["rungs"][0]["test"]["auc"]["value"] > 0.985
    assert numbers["seed"] == 1
    assert (out / "reduction.png").stat().st_size > 10_000


@pytest.mark.slow
def test_firing_rates_of_a_pyramidal_cell_need_branches(tmp_path):
    out = tmp_path / "ca1"
    done = neurosim("reduce", "ca1_pyramidal", "--tolerance", "rate=0.6", "--trials", 90,
                    "--out", out)  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    numbers = json.loads((out / "reduction.json").read_text())
    number, _, two, _ = (f["rate_test"]["value"] for f in numbers["formulas"])
    assert two > number
    assert numbers["drive"]["placements"] == "mixed"


@pytest.mark.slow
def test_an_unknown_cell_is_refused_in_one_line(commands):
    done = commands.run("reduce", "ca1_piramidal")
    assert done.returncode == 2
    assert "did you mean" in done.stderr or "ca1_pyramidal" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"cell": "ca1_piramidal"}, "ca1_pyramidal"),
        ({"cell": "LIF", "tolerance": "auc=1.5"}, "below 1"),
        ({"cell": "LIF", "tolerance": "good"}, "written as auc=0.99"),
        ({"cell": "LIF", "seconds": 5.0}, "record at least 60 s"),
        ({"cell": "LIF", "output_rate": -1.0}, "0.05 to 100 Hz"),
        ({"cell": "LIF", "tolerance": "rate=0.9"}, "one branch"),
        ({"cell": "ca1_pyramidal", "placements": "clusterd"}, "clustered"),
        ({"cell": "ca1_pyramidal", "ampa_ns": -1.0}, "ampa"),
        pytest.param({"cell": "LIF", "current_pa": 1.0}, "never fires", marks=pytest.mark.slow),
        ({"cell": "LIF", "out": Path("/proc/nowhere/else")}, "cannot write"),
    ],
)
def test_bad_input_is_refused_with_the_remedy_before_any_long_run(arguments, said):
    with pytest.raises(NeurosimError, match=said):
        reduce_command(jobs=1, **arguments)
