"""Entry point of the worker process: the only place where Brian2 builds or runs a network.

The task ``generate FOLDER`` writes the C++ program of the model that ``FOLDER/model.json``
describes, ``... generate-cable FOLDER`` that of the branched neurons in ``FOLDER/cable.json``;
``... run FOLDER`` runs the model with Brian2's NumPy target on the inputs found there. `serve`
waits for such tasks and does each in a fork. A process of its own keeps the caller's Brian2 session
(device, preferences, clock, objects) untouched whatever happens, and can be interrupted at any
moment.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

if TYPE_CHECKING:
    from neurosim.engine.point.assemble import Assembled

__all__ = ["main", "serve"]

# Seconds without a task after which a waiting worker ends.
_IDLE = 60.0


def _generate(folder: Path) -> None:
    from neurosim.engine.point.model import Model
    from neurosim.engine.point.source import write_sources

    model = Model.from_dict(json.loads((folder / "model.json").read_text()))
    write_sources(model, folder / "program")


def _generate_cable(folder: Path) -> None:
    from neurosim.engine.cable.model import CableModel
    from neurosim.engine.cable.source import write_program

    models = json.loads((folder / "cable.json").read_text())
    write_program([CableModel.from_dict(model) for model in models], folder / "kernels.cpp")


def _run(folder: Path) -> None:
    import brian2

    from neurosim.engine.point.assemble import Tables, assemble
    from neurosim.engine.point.model import Model
    from neurosim.engine.programs.course_tables import CourseTable

    brian2.prefs.codegen.target = "numpy"
    model = Model.from_dict(json.loads((folder / "model.json").read_text()))
    settings = json.loads((folder / "settings.json").read_text())
    with np.load(folder / "inputs.npz") as archive:
        inputs = dict(archive)
    waveforms = [inputs.pop(f"waveform.{k}") for k in range(settings["waveforms"])]
    courses = [CourseTable(*inputs.pop(f"course.{k}")) for k in range(settings["courses"])]
    weights = inputs.pop("weights")
    recorded = inputs.pop("recorded")
    states = {
        name.removeprefix("row."): values
        for name, values in inputs.items()
        if name.startswith("row.")
    }
    assembled = assemble(
        model,
        rows=settings["rows"],
        recorded=recorded,
        dt=settings["dt"],
        trace_dt=settings["trace_dt"],
        tables=Tables(waveforms, weights, courses),
        states=states,
    )
    report = None
    if settings["report"]:

        def report(elapsed: object, completed: float, start: object, duration: object) -> None:
            print(f"progress {float(completed):.4f}", flush=True)

    duration = settings["duration"]
    if "start" in settings:
        duration = _go_on(assembled, settings, inputs)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        assembled.network.run(
            duration * brian2.second,
            report=report,
            report_period=0.5 * brian2.second,
            namespace={},
        )
    results: dict[str, Any] = {
        "spikes.i": np.asarray(assembled.spikes.i),
        "spikes.t": np.asarray(assembled.spikes.t),
    }
    for name in sorted(assembled.cells.equations.diff_eq_names):
        results[f"state.{name}"] = np.asarray(assembled.cells.variables[name].get_value())
    for name in model.kept:
        results[f"kept.{name}"] = np.asarray(assembled.cells.variables[name].get_value())
    results["step"] = np.atleast_1d(assembled.clock.variables["timestep"].get_value())
    if assembled.traces is not None:
        results["trace.t"] = np.asarray(assembled.traces.t)
        for name in model.record:
            results[f"trace.{name}"] = np.asarray(getattr(assembled.traces, name)).T
    np.savez(folder / "results.npz", **results)


def _go_on(assembled: Assembled, settings: dict[str, Any], inputs: dict[str, np.ndarray]) -> float:
    """Bring a network to where another run ended; return how long it has to run (second)."""
    import brian2

    network, cells, dt, start = (
        assembled.network,
        assembled.cells,
        settings["dt"],
        settings["start"],
    )
    network.run(0 * brian2.second, namespace={})
    for name, values in inputs.items():
        if name.startswith("begin."):
            cells.variables[name.removeprefix("begin.")].get_value()[:] = values
    if assembled.wires is not None:
        # The spikes that were fired before, step after step, as they were fired then.
        queue, row, back = assembled.wires.pre.queue, inputs["flight_row"], inputs["flight_back"]
        for ago in range(int(back.max(initial=0)), 0, -1):
            queue.push(row[back == ago].astype(np.int32))
            queue.advance()
    network.t_ = start * dt
    steps = round(settings["duration"] / dt)
    return float((start + steps) * dt - start * dt)


def main(argv: list[str]) -> int:
    """Run one task; return the exit status."""
    from neurosim.engine.programs.processes import end_with_parent

    end_with_parent()
    task, folder = argv
    try:
        tasks = {"generate": _generate, "generate-cable": _generate_cable, "run": _run}
        tasks[task](Path(folder))
    except Exception as error:
        # Brian2 wraps the error that matters; the parent shows the end of this, innermost last.
        chain: list[str] = []
        cause: BaseException | None = error
        while cause is not None:
            chain.append(f"{type(cause).__name__}: {cause}")
            cause = cause.__cause__ or cause.__context__
        print("\n".join(chain), file=sys.stderr)
        return 1
    return 0


def serve(file: int) -> None:
    """Wait for tasks with everything imported, and do each in a process forked from this one.

    Ends when nobody holds the other end of the socket, or after a minute without a task.

    Parameters
    ----------
    file : int
        Socket by which tasks come, one a message (`neurosim.engine.programs.waiting_worker`).
    """
    with socket.socket(fileno=file) as asked:
        with _ending_with(asked):
            import brian2  # noqa: F401
            import scipy.sparse.csgraph  # noqa: F401

            import neurosim.engine.cable.source
            import neurosim.engine.point.assemble
            import neurosim.engine.point.source  # noqa: F401
        gc.freeze()
        # What they used counts as used by this process, and so by the one that started it.
        signal.signal(signal.SIGCHLD, lambda *_: _wait_for_ended())
        while select.select([asked], [], [], _IDLE)[0]:
            text, files, _, _ = socket.recv_fds(asked, 1 << 20, 3)
            if not text:
                return
            if os.fork() == 0:
                asked.close()
                _attend(text, files)
            for given in files:
                os.close(given)


def _wait_for_ended() -> None:
    """Wait for the tasks that have ended; nobody else does."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


@contextlib.contextmanager
def _ending_with(asked: socket.socket) -> Iterator[None]:
    """End this process, busy as it is, if the other end of a socket is closed within the block.

    No thread is left after the block: a process that is to be forked has one only.
    """
    done = threading.Event()

    def watch() -> None:
        closed = select.poll()
        closed.register(asked, select.POLLHUP)
        while not done.is_set():
            if any(event & select.POLLHUP for _, event in closed.poll(100)):
                os._exit(0)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _attend(text: bytes, files: list[int]) -> NoReturn:
    """Do one task in this process, which was forked for it; tell its begin and its status."""
    try:
        answer = socket.socket(fileno=files[0])
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        argv, place, environment = json.loads(text)
        os.chdir(place)
        os.environ.clear()
        os.environ.update(environment)
        for given, own in zip(files[1:], (1, 2), strict=True):
            os.dup2(given, own)
            os.close(given)
        # As in a process of its own: numbers that no other draws.
        np.random.seed()  # noqa: NPY002
        answer.send(b"b")

        def watch() -> None:
            # Reset rather than closed, where the launcher ended before it read that the task began.
            with contextlib.suppress(OSError):
                answer.recv(1)
            os.killpg(0, signal.SIGKILL)

        threading.Thread(target=watch, daemon=True).start()
        status = main(argv)
        sys.stdout.flush()
        sys.stderr.flush()
        answer.send(bytes([status]))
    finally:
        os._exit(1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
