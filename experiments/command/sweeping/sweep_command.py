"""`neurosim sweep`: many runs, in chunks that can be stopped and resumed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.command.console import INTERRUPTED, Interrupted, console
from experiments.command.options import Jobs

if TYPE_CHECKING:
    from experiments.sweep.run_sweep import Prepared

__all__ = ["sweep_command"]


def sweep_command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.toml|FILE.py",
            help="What runs, what varies and what is measured; docs/sweeps.md says how.",
        ),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the store (default: FILE.sweep)."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with what the store holds, or with a larger grid."),
    ] = False,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="COND", help="Only these rows, such as 'current > 100pA and tau_m <= 20ms'."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Instead of the seed that the file says.")
    ] = None,
    jobs: Jobs = 0,
    client: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Compute on this scheduler of Dask.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Compute chunks with failed rows again.")
    ] = False,
    most_failures: Annotated[
        int, typer.Option(min=0, help="Stop when more rows of a chunk fail.")
    ] = 1000,
    status: Annotated[
        bool, typer.Option("--status", help="Say how far it is, and compute nothing.")
    ] = False,
    verify: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="ROWS", help="Compute so many stored rows again, alone, and compare."
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Write what is computed as a table (.parquet) or as NetCDF (.nc)."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="PAGE.html", help="Write what is computed as a page, with figures."),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(metavar="K/N", help="Compute the K-th of N parts only (K from 0)."),
    ] = None,
    slurm: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Print a script for SLURM that runs N parts."),
    ] = None,
) -> None:
    """Run a grid of simulations and keep what is measured of each."""
    from experiments.sweep.errors import SweepError
    from experiments.sweep.run_sweep import Prepared, sweep
    from experiments.sweep.sweep_file import read_sweep_file
    from neurosim.errors import ParameterError

    _check_one(status=status, verify=verify, export=export, report=report, part=part, slurm=slurm)
    folder = file.with_suffix(".sweep") if out is None else out
    if slurm is not None:
        if not file.is_file():
            raise ParameterError(f"{file}: no such file; check the path")
        typer.echo(_slurm_script(file.resolve(), folder.resolve(), slurm, where, seed))
        return
    told = read_sweep_file(file)
    grid = told.grid if where is None else told.grid.where(where)
    number = told.seed if seed is None else seed
    more: dict[str, Any] = {"chunk_rows": told.chunk_rows, "most_failures": most_failures}
    prepared = Prepared.of(told.description, grid, told.measure, folder, number, **more)
    if status or verify is not None or export is not None or report is not None:
        _ask(prepared, verify, export, report)
        return
    if part is not None:
        _compute_part(prepared, part, jobs)
        return
    try:
        found = sweep(
            told.description, grid, told.measure, out=folder, seed=number, client=client,
            jobs=jobs or None, resume=resume, retry_failed=retry_failed, **more,
        )  # fmt: skip
    except (Interrupted, KeyboardInterrupt):
        console(stderr=True).print(
            f"\nneurosim: interrupted; what is computed is kept in {folder}, and the same command "
            "with --resume goes on from there"
        )
        sys.exit(INTERRUPTED)
    except SweepError as error:
        raise SweepError(f"{error} (what is computed is kept in {folder})") from None
    _say(found, folder, prepared)


def _check_one(**modes: Any) -> None:
    given = [name for name, value in modes.items() if value not in (None, False)]
    if len(given) > 1:
        raise typer.BadParameter(f"--{given[0]} and --{given[1]} exclude each other")


def _ask(prepared: Prepared, verify: int | None, export: Path | None, report: Path | None) -> None:
    """Answer what is asked of a store."""
    from experiments.sweep import stored_rows

    if verify is not None:
        found = stored_rows.verify(prepared, verify)
        how = "bit for bit" if found.exact else "within 1e-9 of each number"
        for line in found.differing:
            console().print(line, style="bold red", markup=False)
        if not found.ok:
            typer.echo(f"{len(found.differing)} numbers of {found.rows} rows differ.")
            raise typer.Exit(1)
        typer.echo(f"{found.rows} rows, each computed alone, agree with the store ({how}).")
    elif export is not None:
        typer.echo(f"Written to {stored_rows.export(stored_rows.open_sweep(prepared), export)}.")
    elif report is not None:
        from experiments.sweep.sweep_report import sweep_report

        typer.echo(f"Written to {sweep_report(prepared, report)}.")
    else:
        typer.echo(str(stored_rows.status(prepared)))


def _compute_part(prepared: Prepared, part: str, jobs: int) -> None:
    from experiments.sweep.run_sweep import compute_part
    from neurosim.errors import ParameterError

    try:
        number, parts = (int(text) for text in part.split("/"))
    except ValueError:
        raise ParameterError(f"--part takes K/N, such as 0/8; got {part!r}") from None
    if not 0 <= number < parts:
        raise ParameterError(f"--part {part}: K must lie between 0 and N - 1")
    rows = compute_part(prepared, number, parts, jobs or 1)
    typer.echo(f"{rows:,} rows computed into {prepared.store.folder}.")


def _say(found: Any, folder: Path, prepared: Prepared) -> None:
    """Print what was computed, and which rows failed."""
    import json

    from experiments.sweep.rows.axes import said_of_row

    typer.echo(str(found))
    failures = json.loads(found.attrs["failures"])
    for one in failures[:10]:
        at = said_of_row(one["at"], prepared.task.units)
        console(stderr=True).print(f"failed: {at}: {one['why']}", style="yellow", markup=False)
    if len(failures) > 10:
        typer.echo(f"and {len(failures) - 10} more rows failed", err=True)
    typer.echo(f"\nWritten to {folder / 'result.zarr'}.")


def _slurm_script(file: Path, folder: Path, parts: int, where: str | None, seed: int | None) -> str:
    """Return a job array that computes the parts, and what to type when it has ended."""
    import shlex

    words = ["neurosim", "sweep", str(file), "--out", str(folder)]
    if where is not None:
        words += ["--where", where]
    if seed is not None:
        words += ["--seed", str(seed)]
    command = shlex.join(words)
    return "\n".join(
        [
            "#!/bin/sh",
            "#SBATCH --job-name=sweep",
            f"#SBATCH --array=0-{parts - 1}",
            "#SBATCH --cpus-per-task=1",
            "# Send it off by sbatch. A part that is killed may be sent again; it computes what is",
            "# missing. When all parts have ended, this gathers them and computes what was lost:",
            f"#   {command} --resume",
            f'{command} --part "$SLURM_ARRAY_TASK_ID/{parts}" --jobs "${{SLURM_CPUS_PER_TASK:-1}}"',
        ]
    )
