"""Which scale a converted ReLU network should have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms, mV, pA, second

from ann import ShallowNetwork
from bridge.conversion.convert import convert
from bridge.counts.curve import FICurve
from bridge.mapping.normalisation import Normalisation
from bridge.spiking.integrator import Integrator
from bridge.spiking.readout import CountReadout
from experiments.gallery.networks.digits_on_neurons import mcnemar
from experiments.kit.estimate import Estimate, mean
from experiments.kit.mnist import Digits, load_mnist
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing

CLAIM = (
    "On MNIST a ReLU network converted to integrators loses accuracy when its scale is a fifth of "
    "the largest activation instead of half of it; the 99.9th percentile and the maximum itself "
    "differ by less than 0.3 points."
)

SCALES = {
    "99.9 %": Normalisation("percentile", 99.9),
    "max": Normalisation("maximum"),
    **{f"max/{k}": Normalisation("maximum", divide=k) for k in (2, 3, 4, 5)},
}


@dataclass(frozen=True)
class Parameters:
    """Images, networks and times of decision in steps of 1 ms.

    Accuracies of the scales are compared network by network, each trained from a seed of its own.
    Between the percentile, the maximum and its half and third lie one to five of the 10,000 images:
    five networks do not order them.
    """

    images: str = "mnist.npz"
    networks: int = 5
    hidden: int = 300
    epochs: int = 12
    steps: tuple[int, ...] = (10, 20, 50)
    # Where the order is judged: chosen on training images, where 50 steps no longer tell the
    # maximum from the percentile.
    judged: int = 20


def train_relu(digits: Digits, parameters: Parameters, seed: int) -> Any:
    """Train 784-hidden-10 ReLU units."""
    return ShallowNetwork(
        hidden=parameters.hidden,
        activation="relu",
        max_epochs=parameters.epochs,
        learning_rate=0.003,
        l2=3.0,
        batch_size=128,
        standardise=False,
        random_state=seed,
    ).fit(digits.X_train, digits.y_train)


def integrator_curve() -> FICurve:
    """Return the f-I curve of the integrator at one step a millisecond: a line up to 1000 Hz.

    It is known, so nothing is measured: z thresholds a step make z spikes a step.
    """
    z = np.linspace(-1, 2, 31)
    current = z * float(Integrator().current_per_spike(1 * ms) / pA)
    return FICurve(
        current, np.round(1e5 * np.clip(z, 0, 1)), np.full(31, 100.0), source="closed form"
    )


@experiment("normalisation", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    digits = load_mnist(parameters.images)
    if context.quick:
        parameters = replace(parameters, epochs=min(3, parameters.epochs))
    shown = slice(0, 5000 if context.quick else None)
    X, y = digits.X_test[shown], digits.y_test[shown]
    seeds = context.seeds(parameters.networks)
    networks = len(seeds)
    runs = pd.concat([_one(digits, X, y, parameters, context, seed) for seed in seeds])
    # A mean of chances means nothing; those of each network are in their own table.
    chances = [column for column in runs if str(column).startswith("mcnemar")]
    table = runs.drop(columns=["seed", *chances]).groupby("scale", sort=False).mean().reset_index()
    ann = float(runs["accuracy_ann"].mean())
    by_network = runs.pivot(index="seed", columns="scale", values=f"accuracy_{parameters.judged}")

    def above(better: str, worse: str) -> Estimate:
        return mean(100 * (by_network[better] - by_network[worse]), "networks")

    with drawing(5.0, 3.2) as (figure, axes):
        draw_scales(axes, table, parameters, ann)
    return Result(
        numbers={"ann_accuracy": ann, "images": len(y), "networks": networks},
        tables={"accuracy": table, "networks": runs},
        figures={"normalisation": figure},
        verdicts=[
            Verdict.of(
                f"max/2 above max/5 at {parameters.judged} steps (points)",
                above("max/2", "max/5"),
                # Above, not equal: one image of one network is the least there is.
                99.9 / len(y) / networks,
                ">=",
            ),
            Verdict.of(
                f"99.9 % and max apart at {parameters.judged} steps (points)",
                above("99.9 %", "max").distance(0),
                0.3,
            ),
        ],
        provenance={"neuron": Integrator().to_dict()},
    )


def _one(
    digits: Digits, X: Any, y: Any, parameters: Parameters, context: Context, seed: int
) -> pd.DataFrame:
    """Train one network and run it at every scale."""
    network = train_relu(digits, parameters, seed)
    right = network.predict(X) == y
    curve = integrator_curve()
    rows = []
    for name, scale in SCALES.items():
        spiking = convert(
            network,
            digits.X_train[:5000],
            neuron=Integrator(),
            noise=0 * mV,
            curve=curve,
            normalisation=scale,
            seed=seed,
        )
        answers = spiking.run(
            X,
            max(parameters.steps) * ms,
            settle=0 * second,
            readout=CountReadout("flat"),
            **context.running(f"network of seed {seed}, scale: {name}"),
        )
        row: dict[str, Any] = {"scale": name, "seed": seed, "accuracy_ann": float(right.mean())}
        for steps in parameters.steps:
            spikes = answers.predict(steps * ms) == y
            row[f"accuracy_{steps}"] = float(spikes.mean())
            row[f"spikes_{steps}"] = answers.spikes_per_decision(steps * ms)
            row[f"mcnemar_p_{steps}"] = mcnemar(right, spikes)[2]
        rows.append(row)
    return pd.DataFrame(rows)


def draw_scales(axes: Any, table: pd.DataFrame, parameters: Parameters, ann: float) -> None:
    """Draw accuracy by scale, a line a time."""
    for steps, colour, mark in zip(
        parameters.steps, ("sky", "blue", "vermilion"), "os^", strict=False
    ):
        axes.plot(
            table["scale"],
            100 * table[f"accuracy_{steps}"],
            f"{mark}-",
            color=COLOURS[colour],
            label=f"{steps} steps",
        )
    axes.axhline(100 * ann, color="k", lw=0.8, ls=":", label="ANN")
    axes.set(xlabel="activation that becomes one spike a step", ylabel="accuracy (%)")
    axes.legend(fontsize=7)
