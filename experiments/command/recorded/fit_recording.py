"""`neurosim fit FILE`: a neuron that answers as a recorded cell does, and how sure it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from experiments.command.console import progress
from experiments.command.options import Injected, RecordingFile, Seed, spread

__all__ = ["fit_command"]


@spread
def fit_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="A recording of one cell (ABF, ATF, IBW, NWB, CSV, ...); several files are read "
            "as one.",
        ),
    ],
    *,
    family: Annotated[
        str,
        typer.Option(
            help="adex (adaptive exponential integrate-and-fire), glif (generalised "
            "integrate-and-fire, whose threshold follows spikes and potential), igif (the same "
            "with a conductance that opens with the potential), hh1 (one "
            "compartment with sodium, potassium and M channels) or hh2 (with a passive dendrite)."
        ),
    ] = "adex",
    recording: RecordingFile,
    current: Injected = None,
    starts: Annotated[
        int,
        typer.Option(
            min=1,
            help="How large the search is: 8 candidates each in one population, and half as many "
            "searches by gradient; with glif and igif, a population of 30 or 38 each.",
        ),
    ] = 8,
    control: Annotated[
        bool,
        typer.Option("--control", help="Search without gradient too (CMA-ES), with as many runs."),
    ] = False,
    series: Annotated[
        str | None,
        typer.Option(
            metavar="MOHM",
            help="Resistance of the electrode whose drop is subtracted from the potential; 'seen' "
            "subtracts what jumps with the current at the edges of steps (default: nothing).",
        ),
    ] = None,
    efel: Annotated[
        bool,
        typer.Option(
            "--efel",
            help="Measure the held-out steps with eFEL too, recorded and fitted (extra efel).",
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the figure, the report and the numbers.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Fit a neuron to a recording by the gradient of its run; say what is sure and what is not."""
    from bridge.errors import optional
    from bridge.fit.fit_neuron import fit_neuron
    from bridge.fit.neuron_families import family_of
    from bridge.fit_peers.efel_check import efel_check
    from bridge.recordings import read
    from experiments.kit.outputs import check_folder
    from neurosim.atomic_write import write_json

    family_of(family)
    if efel:
        # Said before the search, which takes minutes.
        optional("efel", "a check of a fit by eFEL", "efel")
    if out is not None:
        check_folder(out)
    drop = _resistance(series)
    settings = recording.settings(current)
    step = settings.pop("step", None)
    cell = read(files[0] if len(files) == 1 else files, **settings)
    with progress() as task:
        told = task(f"fit of {cell.name}")
        found = fit_neuron(
            cell, family, step=step, starts=starts, control=control, seed=seed, progress=told,
            series_Mohm=drop,
        )  # fmt: skip
    typer.echo(str(found))
    checked = efel_check(found) if efel else None
    if checked is not None:
        typer.echo(f"\n{checked}")
    if out is not None:
        picture, report = found.save(out)
        numbers = report.with_suffix(".json")
        write_json(numbers, found.to_dict())
        written = [picture, report, numbers, *([] if checked is None else [checked.save(out)])]
        typer.echo(f"\nwritten to {out}: {', '.join(path.name for path in written)}")


def _resistance(given: str | None) -> float | Literal["seen"] | None:
    if given is None:
        return None
    if given == "seen":
        return "seen"
    try:
        return float(given)
    except ValueError:
        raise typer.BadParameter(
            f"--series takes a number of Mohm, such as 12, or seen; got {given!r}"
        ) from None
