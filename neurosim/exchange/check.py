"""A neuron run here and in NEURON or Arbor, and the largest differences between the two."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Quantity, have_same_dimensions, ms, second, volt

from neurosim.describe.neuron import Neuron
from neurosim.display import html_table
from neurosim.errors import EngineError, ExtraMissingError, ParameterError
from neurosim.exchange.neuron_out import InNeuron, to_neuron
from neurosim.quantities import check_quantity
from neurosim.run.neuron_run import NeuronRecording
from neurosim.run.simulate import simulate

__all__ = [
    "NeuronCheck",
    "Traced",
    "Watched",
    "check_against_neuron",
    "compared",
    "simulated",
]


@dataclass(frozen=True, eq=False)
class Traced:
    """One probe, here and in the other program, each with two time steps.

    Attributes
    ----------
    label : str
        The probe.
    unit : Quantity
        A value with the unit of the trace.
    time_s : ndarray, shape (n,)
        Times that all runs share.
    ours, theirs : ndarray, shape (2, n)
        Values in SI units: with the step, and with half of it.
    order : int
        Power of the step with which the difference is expected to fall.
    """

    label: str
    unit: Quantity
    time_s: np.ndarray
    ours: np.ndarray
    theirs: np.ndarray
    order: int = 1

    @property
    def differences(self) -> tuple[float, float]:
        """Largest difference between the programs with the step, and with half of it, in SI."""
        each = np.abs(self.ours - self.theirs).max(axis=1)
        return float(each[0]), float(each[1])

    @property
    def left(self) -> float:
        """What is left of the largest difference without its part of this order in the step."""
        return _left(self.differences, self.order)


@dataclass(frozen=True, eq=False)
class Watched:
    """Spikes at one detector, here and in the other program, at two time steps, in second."""

    label: str
    ours: tuple[np.ndarray, np.ndarray]
    theirs: tuple[np.ndarray, np.ndarray]
    order: int = 1

    @property
    def counts(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Number of spikes here and in the other program: with the step, and with half of it."""
        pairs = zip(self.ours, self.theirs, strict=True)
        first, second_ = [(len(a), len(b)) for a, b in pairs]
        return first, second_

    @property
    def differences(self) -> tuple[float, float]:
        """Largest difference between spike times, in second; nan where the numbers differ."""
        pairs = zip(self.ours, self.theirs, strict=True)
        first, second_ = [_apart(a, b) for a, b in pairs]
        return first, second_

    @property
    def left(self) -> float:
        """What is left of the largest difference without its part of this order in the step."""
        return _left(self.differences, self.order)


def _left(differences: tuple[float, float], order: int) -> float:
    """Return the limit of a difference that falls with a power of the step (Richardson).

    Examples
    --------
    >>> _left((3.0, 2.0), 1), _left((5.0, 2.0), 2)
    (1.0, 1.0)
    """
    share = float(2**order)
    return abs(share * differences[1] - differences[0]) / (share - 1)


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    if len(a) != len(b):
        return float("nan")
    return float(np.abs(a - b).max(initial=0.0))


@dataclass(frozen=True, eq=False)
class NeuronCheck:
    """What a run here and the same run in NEURON or Arbor differ by.

    Attributes
    ----------
    dt_s, duration_s : float
        Time step and length, in second; the runs were repeated with half the step.
    traces : tuple of Traced
        By probe.
    spikes : tuple of Watched
        By detector.
    losses : tuple of str
        What the other program was not told.
    version : str
        Of the other program.
    program : str
        The other program, NEURON or Arbor.
    """

    dt_s: float
    duration_s: float
    traces: tuple[Traced, ...]
    spikes: tuple[Watched, ...]
    losses: tuple[str, ...] = field(default=())
    version: str = ""
    program: str = "NEURON"

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row a probe and detector: what is compared, and differences as text."""
        found: list[tuple[str, ...]] = []
        for trace in self.traces:
            dim = trace.unit.dim
            said = [_said(Quantity(x, dim=dim)) for x in (*trace.differences, trace.left)]
            found.append((trace.label, *said, _share(trace.differences[0], trace.left)))
        for one in self.spikes:
            (a, b), (c, d) = one.counts
            what = f"spikes at {one.label} ({a} here, {b} in {self.program}; {c} and {d} at dt/2)"
            said = [
                "other number" if np.isnan(x) else _said(x * second)
                for x in (*one.differences, one.left)
            ]
            found.append((what, *said, _share(one.differences[0], one.left)))
        return found

    def table(self) -> str:
        """Return the differences as a table in plain text."""
        rows = [_HEAD, *self.rows()]
        wide = [max(len(row[k]) for row in rows) for k in range(5)]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip()
                 for row in rows]  # fmt: skip
        return "\n".join(lines)

    def __str__(self) -> str:
        head = (
            f"{self.duration_s * 1e3:g} ms here and in {self.program} {self.version}, by backward "
            f"Euler at dt = {self.dt_s * 1e3:g} ms and at half of it; largest differences:"
        )
        lost = [f"lost: {loss}" for loss in self.losses]
        return "\n".join([head, self.table(), *lost])

    def _repr_html_(self) -> str:
        return html_table(f"Check against {self.program}", self.rows(), _HEAD, "")

    def plot(self, label: str = "", axes: Any = None) -> Any:
        """Draw a trace of both programs, and their difference at both steps below.

        Parameters
        ----------
        label : str
            Which probe (default: the first).
        axes : two matplotlib Axes, optional
            Where to draw (default: a new figure).

        Returns
        -------
        tuple of two matplotlib Axes
        """
        from neurosim.drawing.two_runs import plot_two_runs

        trace = next((t for t in self.traces if label in ("", t.label)), None)
        if trace is None:
            names = [f"{one.label!r}" for one in self.traces]
            raise ParameterError(f"plot: no trace {label!r}; there is {', '.join(names)}")
        scale, unit = (1e3, "mV") if trace.unit.dim == _VOLT.dim else (1.0, "SI units")
        names = [f"dt = {self.dt_s * 1e3:g} ms", f"dt = {self.dt_s * 5e2:g} ms"]
        apart = trace.ours - trace.theirs
        return plot_two_runs(
            trace.time_s * 1e3, trace.ours[1] * scale, trace.theirs[1] * scale, apart * scale,
            names, trace.label, unit, axes,
        )  # fmt: skip


_VOLT = Quantity(1.0, dim=volt.dim)
_HEAD = ("", "at dt", "at dt/2", "left as dt goes to 0", "share of the time step")


def _said(value: Quantity) -> str:
    return f"{float(value):.2g}" if float(value) == 0 else str(value.in_best_unit(precision=2))


def _share(apart: float, left: float) -> str:
    if np.isnan(apart) or np.isnan(left) or apart == 0:
        return ""
    return f"{100 * max(0.0, 1 - left / apart):.0f} %"


def check_against_neuron(
    neuron: Neuron, duration: Quantity, *, dt: Quantity = 0.025 * ms, verbose: bool = True
) -> NeuronCheck:
    """Run a neuron here and in NEURON, and return what differs.

    The neuron is written with `to_neuron` to a temporary folder, compiled there and run from rest
    by backward Euler with the time step ``dt`` and with half of it; so it is here. What remains of
    a difference as the step goes to 0 is no matter of the step.

    **NEURON compiles what is made of the equations of the neuron, and runs it as a program of its
    own.** The function says so before it does.

    Parameters
    ----------
    neuron : Neuron
        With what is placed, probed and detected; without probes the potential of the root is
        compared.
    duration : Quantity
        Length of the runs.
    dt : Quantity
        The larger of the two time steps.
    verbose : bool
        Whether to print what is about to happen, and the result.

    Returns
    -------
    NeuronCheck

    Raises
    ------
    ExtraMissingError
        NEURON is not installed: ``pip install 'neurosim-bridge[neuron]'``.
    ExchangeError
        The neuron cannot be written for NEURON.
    EngineError
        NEURON did not compile or run it.
    """
    return run_both(neuron, duration, dt, verbose, program="NEURON", extra="neuron", run=_there)


Runs = tuple[tuple[str, ...], list[dict[str, Any]], str]
"""What the other simulator was not told, its run with each time step, and its version."""


def run_both(
    neuron: Neuron,
    duration: Quantity,
    dt: Quantity,
    verbose: bool,
    *,
    program: str,
    extra: str,
    run: Callable[[Neuron, Path, float, tuple[float, ...]], Runs],
    order: int = 1,
) -> NeuronCheck:
    """Run a neuron here and in another simulator, with a time step and half of it.

    Parameters
    ----------
    neuron, duration, dt, verbose
        As in `check_against_neuron`.
    program, extra : str
        Name of the simulator; the extra that installs it, which is also the name of its package.
    run : callable
        Given the neuron, a folder, the duration and the steps (s): writes and runs it there.
    order : int
        Power of the step with which their difference in potentials and spike times falls.
    """
    name = f"check_against_{extra}"
    length = float(check_quantity(duration, 100 * ms, "check: duration", above=0 * ms))
    step = float(check_quantity(dt, 0.025 * ms, "check: dt", above=0 * ms))
    if importlib.util.find_spec(extra) is None:
        raise ExtraMissingError.needed_for(name, extra)
    if not neuron.probed:
        from neurosim.morphology import root_site

        neuron = neuron.probe("v", root_site)
    if verbose:
        print(
            f"{name}: {program} compiles the equations of this neuron as C++ in a temporary "
            "folder and runs them."
        )
    with tempfile.TemporaryDirectory(prefix=f"neurosim-{extra}-") as folder:
        losses, theirs, version = run(neuron, Path(folder) / "cell", length, (step, step / 2))
    ours = [simulated(neuron, length, one) for one in (step, step / 2)]
    found = compared(losses, ours, theirs, length, step, version, program, order)
    if verbose:
        print(found)
    return found


def _there(neuron: Neuron, folder: Path, length: float, steps: tuple[float, ...]) -> Runs:
    made = to_neuron(neuron, folder)
    return (made.losses, *run_in_neuron(made, length, steps))


def simulated(neuron: Neuron, length: float, step: float) -> NeuronRecording:
    recording = simulate(
        neuron, length * second, dt=step * second, record_dt=step * second,
        scheme="backward-euler",
    )  # fmt: skip
    assert isinstance(recording, NeuronRecording)
    return recording


def run_in_neuron(
    made: InNeuron, duration: float, steps: tuple[float, ...]
) -> tuple[list[dict[str, Any]], str]:
    """Compile and run an exported neuron in a process of its own; times in second.

    Returns
    -------
    list of dict
        What ``cell.py`` saw, a run a time step.
    str
        NEURON's version.

    Raises
    ------
    EngineError
        It did not compile or run.
    """
    folder = made.folder
    if made.mechanisms:
        compiler = Path(sys.executable).with_name("nrnivmodl")
        program = str(compiler) if compiler.exists() else shutil.which("nrnivmodl")
        if program is None:
            raise EngineError("NEURON's compiler, nrnivmodl, is not beside Python nor on PATH")
        _call([program, "mod"], folder, "compile")
    step_texts = [repr(1e3 * step) for step in steps]
    command = [sys.executable, "cell.py", "--duration", repr(1e3 * duration), "--dt", *step_texts]
    _call([*command, "--out", "traces.json"], folder, "run")
    said = _call(
        [sys.executable, "-c", "import neuron; print(neuron.__version__)"], folder, "start"
    )
    runs = json.loads((folder / "traces.json").read_text(encoding="utf-8"))
    return runs, said.strip().splitlines()[-1]


def _call(command: list[str], folder: Path, what: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise EngineError(f"NEURON did not {what} the neuron; it said:\n{last}")
    return done.stdout


def compared(
    losses: tuple[str, ...],
    ours: list[NeuronRecording],
    theirs: list[dict[str, Any]],
    length: float,
    step: float,
    version: str,
    program: str = "NEURON",
    order: int = 1,
) -> NeuronCheck:
    """Return what runs at two steps differ by, here and in the other program."""
    count = round(length / step)
    traces = []
    for label in theirs[0]["traces"]:
        mine = [np.asarray(one.trace(label))[0] for one in ours]
        other = [np.asarray(one["traces"][label]) for one in theirs]
        # Ours begins at the end of the first step, NEURON's at time 0.
        n = min(count, *(len(x) // (k + 1) for k, x in enumerate(mine)))
        kept_mine = np.array([mine[0][:n], mine[1][1 : 2 * n : 2]])
        kept_other = np.array([other[0][1 : n + 1], other[1][2 : 2 * n + 1 : 2]])
        unit = ours[0].trace_units[label]
        # Other values than potentials may be those of the beginning of a step in one program, and
        # of its end in the other.
        own = order if have_same_dimensions(unit, volt) else 1
        time = np.arange(1, n + 1) * step
        traces.append(Traced(label, unit, time, kept_mine, kept_other, own))
    spikes = tuple(
        Watched(
            label,
            _pair(np.sort(np.asarray(one.detectors[label][1])) for one in ours),
            _pair(1e-3 * np.asarray(one["spikes"][label], dtype=float) for one in theirs),
            order,
        )
        for label in theirs[0]["spikes"]
    )
    return NeuronCheck(step, length, tuple(traces), spikes, losses, version, program)


def _pair(arrays: Any) -> tuple[np.ndarray, np.ndarray]:
    first, second_ = arrays
    return first, second_
