"""Five hidden layers on spiking neurons, and where the error comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms

from ann import DeepNetwork
from bridge.certificate.certificate import PARTS, Certificate
from bridge.certificate.certify import certify
from bridge.certificate.time_to_accuracy import time_to_accuracy
from bridge.counts.curve import FICurve
from bridge.spiking.spiking_network import SpikingRun
from experiments.gallery.networks.digits_on_neurons import (
    HELD_OUT,
    Trained,
    ann_accuracy,
    compare_answers,
    draw_accuracy,
    on_neurons,
    points_lost,
    train_on_digits,
)
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import LIF

CLAIM = (
    "Five hidden layers of 64 sigmoid units lose less than 1.5 points of accuracy on digits on "
    "noisy neurons at 200 ms, and the parts of the error of every layer add up."
)

_SHADES = ("0.75", "0.2", *(COLOURS[name] for name in ("orange", "sky", "blue", "vermilion")))


@dataclass(frozen=True)
class Parameters:
    """Network, neurons, times, and how much the certificate looks at."""

    seeds: int = 5
    width: int = 64
    depth: int = 5
    # A network that learned with units missing now and then minds noisy neurons less.
    dropout: float = 0.1
    noise_mV: float = 2.0
    decision_ms: float = 200.0
    times_ms: tuple[float, ...] = (50.0, 100.0, 150.0, 200.0)
    certified: int = 200
    trials: int = 4
    repeats: int = 6


def train_deep(parameters: Parameters, seed: int) -> Trained:
    """Train hidden layers of sigmoid units."""
    network = DeepNetwork(
        hidden=(parameters.width,) * parameters.depth,
        activation="sigmoid",
        dropout=parameters.dropout,
        random_state=seed,
    )
    return train_on_digits(network, seed)


def label_table(
    certificate: Certificate, trained: Trained, run: SpikingRun, at_ms: float
) -> pd.DataFrame:
    """Return, for each kind of promise, how many labels it covers and how many of them changed."""
    X = trained.X_test
    same = trained.network.predict(X) == run.predict(at_ms * ms)
    rows = []
    for name, risk in (
        ("no neuron errs more than it ever did", None),
        ("Chebyshev, 1 %", 0.01),
        ("Chebyshev, 10 %", 0.1),
    ):
        safe = certificate.safe(X, risk)
        rows.append(
            {
                "promise": name,
                "inputs_covered_%": 100 * float(safe.mean()),
                "labels_changed_among_them": int(np.sum(~same[safe])),
                "labels_changed_elsewhere": int(np.sum(~same[~safe])),
            }
        )
    return pd.DataFrame(rows)


def draw_parts(axes: Any, certificate: Certificate) -> None:
    """Draw what each part contributes to the error of every layer."""
    layers = [found.layer for found in certificate.layers]
    below, above = np.zeros(len(layers)), np.zeros(len(layers))
    for part, colour in zip(PARTS, _SHADES, strict=True):
        height = np.array([found.shares[part] * found.mean_square for found in certificate.layers])
        height = 1e3 * height
        base = np.where(height >= 0, above, below)
        axes.bar(layers, height, 0.7, bottom=base, color=colour, label=part, lw=0)
        above = above + np.maximum(height, 0)
        below = below + np.minimum(height, 0)
    independent = [1e3 * found.independent for found in certificate.layers]
    axes.plot(layers, independent, "kD", ms=5, mfc="w", label="measured, other runs")
    axes.axhline(0, color="k", lw=0.6)
    axes.set(
        xlabel="hidden layer", ylabel="mean squared error of activations (10⁻³)", xticks=layers
    )
    axes.set_ylim(top=1.75 * max(independent))
    axes.legend(fontsize=6.5, ncols=2, loc="upper left")


@experiment("deep-on-neurons", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    pairs: list[tuple[Trained, SpikingRun]] = []
    curve: FICurve | None = None
    certificate: Certificate | None = None
    labels = pd.DataFrame()
    spans = []
    decision = parameters.decision_ms * ms
    for seed in context.seeds(parameters.seeds, quick=4):
        trained = train_deep(parameters, seed)
        answers = on_neurons(
            trained, parameters, context, what="five layers", curve=curve, decision=decision
        )
        curve = answers.network.curve
        pairs.append((trained, answers))
        ann = float(np.mean(trained.network.predict(trained.X_test) == trained.y_test))
        spans.append(time_to_accuracy(answers, trained.y_test, ann - 0.01, seed=trained.seed))
        if certificate is None:
            # On training images: what is promised of the others is held against them.
            certificate = certify(
                answers.network,
                trained.X_train[: parameters.certified],
                decision,
                trials=parameters.trials,
                repeats=parameters.repeats,
                seed=1000 + trained.seed,
                **context.running("taking the error apart"),
            )
            labels = label_table(certificate, trained, answers, parameters.decision_ms)
    assert certificate is not None
    table = compare_answers(pairs, parameters.times_ms)
    closing = max(found.closing for found in certificate.layers)
    changed = labels["labels_changed_among_them"].iloc[0]
    with drawing(9.0, 3.6, 1, 2) as (figure, (left, right)):
        draw_accuracy(left, table)
        draw_parts(right, certificate)
    return Result(
        numbers={
            "images": HELD_OUT * len(pairs),
            "why": certificate.why(),
            "logit_bound": certificate.logit_bound.tolist(),
            "ms_to_one_point_below_the_ann_with_interval": [list(span) for span in spans],
        },
        tables={
            "accuracy": table,
            "certificate": pd.DataFrame(certificate.rows()),
            "labels": labels,
        },
        figures={"deep-on-neurons": figure},
        verdicts=[
            Verdict.of(
                "accuracy of the ANN (mean)", ann_accuracy([t for t, _ in pairs]), 0.95, ">="
            ),
            Verdict.of(
                f"points lost on neurons at {parameters.decision_ms:g} ms",
                points_lost(pairs, parameters.decision_ms),
                1.5,
            ),
            Verdict("largest closing error of a layer (%)", 100 * closing, 5.0),
            Verdict("changed labels among those that cannot change", changed, 0.0),
        ],
        provenance={"neuron": LIF().to_dict()},
    )
