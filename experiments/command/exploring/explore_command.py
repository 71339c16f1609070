"""`neurosim explore`: the explorer, a page on which neurons and networks are tried by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.command.console import progress

__all__ = ["explore_command"]

_DEFAULT = Path("neurosim-explorer.html")


def explore_command(
    out: Annotated[Path, typer.Option(help="The file that is written.")] = _DEFAULT,
    show: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = True,
) -> None:
    """Write the explorer, one page that needs no other file and no network, and open it."""
    from experiments.explore.page_builder import build_page

    with progress() as task:
        page = build_page(out, task("the explorer"))
    typer.echo(f"the explorer: {page.file}")
    if page.left_out:
        typer.echo(f"the tab Neuron is left out: {page.left_out}")
    if show:
        import webbrowser

        if not webbrowser.open(page.file.resolve().as_uri()):
            typer.echo("no browser was found; open this file in one")
