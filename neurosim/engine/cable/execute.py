"""Running branched neurons: the compiled program where there is a compiler, else the oracle."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.engine.cable.inputs import CableInputs, CableResults, Tree
from neurosim.engine.cable.model import CableModel
from neurosim.engine.cable.oracle import run_oracle
from neurosim.engine.cache import fetch
from neurosim.engine.compiler import Compiler, find_compiler
from neurosim.engine.processes import Progress, run_all, worker_command
from neurosim.errors import EngineError

__all__ = ["block_size", "execute_cable"]

_GENERATORS = (
    "cable/source.py",
    "cable/scheme.py",
    "cable/economy.py",
    "cable/runtime.h",
    "cable/templates/kernel.cpp",
    "randomness.py",
    "standalone_source.py",
)
# Full fast-math, for the vector forms of exp that it allows; a diverging run is told by the
# exponent bits of the potential, not by comparisons that the compiler may drop.
# Of a second-level cache of at least 512 kB, and the numbers in the widest vector.
_FITTING_BYTES = 600_000
_VECTOR = 8
_FLAGS = ("-std=c++17", "-O3", "-w", "-ffast-math", "-pthread")


def execute_cable(
    model: CableModel,
    inputs: CableInputs,
    *,
    engine: str,
    threads: int,
    progress: Progress | None = None,
) -> CableResults:
    """Run a batch of cells.

    Parameters
    ----------
    model : CableModel
        Mechanisms.
    inputs : CableInputs
        Shape, values and what is wanted.
    engine : {"cpp", "numpy"}
        Compiled program or NumPy oracle.
    threads : int
        Threads that share the batch (compiled program only).
    progress : callable, optional
        Called with the share done.

    Raises
    ------
    EngineError
        The program could not be built, or the run diverged.
    """
    if engine == "numpy":
        return run_oracle(model, inputs, progress)
    compiler = find_compiler()
    if compiler is None:
        raise EngineError("no C++ compiler was found; use engine='numpy'")
    key = model.key("cable", compiler.identity, *_FLAGS, *_native(compiler), _generator())
    built = fetch(key, lambda empty: _build(model, compiler, empty))
    folder = Path(tempfile.mkdtemp(prefix="neurosim-"))
    try:
        block = _write(model, inputs, folder, threads, report=progress is not None)
        try:
            run_all(
                [[str(built / "main")]],
                at_once=1,
                what="the simulation",
                environments=[os.environ | {"NEUROSIM_RUN": str(folder)}],
                folder=folder,
                progress=progress,
            )
        except EngineError as error:
            raise _explained(error, inputs) from None
        return _read(inputs, folder, block)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def block_size(model: CableModel, tree: Tree, cells: int) -> int:
    """Return how many cells are carried through a run together.

    Small enough for a block to stay in the second-level cache, and at least two of the widest
    vectors, which hide the latency of the elimination; an even number of blocks shares the work
    out between two threads. A function of model, tree and batch alone, so that the number of
    threads changes no result.
    """
    patches = [kernel for kernel in model.kernels if kernel.density]
    arrays = 4 + max(
        (len(k.states) + len(k.parameters) - len(k.shared) for k in patches), default=0
    )
    fitting = _FITTING_BYTES // (8 * arrays * max(1, tree.nodes))
    most = max(2 * _VECTOR, fitting // _VECTOR * _VECTOR)
    if cells <= _VECTOR:
        return cells
    blocks = -(-cells // (2 * most)) * 2
    return -(-cells // (blocks * _VECTOR)) * _VECTOR


@cache
def _generator() -> str:
    here = Path(__file__).parent.parent
    content = b"".join((here / name).read_bytes() for name in _GENERATORS)
    return f"brian2 {version('brian2')} {hashlib.sha256(content).hexdigest()}"


def _build(model: CableModel, compiler: Compiler, folder: Path) -> None:
    (folder / "cable.json").write_text(json.dumps(model.to_dict()))
    run_all(
        [worker_command("generate-cable", folder)],
        at_once=1,
        what="writing the C++ program of the model",
    )
    run_all(
        [[compiler.path, *_FLAGS, *_native(compiler), "program.cpp", "-o", "main"]],
        at_once=1,
        what="compiling the model",
        folder=folder,
    )
    (folder / "manifest.json").write_text(json.dumps({"brian2": version("brian2")}))


def _native(compiler: Compiler) -> list[str]:
    """Return the flags for this processor; the widest vectors pay off in long loops of exp."""
    native = [flag for flag in compiler.flags if flag.startswith("-march")]
    if native and platform.machine().lower() in ("x86_64", "amd64"):
        native.append("-mprefer-vector-width=512")
    return native


def _write(
    model: CableModel, inputs: CableInputs, folder: Path, threads: int, *, report: bool
) -> int:
    """Write the inputs of a run; return the number of cells in a block."""
    tree = inputs.tree
    block = block_size(model, tree, inputs.cells)
    settings = [
        inputs.cells, tree.compartments, tree.nodes, inputs.steps, inputs.settle_steps,
        inputs.trace_stride, block, threads, len(inputs.detector_nodes), inputs.dt, inputs.theta,
        float(report),
    ]  # fmt: skip

    def put(name: str, values: Any, dtype: type, *, counted: bool = False) -> None:
        array: np.ndarray = np.ascontiguousarray(np.asarray(values), dtype=dtype)
        array.tofile(folder / name)
        if counted:
            np.asarray([array.size], dtype=np.float64).tofile(folder / f"{name}.count")

    put("settings", settings, np.float64)
    put("tree.parent", tree.parent, np.int32)
    put("tree.up", tree.up, np.float64)
    put("tree.around", tree.around(), np.float64)
    put("tree.order", tree.order(), np.int32)
    put("start", inputs.start, np.float64, counted=True)
    put("detectors.node", inputs.detector_nodes, np.int32)
    put("detectors.threshold", inputs.detector_thresholds, np.float64)
    put("probes", np.asarray(inputs.probes, dtype=np.int32).ravel(), np.int32, counted=True)
    lengths = [len(samples) for samples in inputs.waveforms]
    put("waveform_count", [len(lengths)], np.float64)
    put("waveform_starts", np.cumsum([0, *lengths]), np.int64)
    put("waveform_samples", np.concatenate([np.zeros(0), *inputs.waveforms]), np.float64)
    for kernel, given in zip(model.kernels, inputs.kernels, strict=True):
        first = int(given.nodes[0]) if kernel.density and given.sites else 0
        put(f"{kernel.name}.shape", [given.sites, first], np.float64)
        if not kernel.density:
            put(f"{kernel.name}.nodes", given.nodes, np.int32)
        for name in [*kernel.states, *kernel.parameters]:
            put(
                f"{kernel.name}.{name}",
                given.values[name],
                np.float64,
                counted=name not in kernel.shared,
            )
        if kernel.events and given.events is not None:
            arriving = given.events
            steps = np.ceil(arriving.time_s / inputs.dt - 1e-6).astype(np.int64)
            late = np.argsort(steps, kind="stable")
            head = f"{kernel.name}.events"
            put(f"{head}.step", steps[late], np.int64, counted=True)
            put(f"{head}.site", arriving.site[late], np.int32)
            put(f"{head}.cell", arriving.cell[late], np.int32)
            put(f"{head}.weight", arriving.weight[late], np.float64)
            for state in kernel.events:
                factor = arriving.factors[state]
                put(f"{kernel.name}.factor.{state}", factor, np.float64, counted=True)
    return block


def _read(inputs: CableInputs, folder: Path, block: int) -> CableResults:
    blocks = -(-inputs.cells // block)
    samples = len(inputs.trace_time())
    detector, cell, time = [], [], []
    traces = np.zeros((len(inputs.probes), inputs.cells, samples))
    final = np.zeros((inputs.tree.compartments, inputs.cells))
    for number in range(blocks):
        first, last = number * block, min((number + 1) * block, inputs.cells)
        detector.append(np.fromfile(folder / f"spikes.detector.{number}", dtype=np.int64))
        cell.append(np.fromfile(folder / f"spikes.cell.{number}", dtype=np.int64))
        time.append(np.fromfile(folder / f"spikes.time.{number}", dtype=np.float64))
        final[:, first:last] = np.fromfile(folder / f"final.{number}").reshape(-1, last - first)
        if inputs.probes:
            values = np.fromfile(folder / f"traces.{number}")
            shape = (samples, len(inputs.probes), last - first)
            traces[:, first:last] = values.reshape(shape).transpose(1, 2, 0)
    return CableResults(
        np.concatenate(detector), np.concatenate(cell), np.concatenate(time), traces, final
    )


def _explained(error: EngineError, inputs: CableInputs) -> EngineError:
    found = re.search(r"diverged cell (\d+) compartment (\d+) time (\S+)", str(error))
    if not found:
        return error
    return EngineError(
        f"the run diverged: the membrane potential of compartment {found[2]} of cell {found[1]} "
        f"left -10 to 10 V before {float(found[3]) * 1e3:g} ms; use a dt smaller than "
        f"{inputs.dt * 1e3:g} ms or check the conductances there"
    )
