"""The leaky integrate-and-fire neuron fires at the rate that its equation says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import amp, ms, second

from experiments.kit.closed_forms import closed_form
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import LIF, simulate


@dataclass(frozen=True)
class Parameters:
    """Grid of currents and accuracy of the run."""

    dt_ms: float = 0.01
    duration_s: float = 2.0
    currents: int = 12
    lowest_over_rheobase: float = 1.01
    highest_over_rheobase: float = 13.0


@experiment(
    "lif-closed-form",
    "The f-I curve of the LIF neuron agrees with its closed form within 0.5 %.",
    Parameters,
    deterministic=True,
)
def run(parameters: Parameters, context: Context) -> Result:
    neuron = LIF()
    rheobase = float(neuron.rheobase)
    # Evenly spaced in the logarithm of the distance from rheobase, where the curve bends most.
    least, most = parameters.lowest_over_rheobase - 1, parameters.highest_over_rheobase - 1
    currents = rheobase * (1 + np.geomspace(least, most, parameters.currents))
    recording = simulate(
        neuron,
        parameters.duration_s * second,
        batch={"current": currents * amp},
        dt=parameters.dt_ms * ms,
        **context.running("LIF at constant currents"),
    )
    measured = np.asarray(recording.interval_rate())
    expected = closed_form(neuron, currents)
    error = measured / expected - 1
    worst = float(np.max(np.abs(100 * error)))
    table = pd.DataFrame(
        {
            "current_pA": currents * 1e12,
            "closed_form_Hz": expected,
            "simulated_Hz": measured,
            "error_percent": 100 * error,
        }
    )
    with drawing(6.4, 5.0, 2, 1, sharex=True, height_ratios=[2, 1]) as (figure, (top, bottom)):
        fine = np.linspace(0, currents[-1] * 1.02, 600)
        top.plot(fine * 1e12, closed_form(neuron, fine), color=COLOURS["blue"], label="closed form")
        top.plot(currents * 1e12, measured, "o", color=COLOURS["vermilion"], label="simulated")
        top.set_ylabel("firing rate (Hz)")
        top.set_title("LIF neuron: f-I curve and its closed form")
        top.legend()
        bottom.axhspan(-0.5, 0.5, color=COLOURS["sky"], alpha=0.25, lw=0, label="bar: ±0.5 %")
        bottom.plot(currents * 1e12, 100 * error, "o-", color=COLOURS["vermilion"], lw=1)
        bottom.set(xlabel="current (pA)", ylabel="error (%)", ylim=(-0.8, 0.8))
        bottom.legend(loc="lower right")
    return Result(
        numbers={"largest_error_percent": worst},
        tables={"rates": table},
        figures={"lif-closed-form": figure},
        verdicts=[Verdict("largest error of the rate (%)", worst, 0.5)],
        provenance=recording.to_dict(),
    )
