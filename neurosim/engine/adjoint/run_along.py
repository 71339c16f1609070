"""A batch of neurons run ahead, with the derivatives of their potential along directions."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from neurosim.engine.adjoint.adjoint_program import fetch_program
from neurosim.engine.adjoint.execute import diverged_in, laid_out, put, write_run
from neurosim.engine.adjoint.source import write_loops_along
from neurosim.engine.adjoint.step_derivative import Step, StepAlong, step_along
from neurosim.engine.cable.inputs import CableInputs
from neurosim.engine.programs.processes import ending, start
from neurosim.engine.programs.results import RunResults, run_folder
from neurosim.errors import EngineError

__all__ = ["Direction", "run_along"]


@dataclass
class Direction:
    """How much everything in a run moves along one direction.

    Attributes
    ----------
    given : dict of (int, str) to ndarray, each of shape (sites, cells)
        By kernel and wanted parameter; what is not named stands still.
    starts : dict of (int, str) to ndarray, each of shape (sites, cells)
        By kernel and carried variable, its value at the start.
    potential : ndarray of shape (compartments, cells), optional
        The potential at the start.
    scales : dict of int to ndarray, each of shape (points, cells)
        By kernel, the factor on the weights of what arrives at each point.
    up : ndarray of shape (nodes, cells), optional
        The axial conductances.
    """

    given: dict[tuple[int, str], np.ndarray] = field(default_factory=dict)
    starts: dict[tuple[int, str], np.ndarray] = field(default_factory=dict)
    potential: np.ndarray | None = None
    scales: dict[int, np.ndarray] = field(default_factory=dict)
    up: np.ndarray | None = None


def run_along(
    steps: Sequence[Step],
    inputs: CableInputs,
    directions: Sequence[Direction],
    *,
    points: Mapping[int, tuple[np.ndarray, int]],
    threads: int,
    scales: Mapping[int, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Run a batch of cells with its derivatives.

    Parameters
    ----------
    steps, inputs, points, threads, scales
        As `neurosim.engine.adjoint.execute.run_back` has them.
    directions : sequence of Direction
        Along which.

    Returns
    -------
    ndarray, shape (steps, probes, cells)
        Potential at the probes, in volt.
    ndarray, shape (steps, directions, probes, cells)
        Its derivatives.

    Raises
    ------
    EngineError
        The program could not be built, or the run diverged.
    """
    told = ["along", *([repr(step.kernel), step.wanted] for step in steps)]
    moving = [step_along(step) for step in steps]
    built = fetch_program(
        told, partial(write_loops_along, moving), ("loops.h", "program.cpp", "along.cpp")
    )
    layout = laid_out(steps, inputs)
    # Nothing is run again, so that only the beginning is kept.
    layout.span = max(1, inputs.steps + inputs.settle_steps)
    with run_folder() as folder:
        write_run(
            steps, inputs, layout, points, scales, None, tree=False, threads=threads, folder=folder
        )
        np.asarray([len(directions)], dtype=np.float64).tofile(folder / "directions")
        for d, direction in enumerate(directions):
            _write_direction(d, direction, moving, inputs, folder)
        _run(str(built / "main"), folder)
        written = RunResults(folder)
        shape, many = (inputs.steps, len(inputs.probes)), len(directions)
        traces, dots = [], []
        for b, (_, width) in enumerate(layout.blocks):
            traces.append(written.load(f"traces.{b}", np.float64).reshape(*shape, width))
            found = written.load(f"dot_traces.{b}", np.float64)
            dots.append(found.reshape(shape[0], many, shape[1], width))
        return np.concatenate(traces, axis=-1), np.concatenate(dots, axis=-1)


def _write_direction(
    d: int, direction: Direction, steps: Sequence[StepAlong], inputs: CableInputs, folder: Path
) -> None:
    def told(name: str, values: np.ndarray | None, otherwise: int) -> None:
        """Write values; nothing is one 0, or none."""
        put(
            folder / f"dot.{d}.{name}",
            np.zeros(otherwise) if values is None else values,
            np.float64,
            counted=True,
        )

    told("up", direction.up, 0)
    told("start", direction.potential, 1)
    for k, one in enumerate(steps):
        for j, name in enumerate(one.step.wanted):
            told(f"{k}.given.{j}", direction.given.get((k, name)), 1)
        for j, name in enumerate(one.step.carried):
            told(f"{k}.carried.{j}", direction.starts.get((k, name)), 1)
        told(f"{k}.scale", direction.scales.get(k), 0)


def _run(program: str, folder: Path) -> None:
    environment = os.environ | {"NEUROSIM_RUN": str(folder)}
    with tempfile.TemporaryFile("w+") as said:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": said}
        with start([program], environment, cwd=folder, **pipes) as process:
            status = process.wait()
        if status != 0:
            text = ending(said)
            raise diverged_in(text) or EngineError(f"the run failed (exit status {status}): {text}")
