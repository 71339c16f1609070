"""A neuron run here and in Arbor, and the largest differences between the two."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from brian2.units import Quantity, ms

from neurosim.describe.neuron import Neuron
from neurosim.errors import EngineError
from neurosim.exchange.arbor.arbor_out import InArbor, to_arbor
from neurosim.exchange.check import NeuronCheck, Runs, run_both

__all__ = ["build_in_arbor", "check_against_arbor", "run_in_arbor"]


def check_against_arbor(
    neuron: Neuron, duration: Quantity, *, dt: Quantity = 0.025 * ms, verbose: bool = True
) -> NeuronCheck:
    """Run a neuron here and in Arbor, and return what differs.

    The neuron is written with `to_arbor` to a temporary folder, compiled there and run from rest
    with the time step ``dt`` and with half of it; so it is here, by backward Euler. What remains of
    a difference as the step goes to 0 is no matter of the step.

    **Arbor compiles what is made of the equations of the neuron, and runs it as a program of its
    own.** The function says so before it does. It needs a C++ compiler, CMake, and Ninja or Make.

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
        Arbor is not installed: ``pip install 'neurosim-bridge[arbor]'``.
    ExchangeError
        The neuron cannot be written for Arbor.
    EngineError
        Arbor did not compile or run it.
    """
    # Both advance the potential alike; Arbor's fraction for the exponential is of second order.
    return run_both(
        neuron, duration, dt, verbose, program="Arbor", extra="arbor", run=_there, order=2
    )


def _there(neuron: Neuron, folder: Path, length: float, steps: tuple[float, ...]) -> Runs:
    made = to_arbor(neuron, folder)
    build_in_arbor(made)
    return (made.losses, *run_in_arbor(made, length, steps))


def build_in_arbor(made: InArbor) -> None:
    """Compile the mechanisms of an exported neuron.

    Raises
    ------
    EngineError
        They did not compile.
    """
    if not made.mechanisms:
        return
    beside = Path(sys.executable).with_name("arbor-build-catalogue")
    program = str(beside) if beside.exists() else shutil.which("arbor-build-catalogue")
    if program is None:
        raise EngineError(
            "Arbor's compiler, arbor-build-catalogue, is not beside Python nor on PATH"
        )
    _call([sys.executable, program, "--quiet", "cell", "mod"], made.folder, "compile")


def run_in_arbor(
    made: InArbor, duration: float, steps: tuple[float, ...]
) -> tuple[list[dict[str, Any]], str]:
    """Run an exported neuron in a process of its own; times in second.

    Returns
    -------
    list of dict
        What ``cell.py`` saw, a run a time step.
    str
        Arbor's version.

    Raises
    ------
    EngineError
        It did not run.
    """
    step_texts = [repr(1e3 * step) for step in steps]
    command = [sys.executable, "cell.py", "--duration", repr(1e3 * duration), "--dt", *step_texts]
    _call([*command, "--out", "traces.json"], made.folder, "run")
    said = _call(
        [sys.executable, "-c", "import arbor; print(arbor.__version__)"], made.folder, "start"
    )
    runs = json.loads((made.folder / "traces.json").read_text(encoding="utf-8"))
    return runs, said.strip().splitlines()[-1]


def _call(command: list[str], folder: Path, what: str) -> str:
    # Where Arbor's script looks for cmake: beside Python too.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise EngineError(f"Arbor did not {what} the neuron; it said:\n{last}")
    return done.stdout
