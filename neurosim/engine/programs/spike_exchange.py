"""Spikes of a running program turned into events for its cells, window after window.

A run of connected cells goes on for as many steps as the shortest delay between them; what was
fired in that window can only act after it. So the program runs a window, tells the spikes, and is
told in turn what arrives where and when. Terminals stay where they are written, in Python: their
releases need no second description in C++.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from neurosim.engine.programs.processes import Progress, ending, start
from neurosim.errors import EngineError

__all__ = ["Exchange", "Fired", "Incoming", "converse"]


class Fired(NamedTuple):
    """A spike: detector `detector` of cell `cell` of group `group`, in second."""

    group: int
    detector: int
    cell: int
    time: float


class Incoming(NamedTuple):
    """What arrives: `weight` quanta at site `site` of a kernel, at the start of step `step`."""

    group: int
    kernel: int
    site: int
    cell: int
    step: int
    weight: float


class Exchange(Protocol):
    """Turns the spikes of a window into what they do.

    Attributes
    ----------
    window : int
        Steps of a window: no spike acts sooner.
    due : int
        A window that ends at this step or later is told although nothing was fired in it.
    """

    window: int
    due: int

    def __call__(self, fired: Sequence[Fired], until: int) -> list[Incoming]:
        """Return what arrives because of the spikes before the start of step `until`, sorted by
        step; set `due`."""


def converse(
    command: Sequence[str],
    exchange: Exchange,
    environment: dict[str, str],
    folder: Path,
    progress: Progress | None,
) -> None:
    """Run the program of a circuit, answering its spikes.

    Raises
    ------
    EngineError
        The program failed; carries the end of what it said.
    """
    with tempfile.TemporaryFile("w+") as said:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": said}
        with start(command, environment, cwd=folder, **pipes) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for line in process.stdout:
                word, value, *rest = line.split()
                if word == "progress":
                    if progress is not None:
                        progress(float(value))
                else:
                    spikes = []
                    for _ in range(int(value)):
                        group, detector, cell, time = process.stdout.readline().split()
                        spikes.append(Fired(int(group), int(detector), int(cell), float(time)))
                    answer = exchange(spikes, int(rest[0]))
                    lines = [" ".join(map(repr, event)) for event in answer]
                    with contextlib.suppress(BrokenPipeError):
                        process.stdin.write(
                            "\n".join([f"{len(answer)} {exchange.due}", *lines, ""])
                        )
                        process.stdin.flush()
            status = process.wait()
        if status != 0:
            raise EngineError(f"the simulation failed (exit status {status}): {ending(said)}")
