"""The report while it is being made: it is there within seconds, and grows as parts end."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from experiments.compare.report import render
from neurosim.atomic_write import make_folder, write_bytes, write_text
from neurosim.errors import OutputError

__all__ = ["GrowingPage", "Section"]

NAME = "report.html"


@dataclass(frozen=True)
class Section:
    """One part of the page that has ended.

    Attributes
    ----------
    title : str
    figure : str
        Address of its picture, which may stand inside the page.
    alt : str
        What the picture shows.
    said : str
        What was found, if anything was.
    """

    title: str
    figure: str
    alt: str
    said: str = ""


@dataclass(eq=False)
class GrowingPage:
    """``report.html`` as far as it is known.

    Enter the block before the first part. If it is left by an error or Ctrl-C, the page that stood
    there before is put back, or there is none; each version replaces the last one whole. After a
    hard end (kill -9, no more memory) the unfinished page is what stands there.

    Parameters
    ----------
    out : Path
        Folder of the report; made when the first part is shown.
    command : str
        What makes the page.
    waiting : list of str
        What is still to come, in the order in which it is expected.
    tell : callable, optional
        Given a line about what is there.
    before_s : float
        How long ago the command began (s).
    """

    out: Path
    command: str
    waiting: list[str]
    tell: Callable[[str], None] | None = None
    before_s: float = 0.0
    sections: dict[str, Section] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._started = time.perf_counter()
        self._begun = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
        self._before: bytes | None = None
        self._made_folder = self._shown = False

    def __enter__(self) -> GrowingPage:
        self._made_folder = not self.out.exists()
        with contextlib.suppress(OSError):
            self._before = (self.out / NAME).read_bytes()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is not None and self._shown:
            self._take_back()

    @property
    def seconds(self) -> float:
        """Time since the command began (s)."""
        return self.before_s + time.perf_counter() - self._started

    def show(self, name: str, section: Section, said: str) -> None:
        """Put a part onto the page, in the place of one of the same name.

        Parameters
        ----------
        name : str
            Of the part.
        section : Section
            The part.
        said : str
            What to tell beside the page, such as in a terminal; nothing if empty.
        """
        self.sections[name] = section
        self._write()
        if said and self.tell is not None:
            self.tell(f"{self.seconds:.0f} s: {said}")

    def ended(self, what: str) -> None:
        """Take what has ended off the list of what is still to come."""
        if what in self.waiting:
            self.waiting.remove(what)

    def _write(self) -> None:
        make_folder(self.out)
        content: dict[str, Any] = {
            "command": self.command,
            "begun": self._begun,
            "waiting": self.waiting,
            "seconds": self.seconds,
            "parts": list(self.sections.values()),
        }
        self._shown = True
        write_text(self.out / NAME, render("growing.html", **content))

    def _take_back(self) -> None:
        # What went wrong is more worth telling than that this does.
        with contextlib.suppress(OSError, OutputError):
            if self._before is not None:
                write_bytes(self.out / NAME, self._before)
            else:
                (self.out / NAME).unlink(missing_ok=True)
                if self._made_folder:
                    self.out.rmdir()
