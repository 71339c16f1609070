"""`neurosim convert`: a trained model onto spiking neurons, with what it costs and loses."""

from __future__ import annotations

import math
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.command.options import Reading, spread

__all__ = ["convert_command"]

# Inputs that are answered when no test file is given.
SHOWN = 200
# What other readers of the NIR file lose; it stays in the ledger.
DROPPED = ("noise", "refractory")
# The certificate counts on from the seed; this leaves it room.
LARGEST_SEED = 2**62


class Onto(StrEnum):
    """Neurons by their short names."""

    lif = "lif"
    adex = "adex"
    tm = "tm"
    hh = "hh"


def _neuron(onto: Onto) -> Any:
    from neurosim import LIF, AdEx, HodgkinHuxley, TraubMiles

    return {"lif": LIF, "adex": AdEx, "tm": TraubMiles, "hh": HodgkinHuxley}[onto.value]()


class Task(StrEnum):
    """What outputs stand for."""

    auto = "auto"
    classification = "classification"
    regression = "regression"


@spread
def convert_command(
    model: Annotated[Path, typer.Argument(help="Model file written by ann.save.")],
    inputs: Annotated[
        Path,
        typer.Option(
            "--inputs",
            help="Training inputs to calibrate on: .npz with X, .npy, or the table of `train`.",
        ),
    ],
    test: Annotated[
        Path | None, typer.Option(help="Inputs to answer: .npz with X and, if known, y; a table.")
    ] = None,
    task: Annotated[
        Task, typer.Option(help="What outputs are, of a network saved without its estimator.")
    ] = Task.auto,
    onto: Annotated[Onto, typer.Option(help="Neuron.")] = Onto.lif,
    decision_ms: Annotated[float, typer.Option(min=1, help="When it decides (ms).")] = 100.0,
    noise_mv: Annotated[float, typer.Option(min=0, help="Noise of the membrane (mV).")] = 2.0,
    dale: Annotated[bool, typer.Option("--dale", help="Neurons excite or inhibit.")] = False,
    conductance: Annotated[
        bool, typer.Option("--conductance", help="Synapses open conductances.")
    ] = False,
    memory: Annotated[
        Path | None,
        typer.Option(
            help="Slow state of the neuron: the JSON that `neurosim unit --memory --out` wrote. "
            "Says by how much the rates outrun it."
        ),
    ] = None,
    certify_on: Annotated[
        int,
        typer.Option(min=0, help="Training inputs the certificate looks at, drawn (0: none)."),
    ] = 100,
    nir: Annotated[Path | None, typer.Option(help="Also write a NIR file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write every number as JSON.")] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Write what network and neurons answer, row by row (CSV).")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for rates.svg and answers.svg (against time).")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Everything random follows from it.")
    ] = 1,
    jobs: Annotated[int, typer.Option(min=0, help="Processes (0: as many as cores).")] = 0,
    *,
    reading: Reading,
) -> None:
    """Put a trained network onto spiking neurons; say what it loses, where, and what it costs."""
    from brian2.units import ms, mV

    from bridge.certificate.certify import certify
    from bridge.conversion.convert import convert
    from experiments.command.console import print_table, warnings_as_notes
    from experiments.command.converting.convert_answers import certificate_said, compared, cost_said
    from experiments.command.converting.convert_files import (
        read_task,
        slow_unit_of_file,
        write_answers,
    )
    from experiments.tables.conversion_figures import FIGURE_FILES, write_figures
    from neurosim.atomic_write import write_json

    # Everything that can be refused is refused before anything runs.
    _check_options(decision_ms=decision_ms, noise_mv=noise_mv)
    _check_outputs(out, nir, [model, inputs, *([test] if test else [])], onto, conductance)
    _check_answers(answers, figures, [model, inputs, test, out, nir])
    slow = None if memory is None else slow_unit_of_file(memory)
    if memory is not None and slow is None:
        typer.echo(f"note: {memory.name} claims no slow state", err=True)
    given = read_task(model, inputs, test, task.value, seed, SHOWN, reading.settings())
    if given.alone:
        meant = f"labels 0 to {len(given.classes) - 1}" if given.labels else "quantities"
        typer.echo(f"a network without its estimator: outputs are taken as {meant} (see --task)")
    for note in given.notes:
        typer.echo(f"note: {note}", err=True)
    jobs = jobs or os.cpu_count() or 1
    with warnings_as_notes():
        spiking = convert(
            given.trained,
            given.X,
            neuron=_neuron(onto),
            noise=noise_mv * mV,
            decision=decision_ms * ms,
            dale=dale,
            synapse="conductance" if conductance else "current",
            # Where the steady f-I curve is not the whole story.
            refine_on=min(len(given.X), 300) if onto is Onto.adex or conductance else 0,
            task=task.value,
            memory=slow,
            seed=seed,
            jobs=jobs,
        )
        typer.echo(repr(spiking))
        run = spiking.run(given.X_test, decision_ms * ms, seed=seed, jobs=jobs)
    neurons = run.predict()
    found: dict[str, Any] = {"network": repr(spiking), "seed": seed}
    if spiking.outruns:
        found["outruns"] = [one.to_dict() for one in spiking.outruns]
    said = [compared(given.labels, given.from_network, neurons, given.y, given.which, given.known)]
    said.append(cost_said(run))
    for numbers, sentences in said:
        found |= numbers
        typer.echo("\n".join(sentences))
    if certify_on:
        rows = given.X[given.order[:certify_on]]
        certificate = certify(spiking, rows, decision_ms * ms, seed=seed + 1, jobs=jobs)
        numbers, sentences, table = certificate_said(certificate, given, neurons)
        found |= numbers
        typer.echo("certificate:\n" + "\n".join(sentences))
        print_table("where the error arises", *table)
    if out is not None:
        write_json(out, found)
    if answers is not None:
        write_answers(answers, given, neurons)
    if figures is not None:
        write_figures(figures, run, given.from_network, given.y, given.known)
        typer.echo(f"written to {figures}: {', '.join(FIGURE_FILES)}")
    if nir is not None:
        from bridge.nir.nir_files import write_nir

        write_nir(spiking, nir, drop=DROPPED)
        typer.echo(f"written to {nir} (noise and refractory period only in its ledger)")


def _check_options(**numbers: float) -> None:
    from bridge.errors import ConversionError

    for name, value in numbers.items():
        if not math.isfinite(value):
            option = name.replace("_", "-")
            raise ConversionError(f"--{option} must be a finite number; got {value}")


def _check_answers(answers: Path | None, figures: Path | None, others: list[Path | None]) -> None:
    from experiments.kit.outputs import check_file, check_folder
    from experiments.tables.conversion_figures import FIGURE_FILES

    if answers is not None:
        check_file(answers, "--answers", others)
    if figures is not None:
        check_folder(figures, "--figures", FIGURE_FILES)


def _check_outputs(
    out: Path | None, nir: Path | None, read: list[Path], onto: Onto, conductance: bool
) -> None:
    from experiments.kit.outputs import check_file
    from neurosim.errors import OutputError

    if out is not None:
        check_file(out, "--out", read)
    if nir is not None:
        from bridge.nir.nir_files import check_expressible

        check_file(nir, "--nir", read)
        if out is not None and nir.resolve() == out.resolve():
            raise OutputError(f"--out and --nir are both {out}; name two files")
        check_expressible(_neuron(onto), conductance=conductance, drop=DROPPED)
