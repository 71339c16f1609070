"""The catalogue's branched cells in NEURON or in Arbor, beside our runs of them.

``python benchmarks/exported_cells.py`` needs NEURON with its compiler (the extra ``neuron``), with
``--to arbor`` Arbor and a C++ compiler (the extra ``arbor``). It prints a row a cell: by how much
the input resistance of its leaks differs from that of the other program's linear circuit, the
largest difference of the potential at the first probe with the step and with half of it, what is
left as the step goes to 0, and the same of spike times. Name cells to run only these. A current
step from 2 ms on makes the cells spike. Cells that cannot be written say why.

``--back`` writes each cell for NEURON, reads it from there with `from_neuron`, and prints how far
the cell that came back is from the one that went: areas, capacitances and resistances of its
compartments, the input resistance, the values of its parts, and whether the second export has the
same equations as the first.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Hz, Quantity, ms, pA, volt

from neurosim import Neuron, Steps, catalogue
from neurosim.channels import ChlorideLeak, Leak, PotassiumLeak, SodiumLeak
from neurosim.describe.parts import Cable, Spines
from neurosim.dynamics import impedance
from neurosim.exchange import (
    ExchangeError,
    ExchangeWarning,
    check_against_arbor,
    check_against_neuron,
    from_neuron,
    to_arbor,
    to_neuron,
)
from neurosim.exchange.arbor.arbor_check import build_in_arbor
from neurosim.exchange.mechanisms_in import equations_digest
from neurosim.exchange.neuron_out import describe_for_neuron
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


def resistance_apart(cell: Neuron, program: str) -> float:
    """Return the relative difference of the input resistance at the root."""
    bare = passive(cell)
    root = int(root_site.compartments(bare.compartments)[0])
    ours = float(impedance(bare, 0 * Hz).magnitude[0]) * 1e-6
    with tempfile.TemporaryDirectory() as folder:
        if program == "arbor":
            build_in_arbor(to_arbor(bare, folder))
            code = f"from cell import input_resistance; print(input_resistance({root}))"
        else:
            to_neuron(bare, folder)
            compile_for_neuron(folder)
            code = f"from cell import Cell; print(Cell().input_resistance({root}))"
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True
        )
    return abs(float(run.stdout.split()[-1]) / ours - 1)


def compile_for_neuron(folder: str) -> None:
    nrnivmodl = Path(sys.executable).with_name("nrnivmodl")
    subprocess.run([str(nrnivmodl), "mod"], cwd=folder, check=True, capture_output=True)


def row(name: str, duration: Quantity, dt: Quantity, program: str) -> str:
    """Return what a cell and its export differ by."""
    cell = getattr(catalogue, name)()
    step = Steps(amplitude=CELLS[name] * pA, onset=2 * ms, duration=1000 * ms)
    try:
        R_in = resistance_apart(cell, program)
        driven = cell.place(step, root_site, label="injected")
        potentials = tuple(p for p in driven.probed if p.variable == "v")
        check = check_against_arbor if program == "arbor" else check_against_neuron
        found = check(driven.replace(probed=potentials), duration, dt=dt, verbose=False)
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


def back(name: str) -> str:
    """Return what a cell lost on the way to NEURON and back."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = to_neuron(getattr(catalogue, name)(), folder)
        except ExchangeError as error:
            return f"{name}: not written: {error}"
        compile_for_neuron(folder)
        here = Path(__file__).resolve()
        program = f"import sys; sys.path[:0] = [{str(here.parent)!r}]\n"
        program += f"import exported_cells\nprint('OUT' + exported_cells.came_back({name!r}))"
        run = subprocess.run(
            [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True
        )
        if run.returncode:
            return f"{name:26} did not come back: {run.stderr.strip().splitlines()[-1]}"
        said = run.stdout.rpartition("OUT")[2].strip()
        return f"{name:26} {said}{''.join(f'; {loss}' for loss in made.losses)}"


def came_back(name: str) -> str:
    """Return how far a cell of the catalogue is from what NEURON holds of it, in its folder."""
    sys.path.insert(0, "")
    from cell import Cell

    went = getattr(catalogue, name)()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ExchangeWarning)
        came = from_neuron(Cell())
    a, b = (describe_for_neuron(one.replace(probed=(), detectors=())) for one in (went, came))
    pairs = [*zip(a[0]["cm"], b[0]["cm"], strict=True), *pairs_of(a[0], b[0])]
    values = max(abs(x - y) / max(abs(x), abs(y), 1e-300) for x, y in pairs)
    one, two = went.compartments, came.compartments
    areas = float(np.max(np.abs(two.area_m2 / one.area_m2 - 1)))
    first, second = (float(impedance(passive(c), 0 * Hz).magnitude[0]) for c in (went, came))
    same = {k: equations_digest(t.text) for k, t in a[1].items()} == {
        k: equations_digest(t.text) for k, t in b[1].items()
    }
    lost = [str(one.message) for one in said if issubclass(one.category, ExchangeWarning)]
    return "  ".join(
        [f"{abs(second / first - 1):8.1e}", f"{areas:8.1e}", f"{values:8.1e}",
         "the same" if same else "DIFFER", *lost]
    )  # fmt: skip


def pairs_of(one: dict[str, Any], two: dict[str, Any]) -> list[tuple[float, float]]:
    """Return the values of all parts by compartment, of two exports, one beside the other."""
    tables = []
    for content in (one, two):
        counts = [section["nseg"] for section in content["sections"]]
        firsts = np.cumsum([0, *counts])
        table: dict[tuple[str, str], np.ndarray] = {}
        for density in content["densities"]:
            here = np.concatenate(
                [np.arange(firsts[s], firsts[s + 1]) for s in density["sections"]]
            )
            for name, value in density["values"].items():
                full = table.setdefault((density["suffix"], name), np.zeros(firsts[-1]))
                full[here] = value
        # What is nowhere (scale 0) has no other values.
        for (suffix, name), full in table.items():
            if name != "scale" and (suffix, "scale") in table:
                full[table[suffix, "scale"] == 0] = 0
        tables.append(table)
    if tables[0].keys() != tables[1].keys():
        return [(0.0, 1.0)]
    return [
        pair
        for key, full in tables[0].items()
        for pair in zip(full.tolist(), tables[1][key].tolist(), strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", nargs="*", default=list(CELLS))
    parser.add_argument("--duration", type=float, default=30.0, help="in ms")
    parser.add_argument("--dt", type=float, default=0.0125, help="in ms")
    parser.add_argument("--to", choices=("neuron", "arbor"), default="neuron", help="which program")
    parser.add_argument("--back", action="store_true", help="to NEURON and back instead")
    given = parser.parse_args()
    if given.back:
        print(f"{'cell':26} {'R_in':>8}  {'areas':>8}  {'values':>8}  equations, and what is lost")
        for name in given.cells:
            print(back(name), flush=True)
        return
    print(
        f"{'cell':26} {'R_in':>8}  {'v at dt':>10}  {'at dt/2':>10}  {'left':>10}  "
        f"{'spikes':>12}  {'times at dt':>10}  {'at dt/2':>10}  {'left':>10}"
    )
    for name in given.cells:
        print(row(name, given.duration * ms, given.dt * ms, given.to), flush=True)


if __name__ == "__main__":
    main()
