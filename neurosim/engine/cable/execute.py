"""Running branched neurons: the compiled program where there is a compiler, else the oracle."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.engine.cable.inputs import (
    LAYER,
    Arrivals,
    CableInputs,
    CableResults,
    Counted,
    CountedRows,
    Tree,
)
from neurosim.engine.cable.model import CableModel, Kernel, program_key
from neurosim.engine.cable.oracle.numpy_reference import run_oracle
from neurosim.engine.cable.source import portable_kernels
from neurosim.engine.coupling.links import LinkResults, Links, read_links, write_links
from neurosim.engine.diffusion.along_tree import write_diffusions
from neurosim.engine.programs.cache import fetch
from neurosim.engine.programs.compiler import Compiler, find_compiler
from neurosim.engine.programs.course_tables import write_tables
from neurosim.engine.programs.digest import engine_digest
from neurosim.engine.programs.processes import Progress, guard, halted, run_all, worker_command
from neurosim.engine.programs.results import RunResults, run_folder
from neurosim.engine.programs.shared_runtime import cable_flags, fetch_runtime
from neurosim.engine.programs.spike_exchange import Exchange, converse
from neurosim.errors import (
    DepletionError,
    DivergenceError,
    EmptySpaceError,
    EngineError,
    ParameterError,
    PoleError,
)

__all__ = ["block_size", "execute_cable", "execute_cables", "fetch_cable", "write_inputs"]

# Of a second-level cache of at least 512 kB, and the numbers in the widest vector.
_FITTING_BYTES = 600_000
_VECTOR = 8
# Longer traces stay on disk (environment variable NEUROSIM_TRACE_MEMORY, in bytes).
_MOST_TRACE_BYTES = 2e9


def execute_cable(
    model: CableModel,
    inputs: CableInputs,
    *,
    engine: str,
    threads: int,
    progress: Progress | None = None,
) -> CableResults:
    """Run a batch of cells; see `execute_cables`."""
    parts = [(model, inputs)]
    return execute_cables(parts, engine=engine, threads=threads, progress=progress)[0][0]


def execute_cables(
    parts: Sequence[tuple[CableModel, CableInputs]],
    *,
    engine: str,
    threads: int,
    progress: Progress | None = None,
    exchange: Exchange | None = None,
    links: Links | None = None,
) -> tuple[list[CableResults], LinkResults]:
    """Run groups of cells, each group with a tree and mechanisms of its own, side by side.

    Parameters
    ----------
    parts : sequence of (CableModel, CableInputs)
        By group, its mechanisms, and its shape, values and what is wanted. Duration, time step and
        settling are those of the first.
    engine : {"cpp", "numpy"}
        Compiled program or NumPy oracle.
    threads : int
        Threads that share the cells (compiled program only).
    progress : callable, optional
        Called with the share done.
    exchange : Exchange, optional
        Turns spikes into what they do to other cells.
    links : Links, optional
        Gap junctions and spaces; without them and `exchange` the cells share nothing.

    Returns
    -------
    list of CableResults
        One a group.
    LinkResults
        Currents of the junctions that are recorded, and what the spaces did.

    Raises
    ------
    EngineError
        The program could not be built, or the run diverged.
    """
    if engine == "numpy":
        return run_oracle(parts, progress, exchange, links)
    compiler = find_compiler()
    if compiler is None:
        raise EngineError("no C++ compiler was found; use engine='numpy'")
    built = fetch_cable([model for model, _ in parts], compiler)
    with run_folder() as folder:
        environment = os.environ | {"NEUROSIM_RUN": str(folder)}
        given = links or Links()
        blocks = write_inputs(
            parts, folder, threads, exchange, report=progress is not None, links=given
        )
        command = [str(built / "main")]
        try:
            if exchange is None:
                run_all(
                    [command],
                    what="the simulation",
                    environments=[environment],
                    folder=folder,
                    progress=progress,
                )
            else:
                converse(command, exchange, environment, folder, progress)
        except EngineError as error:
            raise _explained(error) from None
        written = RunResults(folder)
        found = [
            _read(model, inputs, written, number, block)
            for number, ((model, inputs), block) in enumerate(zip(parts, blocks, strict=True))
        ]
        return found, read_links(given, written, len(parts[0][1].trace_time()))


def fetch_cable(models: Sequence[CableModel], compiler: Compiler) -> Path:
    """Return the folder of the program of some models, ``main``, compiling it if there is none."""
    different = list(dict.fromkeys(models))
    flags = cable_flags(compiler)
    key = program_key(different, "cable", compiler.identity, *flags, engine_digest())
    return fetch(key, lambda empty: _build(different, compiler, empty))


def write_inputs(
    parts: Sequence[tuple[CableModel, CableInputs]],
    folder: Path,
    threads: int = 1,
    exchange: Exchange | None = None,
    *,
    report: bool = False,
    links: Links | None = None,
) -> list[int]:
    """Write what a program reads into the folder of its run; return the block size of each group.

    Parameters
    ----------
    parts, threads, exchange, links
        As of `execute_cables`.
    folder : Path
        The folder.
    report : bool
        Whether the program is to say how far it is.
    """
    given = links or Links()
    models = list(dict.fromkeys(model for model, _ in parts))
    _write_program(parts, folder, threads, exchange, report=report, links=given.kinds)
    blocks = []
    for number, (model, inputs) in enumerate(parts):
        at = folder / str(number)
        at.mkdir()
        block = block_size(model, inputs.tree, inputs.cells)
        _write(model, inputs, at, models.index(model), block)
        blocks.append(block)
    write_links(given, folder)
    return blocks


def block_size(model: CableModel, tree: Tree, cells: int) -> int:
    """Return how many cells are carried through a run together.

    Small enough for a block to stay in the second-level cache, and at least two of the widest
    vectors, which hide the latency of the elimination; an even number of blocks shares the work
    out between two threads. A function of model, tree and batch alone, so that the number of
    threads changes no result.
    """
    patches = [kernel for kernel in model.kernels if kernel.density]
    arrays = 4 + max(
        (len(k.states) + len(k.parameters) - len(k.shared) + 3 * len(k.carriers) for k in patches),
        default=0,
    )
    fitting = _FITTING_BYTES // (8 * arrays * max(1, tree.nodes))
    most = max(2 * _VECTOR, fitting // _VECTOR * _VECTOR)
    if cells <= _VECTOR:
        return cells
    blocks = -(-cells // (2 * most)) * 2
    return -(-cells // (blocks * _VECTOR)) * _VECTOR


def _build(models: Sequence[CableModel], compiler: Compiler, folder: Path) -> None:
    """Write and compile the membrane loops, and meanwhile what is around them if that is new."""
    (folder / "cable.json").write_text(json.dumps([model.to_dict() for model in models]))
    flags = cable_flags(compiler)
    with ThreadPoolExecutor(1) as beside:
        # Of two models that are built at the same time, one waits for what the other compiles.
        runtime = beside.submit(fetch_runtime, compiler)
        try:
            generate = [worker_command("generate-cable", folder)]
            run_all(generate, what="writing the C++ program of the model", folder=folder)
            if compiler.portable:
                kernels = folder / "kernels.cpp"
                kernels.write_text(portable_kernels(kernels.read_text()))
            compile_it = [*compiler.command, *flags, "-c", "kernels.cpp", "-o", "kernels.o"]
            run_all([guard(compile_it)], what="compiling the model", folder=folder)
            around = runtime.result() / "runtime.o"
        except BaseException as error:
            if not isinstance(error, Exception):
                # Ctrl-C does not wait for a compiler.
                with halted():
                    beside.shutdown(wait=True)
            raise
    objects = ["kernels.o", str(around)]
    link = [*compiler.command, *flags, *objects, "-o", "main", *compiler.linking]
    run_all([guard(link)], what="linking the model", folder=folder)
    (folder / "kernels.o").unlink()
    (folder / "manifest.json").write_text(json.dumps({"brian2": version("brian2")}))


def _put(path: Path, values: Any, dtype: type, *, counted: bool = False) -> None:
    array: np.ndarray = np.ascontiguousarray(np.asarray(values), dtype=dtype)
    array.tofile(path)
    if counted:
        np.asarray([array.size], dtype=np.float64).tofile(path.with_name(f"{path.name}.count"))


def _write_program(
    parts: Sequence[tuple[CableModel, CableInputs]],
    folder: Path,
    threads: int,
    exchange: Exchange | None,
    *,
    report: bool,
    links: int,
) -> None:
    """Write what the groups of a run have in common."""
    first = parts[0][1]
    for _, inputs in parts:
        assert (inputs.steps, inputs.settle_steps, inputs.dt, inputs.start_step) == (
            first.steps, first.settle_steps, first.dt, first.start_step,
        )  # fmt: skip
    window = 0 if exchange is None else exchange.window
    settings = [
        len(parts), first.steps, first.settle_steps, window, threads, first.dt, float(report),
        first.start_step, links,
    ]  # fmt: skip
    _put(folder / "program", settings, np.float64)
    lengths = [len(samples) for samples in first.waveforms]
    _put(folder / "waveform_count", [len(lengths)], np.float64)
    _put(folder / "waveform_starts", np.cumsum([0, *lengths]), np.int64)
    _put(folder / "waveform_samples", np.concatenate([np.zeros(0), *first.waveforms]), np.float64)
    write_tables(first.courses, folder)


def _write(
    model: CableModel, inputs: CableInputs, folder: Path, model_number: int, block: int
) -> None:
    """Write the inputs of one group."""
    tree = inputs.tree
    settings = [
        model_number, inputs.cells, tree.compartments, tree.nodes, inputs.trace_stride, block,
        len(inputs.detector_nodes), inputs.theta, float(inputs.combined is not None),
        float(inputs.layer is not None),
    ]  # fmt: skip
    _put(folder / "settings", settings, np.float64)
    _put(folder / "tree.parent", tree.parent, np.int32)
    _put(folder / "tree.up", tree.up, np.float64)
    _put(folder / "tree.around", tree.around(), np.float64)
    _put(folder / "tree.order", tree.order(), np.int32)
    _put(folder / "start", inputs.start, np.float64, counted=True)
    _put(folder / "detectors.node", inputs.detector_nodes, np.int32)
    _put(folder / "detectors.threshold", inputs.detector_thresholds, np.float64)
    _put(folder / "detectors.refractory", inputs.detector_refractory, np.float64)
    _put(folder / "detectors.last", inputs.last_spikes(), np.float64, counted=True)
    _write_followings(model, inputs, folder)
    write_diffusions(inputs.diffusions, folder)
    probes = np.asarray(inputs.probes, dtype=np.int32).ravel()
    _put(folder / "probes", probes, np.int32, counted=True)
    if (layer := inputs.layer) is not None:
        _put(folder / "layer.up", layer.up, np.float64)
        _put(folder / "layer.around", layer.around(tree.parent), np.float64)
        _put(folder / "layer.wall", layer.wall, np.float64, counted=True)
        _put(folder / "layer.capacity", layer.capacity, np.float64, counted=True)
        _put(folder / "layer.kernels", layer.kernels, np.int32, counted=True)
        start = np.zeros(tree.compartments) if layer.start is None else layer.start
        _put(folder / "layer.start", start, np.float64, counted=True)
    if (combined := inputs.combined) is not None:
        variables = np.asarray(combined.variables, dtype=np.int32).ravel()
        _put(folder / "combined.starts", combined.starts, np.int64, counted=True)
        _put(folder / "combined.term", combined.term, np.int32, counted=True)
        _put(folder / "combined.weight", combined.weight, np.float64, counted=True)
        _put(folder / "combined.variables", variables, np.int32, counted=True)
    for kernel, given in zip(model.kernels, inputs.kernels, strict=True):
        first = int(given.nodes[0]) if kernel.density and given.sites else 0
        _put(folder / f"{kernel.name}.shape", [given.sites, first], np.float64)
        if not kernel.density:
            _put(folder / f"{kernel.name}.nodes", given.nodes, np.int32)
        for name in [*kernel.states, *kernel.parameters]:
            counted = name not in kernel.shared
            _put(folder / f"{kernel.name}.{name}", given.values[name], np.float64, counted=counted)
        if kernel.events and given.events is not None:
            _write_events(kernel, given.events, inputs, folder)


def _write_followings(model: CableModel, inputs: CableInputs, folder: Path) -> None:
    _put(folder / "courses", [len(inputs.followings)], np.float64)
    for k, one in enumerate(inputs.followings):
        head, where = f"course.{k}", [LAYER, 0.0, 0.0, 0.0]
        if one.kernel != LAYER:
            kernel = model.kernels[one.kernel]
            layout = list(kernel.events) if one.event else [*kernel.states, *kernel.parameters]
            shared = not one.event and one.name in kernel.shared
            where = [one.kernel, layout.index(one.name), float(one.event), float(shared)]
        _put(folder / f"{head}.where", where, np.float64)
        _put(folder / f"{head}.sites", one.sites, np.int32, counted=True)
        _put(folder / f"{head}.factors", one.factors, np.float64)
        _put(folder / f"{head}.tables", one.tables, np.int32)


def _write_events(kernel: Kernel, arriving: Arrivals, inputs: CableInputs, folder: Path) -> None:
    steps = inputs.arrival_steps(arriving)
    late = np.flatnonzero(steps >= inputs.start_step)
    head = f"{kernel.name}.events"
    _put(folder / f"{head}.step", steps[late], np.int64, counted=True)
    _put(folder / f"{head}.site", arriving.site[late], np.int32)
    _put(folder / f"{head}.cell", arriving.cell[late], np.int32)
    _put(folder / f"{head}.weight", arriving.weight[late], np.float64)
    for state in kernel.events:
        factor = arriving.factors[state]
        _put(folder / f"{kernel.name}.factor.{state}", factor, np.float64, counted=True)


_SPIKE = np.dtype([("detector", np.int64), ("cell", np.int64), ("time", np.float64)])


def _read(
    model: CableModel, inputs: CableInputs, written: RunResults, group: int, block: int
) -> CableResults:
    samples = len(inputs.trace_time())
    spikes = [np.zeros(0, dtype=_SPIKE)]
    traces = _room((len(inputs.probes), inputs.cells, samples))
    final = np.zeros((inputs.tree.compartments, inputs.cells))
    layer = None if inputs.layer is None else np.zeros_like(final)
    last = np.zeros((len(inputs.detector_nodes), inputs.cells))
    kept = [
        {name: np.zeros((given.sites, inputs.cells)) for name in kernel.kept}
        for kernel, given in zip(model.kernels, inputs.kernels, strict=True)
    ]
    arrays = [last, *(values for kernel in kept for values in kernel.values())]
    for number, first in enumerate(range(0, inputs.cells, block)):
        stop = min(first + block, inputs.cells)
        spikes.append(written.load(f"{group}/spikes.{number}", _SPIKE))
        ends = written.load(f"{group}/final.{number}", np.float64)
        final[:, first:stop] = ends.reshape(-1, stop - first)
        if layer is not None:
            ends = written.load(f"{group}/layer.{number}", np.float64)
            layer[:, first:stop] = ends.reshape(-1, stop - first)
        _cut(written.load(f"{group}/state.{number}", np.float64), arrays, first, stop)
        if traces.size:
            shape = (samples, len(inputs.probes), stop - first)
            with written.mapped(f"{group}/traces.{number}", shape) as values:
                for probe in range(len(inputs.probes)):
                    traces[probe, first:stop] = values[:, probe].T
    every = np.concatenate(spikes)
    counted = _read_counted(model, inputs, written, group, block)
    return CableResults(
        every["detector"], every["cell"], every["time"], traces, final, kept, last, counted, layer
    )


def _read_counted(
    model: CableModel, inputs: CableInputs, written: RunResults, group: int, block: int
) -> Counted | None:
    """Return what the program counted of ions that move, in the order in which it wrote it."""
    if not any(kernel.moves_ions for kernel in model.kernels):
        return None
    cells, v = inputs.cells, np.zeros((inputs.tree.compartments, inputs.cells))
    kernels, arrays = [], [v]
    count = sum(one.shells for one in inputs.diffusions)
    shells = [(np.zeros_like(v), np.zeros_like(v)) for _ in range(count)]
    placed: list[np.ndarray] = []
    passed: list[np.ndarray] = []
    for kernel, given in zip(model.kernels, inputs.kernels, strict=True):
        shape = (given.sites, cells)
        rows = CountedRows({}, {}, {}, np.zeros((0, cells) if kernel.density else shape))
        for one in kernel.carriers:
            crossed = rows.crossed.setdefault(one.variable, np.zeros(shape))
            (arrays if kernel.density else placed).append(crossed)
        for held in kernel.ions:
            if held.inside:
                arrays.append(rows.starts.setdefault(f"{held.ion}_i", np.zeros(shape)))
            if held.outside:
                outside = f"{held.ion}_o"
                arrays.append(rows.starts.setdefault(outside, np.zeros(shape)))
                arrays.append(rows.exchanged.setdefault(outside, np.zeros(shape)))
        passed.append(rows.passed)
        kernels.append(rows)
    for number, first in enumerate(range(0, cells, block)):
        stop = min(first + block, cells)
        values = written.load(f"{group}/ledger.{number}", np.float64)
        along = [array for shell in shells for array in shell]
        _cut(values, [*arrays, *placed, *passed, *along], first, stop)
    return Counted(v, kernels, shells)


def _cut(written: np.ndarray, arrays: Sequence[np.ndarray], first: int, stop: int) -> None:
    """Put what a block of cells wrote, array after array, into the columns of its cells."""
    sizes = [len(array) * (stop - first) for array in arrays]
    for array, values in zip(arrays, np.split(written, np.cumsum(sizes)[:-1]), strict=True):
        array[:, first:stop] = values.reshape(len(array), stop - first)


def _room(shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of zeros, on disk where it is larger than memory is meant to hold."""
    given = os.environ.get("NEUROSIM_TRACE_MEMORY", str(_MOST_TRACE_BYTES))
    try:
        most = float(given)
        if not most >= 0:
            raise ValueError
    except ValueError:
        raise ParameterError(
            f"the environment variable NEUROSIM_TRACE_MEMORY must be a number of bytes, such as "
            f"2e9; got {given!r}"
        ) from None
    if 8 * np.prod(shape, dtype=float) <= most:
        return np.zeros(shape)
    # The file has no name and is gone with the array.
    with tempfile.TemporaryFile(prefix="neurosim-traces-") as file:
        return np.memmap(file, dtype=float, mode="w+", shape=shape)


def _explained(error: EngineError) -> EngineError:
    number, real = r"(\d+)", r"(\S+)"
    where = rf"group {number} cell {number} compartment {number} time {real}"
    emptied = re.search(rf"emptied box {number} time {real} ion (\w+)", str(error))
    if emptied:
        return EmptySpaceError(int(emptied[1]), emptied[3], float(emptied[2]))
    fell = re.search(rf"fell {where} part (\w+) field (\w+)", str(error))
    if fell:
        return PoleError(int(fell[1]), int(fell[2]), int(fell[3]), float(fell[4]), fell[5], fell[6])
    found = re.search(rf"(diverged|depleted) {where}(?: ion (\w+) side (\w+))?", str(error))
    if not found:
        return error
    place = (int(found[2]), int(found[3]), int(found[4]), float(found[5]))
    if found[1] == "depleted":
        return DepletionError(*place, found[6], found[7])
    return DivergenceError(*place)
