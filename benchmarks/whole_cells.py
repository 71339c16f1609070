"""Whole published cells, here and in NEURON running the same files: spikes, times and speed.

``python benchmarks/whole_cells.py FOLDER [FOLDER ...]`` needs NEURON with its compiler (the extra
``neuron``). A folder is the model of Hay et al. (2011) as ModelDB has it (139653), whose cell comes
in by ``from_neuron(cell, mod=...)``; or a model of the Allen Institute's Cell Types Database as it
is downloaded, which comes in by ``from_allen(folder)``, and is built in NEURON by the AllenSDK's
rules.

**NEURON compiles the MOD files of the folder and runs the folder's hoc.** Both programs are brought
to where a smaller step changes nothing. Here a protocol runs at dt, dt/2 and dt/4, and spike times
are extrapolated to a step of 0. NEURON runs it with its variable step, as Hay et al. did, at a
tolerance of 1e-5 and of 1e-6. A row has the number of spikes, the largest difference of times, and
what each program still changes: from dt/4 to 0, and from one tolerance to the next.

Then 32 cells with different currents run as one batch here and one after the other in NEURON, in
turns, both with the same fixed step, and the processor times are compared.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, mV, nA

from neurosim import Neuron, Steps, simulate
from neurosim.allen import AXONS, allen_files, from_allen, read_allen_fit
from neurosim.exchange import from_neuron
from neurosim.morphology import at
from neurosim.quantities import quantity
from neurosim.stimuli import Drive, Stimulus


@dataclass(frozen=True, eq=False, repr=False)
class SynapticCurrent(Stimulus):
    """A current with the shape of an EPSC: a difference of exponentials with a given peak."""

    peak: Quantity = quantity(0.5 * nA, "largest current")
    onset: Quantity = quantity(0 * ms, "when it begins")
    tau_rise: Quantity = quantity(0.5 * ms, "time constant of the rise")
    tau_decay: Quantity = quantity(5 * ms, "time constant of the decay")
    label = "epsc"

    def drive(self, prefix: str, stream: int) -> Drive:
        rise, decay = float(self.tau_rise), float(self.tau_decay)
        top = rise * decay * np.log(rise / decay) / (rise - decay)
        scale = float(1 / (np.exp(-top / decay) - np.exp(-top / rise)))
        since = f"clip(t - {prefix}onset, 0*second, 10*second)"
        shape = f"exp(-{since}/{prefix}tau_decay) - exp(-{since}/{prefix}tau_rise)"
        units = self._units(prefix, "peak", "onset", "tau_rise", "tau_decay")
        return Drive(f"{scale!r}*{prefix}peak*({shape})", units)


@dataclass
class Electrode:
    """A current, and where it goes: a step, or that of a synapse."""

    amplitude: float  # nA
    onset: float  # ms
    duration: float = 0.0
    name: str = ""  # Of the section; "" for the soma.
    x: float = 0.5


@dataclass
class Model:
    """A cell in both programs, and what is done to it."""

    name: str
    soma: Any
    neuron: Neuron
    start: float
    protocols: dict[str, tuple[float, list[Electrode]]]
    sections: dict[str, Any] = field(default_factory=dict)
    currents: tuple[float, float] = (0.0, 1.0)
    threshold: float = -10.0  # mV, that of Hay et al.
    owner: Any = None  # What deletes its sections when it goes.


# ---- both programs ------------------------------------------------------------------------------
def inject(h: Any, model: Model, electrodes: list[Electrode]) -> list[Any]:
    """Return the electrodes of a protocol in NEURON, where they are as long as they are kept."""
    kept = []
    for one in electrodes:
        where = model.sections[one.name](one.x) if one.name else model.soma(0.5)
        if one.duration:
            made = h.IClamp(where)
            made.amp, made.delay, made.dur = one.amplitude, one.onset, one.duration
        else:
            made = h.epsp(where)
            made.imax, made.onset, made.tau0, made.tau1 = one.amplitude, one.onset, 0.5, 5.0
        kept.append(made)
    return kept


def run_theirs(
    h: Any, model: Model, electrodes: list[Electrode], length: float, tolerance: float
) -> np.ndarray:
    """Return spike times (ms) of a run in NEURON with its variable step."""
    kept = inject(h, model, electrodes)
    trace, times = h.Vector().record(model.soma(0.5)._ref_v), h.Vector().record(h._ref_t)
    solver = h.CVode()
    solver.active(1)
    solver.rtol(0)
    solver.atol(tolerance)
    solver.maxstep(1)  # An EPSC begins without an event, and a long step would miss it.
    h.finitialize(model.start)
    solver.solve(length)
    v, t = np.array(trace), np.array(times)
    level = model.threshold
    up = np.flatnonzero((v[:-1] < level) & (v[1:] >= level))
    del kept
    return t[up] + (level - v[up]) / (v[up + 1] - v[up]) * (t[up + 1] - t[up])


def time_theirs(
    h: Any, model: Model, electrodes: list[Electrode], length: float, dt: float
) -> float:
    """Return the processor time (s) of the steps of a run in NEURON with a fixed step."""
    kept = inject(h, model, electrodes)
    h.CVode().active(0)
    h.secondorder, h.dt = 0, dt
    h.finitialize(model.start)
    begin = time.process_time()
    for _ in range(round(length / dt)):
        h.fadvance()
    del kept
    return time.process_time() - begin


def run_ours(
    model: Model, electrodes: list[Electrode], length: float, dt: float, **more: Any
) -> list[np.ndarray]:
    """Return spike times (ms) of each row of a run here."""
    soma = at(model.neuron.morphology.names[0], 0.5)
    cell = model.neuron.detect(soma, model.threshold * mV, label="soma")
    for number, one in enumerate(electrodes):
        site = at(one.name, one.x) if one.name else soma
        made: Stimulus = (
            Steps(one.amplitude * nA, onset=one.onset * ms, duration=one.duration * ms)
            if one.duration
            else SynapticCurrent(peak=one.amplitude * nA, onset=one.onset * ms)
        )
        cell = cell.place(made, site, label=f"electrode_{number}")
    found = simulate(cell, length * ms, dt=dt * ms, **more)
    rows = len(next(iter(more["batch"].values()))) if "batch" in more else 1
    return [np.sort(np.asarray(found.spike_times_at("soma", k)) * 1e3) for k in range(rows)]


def groups(model: Model) -> list[list[str]]:
    """Return protocols that differ in the amplitude of one step, which one batch runs."""
    found: dict[Any, list[str]] = {}
    for name, (length, electrodes) in model.protocols.items():
        one = electrodes[0]
        alike = (length, one.onset, one.duration, one.name) if len(electrodes) == 1 else name
        found.setdefault(alike, []).append(name)
    return list(found.values())


def compare(h: Any, model: Model, dt: float) -> None:
    """Print a row a protocol."""
    print(
        f"{'protocol':34} {'here':>5} {'NEURON':>7} {'apart':>9} {'here, dt/4':>11} "
        f"{'NEURON, 1e-5':>13}"
    )
    for names in groups(model):
        length, electrodes = model.protocols[names[0]]
        amplitudes = [model.protocols[name][1][0].amplitude for name in names]
        batch = {"electrode_0.amplitude": amplitudes * nA}
        if not electrodes[0].duration:
            batch = {"electrode_0.peak": amplitudes * nA}
        steps = (dt, dt / 2, dt / 4)
        ours = [run_ours(model, electrodes, length, one, batch=batch) for one in steps]
        for number, name in enumerate(names):
            given = model.protocols[name][1]
            theirs = [run_theirs(h, model, given, length, x) for x in (1e-5, 1e-6)]
            runs = [one[number] for one in ours]
            fine, equal = runs[2], len({len(run) for run in runs}) == 1
            # Without the parts of first order, which moving calcium has, and of second order.
            limit = (runs[0] - 6 * runs[1] + 8 * fine) / 3 if equal else fine
            print(
                f"{name:34} {len(fine):5} {len(theirs[1]):7} {_apart(limit, theirs[1]):>9} "
                f"{_apart(fine, limit) if equal else 'counts':>11} {_apart(*theirs):>13}",
                flush=True,
            )


def _apart(a: np.ndarray, b: np.ndarray) -> str:
    if len(a) != len(b):
        return "counts"
    return f"{1e3 * np.abs(a - b).max(initial=0.0):.2g} us"


def race(h: Any, model: Model, cells: int, length: float, dt: float, turns: int) -> None:
    """Print the processor times of a batch here and of as many runs in NEURON, in turns."""

    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime + time.process_time()

    amplitudes = np.linspace(*model.currents, cells)
    batch = {"electrode_0.amplitude": amplitudes * nA}
    step = [Electrode(1.0, 10.0, 1e4)]
    run_ours(model, step, 1.0, dt, batch=batch)  # Compiles.
    for _ in range(turns):
        begin = spent()
        run_ours(model, step, length, dt, batch=batch)
        here = spent() - begin
        there = sum(
            time_theirs(h, model, [Electrode(x, 10.0, 1e4)], length, dt) for x in amplitudes
        )
        print(
            f"{cells} cells for {length:g} ms at dt = {dt:g} ms: {here:.2f} s here, {there:.2f} s "
            f"in NEURON, {there / here:.1f} times",
            flush=True,
        )


# ---- the cells ----------------------------------------------------------------------------------
def hay(h: Any, folder: Path) -> Model:
    """Return the layer-5 cell of Hay et al. 2011, with the membrane of their Figure 4."""
    before = Path.cwd()
    os.chdir(folder / "simulationcode")
    h.load_file("../models/L5PCbiophys3.hoc")
    h.load_file("../models/L5PCtemplate.hoc")
    h.v_init = -80.0
    cell = h.L5PCtemplate("../morphologies/cell1.asc")
    os.chdir(before)
    soma = next(iter(cell.somatic))
    steps = {
        f"step of {x} nA (Fig. 4B)": (600.0, [Electrode(x, 100.0, 1e4)])
        for x in (0.619, 0.793, 1.507)
    }
    # The thickest place 620 um from the soma, as BAC_firing.hoc has it.
    places = [(int(one.x[0]), float(one.x[1])) for one in cell.locateSites("apic", 620.0)]
    sections = list(cell.apical)
    number, x = max(places, key=lambda one: sections[one[0]](one[1]).diam)
    name = sections[number].name().rpartition(".")[2]
    pulse, epsc = Electrode(1.9, 295.0, 5.0), Electrode(0.5, 300.0, 0.0, name, x)
    return Model(
        "Hay et al. 2011, layer-5 pyramidal cell",
        soma,
        from_neuron(cell, mod=folder / "mod"),
        -80.0,
        steps
        | {
            "pulse of 1.9 nA at the soma (BAP)": (400.0, [pulse]),
            "pulse and 0.5 nA EPSC (BAC)": (400.0, [pulse, epsc]),
            "EPSC of 1.5 nA (calcium spike)": (400.0, [Electrode(1.5, 300.0, 0.0, name, x)]),
        },
        {name: sections[number]},
        (0.2, 1.6),
        owner=cell,
    )


def allen(h: Any, folder: Path, axon: str | None, currents: list[float]) -> Model:
    """Return a model of the Allen Institute, built in NEURON by the rules of the AllenSDK."""
    fit_path, swc_path, _ = allen_files(folder)
    fit = read_allen_fit(fit_path)
    kind = AXONS[fit.kind][0] if axon is None else axon
    sections = _allen_sections(h, swc_path, truncated=kind == "truncated")
    for section in sections:
        word = section.name().partition("[")[0]
        passive = fit.passive[word]
        section.insert("pas")
        section.cm, section.Ra = passive["cm"], passive["Ra"]
        section.g_pas, section.e_pas = passive["g_pas"], passive["e_pas"]
        for mechanism, there in fit.mechanisms.items():
            if word in there:
                section.insert(mechanism)
                for name, value in there[word].items():
                    setattr(section, f"{name}_{mechanism}", value)
        for name, value in fit.reversal.get(word, {}).items():
            if h.ismembrane(f"{name[1:]}_ion", sec=section):
                setattr(section, name, value)
    h.celsius, h.v_init = fit.celsius, fit.v_init_mV
    soma = next(one for one in sections if one.name().startswith("soma"))
    return Model(
        f"Allen Institute, {fit_path.name}, {fit.kind}, {kind} axon",
        soma,
        from_allen(folder, axon=axon),
        fit.v_init_mV,
        {f"step of {x} nA": (600.0, [Electrode(x, 100.0, 1e4)]) for x in currents},
        currents=(0.0, 0.4),
        # Somatic spikes of some all-active models end below -10 mV.
        threshold=-30.0,
    )


def _allen_sections(h: Any, swc: Path, truncated: bool) -> list[Any]:
    """Return the sections that a reconstruction has once its axon is replaced."""

    def cut() -> None:
        for section in h.allsec():
            section.nseg = 1 + 2 * int(section.L / 40)

    reader = h.Import3d_SWC_read()
    reader.quiet = 1
    reader.input(str(swc))
    h("objref this")
    h.Import3d_GUI(reader, 0).instantiate(h.this)
    cut()
    thick = [1.0, 1.0]
    if truncated:
        h.distance(sec=h.soma[0])
        old = [one for one in h.allsec() if one.name().startswith("axon")]
        far = [one for one in old if h.distance(0.5, sec=one) > 60]
        thick = [old[0].diam, far[0].diam if far else old[0].diam]
    for section in list(h.allsec()):
        if section.name().startswith("axon"):
            h.delete_section(sec=section)
    h("create axon[2]")
    for section, diameter in zip(h.axon, thick, strict=True):
        section.L, section.diam = 30, diameter
    h.axon[0].connect(h.soma[0], 1.0 if truncated else 0.5, 0.0)
    h.axon[1].connect(h.axon[0], 1.0, 0.0)
    cut()
    return list(h.allsec())


# ---- the command --------------------------------------------------------------------------------
def compiled(mods: Path, into: Path) -> Path:
    """Compile MOD files in a folder of their own, and return the library."""
    shutil.copytree(mods, into / "mod")
    beside = Path(sys.executable).with_name("nrnivmodl")
    program = str(beside) if beside.exists() else shutil.which("nrnivmodl")
    if program is None:
        raise SystemExit("NEURON's compiler, nrnivmodl, is not beside Python nor on PATH")
    done = subprocess.run([program, "mod"], cwd=into, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"nrnivmodl failed:\n{done.stderr[-2000:]}")
    return next(into.glob("*/libnrnmech.*"))


def one_folder(folder: Path, given: argparse.Namespace) -> None:
    """Compare one model."""
    from neuron import h

    is_hay = (folder / "models" / "L5PCtemplate.hoc").exists()
    mods = folder / "mod" if is_hay else allen_files(folder)[2]
    build: Callable[[], Model] = (
        (lambda: hay(h, folder))
        if is_hay
        else (lambda: allen(h, folder, given.axon, given.currents))
    )
    with tempfile.TemporaryDirectory() as made:
        h.nrn_load_dll(str(compiled(mods, Path(made))))
        h.load_file("stdrun.hoc")
        h.load_file("import3d.hoc")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = build()
        print(f"\n{model.name}: {len(model.neuron.compartments)} compartments", flush=True)
        if not given.no_compare:
            compare(h, model, given.dt)
        if given.cells:
            race(h, model, given.cells, given.race, given.dt, given.turns)


def main() -> None:
    """Compare each folder in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--dt", type=float, default=0.025, help="largest time step, in ms")
    parser.add_argument("--axon", help="of an all-active model: truncated or stub")
    parser.add_argument(
        "--currents",
        type=float,
        nargs="+",
        default=[0.15, 0.25, 0.35],
        metavar="NA",
        help="steps for models of the Allen Institute, in nA",
    )
    parser.add_argument("--turns", type=int, default=3, help="of the race")
    parser.add_argument("--cells", type=int, default=32, help="of the race; 0 for none")
    parser.add_argument("--race", type=float, default=100.0, help="its length, in ms")
    parser.add_argument("--no-compare", action="store_true", help="run the race alone")
    given = parser.parse_args()
    if len(given.folders) == 1:
        one_folder(given.folders[0].resolve(), given)
        return
    options = [a for a in sys.argv[1:] if a not in {str(f) for f in given.folders}]
    for folder in given.folders:
        subprocess.run([sys.executable, __file__, str(folder), *options], check=True)


if __name__ == "__main__":
    main()
