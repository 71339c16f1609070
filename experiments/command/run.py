"""`neurosim list`, `neurosim run` and `neurosim validate`: experiments by name."""

from __future__ import annotations

from typing import Annotated

import typer

from experiments.command.console import console, running, say_result
from experiments.command.options import Folder, Jobs, Quick, Seed, Settings

__all__ = ["list_command", "run_command", "validate_command"]


def list_command() -> None:
    """List the experiments by name."""
    from rich.table import Table

    from experiments.kit.registry import contents

    table = Table("name", "what it shows", "parameters", box=None)
    for entry in contents().values():
        said = " ".join(f"{name}={value}" for name, value in entry.defaults.items())
        table.add_row(entry.name, entry.claim, said or "none")
    console().print(table)


def run_command(
    name: Annotated[str, typer.Argument(help="Name of an experiment (see `neurosim list`).")],
    set_: Settings = None,
    out: Folder = None,
    seed: Seed = 1,
    jobs: Jobs = 0,
    quick: Quick = False,
) -> None:
    """Run one experiment and say whether its claim holds."""
    from experiments.kit.outputs import check_folder
    from experiments.kit.registry import find
    from experiments.kit.words import assignment

    found = find(name)
    parameters = found.with_values(dict(assignment(text) for text in set_ or []))
    if out is not None:
        check_folder(out)
    with running(seed, jobs, quick) as context:
        result = found.run(parameters, context)
    if out is not None:
        result.save(out)
    say_result(result, out)
    if not result.holds:
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
