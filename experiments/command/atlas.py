"""`neurosim atlas`: a folder of recorded cells in, a table of their units out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.command.console import console, progress
from experiments.command.options import Injected, RecordingReading, Seed, spread

__all__ = ["atlas_command"]


@spread
def atlas_command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of recordings, searched to the bottom.")
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder for table, figure and cards.")] = Path(
        "neurosim-atlas"
    ),
    cards: Annotated[bool, typer.Option(help="Write a card (HTML, PDF) a cell.")] = True,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Do every cell again, also those that are done.")
    ] = False,
    current: Injected = None,
    unit: Annotated[
        str | None, typer.Option(help="Of the voltage or the current, whichever it is a unit of.")
    ] = None,
    recording: RecordingReading,
    seed: Seed = 1,
) -> None:
    """Find the unit of every cell in a folder; a stopped atlas goes on where it was."""
    from rich.table import Table

    from bridge.equivalent.atlas import build_atlas
    from experiments.kit.outputs import check_folder

    check_folder(out)
    with progress() as task:
        told = task(f"atlas of {folder.name}")
        found = build_atlas(
            folder,
            out,
            cards=cards,
            fresh=fresh,
            seed=seed,
            recording=recording.settings(current, unit),
            progress=None if told is None else lambda share, _: told(share),
        )
    table = Table("cell", "unit", "weight", "fits", "residual", "noise", "highest", box=None)
    for row in found.cells.to_dict("records"):
        table.add_row(
            str(row["file"]),
            row["family"] if isinstance(row["family"], str) else "none",
            _number(row["weight"], "{:.2f}"),
            "yes" if row["fits"] else "no",
            _number(row["residual_Hz"], "{:.2f} Hz"),
            _number(row["counting_noise_Hz"], "{:.2f} Hz"),
            _number(row["highest_rate_Hz"], "{:.3g} Hz"),
        )
    shown = console()
    shown.print(table)
    winners = ", ".join(f"{name} {times}" for name, times in found.winners.items())
    shown.print(f"{len(found.cells)} cells: {winners or 'none'}")
    for row in found.failed.to_dict("records"):
        shown.print(f"not used: {row['file']}: {row['reason']}", style="yellow", markup=False)
    shown.print(f"written to {out}")
    if not len(found.cells):
        raise typer.Exit(1)


def _number(value: Any, form: str) -> str:
    return "–" if value is None or value != value else form.format(value)
