"""What the default time step does to the rate of a point neuron in noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms, mV, nS, pA, second
from matplotlib.figure import Figure
from scipy.stats import norm

from bridge.conversion.drive import background_for
from bridge.stimulate.fi_curve import measure
from bridge.units import NoisyLIF
from experiments.kit.estimate import Estimate
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import (
    LIF,
    AdEx,
    HodgkinHuxley,
    OrnsteinUhlenbeck,
    PointNeuron,
    Stimulus,
    TraubMiles,
    WhiteNoise,
)
from neurosim.catalogue.textbook import textbook_adex, textbook_lif

CLAIM = (
    "At its default time step the rate of every point neuron in white or coloured noise is within "
    "0.5 % of that at a quarter of the step, beyond sampling error; that of the LIF neuron in "
    "white noise is within 0.5 % of Siegert's."
)
# What sampling alone exceeds at any of the points in one experiment of a hundred.
_RISK = 0.01
_SETTLE_S = 0.3

# Each with currents (pA) below, at and above its rheobase.
CELLS: dict[str, tuple[PointNeuron, tuple[float, ...]]] = {
    "LIF": (LIF(), (120, 150, 300)),
    "textbook LIF": (textbook_lif(), (70, 90, 150)),
    "AdEx": (AdEx(), (150, 200, 500)),
    "AdEx without adaptation": (AdEx(a=0 * nS, b=0 * pA), (120, 150, 300)),
    "textbook AdEx": (textbook_adex(), (40, 60, 200)),
    "Hodgkin-Huxley": (HodgkinHuxley(), (50, 60, 100)),
    "Traub-Miles": (TraubMiles(), (20, 100, 300)),
}


@dataclass(frozen=True)
class Parameters:
    """Noise, the finer step that is compared with, and the amount of sampling."""

    noise_mV: float = 3.0
    correlation_ms: float = 5.0
    finer: int = 4
    trials: int = 40
    duration_s: float = 10.0


def noises(neuron: PointNeuron, parameters: Parameters) -> Iterator[tuple[str, Stimulus]]:
    """Return white noise, and coloured noise of the same strength at low frequencies."""
    white = background_for(neuron, parameters.noise_mV * mV)
    yield "white", white
    assert isinstance(white, WhiteNoise)
    tau = parameters.correlation_ms * ms
    yield "coloured", OrnsteinUhlenbeck(sd=white.intensity / (2 * tau) ** 0.5, tau=tau)


def rates(
    neuron: PointNeuron,
    currents: tuple[float, ...],
    background: Stimulus,
    dt_ms: float,
    parameters: Parameters,
    trials: int,
    seed: int,
    running: dict[str, Any],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rate at each current and its standard error (Hz)."""
    recording = measure(
        neuron,
        np.array(currents) * pA,
        duration=parameters.duration_s * second,
        settle=_SETTLE_S * second,
        trials=trials,
        background=background,
        dt=dt_ms * ms,
        seed=seed,
        **running,
    )
    counts = recording.counts(_SETTLE_S * second).reshape(len(currents), trials)
    spread = counts.std(axis=1, ddof=1) / np.sqrt(trials)
    return counts.mean(axis=1) / parameters.duration_s, spread / parameters.duration_s


def trials_of(parameters: Parameters, context: Context) -> int:
    """Return how many trials there are of each current."""
    return max(10, parameters.trials // 4) if context.quick else parameters.trials


def compare(
    name: str, kind: str, background: Stimulus, parameters: Parameters, context: Context
) -> pd.DataFrame:
    """Return the rates of one neuron in one noise at the default step and what they should be."""
    neuron, currents = CELLS[name]
    trials = trials_of(parameters, context)
    first, other = context.seeds(2)
    running = context.running(f"{name}, {kind} noise")
    step = neuron.default_dt_ms
    common = (parameters, trials)
    found, error = rates(neuron, currents, background, step, *common, first, running)
    if isinstance(neuron, LIF) and kind == "white":
        unit = NoisyLIF.from_membrane(
            neuron.R_m, neuron.tau_m, neuron.E_L, neuron.V_th, neuron.V_reset, neuron.t_ref,
            parameters.noise_mV,
        )  # fmt: skip
        expected = unit.rate(np.array(currents, dtype=float))
        doubt, against = np.zeros_like(expected), "Siegert"
    else:
        fine = step / parameters.finer
        expected, doubt = rates(neuron, currents, background, fine, *common, other, running)
        against = f"dt = {fine:g} ms"
    columns = {
        "neuron": name,
        "noise": kind,
        "dt_ms": step,
        "current_pA": currents,
        "rate_Hz": found,
        "against": against,
        "expected_Hz": expected,
        "error_percent": 100 * (found / expected - 1),
        "standard_error_percent": 100 * np.hypot(error, doubt) / expected,
    }
    return pd.DataFrame(columns)


@experiment("noise-and-step", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    tables = [
        compare(name, kind, background, parameters, context)
        for name, (neuron, _) in CELLS.items()
        for kind, background in noises(neuron, parameters)
    ]
    table = pd.concat(tables, ignore_index=True)
    trials = trials_of(parameters, context)
    errors = norm.isf(_RISK / 2 / len(table))
    beyond = table["error_percent"].abs() - errors * table["standard_error_percent"]
    # Weighted by what each point tells: the error that all have in common.
    weight = table["standard_error_percent"] ** -2
    mean = table.assign(w=weight, we=weight * table["error_percent"]).groupby(["neuron", "noise"])
    pooled = pd.DataFrame(
        {
            "error_percent": mean["we"].sum() / mean["w"].sum(),
            "standard_error_percent": mean["w"].sum() ** -0.5,
        }
    ).reset_index()
    return Result(
        numbers={"largest_error_percent": float(table["error_percent"].abs().max())},
        tables={"rates": table, "pooled": pooled},
        figures={"noise-and-step": draw(table)},
        verdicts=[
            Verdict.of(
                "largest error of a rate beyond its sampling error (%)",
                Estimate(
                    float(beyond.max()), None, None, trials, "normal, Bonferroni over the rates"
                ),
                0.5,
            )
        ],
        provenance={"neurons": {name: cell.to_dict() for name, (cell, _) in CELLS.items()}},
    )


def draw(table: pd.DataFrame) -> Figure:
    """Draw the error of every rate with two standard errors."""
    names = list(dict.fromkeys(table["neuron"]))
    with drawing(6.4, 3.6) as (figure, axes):
        for kind, colour, side in (("white", "blue", -0.15), ("coloured", "vermilion", 0.15)):
            part = table[table["noise"] == kind]
            place = [names.index(name) + side for name in part["neuron"]]
            place = np.array(place) + 0.05 * (part.groupby("neuron").cumcount().to_numpy() - 1)
            axes.errorbar(
                part["error_percent"], place, xerr=2 * part["standard_error_percent"],
                fmt="o", ms=3, lw=1, color=COLOURS[colour], label=f"{kind} noise",
            )  # fmt: skip
        axes.axvspan(-0.5, 0.5, color=COLOURS["sky"], alpha=0.25, lw=0)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set(xlabel="error of the rate at the default time step (%), 2 s.e.")
        axes.legend()
    return figure
