"""One dendrite computes XOR when its calcium spike is largest for the weakest input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import cm, mS, ms, mV, nS, ohm, pA, um
from matplotlib.figure import Figure

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, figure_style, new_figure
from neurosim import Neuron, Steps, simulate
from neurosim.catalogue import initiation_membrane
from neurosim.channels import Leak
from neurosim.channels.calcium_spike import DendriticCalciumSpike
from neurosim.describe.parts import Cable
from neurosim.morphology import PerBranch, at, axon, branch, cylinder, soma_with_axon
from neurosim.run.neuron_run import NeuronRecording
from neurosim.synapses import AMPA
from neurosim.synapses.events import Events

CLAIM = (
    "A cell whose dendrite has the calcium spike of human layer-2/3 cells fires for either of two "
    "inputs and not for both (XOR, 4 of 4); the same cell without it gets 3 of 4 at best."
)

CASES = ((0, 0), (1, 0), (0, 1), (1, 1))
TARGET = (False, True, True, False)


@dataclass(frozen=True)
class Parameters:
    """Strength of one input, and the strengths over which the passive dendrite may do its best."""

    synapse_nS: float = 4.5
    volley_ms: float = 40.0
    calcium_mS_cm2: float = 0.5
    weakest_nS: float = 0.5
    strongest_nS: float = 50.0
    strengths: int = 25
    dt_ms: float = 0.025


def pyramidal(calcium_mS_cm2: float) -> Neuron:
    """Return a cell with a long apical dendrite; its distal 300 µm have the calcium spike, or not.

    A and B are two groups of glutamatergic synapses on one spot of the distal dendrite.
    """
    tuft = cylinder(300 * um, 2 * um, name="tuft", tag="apical", direction=(0, 1, 0))
    trunk = cylinder(700 * um, 1.5 * um, name="trunk", tag="apical", direction=(0, 1, 0))
    basal = [cylinder(200 * um, 3 * um, name=f"basal[{k}]", tag="basal") for k in range(5)]
    shape = soma_with_axon(
        20 * um,
        dendrites=[trunk.join(tuft, "trunk"), *basal],
        hillock_length=10 * um,
        initial_segment_length=30 * um,
        axon=axon(500 * um, 1 * um),
    )
    counts = {"trunk": 15, "tuft": 11, "basal": 5, "hillock": 3, "initial_segment": 9, "axon": 25}
    bare = Neuron(shape, PerBranch(1, counts), cable=Cable(R_a=150 * ohm * cm), celsius=36.0)
    cell: Neuron = initiation_membrane(bare).paint(Leak(g=0.05 * mS / cm**2))
    if calcium_mS_cm2:
        cell = cell.paint(DendriticCalciumSpike(g=calcium_mS_cm2 * mS / cm**2), branch("tuft"))
    for name, place in (("soma", at("soma")), ("dendrite", at("tuft", 0.5))):
        cell = cell.probe("v", place, label=name)
    return cell.detect(at("soma"))


def respond(
    cell: Neuron, strengths: np.ndarray, p: Parameters, context: Context
) -> NeuronRecording:
    """Run the four cases at each strength (nS); cases change fastest."""
    volley = Events.at(np.arange(50, 50 + p.volley_ms, 2.0) * ms)
    for name in ("A", "B"):
        cell = cell.place(AMPA(), at("tuft", 0.5), volley, label=name)
    on = np.tile(np.array(CASES, dtype=float), (len(strengths), 1)) * strengths.repeat(4)[:, None]
    recording = simulate(
        cell,
        200 * ms,
        batch={"A.g": on[:, 0] * nS, "B.g": on[:, 1] * nS},
        dt=p.dt_ms * ms,
        **context.running(),
    )
    assert isinstance(recording, NeuronRecording)
    return recording


def correct(recording: NeuronRecording) -> np.ndarray:
    """Return how many of the four cases are right, by strength: the soma fires, or not."""
    fired = recording.counts().reshape(-1, 4) > 0
    right: np.ndarray = np.sum(fired == np.array(TARGET), axis=1)
    return right


@experiment("dendritic-xor", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    one = np.array([p.synapse_nS])
    with_spike = respond(pyramidal(p.calcium_mS_cm2), one, p, context)
    without = respond(pyramidal(0), one, p, context)
    grid = np.geomspace(p.weakest_nS, p.strongest_nS, 7 if context.quick else p.strengths)
    best = correct(respond(pyramidal(0), grid, p, context))
    active = correct(respond(pyramidal(p.calcium_mS_cm2), grid, p, context))
    law = spike_law(p, context)
    fold = float(-1 / np.polyfit(law[0], np.log(law[1]), 1)[0])
    table = pd.DataFrame(
        {
            "A": [a for a, _ in CASES],
            "B": [b for _, b in CASES],
            "XOR": [int(t) for t in TARGET],
            "spikes_with": with_spike.counts(),
            "spikes_without": without.counts(),
            "dendrite_with_mV": (with_spike.trace("dendrite") / mV).max(axis=1),
            "dendrite_without_mV": (without.trace("dendrite") / mV).max(axis=1),
        }
    )
    return Result(
        numbers={
            "strengths_nS": grid.tolist(),
            "correct_with": active.tolist(),
            "correct_without": best.tolist(),
            "e_fold_mV": fold,
        },
        tables={"cases": table},
        figures={"dendritic-xor": _figure(with_spike, without, grid, active, best, law, fold)},
        verdicts=[
            Verdict("cases right with the calcium spike", int(correct(with_spike)[0]), 4, ">="),
            Verdict("cases right without it, best strength", int(best.max()), 3),
            Verdict(
                "e-fold of the spike's height with drive, distance from 11.7 mV",
                abs(fold - 11.7),
                0.6,
            ),
        ],
        provenance=with_spike.to_dict(),
    )


def spike_law(p: Parameters, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Return drive above threshold and height of the calcium spike (mV), in one isolated patch.

    The drive is the potential of the patch without the channel, driven by the same step of current,
    at the onset of the spike (a hundredth of its height), less the threshold.
    """
    shape = cylinder(20 * um, 20 * um, name="patch")
    passive = Neuron(shape, PerBranch(1)).paint(Leak(g=0.2 * mS / cm**2)).probe("v", at("patch"))
    active = passive.paint(DendriticCalciumSpike(g=0.05 * mS / cm**2))
    drive = np.linspace(1, 35, 18)
    current = (34 + drive) * mV * 0.2 * mS / cm**2 * np.pi * (20 * um) ** 2
    step = Steps(amplitude=0 * pA, onset=10 * ms, duration=55 * ms)
    traces = [
        simulate(
            cell, 65 * ms, stimulus=step, batch={"amplitude": current}, dt=p.dt_ms * ms,
            engine=context.engine,
        ).trace("v")
        for cell in (active, passive)
    ]  # fmt: skip
    apart = (traces[0] - traces[1]) / mV
    onset = np.argmax(apart > 0.01 * apart.max(axis=1, keepdims=True), axis=1)
    return traces[1][np.arange(len(drive)), onset] / mV + 36, apart.max(axis=1)


def _figure(
    with_spike: NeuronRecording,
    without: NeuronRecording,
    grid: np.ndarray,
    active: np.ndarray,
    best: np.ndarray,
    law: tuple[np.ndarray, np.ndarray],
    fold: float,
) -> Figure:
    with figure_style():
        figure = new_figure(7.2, 6.4)
        above, below = np.asarray(figure.subfigures(2, 1, height_ratios=[1.7, 1]))
        axes = above.subplots(2, 3, sharex=True, sharey="row")
        for column, (case, title) in enumerate(((1, "A alone"), (2, "B alone"), (3, "A and B"))):
            time = with_spike.trace_time / ms
            shown = (time > 40) & (time < 140)
            for row, place in enumerate(("dendrite", "soma")):
                for run_, colour, name in (
                    (without, GREY, "without"),
                    (with_spike, COLOURS["blue"], "with calcium spike"),
                ):
                    v = run_.trace(place)[case] / mV
                    axes[row, column].plot(time[shown], v[shown], color=colour, label=name)
            axes[0, column].set_title(title)
            axes[1, column].set_xlabel("time (ms)")
        axes[0, 0].set_ylabel("dendrite (mV)")
        axes[1, 0].set_ylabel("soma (mV)")
        axes[0, 2].legend(loc="upper right")
        score, size = below.subplots(1, 2)
        score.step(grid, best, where="mid", color=GREY, label="without")
        score.step(grid, active, where="mid", color=COLOURS["blue"], label="with calcium spike")
        score.set(
            xscale="log", ylim=(0.5, 4.3), yticks=[1, 2, 3, 4],
            xlabel="conductance of one synapse (nS)", ylabel="cases right of 4",
            title="Over strengths of the inputs",
        )  # fmt: skip
        drive, height = law
        size.semilogy(drive, height, "o", mfc="none", color=COLOURS["blue"], label="simulated")
        fitted = np.exp(np.polynomial.Polynomial.fit(drive, np.log(height), 1)(drive))
        size.semilogy(drive, fitted, "-", color=GREY, lw=1, label=f"e-fold in {fold:.1f} mV")
        size.set(
            xlabel="drive above threshold (mV)", ylabel="height of the spike (mV)",
            title="Calcium spike in a patch",
        )  # fmt: skip
        size.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
        size.yaxis.minorticks_off()
        size.legend(loc="lower left")
    return figure
