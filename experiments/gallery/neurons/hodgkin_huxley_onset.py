"""The Hodgkin-Huxley neuron starts to fire at a finite rate, and at the right current."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import cm, ms, pA, second, uA

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import HodgkinHuxley, Recording, Steps, simulate

CLAIM = (
    "Hodgkin-Huxley (6.3 °C) starts repetitive firing at 6.26 µA/cm² and fires at the rates "
    "another simulator finds, within 0.5 %."
)

# NEURON 9.0.2, CVODE at 1e-9, rate tables off: one compartment, step from 50 ms on, rate from the
# mean interval after 1 s (µA/cm², Hz).
REFERENCE_RATES = {
    6.5: 55.05733,
    7.0: 58.32724,
    8.0: 62.46992,
    9.0: 65.62874,
    10.0: 68.32389,
    12.0: 72.91907,
    15.0: 78.64891,
    20.0: 86.47009,
    30.0: 98.74521,
    40.0: 108.60840,
    60.0: 124.45129,
}
REFERENCE_ONSET = 6.260  # µA/cm², same source


@dataclass(frozen=True)
class Parameters:
    """Grid around the onset and accuracy of the run."""

    dt_ms: float = 0.01
    onset_from: float = 6.0
    onset_to: float = 6.5
    onset_step: float = 0.01


def _step_response(densities: np.ndarray, parameters: Parameters, context: Context) -> Recording:
    neuron = HodgkinHuxley()
    return simulate(
        neuron,
        1.5 * second,
        stimulus=Steps(amplitude=0 * pA, onset=50 * ms, duration=2 * second),
        batch={"amplitude": neuron.current(densities * uA / cm**2)},
        dt=parameters.dt_ms * ms,
        **context.running("Hodgkin-Huxley steps"),
    )


@experiment("hodgkin-huxley-onset", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    reference = np.array(list(REFERENCE_RATES))
    step = parameters.onset_step
    grid = np.arange(parameters.onset_from, parameters.onset_to + step / 2, step)
    below = np.array([0.0, 1.0, 2.0, 2.5, 3.0, 4.0, 5.0])
    everything = np.concatenate([reference, grid, below])
    recording = _step_response(everything, parameters, context)
    rates = np.asarray(recording.interval_rate(1 * second))
    expected = np.array(list(REFERENCE_RATES.values()))
    error = rates[: len(reference)] / expected - 1
    on_grid = rates[len(reference) : len(reference) + len(grid)]
    firing = np.flatnonzero(on_grid > 0)
    onset = float(grid[firing[0]]) if len(firing) else float("nan")
    onset_rate = float(on_grid[firing[0]]) if len(firing) else float("nan")
    table = pd.DataFrame(
        {
            "density_uA_cm2": reference,
            "reference_Hz": expected,
            "simulated_Hz": rates[: len(reference)],
            "error_percent": 100 * error,
        }
    )
    worst = float(np.max(np.abs(100 * error)))
    apart = abs(onset - REFERENCE_ONSET)
    order = np.argsort(everything)
    with drawing(6.4, 3.6) as (figure, axes):
        axes.plot(everything[order], rates[order], "-", color=COLOURS["blue"], label="this run")
        axes.plot(reference, expected, "o", mfc="none", color=COLOURS["vermilion"], label="NEURON")
        axes.axvline(REFERENCE_ONSET, color=GREY, lw=0.8, ls=":")
        axes.annotate(
            f"onset {onset:.2f} µA/cm²\nat {onset_rate:.0f} Hz",
            (onset, onset_rate),
            (12, 25),
            arrowprops={"arrowstyle": "-", "color": GREY},
        )
        axes.set(
            xlabel="current density (µA/cm²)",
            ylabel="firing rate (Hz)",
            title="Hodgkin-Huxley: firing starts at a finite rate (class II)",
        )
        axes.legend(loc="lower right")
    return Result(
        numbers={
            "onset_uA_cm2": onset,
            "onset_rate_Hz": onset_rate,
            "largest_error_percent": worst,
        },
        tables={"rates": table},
        figures={"hodgkin-huxley-onset": figure},
        verdicts=[
            Verdict("distance of the onset from the reference (µA/cm²)", apart, 0.05),
            Verdict("largest error of the rate (%)", worst, 0.5),
            Verdict("rate at onset (Hz)", onset_rate, 50.0, ">="),
        ],
        provenance=recording.to_dict(),
    )
