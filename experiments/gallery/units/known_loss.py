"""What is lost is measured rightly: closed forms for information, and units that lose nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bridge.choice.recovery import TRUTHS
from bridge.spike_trains import (
    bin_information,
    gaussian_information,
    score_rates,
    spike_information,
)
from bridge.spike_trains.score import draw_trains
from bridge.stimulate.frozen_noise import frozen_noise_pA
from experiments.kit.estimate import Estimate, farthest, mean
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing

CLAIM = (
    "Information estimates lie within 5 % of the closed form where one exists, and the unit that "
    "generated a cell's rates keeps all that the cell repeats: 1.00 ± 0.03."
)


@dataclass(frozen=True)
class Parameters:
    """Amount of sampling."""

    repeats: int = 20
    trials: int = 30
    duration_s: float = 20.0


def _entropy(p: np.ndarray | float) -> np.ndarray:
    q = 1 - np.asarray(p, dtype=float)
    bits: np.ndarray = -p * np.log2(p) - q * np.log2(q)
    return bits


def _gaussian(snr: float, random: np.random.Generator) -> tuple[float, float]:
    s = random.standard_normal(60_000)
    r = s + random.standard_normal(60_000) / np.sqrt(snr)
    return gaussian_information(s, r, 0.001).per_second, 500 * float(np.log2(1 + snr))


def _two_rates(
    low: float, high: float, trials: int, random: np.random.Generator
) -> tuple[float, float]:
    chance = np.tile([low, high], 300)
    trains = [0.01 * (np.flatnonzero(random.random(600) < chance) + 0.5) for _ in range(trials)]
    known = _entropy((low + high) / 2) - (_entropy(low) + _entropy(high)) / 2
    return bin_information(trains, 6.0, 0.01).per_second, float(known) / 0.01


def _sinusoid(depth: float, trials: int, random: np.random.Generator) -> tuple[float, float]:
    time = (np.arange(4000) + 0.5) * 0.005
    rate = 30 * (1 + depth * np.cos(2 * np.pi * time))
    trains = draw_trains(rate, 0.005, trials, random.integers(2**31))
    q = np.sqrt(1 - depth**2)
    known = 30 * (1 - q + np.log((1 + q) / 2)) / np.log(2)
    return spike_information(trains, 20.0, 0.02).per_second, float(known)


@experiment("known-loss", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    repeats = max(10, parameters.repeats // 2) if context.quick else parameters.repeats
    channels: dict[str, Callable[[np.random.Generator], Any]] = {
        "Gaussian, SNR 0.1": lambda r: _gaussian(0.1, r),
        "Gaussian, SNR 1": lambda r: _gaussian(1.0, r),
        "Gaussian, SNR 10": lambda r: _gaussian(10.0, r),
        "two rates, 5 and 40 Hz": lambda r: _two_rates(0.05, 0.4, 100, r),
        "two rates, 10 and 60 Hz": lambda r: _two_rates(0.1, 0.6, 100, r),
        "Poisson, sinusoid of depth 0.5": lambda r: _sinusoid(0.5, parameters.trials, r),
        "Poisson, sinusoid of depth 0.9": lambda r: _sinusoid(0.9, parameters.trials, r),
    }
    told = context.task("closed forms")
    rows: list[dict[str, Any]] = []
    errors: list[Estimate] = []
    for k, (name, channel) in enumerate(channels.items()):
        found = np.array(
            [channel(np.random.default_rng([context.seed, k, i])) for i in range(repeats)]
        )
        ratio = found[:, 0] / found[:, 1]
        errors.append(mean(100 * (ratio - 1)).distance(0))
        rows.append(
            {
                "channel": name,
                "known_bits_Hz": float(found[0, 1]),
                "estimated_bits_Hz": float(found[:, 0].mean()),
                "mean_error_percent": float(100 * (ratio.mean() - 1)),
                "worst_error_percent": float(100 * np.abs(ratio - 1).max()),
            }
        )
        if told is not None:
            told((k + 1) / len(channels))
    information = pd.DataFrame(rows)

    told = context.task("units that lose nothing")
    bin_s = 0.02
    scores = []
    for k, (name, unit) in enumerate(TRUTHS.items()):
        for i in range(repeats):
            current = frozen_noise_pA(
                220.0, 80.0, 0.05, parameters.duration_s, bin_s, 1000 * context.seed + i
            )
            rate = np.asarray(unit.rate(current))
            trains = draw_trains(rate, bin_s, parameters.trials, [context.seed, k, i])
            kept = score_rates(trains, rate, parameters.duration_s, bin_s)
            flat = np.full_like(rate, rate.mean())
            constant = score_rates(trains, flat, parameters.duration_s, bin_s)
            scores.append(
                {"unit": name, "power": kept.power, "bits": kept.bits, "mean_rate": constant.power}
            )
        if told is not None:
            told((k + 1) / len(TRUTHS))
    drawn = pd.DataFrame(scores)
    summary = drawn.groupby("unit", sort=False).agg(
        power=("power", "mean"),
        power_sd=("power", "std"),
        bits=("bits", "mean"),
        bits_sd=("bits", "std"),
        mean_rate=("mean_rate", "mean"),
    )

    def over_units(column: str) -> list[Estimate]:
        return [mean(part[column]) for _, part in drawn.groupby("unit", sort=False)]

    with drawing(7.2, 3.2, 1, 2) as (figure, (left, right)):
        place = np.arange(len(information))[::-1]
        left.axvspan(-5, 5, color=COLOURS["sky"], alpha=0.3, lw=0, label="bar: ± 5 %")
        left.axvline(0, color=GREY, lw=0.8)
        left.plot(information["mean_error_percent"], place, "o", ms=4, color=COLOURS["blue"])
        left.set_yticks(place, information["channel"], fontsize=7)
        left.set(xlabel="error of the estimate (%)", title="Information", xlim=(-8, 13))
        left.legend(loc="upper right", fontsize=7)
        place = np.arange(len(summary))[::-1]
        right.axvspan(0.97, 1.03, color=COLOURS["sky"], alpha=0.3, lw=0, label="bar: 1.00 ± 0.03")
        for name, colour, shift in (
            ("power", COLOURS["blue"], 0.12),
            ("bits", COLOURS["orange"], -0.12),
        ):
            look = {"fmt": "o", "ms": 4, "color": colour, "lw": 1}
            right.errorbar(
                summary[name], place + shift, xerr=summary[f"{name}_sd"], label=name, **look
            )
        right.set_yticks(place, list(summary.index), fontsize=7)
        right.set(xlabel="share kept (± sd of one measurement)", title="The unit behind the rates")
        right.legend(loc="center right", fontsize=7)
        right.set_xlim(0.95, 1.13)
    return Result(
        numbers={"bin_ms": 1e3 * bin_s, "repeats": repeats},
        tables={"information": information, "scores": summary.reset_index()},
        figures={"known-loss": figure},
        verdicts=[
            Verdict.of("largest mean error of an information estimate (%)", farthest(errors), 5.0),
            *(
                Verdict.of(
                    f"true unit's score, {name}: largest distance of a mean from 1",
                    farthest([one.distance(1) for one in over_units(name)]),
                    0.03,
                )
                for name in ("power", "bits")
            ),
            Verdict.of("the mean rate alone scores", farthest(over_units("mean_rate")), 0.05),
        ],
    )
