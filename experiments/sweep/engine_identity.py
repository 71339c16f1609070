"""Which engine computed a number: its code, its versions, the compiler and the processor."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from typing import Any

from experiments.kit.code_digest import code_digest, file_marks, whole_digest
from experiments.kit.store import Store, store_folder
from experiments.sweep.rows.swept import Run
from experiments.sweep.workers.compute import Task
from neurosim.describe.point_neuron import PointNeuron
from neurosim.engine.programs.compiler import find_compiler
from neurosim.run.recording import versions

__all__ = ["NOT_FOR_CABLES", "NOT_FOR_POINTS", "RUNS", "engine_of"]

RUNS = "neurosim.run.simulate"
"""What a run rests on is this module and all that it imports."""
NOT_FOR_POINTS = (
    "neurosim.engine.cable",
    "neurosim.engine.coupling",
    "neurosim.engine.diffusion",
    "neurosim.run.circuit_run",
    "neurosim.run.neuron_run",
)
"""What it imports for neurons with extent only; a change here leaves point neurons as they are."""
NOT_FOR_CABLES = (
    "neurosim.engine.point.assemble",
    "neurosim.engine.point.clamped",
    "neurosim.engine.point.exponential_euler",
    "neurosim.engine.point.numpy_run",
    "neurosim.engine.point.source",
    "neurosim.engine.point.standalone",
    "neurosim.run.point_run",
    "neurosim.run.point_state",
)
"""The converse: for point neurons only. Some of `neurosim.engine.point` serves both."""


def engine_of(task: Task) -> tuple[str, dict[str, Any]]:
    """Return a digest of the engine that computes a task, and what it is made of.

    Runs rest on the code of `neurosim.run.simulate` and of all that it imports, docstrings
    excepted; those of point neurons not on the engine of neurons with extent, and conversely. A
    measure of rows may rest on anything in the four packages.
    """
    compiler = find_compiler()
    told = {
        "code": _code_of(task),
        "versions": versions(),
        "compiler": "none (NumPy)" if compiler is None else compiler.identity,
        "processor": platform.machine(),
    }
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    return digest, told


def _code_of(task: Task) -> str:
    run = task.description
    if not isinstance(run, Run) or any(one.of == "rows" for one in task.measures):
        return whole_digest()
    neurons = run.neuron.values() if isinstance(run.neuron, Mapping) else [run.neuron]
    points = {isinstance(one, PointNeuron) for one in neurons}
    without = (
        {True: NOT_FOR_POINTS, False: NOT_FOR_CABLES}[points.pop()] if len(points) == 1 else ()
    )
    # It takes a second, and so is kept until a file is written.
    marks = json.dumps([RUNS, without, file_marks("neurosim"), file_marks("experiments/kit")])
    key = hashlib.sha256(f"sweep: code {marks}".encode()).hexdigest()[:40]
    found = Store(store_folder()).obtain(
        key, lambda: {"digest": code_digest(RUNS, "neurosim", without)}
    )
    return str(found.values["digest"])
