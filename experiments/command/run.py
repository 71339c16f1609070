"""`neurosim list`, `neurosim run` and `neurosim validate`: experiments by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.command.console import (
    INTERRUPTED,
    Interrupted,
    console,
    is_named,
    running,
    say_error,
    say_result,
)
from experiments.command.options import Folder, Jobs, Quick, Seed, Settings

if TYPE_CHECKING:
    from experiments.kit.over_seeds import OverSeeds
    from experiments.kit.registry import Entry, Experiment

__all__ = ["list_command", "run_command", "validate_command"]

# Endings of files that other commands take, where they are given as an experiment.
_SHAPES = (".swc", ".asc")
_EITHER = (".h5", ".hdf5", ".nml")
_CELLS = (".abf", ".atf", ".ibw", ".nwb", ".csv", *_EITHER)


def list_command(
    name: Annotated[
        str | None, typer.Argument(help="One experiment, of which all parameters are listed.")
    ] = None,
) -> None:
    """List the experiments by name, or the parameters of one."""
    from rich.table import Table

    from experiments.kit.registry import contents, find

    if name is not None:
        _refuse_file(name)
        found = contents()[find(name).name]
        console().print(found.claim, style="bold")
        table = Table("parameter", "default", box=None)
        for parameter, value in found.defaults.items():
            table.add_row(parameter, str(value))
        console().print(table if found.defaults else "It has no parameters.")
        return
    table = Table("name", "what it shows", "parameters", box=None)
    for entry in contents().values():
        said = " ".join(f"{name}={value}" for name, value in entry.defaults.items())
        table.add_row(entry.name, entry.claim, said or "none")
    console().print(table)


def run_command(
    name: Annotated[
        str | None, typer.Argument(help="Name of an experiment (see `neurosim list`).")
    ] = None,
    set_: Settings = None,
    out: Folder = None,
    seed: Seed = 1,
    jobs: Jobs = 0,
    quick: Quick = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Run at so many seeds and print at how many each verdict holds; goes on where an "
            "earlier run stopped (folder: --out, or neurosim-seeds/NAME).",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every experiment instead of one; use it with --seeds.")
    ] = False,
) -> None:
    """Run one experiment (or all) and say whether its claim holds, at one seed or at many."""
    from experiments.kit.outputs import check_folder
    from experiments.kit.registry import contents, find
    from experiments.kit.words import assignment

    if every == (name is not None):
        raise typer.BadParameter("give the name of one experiment, or --all")
    given = dict(assignment(text) for text in set_ or [])
    if every:
        entries = contents()
        place = out or Path("neurosim-seeds")
        check_folder(place)
        _check_known(given, entries)
        with _keeping(place):
            _run_all(entries, given, place, (seed, jobs, quick), seeds or 1)
        return
    assert name is not None
    _refuse_file(name)
    found = find(name)
    parameters = found.with_values(given)
    if seeds is not None:
        place = out or Path("neurosim-seeds") / name
        check_folder(place)
        with _keeping(place):
            over = _over_seeds(found, parameters, place, (seed, jobs, quick), seeds)
        console().print(found.claim, style="bold")
        _say_over_seeds(over)
        console().print(f"written to {place}")
        if not over.holds:
            raise typer.Exit(1)
        return
    if out is not None:
        check_folder(out)
    with _files_as_they_are(), running(seed, jobs, quick) as context:
        result = found.run(parameters, context)
    if out is not None:
        result.save(out)
    say_result(result, out)
    if found.deterministic:
        console().print("no chance is in this experiment: the seed changes nothing")
    if not result.holds:
        raise typer.Exit(1)


def _refuse_file(name: str) -> None:
    """Say, of a file in the place of an experiment, which commands take it."""
    if not Path(name).is_file():
        return
    from experiments.kit.registry import contents
    from neurosim.errors import UnknownNameError

    if name.lower() in contents():
        return
    ending = Path(name).suffix.lower()
    commands = [f"neurosim unit {name}"] if ending in _CELLS else []
    if ending in _SHAPES:
        commands = [f"neurosim unit {name} --membrane textbook"]
    if ending in (*_SHAPES, *_EITHER):
        commands.append(f"neurosim morphology {name}")
    told = f"give it to {' or '.join(commands)}; " if commands else ""
    raise UnknownNameError(
        f"no experiment is called {name!r}, which is a file: {told}`neurosim list` shows the "
        "experiments"
    )


@contextmanager
def _files_as_they_are() -> Iterator[None]:
    """Say that experiments have no options for how a reconstruction is read, where one is named."""
    from neurosim.morphology import MorphologyError

    try:
        yield
    except MorphologyError as error:
        raise MorphologyError(
            f"{error}. An experiment reads a file as it stands: correct a copy of it, and give that"
        ) from None


@contextmanager
def _keeping(place: Path) -> Iterator[None]:
    """Say, where a run over seeds is interrupted, that nothing of it is lost."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        say = console(stderr=True).print
        say(f"neurosim: interrupted; the seeds that are done are kept in {place}, and the same "
            "command goes on from there")  # fmt: skip
        sys.exit(INTERRUPTED)


def _over_seeds(
    found: Experiment, parameters: Any, place: Path, run: tuple[int, int, bool], seeds: int
) -> OverSeeds:
    from experiments.kit.over_seeds import run_over_seeds

    with _files_as_they_are(), running(*run) as context:
        return run_over_seeds(found, parameters, context, seeds, place)


def _say_over_seeds(over: OverSeeds) -> None:
    """Print a line a verdict."""
    from experiments.command.console import print_table
    from experiments.kit.over_seeds import NEEDED

    rows = [
        [
            row["verdict"],
            f"{row['sense']} {row['bar']:g}",
            f"{row['held']} of {row['seeds']}",
            *(f"{row[column]:.4g}" for column in ("lowest", "median", "highest")),
            "" if row["held"] >= NEEDED * row["seeds"] else "FAILS",
        ]
        for row in over.table().to_dict("records")
    ]
    head = ["verdict", "bar", "holds at", "lowest", "median", "highest", ""]
    print_table(f"{over.name} at {len(over.verdicts)} seeds", head, rows)
    if over.deterministic:
        said = "every seed gives the same, as it should" if over.agrees else "FAILS: seeds differ"
        console().print(f"no chance is in this experiment: {said}")


def _check_known(given: dict[str, str], entries: dict[str, Entry]) -> None:
    """Refuse a parameter that no experiment has."""
    from neurosim.errors import UnknownNameError, suggest

    known = {parameter for entry in entries.values() for parameter in entry.defaults}
    for name in given:
        if name not in known:
            raise UnknownNameError(
                f"no experiment has a parameter {name!r}: {suggest(name, known)}"
            )


def _run_all(
    entries: dict[str, Entry],
    given: dict[str, str],
    place: Path,
    run: tuple[int, int, bool],
    seeds: int,
) -> None:
    """Run every experiment at many seeds, and print and write the table of all."""
    import pandas as pd

    from experiments.command.console import print_table
    from experiments.kit.over_seeds import claims_table, write_claims
    from experiments.kit.registry import find

    tables, fails = [], []
    for name, entry in entries.items():
        try:
            found = find(name)
            own = {key: text for key, text in given.items() if key in entry.defaults}
            over = _over_seeds(found, found.with_values(own), place / name, run, seeds)
        except Exception as error:
            # Such as images that are not there: the others are run all the same.
            if not is_named(error):
                raise
            say_error(error)
            fails.append(name)
            continue
        tables.append(over.table())
        # After every experiment: all of them take hours, and may be stopped.
        write_claims(place, pd.concat(tables, ignore_index=True))
        _say_over_seeds(over)
        if not over.holds:
            fails.append(name)
    if tables:
        table = claims_table(pd.concat(tables, ignore_index=True))
        head = ["experiment", "form", "verdicts", "fewest seeds", "of this verdict"]
        print_table("all experiments", head, table.astype(str).to_numpy().tolist())
    console().print(f"written to {place}")
    if fails:
        console().print(f"not shown: {', '.join(fails)}", style="bold red")
        raise typer.Exit(1)


def validate_command(
    only: Annotated[
        str, typer.Option(help="Numbers of problems, such as P05,P08 (default: all).")
    ] = "",
    out: Folder = None,
    seed: Seed = 1,
    jobs: Jobs = 0,
    quick: Quick = False,
) -> None:
    """Hold neurosim against closed forms, exact solutions and other simulators."""
    run_command("validate", [f"only={only}"], out, seed, jobs, quick)
