"""Child processes that never outlive an error, Ctrl-C, or the end of the parent.

An error or Ctrl-C is heard by the parent, which ends its children. A parent that is killed hears
nothing, so each child watches a pipe whose other end the parent holds: the system closes that end
with the parent, however it ends. Programs of our own watch by themselves (`end_with_parent`, in
Python here and in C++ in ``files.h``); others, such as compilers, run under a `guard`.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from neurosim.engine.programs.waiting_worker import ASKED, WATCHED, ask_waiting, by_waiting
from neurosim.errors import EngineError

__all__ = [
    "end_with_parent",
    "ending",
    "guard",
    "halted",
    "run_all",
    "start",
    "worker_command",
    "worker_environment",
]

Progress = Callable[[float], None]

# Children of every thread, so that the main thread can end them all.
_CHILDREN: set[subprocess.Popen[str]] = set()
_HALTED = threading.Event()
# Our ends of the pipes that children watch.
_HELD: set[int] = set()

# Runs in a Python without its site packages, which starts in some 10 ms.
_GUARD = f"""
import os, subprocess, sys, threading
watched = int(os.environ.pop({WATCHED!r}, -1))
def watch():
    os.read(watched, 1)
    os.killpg(0, 9)
if watched >= 0:
    threading.Thread(target=watch, daemon=True).start()
sys.exit(subprocess.call(sys.argv[1:]))
"""


def end_with_parent() -> None:
    """End this process, and all it has started, as soon as the one that started it has ended.

    Called once at the start of a worker; does nothing in a process that `start` did not start.
    """
    watched = int(os.environ.pop(WATCHED, -1))
    if watched < 0:
        return

    def watch() -> None:
        os.read(watched, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def guard(command: Sequence[str]) -> list[str]:
    """Return the command line that runs another program, such as a compiler, and ends with us."""
    return [sys.executable, "-I", "-S", "-c", _GUARD, *command]


def worker_command(task: str, folder: Path) -> list[str]:
    """Return the command line of the worker process for one task."""
    # Brian2 imports these where they are installed, for plots, for code that runs in Python's
    # process, and for its own tests. A worker needs none of them, and starts sooner.
    code = (
        "import sys; "
        "sys.modules.update(pylab=None, matplotlib=None, Cython=None, pytest=None); "
        "from neurosim.engine.worker import main; sys.exit(main(sys.argv[1:]))"
    )
    return [sys.executable, "-c", code, task, str(folder)]


def worker_environment() -> dict[str, str]:
    """Return an environment in which the worker finds this very package."""
    root = str(Path(__file__).resolve().parents[3])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    if sys.version_info < (3, 12):
        # Brian2 imports distutils, in whose place setuptools would otherwise put a copy of its own
        # and load itself with it. Later Pythons have no other.
        environment["SETUPTOOLS_USE_DISTUTILS"] = "stdlib"
    return environment


@contextlib.contextmanager
def start(
    command: Sequence[str], environment: dict[str, str], **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """Start a process that ends when the block is left in whatever way, or when this process ends.

    Parameters
    ----------
    command : sequence of str
        Its command line.
    environment : dict of str to str
        Its environment.
    **options
        Of `subprocess.Popen`.
    """
    with _watched_pipe() as watched, _asked(command, environment) as asked:
        if watched is not None:
            environment = environment | {WATCHED: str(watched)}
            # A session of its own: Ctrl-C reaches the parent only, which ends the children.
            options |= {"pass_fds": (watched,), "start_new_session": True}
        if asked is not None:
            command, environment = by_waiting(command), environment | {ASKED: str(asked)}
            options["pass_fds"] += (asked,)
        try:
            process = subprocess.Popen(list(command), env=environment, text=True, **options)
        finally:
            if watched is not None:
                os.close(watched)
        _CHILDREN.add(process)
        try:
            yield process
        finally:
            _CHILDREN.discard(process)
            if process.returncode is None:
                _end(process)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()


def _asked(
    command: Sequence[str], environment: dict[str, str]
) -> contextlib.AbstractContextManager[int | None]:
    """Return the file by which to ask the waiting worker if the command line is that of a task."""
    if list(command[:3]) != worker_command("", Path())[:3]:
        return contextlib.nullcontext()
    return ask_waiting(command, environment)


@contextlib.contextmanager
def _watched_pipe() -> Iterator[int | None]:
    """Give the end of a pipe that a child is to watch, to be closed once the child has it."""
    if os.name != "posix":
        yield None
        return
    watched, held = os.pipe()
    _HELD.add(held)
    try:
        yield watched
    finally:
        # A process forked in between has let go of it already.
        if held in _HELD:
            _HELD.discard(held)
            os.close(held)


def _forked() -> None:
    """Let go, in a process forked from this one, of children that are not its own."""
    for end in _HELD:
        with contextlib.suppress(OSError):
            os.close(end)
    _HELD.clear()
    _CHILDREN.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


@dataclass
class _Running:
    process: subprocess.Popen[str]
    said: IO[str]
    leave: contextlib.ExitStack


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
    running: dict[int, _Running] = {}
    with contextlib.ExitStack() as all_of_them:
        while waiting or running:
            while waiting and len(running) < (at_once or len(commands)):
                if _HALTED.is_set():
                    raise EngineError(f"{what} was stopped")
                k = waiting.pop(0)
                leave = all_of_them.enter_context(contextlib.ExitStack())
                said = leave.enter_context(tempfile.TemporaryFile("w+"))
                process = leave.enter_context(
                    start(
                        commands[k],
                        environments[k] if environments else worker_environment(),
                        stdin=subprocess.DEVNULL,
                        stdout=said if progress is None else subprocess.PIPE,
                        stderr=said,
                        cwd=folder,
                    )
                )
                running[k] = _Running(process, said, leave)
            if progress is not None:
                _follow(running, done, progress)
            if len(running) > 1:
                _await_one([one.process for one in running.values()])
            for k, one in list(running.items()):
                status = _status(one.process, patient=len(running) == 1)
                if status is None:
                    continue
                del running[k]
                text = ending(one.said)
                one.leave.close()
                if status != 0:
                    raise EngineError(f"{what} failed (exit status {status}): {text}")


def _status(process: subprocess.Popen[str], *, patient: bool) -> int | None:
    """Return the exit status of a process, None if it is still running."""
    if hasattr(os, "waitid"):
        options = os.WEXITED | os.WNOWAIT | (0 if patient else os.WNOHANG)
        if os.waitid(os.P_PID, process.pid, options) is None:
            return None
        # Before its number is given back: what a guard that was killed has left running.
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(timeout=None if patient else 0.001)
    return None


def _await_one(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Wait until one of several processes has ended, or a millisecond where nothing can tell."""
    with contextlib.ExitStack() as leave:
        selector = leave.enter_context(selectors.DefaultSelector())
        try:
            for process in processes:
                end = os.pidfd_open(process.pid)
                leave.callback(os.close, end)
                selector.register(end, selectors.EVENT_READ)
        except (AttributeError, OSError):
            # Not Linux, or no file to spare.
            time.sleep(0.001)
        else:
            selector.select()


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


def _follow(running: dict[int, _Running], done: list[float], progress: Progress) -> None:
    """Read progress lines until one of the processes closes its output."""
    with selectors.DefaultSelector() as selector:
        for k, one in running.items():
            selector.register(one.process.stdout, selectors.EVENT_READ, k)  # type: ignore[arg-type]
        while True:
            for key, _ in selector.select():
                line = key.fileobj.readline()  # type: ignore[union-attr]
                if not line:
                    return
                if line.startswith("progress "):
                    done[key.data] = float(line.split()[1])
                    progress(sum(done) / len(done))


def ending(said: IO[str]) -> str:
    """Return the last lines of what a process said."""
    said.seek(0)
    lines = [line for line in said.read().splitlines() if line.strip()]
    if lines:
        return "\n".join(lines[-12:])
    # What it would have said had to be written too.
    place = tempfile.gettempdir()
    room = shutil.disk_usage(place).free
    full = f"; the disk of {place} has {room} bytes left" if room < 1_000_000 else ""
    return f"it printed nothing{full}"


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    process.wait()
