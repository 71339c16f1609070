"""Noise turns the sharp f-I curve into a smooth one, and theory knows exactly how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import ms, mV, pA, second
from scipy import stats

from bridge.stimulate.fi_curve import measure
from bridge.units import NoisyLIF
from experiments.kit.estimate import Estimate, farthest, mean
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import LIF, WhiteNoise

CLAIM = (
    "At each of four noise levels the noisy LIF neuron fires as many spikes as Siegert's formula "
    "says, within 1 %, once the threshold is shifted for the time step; and no single rate misses "
    "the formula by more than 1 % beyond sampling error."
)


@dataclass(frozen=True)
class Parameters:
    """Noise levels, means and amount of sampling."""

    noise_mV: tuple[float, ...] = (1.0, 2.0, 5.0, 8.0)
    mean_mV: tuple[float, ...] = (-60.0, -57.5, -55.0, -52.5, -50.0, -45.0, -35.0)
    dt_ms: float = 0.1
    trials: int = 150
    duration_s: float = 10.0
    # Below this rate a run of this length holds too few spikes to tell 1 %.
    lowest_rate_Hz: float = 1.0


@experiment("noisy-lif-siegert", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    neuron = LIF()
    trials = max(20, parameters.trials // 3) if context.quick else parameters.trials
    currents = (np.array(parameters.mean_mV) * mV - neuron.E_L) / neuron.R_m
    seeds = context.seeds(len(parameters.noise_mV))
    tables, drawn = [], []
    provenance = {}
    for k, sigma in enumerate(parameters.noise_mV):
        recording = measure(
            neuron,
            currents,
            duration=parameters.duration_s * second,
            settle=0.5 * second,
            trials=trials,
            background=WhiteNoise.for_membrane(sigma * mV, neuron),
            dt=parameters.dt_ms * ms,
            seed=seeds[k],
            **context.running(f"noisy LIF, sd {sigma:g} mV"),
        )
        counts = recording.counts(0.5 * second).reshape(len(currents), trials)
        drawn.append(counts)
        rate = counts.mean(axis=1) / parameters.duration_s
        error = counts.std(axis=1, ddof=1) / np.sqrt(trials) / parameters.duration_s
        plain = NoisyLIF.from_membrane(sigma_mV=sigma)
        shifted = NoisyLIF.from_membrane(sigma_mV=sigma, dt_s=parameters.dt_ms * 1e-3)
        amount = np.asarray(currents) * 1e12
        columns = {
            "noise_mV": sigma,
            "mean_mV": parameters.mean_mV,
            "current_pA": amount,
            "simulated_Hz": rate,
            "standard_error_Hz": error,
            "siegert_Hz": plain.rate(amount),
            "siegert_at_dt_Hz": shifted.rate(amount),
        }
        tables.append(pd.DataFrame(columns))
        provenance = recording.to_dict()
    table = pd.concat(tables, ignore_index=True)
    expected = table["siegert_at_dt_Hz"]
    table["error_percent"] = 100 * (table["simulated_Hz"] / expected - 1)
    table["two_standard_errors_percent"] = 200 * table["standard_error_Hz"] / expected
    judged = table[expected >= parameters.lowest_rate_Hz]
    # So wide that all points together are missed by chance once in 20 times.
    reach = stats.t.ppf(1 - 0.05 / 2 / len(judged), trials - 1) / 2
    beyond = (judged["error_percent"].abs() - reach * judged["two_standard_errors_percent"]).max()
    totals = [
        mean(100 * (counts[use].sum(axis=0) / (rate[use].sum() * parameters.duration_s) - 1))
        for counts, rate, use in zip(
            drawn,
            np.asarray(expected).reshape(len(drawn), -1),
            np.asarray(expected >= parameters.lowest_rate_Hz).reshape(len(drawn), -1),
            strict=True,
        )
    ]
    uncorrected = 100 * (judged["simulated_Hz"] / judged["siegert_Hz"] - 1)
    with drawing(6.4, 5.2, 2, 1, sharex=True, height_ratios=[2, 1]) as (figure, (top, bottom)):
        fine = np.linspace(-65, max(parameters.mean_mV) + 1, 300)
        colours = [COLOURS[name] for name in ("blue", "green", "orange", "vermilion")]
        for k, sigma in enumerate(parameters.noise_mV):
            colour = colours[k % len(colours)]
            part = table[table["noise_mV"] == sigma]
            theory = NoisyLIF.from_membrane(sigma_mV=sigma, dt_s=parameters.dt_ms * 1e-3)
            amount = (fine * mV - neuron.E_L) / neuron.R_m / pA
            top.plot(fine, theory.rate(np.asarray(amount)), color=colour, lw=1.2)
            label = f"{sigma:g} mV"
            top.plot(part["mean_mV"], part["simulated_Hz"], "o", ms=4, color=colour, label=label)
            seen = judged[judged["noise_mV"] == sigma]
            place, spread = seen["mean_mV"] + 0.12 * (k - 1.5), seen["two_standard_errors_percent"]
            look = {"fmt": "o", "ms": 3, "color": colour, "capsize": 2, "lw": 1}
            bottom.errorbar(place, seen["error_percent"], yerr=spread, **look)
        top.set(ylabel="firing rate (Hz)", title="Noisy LIF: simulation (dots), Siegert (lines)")
        top.legend(title="sd of the free membrane")
        bottom.axhspan(-1, 1, color=COLOURS["sky"], alpha=0.25, lw=0)
        bottom.set(xlabel="mean membrane potential without threshold (mV)", ylabel="error (%)")
    return Result(
        numbers={
            "largest_error_percent": float(judged["error_percent"].abs().max()),
            "largest_error_without_shift_percent": float(uncorrected.abs().max()),
            "cell_seconds_a_point": trials * parameters.duration_s,
        },
        tables={"rates": table},
        figures={"noisy-lif-siegert": figure},
        verdicts=[
            Verdict.of(
                "spikes of a noise level less Siegert's, at most (%)",
                farthest([total.distance(0) for total in totals]),
                1.0,
            ),
            Verdict.of(
                "largest error of a rate beyond its sampling error (%)",
                Estimate(float(beyond), None, None, trials, "t, Bonferroni over the rates"),
                1.0,
            ),
        ],
        provenance=provenance,
    )
