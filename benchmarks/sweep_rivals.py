"""The same sweep of a Hodgkin-Huxley cell here, by NEURON and processes, and by Brian2 and joblib.

``python benchmarks/sweep_rivals.py`` needs NEURON (``pip install neuron``) and joblib. The cell is
a cylinder of 1000 um by 1 um in 21 compartments with the channels of Hodgkin and Huxley. Current
and sodium conductance vary; each row runs for 100 ms in steps of 0.025 ms, and its spikes are
counted.
By hand means as one writes it: each process builds the cell once and runs row after row
(`multiprocessing.Pool`), or builds and runs a network for each row (`joblib.Parallel`; Brian2
compiles once and keeps the code).

Printed is the processor time of all processes a row. Each program runs twice, with many rows and
with few, and the difference counts, so that imports and compilation do not. Spike counts of the
first rows are compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from sweep_overhead import measure

_ROWS = """
import json, sys
import numpy as np
rows, jobs, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
drawn = np.random.default_rng(1).uniform(size=(10_000, 2))[:rows]
currents_nA, g_S_cm2 = 0.05 + 0.1 * drawn[:, 0], 0.11 + 0.02 * drawn[:, 1]
"""
_END = """
json.dump([int(count) for count in counts], open(out, "w"))
"""
HERE = (
    _ROWS
    + """
import tempfile
from brian2 import cm, mS, ms, mV, nA, siemens, um
from experiments.sweep import Run, sweep, zipped
from neurosim import Constant, Neuron
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.morphology import PerBranch, cylinder
cell = Neuron(cylinder(1000 * um, 1 * um), PerBranch(21), celsius=6.3, rest=-65 * mV)
cell = cell.paint([HHSodium(), HHPotassium(), Leak(g=0.3 * mS / cm**2, E=-54.387 * mV)])
grid = zipped({"current": currents_nA * nA, "hh_sodium.g": g_S_cm2 * siemens / cm**2})
with tempfile.TemporaryDirectory() as folder:
    found = sweep(Run(cell, 100 * ms, stimulus=Constant(), dt=0.025 * ms), grid, "count",
                  out=folder, jobs=jobs, chunk_rows=max(1, min(500, rows // jobs)))
counts = found["count"].values
"""
    + _END
)
NEURON = (
    _ROWS
    + """
import multiprocessing
kept = {}
def once(row):
    from neuron import h
    if not kept:
        h.load_file("stdrun.hoc")
        kept["cell"] = cell = h.Section(name="cell")
        cell.L, cell.diam, cell.nseg, cell.Ra, cell.cm = 1000, 1, 21, 100, 1
        cell.insert("hh")
        # In the middle, where the sweep injects current and detects spikes.
        kept["clamp"] = clamp = h.IClamp(cell(0.5))
        clamp.delay, clamp.dur = 0, 1e9
        kept["spikes"] = h.Vector()
        kept["detector"] = h.NetCon(cell(0.5)._ref_v, None, sec=cell)
        kept["detector"].threshold = -20
        kept["detector"].record(kept["spikes"])
        h.celsius, h.dt, h.steps_per_ms = 6.3, 0.025, 40
    kept["clamp"].amp = row[0]
    for segment in kept["cell"]:
        segment.hh.gnabar = row[1]
    h.finitialize(-65)
    h.continuerun(100)
    return len(kept["spikes"])
with multiprocessing.Pool(jobs) as pool:
    counts = pool.map(once, list(zip(currents_nA, g_S_cm2)), chunksize=max(1, rows // jobs // 4))
"""
    + _END
)
BRIAN2 = (
    _ROWS
    + '''
import joblib
EQUATIONS = """
Im = gl*(El-v) + g_na*m**3*h*(ENa-v) + g_k*n**4*(EK-v) : amp/meter**2
I : amp (point current)
g_na : siemens/meter**2 (constant)
dm/dt = alpham*(1-m)-betam*m : 1
dn/dt = alphan*(1-n)-betan*n : 1
dh/dt = alphah*(1-h)-betah*h : 1
alpham = 1/ms/exprel(-(v+40*mV)/(10*mV)) : Hz
betam = 4/ms*exp(-(v+65*mV)/(18*mV)) : Hz
alphah = 0.07/ms*exp(-(v+65*mV)/(20*mV)) : Hz
betah = 1/ms/(1+exp(-(v+35*mV)/(10*mV))) : Hz
alphan = 0.1/ms/exprel(-(v+55*mV)/(10*mV)) : Hz
betan = 0.125/ms*exp(-(v+65*mV)/(80*mV)) : Hz
"""
def once(current_nA, g):
    import brian2 as b
    b.defaultclock.dt = 0.025 * b.ms
    values = {"gl": 0.3 * b.mS / b.cm**2, "El": -54.387 * b.mV, "ENa": 50 * b.mV,
              "g_k": 36 * b.mS / b.cm**2, "EK": -77 * b.mV}
    cell = b.SpatialNeuron(
        b.Cylinder(diameter=1 * b.um, length=1000 * b.um, n=21), EQUATIONS, threshold="v > -20*mV",
        refractory="v > -20*mV", threshold_location=10,
        Cm=1 * b.uF / b.cm**2, Ri=100 * b.ohm * b.cm, method="exponential_euler", namespace=values,
    )
    cell.v, cell.g_na = -65 * b.mV, g * b.siemens / b.cm**2
    at = -65.0
    for gate, a, c in (("m", 0.1 * (at + 40) / (1 - np.exp(-(at + 40) / 10)), 4.0),
                       ("h", 0.07, 1 / (1 + np.exp(-(at + 35) / 10))),
                       ("n", 0.01 * (at + 55) / (1 - np.exp(-(at + 55) / 10)), 0.125)):
        setattr(cell, gate, a / (a + c))
    cell.I[10] = current_nA * b.nA
    spikes = b.SpikeMonitor(cell)
    b.Network(cell, spikes).run(100 * b.ms)
    return spikes.num_spikes
counts = joblib.Parallel(n_jobs=jobs)(
    joblib.delayed(once)(*row) for row in zip(currents_nA, g_S_cm2)
)
'''
    + _END
)
# How many rows each runs: many and few.
PROGRAMS = {
    "here": (HERE, 2000, 200),
    "NEURON and multiprocessing": (NEURON, 1000, 100),
    "Brian2 and joblib": (BRIAN2, 24, 4),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--times", type=int, default=2, help="The least of so many counts.")
    parser.add_argument("--only", choices=list(PROGRAMS))
    asked = parser.parse_args()
    counts: dict[str, list[int]] = {}
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "counts.json"
        for name, (program, many, few) in PROGRAMS.items():
            if asked.only not in (None, name):
                continue
            # So that nothing compiles while it is measured.
            measure(program, 2, asked.jobs, out)
            times = []
            for rows in (few, many):
                several = [measure(program, rows, asked.jobs, out)[0] for _ in range(asked.times)]
                times.append(min(several))
            counts[name] = json.loads(out.read_text())
            found[name] = (times[1] - times[0]) / (many - few)
            print(f"{name:<28}{1e3 * found[name]:10.2f} ms of processor a row", flush=True)
    for name in found:
        if name != "here" and "here" in found:
            pairs = list(zip(counts["here"], counts[name], strict=False))
            same = sum(one == other for one, other in pairs)
            print(
                f"{name}: {found[name] / found['here']:.1f} times as long; "
                f"{same} of {len(pairs)} rows have the same count of spikes"
            )


if __name__ == "__main__":
    sys.exit(main())
