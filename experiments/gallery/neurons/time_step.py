"""How fast the error of a branched neuron falls with the time step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import cm as centimetre
from brian2.units import mS, ms, mV, nA, second, um

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import Constant, Neuron, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.morphology import PerBranch, at, ball_and_stick, branch

CLAIM = (
    "The error of backward Euler falls with the time step, that of Crank-Nicolson with its square, "
    "in the potential of a passive dendrite and in the time of a spike."
)
SCHEMES = {"backward-euler": 1, "crank-nicolson": 2}


@dataclass(frozen=True)
class Parameters:
    """Time steps (in ms), each a whole part of the time that is looked at, and the reference."""

    steps: tuple[float, ...] = (0.1, 0.05, 0.025, 0.0125)
    reference: float = 0.00078125
    current_nA: float = 0.3


def cell(*, active: bool) -> Neuron:
    """Return a ball and stick whose soma is passive or has the channels of the squid axon."""
    bare = Neuron(
        ball_and_stick(20 * um, 500 * um, 2 * um),
        PerBranch(1, {"dendrite": 41}),
        celsius=6.3,
        rest=-65 * mV,
    ).paint(Leak(g=0.3 * mS / centimetre**2, E=-65 * mV))
    if not active:
        return bare.probe("v", at("dendrite", 1.0), label="tip")
    soma = branch("soma")
    return bare.paint(HHSodium(), soma).paint(HHPotassium(), soma)


def answer(scheme: str, step: float, parameters: Parameters, context: Context) -> dict[str, float]:
    """Return the potential at the tip (mV) and the time of the first spike (ms)."""
    given: dict[str, Any] = {
        "stimulus": Constant(parameters.current_nA * nA),
        "dt": step * ms,
        "scheme": scheme,
        "engine": context.engine,
    }
    passive = simulate(cell(active=False), 2 * ms, **given)
    active = simulate(cell(active=True), 8 * ms, **given)
    return {
        "potential_mV": float(passive.traces_si["tip"][0, -1]) * 1e3,
        "spike_ms": float(active.spike_train(0)[0] / second) * 1e3,
    }


@experiment("time-step", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    rows = []
    exact = answer("crank-nicolson", parameters.reference, parameters, context)
    for scheme in SCHEMES:
        for step in parameters.steps:
            found = answer(scheme, step, parameters, context)
            errors = {f"{name}_error": abs(found[name] - exact[name]) for name in found}
            rows.append({"scheme": scheme, "dt_ms": step, **errors})
    table = pd.DataFrame(rows)
    columns = ("potential_mV_error", "spike_ms_error")
    slopes = {
        (str(scheme), column): float(np.polyfit(np.log(part["dt_ms"]), np.log(part[column]), 1)[0])
        for scheme, part in table.groupby("scheme")
        for column in columns
    }
    labels = ("error of the potential at the tip (mV)", "error of the spike time (ms)")
    with drawing(6.6, 3.0, 1, 2) as (figure, panels):
        for axes, column, label in zip(panels, columns, labels, strict=True):
            draw(axes, table, column, slopes)
            axes.set(xlabel="time step (ms)", ylabel=label)
    return Result(
        numbers={f"{scheme}, {column}": slope for (scheme, column), slope in slopes.items()},
        tables={"errors": table},
        figures={"time-step": figure},
        verdicts=[
            Verdict(
                f"{scheme}: distance of the slope of {column} from {order}",
                abs(slopes[scheme, column] - order),
                0.15,
            )
            for scheme, order in SCHEMES.items()
            for column in columns
        ],
    )


def draw(axes: Any, table: pd.DataFrame, column: str, slopes: dict[tuple[str, str], float]) -> None:
    """Draw errors against time steps."""
    for scheme, colour, mark in (
        ("backward-euler", "vermilion", "s"),
        ("crank-nicolson", "blue", "o"),
    ):
        part = table[table["scheme"] == scheme]
        label = f"{scheme}: slope {slopes[scheme, column]:.2f}"
        axes.loglog(part["dt_ms"], part[column], f"{mark}-", color=COLOURS[colour], label=label)
    steps = sorted(set(table["dt_ms"]))
    axes.set_xticks(steps, [f"{step:g}" for step in steps])
    axes.minorticks_off()
    axes.legend(fontsize=7)
