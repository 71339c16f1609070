"""The terminal: tables, progress, and how results are shown."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from experiments.command.options import as_flags

if TYPE_CHECKING:
    from experiments.kit.registry import Context
    from experiments.kit.result import Result, Verdict

__all__ = [
    "INTERRUPTED",
    "Interrupted",
    "console",
    "is_named",
    "one_line_errors",
    "print_table",
    "progress",
    "running",
    "say_error",
    "say_result",
    "say_scores",
    "say_steps",
    "say_verdicts",
    "warnings_as_notes",
]

# What a shell reports of a command ended by Ctrl-C.
INTERRUPTED = 130


class Interrupted(BaseException):
    """Ctrl-C, or a polite kill, in a command.

    It is no `KeyboardInterrupt`, because a training takes that one for the wish to end the training
    alone: it keeps its best weights and returns, and a command of many steps would go on.
    """


def console(stderr: bool = False) -> Any:
    """Return a console; a file or a pipe has no width, so tables there get room for their words."""
    from rich.console import Console

    piped = not (sys.stderr if stderr else sys.stdout).isatty()
    width = 150 if piped else None
    return Console(stderr=stderr, highlight=False, emoji=False, soft_wrap=piped, width=width)


@contextmanager
def progress() -> Iterator[Callable[[str], Callable[[float], None] | None]]:
    """Give a function that starts a bar a task; off a terminal, a line now and then.

    A file or a pipe gets nothing of a command that ends soon, and a line every ten seconds of one
    that does not.
    """
    if not sys.stderr.isatty():
        yield _lines_of_progress()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<42}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bars:

        def task(description: str) -> Callable[[float], None]:
            bar = bars.add_task(description, total=1.0)
            return lambda share: bars.update(bar, completed=share)

        yield task


# Seconds between two lines where there is no terminal.
_EVERY_S = 10.0


def _lines_of_progress() -> Callable[[str], Callable[[float], None]]:
    started = last = time.monotonic()
    lock = threading.Lock()

    def task(description: str) -> Callable[[float], None]:
        def update(share: float) -> None:
            nonlocal last
            now = time.monotonic()
            with lock:
                if now - last < _EVERY_S or share >= 1:
                    return
                last = now
            typer.echo(f"{now - started:.0f} s: {description}, {100 * share:.0f} %", err=True)

        return update

    return task


@contextmanager
def running(seed: int, jobs: int, quick: bool) -> Iterator[Context]:
    """Give the context of an experiment, with its bars; 0 jobs are as many as cores."""
    from experiments.kit.registry import Context

    with progress() as task:
        yield Context(seed=seed, jobs=jobs or os.cpu_count() or 1, quick=quick, task=task)


def is_named(error: Exception) -> bool:
    """Whether it is a mistake that the project names."""
    # Whoever raised it has imported its class.
    roots = (("neurosim.errors", "NeurosimError"), ("ann.errors", "AnnError"))
    return any(
        isinstance(error, getattr(sys.modules[module], root))
        for module, root in roots
        if module in sys.modules
    )


def say_error(error: Exception) -> None:
    """Print a mistake in one line."""
    # Whoever raised it has imported its class.
    refusals = getattr(sys.modules.get("bridge.recordings.errors"), "RecordingError", ())
    said = as_flags(str(error)) if isinstance(error, refusals) else str(error)
    console(stderr=True).print(f"neurosim: {said}", style="red", markup=False)


def one_line_errors(function: Callable[..., None]) -> Callable[..., None]:
    """End with one line and exit code 2 where the caller can put things right."""

    @wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> None:
        try:
            function(*arguments, **options)
        except Exception as error:
            if not (isinstance(error, OSError) or is_named(error)):
                raise
            say_error(error)
            raise typer.Exit(2) from error

    return wrapped


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Print each warning that comes up as one line beside the output, once, at the end."""
    import warnings

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", kind)  # for programmers
        yield
    for message in dict.fromkeys(str(w.message) for w in told):
        typer.echo(f"note: {message}", err=True)


def say_result(result: Result, folder: Path | None) -> None:
    """Print claim, tables and verdicts of an experiment, and where they were written."""
    from rich.table import Table

    out = console()
    out.print(result.claim, style="bold")
    for name, table in result.tables.items():
        shown = Table(title=name, title_justify="left")
        for column in table.columns:
            shown.add_column(str(column), justify="right")
        for row in table.itertuples(index=False):
            shown.add_row(*(f"{v:.5g}" if isinstance(v, float) else str(v) for v in row))
        out.print(shown)
    say_verdicts(result.verdicts)
    if folder is not None:
        out.print(f"written to {folder}")


def say_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Print a line a verdict, green where it holds."""
    for verdict in verdicts:
        console().print(str(verdict), style="green" if verdict.holds else "bold red")


def print_table(title: str, head: list[str], rows: list[list[str]]) -> None:
    """Print a table of words; long ones are folded, and not cut where there is no terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else 160
    Console(highlight=False, markup=False, width=width).print(table)


def say_steps(log: Any) -> None:
    """Print what was done to a table, one line a step."""
    rows = [
        [
            s.column or "(table)",
            s.rule + ("" if s.applied else f" ({s.status}, not applied)"),
            s.effect,
            f"{s.rows:,}" if s.rows else "",
            repr(s.before[:40]) if s.before else "",
            repr(s.after[:40]) if s.after else "",
            s.why + (f" To do it: {s.option}" if s.option else ""),
        ]
        for s in log
    ]
    if rows:
        head = ["column", "rule", "effect", "rows", "before", "after", "why"]
        print_table("what was done and found", head, rows)


def say_scores(verdict: Any) -> None:
    """Print the scores that a verdict rests on."""
    if not verdict.scores:
        return
    if verdict.task == "classification":
        head = ["out of fold", "accuracy", "AUC", "log-loss", "calibration gap"]
        rows = [
            [n, f"{s.accuracy:.4f}", f"{s.auc:.4f}", f"{s.log_loss:.4f}", f"{s.calibration:.4f}"]
            for n, s in verdict.scores.items()
        ]
    else:
        head = ["out of fold", "R²", "RMSE"]
        rows = [[n, f"{s.r2:.4f}", f"{s.rmse:.4g}"] for n, s in verdict.scores.items()]
    print_table("five folds", head, rows)
