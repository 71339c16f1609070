"""Child processes that never outlive an error or Ctrl-C in the parent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from neurosim.errors import EngineError

__all__ = ["child", "ending", "halted", "run_all", "worker_command", "worker_environment"]

Progress = Callable[[float], None]

# Children of every thread, so that the main thread can end them all.
_CHILDREN: set[subprocess.Popen[str]] = set()
_HALTED = threading.Event()


def worker_command(task: str, folder: Path) -> list[str]:
    """Return the command line of the worker process for one task."""
    # Brian2 takes names from all of Matplotlib when it can; a worker needs none, and starts sooner.
    code = (
        "import sys; sys.modules['pylab'] = None; "
        "from neurosim.engine.worker import main; sys.exit(main(sys.argv[1:]))"
    )
    return [sys.executable, "-c", code, task, str(folder)]


def worker_environment() -> dict[str, str]:
    """Return an environment in which the worker finds this very package."""
    root = str(Path(__file__).resolve().parents[3])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def run_all(
    commands: Sequence[Sequence[str]],
    *,
    what: str,
    at_once: int | None = None,
    environments: Sequence[dict[str, str]] | None = None,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Run commands side by side and wait for all of them.

    Parameters
    ----------
    commands : sequence of sequence of str
        Command lines.
    what : str
        What they do, for the error message.
    at_once : int, optional
        How many run at the same time; by default all.
    environments : sequence of dict, optional
        Environment of each command.
    folder : Path, optional
        Working directory.
    progress : callable, optional
        Called with the share done (0 to 1), read from lines ``progress 0.25`` of the output.

    Raises
    ------
    EngineError
        A command failed; carries the end of what it said.
    """
    done = [0.0] * len(commands)
    waiting = list(range(len(commands)))
    running: dict[int, tuple[subprocess.Popen[str], IO[str]]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < (at_once or len(commands)):
                if _HALTED.is_set():
                    raise EngineError(f"{what} was stopped")
                k = waiting.pop(0)
                said: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed when reaped)
                # A session of its own: Ctrl-C reaches the parent only, which ends the children.
                process = subprocess.Popen(
                    list(commands[k]),
                    stdin=subprocess.DEVNULL,
                    stdout=said if progress is None else subprocess.PIPE,
                    stderr=said,
                    text=True,
                    cwd=folder,
                    env=environments[k] if environments else worker_environment(),
                    start_new_session=True,
                )
                running[k] = (process, said)
                _CHILDREN.add(process)
            if progress is not None:
                _follow(running, done, progress)
            for k, (process, said) in list(running.items()):
                try:
                    status = process.wait(timeout=0.001 if len(running) > 1 else None)
                except subprocess.TimeoutExpired:
                    continue
                del running[k]
                _CHILDREN.discard(process)
                text = ending(said)
                if status != 0:
                    raise EngineError(f"{what} failed (exit status {status}): {text}")
    finally:
        for process, said in running.values():
            _end(process)
            _CHILDREN.discard(process)
            said.close()


@contextlib.contextmanager
def halted() -> Iterator[None]:
    """Kill every child of every thread, and start none inside the block.

    For the main thread, which alone hears of Ctrl-C: it waits inside the block for the threads
    whose calls of `run_all` now fail.
    """
    _HALTED.set()
    try:
        for process in list(_CHILDREN):
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        yield
    finally:
        _HALTED.clear()


def _follow(
    running: dict[int, tuple[subprocess.Popen[str], IO[str]]],
    done: list[float],
    progress: Progress,
) -> None:
    """Read progress lines until one of the processes closes its output."""
    import selectors

    with selectors.DefaultSelector() as selector:
        for k, (process, _) in running.items():
            selector.register(process.stdout, selectors.EVENT_READ, k)  # type: ignore[arg-type]
        while True:
            for key, _ in selector.select():
                line = key.fileobj.readline()  # type: ignore[union-attr]
                if not line:
                    return
                if line.startswith("progress "):
                    done[key.data] = float(line.split()[1])
                    progress(sum(done) / len(done))


@contextlib.contextmanager
def child(process: subprocess.Popen[str]) -> Iterator[None]:
    """End a process, if it still runs, when the block is left in whatever way."""
    _CHILDREN.add(process)
    try:
        yield
    finally:
        _CHILDREN.discard(process)
        if process.poll() is None:
            _end(process)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def ending(said: IO[str]) -> str:
    """Return the last lines of what a process said, and close them."""
    with said:
        said.seek(0)
        lines = [line for line in said.read().splitlines() if line.strip()]
    return "\n".join(lines[-12:]) or "it printed nothing"


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
