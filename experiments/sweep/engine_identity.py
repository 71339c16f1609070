"""Which engine computed a number: its code, its versions, the compiler and the processor."""

from __future__ import annotations

import hashlib
import json
import platform
from typing import Any

from experiments.kit.code_digest import code_digest, whole_digest
from experiments.kit.store import Store, key_of, store_folder
from experiments.sweep.rows.swept import Run
from experiments.sweep.workers.compute import Task
from neurosim.engine.programs.compiler import find_compiler
from neurosim.run.recording import versions

__all__ = ["engine_of"]


def engine_of(task: Task) -> tuple[str, dict[str, Any]]:
    """Return a digest of the engine that computes a task, and what it is made of.

    Runs rest on the code of `neurosim.run.simulate` and of all that it imports, docstrings
    excepted; a measure of rows may rest on anything in the four packages.
    """
    anything = any(one.of == "rows" for one in task.measures) or not isinstance(
        task.description, Run
    )
    compiler = find_compiler()
    told = {
        "code": whole_digest() if anything else _code_of_runs(),
        "versions": versions(),
        "compiler": "none (NumPy)" if compiler is None else compiler.identity,
        "processor": platform.machine(),
    }
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    return digest, told


def _code_of_runs() -> str:
    """Return the digest of the code that runs rest on; it takes a second, and so is stored."""
    asked = key_of("sweep: code of runs")
    found = Store(store_folder()).obtain(
        asked, lambda: {"digest": code_digest("neurosim.run.simulate", "neurosim")}
    )
    return str(found.values["digest"])
