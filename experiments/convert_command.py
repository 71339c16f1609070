"""`neurosim convert`: a trained model onto spiking neurons, with what it costs and loses."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

__all__ = ["app", "convert_command"]

app = typer.Typer(no_args_is_help=True, help="Trained networks onto spiking neurons.")


class Onto(StrEnum):
    """Neurons by their short names."""

    lif = "lif"
    adex = "adex"
    tm = "tm"
    hh = "hh"


def _neuron(onto: Onto) -> Any:
    from neurosim import LIF, AdEx, HodgkinHuxley, TraubMiles

    return {"lif": LIF, "adex": AdEx, "tm": TraubMiles, "hh": HodgkinHuxley}[onto.value]()


def read_inputs(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read inputs, and labels if there are any, from a .npz (X, y) or .npy (X) file.

    Raises
    ------
    ConversionError
        There is no such file, or it holds no array called X.
    """
    from bridge.errors import ConversionError

    if not path.is_file():
        raise ConversionError(f"there is no file {path}")
    try:
        found = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise ConversionError(
            f"{path} is no file of plain arrays ({error}); write it with numpy.savez(path, X=..., "
            "y=...)"
        ) from None
    if isinstance(found, np.ndarray):
        return found, None
    with found:
        if "X" not in found:
            raise ConversionError(
                f"{path} holds {', '.join(found) or 'nothing'}; the inputs must be called X, and "
                "labels y"
            )
        return found["X"], found.get("y")


@app.command("convert")
def convert_command(
    model: Annotated[Path, typer.Argument(help="Model file written by ann.save.")],
    inputs: Annotated[
        Path,
        typer.Option("--inputs", help="Training inputs to calibrate on: .npz with X, or .npy."),
    ],
    test: Annotated[
        Path | None, typer.Option(help="Inputs to answer: .npz with X and, if known, y.")
    ] = None,
    onto: Annotated[Onto, typer.Option(help="Neuron.")] = Onto.lif,
    decision_ms: Annotated[float, typer.Option(min=1, help="When it decides (ms).")] = 100.0,
    noise_mv: Annotated[float, typer.Option(min=0, help="Noise of the membrane (mV).")] = 2.0,
    dale: Annotated[bool, typer.Option("--dale", help="Neurons excite or inhibit.")] = False,
    conductance: Annotated[
        bool, typer.Option("--conductance", help="Synapses open conductances.")
    ] = False,
    certify_on: Annotated[
        int, typer.Option(min=0, help="Training inputs the certificate looks at (0: none).")
    ] = 100,
    nir: Annotated[Path | None, typer.Option(help="Also write a NIR file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write every number as JSON.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 1,
    jobs: Annotated[int, typer.Option(min=0, help="Processes (0: as many as cores).")] = 0,
) -> None:
    """Put a trained network onto spiking neurons; say what it loses, where, and what it costs."""
    from brian2.units import ms, mV

    from ann import load
    from bridge.certificate import certify
    from bridge.conversion import convert
    from bridge.energy import ATTWELL_LAUGHLIN, HOWARTH, cost
    from bridge.nir import write_nir

    X, _ = read_inputs(inputs)
    answered = None if test is None else read_inputs(test)
    trained = load(model)
    cores = jobs or os.cpu_count() or 1
    adapting = onto is Onto.adex
    spiking = convert(
        trained,
        X,
        neuron=_neuron(onto),
        noise=noise_mv * mV,
        decision=decision_ms * ms,
        dale=dale,
        synapse="conductance" if conductance else "current",
        # Where the steady f-I curve is not the whole story.
        refine_on=min(len(X), 300) if adapting or conductance else 0,
        seed=seed,
        jobs=cores,
    )
    found: dict[str, Any] = {"network": repr(spiking)}
    typer.echo(repr(spiking))
    X_test, y = (X[:200], None) if answered is None else answered
    run = spiking.run(X_test, decision_ms * ms, seed=seed, jobs=cores)
    same = float(np.mean(run.predict() == trained.predict(X_test)))
    found["same_label"] = same
    typer.echo(f"same label as the network: {100 * same:.2f} % of {len(X_test)} inputs")
    if y is not None:
        for name, labels in (("network", trained.predict(X_test)), ("neurons", run.predict())):
            found[f"accuracy_{name}"] = float(np.mean(labels == y))
            typer.echo(f"accuracy of the {name}: {100 * found[f'accuracy_{name}']:.2f} %")
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
        certificate = certify(spiking, X[:certify_on], decision_ms * ms, seed=seed + 1, jobs=cores)
        found["certificate"] = certificate.rows()
        for row in certificate.rows():
            parts = ", ".join(
                f"{key[:-4]} {value:.0f} %" for key, value in row.items() if key.endswith("(%)")
            )
            typer.echo(f"hidden layer {row['layer']}: rms error {row['rms_error']:.3g} ({parts})")
        typer.echo(certificate.why())
        covered = float(certificate.safe(X_test).mean())
        found["labels_that_cannot_change"] = covered
        typer.echo(
            f"{100 * covered:.0f} % of the labels cannot change while no neuron errs more than it "
            "ever did"
        )
    if nir is not None:
        write_nir(spiking, nir, drop=("noise", "refractory"))
        typer.echo(f"written to {nir} (noise and refractory period only in its ledger)")
    if out is not None:
        part = out.with_name(out.name + ".part")
        part.write_text(json.dumps(found, indent=1, default=float))
        part.replace(out)
