"""The key under which programs are kept covers every file that has a say in them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms, mV, nS, pA, um

from neurosim import LIF, Constant, FeedForward, Neuron, WhiteNoise
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.engine.adjoint.adjoint_program import adjoint_files
from neurosim.engine.cable.compose import Run, compose_cable
from neurosim.engine.point.model import compose
from neurosim.engine.programs.digest import engine_files
from neurosim.engine.programs.processes import worker_command, worker_environment
from neurosim.morphology import PerBranch, at, ball_and_stick
from neurosim.synapses import AMPA

ROOT = Path(__file__).resolve().parents[2]
# What describes a neuron: its content is in the key, as equations and parameters.
DESCRIPTIONS = {
    *("describe", "channels", "synapses", "stimuli", "clamps", "morphology", "drawing"),
    *("quantities", "errors", "display", "atomic_write", "uncaught", "__init__"),
}
WATCH = """
import json, sys
import neurosim.engine.cable.source, neurosim.engine.point.assemble, neurosim.engine.point.source
from neurosim.engine.worker import main
called = set()
sys.setprofile(lambda frame, event, _: event == "call" and called.add(frame.f_code.co_filename))
status = main(sys.argv[1:])
sys.setprofile(None)
loaded = [m.__file__ for name, m in sys.modules.items() if name.split(".")[0] == "neurosim"]
print(json.dumps([status, sorted(called), loaded]))
"""


def _point(folder):
    stimulus = Constant(1 * pA) + WhiteNoise.for_membrane(1 * mV, LIF())
    wiring = FeedForward(weights=(np.ones((1, 1)) * pA,))
    model = compose(LIF(), stimulus, wired=bool(wiring.weights), record=("v",))
    (folder / "model.json").write_text(json.dumps(model.to_dict()))


def _cable(folder):
    cell = Neuron(ball_and_stick(20 * um, 100 * um, 2 * um), PerBranch(3), celsius=6.3)
    cell = cell.paint([HHSodium(), HHPotassium(), Leak()])
    cell = cell.place(AMPA(g=1 * nS), at("soma")).place(Constant(1 * pA), at("soma"))
    step = float(0.025 * ms)
    run = Run(1, {}, np.zeros(1, dtype=np.int64), 40 * step, step, step, 0.0, 0.5)
    model = compose_cable(cell, run).model
    (folder / "cable.json").write_text(json.dumps([model.to_dict()]))


@pytest.mark.slow
@pytest.mark.parametrize(("task", "describe"), [("generate", _point), ("generate-cable", _cable)])
def test_what_runs_while_a_program_is_written_is_in_the_key(task, describe, tmp_path):
    describe(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", WATCH, task, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    status, called, loaded = json.loads(done.stdout.splitlines()[-1])
    assert status == 0, done.stderr
    covered = set(engine_files())
    package = ROOT / "neurosim"
    ours = {Path(name) for name in called if Path(name).is_relative_to(package)}
    assert len(ours) > 3
    # Every function that was called stands in a file of the key, whoever it belongs to.
    assert not [str(file) for file in ours - covered]
    others = {Path(name).relative_to(package) for name in loaded if Path(name) not in covered}
    assert {file.parts[0].removesuffix(".py") for file in others} <= DESCRIPTIONS


@pytest.mark.parametrize(("task", "describe"), [("generate", _point), ("generate-cable", _cable)])
def test_a_worker_loads_nothing_that_it_does_not_use(task, describe, tmp_path):
    """Plots, tests, SciPy and tools that build packages were a third of what it took to start."""
    describe(tmp_path)
    program, flag, code, *words = worker_command(task, tmp_path)
    tell = "main(sys.argv[1:]); print(*(name for name, module in sys.modules.items() if module))"
    code = code.replace("sys.exit(main(sys.argv[1:]))", tell)
    done = subprocess.run(
        [program, flag, code, *words],
        env=worker_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert {"brian2", "neurosim"} <= loaded
    needless = {"matplotlib", "Cython", "pytest", "scipy.sparse"}
    if sys.version_info < (3, 12):
        needless |= {"setuptools", "pkg_resources"}
    assert needless & loaded == set()
    if task == "generate":
        # Two files, since each takes a second for its headers, and nothing that nobody calls.
        program = tmp_path / "program"
        assert len(json.loads((program / "manifest.json").read_text())["sources"]) == 2
        assert "void _write_arrays() {}" in (program / "objects.cpp").read_text()
    else:
        # Of 1.7 s in which a squid membrane was compiled, 1.1 s went into other headers; <cstring>
        # (memcpy, for the bits of a number) is a few milliseconds.
        written = (tmp_path / "kernels.cpp").read_text()
        assert set(re.findall(r"#include *(\S+)", written)) == {"<cmath>", "<cstdint>", "<cstring>"}


def test_every_file_of_the_engine_is_in_the_key():
    engine = {file for file in (ROOT / "neurosim" / "engine").rglob("*") if file.is_file()}
    sources = {file for file in engine if file.suffix in {".py", ".h", ".cpp"}}
    # The derivative of a run has programs, and a key, of its own.
    assert sources <= {*engine_files(), *adjoint_files()}
    assert not {*engine_files()} & {*adjoint_files()}
    assert {file for file in engine - sources if file.suffix != ".pyc"} == set()
