"""Speed of the cable engine beside NEURON, Arbor and Brian2, in one run.

``python benchmarks/cable_engine.py`` prints nanoseconds a compartment and time step for the same
Hodgkin-Huxley cells in every engine that is installed (``pip install neuron arbor``), one thread
each, dt 0.025 ms. Runs are interleaved and the best of several is taken, since a machine is never
quite idle; ratios are of those. Building and compiling are not counted; they are printed apart.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

DT_MS = 0.025


def neurosim_batch(cells: int, compartments: int, duration_ms: float, threads: int = 1):
    """Return a function that runs the batch once and returns the seconds of simulation."""
    from brian2 import cm, mS, ms, mV, nA, um

    from neurosim import Constant, Neuron, simulate
    from neurosim.channels import HHPotassium, HHSodium, Leak
    from neurosim.morphology import PerBranch, cylinder

    cell = (
        Neuron(cylinder(1000 * um, 1 * um), PerBranch(compartments), celsius=6.3, rest=-65 * mV)
        .paint(HHSodium())
        .paint(HHPotassium())
        .paint(Leak(g=0.3 * mS / cm**2, E=-54.387 * mV))
    )
    currents = np.linspace(0.05, 0.15, cells) * nA

    def run(length_ms: float = duration_ms) -> float:
        start = time.perf_counter()
        simulate(
            cell, length_ms * ms, stimulus=Constant(), batch={"current": currents},
            dt=DT_MS * ms, scheme="backward-euler", jobs=threads,
        )  # fmt: skip
        return time.perf_counter() - start

    run(1.0)
    return _without_overhead(run, duration_ms)


def _without_overhead(run: Callable[[float], float], duration_ms: float) -> Callable[[], float]:
    """Subtract what a run of (nearly) no steps takes: files, process, composition."""

    def once() -> float:
        return run(duration_ms) - min(run(DT_MS) for _ in range(2))

    return once


def neuron_batch(cells: int, compartments: int, duration_ms: float):
    """The same in NEURON: one section a cell, the built-in hh, fixed step."""
    from neuron import h

    h.load_file("stdrun.hoc")
    sections, clamps = [], []
    for k in range(cells):
        section = h.Section(name=f"cell{k}")
        section.L, section.diam, section.nseg, section.Ra, section.cm = (
            1000,
            1,
            compartments,
            100,
            1,
        )
        section.insert("hh")
        clamp = h.IClamp(section(0.5))
        clamp.delay, clamp.dur, clamp.amp = 0, 1e9, np.linspace(0.05, 0.15, cells)[k]
        sections.append(section)
        clamps.append(clamp)
    h.celsius, h.dt = 6.3, DT_MS
    h.steps_per_ms = 1 / DT_MS
    context = h.ParallelContext()
    context.nthread(1)

    def once() -> float:
        h.finitialize(-65)
        start = time.perf_counter()
        h.continuerun(duration_ms)
        return time.perf_counter() - start

    once.keep = (sections, clamps)  # type: ignore[attr-defined]
    return once


def arbor_batch(cells: int, compartments: int, duration_ms: float):
    """The same in Arbor, with its built-in hh."""
    import arbor
    from arbor import units as U  # noqa: N812

    tree = arbor.segment_tree()
    tree.append(arbor.mnpos, (0, 0, 0, 0.5), (1000, 0, 0, 0.5), tag=1)

    currents = np.linspace(0.05, 0.15, cells)

    class Recipe(arbor.recipe):
        def __init__(self) -> None:
            arbor.recipe.__init__(self)
            self.properties = arbor.neuron_cable_properties()

        def num_cells(self) -> int:
            return cells

        def cell_kind(self, gid: int):
            return arbor.cell_kind.cable

        def global_properties(self, kind):
            return self.properties

        def cell_description(self, gid: int):
            decor = (
                arbor.decor()
                .set_property(
                    Vm=-65 * U.mV,
                    cm=0.01 * U.F / U.m2,
                    rL=100 * U.Ohm * U.cm,
                    tempK=279.45 * U.Kelvin,
                )
                .paint('"all"', arbor.density("hh"))
                .place(
                    '"mid"',
                    arbor.i_clamp(float(currents[gid]) * U.nA),
                )
            )
            labels = arbor.label_dict({"all": "(all)", "mid": "(location 0 0.5)"})
            policy = arbor.cv_policy_fixed_per_branch(compartments)
            return arbor.cable_cell(tree, decor, labels, policy)

    context = arbor.context(threads=1, gpu_id=None)

    def once() -> float:
        recipe = Recipe()
        simulation = arbor.simulation(recipe, context)
        start = time.perf_counter()
        simulation.run(duration_ms * U.ms, DT_MS * U.ms)
        return time.perf_counter() - start

    return once


def brian_cell(compartments: int, duration_ms: float):
    """One cell as Brian2's SpatialNeuron, C++ standalone, one thread: seconds of the run itself."""
    import brian2 as b

    folder = tempfile.mkdtemp()
    b.set_device("cpp_standalone", build_on_run=False)
    b.device.reinit()
    b.device.activate(build_on_run=False)
    equations = """
    Im = gl*(El-v) + g_na*m**3*h*(ENa-v) + g_k*n**4*(EK-v) : amp/meter**2
    I : amp (point current)
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
    values = {
        "gl": 0.3 * b.mS / b.cm**2, "El": -54.387 * b.mV, "g_na": 120 * b.mS / b.cm**2,
        "ENa": 50 * b.mV, "g_k": 36 * b.mS / b.cm**2, "EK": -77 * b.mV,
    }  # fmt: skip
    b.defaultclock.dt = DT_MS * b.ms
    morphology = b.Cylinder(diameter=1 * b.um, length=1000 * b.um, n=compartments)
    cell = b.SpatialNeuron(
        morphology, equations, Cm=1 * b.uF / b.cm**2, Ri=100 * b.ohm * b.cm,
        method="exponential_euler", namespace=values,
    )  # fmt: skip
    cell.v = -65 * b.mV
    cell.I[compartments // 2] = 0.1 * b.nA
    network = b.Network(cell)
    network.run(duration_ms * b.ms)
    device = b.get_device()
    device.build(directory=folder, run=False)

    def once() -> float:
        device.run(directory=folder, with_output=False, run_args=[])
        return float(device._last_run_time)

    return once


def interleaved(runs: dict[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Return the best time of each, taken in turns."""
    best = dict.fromkeys(runs, np.inf)
    for _ in range(repeats):
        for name, run in runs.items():
            best[name] = min(best[name], run())
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    parser.add_argument("--duration", type=float, default=50.0, help="ms")
    parser.add_argument("--only", choices=("batches", "threads", "growth"), help="one part of it")
    wanted = parser.parse_args()
    results = {}
    batches = ((48, 200), (128, 500), (1, 1000)) if wanted.only in (None, "batches") else ()
    for cells, compartments in batches:
        duration = wanted.duration * (4 if cells == 1 else 1)
        runs: dict[str, Callable[[], float]] = {
            "neurosim": neurosim_batch(cells, compartments, duration)
        }
        for name, make in (("neuron", neuron_batch), ("arbor", arbor_batch)):
            try:
                runs[name] = make(cells, compartments, duration)
            except ImportError as error:
                print(f"{name} is left out: {error}")
        runs["brian2"] = brian_cell(compartments, duration)
        best = interleaved(runs, wanted.repeats)
        # Brian2 runs one such cell an object; many take many times as long.
        best["brian2"] *= cells
        work = cells * compartments * duration / DT_MS
        print(f"\n{cells} cells x {compartments} compartments, {duration:g} ms, 1 thread")
        for name, seconds in best.items():
            ratio = seconds / best["neurosim"]
            print(f"  {name:10s} {seconds / work * 1e9:8.2f} ns a compartment-step  {ratio:6.2f} x")
        results[f"{cells}x{compartments}"] = {k: v / work * 1e9 for k, v in best.items()}
    if wanted.only in (None, "threads"):
        one = neurosim_batch(128, 200, wanted.duration)
        two = neurosim_batch(128, 200, wanted.duration, threads=2)
        best = interleaved({"one": one, "two": two}, wanted.repeats)
        print(f"\ntwo threads against one, 128 x 200: {best['one'] / best['two']:.2f} x")
        results["two_threads"] = best["one"] / best["two"]
    growth = (
        ("cells", [(b, 100) for b in (8, 32, 128, 512, 2048)]),
        ("compartments", [(1, n) for n in (100, 1000, 10_000, 100_000)]),
    )
    for what, sizes in growth if wanted.only in (None, "growth") else ():
        times, amounts = [], []
        for cells, compartments in sizes:
            length = max(1.0, 2e4 / (cells * compartments) * 20)
            run = neurosim_batch(cells, compartments, length)
            seconds = min(run() for _ in range(wanted.repeats))
            times.append(seconds / (length / DT_MS))
            amounts.append(cells * compartments)
        slope = np.polyfit(np.log(amounts), np.log(times), 1)[0]
        print(f"time a step grows as {what} ^ {slope:.3f} (bar 1.00 +- 0.05)")
        results[f"growth_{what}"] = float(slope)
    if wanted.json:
        wanted.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
