"""`neurosim compare`: the main job, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.command.console import console, running
from experiments.command.options import Jobs, Quick, Seed

__all__ = ["compare_command"]


def compare_command(
    recording: Annotated[
        Path | None,
        typer.Option(
            help="CSV of a recorded cell (current_pA, count, window_s) instead of the built-in one."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for report, numbers and figures.")] = Path(
        "neurosim-report"
    ),
    seed: Seed = 1,
    jobs: Jobs = 0,
    quick: Quick = False,
) -> None:
    """The main job: neurons, their units, and a trained network on spiking neurons."""
    from experiments.kit.outputs import check_folder

    # Before the simulator is imported.
    check_folder(out)
    from experiments.compare.main_job import Parameters, compare, summary

    parameters = Parameters(recording=None if recording is None else str(recording))
    with running(seed, jobs, quick) as context:
        result = compare(parameters, context, out)
    summary(result, console())
    console().print(f"report: {out / 'report.html'}")
    if not result.holds:
        raise typer.Exit(1)
