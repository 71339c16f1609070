"""A batch of branched neurons run ahead and back: from a loss of its traces to all derivatives."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from neurosim.engine.adjoint.adjoint_program import fetch_program
from neurosim.engine.adjoint.source import write_loops
from neurosim.engine.adjoint.step_derivative import COUNTED, OF_COUNT, SLOPE, Step
from neurosim.engine.cable.inputs import CableInputs, KernelInputs
from neurosim.engine.programs.processes import ending, start
from neurosim.engine.programs.results import RunResults, run_folder
from neurosim.errors import DivergenceError, EngineError

__all__ = [
    *("Count", "Found", "Loss", "diverged_in", "laid_out", "put", "run_back"),
    *("values_with_count", "write_run"),
]

# Cells of a block: a few of the widest vectors, which hide the latency of the elimination.
_BLOCK, _VECTOR = 48, 8
_SUMS = (COUNTED, SLOPE)

#: From the potentials at the probes, shape (steps, probes, cells), to what they are worth: the
#: derivatives of the same shape.
Loss = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Count:
    """A variable of a kernel that is added up.

    Attributes
    ----------
    kernel : int
        Which.
    variable : str
        Expression or state of it.
    site : int
        Row of the kernel.
    first, stop : int
        Steps that count, `stop` not among them.
    share : float
        What the variable is multiplied by, such as the area of a compartment.
    """

    kernel: int
    variable: str
    site: int
    first: int
    stop: int
    share: float = 1.0


@dataclass(frozen=True)
class Found:
    """Derivatives of the loss of each cell.

    Attributes
    ----------
    parameters : list of dict of str to ndarray, each of shape (sites, cells)
        By kernel and wanted parameter.
    starts : list of dict of str to ndarray, each of shape (sites, cells)
        By kernel and carried variable: with respect to its value at the start.
    weights : list of ndarray, each of shape (points, cells)
        By kernel, with respect to a factor on the weights of what arrives at each point.
    up : ndarray, shape (nodes, cells)
        With respect to the axial conductance from each node to its parent; empty if not wanted.
    potential : ndarray, shape (compartments, cells)
        With respect to the potential at the start.
    growth : ndarray, shape (cells,)
        Largest norm that the derivative with respect to the potentials had, of every fourth step.
    counted : ndarray, shape (2, cells)
        What was added up, and the sizes of what was added per volt; empty if nothing was.
    """

    parameters: list[dict[str, np.ndarray]]
    starts: list[dict[str, np.ndarray]]
    weights: list[np.ndarray]
    up: np.ndarray
    potential: np.ndarray
    growth: np.ndarray
    counted: np.ndarray


@dataclass
class _Layout:
    """How a run is divided."""

    block: int
    span: int
    blocks: list[tuple[int, int]] = field(default_factory=list)


def run_back(
    steps: Sequence[Step],
    inputs: CableInputs,
    loss: Loss,
    *,
    points: Mapping[int, tuple[np.ndarray, int]],
    tree: bool,
    threads: int,
    scales: Mapping[int, np.ndarray] | None = None,
    count: Count | None = None,
) -> Found:
    """Run a batch of cells, and take the run back from the derivative of a loss.

    Parameters
    ----------
    steps : sequence of Step
        Of each kernel of the model.
    inputs : CableInputs
        Shape and values; the potential is traced at every step at each probe.
    loss : callable
        Told the traces, it returns their derivatives.
    points : mapping of int to (ndarray of int, int)
        By kernel, the point that each of its events arrives at, and how many points there are,
        where the derivatives with respect to weights are wanted.
    tree : bool
        Whether the derivatives with respect to axial conductances are wanted.
    threads : int
        Threads that share the cells.
    scales : mapping of int to ndarray of shape (points, cells), optional
        By kernel of `points`, a factor on the weights of what arrives at each point. The
        derivatives are with respect to these factors.
    count : Count, optional
        What the step of a kernel adds up. The sum is judged together with the traces.

    Raises
    ------
    EngineError
        The program could not be built, or the run diverged.
    """
    told = [[repr(step.kernel), step.wanted, step.counted] for step in steps]
    if count is not None:
        inputs = _with_count(inputs, count)
    built = fetch_program(told, partial(write_loops, steps))
    layout = laid_out(steps, inputs)
    with run_folder(_most_bytes(steps, inputs, points)) as folder:
        write_run(
            steps, inputs, layout, points, scales, count, tree=tree, threads=threads, folder=folder
        )
        _converse(str(built / "main"), inputs, layout, loss, folder)
        return _read(steps, inputs, layout, points, tree=tree, folder=folder)


def _most_bytes(
    steps: Sequence[Step], inputs: CableInputs, points: Mapping[int, tuple[np.ndarray, int]]
) -> float:
    """Return what the files of a run take, at most: doubles for each cell, and what arrives."""
    rows = 2 * inputs.steps * len(inputs.probes) + 4 * inputs.tree.nodes
    arriving = 0
    for step, given in zip(steps, inputs.kernels, strict=True):
        rows += given.sites * (2 * len(step.carried) + len(step.parameters) + len(step.wanted))
        arriving += 0 if given.events is None else len(given.events.weight)
    # Factors on the weights of points, and the derivatives with respect to them.
    rows += sum(2 * many for _, many in points.values())
    samples = sum(map(len, inputs.waveforms))
    return 8.0 * (rows * inputs.cells + 8 * arriving + samples) + 2.0**20


def _with_count(inputs: CableInputs, count: Count) -> CableInputs:
    kernels = list(inputs.kernels)
    given = kernels[count.kernel]
    values = dict(values_with_count(given, inputs.cells, count))
    kernels[count.kernel] = replace(given, values=values)
    return replace(inputs, kernels=tuple(kernels))


def values_with_count(given: KernelInputs, cells: int, count: Count) -> Mapping[str, np.ndarray]:
    """Return the values of a kernel with those that its sum is given."""
    shape = (given.sites, cells)
    share = np.zeros(shape)
    share[count.site] = count.share
    told = (share, np.full(shape, float(count.first)), np.full(shape, float(count.stop)))
    more = {
        COUNTED: np.zeros(shape),
        SLOPE: np.zeros(shape),
        **dict(zip(OF_COUNT, told, strict=True)),
    }
    return {**given.values, **more}


def laid_out(steps: Sequence[Step], inputs: CableInputs) -> _Layout:
    """Return blocks of cells, and spans of steps for which memory is least."""
    cells, tree = inputs.cells, inputs.tree
    pieces = -(-cells // _BLOCK)
    # In whole vectors.
    block = -(-cells // (pieces * _VECTOR)) * _VECTOR
    rows = tree.nodes + sum(
        len(step.carried) * given.sites for step, given in zip(steps, inputs.kernels, strict=True)
    )
    count = max(1, inputs.steps + inputs.settle_steps)
    # Beginnings of spans for all cells, and every step of one span for a block.
    beginning, kept = 8.0 * rows * cells, 8.0 * (rows + tree.nodes) * block
    span = int(np.clip(round(np.sqrt(count * beginning / kept)), 1, count))
    blocks = [(first, min(block, cells - first)) for first in range(0, cells, block)]
    return _Layout(block, span, blocks)


def put(path: Path, values: object, dtype: type, *, counted: bool = False) -> None:
    """Write an array, and with `counted` its length beside it."""
    array: np.ndarray = np.ascontiguousarray(np.asarray(values), dtype=dtype)
    array.tofile(path)
    if counted:
        np.asarray([array.size], dtype=np.float64).tofile(path.with_name(f"{path.name}.count"))


def write_run(
    steps: Sequence[Step],
    inputs: CableInputs,
    layout: _Layout,
    points: Mapping[int, tuple[np.ndarray, int]],
    scales: Mapping[int, np.ndarray] | None,
    count: Count | None,
    *,
    tree: bool,
    threads: int,
    folder: Path,
) -> None:
    """Write what a run is given into the files that its program reads."""
    shape = inputs.tree
    begin = inputs.start_step - inputs.settle_steps
    settings = [
        inputs.cells, shape.compartments, shape.nodes, begin, inputs.start_step,
        inputs.start_step + inputs.steps, layout.span, threads, layout.block, len(steps),
        len(inputs.probes), inputs.dt, inputs.theta, float(tree),
    ]  # fmt: skip
    put(folder / "settings", settings, np.float64)
    put(folder / "tree.parent", shape.parent, np.int32)
    put(folder / "tree.up", shape.up, np.float64)
    put(folder / "tree.around", shape.around(), np.float64)
    put(folder / "tree.order", shape.order(), np.int32)
    put(folder / "start", inputs.start, np.float64, counted=True)
    put(folder / "probes", [site for _, _, site in inputs.probes], np.int32)
    lengths = [len(samples) for samples in inputs.waveforms]
    put(folder / "waveform_count", [len(lengths)], np.float64)
    put(folder / "waveform_starts", np.cumsum([0, *lengths]), np.int64)
    put(folder / "waveform_samples", np.concatenate([np.zeros(0), *inputs.waveforms]), np.float64)
    for k, step in enumerate(steps):
        _write_kernel(k, step, inputs, points, folder)
        scale = (scales or {}).get(k, np.zeros(0))
        put(folder / f"kernel.{k}.scale", scale, np.float64, counted=True)
    sums = [] if count is None else [steps[count.kernel].carried.index(n) for n in _SUMS]
    told_count = [] if count is None else [count.kernel, count.site, *sums]
    put(folder / "count", told_count, np.int64, counted=True)


def _write_kernel(
    k: int,
    step: Step,
    inputs: CableInputs,
    points: Mapping[int, tuple[np.ndarray, int]],
    folder: Path,
) -> None:
    given, kernel, head = inputs.kernels[k], step.kernel, f"kernel.{k}"
    for name, what in (("carried", step.carried), ("given", step.parameters)):
        for j, variable in enumerate(what):
            put(folder / f"{head}.{name}.{j}", given.values[variable], np.float64, counted=True)
    raised: list[int] = []
    count, many = 0, 0
    events: dict[str, np.ndarray] = {
        name: np.zeros(0) for name in ("step", "site", "cell", "point", "weight")
    }
    if kernel.events and given.events is not None:
        arriving = given.events
        at_step = inputs.arrival_steps(arriving)
        point, many = points.get(k, (np.zeros(len(at_step), dtype=int), 0))
        # What arrives in one place in one step is added in the order of weights, as it is ahead.
        order = np.lexsort((arriving.weight, arriving.site, at_step))
        order = order[at_step[order] >= inputs.start_step]
        count = len(order)
        events = {
            "step": at_step[order], "site": arriving.site[order], "cell": arriving.cell[order],
            "point": point[order], "weight": arriving.weight[order],
        }  # fmt: skip
        raised = [step.carried.index(state) for state in kernel.events]
        for j, state in enumerate(kernel.events):
            factor = arriving.factors[state]
            put(folder / f"{head}.factor.{j}", factor, np.float64, counted=True)
    for name, values in events.items():
        kind = {"step": np.int64, "weight": np.float64}.get(name, np.int32)
        put(folder / f"{head}.events.{name}", values, kind)
    put(folder / f"{head}.raised", raised, np.int64, counted=True)
    first = int(given.nodes[0]) if kernel.density and given.sites else 0
    shape = [
        given.sites, first, float(kernel.density), float(kernel.injects), len(step.carried),
        len(step.parameters), len(step.wanted), count, many,
    ]  # fmt: skip
    put(folder / f"{head}.shape", shape, np.float64)
    if not kernel.density:
        put(folder / f"{head}.nodes", given.nodes, np.int32)


def _converse(program: str, inputs: CableInputs, layout: _Layout, loss: Loss, folder: Path) -> None:
    """Run the program; told the potentials, answer with their derivatives."""
    environment = os.environ | {"NEUROSIM_RUN": str(folder)}
    with tempfile.TemporaryFile("w+") as said:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": said}
        with start([program], environment, cwd=folder, **pipes) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            if process.stdout.readline().strip() == "ready":
                shape = (inputs.steps, len(inputs.probes))
                parts = [
                    np.fromfile(folder / f"traces.{k}").reshape(*shape, width)
                    for k, (_, width) in enumerate(layout.blocks)
                ]
                seeds = loss(np.concatenate(parts, axis=2))
                assert seeds.shape == (*shape, inputs.cells)
                put(folder / "seeds", seeds, np.float64)
                process.stdin.write("back\n")
                process.stdin.flush()
            status = process.wait()
        if status != 0:
            text = ending(said)
            raise diverged_in(text) or EngineError(f"the run failed (exit status {status}): {text}")


def diverged_in(text: str) -> DivergenceError | None:
    """Return what a program said of a run that left every bound, if it did."""
    found = re.search(r"diverged group 0 cell (\d+) compartment (\d+) time (\S+)", text)
    if found is None:
        return None
    return DivergenceError(0, int(found[1]), int(found[2]), float(found[3]))


def _read(
    steps: Sequence[Step],
    inputs: CableInputs,
    layout: _Layout,
    points: Mapping[int, tuple[np.ndarray, int]],
    *,
    tree: bool,
    folder: Path,
) -> Found:
    written = RunResults(folder)
    widths = [width for _, width in layout.blocks]
    for b in range(len(widths)):
        written.load(f"traces.{b}", np.float64)
    blocks = [written.load(f"found.{b}", np.float64) for b in range(len(widths))]
    taken = 0

    def rows(count: int) -> np.ndarray:
        """Return the next rows, of all cells."""
        nonlocal taken
        ends = [(taken * width, (taken + count) * width) for width in widths]
        taken += count
        parts = zip(blocks, ends, widths, strict=True)
        return np.concatenate(
            [one[first:last].reshape(count, width) for one, (first, last), width in parts], axis=1
        )

    # In the order of `Block::save` in program.cpp.
    parameters, starts, weights = [], [], []
    for k, (step, given) in enumerate(zip(steps, inputs.kernels, strict=True)):
        parameters.append({name: rows(given.sites) for name in step.wanted})
        starts.append({name: rows(given.sites) for name in step.carried})
        weights.append(rows(points[k][1] if k in points else 0))
    growth = np.sqrt(rows(1)[0])
    sums = rows(2 if any(step.counted for step in steps) else 0)
    potential = rows(inputs.tree.compartments)
    up = rows(inputs.tree.nodes if tree else 0)
    assert all(len(one) == taken * width for one, width in zip(blocks, widths, strict=True))
    return Found(parameters, starts, weights, up, potential, growth, sums)
