"""What other readers make of our NIR files: refused, read, or read as something else.

    python benchmarks/nir_readers.py --readers PYTHON [--out FILE.json]

PYTHON is the interpreter of an environment of its own with ``pip install nir`` and whichever of
snntorch, norse, sinabs and spikingjelly are to be looked at. Each reads one LIF neuron (rest -70
mV, threshold -55 mV, 20 ms) under a constant current, in either form, once with its reset at rest
and once at -65 mV, and runs it for 200 ms in steps of 0.1 ms. A reader is right when it counts as
many spikes as neurosim, give or take one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

READERS = ("snntorch", "norse", "sinabs", "spikingjelly")
STEPS, DT = 2000, 1e-4


def module_of(reader: str, graph: Any) -> Any:
    """Return what a reader makes of a graph."""
    if reader == "snntorch":
        from snntorch.import_nir import import_from_nir

        return import_from_nir(graph)
    if reader == "norse":
        import norse

        return norse.torch.from_nir(graph, dt=DT)
    if reader == "sinabs":
        from sinabs.nir import from_nir

        return from_nir(graph, batch_size=1)
    from spikingjelly.activation_based.nir_exchange.from_nir import import_from_nir

    return import_from_nir(graph, dt=DT)


def spikes_of(reader: str, module: Any) -> float:
    """Return how many spikes the neuron fires; the readout gives 1 a spike."""
    import torch

    total = 0.0
    with torch.no_grad():
        if reader == "sinabs":
            out = module(torch.ones(STEPS, 1))
            return float((out[0] if isinstance(out, tuple) else out).sum())
        state = None
        for _ in range(STEPS):
            out, state = module(torch.ones(1, 1), state)
            total += float(out.sum())
    return total


def as_reader(folder: Path) -> None:
    """Look at every file with every reader that is installed."""
    import nir

    found = []
    for reader in READERS:
        try:
            name = f"{reader} {version(reader)}"
        except PackageNotFoundError:
            continue
        for file in sorted(folder.glob("*.nir")):
            row: dict[str, Any] = {"reader": name, "file": file.stem, "spikes": None, "said": ""}
            try:
                row["spikes"] = spikes_of(reader, module_of(reader, nir.read(file)))
            except Exception as error:
                row["said"] = (
                    f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
                )
            found.append(row)
    print(json.dumps(found))


def write_files(folder: Path, reset_mV: float) -> float:
    """Write one neuron in both forms; return how many spikes it should fire."""
    import numpy as np
    from brian2.units import ms, mV, pA

    from ann import Network
    from bridge.counts.curve import FICurve
    from bridge.mapping.calibration import Calibration
    from bridge.mapping.unit_splitting import split_units
    from bridge.nir.exchange import write_nir
    from bridge.spiking.spiking_network import SpikingLayer, SpikingNetwork
    from bridge.spiking.synapse import Synapse
    from neurosim import LIF, Constant, WhiteNoise, simulate

    neuron = LIF(t_ref=0 * ms, V_reset=reset_mV * mV)
    one = np.ones(1)
    calibration = Calibration(0 * one, 400 * one, 0 * one, one, 0 * one, 0 * one, 200.0)
    network = SpikingNetwork(
        neuron=neuron,
        background=WhiteNoise(),
        layers=(SpikingLayer(np.array([[400.0]]), 0 * one, calibration),),
        classes=None,
        tau_syn=10 * ms,
        dt=0.1 * ms,
        curve=FICurve([0, 100], [0, 1], 1.0),
        split=split_units(Network([1, 1, 1], ["relu", "identity"], dtype="float64", rng=0)),
        synapse=Synapse(),
        delay=0 * ms,
    )
    for form in ("millivolt", "normalised"):
        write_nir(network, folder / f"{form}, reset {reset_mV:g} mV.nir", form=form)
    run = simulate(neuron, 200 * ms, stimulus=Constant(400 * pA), dt=0.1 * ms)
    return float(run.counts()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readers", help="Python with the readers")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--as-reader", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_reader:
        as_reader(options.as_reader)
        return
    with tempfile.TemporaryDirectory() as folder:
        right = {reset: write_files(Path(folder), reset) for reset in (-70.0, -65.0)}
        done = subprocess.run(
            [options.readers, __file__, "--as-reader", folder],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    rows = json.loads(done.stdout.splitlines()[-1])
    for reset, spikes in right.items():
        print(f"reset to {reset:g} mV: the neuron fires {spikes:.0f} spikes")
    for row in rows:
        wanted = next(n for reset, n in right.items() if f"reset {reset:g} mV" in row["file"])
        if row["spikes"] is None:
            verdict = f"refused: {row['said']}"
        else:
            same = abs(row["spikes"] - wanted) <= 1
            verdict = f"{'right' if same else 'WRONG'}: {row['spikes']:.0f} spikes"
        print(f"{row['reader']:22}{row['file']:26}{verdict}")
    if options.out:
        options.out.write_text(json.dumps({"right": right, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
