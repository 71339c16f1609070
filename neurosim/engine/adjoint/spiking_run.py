"""A batch of neurons that spikes reset, run ahead with every spike located, and back."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from neurosim.engine.adjoint.adjoint_program import fetch_program
from neurosim.engine.adjoint.spiking_maps import SpikingMaps
from neurosim.engine.adjoint.spiking_source import write_spiking
from neurosim.engine.point.inputs import Inputs
from neurosim.engine.programs.processes import ending, start
from neurosim.engine.programs.results import RunResults, run_folder
from neurosim.errors import EngineError

__all__ = ["FoundSpiking", "Spikes", "SpikingError", "SpikingLoss", "run_spiking"]

# Rows that are advanced together, as the program has it.
_ROWS = 8


@dataclass(frozen=True)
class Spikes:
    """The spikes of one row.

    Attributes
    ----------
    time : ndarray, shape (n,)
        When, in second.
    step : ndarray of int, shape (n,)
        In which step.
    offset : ndarray, shape (n,)
        How long after the beginning of that step, in second.
    before, after : ndarray, shape (n,)
        Potential at the threshold and after the reset, in volt.
    """

    time: np.ndarray
    step: np.ndarray
    offset: np.ndarray
    before: np.ndarray
    after: np.ndarray


#: From the potentials, shape (steps, rows), and the spikes of each row, to what they are worth: the
#: derivatives with respect to the potentials, and of each row with respect to the times of its
#: spikes and the potentials before and after, shape (n, 3).
SpikingLoss = Callable[[np.ndarray, list[Spikes]], tuple[np.ndarray, list[np.ndarray]]]


@dataclass(frozen=True)
class FoundSpiking:
    """Derivatives of the loss of each row.

    Attributes
    ----------
    parameters : dict of str to ndarray, each of shape (rows,)
        By wanted parameter.
    starts : dict of str to ndarray, each of shape (rows,)
        With respect to each state at the start.
    growth : ndarray, shape (rows,)
        Largest size that the derivative with respect to the potential had.
    """

    parameters: dict[str, np.ndarray]
    starts: dict[str, np.ndarray]
    growth: np.ndarray


class SpikingError(EngineError):
    """A row could not be run or taken back.

    Attributes
    ----------
    what : str
        ``"diverged"``, ``"stuck"``, ``"at once"`` (a spike follows a reset or a refractory period
        at once) or ``"touches"`` (the potential only touches the threshold).
    row : int
        Which.
    time_s : float
        When, in second.
    """

    def __init__(self, what: str, row: int, time_s: float) -> None:
        super().__init__(f"row {row} at {time_s * 1e3:g} ms: {what}")
        self.what, self.row, self.time_s = what, row, time_s


def run_spiking(
    maps: SpikingMaps, inputs: Inputs, loss: SpikingLoss, *, threads: int
) -> FoundSpiking:
    """Run a batch and take it back from the derivative of a loss.

    Parameters
    ----------
    maps : SpikingMaps
        Of the neuron.
    inputs : Inputs
        Values.
    loss : callable
        Told potentials and spikes, it returns their derivatives.
    threads : int
        Threads that share the rows.

    Raises
    ------
    EngineError
        The program could not be built, or a row could not be run.
    """
    built = fetch_program(
        [*maps.told, *maps.states, "|", *maps.wanted],
        partial(write_spiking, maps),
        ("spiking.h", "spiking.cpp"),
    )
    steps = round(inputs.duration / inputs.dt)
    with run_folder() as folder:
        _write(maps, inputs, steps, threads, folder)
        _converse(str(built / "main"), inputs.rows, steps, loss, folder)
        return _read(maps, inputs.rows, folder)


def _put(path: Path, values: object) -> None:
    array: np.ndarray = np.ascontiguousarray(np.asarray(values), dtype=np.float64)
    array.tofile(path)
    np.asarray([array.size], dtype=np.float64).tofile(path.with_name(f"{path.name}.count"))


def _write(maps: SpikingMaps, inputs: Inputs, steps: int, threads: int, folder: Path) -> None:
    # As many states at beginnings of spans as within one.
    span = max(1, round(np.sqrt(steps)))
    settings = [
        inputs.rows, steps, len(maps.states), len(maps.parameters), len(maps.wanted), span, threads,
        inputs.dt,
    ]  # fmt: skip
    np.asarray(settings, dtype=np.float64).tofile(folder / "settings")
    for k, name in enumerate(maps.parameters):
        _put(folder / f"given.{k}", inputs.states[name])
    shared = [float(name in maps.shared) for name in maps.parameters]
    np.asarray(shared, dtype=np.float64).tofile(folder / "shared")
    for k, name in enumerate(maps.states):
        start_value = inputs.states.get(name, np.zeros(inputs.rows))
        _put(folder / f"start.{k}", np.broadcast_to(start_value, inputs.rows))
    lengths = [len(samples) for samples in inputs.waveforms]
    np.asarray([len(lengths)], dtype=np.float64).tofile(folder / "waveform_count")
    np.cumsum([0, *lengths]).astype(np.int64).tofile(folder / "waveform_starts")
    np.concatenate([np.zeros(0), *inputs.waveforms]).tofile(folder / "waveform_samples")


def _blocks(rows: int) -> list[int]:
    return [min(_ROWS, rows - first) for first in range(0, rows, _ROWS)]


def _converse(program: str, rows: int, steps: int, loss: SpikingLoss, folder: Path) -> None:
    """Run the program; told potentials and spikes, answer with their derivatives."""
    environment = os.environ | {"NEUROSIM_RUN": str(folder)}
    with tempfile.TemporaryFile("w+") as said:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": said}
        with start([program], environment, cwd=folder, **pipes) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            if process.stdout.readline().strip() == "ready":
                widths = _blocks(rows)
                traces = [
                    np.fromfile(folder / f"traces.{k}").reshape(steps, width)
                    for k, width in enumerate(widths)
                ]
                spikes = [one for k in range(len(widths)) for one in _spikes(folder, k)]
                seeds, of_spikes = loss(np.concatenate(traces, axis=1), spikes)
                np.ascontiguousarray(seeds, dtype=np.float64).tofile(folder / "seeds")
                _put(folder / "spike_seeds", np.concatenate([np.zeros((0, 3)), *of_spikes]))
                process.stdin.write("back\n")
                process.stdin.flush()
            status = process.wait()
        if status != 0:
            text = ending(said)
            found = re.search(r"(\w[\w ]*) row (\d+) time (\S+)", text)
            if found:
                raise SpikingError(found[1], int(found[2]), float(found[3]))
            raise EngineError(f"the run failed (exit status {status}): {text}")


def _spikes(folder: Path, block: int) -> list[Spikes]:
    counts = np.fromfile(folder / f"counts.{block}").astype(int)
    rows = np.fromfile(folder / f"spikes.{block}").reshape(-1, 4)
    settings = np.fromfile(folder / "settings")
    parts: Sequence[np.ndarray] = np.split(rows, np.cumsum(counts)[:-1])
    return [
        Spikes(one[:, 0] * settings[7] + one[:, 1], one[:, 0].astype(int), *one[:, 1:].T)
        for one in parts
    ]


def _read(maps: SpikingMaps, rows: int, folder: Path) -> FoundSpiking:
    written = RunResults(folder)

    def joined(name: str, count: int) -> np.ndarray:
        return np.concatenate(
            [
                written.load(f"{name}.{k}", np.float64).reshape(count, width)
                for k, width in enumerate(_blocks(rows))
            ],
            axis=1,
        )

    for k in range(len(_blocks(rows))):
        for name in ("traces", "counts", "spikes"):
            written.load(f"{name}.{k}", np.float64)
    found = joined("found", len(maps.wanted))
    starts = joined("start", len(maps.states))
    return FoundSpiking(
        dict(zip(maps.wanted, found, strict=True)),
        dict(zip(maps.states, starts, strict=True)),
        joined("growth", 1)[0],
    )
