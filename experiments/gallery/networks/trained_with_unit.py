"""A network trained with the measured f-I curve as its activation loses nothing on neurons."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import ms, mV

from ann import ShallowNetwork
from bridge.conversion.drive import background_for, measure_for_conversion
from bridge.mapping.measured_unit import MeasuredUnit
from bridge.spiking.spiking_network import SpikingRun
from experiments.gallery.networks.digits_on_neurons import (
    MOST_LOST,
    Trained,
    accuracy_figure,
    ann_accuracy,
    compare_answers,
    on_neurons,
    points_lost,
    train_on_digits,
)
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from neurosim import LIF

CLAIM = (
    "A network trained with the measured f-I curve of the neuron as activation loses less than 1 "
    "point of accuracy on these neurons at 50 ms."
)


@dataclass(frozen=True)
class Parameters:
    """Network, neurons and the rates its units use."""

    seeds: int = 5
    hidden: int = 64
    noise_mV: float = 2.0
    dropout: float = 0.2
    low_Hz: float = 20.0
    top_Hz: float = 150.0
    times_ms: tuple[float, ...] = (10.0, 25.0, 50.0, 100.0)


@experiment("trained-with-unit", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    neuron = LIF()
    running = {**context.running(), "dt": neuron.default_dt_ms * ms, "seed": context.seed}
    background = background_for(neuron, parameters.noise_mV * mV, **running)
    curve = measure_for_conversion(neuron, background, **running)
    unit = MeasuredUnit.of_rates(curve, low_Hz=parameters.low_Hz, top_Hz=parameters.top_Hz)
    pairs: list[tuple[Trained, SpikingRun]] = []
    for seed in context.seeds(parameters.seeds):
        network = ShallowNetwork(
            hidden=parameters.hidden,
            activation=unit,
            dropout=parameters.dropout,
            random_state=seed,
        )
        trained = train_on_digits(network, seed)
        answers = on_neurons(
            trained, parameters, context, what="trained with the unit", curve=curve
        )
        pairs.append((trained, answers))
    table = compare_answers(pairs, parameters.times_ms)
    figure = accuracy_figure(table, "Digits: trained with the measured f-I curve")
    return Result(
        tables={"accuracy": table},
        figures={"trained-with-unit": figure},
        verdicts=[
            Verdict.of(
                "accuracy of the ANN (mean)", ann_accuracy([t for t, _ in pairs]), 0.96, ">="
            ),
            Verdict.of("points lost at 50 ms", points_lost(pairs, 50.0), MOST_LOST),
        ],
        provenance={"neuron": LIF().to_dict()},
    )
