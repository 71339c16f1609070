"""Run the published programs of two pump models in NEURON, and print what ours is held against.

``python benchmarks/pump_models_neuron.py mitral FOLDER`` or ``purkinje FOLDER`` needs NEURON alone
(``free FOLDER --current -4``: the mitral cell without a clamp, under a steady current in pA)
(9.0.2 gave the numbers in the experiments `pump-bursts` and `pump-modes`), and the program:
ModelDB 185332 (mitral cell, build its folder `channels`) or 180789 (Purkinje cell, two
compartments), each built with ``nrnivmodl``. Nothing of them is kept here. `neurosim run
pump-bursts` and `neurosim run pump-modes` are the runs beside these.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def _mitral_cell(folder: Path, options: argparse.Namespace) -> tuple[Any, Any]:
    """Return NEURON and the published mitral cell."""
    sys.path.insert(0, str(folder))
    import neuron

    neuron.load_mechanisms(str(folder / "channels"))
    neuron.h.load_file("stdrun.hoc")
    import model_definition

    return neuron.h, model_definition.full_mitral_neuron(ncx_factor=options.exchanger)


def _with_pulses(h: Any, soma: Any, pulses: list[tuple[float, float, float]]) -> list[Any]:
    """Inject pulses (begin and length in ms, nA); they last as long as what is returned is kept."""
    kept = []
    for when, duration, amplitude in pulses:
        pulse = h.IClamp(soma)
        pulse.delay, pulse.dur, pulse.amp = when, duration, amplitude
        kept.append(pulse)
    return kept


def mitral(folder: Path, options: argparse.Namespace) -> None:
    """Print rest, sodium and slow current of the mitral cell around a train of 30 Hz for 4 s."""
    h, cell = _mitral_cell(folder, options)
    soma, tuft = cell.soma(0.5), cell.tuft1(0.5)
    start = 1000 * options.settle_s
    clamp = h.hybrid(soma)
    clamp.rs, clamp.delay, clamp.dur, clamp.tot_dur, clamp.vc_amp = 6, 3860 + start, 4400, 1e9, -70
    train = [(start + 4000 + 1000 * k / 30, 7, 1) for k in range(120)]
    _kept = _with_pulses(h, soma, [(start + 3860, 4400, -0.06), *train])
    h.cvode.active(1)
    h.cvode.atol(0.005)
    h.finitialize(-70)
    h.continuerun(start)
    print(f"rest: {tuft.v:.4f} mV, sodium {tuft.nai:.4f} mM, calcium {1e6 * tuft.cai:.3f} nM")
    print(f"  mA/cm2: exchanger {tuft.ncx.rate:.6e}, calcium pump {tuft.ica_pmp_cadp:.6e}")
    before, highest, spikes, last = clamp.i, 0.0, 0, -70.0
    for at in np.arange(start + 0.5, start + 8500, 0.5):
        h.continuerun(at)
        highest = max(highest, tuft.nai)
        spikes += last <= 0 < soma.v
        last = soma.v
    print(f"train: {spikes} spikes, highest sodium of the tuft {highest:.3f} mM")
    for second in (10, 12, 15, 20, 30, 40, 60):
        h.continuerun(start + 1000 * second)
        print(f"{second:3d} s: {tuft.nai:.3f} mM, {1000 * (clamp.i - before):+.2f} pA")


def free(folder: Path, options: argparse.Namespace) -> None:
    """Print the mitral cell without a clamp: 120 s of a steady current, then 30 Hz for 4 s more."""
    h, cell = _mitral_cell(folder, options)
    soma, tuft, start = cell.soma(0.5), cell.tuft1(0.5), 120e3
    train = [(start + 4000 + 1000 * k / 30, 7, 1) for k in range(120)]
    _kept = _with_pulses(h, soma, [(0, 1e9, 1e-3 * options.current), *train])
    times = h.Vector()
    detector = h.NetCon(soma._ref_v, None, sec=cell.soma)
    detector.threshold = 0
    detector.record(times)
    h.cvode.active(1)
    h.cvode.atol(0.005)
    h.finitialize(-68)
    for second in (4, 9, 12, 15, 20, 30, 40, 49):
        h.cvode.solve(start + 1000 * second)
        spikes = np.array(list(times)) - start
        print(
            f"{second:3d} s: {soma.v:.2f} mV, sodium {tuft.nai:.2f} mM, calcium "
            f"{1e6 * tuft.cai:.1f} nM; spikes: {np.sum(spikes < 4000)} before the train, "
            f"{np.sum((spikes >= 4000) & (spikes < 8020))} in it, {np.sum(spikes >= 8020)} after"
        )


def purkinje(folder: Path, options: argparse.Namespace) -> None:
    """Print silences of the Purkinje cell, sodium at their edges, and the highest potassium."""
    os.chdir(folder)
    from neuron import h

    h.load_file("stdrun.hoc")
    h.load_file("2_compartment.hoc")
    soma, dendrite = h.soma(0.5), h.Couple(0.5)
    if not options.exchanger:
        h.soma.initialdensity_pump = 0
    sodium = h.Vector().record(soma._ref_nai, 5)
    potassium = h.Vector().record(dendrite._ref_ko, 5)
    times = h.Vector()
    detector = h.NetCon(soma._ref_v, None, sec=h.soma)
    detector.threshold = -20
    detector.record(times)
    h.dt, h.steps_per_ms, h.v_init, h.celsius = options.dt, 1 / options.dt, -65, 36
    h.finitialize(-65)
    print(f"reversal potential of the dendrite's h current: {dendrite.eh} mV")
    h.continuerun(1000 * options.duration_s)
    spikes, na = np.array(times), np.array(sodium)
    print(f"{len(spikes)} spikes, potassium up to {np.array(potassium).max():.3f} mM")
    print(f"{np.sum(np.diff(spikes) < 4)} intervals below 4 ms")
    for k in np.flatnonzero(np.diff(spikes) > 1000):
        edges = [na[min(round(spikes[j] / 5), len(na) - 1)] for j in (k, k + 1)]
        print(
            f"silent from {spikes[k] / 1e3:.2f} s for {(spikes[k + 1] - spikes[k]) / 1e3:.3f} s, "
            f"sodium {edges[0]:.2f} and {edges[1]:.2f} mM"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=["mitral", "free", "purkinje"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--exchanger", type=float, default=1, help="0: no exchanger (or pump)")
    parser.add_argument("--current", type=float, default=-4, help="steady current in pA")
    parser.add_argument("--settle-s", type=float, default=1500)
    parser.add_argument("--duration-s", type=float, default=60)
    parser.add_argument("--dt", type=float, default=0.025, help="step in ms, Purkinje cell")
    given = parser.parse_args()
    begin = time.process_time()
    {"mitral": mitral, "free": free, "purkinje": purkinje}[given.model](
        given.folder.resolve(), given
    )
    print(f"{time.process_time() - begin:.0f} s of CPU")
