"""Speed on a reconstructed pyramidal cell under synaptic drive, beside NEURON and Arbor.

``python benchmarks/real_cell.py CELL.swc`` reads a morphology with a soma, an axon and dendrites
(measured with rat CA1 cell c91662), paints Hodgkin-Huxley channels on soma and axon and a leak on
the dendrites, and drives 1,000 two-exponential synapses on the dendrites with Poisson trains. Each
of the 32 cells of the batch has trains of its own. NEURON and Arbor run their built-in mechanisms
(hh, pas, Exp2Syn / exp2syn) on the same sections cut into the same compartments, and get the same
events one by one; each as it comes, so NEURON interpolates its rates in a table and Arbor merges
the synapses of a compartment, as we do. Backward Euler, dt 0.025 ms, one thread each. Times are of
the processor, so that other load counts for nobody; runs are interleaved and the best of several is
taken; building, compiling and reading events are not counted (ours: less a run of one step). The
work is compared too: compartments, spikes and mean potential of the soma.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

from brian2.units import cm, mS, ms, mV, nS, um

from neurosim import Neuron, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.morphology import Compartments, MaxLength, Morphology, at, read_swc, tagged, uniformly
from neurosim.synapses import DoubleExponential, Events

DT_MS = 0.025
SYNAPSES = 1000
WEIGHT_NS, RISE_MS, DECAY_MS = 0.5, 0.5, 2.0
LEAK_S_CM2 = 1e-4
BARS = {"neuron": 4.0, "arbor": 1.5}
DENDRITES = tagged("basal", "apical")


@dataclass(frozen=True)
class Drive:
    """What every engine gets: where the synapses sit and when each one is active.

    Attributes
    ----------
    compartment : ndarray of int, shape (synapses,)
        Compartment of each synapse.
    steps : list of list of ndarray
        By synapse and cell, the time steps of its events.
    """

    compartment: np.ndarray
    steps: list[list[np.ndarray]]


@dataclass
class Seen:
    """What a run gave: seconds of simulation, spikes, mean potential of the soma (mV)."""

    seconds: float
    spikes: int
    mean_mV: float


def child_seconds() -> float:
    """Return the processor time of the programs this process has run."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def poisson(compartments: Compartments, cells: int, duration_ms: float, rate_hz: float) -> Drive:
    """Draw the trains, on the grid of time steps so that no engine rounds differently."""
    sites = uniformly(DENDRITES, SYNAPSES, seed=1).compartments(compartments)
    generator = np.random.default_rng(2)
    steps = int(duration_ms / DT_MS)
    trains = []
    for _ in range(SYNAPSES):
        counts = generator.poisson(rate_hz * duration_ms * 1e-3, size=cells)
        trains.append([np.unique(generator.integers(steps, size=n)) for n in counts])
    return Drive(np.asarray(sites), trains)


def neurosim_batch(shape: Morphology, rule: MaxLength, drive: Drive, cells: int, duration: float):
    """Return a function that runs the batch once."""
    membrane = tagged("soma", "axon")
    compartments = shape.discretise(rule)
    cell = (
        Neuron(shape, rule, celsius=6.3, rest=-65 * mV)
        .paint(HHSodium(), membrane)
        .paint(HHPotassium(), membrane)
        .paint(Leak(g=0.3 * mS / cm**2, E=-54.387 * mV), membrane, label="soma_leak")
        .paint(Leak(g=LEAK_S_CM2 * 1e3 * mS / cm**2, E=-65 * mV), DENDRITES)
        .probe("v", at("soma", 0.5))
    )
    events = []
    for trains in drive.steps:
        when = np.unique(np.concatenate(trains))
        weight = np.array([np.isin(when, train) for train in trains], dtype=float)
        events.append(Events(when * DT_MS * 1e-3, weight))
    receptor = DoubleExponential(
        g=WEIGHT_NS * nS, E=0 * mV, tau_rise=RISE_MS * ms, tau_decay=DECAY_MS * ms
    )
    cell = cell.place(receptor, uniformly(DENDRITES, SYNAPSES, seed=1), events)
    assert np.array_equal(
        drive.compartment, uniformly(DENDRITES, SYNAPSES, seed=1).compartments(compartments)
    )

    def call(length_ms: float):
        start = child_seconds()
        recording = simulate(
            cell, length_ms * ms, seed=np.arange(cells), dt=DT_MS * ms,
            record_dt=min(1.0, length_ms) * ms,
            scheme="backward-euler",
        )  # fmt: skip
        return child_seconds() - start, recording

    def once() -> Seen:
        fixed = min(call(DT_MS)[0] for _ in range(2))
        seconds, recording = call(duration)
        mean = float(np.asarray(recording.trace("v")).mean()) * 1e3
        return Seen(seconds - fixed, int(recording.counts().sum()), mean)

    call(DT_MS)
    return once


def neuron_batch(shape: Morphology, rule: MaxLength, drive: Drive, cells: int, duration: float):
    """The same in NEURON: sections from the same points, each cut into as many segments."""
    from neuron import h

    h.load_file("stdrun.hoc")
    compartments = shape.discretise(rule)
    counts = np.diff(compartments.first)
    kept, synapses, detectors, traces = [], [], [], []
    for c in range(cells):
        sections = {}
        for k, branch in enumerate(shape):
            section = h.Section(name=f"cell{c}_{k}")
            for (x, y, z), diameter in zip(
                branch.points_m * 1e6, branch.diameters_m * 1e6, strict=True
            ):
                h.pt3dadd(float(x), float(y), float(z), float(diameter), sec=section)
            section.nseg, section.Ra, section.cm = int(counts[k]), 100, 1
            if branch.tag in ("soma", "axon"):
                section.insert("hh")
            else:
                section.insert("pas")
                section.g_pas, section.e_pas = LEAK_S_CM2, -65
            if branch.parent is not None:
                section.connect(sections[branch.parent](branch.attach), 0)
            sections[branch.name] = section
        kept.append(sections)
        ordered = list(sections.values())
        for site in drive.compartment:
            middle = (compartments.start[site] + compartments.end[site]) / 2
            synapse = h.Exp2Syn(ordered[compartments.branch[site]](middle))
            synapse.tau1, synapse.tau2, synapse.e = RISE_MS, DECAY_MS, 0
            connection = h.NetCon(None, synapse)
            connection.weight[0] = WEIGHT_NS * 1e-3
            synapses.append((synapse, connection))
        soma = sections["soma"]
        times = h.Vector()
        detector = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
        detector.threshold = -20
        detector.record(times)
        detectors.append((detector, times))
        traces.append(h.Vector().record(soma(0.5)._ref_v, 1.0))
    h.celsius, h.dt, h.steps_per_ms = 6.3, DT_MS, 1 / DT_MS
    h.ParallelContext().nthread(1)

    def deliver() -> None:
        for k, (_, connection) in enumerate(synapses):
            for step in drive.steps[k % SYNAPSES][k // SYNAPSES]:
                connection.event(step * DT_MS)

    handler = h.FInitializeHandler(deliver)

    def once() -> Seen:
        h.finitialize(-65)
        start = time.process_time()
        h.continuerun(duration)
        seconds = time.process_time() - start
        mean = float(np.mean([np.asarray(trace)[1:] for trace in traces]))
        return Seen(seconds, sum(len(times) for _, times in detectors), mean)

    once.keep = (kept, handler)  # type: ignore[attr-defined]
    once.compartments = sum(s.nseg for s in kept[0].values())  # type: ignore[attr-defined]
    return once


def arbor_cable(shape: Morphology, compartments: Compartments):
    """Return Arbor's tree, the ends and the middles of our compartments on it.

    Arbor has branches of its own: chains of our branches, and halves of one that others leave from
    its middle. The tag of a segment is its number, by which its piece of our branch is found.
    """
    import arbor

    tree = arbor.segment_tree()
    heads: dict[tuple[str, float], int] = {}
    pieces: list[tuple[int, float, float]] = []  # by segment: our branch, from, to (0 to 1)
    forks = {b.parent: b.attach for b in shape if 0 < b.attach < 1}
    for k, branch in enumerate(shape):
        points = np.column_stack([branch.points_m, branch.diameters_m / 2]) * 1e6
        along = np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1).cumsum()
        along = np.concatenate([[0], along / along[-1]])
        if branch.name in forks and forks[branch.name] not in along:
            place = int(np.searchsorted(along, forks[branch.name]))
            new = [np.interp(forks[branch.name], along, column) for column in points.T]
            points = np.insert(points, place, new, axis=0)
            along = np.insert(along, place, forks[branch.name])
        head = arbor.mnpos if branch.parent is None else heads[branch.parent, branch.attach]
        for n in range(len(points) - 1):
            pieces.append((k, float(along[n]), float(along[n + 1])))
            ends = (arbor.mpoint(*points[n]), arbor.mpoint(*points[n + 1]))
            head = tree.append(head, *ends, tag=len(pieces))
            heads[branch.name, pieces[-1][2]] = head
    counts = np.diff(compartments.first)
    morphology = arbor.morphology(tree)
    cuts, middles = set(), {}
    for b in range(morphology.num_branches):
        segments = morphology.branch_segments(b)
        prox, dist = (
            np.array([[getattr(getattr(s, end), axis) for axis in "xyz"] for s in segments])
            for end in ("prox", "dist")
        )
        reach = np.linalg.norm(dist - prox, axis=1).cumsum()
        reach = np.concatenate([[0], reach / reach[-1]])
        for n, segment in enumerate(segments):
            k, start, end = pieces[segment.tag - 1]
            for half in range(2 * counts[k] + 1):
                share = half / (2 * counts[k])
                if not start <= share <= end:
                    continue
                step = (share - start) / (end - start) * (reach[n + 1] - reach[n])
                position = (b, round(float(reach[n] + step), 12))
                if half % 2:
                    middles[int(compartments.first[k]) + half // 2] = position
                else:
                    cuts.add(position)
    return tree, sorted(cuts), middles, pieces


def arbor_batch(shape: Morphology, rule: MaxLength, drive: Drive, cells: int, duration: float):
    """The same in Arbor, with explicit schedules for its event generators."""
    import arbor
    from arbor import units as U  # noqa: N812

    compartments = shape.discretise(rule)
    tree, cuts, middles, pieces = arbor_cable(shape, compartments)
    tags = [branch.tag for branch in shape]
    excitable = " ".join(
        f"(tag {n + 1})" for n, (k, _, _) in enumerate(pieces) if tags[k] in ("soma", "axon")
    )
    soma = list(shape.names).index("soma")
    middle = "(location {} {!r})".format(*middles[int(compartments.first[soma])])
    labels = arbor.label_dict(
        {"excitable": f"(join {excitable})", "passive": "(difference (all) (region \"excitable\"))",
         "soma": middle}
        | {f"site{c}": f"(location {b} {p!r})" for c, (b, p) in middles.items()}
    )  # fmt: skip
    policy = arbor.cv_policy_explicit(
        "(sum " + " ".join(f"(location {b} {p!r})" for b, p in cuts) + ")"
    )
    decor = (
        arbor.decor()
        .set_property(
            Vm=-65 * U.mV, cm=0.01 * U.F / U.m2, rL=100 * U.Ohm * U.cm, tempK=279.45 * U.Kelvin
        )
        .paint('"excitable"', arbor.density("hh"))
        .paint('"passive"', arbor.density("pas/e=-65", {"g": LEAK_S_CM2}))
        .place('"soma"', arbor.threshold_detector(-20 * U.mV), "detector")
    )
    synapse = arbor.synapse("exp2syn", {"tau1": RISE_MS, "tau2": DECAY_MS, "e": 0})
    for k, site in enumerate(drive.compartment):
        decor = decor.place(f'"site{site}"', synapse, f"synapse{k}")

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
            return arbor.cable_cell(tree, decor, labels, policy)

        def event_generators(self, gid: int):
            return [
                arbor.event_generator(
                    f"synapse{k}", WEIGHT_NS * 1e-3,
                    arbor.explicit_schedule([float(step * DT_MS) * U.ms for step in trains[gid]]),
                )
                for k, trains in enumerate(drive.steps) if len(trains[gid])
            ]  # fmt: skip

        def probes(self, gid: int):
            return [arbor.cable_probe_membrane_voltage('"soma"', "v")]

    context = arbor.context(threads=1, gpu_id=None)

    def once() -> Seen:
        simulation = arbor.simulation(Recipe(), context)
        simulation.record(arbor.spike_recording.local)
        handles = [
            simulation.sample((gid, "v"), arbor.regular_schedule(1 * U.ms)) for gid in range(cells)
        ]
        start = time.process_time()
        simulation.run(duration * U.ms, DT_MS * U.ms)
        seconds = time.process_time() - start
        means = [simulation.samples(handle)[0][0][1:, 1].mean() for handle in handles]
        return Seen(seconds, len(simulation.spikes()), float(np.mean(means)))

    volumes = arbor.cv_data(arbor.cable_cell(tree, decor, labels, policy))
    once.compartments = sum(  # type: ignore[attr-defined]
        any(cable.dist > cable.prox for cable in volumes.cables(n)) for n in range(volumes.num_cv)
    )
    return once


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cell", type=Path, help="an SWC file with soma, axon and dendrites")
    parser.add_argument("--cells", type=int, default=32)
    parser.add_argument("--duration", type=float, default=100.0, help="ms")
    parser.add_argument("--length", type=float, default=20.0, help="longest compartment, um")
    parser.add_argument("--rate", type=float, default=10.0, help="of each synapse, Hz")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    wanted = parser.parse_args()
    shape, rule = read_swc(wanted.cell), MaxLength(wanted.length * um)
    compartments = shape.discretise(rule)
    count = len(compartments.area_m2)
    drive = poisson(compartments, wanted.cells, wanted.duration, wanted.rate)
    runs: dict[str, Callable[[], Seen]] = {}
    for name, make in (
        ("neurosim", neurosim_batch), ("neuron", neuron_batch), ("arbor", arbor_batch),
    ):  # fmt: skip
        try:
            runs[name] = make(shape, rule, drive, wanted.cells, wanted.duration)
        except ImportError as error:
            print(f"{name} is left out: {error}")
            continue
        theirs = getattr(runs[name], "compartments", count)
        if theirs != count:
            raise SystemExit(f"{name} has {theirs} compartments, neurosim {count}")
    best: dict[str, Seen] = {}
    for _ in range(wanted.repeats):
        for name, run in runs.items():
            seen = run()
            if name not in best or seen.seconds < best[name].seconds:
                best[name] = seen
    work = wanted.cells * count * wanted.duration / DT_MS
    print(
        f"{wanted.cells} cells x {count} compartments, {SYNAPSES} synapses at {wanted.rate:g} Hz "
        f"each, {wanted.duration:g} ms, 1 thread"
    )
    for name, seen in best.items():
        bar = f"  (bar {BARS[name]:g} x)" if name in BARS else ""
        print(
            f"  {name:9s}{seen.seconds:8.2f} s {seen.seconds / work * 1e9:8.2f} ns a "
            f"compartment-step {seen.seconds / best['neurosim'].seconds:6.2f} x{bar}\n"
            f"           {seen.spikes} spikes, soma {seen.mean_mV:.2f} mV on average"
        )
    if wanted.json:
        wanted.json.write_text(
            json.dumps({name: vars(seen) for name, seen in best.items()}, indent=1)
        )


if __name__ == "__main__":
    main()
