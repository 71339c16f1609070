"""What every command shares: the terminal, progress, seeds and how results are shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from experiments.kit.registry import Context

__all__ = ["Jobs", "Quick", "Seed"]


Seed = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]


Jobs = Annotated[
    int, typer.Option(min=0, help="Processes that share the work (0: as many as cores).")
]


Quick = Annotated[
    bool, typer.Option("--quick", help="Fewer seeds and trials; the same claims, wider intervals.")
]


def _console(stderr: bool = False) -> Any:
    from rich.console import Console

    # A file or a pipe has no width of its own; tables then get room for their words.
    piped = not (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, soft_wrap=piped, width=150 if piped else None)


@contextmanager
def _context(seed: int, jobs: int, quick: bool) -> Iterator[Context]:
    """Give a context whose tasks show progress bars when the output is a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from experiments.kit.registry import Context

    cores = jobs or os.cpu_count() or 1
    if not sys.stderr.isatty():
        yield Context(seed=seed, jobs=cores, quick=quick)
        return
    columns = (
        TextColumn("{task.description:<42}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_console(stderr=True), transient=True) as bars:

        def task(description: str) -> Any:
            bar = bars.add_task(description, total=1.0)
            return lambda share: bars.update(bar, completed=share)

        yield Context(seed=seed, jobs=cores, quick=quick, task=task)


def _say_result(result: Any, folder: Path | None) -> None:
    from rich.table import Table

    console = _console()
    console.print(result.claim, style="bold")
    for name, table in result.tables.items():
        shown = Table(title=name, title_justify="left")
        for column in table.columns:
            shown.add_column(str(column), justify="right")
        for row in table.itertuples(index=False):
            shown.add_row(*(f"{v:.5g}" if isinstance(v, float) else str(v) for v in row))
        console.print(shown)
    for verdict in result.verdicts:
        console.print(str(verdict), style="green" if verdict.holds else "bold red")
    if folder is not None:
        console.print(f"written to {folder}")
