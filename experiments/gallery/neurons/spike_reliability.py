"""The same spikes again? They drift apart under a constant current, not under fluctuation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import mV, pA, second
from matplotlib.figure import Figure

from bridge.spike_trains import nth_spike_jitter, reliability
from bridge.stimulate.fi_curve import fi_curve
from bridge.stimulate.frozen_noise import FrozenTrials, frozen_noise_pA, play
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import LIF, PointNeuron, TraubMiles, WhiteNoise

CLAIM = (
    "Spike times of repeated trials drift apart by more than 10 ms under a constant current and "
    "stay within 1 ms under a fluctuating one of the same mean (Mainen and Sejnowski 1995)."
)


@dataclass(frozen=True)
class Parameters:
    """A cell with noise of its own, and the two currents."""

    own_noise_mV: float = 0.4
    rate_Hz: float = 16.0
    fluctuation_pA: float = 250.0
    correlation_ms: float = 3.0
    duration_s: float = 0.9
    trials: int = 25


@experiment("reliability", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    step_s = 0.0005
    sd, correlation_s = parameters.fluctuation_pA, parameters.correlation_ms * 1e-3
    fluctuation = frozen_noise_pA(
        0.0, sd, correlation_s, parameters.duration_s, step_s, context.seed
    )
    # Both membranes have 100 Mohm and 20 ms, so this is the noise of both.
    own = WhiteNoise.for_membrane(parameters.own_noise_mV * mV, LIF())
    rows, shown = [], {}
    for title, neuron in (("LIF", LIF()), ("Traub-Miles", TraubMiles())):
        mean = _current_for(neuron, parameters.rate_Hz, context)
        waves = {"constant": np.full_like(fluctuation, mean), "fluctuating": mean + fluctuation}
        for kind, wave in waves.items():
            played = play(
                neuron,
                wave,
                step=step_s * second,
                trials=parameters.trials,
                background=own,
                seed=context.seed,
                **context.running(f"{title}, {kind}"),
            )
            told = reliability(played.trains, played.duration_s)
            drift = nth_spike_jitter(played.trains)
            constant = kind == "constant"
            rows.append(
                {
                    "neuron": title,
                    "current": kind,
                    "mean_pA": mean,
                    "rate_Hz": told.rate_Hz,
                    "jitter_ms": float(drift[-1]) if constant else told.jitter_ms,
                    "jitter_of": f"spike {len(drift)}" if constant else f"{told.events} events",
                    "last_ms": float(drift[-1]) if constant else told.last_event_jitter_ms,
                    "median_ms": float(np.median(drift)) if constant else told.median_jitter_ms,
                    "spikes_in_events": told.reliability,
                    "coincidence_2ms": told.coincidence,
                    "spike_distance": told.spike_distance,
                }
            )
            shown[title, kind] = played
    table = pd.DataFrame(rows)
    figure = _draw(shown, table)
    still = table[table["current"] == "constant"]
    moving = table[table["current"] == "fluctuating"].max(numeric_only=True)
    drift = still["last_ms"].min()
    return Result(
        numbers={f"{r.neuron}, {r.current}": r.jitter_ms for r in table.itertuples()},
        tables={"reliability": table},
        figures={"reliability": figure},
        verdicts=[
            Verdict("constant current: jitter of the last spike (ms)", drift, 10.0, ">="),
            Verdict("fluctuating current: jitter of the last event (ms)", moving["last_ms"], 1.0),
            Verdict("fluctuating current: median jitter of events (ms)", moving["median_ms"], 1.0),
        ],
    )


def _current_for(neuron: PointNeuron, rate_Hz: float, context: Context) -> float:
    """Constant current (pA) at which a neuron fires at a rate."""
    curve = fi_curve(neuron, np.linspace(0, 400, 81) * pA, engine=context.engine)
    return float(np.interp(rate_Hz, np.maximum.accumulate(curve.mean_rate_Hz()), curve.currents))


def _draw(shown: dict[tuple[str, str], FrozenTrials], table: pd.DataFrame) -> Figure:
    with drawing(7.2, 4.4, 3, 2, sharex=True, sharey="row", height_ratios=[1, 1.6, 1.6]) as (
        figure,
        axes,
    ):
        for column, kind in enumerate(("constant", "fluctuating")):
            wave = shown["LIF", kind].current_pA
            time = np.arange(len(wave)) * shown["LIF", kind].step_s
            axes[0, column].plot(time, wave, color=GREY, lw=0.7)
            axes[0, column].set_title(f"{kind} current")
            rows = zip(axes[1:, column], ("LIF", "Traub-Miles"), ("blue", "vermilion"), strict=True)
            for raster, title, colour in rows:
                trains = shown[title, kind].trains
                raster.eventplot(trains, colors=COLOURS[colour], linelengths=0.8, linewidths=0.9)
                here = table[(table["neuron"] == title) & (table["current"] == kind)].iloc[0]
                said = f"jitter {here['jitter_ms']:.2g} ms ({here['jitter_of']})"
                said = f"{title}: {said}, Γ {here['coincidence_2ms']:.2f}"
                raster.set_title(said, fontsize=8, fontweight="normal")
        axes[0, 0].set_ylabel("current (pA)")
        for row in (1, 2):
            axes[row, 0].set_ylabel("trial")
        for column in (0, 1):
            axes[2, column].set_xlabel("time (s)")
    return figure
