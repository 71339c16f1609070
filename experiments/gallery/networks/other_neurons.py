"""A trained sigmoid network on neurons that adapt, and on neurons with sodium and potassium."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from brian2.units import ms

from bridge.counts.curve import FICurve
from bridge.spiking.spiking_network import SpikingRun
from experiments.gallery.networks.digits_on_neurons import (
    Trained,
    compare_answers,
    draw_accuracy,
    on_neurons,
    points_lost,
    train,
)
from experiments.kit.estimate import Estimate
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import drawing
from neurosim import AdEx, HodgkinHuxley, PointNeuron, TraubMiles
from neurosim.errors import UnknownNameError, suggest

CLAIM = (
    "A sigmoid network trained on digits loses less than 1.5 points of accuracy at 400 ms on AdEx "
    "neurons, which adapt, and on Traub-Miles neurons, which have sodium and potassium channels."
)

# Neuron, time step in ms, and on how many training images its reading is corrected: a neuron that
# adapts answers differently at 400 ms than at the steady state in which its f-I curve is measured.
NEURONS: dict[str, tuple[PointNeuron, float, int]] = {
    "adex": (AdEx(), 0.05, 300),
    # Twice its own time step, to halve the run; the curve is measured with the same step.
    "traub_miles": (TraubMiles(), 0.05, 0),
    "hodgkin_huxley": (HodgkinHuxley(), 0.02, 0),
}


@dataclass(frozen=True)
class Parameters:
    """Network, neurons and times of decision."""

    neurons: tuple[str, ...] = ("adex", "traub_miles")
    seeds: int = 3
    hidden: int = 64
    dropout: float = 0.2
    noise_mV: float = 2.0
    times_ms: tuple[float, ...] = (100.0, 200.0, 400.0)


@experiment("other-neurons", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    for name in parameters.neurons:
        if name not in NEURONS:
            raise UnknownNameError(f"no neuron is called {name!r}: {suggest(name, NEURONS)}")
    tables: dict[str, pd.DataFrame] = {}
    losses: dict[str, Estimate] = {}
    seeds = context.seeds(parameters.seeds, quick=2)
    last = max(parameters.times_ms)
    networks = [train(parameters.hidden, parameters.dropout, seed) for seed in seeds]
    for name in parameters.neurons:
        neuron, dt_ms, refine_on = NEURONS[name]
        curve: FICurve | None = None
        pairs: list[tuple[Trained, SpikingRun]] = []
        for trained in networks:
            answers = on_neurons(
                trained,
                parameters,
                context,
                what=f"digits on {name}",
                neuron=neuron,
                curve=curve,
                decision=last * ms,
                refine_on=refine_on,
                dt=dt_ms * ms,
            )
            curve = answers.network.curve
            pairs.append((trained, answers))
        tables[name] = compare_answers(pairs, parameters.times_ms)
        losses[name] = points_lost(pairs, last)
    count = len(tables)
    with drawing(3.8 * count, 3.4, 1, count, squeeze=False) as (figure, panels):
        for axes, (name, table) in zip(panels[0], tables.items(), strict=True):
            draw_accuracy(axes, table)
            axes.set_title(type(NEURONS[name][0]).__name__)
    return Result(
        numbers={"seeds": seeds},
        tables=tables,
        figures={"other-neurons": figure},
        verdicts=[
            Verdict.of(f"points lost on {name} at {last:g} ms", lost, 1.5)
            for name, lost in losses.items()
        ],
        provenance={"neurons": {name: NEURONS[name][0].to_dict() for name in parameters.neurons}},
    )
