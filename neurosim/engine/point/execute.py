"""Run a model of point neurons: pick the engine, split the batch, put the results together."""

from __future__ import annotations

import warnings

from neurosim.engine.point.inputs import Inputs, Results, join, split
from neurosim.engine.point.model import Model
from neurosim.engine.point.numpy_run import run_numpy
from neurosim.engine.point.standalone import run_standalone
from neurosim.engine.programs.compiler import find_compiler
from neurosim.engine.programs.processes import Progress
from neurosim.engine.programs.results import run_folder
from neurosim.errors import EngineError, UnknownNameError, suggest

__all__ = ["ENGINES", "EngineNotice", "choose_engine", "execute"]


ENGINES = ("auto", "cpp", "numpy")


class EngineNotice(UserWarning):
    """Said once when a run is slower than it could be."""


_told = False


def choose_engine(engine: str) -> str:
    """Return ``"cpp"`` or ``"numpy"`` for a wish of ``"auto"``, ``"cpp"`` or ``"numpy"``.

    Raises
    ------
    UnknownNameError
        There is no such engine.
    EngineError
        ``"cpp"`` was asked for and no compiler was found.
    """
    global _told
    if engine not in ENGINES:
        raise UnknownNameError(f"no engine is called {engine!r}: {suggest(engine, ENGINES)}")
    if engine == "numpy":
        return "numpy"
    if find_compiler() is not None:
        return "cpp"
    remedy = "install one (Debian/Ubuntu: apt install g++; macOS: xcode-select --install)"
    if engine == "cpp":
        raise EngineError(f"engine='cpp' needs a C++ compiler and none was found: {remedy}")
    if not _told:
        _told = True
        warnings.warn(
            f"no C++ compiler was found, so runs use NumPy and take longer; {remedy}",
            EngineNotice,
            stacklevel=4,
        )
    return "numpy"


def execute(
    model: Model, inputs: Inputs, *, engine: str, jobs: int, progress: Progress | None
) -> Results:
    """Run a model on a batch.

    Parameters
    ----------
    model : Model
        What to run.
    inputs : Inputs
        The batch.
    engine : {"cpp", "numpy"}
        How to run it, as `choose_engine` says.
    jobs : int
        Processes to split the batch over.
    progress : callable, optional
        Called with the share done, 0 to 1.
    """
    chunks, first_rows = split(inputs, jobs)
    with run_folder() as folder:
        if engine == "cpp":
            compiler = find_compiler()
            assert compiler is not None
            parts = run_standalone(model, compiler, chunks, folder, progress)
        else:
            parts = run_numpy(model, chunks, folder, progress)
    return join(parts, first_rows)
