"""Speed of a circuit of neurons with extent beside NEURON, in one run.

A thousand cells of 52 compartments (soma, two dendrites, axon; Hodgkin-Huxley on soma and axon),
each with 100 excitatory synapses from other cells on its dendrites, delays of 1 to 5 ms; three
quarters of the cells are driven by a constant current of their own. Same compartments, time step,
weights and delays in both; spikes are counted in both. Seconds are of processor time, building not
counted, the best of several interleaved runs.

    python benchmarks/circuit.py [--cells 1000] [--inputs 100] [--ms 100] [--repeats 3]
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

DT_MS = 0.025
# Name, length (um), diameter (um), compartments.
SECTIONS = (
    ("soma", 20, 20, 1),
    ("basal", 300, 2, 15),
    ("apical", 400, 2, 16),
    ("axon", 400, 1, 20),
)
WEIGHT_NS = 0.25


def wiring(cells: int, inputs: int) -> tuple[np.ndarray, ...]:
    """Return source, target, point and delay (ms) of every contact, and currents (nA)."""
    rng = np.random.default_rng(7)
    target = np.repeat(np.arange(cells), inputs)
    source = (target + rng.integers(1, cells, len(target))) % cells
    point = np.tile(np.arange(inputs) % 31, cells)
    delay = np.round(rng.uniform(1, 5, len(target)) / DT_MS) * DT_MS
    current = np.where(np.arange(cells) % 4 > 0, rng.uniform(0.25, 0.6, cells), 0.0)
    return source, target, point, delay, current


def clocks() -> float:
    """Return the processor time of this process and its children, in second."""
    here = resource.getrusage(resource.RUSAGE_SELF)
    below = resource.getrusage(resource.RUSAGE_CHILDREN)
    return here.ru_utime + here.ru_stime + below.ru_utime + below.ru_stime


def neurosim_circuit(
    cells: int, inputs: int, duration_ms: float
) -> Callable[[], tuple[float, int]]:
    """Return a function that runs the circuit: seconds of simulation, spikes."""
    from brian2 import cm, mS, ms, mV, nA, nS, um

    from neurosim import Circuit, Constant, Neuron, simulate
    from neurosim.channels import Leak, squid_axon
    from neurosim.morphology import PerBranch, at, branch, cylinder, every
    from neurosim.synapses import AMPA
    from neurosim.terminals import TsodyksMarkram

    shape = None
    for name, length, diameter, _ in SECTIONS:
        piece = cylinder(length * um, diameter * um, name=name, tag=name)
        shape = piece if shape is None else shape.join(piece, "soma")
    cell = (
        Neuron(shape, PerBranch(1, {n: k for n, *_, k in SECTIONS}), celsius=6.3, rest=-65 * mV)
        .paint(squid_axon(), branch("soma", "axon"))
        .paint(Leak(g=0.1 * mS / cm**2, E=-65 * mV), branch("basal", "apical"), label="passive")
        .place(AMPA(g=WEIGHT_NS * nS), every(branch("basal", "apical")), label="ampa")
        .detect(at("axon", 0.99), -10 * mV, label="terminal")
    )  # fmt: skip
    source, target, point, delay, current = wiring(cells, inputs)
    plain = TsodyksMarkram(U=1.0, tau_rec=0 * ms, transmitter="glutamate", delay=0 * ms)
    circuit = (
        Circuit()
        .add("cells", cell, cells, stimulus=Constant(0 * nA), batch={"current": current * nA})
        .connect(
            "cells", "cells", onto="ampa", pairs=np.column_stack([source, target]), points=point,
            # A receptor of NEURON acts on the potential one step after its event.
            delay=(delay + DT_MS) * ms, terminal=plain, detector="terminal",
        )
    )  # fmt: skip

    def run(length: float) -> tuple[float, int]:
        start = clocks()
        found = simulate(circuit, length * ms, dt=DT_MS * ms, scheme="backward-euler")
        return clocks() - start, len(found["cells"].detectors["terminal"][1])

    run(1.0)

    def once() -> tuple[float, int]:
        idle = min(run(DT_MS)[0] for _ in range(2))
        seconds, spikes = run(duration_ms)
        return seconds - idle, spikes

    return once


def neuron_circuit(cells: int, inputs: int, duration_ms: float) -> Callable[[], tuple[float, int]]:
    """The same in NEURON: built-in hh and pas, Exp2Syn, NetCon."""
    from neuron import h

    h.load_file("stdrun.hoc")
    h.celsius, h.dt, h.steps_per_ms = 6.3, DT_MS, 1 / DT_MS
    source, target, point, delay, current = wiring(cells, inputs)
    sections, synapses, clamps, wires = [], [], [], []
    for k in range(cells):
        mine = {}
        for name, length, diameter, count in SECTIONS:
            piece = h.Section(name=f"{name}{k}")
            piece.L, piece.diam, piece.nseg, piece.Ra, piece.cm = length, diameter, count, 100, 1
            if name in ("soma", "axon"):
                piece.insert("hh")
                h.usetable_hh = 0  # the rates themselves, no table
                piece.el_hh = -54.387
            else:
                piece.insert("pas")
                piece.g_pas, piece.e_pas = 1e-4, -65
            if name != "soma":
                piece.connect(mine["soma"](1.0))
            mine[name] = piece
        clamp = h.IClamp(mine["soma"](0.5))
        clamp.delay, clamp.dur, clamp.amp = 0, 1e9, current[k]
        places = [(mine[n], i, c) for n, _, _, c in SECTIONS[1:3] for i in range(c)]
        here = []
        for piece, i, count in places:
            one = h.Exp2Syn(piece((i + 0.5) / count))
            one.tau1, one.tau2, one.e = 0.2, 1.7, 0
            here.append(one)
        sections.append(mine)
        clamps.append(clamp)
        synapses.append(here)
    for a, b, p, d in zip(source, target, point, delay, strict=True):
        end = sections[a]["axon"]
        wire = h.NetCon(end(0.99)._ref_v, synapses[b][p], sec=end)
        wire.threshold, wire.delay, wire.weight[0] = -10, d, WEIGHT_NS * 1e-3
        wires.append(wire)
    times, listeners = h.Vector(), []
    for mine in sections:
        listener = h.NetCon(mine["axon"](0.99)._ref_v, None, sec=mine["axon"])
        listener.threshold = -10
        listener.record(times)
        listeners.append(listener)

    def once() -> tuple[float, int]:
        h.finitialize(-65)
        start = clocks()
        # Crossings of the last step are seen at the start of the next one.
        h.continuerun(duration_ms + DT_MS)
        return clocks() - start, len(times)

    once.keep = (sections, synapses, clamps, wires, listeners)  # type: ignore[attr-defined]
    return once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--inputs", type=int, default=100)
    parser.add_argument("--ms", type=float, default=100.0)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    makers = {"neurosim": neurosim_circuit, "NEURON": neuron_circuit}
    runs: dict[str, Callable[[], tuple[float, int]]] = {}
    for name, make in makers.items():
        began = time.perf_counter()
        try:
            runs[name] = make(given.cells, given.inputs, given.ms)
        except ImportError as error:
            print(f"{name}: not installed ({error})")
            continue
        print(f"{name}: made in {time.perf_counter() - began:.1f} s", flush=True)
    best: dict[str, tuple[float, int]] = {}
    for _ in range(given.repeats):
        for name, run in runs.items():
            found = run()
            best[name] = min(best.get(name, (np.inf, 0)), found)
    for name, (seconds, spikes) in best.items():
        print(f"{name}: {seconds:.2f} s of processor time, {spikes} spikes")
    if len(best) == 2:
        print(f"ratio: {best['NEURON'][0] / best['neurosim'][0]:.2f} (bar 3)")


if __name__ == "__main__":
    main()
