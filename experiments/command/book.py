"""`neurosim book`: open the book, build it, or run what its gallery shows."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.command.options import Jobs, Seed

if TYPE_CHECKING:
    from experiments.kit.registry import Entry

__all__ = ["book_command"]

_DEFAULT = Path("neurosim-book")


def book_command(
    build: Annotated[
        Path | None,
        typer.Option(help="Build the book into this folder, with --docs or a checkout."),
    ] = None,
    chapters: Annotated[
        bool, typer.Option("--chapters", help="With --build: only the chapters, no reference.")
    ] = False,
    docs: Annotated[
        Path | None, typer.Option(help="The folder `docs` of the repository, if it is elsewhere.")
    ] = None,
    store: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Run an experiment and keep its result for the gallery (repeatable; 'stale': "
            "every one whose code has changed since).",
        ),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0, help="With --store stale: start no experiment after this time.")
    ] = 10.0,
    whole: Annotated[
        bool, typer.Option("--whole", help="With --store: in full, not with fewer draws.")
    ] = False,
    seed: Seed = 1,
    jobs: Jobs = 0,
    show: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the book in the browser.")
    ] = True,
) -> None:
    """Open the book (in ./neurosim-book, or where --build names), and build it if asked to."""
    from experiments.book.source_pages import book_folder, first_page

    if store:
        _store(book_folder(docs), store, minutes, (seed, jobs, not whole))
        if build is None:
            return
    if build is not None:
        from experiments.book.build_site import build_site

        jobs = jobs or os.cpu_count() or 1
        built = build_site(book_folder(docs), build, jobs, chapters_only=chapters)
        for name, said in built.failed.items():
            typer.echo(f"{name}: {said.strip()}", err=True)
        if built.failed:
            typer.echo(f"neurosim: the book was not built: {', '.join(built.failed)}", err=True)
            raise typer.Exit(1)
        _open(built.page, docs, show)
    else:
        _open(first_page(_DEFAULT), docs, show)


def _open(page: Path, docs: Path | None, show: bool) -> None:
    import webbrowser

    from experiments.book.source_pages import book_folder
    from neurosim.errors import OutputError

    if not page.is_file():
        # Without the sources, the message of `book_folder` says where they are to be had.
        book_folder(docs)
        raise OutputError(
            f"there is no book in {_DEFAULT}; build it with: neurosim book --build {_DEFAULT}"
        )
    typer.echo(f"the book: {page}")
    if show and not webbrowser.open(page.resolve().as_uri()):
        typer.echo("no browser was found; open this file in one")


def _store(docs: Path, names: list[str], minutes: float, run: tuple[int, int, bool]) -> None:
    """Run experiments and keep their results, those first that took the shortest time before."""
    from experiments.book.stored_results import run_and_store
    from experiments.command.console import is_named, running, say_error
    from experiments.kit.registry import contents

    folder, began = docs / "gallery_results", time.monotonic()
    for entry in _chosen(folder, names, contents()):
        if "stale" in names and time.monotonic() - began > 60 * minutes:
            typer.echo(f"{entry.name}: not run, the {minutes:g} minutes are over")
            continue
        try:
            with running(*run) as context:
                kept = run_and_store(folder, entry, context)
        except Exception as error:
            # Such as images that are not there: the others are run all the same.
            if not is_named(error):
                raise
            say_error(error)
            continue
        verdict = "holds" if kept.holds else "does not hold"
        typer.echo(f"{entry.name}: {verdict}, {kept.seconds:.1f} s")


def _chosen(folder: Path, names: list[str], entries: dict[str, Entry]) -> list[Entry]:
    from experiments.book.stored_results import stored_result
    from neurosim.errors import UnknownNameError, suggest

    for name in names:
        if name not in entries and name != "stale":
            raise UnknownNameError(f"no experiment is called {name!r}: {suggest(name, entries)}")
    if "stale" not in names:
        return [entries[name] for name in names]
    kept = {name: stored_result(folder, name) for name in entries}
    stale = [e for e in entries.values() if not ((k := kept[e.name]) and k.is_current(e))]

    def seconds(entry: Entry) -> float:
        found = kept[entry.name]
        return float("inf") if found is None else found.seconds

    return sorted(stale, key=seconds)
