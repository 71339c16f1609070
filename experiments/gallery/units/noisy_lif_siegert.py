"""Noise turns the sharp f-I curve into a smooth one, and theory knows exactly how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from brian2.units import ms, mV, second
from matplotlib.figure import Figure
from scipy.stats import norm

from bridge.stimulate.fi_curve import measure
from bridge.units import NoisyLIF
from experiments.kit.estimate import Estimate, mean
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import LIF, Recording, WhiteNoise

CLAIM = (
    "At its default time step the noisy LIF neuron fires at Siegert's rate within 0.5 % beyond "
    "sampling error, at five noise levels from silence to 100 Hz."
)
# What sampling alone exceeds at any of the points in one experiment of a hundred.
_RISK = 0.01
_SETTLE_S = 0.5


@dataclass(frozen=True, eq=False, repr=False)
class UncorrectedLIF(LIF):
    """The same neuron without the correction for crossings between two time steps."""

    barrier: ClassVar[str] = ""


@dataclass(frozen=True)
class Parameters:
    """Noise levels, means and amount of sampling."""

    noise_mV: tuple[float, ...] = (1.0, 2.0, 3.0, 6.0, 8.0)
    mean_mV: tuple[float, ...] = (-60.0, -57.5, -55.0, -52.5, -50.0, -45.0, -35.0, -22.0)
    dt_ms: float = 0.1
    trials: int = 150
    duration_s: float = 10.0
    # Below this rate a run of this length holds too few spikes to tell 1 %.
    lowest_rate_Hz: float = 1.0


def measure_rates(
    neuron: LIF, sigma_mV: float, parameters: Parameters, trials: int, seed: int, context: Context
) -> tuple[pd.DataFrame, Recording]:
    """Return rates at every mean under one noise level, beside Siegert's."""
    currents = (np.array(parameters.mean_mV) * mV - neuron.E_L) / neuron.R_m
    recording = measure(
        neuron,
        currents,
        duration=parameters.duration_s * second,
        settle=_SETTLE_S * second,
        trials=trials,
        background=WhiteNoise.for_membrane(sigma_mV * mV, neuron),
        dt=parameters.dt_ms * ms,
        seed=seed,
        **context.running(f"{type(neuron).__name__}, noise of {sigma_mV:g} mV"),
    )
    counts = recording.counts(_SETTLE_S * second).reshape(len(currents), trials)
    rate = counts.mean(axis=1) / parameters.duration_s
    error = counts.std(axis=1, ddof=1) / np.sqrt(trials) / parameters.duration_s
    amount = np.asarray(currents) * 1e12
    expected = NoisyLIF.from_membrane(sigma_mV=sigma_mV).rate(amount)
    columns = {
        "noise_mV": sigma_mV,
        "mean_mV": parameters.mean_mV,
        "current_pA": amount,
        "simulated_Hz": rate,
        "standard_error_Hz": error,
        "siegert_Hz": expected,
        "error_percent": 100 * (rate / expected - 1),
        "standard_error_percent": 100 * error / expected,
    }
    return pd.DataFrame(columns), recording


@experiment("noisy-lif-siegert", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    trials = max(20, parameters.trials // 5) if context.quick else parameters.trials
    seeds = context.seeds(len(parameters.noise_mV))
    tables, spikes, provenance = [], [], {}
    for k, sigma in enumerate(parameters.noise_mV):
        found, recording = measure_rates(LIF(), sigma, parameters, trials, seeds[k], context)
        tables.append(found)
        counts = recording.counts(_SETTLE_S * second).reshape(len(found), trials)
        spikes.append(counts[found["siegert_Hz"] >= parameters.lowest_rate_Hz].sum(axis=0))
        provenance = recording.to_dict()
    table = pd.concat(tables, ignore_index=True)
    judged = table[table["siegert_Hz"] >= parameters.lowest_rate_Hz]
    errors = norm.isf(_RISK / 2 / len(judged))
    beyond = (judged["error_percent"].abs() - errors * judged["standard_error_percent"]).max()
    expected = judged["siegert_Hz"].sum() * parameters.duration_s
    together = mean(100 * (np.sum(spikes, axis=0) / expected - 1))
    # A few trials are enough to see what the correction is for.
    middle = parameters.noise_mV[len(parameters.noise_mV) // 2]
    plain, _ = measure_rates(
        UncorrectedLIF(), middle, parameters, max(5, trials // 5), context.seed, context
    )
    told = plain[plain["siegert_Hz"] >= parameters.lowest_rate_Hz]
    return Result(
        numbers={
            "largest_error_percent": float(judged["error_percent"].abs().max()),
            "error_of_all_spikes_percent": together.value,
            "largest_error_uncorrected_percent": float(told["error_percent"].abs().max()),
            "cell_seconds_a_point": trials * parameters.duration_s,
        },
        tables={"rates": table, "uncorrected": plain},
        figures={"noisy-lif-siegert": draw(table, judged)},
        verdicts=[
            Verdict.of(
                "largest error of a rate beyond its sampling error (%)",
                Estimate(float(beyond), None, None, trials, "normal, Bonferroni over the rates"),
                0.5,
            ),
            Verdict.of("spikes of all points less Siegert's (%)", together.distance(0), 0.5),
        ],
        provenance=provenance,
    )


def draw(table: pd.DataFrame, judged: pd.DataFrame) -> Figure:
    """Draw rates over Siegert's curves, and below them the errors."""
    levels = sorted(set(table["noise_mV"]))
    names = ("blue", "sky", "green", "orange", "vermilion")
    membrane = LIF()
    fine = np.linspace(-65, table["mean_mV"].max() + 1, 300)
    currents_pA = np.asarray((fine * mV - membrane.E_L) / membrane.R_m) * 1e12
    with drawing(6.4, 5.2, 2, 1, sharex=True, height_ratios=[2, 1]) as (figure, (top, bottom)):
        for k, sigma in enumerate(levels):
            colour = COLOURS[names[k % len(names)]]
            part = table[table["noise_mV"] == sigma]
            theory = NoisyLIF.from_membrane(sigma_mV=sigma)
            top.plot(fine, theory.rate(currents_pA), color=colour, lw=1.2)
            label = f"{sigma:g} mV"
            top.plot(part["mean_mV"], part["simulated_Hz"], "o", ms=4, color=colour, label=label)
            seen = judged[judged["noise_mV"] == sigma]
            place, spread = seen["mean_mV"] + 0.12 * (k - 2), 2 * seen["standard_error_percent"]
            look = {"fmt": "o", "ms": 3, "color": colour, "capsize": 2, "lw": 1}
            bottom.errorbar(place, seen["error_percent"], yerr=spread, **look)
        top.set(ylabel="firing rate (Hz)", title="Noisy LIF: simulation (dots), Siegert (lines)")
        top.legend(title="sd of the free membrane")
        bottom.axhspan(-0.5, 0.5, color=COLOURS["sky"], alpha=0.25, lw=0)
        bottom.set(
            xlabel="mean membrane potential without threshold (mV)",
            ylabel="error (%), 2 s.e.",
            ylim=(-4, 4),
        )
    return figure
