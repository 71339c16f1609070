"""The same spikes again? They drift apart under a constant current, not under fluctuation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from brian2.units import mV, pA, second
from matplotlib.figure import Figure

from bridge.spike_trains.reliability import nth_spike_jitter, spike_events
from bridge.stimulate.fi_curve import fi_curve
from bridge.stimulate.frozen_noise import FrozenTrials, frozen_noise_pA, play
from experiments.kit.estimate import Estimate, farthest, mean
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import LIF, PointNeuron, TraubMiles, WhiteNoise

CLAIM = (
    "Under a constant current the spikes of repeated trials drift apart: after 0.9 s their times "
    "have a standard deviation of more than 5 ms. Under a fluctuating current of the same mean "
    "most events are repeated within 1 ms, and late ones are less than 1 ms wider than early ones "
    "(Mainen and Sejnowski 1995)."
)

# "Reproducible to less than 1 millisecond" (their abstract): the bar of the typical event, and
# of how much wider events become: within it late events are as precise as early ones.
PRECISE_MS = 1.0
# They give no number for imprecise spikes; five times the precision is asked for.
IMPRECISE_MS = 5 * PRECISE_MS
# More events than not are precise.
MOST_EVENTS = 0.5

STEP_S = 0.0005
# Between two fluctuations: five membrane time constants.
PAUSE_S = 0.1


@dataclass(frozen=True)
class Parameters:
    """A cell with noise of its own, the two currents, and how often each is drawn anew.

    Mainen and Sejnowski report the typical event. A single one, such as the last, is no measure: a
    fluctuation that lifts the membrane slowly over the threshold gives an event of several ms, and
    a fifth of the events of the Traub-Miles neuron are of this kind.
    """

    own_noise_mV: float = 0.4
    rate_Hz: float = 16.0
    fluctuation_pA: float = 250.0
    correlation_ms: float = 3.0
    duration_s: float = 0.9
    trials: int = 25
    draws: int = 24


@experiment("reliability", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    rows, shown = [], {}
    seeds = context.seeds(p.draws, quick=12)
    for title, neuron in (("LIF", LIF()), ("Traub-Miles", TraubMiles())):
        level = _current_for(neuron, p.rate_Hz, context)
        still = _constant(neuron, level, p, seeds, context)
        moving = _fluctuating(neuron, level, p, seeds, context)
        for pair in zip(still, moving, strict=True):
            rows.append({"neuron": title, "mean_pA": level, **_numbers(*pair)})
        shown[title, "constant"], shown[title, "fluctuating"] = still[0], moving[0]
    draws = pd.DataFrame(rows)

    def over_draws(column: str) -> list[Estimate]:
        return [mean(part[column]) for _, part in draws.groupby("neuron", sort=False)]

    last, within = farthest(over_draws("drift_ms"), ">="), farthest(over_draws("within_1ms"), ">=")
    event = "fluctuating current: "
    return Result(
        numbers={"draws": draws.to_dict("records")},
        tables={"reliability": draws.groupby("neuron", sort=False).mean().reset_index()},
        figures={"reliability": _draw(shown, draws)},
        verdicts=[
            Verdict.of("constant current: jitter of the last spike (ms)", last, IMPRECISE_MS, ">="),
            Verdict.of(
                event + "median jitter of the events (ms)",
                farthest(over_draws("median_ms")),
                PRECISE_MS,
            ),
            Verdict.of(event + "share of the events within 1 ms", within, MOST_EVENTS, ">="),
            Verdict.of(
                event + "jitter in the last third less that in the first (ms)",
                farthest(over_draws("late_less_early_ms")),
                PRECISE_MS,
            ),
        ],
    )


def _constant(
    neuron: PointNeuron, level: float, p: Parameters, seeds: list[int], context: Context
) -> list[FrozenTrials]:
    """Return the trials of every draw of the cell's own noise, under a constant current."""
    wave = np.full(round(p.duration_s / STEP_S), level)
    trials = p.trials * len(seeds)
    played = _play(neuron, wave, trials, p, seeds[0], context, "constant current")
    groups = [played.trains[k : k + p.trials] for k in range(0, trials, p.trials)]
    return [replace(played, trains=group) for group in groups]


def _fluctuating(
    neuron: PointNeuron, level: float, p: Parameters, seeds: list[int], context: Context
) -> list[FrozenTrials]:
    """Return the trials of every fluctuation: one run, with a pause in which the cell rests."""
    pause = np.zeros(round(PAUSE_S / STEP_S))
    waves = [
        level
        + frozen_noise_pA(
            0.0, p.fluctuation_pA, p.correlation_ms * 1e-3, p.duration_s, STEP_S, seed
        )
        for seed in seeds
    ]
    joined = np.concatenate([part for wave in waves for part in (wave, pause)])
    played = _play(neuron, joined, p.trials, p, seeds[-1], context, "fluctuating current")
    starts = np.arange(len(seeds)) * (p.duration_s + PAUSE_S)
    return [played.part(start, start + p.duration_s) for start in starts]


def _play(
    neuron: PointNeuron,
    wave: np.ndarray,
    trials: int,
    p: Parameters,
    seed: int,
    context: Context,
    what: str,
) -> FrozenTrials:
    # Both membranes have 100 Mohm and 20 ms, so this is the noise of both.
    own = WhiteNoise.for_membrane(p.own_noise_mV * mV, LIF())
    running = context.running(f"{type(neuron).__name__}, {what}")
    step = STEP_S * second
    return play(neuron, wave, step=step, trials=trials, background=own, seed=seed, **running)


def _numbers(still: FrozenTrials, moving: FrozenTrials) -> dict[str, float]:
    """Return what one draw of the fluctuation and of the cell's own noise says."""
    drift = nth_spike_jitter(still.trains)
    events = spike_events(moving.trains, moving.duration_s)
    jitter = np.array([event.jitter_ms for event in events])
    thirds = np.array([event.time_s for event in events]) // (moving.duration_s / 3)
    return {
        "drift_ms": float(drift[-1]),
        "drift_of_spike": len(drift),
        "events": len(events),
        "median_ms": float(np.median(jitter)),
        "within_1ms": float(np.mean(jitter <= PRECISE_MS)),
        "last_ms": float(jitter[-1]),
        "late_less_early_ms": float(
            np.median(jitter[thirds == 2]) - np.median(jitter[thirds == 0])
        ),
    }


def _current_for(neuron: PointNeuron, rate_Hz: float, context: Context) -> float:
    """Constant current (pA) at which a neuron fires at a rate."""
    curve = fi_curve(neuron, np.linspace(40, 200, 33) * pA, engine=context.engine)
    return float(np.interp(rate_Hz, np.maximum.accumulate(curve.mean_rate_Hz()), curve.currents))


def _draw(shown: dict[tuple[str, str], FrozenTrials], draws: pd.DataFrame) -> Figure:
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
                here = draws[draws["neuron"] == title].iloc[0]
                said = f"{title}: "
                if kind == "constant":
                    said += f"jitter {here['drift_ms']:.2g} ms (spike {here['drift_of_spike']})"
                else:
                    said += f"jitter {here['median_ms']:.2g} ms (median of {here['events']} events)"
                raster.set_title(said, fontsize=8, fontweight="normal")
        axes[0, 0].set_ylabel("current (pA)")
        for row in (1, 2):
            axes[row, 0].set_ylabel("trial")
        for column in (0, 1):
            axes[2, column].set_xlabel("time (s)")
    return figure
