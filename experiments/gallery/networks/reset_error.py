"""How the reset decides whether waiting removes the error of a rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms

from bridge.spiking.integrator import Integrator, ResettingIntegrator
from experiments.kit.estimate import Estimate, mean
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import simulate

CLAIM = (
    "Reset by subtraction makes the rate of a driven integrator right to 1/T; reset to zero leaves "
    "it at 1/ceil(1/z) for ever."
)


# The slope is found in so many groups of drives.
GROUPS = 10


@dataclass(frozen=True)
class Parameters:
    """Drives and numbers of time steps."""

    drives: int = 400
    steps: tuple[int, ...] = (10, 30, 100, 300, 1000, 3000)


def rates(neuron: Integrator, z: np.ndarray, steps: int, context: Context) -> np.ndarray:
    """Return spikes a step of integrators driven by `z` thresholds a step."""
    dt = neuron.default_dt_ms * ms
    recording = simulate(
        neuron,
        steps * dt,
        batch={"current": z * neuron.current_per_spike(dt)},
        dt=dt,
        engine=context.engine,
    )
    return recording.counts() / steps


@experiment("reset-error", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    random = np.random.default_rng(context.seed)
    z = np.sort(random.uniform(0, 1, parameters.drives))
    floor = 1 / np.ceil(1 / z)
    order = random.permutation(len(z))[: len(z) // GROUPS * GROUPS]
    rows, by_group = [], []
    for steps in parameters.steps:
        subtract = rates(Integrator(), z, steps, context)
        zero = rates(ResettingIntegrator(), z, steps, context)
        by_group.append(np.abs(subtract - z)[order].reshape(GROUPS, -1).mean(axis=1))
        errors = [np.abs(subtract - z), np.abs(zero - z), np.abs(zero - floor)]
        rows.append([steps, errors[0].max(), *(e.mean() for e in errors[:2]), errors[2].max()])
    columns = ["subtract_largest", "subtract_mean", "zero_mean", "zero_from_floor_largest"]
    table = pd.DataFrame(rows, columns=["steps", *columns])
    slopes = mean(np.polyfit(np.log(table["steps"]), np.log(np.stack(by_group)), 1)[0])
    lasting = float(np.mean(z - floor))
    times_T = table.drop(columns="steps").mul(table["steps"], axis=0).max()

    def every(worst: float) -> Estimate:
        return Estimate(float(worst), None, None, len(z), "each")

    with drawing(6.4, 3.0, 1, 2) as (figure, (left, right)):
        draw_waiting(left, table, lasting)
        draw_rates(right, z, subtract, zero)
    return Result(
        numbers={"slope": slopes.value, "mean_bias_of_reset_to_zero": lasting},
        tables={"errors": table},
        figures={"reset-error": figure},
        verdicts=[
            # A step on the border may fall to either side by rounding.
            Verdict.of(
                "subtract: largest error times T", every(times_T["subtract_largest"]), 1 + 1e-6
            ),
            Verdict.of(
                "subtract: distance of the slope of log error against log T from -1",
                slopes.distance(-1),
                0.05,
            ),
            Verdict.of(
                "zero: largest distance from 1/ceil(1/z), times T",
                every(times_T["zero_from_floor_largest"]),
                1 + 1e-6,
            ),
        ],
        provenance={"neuron": Integrator().to_dict()},
    )


def draw_waiting(axes: Any, table: pd.DataFrame, lasting: float) -> None:
    """Draw mean error against time."""
    for column, label, colour, mark in (
        ("subtract_mean", "reset by subtraction", "blue", "o"),
        ("zero_mean", "reset to zero", "vermilion", "s"),
    ):
        axes.loglog(table["steps"], table[column], f"{mark}-", color=COLOURS[colour], label=label)
    axes.loglog(table["steps"], 1 / table["steps"], "k:", lw=1, label="1/T")
    axes.axhline(lasting, color=COLOURS["vermilion"], ls="--", lw=1, label="what 1/⌈1/z⌉ leaves")
    axes.set(xlabel="time steps T", ylabel="mean |rate − z| (1/step)")
    axes.legend(fontsize=7)


def draw_rates(axes: Any, z: np.ndarray, subtract: np.ndarray, zero: np.ndarray) -> None:
    """Draw rate against drive at the longest time."""
    axes.plot(z, subtract, color=COLOURS["blue"], lw=1.4)
    axes.plot(z, zero, ".", color=COLOURS["vermilion"], ms=3)
    axes.set(xlabel="drive z (thresholds a step)", ylabel="rate (1/step)")
