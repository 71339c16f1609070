"""One dendrite computes XOR when its calcium spike is largest for the weakest input."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from brian2.units import cm, mS, ms, mV, nS, ohm, um
from matplotlib.figure import Figure

from experiments.registry import Context, experiment
from experiments.result import Result, Verdict
from experiments.style import COLOURS, GREY, figure_style, new_figure
from neurosim import Neuron, simulate
from neurosim.catalogue import initiation_membrane
from neurosim.cell import Cable
from neurosim.cell_simulation import NeuronRecording
from neurosim.channels import Leak
from neurosim.channels.calcium_spike import DendriticCalciumSpike
from neurosim.morphology import PerBranch, at, axon, branch, cylinder, soma_with_axon
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
    cell = Neuron(shape, PerBranch(1, counts), cable=Cable(R_a=150 * ohm * cm), celsius=36.0)
    cell = initiation_membrane(cell).paint(Leak(g=0.05 * mS / cm**2))
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
        engine=context.engine,
        jobs=context.jobs,
    )
    assert isinstance(recording, NeuronRecording)
    return recording


def correct(recording: NeuronRecording) -> np.ndarray:
    """Return how many of the four cases are right, by strength: the soma fires, or not."""
    fired = recording.counts().reshape(-1, 4) > 0
    return np.sum(fired == np.array(TARGET), axis=1)


@experiment("dendritic-xor", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    one = np.array([p.synapse_nS])
    with_spike = respond(pyramidal(p.calcium_mS_cm2), one, p, context)
    without = respond(pyramidal(0), one, p, context)
    grid = np.geomspace(p.weakest_nS, p.strongest_nS, 7 if context.quick else p.strengths)
    best = correct(respond(pyramidal(0), grid, p, context))
    active = correct(respond(pyramidal(p.calcium_mS_cm2), grid, p, context))
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
        name="dendritic-xor",
        claim=CLAIM,
        numbers={
            "strengths_nS": grid.tolist(),
            "correct_with": active.tolist(),
            "correct_without": best.tolist(),
        },
        tables={"cases": table},
        figures={"dendritic-xor": _figure(with_spike, without, grid, active, best)},
        verdicts=[
            Verdict("cases right with the calcium spike", int(correct(with_spike)[0]), 4, ">="),
            Verdict("cases right without it, best strength", int(best.max()), 3),
        ],
        provenance={"parameters": asdict(p), **with_spike.to_dict()},
    )


def _figure(
    with_spike: NeuronRecording,
    without: NeuronRecording,
    grid: np.ndarray,
    active: np.ndarray,
    best: np.ndarray,
) -> Figure:
    with figure_style():
        figure = new_figure(7.2, 5.0)
        axes = figure.subplot_mosaic([["10", "01", "11"], ["score"] * 3], height_ratios=[1.5, 1])
        for case, title in ((1, "A alone"), (2, "B alone"), (3, "A and B")):
            axis = axes["".join(map(str, CASES[case]))]
            time = with_spike.trace_time / ms
            shown = (time > 40) & (time < 140)
            for run_, colour, name in (
                (without, GREY, "without"),
                (with_spike, COLOURS["blue"], "with calcium spike"),
            ):
                dendrite, soma = (run_.trace(n)[case] / mV for n in ("dendrite", "soma"))
                axis.plot(time[shown], dendrite[shown], color=colour, label=f"dendrite, {name}")
                axis.plot(
                    time[shown], soma[shown] - 110, color=colour, lw=1.2, ls=(0, (4, 1)),
                    label=f"soma, {name} (110 mV lower)",
                )  # fmt: skip
            axis.set(title=title, xlabel="time (ms)", ylim=(-185, 60))
        axes["10"].set_ylabel("membrane potential (mV)")
        for name in ("01", "11"):
            axes[name].set_yticklabels([])
        handles, labels = axes["10"].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)
        score = axes["score"]
        score.step(grid, best, where="mid", color=GREY, label="without")
        score.step(grid, active, where="mid", color=COLOURS["blue"], label="with calcium spike")
        score.set(
            xscale="log", ylim=(0.8, 4.3), yticks=[1, 2, 3, 4],
            xlabel="conductance of one synapse of an input (nS)", ylabel="cases right of 4",
        )  # fmt: skip
        score.legend(loc="lower right")
    return figure
