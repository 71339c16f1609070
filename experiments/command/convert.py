"""`neurosim convert`: a trained model onto spiking neurons, with what it costs and loses."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

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


def convert_command(
    model: Annotated[Path, typer.Argument(help="Model file written by ann.save.")],
    inputs: Annotated[
        Path,
        typer.Option("--inputs", help="Training inputs to calibrate on: .npz with X, or .npy."),
    ],
    test: Annotated[
        Path | None, typer.Option(help="Inputs to answer: .npz with X and, if known, y.")
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
    certify_on: Annotated[
        int,
        typer.Option(min=0, help="Training inputs the certificate looks at, drawn (0: none)."),
    ] = 100,
    nir: Annotated[Path | None, typer.Option(help="Also write a NIR file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write every number as JSON.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Everything random follows from it.")
    ] = 1,
    jobs: Annotated[int, typer.Option(min=0, help="Processes (0: as many as cores).")] = 0,
) -> None:
    """Put a trained network onto spiking neurons; say what it loses, where, and what it costs."""
    import numpy as np
    from brian2.units import ms, mV

    from ann import load
    from bridge.certificate.certify import certify
    from bridge.conversion.convert import convert
    from bridge.errors import ConversionError
    from bridge.mapping.accepted_networks import validate
    from bridge.nir.exchange import check_sayable, write_nir
    from bridge.spiking.answers import answers_of
    from bridge.spiking.energy import ATTWELL_LAUGHLIN, HOWARTH, cost
    from experiments.command.convert_answers import answers_of_network, bound, compared
    from experiments.command.convert_files import (
        check_labels,
        check_quantities,
        check_rows,
        check_width,
        read_inputs,
    )
    from experiments.kit.outputs import check_file
    from neurosim.errors import OutputError
    from neurosim.whole_files import plain, write_text

    # Everything that can be refused is refused before anything runs.
    read = (model, inputs) if test is None else (model, inputs, test)
    if out is not None:
        check_file(out, "--out", read)
    if nir is not None:
        check_file(nir, "--nir", read)
        if out is not None and nir.resolve() == out.resolve():
            raise OutputError(f"--out and --nir are both {out}; name two files")
        check_sayable(_neuron(onto), conductance=conductance, drop=DROPPED)
    for option, value in (("--decision-ms", decision_ms), ("--noise-mv", noise_mv)):
        if not np.isfinite(value):
            raise ConversionError(f"{option} must be a finite number; got {value}")
    if os.path.isdir(model):
        raise ConversionError(f"{model} is a folder; name the file that ann.save wrote")
    trained = load(model)
    inner = validate(trained)
    answers, width = answers_of(trained, inner, task.value), inner.sizes[0]
    classes = getattr(trained, "classes_", np.arange(max(2, inner.sizes[-1])))
    alone = trained is getattr(trained, "network_", trained)
    X = check_width(read_inputs(inputs)[0], width, inputs)
    # Tables are often sorted by class, so the first rows would be of one kind.
    order = np.random.default_rng(seed).permutation(len(X))
    y = None
    if test is None:
        # From the other end: as long as they last, others than those certified on.
        X_test = X[order[::-1][:SHOWN]]
        which = f"{len(X_test)} inputs drawn from those it was calibrated on"
    else:
        X_test, y = read_inputs(test)
        X_test = check_width(X_test, width, test)
        which = f"{len(X_test)} inputs"
    from_network = answers_of_network(trained, answers, X_test)
    if test is not None and y is not None:
        if answers.kind == "quantities":
            y = check_quantities(y, from_network.shape, test)
        elif answers.kind == "labels":
            y = check_rows(y, from_network.shape, test)
        else:
            hint = "; if its outputs are quantities, say --task regression" if alone else ""
            y = check_labels(y, len(X_test), classes, test, hint)
    if alone:
        meant = f"labels 0 to {len(classes) - 1}" if answers.labels else "quantities"
        typer.echo(f"a network without its estimator: outputs are taken as {meant} (see --task)")

    cores = jobs or os.cpu_count() or 1
    spiking = convert(
        trained,
        X,
        neuron=_neuron(onto),
        noise=noise_mv * mV,
        decision=decision_ms * ms,
        dale=dale,
        synapse="conductance" if conductance else "current",
        # Where the steady f-I curve is not the whole story.
        refine_on=min(len(X), 300) if onto is Onto.adex or conductance else 0,
        task=task.value,
        seed=seed,
        jobs=cores,
    )
    found: dict[str, Any] = {"network": repr(spiking), "seed": seed}
    typer.echo(repr(spiking))
    run = spiking.run(X_test, decision_ms * ms, seed=seed, jobs=cores)
    from_neurons = run.predict()
    numbers, sentences = compared(answers.labels, from_network, from_neurons, y, which)
    found |= numbers
    typer.echo("\n".join(sentences))
    for prices in (HOWARTH, ATTWELL_LAUGHLIN):
        spent = cost(run, model=prices)
        found[f"cost, {prices.name}"] = spent.to_dict()
        shares = ", ".join(f"{k} {100 * v / spent.atp_total:.0f} %" for k, v in spent.atp.items())
        typer.echo(f"{spent.atp_total:.3g} ATP a decision ({prices.name}: {shares})")
    typer.echo(
        f"{spent.spikes:.0f} spikes and {spent.synaptic_operations:.0f} synaptic operations a "
        f"decision; the network makes {spent.ann_operations} multiplications"
    )
    if certify_on:
        certified = X[order[:certify_on]]
        certificate = certify(spiking, certified, decision_ms * ms, seed=seed + 1, jobs=cores)
        found["certificate"] = rows = certificate.rows()
        drawn = f"{len(certified)} of {len(X)} inputs, drawn at random"
        if len(certified) == len(X):
            drawn = f"all {len(X)} inputs"
        typer.echo(f"certificate: on {drawn}, in {certificate.runs} runs")
        for row in rows:
            parts = ", ".join(
                f"{key[:-4]} {value:.0f} %" for key, value in row.items() if key.endswith("(%)")
            )
            typer.echo(f"hidden layer {row['layer']}: rms error {row['rms_error']:.3g} ({parts})")
        typer.echo(certificate.why())
        if not answers.labels:
            for row in rows:
                # Agreement of labels, of which there are none.
                row.pop("agreement", None)
        else:
            found["labels"], told = bound(certificate, X_test, from_network, from_neurons)
            typer.echo(told)
    if out is not None:
        write_text(out, json.dumps(plain(found), indent=1) + "\n")
    if nir is not None:
        write_nir(spiking, nir, drop=DROPPED)
        typer.echo(f"written to {nir} (noise and refractory period only in its ledger)")
