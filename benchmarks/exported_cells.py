"""The catalogue's branched cells in NEURON, each written by `to_neuron`, beside our runs of them.

``python benchmarks/exported_cells.py`` needs NEURON with its compiler (the extra ``neuron``). It
prints a row a cell: by how much the input resistance of its leaks differs from NEURON's linear
circuit, the largest difference of the potential at the first probe with the step and with half of
it, what is left as the step goes to 0, and the same of spike times. Name cells to run only these.
A current step from 2 ms on makes the cells spike. Cells that cannot be written say why.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from brian2.units import Hz, Quantity, ms, pA, volt

from neurosim import Neuron, Steps, catalogue
from neurosim.channels import ChlorideLeak, Leak, PotassiumLeak, SodiumLeak
from neurosim.describe.parts import Cable, Spines
from neurosim.dynamics import impedance
from neurosim.exchange import ExchangeError, check_against_neuron, to_neuron
from neurosim.morphology import root_site

#: Current (pA) that makes each cell spike within some 30 ms.
CELLS = {
    "textbook_neuron": 300, "layer5_pyramidal": 1000, "ca1_pyramidal": 300,
    "spinal_motoneuron": 20000, "purkinje_cell": 1000, "fast_spiking_interneuron": 300,
    "bipolar_cell": 20, "pumping_cell": 100, "purkinje_pump_cell": 300, "astrocyte": 100,
    "oligodendrocyte": 100, "schwann_cell": 100, "layer5_pump_cell": 500, "mitral_pump_cell": 100,
}  # fmt: skip


def passive(cell: Neuron) -> Neuron:
    """Return a cell with its leaks alone, all of which keep their reversal potentials."""
    kinds = (Leak, SodiumLeak, PotassiumLeak, ChlorideLeak, Cable, Spines)
    kept = tuple(p for p in cell.painted if isinstance(p.part, kinds))
    return cell.replace(painted=kept, probed=(), placed=(), initial=None)


def resistance_apart(cell: Neuron) -> float:
    """Return the relative difference of the input resistance at the root."""
    bare = passive(cell)
    root = int(root_site.compartments(bare.compartments)[0])
    ours = float(impedance(bare, 0 * Hz).magnitude[0]) * 1e-6
    with tempfile.TemporaryDirectory() as folder:
        to_neuron(bare, folder)
        nrnivmodl = Path(sys.executable).with_name("nrnivmodl")
        subprocess.run([str(nrnivmodl), "mod"], cwd=folder, check=True, capture_output=True)
        code = f"from cell import Cell; print(Cell().input_resistance({root}))"
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True
        )
    return abs(float(run.stdout.split()[-1]) / ours - 1)


def row(name: str, duration: Quantity, dt: Quantity) -> str:
    """Return what a cell and its export differ by."""
    cell = getattr(catalogue, name)()
    step = Steps(amplitude=CELLS[name] * pA, onset=2 * ms, duration=1000 * ms)
    try:
        R_in = resistance_apart(cell)
        driven = cell.place(step, root_site, label="injected")
        potentials = tuple(p for p in driven.probed if p.variable == "v")
        found = check_against_neuron(
            driven.replace(probed=potentials), duration, dt=dt, verbose=False
        )
    except ExchangeError as error:
        return f"{name}: not written: {error}"
    trace, spikes = found.traces[0], found.spikes[0]

    def said(values: tuple[float, ...], like: Quantity) -> str:
        shown = [Quantity(x, dim=like.dim).in_best_unit(precision=2) for x in values]
        return "  ".join(f"{text:>10}" for text in shown)

    counts = "/".join(str(n) for pair in spikes.counts for n in pair)
    return (
        f"{name:26} {R_in:8.1e}  {said((*trace.differences, trace.left), 1 * volt)}  "
        f"{counts:>12}  {said((*spikes.differences, spikes.left), 1 * ms)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", nargs="*", default=list(CELLS))
    parser.add_argument("--duration", type=float, default=30.0, help="in ms")
    parser.add_argument("--dt", type=float, default=0.0125, help="in ms")
    given = parser.parse_args()
    print(
        f"{'cell':26} {'R_in':>8}  {'v at dt':>10}  {'at dt/2':>10}  {'left':>10}  "
        f"{'spikes':>12}  {'times at dt':>10}  {'at dt/2':>10}  {'left':>10}"
    )
    for name in given.cells:
        print(row(name, given.duration * ms, given.dt * ms), flush=True)


if __name__ == "__main__":
    main()
