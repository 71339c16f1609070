"""A trained sigmoid network on neurons that adapt, and on neurons with sodium and potassium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from brian2.units import ms, mV

from bridge.conversion.convert import convert
from bridge.counts.curve import FICurve
from bridge.spiking.spiking_network import SpikingRun
from experiments.gallery.networks.digits_on_neurons import (
    Trained,
    compare_answers,
    draw_accuracy,
    train,
)
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import figure_style, new_figure
from neurosim import AdEx, HodgkinHuxley, PointNeuron, TraubMiles
from neurosim.errors import UnknownNameError, suggest

CLAIM = (
    "A sigmoid network trained on digits keeps its accuracy within 1 point at 400 ms on AdEx "
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
    seeds: int = 2
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
    seeds = [context.seed + k for k in range(1 if context.quick else parameters.seeds)]
    networks = [train(parameters.hidden, parameters.dropout, seed) for seed in seeds]
    for name in parameters.neurons:
        neuron, dt_ms, refine_on = NEURONS[name]
        curve: FICurve | None = None
        pairs: list[tuple[Trained, SpikingRun]] = []
        for trained in networks:
            spiking = convert(
                trained.network,
                trained.X_train,
                neuron=neuron,
                noise=parameters.noise_mV * mV,
                curve=curve,
                decision=max(parameters.times_ms) * ms,
                refine_on=refine_on,
                dt=dt_ms * ms,
                seed=trained.seed,
                jobs=context.jobs,
                engine=context.engine,
            )
            curve = spiking.curve
            answers = spiking.run(
                trained.X_test,
                max(parameters.times_ms) * ms,
                seed=trained.seed,
                jobs=context.jobs,
                engine=context.engine,
                progress=context.task(f"digits on {name}, seed {trained.seed}"),
            )
            pairs.append((trained, answers))
        tables[name] = compare_answers(pairs, parameters.times_ms)
    with figure_style():
        figure = new_figure(3.8 * len(tables), 3.4)
        panels: Any = figure.subplots(1, len(tables), squeeze=False)[0]
        for axes, (name, table) in zip(panels, tables.items(), strict=True):
            draw_accuracy(axes, table)
            axes.set_title(type(NEURONS[name][0]).__name__)
    last = max(parameters.times_ms)
    return Result(
        numbers={"seeds": seeds},
        tables=tables,
        figures={"other-neurons": figure},
        verdicts=[
            Verdict(
                f"points lost on {name} at {last:g} ms",
                -float(table["difference_points"].iloc[-1]),
                1.0,
            )
            for name, table in tables.items()
        ],
        provenance={"neurons": {name: NEURONS[name][0].to_dict() for name in parameters.neurons}},
    )
