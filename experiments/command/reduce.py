"""`neurosim reduce`: a cell in, the smallest network that answers as it does."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.command.console import console, running
from experiments.command.options import Seed
from experiments.kit.neuron_names import CELLS, MODELS, known_name, named_neuron

if TYPE_CHECKING:
    from bridge.reduce.reduction import RateReduction, TrainReduction

__all__ = ["reduce_command"]

# Point neurons whose input is a current; the Hodgkin-Huxley kinds need stronger synapses.
REDUCIBLE = (*CELLS, *MODELS)
QUICK_SECONDS, QUICK_TRIALS, QUICK_LARGEST = 120.0, 150, 4


def reduce_command(
    cell: Annotated[
        str, typer.Argument(metavar="CELL", help=f"One of {', '.join(REDUCIBLE)}.")
    ] = "ca1_pyramidal",
    tolerance: Annotated[
        str,
        typer.Option(
            help="What is good enough on validation: auc=0.99 or variance=0.9 (random trains), "
            "rate=0.9 (placed synapses)."
        ),
    ] = "auc=0.98",
    output_rate: Annotated[
        float, typer.Option(help="Rate at which the cell shall fire under random trains (Hz).")
    ] = 1.0,
    seconds: Annotated[
        float,
        typer.Option(help="Training time under random trains (s); as much again is held out."),
    ] = 400.0,
    trials: Annotated[
        int, typer.Option(help="Training trials of placed synapses (with rate=).")
    ] = 600,
    placements: Annotated[
        str, typer.Option(help="With rate=: mixed, dispersed or clustered.")
    ] = "mixed",
    ampa_ns: Annotated[float, typer.Option(help="Conductance of a synapse (nS).")] = 0.5,
    nmda_ns: Annotated[float, typer.Option(help="NMDA conductance of a synapse (nS).")] = 0.5,
    current_pa: Annotated[
        float, typer.Option(help="Point neurons: current with which an event starts (pA).")
    ] = 240.0,
    largest: Annotated[int, typer.Option(min=1, help="Most units of a layer.")] = 16,
    all_rungs: Annotated[
        bool, typer.Option("--all", help="Fit larger networks after the tolerance is reached.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Less data and fewer sizes of network; wider intervals.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for numbers (JSON), network and figure.")
    ] = None,
    seed: Seed = 1,
    jobs: Annotated[int, typer.Option(min=0, help="Threads (0: as many as cores).")] = 0,
) -> None:
    """Find the smallest network that answers as a cell does, on drive it has not seen."""
    from bridge.reduce import Placements, Tolerance, check_times, reduce_rates, reduce_trains
    from experiments.kit.outputs import check_folder
    from neurosim.errors import ParameterError

    # Everything that can be refused is refused before anything runs.
    given = {
        "--output-rate": output_rate, "--seconds": seconds, "--ampa-ns": ampa_ns,
        "--nmda-ns": nmda_ns, "--current-pa": current_pa,
    }  # fmt: skip
    for option, value in given.items():
        if not math.isfinite(value):
            raise ParameterError(f"{option} must be a finite number; got {value}")
    wanted = Tolerance.read(tolerance)
    drive = Placements(kind=placements)
    if quick:
        seconds = min(seconds, QUICK_SECONDS)
        trials, largest = min(trials, QUICK_TRIALS), min(largest, QUICK_LARGEST)
    if wanted.measure != "rate":
        check_times(seconds, output_rate)
    if out is not None:
        check_folder(out)
    innervated = _innervated(cell, ampa_ns, nmda_ns, current_pa)
    found: TrainReduction | RateReduction
    with running(seed, jobs, quick) as context:
        if wanted.measure == "rate":
            found = reduce_rates(
                innervated, wanted, drive=drive, trials=trials, seed=seed, jobs=context.jobs,
                task=context.task,
            )  # fmt: skip
        else:
            found = reduce_trains(
                innervated, wanted, output_Hz=output_rate, seconds=seconds, largest=largest,
                all_rungs=all_rungs, seed=seed, jobs=context.jobs, task=context.task,
            )  # fmt: skip
    _say(found)
    if out is not None:
        written = found.save(out)
        typer.echo(f"written to {out}: {', '.join(path.name for path in written)}")
    if found.found is None:
        raise typer.Exit(1)


def _innervated(cell: str, ampa_nS: float, nmda_nS: float, current_pA: float) -> Any:
    from brian2.units import nS, pA

    from bridge.reduce import innervate
    from neurosim.errors import UnknownNameError, suggest

    cell = known_name(cell) or cell
    if cell not in REDUCIBLE:
        raise UnknownNameError(f"no cell is called {cell!r}: {suggest(cell, REDUCIBLE)}")
    if cell in MODELS:
        return innervate(named_neuron(cell), cell, current=current_pA * pA)
    return innervate(named_neuron(cell), cell, ampa=ampa_nS * nS, nmda=nmda_nS * nS)


def _say(found: TrainReduction | RateReduction) -> None:
    from rich.table import Table

    rows = found.rows()
    table = Table(*rows[0], box=None)
    for row in rows:
        table.add_row(*(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()))
    console().print(table)
    typer.echo(found.summary())
