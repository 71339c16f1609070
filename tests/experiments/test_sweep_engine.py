"""What a sweep's engine is: the code that its runs use, and no more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brian2 import Mohm, cm, mS, ms, mV, nA, pA
from sweeps import GRID, NOISY

from experiments.kit.code_digest import code_of
from experiments.sweep import Run, measure_of_rows, product, zipped
from experiments.sweep.engine_identity import NOT_FOR_CABLES, NOT_FOR_POINTS, RUNS, engine_of
from experiments.sweep.run_sweep import Prepared
from experiments.sweep.workers.compute import compute
from neurosim import LIF, AdEx, Constant, OrnsteinUhlenbeck, WhiteNoise, textbook_neuron
from neurosim.engine.cable.execute import fetch_cable
from neurosim.engine.programs.compiler import find_compiler

pytest.importorskip("zarr", reason="needs the extra 'sweep'")

ROOT = Path(__file__).resolve().parents[2]


def used_by(function):
    """Return the files of neurosim of which a function runs a line, and what it returns."""
    used = set()

    def look(frame, event, _):
        if event == "call":
            used.add(frame.f_code.co_filename)

    sys.setprofile(look)
    try:
        found = function()
    finally:
        sys.setprofile(None)
    return {Path(name) for name in used if f"{ROOT / 'neurosim'}/" in name}, found


def task_of(description, grid, measure, folder):
    return Prepared.of(description, grid, measure, folder, 1).task


def test_point_runs_use_no_code_that_is_left_out(tmp_path):
    """Noise, a batch, traces and other time steps: all that a `Run` can ask for."""
    noisy = Constant(0 * pA) + WhiteNoise.for_membrane(3 * mV, LIF())
    # A resistance that no other test has, so that the model may have to be compiled here.
    described = Run(AdEx(), 20 * ms, stimulus=Constant(0 * pA), dt=0.05 * ms)
    ways = [
        (Run(LIF(R_m=101 * Mohm), 20 * ms, stimulus=noisy), ["count", "interval_cv"]),
        (described, ["first_spike", "deflection"]),
    ]
    used = set()
    for number, (run, measures) in enumerate(ways):
        grid = product({"current": [100, 600] * pA, "dt": [0.05, 0.1] * ms})
        task = task_of(run, grid, measures, tmp_path / str(number))
        columns = {"current": np.array([1e-10, 6e-10]), "dt": np.array([5e-5, 5e-5])}
        files, outcome = used_by(lambda t=task, c=columns: compute(t, c, np.arange(2, dtype="u8")))
        assert not outcome.failures
        used |= files
    assert any("engine/point" in str(file) for file in used)
    counted = code_of(RUNS, NOT_FOR_POINTS)
    assert used <= counted, sorted(str(file) for file in used - counted)
    assert not any("engine/cable" in str(file) for file in counted)
    assert any("engine/cable" in str(file) for file in code_of(RUNS))


WRITE_CABLE = """
import sys
from neurosim.engine.worker import main
used = set()
sys.setprofile(lambda frame, event, _: used.add(frame.f_code.co_filename))
status = main(["generate-cable", sys.argv[1]])
sys.setprofile(None)
print("\\n".join(used))
sys.exit(status)
"""


@pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
def test_cable_runs_use_no_code_that_is_left_out(tmp_path, monkeypatch):
    """Neither this process, nor the worker that writes the program of the model."""
    models = []

    def fetch(given, compiler):
        models.extend(given)
        return fetch_cable(given, compiler)

    monkeypatch.setattr("neurosim.engine.cable.execute.fetch_cable", fetch)
    noise = OrnsteinUhlenbeck(sd=50 * pA, tau=5 * ms)
    run = Run(textbook_neuron(), 20 * ms, stimulus=Constant(0.5 * nA) + noise)
    grid = product({"traub_miles_sodium.g": [50, 60] * mS / cm**2, "morphology.scale": [1, 2]})
    task = task_of(run, grid, ["count", "first_spike", "deflection"], tmp_path / "s")
    columns = {"traub_miles_sodium.g": np.array([500.0, 600.0]), "morphology.scale": np.ones(2)}
    used, outcome = used_by(lambda: compute(task, columns, np.arange(2, dtype="u8")))
    assert not outcome.failures
    (tmp_path / "cable.json").write_text(json.dumps([model.to_dict() for model in models]))
    program = [sys.executable, "-c", WRITE_CABLE, str(tmp_path)]
    written = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    # Templates for C++, which run as code too, always count.
    ours = (name for name in written.splitlines() if f"{ROOT / 'neurosim'}/" in name)
    used |= {Path(name) for name in ours if name.endswith(".py")}
    for file in ("engine/cable/source.py", "engine/cable/execute.py", "engine/worker.py"):
        assert ROOT / "neurosim" / file in used
    counted = code_of(RUNS, NOT_FOR_CABLES)
    assert used <= counted, sorted(str(file) for file in used - counted)
    left_out = {str(file.relative_to(ROOT)) for file in code_of(RUNS) - counted}
    assert left_out == {name.replace(".", "/") + ".py" for name in NOT_FOR_CABLES}


def options(description, seed):
    """A measure of rows."""
    return seed


def test_point_runs_runs_and_rows_rest_on_different_code(tmp_path):
    cable = Run(textbook_neuron(), 10 * ms)
    mixed = Run({"a": LIF(), "b": AdEx()}, 10 * ms)
    both = Run({"a": LIF(), "b": textbook_neuron()}, 10 * ms)
    measure = measure_of_rows(options, version="1", outputs={"odd": ""})
    codes = [
        engine_of(task_of(*one, tmp_path / "s"))[1]["code"]
        for one in [
            (NOISY, GRID, "count"),
            (mixed, product({"neuron": ["a", "b"]}), "count"),
            (both, product({"neuron": ["a", "b"]}), "count"),
            (cable, product({"repeat": [0, 1]}), "count"),
            (NOISY, GRID, [measure]),
        ]
    ]
    assert codes[0] == codes[1]
    assert len(set(codes)) == 4


def test_a_sweep_imports_neither_zarr_nor_dask(tmp_path):
    """Importing them costs as much as ten thousand short runs."""
    program = (
        "import sys\n"
        "from brian2 import ms, pA\n"
        "from experiments.sweep import Run, product, sweep\n"
        "from neurosim import LIF\n"
        "grid = product({'current': [100, 300] * pA})\n"
        f"sweep(Run(LIF(), 20 * ms), grid, 'count', out={str(tmp_path / 's')!r}, jobs=1)\n"
        "print([name for name in ('zarr', 'dask', 'distributed') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_labels_and_rows_come_back_from_the_store(tmp_path):
    import xarray
    from sweeps import run

    several = Run({"slow": LIF(tau_m=30 * ms), "fast": LIF(tau_m=5 * ms, R_m=99 * Mohm)}, 50 * ms)
    rows = {"neuron": ["slow", "fast", "fast"], "current": [200, 300, 400] * pA}
    for name, grid in [("zip", zipped(rows)), ("product", product(rows | {"neuron": ["fast"]}))]:
        found = run(tmp_path / name, grid, several, ["count"])
        stored = xarray.open_zarr(tmp_path / name / "result.zarr", consolidated=False).load()
        assert stored.equals(found)
        assert stored.attrs == found.attrs
        assert set(stored.coords) == set(found.coords)
        assert stored["current"].attrs == {"units": "amp"} == found["current"].attrs
        assert stored["neuron"].values.tolist() == found["neuron"].values.tolist()
    assert json.loads(found.attrs["failures"]) == []
