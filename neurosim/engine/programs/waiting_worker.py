"""A worker that waits for tasks with Brian2 imported, so that a task need not import it.

Importing Brian2 and SymPy takes a worker 0.9 s of processor time, two thirds of all it does for a
small model. From the second task of a process on, a waiting worker has them imported and forks a
process for each task (`neurosim.engine.worker.serve`). A task is given, and leaves, what it would
in a worker of its own: a fresh process, the caller's folder and environment, its output.

The caller starts a small process as before, the `_LAUNCHER`. It hands its output to the waiting
worker, waits for the exit status, and returns it. If nobody waits, it becomes a worker of its own.
A launcher that is ended closes its socket, which ends the task. The waiting worker ends with the
process that started it, or after a minute without a task.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence

__all__ = ["ASKED", "WATCHED", "ask_waiting", "by_waiting", "end_waiting"]

# Environment variable with the number of the end of a pipe that a child watches; files.h reads it.
WATCHED = "NEUROSIM_PARENT"
# The same of the socket by which a launcher asks the waiting worker.
ASKED = "NEUROSIM_ASKED"

# Runs in a Python without its site packages, which starts in some 20 ms. A task tells that it has
# begun, and its exit status: two bytes.
_LAUNCHER = f"""
import json, os, select, socket, sys
asked = socket.socket(fileno=int(os.environ.pop({ASKED!r})))
kept = dict(os.environ)
watched = int(os.environ.pop({WATCHED!r}, -1))
told = b""
try:
    mine, theirs = socket.socketpair()
    task = json.dumps([sys.argv[-2:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(asked, [task], [theirs.fileno(), 1, 2])
    theirs.close()
    asked.close()
    while len(told) < 2:
        ready, _, _ = select.select([mine] + [watched] * (watched >= 0), [], [])
        if watched in ready:
            os._exit(1)
        more = mine.recv(2 - len(told))
        if not more:
            break
        told += more
except OSError:
    pass
if told:
    os._exit(told[1] if len(told) == 2 else 1)
os.execve(sys.argv[1], sys.argv[1:], kept)
"""
# Without the clean-up of an interpreter, which takes as long as a small task.
_SERVE = "import os; from neurosim.engine.worker import serve; serve(int(sys.argv[1])); os._exit(0)"
# How long its end is waited for (s).
_END = 1.0


class _Waiting:
    """The waiting worker of this process, its socket, and what it was started with."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tasks = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.asked: socket.socket | None = None
        self.place: tuple[str, str | None] | None = None

    def start(self, code: str, environment: Mapping[str, str]) -> None:
        self.leave()
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, str(theirs.fileno())],
                env=dict(environment),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.asked, self.place = mine, _place(environment)

    def ask(self, command: Sequence[str], environment: Mapping[str, str]) -> int | None:
        """Return a file by which to ask it, once it is started; None if it cannot live here."""
        ended = None if self.process is None else self.process.poll()
        if ended:
            # Not by itself: it would end again, and each start takes a second.
            return None
        if self.process is None or ended == 0 or self.place != _place(environment):
            self.start(command[2].partition("from neurosim.engine.worker")[0] + _SERVE, environment)
        return None if self.asked is None else os.dup(self.asked.fileno())

    def leave(self) -> None:
        """Let go of it: it ends as soon as nobody holds the other end of its socket."""
        if self.asked is not None:
            self.asked.close()
        self.asked = self.process = None

    def end(self) -> None:
        """Let go of it and wait, so that the time it used is among that of this process."""
        process = self.process
        self.leave()
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END)


_ours = _Waiting()


def _place(environment: Mapping[str, str]) -> tuple[str, str | None]:
    """Return what decides what is imported: the folder (Brian2 reads its preferences), the path."""
    return os.getcwd(), environment.get("PYTHONPATH")


def by_waiting(command: Sequence[str]) -> list[str]:
    """Return the command line that has a task done by the waiting worker."""
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]


@contextlib.contextmanager
def ask_waiting(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[int | None]:
    """Give the file by which to ask the waiting worker for a task; None if there is none.

    The first task of a process has none: many processes have only one. The second starts it.

    Parameters
    ----------
    command : sequence of str
        Command line of a worker of its own (`processes.worker_command`).
    environment : mapping of str to str
        Its environment.
    """
    if sys.platform != "linux":
        # Elsewhere sockets that keep messages apart, or fork, cannot be relied upon.
        yield None
        return
    with _ours.lock:
        _ours.tasks += 1
        file = None
        if _ours.tasks > 1:
            with contextlib.suppress(OSError):
                file = _ours.ask(command, environment)
    try:
        yield file
    finally:
        if file is not None:
            os.close(file)


def end_waiting() -> None:
    """End the waiting worker, if there is one; the next task starts another.

    Then what its tasks used is counted in the times of this process's children (`os.times`). It is
    done by itself when this process ends.
    """
    with _ours.lock:
        _ours.end()


atexit.register(end_waiting)


def _forked() -> None:
    """A process forked from this one has no waiting worker, and may have been forked in a start."""
    global _ours
    _ours.leave()
    _ours = _Waiting()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
