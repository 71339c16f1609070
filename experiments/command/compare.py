"""`neurosim compare`: the main job, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.command.console import console, running, warnings_as_notes
from experiments.command.morphology import ShapeReading
from experiments.command.options import (
    Columns,
    Injected,
    Jobs,
    Quick,
    Reading,
    RecordingReading,
    Seed,
    Stored,
    spread,
)

__all__ = ["compare_command"]


@spread
def compare_command(
    *,
    recording: Annotated[
        Path | None,
        typer.Option(
            help="A recorded cell instead of the built-in one: a recording (ABF, ATF, IBW, NWB, "
            "CSV, ...) or a table of counts (current_pA, count, window_s)."
        ),
    ] = None,
    cell: Annotated[
        Path | None,
        typer.Option(
            help="Your cell's shape (SWC, ASC, H5, NeuroML) in place of the textbook neuron; its "
            "membrane and axon are the textbook neuron's."
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="Your table in place of the digits; say which column with --target."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target", "-t", help='With --table: the column to predict, or such as "num > 0".'
        ),
    ] = None,
    current: Injected = None,
    reading: RecordingReading,
    shape: ShapeReading,
    text: Reading,
    columns: Columns,
    out: Annotated[Path, typer.Option(help="Folder for report, numbers and figures.")] = Path(
        "neurosim-report"
    ),
    seed: Seed = 1,
    jobs: Jobs = 0,
    quick: Quick = False,
    store: Stored = True,
) -> None:
    """The main job: neurons, their units, and a trained network on spiking neurons."""
    from experiments.kit.outputs import check_folder
    from neurosim.errors import ParameterError

    # Before the simulator is imported.
    check_folder(out)
    for name, path in (("recording", recording), ("cell", cell), ("table", table)):
        _check_file(name, path)
    if (table is None) != (target is None):
        have, lack = ("target", "table FILE") if table is None else ("table", "target COLUMN")
        raise ParameterError(f"--{have} goes with --{lack}; give both")
    of_shape, unit = _unit_of(shape, recording, cell)
    for name, file, given in (
        ("recording", recording, {"current": current, "unit": unit, **vars(reading)}),
        ("cell", cell, vars(of_shape)),
        ("table", table, {**vars(text), **vars(columns)}),
    ):
        said = [option for option, value in given.items() if value is not None]
        if said and file is None:
            option = said[0].replace("_", "-")
            files = f"--{name} FILE" + (" or --cell FILE" if option == "unit" else "")
            raise ParameterError(f"--{option} goes with {files}; give the file too")
    from experiments.command.heavy_imports import heavy_imports
    from neurosim.engine.programs.shared_runtime import compiled_ahead

    # From cold, the first picture of a spike waits for nothing as long as for this.
    with compiled_ahead():
        with heavy_imports():
            from experiments.compare.main_job import Parameters, compare
            from experiments.compare.neuron_part import OwnShape
            from experiments.compare.terminal import summary
            from experiments.kit.store import Store, store_folder
            from experiments.kit.timing import process_age

        typed = {**vars(of_shape), **vars(text), **vars(columns)}
        parameters = Parameters(
            recording=_said(recording),
            reading=reading.settings(current, unit),
            shape=_said(cell),
            table=_said(table),
            target=target,
            options={name: value for name, value in typed.items() if value is not None},
        )
        own = None
        if cell is not None:
            read, doubts = of_shape.read(cell)
            for line in doubts:
                console(stderr=True).print(f"doubtful: {line}", style="yellow", markup=False)
            own = OwnShape(cell.name, read, tuple(doubts))
        of_table: dict[str, Any] = {}
        if table is not None:
            of_table = {"reading": text.settings(), "columns": columns.settings()}
        with warnings_as_notes(), running(seed, jobs, quick) as context:
            age = process_age()
            result = compare(
                parameters, context, out, own=own, before_s=age, **of_table,
                store=Store(store_folder()) if store else None,
                tell=lambda line: console(stderr=True).print(line, markup=False),
            )  # fmt: skip
    summary(result, console())
    console().print(f"report: {out / 'report.html'}")
    if not result.holds:
        raise typer.Exit(1)


def _said(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _unit_of(
    shape: ShapeReading, recording: Path | None, cell: Path | None
) -> tuple[ShapeReading, str | None]:
    """Return the options of the shape, and --unit where it is one of the recording."""
    from dataclasses import replace

    unit = shape.unit
    if unit is None or (cell is not None and recording is None):
        return shape, None
    if cell is not None:
        from bridge.recordings.formats.sweeps import scale_to

        # What is no unit of volt or ampere is a length, of the shape.
        if scale_to(unit) is None:
            return shape, None
    return replace(shape, unit=None), unit


def _check_file(name: str, path: Path | None) -> None:
    """Refuse what is no file before anything heavy is imported."""
    from neurosim.errors import ParameterError

    if path is not None and not path.is_file():
        wrong = "is a folder; give a file" if path.is_dir() else "there is no such file"
        raise ParameterError(f"--{name} {path}: {wrong}")
