"""The explorer of a wheel: the neurons that a release packs reach readers without a compiler."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("neurosim", "ann", "bridge", "experiments")
BESIDE = ("pyproject.toml", "README.md", "LICENSE")
# One neuron of the explorer stands for all of them: each takes half a minute to compile.
_PACK = """
from experiments.explore import neuron_kernels
from experiments.explore.packed_neurons import pack_neurons
neuron_kernels.NEURONS = {"LIF": neuron_kernels.NEURONS["LIF"]}
print(pack_neurons())
"""
# As `neurosim explore --no-open` where ziglang was never installed.
_EXPLORE = """
import sys
from neurosim.engine.programs import wasm
def absent(name):
    raise wasm.PackageNotFoundError(name)
wasm.version = absent
from experiments.command.main import main
sys.argv = ["neurosim", "explore", "--no-open", "--out", "page.html"]
main()
"""


def python(words, folder, packages):
    """Run Python in a folder with the packages of another, and return what it printed."""
    around = os.environ | {"PYTHONPATH": os.pathsep.join([str(packages), *sys.path[1:]])}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=around, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ziglang") is None, reason="ziglang (extra 'explore') is absent")
@pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling (extra 'test') is absent")
def test_a_reader_without_a_compiler_gets_the_neurons_that_were_packed(tmp_path):
    source, installed = tmp_path / "source", tmp_path / "installed"
    for name in PACKAGES:
        left_out = shutil.ignore_patterns("__pycache__", "packed")
        shutil.copytree(ROOT / name, source / name, ignore=left_out)
    for name in BESIDE:
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, source / name)
    packed = python(["-c", _PACK], source, source).strip()
    assert Path(packed) == source / "experiments" / "explore" / "packed" / "neurons.json"
    python(["-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], source, source)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(installed)
    said = python(["-c", _EXPLORE], tmp_path, installed)
    assert "left out" not in said
    page = (tmp_path / "page.html").read_text("utf-8")
    told = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    data = json.loads(told.group(1))
    assert set(data) == {"neuron", "unit", "network", "learn"}
    assert data["neuron"] == json.loads(Path(packed).read_text("utf-8"))["neurons"] | {
        "worker": data["neuron"]["worker"]
    }
