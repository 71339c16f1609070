"""Whether rates that are told by spike times are as sure as they are said to be.

``python benchmarks/skewed_intervals.py`` simulates a LIF neuron in white noise, whose intervals are
more skewed than those of a gamma process, and estimates its rate at every current by the renewal
likelihood. The error against Siegert's rate is divided by the standard error. If standard errors
are right, these numbers have a standard deviation of 1 and 95 % of them lie within 1.96. It prints
both with the correction of the shape by the variance of the intervals, and without it.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from dataclasses import fields, replace
from unittest.mock import patch

import numpy as np
import pandas as pd
from brian2.units import mV, pA

from bridge.counts import dispersion
from bridge.counts.curve import FICurve
from bridge.counts.renewal import SpikeTrains, information
from bridge.stimulate.fi_curve import fi_curve
from bridge.units import NoisyLIF
from neurosim import LIF, WhiteNoise

SLOW_HZ = 15.0
"""Below it a window holds too few spikes for errors to be normal."""


def measured(level_mV: float, currents: int, trials: int, seed: int) -> FICurve:
    """Simulate one f-I curve; currents are shifted at random."""
    start = np.random.default_rng([seed, currents]).random()
    amounts = (np.arange(currents) + start) * 500 / currents
    neuron = LIF()
    noise = WhiteNoise.for_membrane(level_mV * mV, neuron)
    return fi_curve(neuron, amounts * pA, trials=trials, background=noise, seed=seed)


def errors(curve: FICurve, truth: NoisyLIF) -> tuple[np.ndarray, float]:
    """Errors of the rates in standard errors, at currents above the slowest; and the regularity."""
    plain = curve.statistics()
    noise = dispersion.measured_noise(plain, curve.timing)
    if noise is None:
        return np.empty(0), np.nan
    shapes = np.broadcast_to(noise.shapes(plain), plain.index.shape)
    trains = curve.statistics(shapes, True).trains
    found = []
    for j, current in enumerate(plain.current):
        rate = float(truth.rate(current))
        if rate < SLOW_HZ:
            continue
        own = plain.index == j
        part = replace(
            trains, **{f.name: getattr(trains, f.name)[own] for f in fields(SpikeTrains)}
        )
        tried = rate * np.exp(np.linspace(-0.5, 0.5, 2001))
        likely = part.log_likelihood_and_slope(tried[:, None], shapes[own])[0].sum(axis=1)
        best = float(tried[int(np.argmax(likely))])
        told = (information(best * part.window_s, shapes[own]) * part.window_s**2).sum()
        found.append((best - rate) * np.sqrt(told))
    return np.array(found), float(noise.shape)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--levels", type=float, nargs="+", default=[2.0, 5.0, 8.0], metavar="mV")
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=50_000)
    wanted = parser.parse_args()
    rows = []
    for level in wanted.levels:
        truth = NoisyLIF.from_membrane(sigma_mV=level)
        seeds = range(wanted.first_seed, wanted.first_seed + wanted.sets)
        curves = [measured(level, 10, 3, seed) for seed in seeds]
        for corrected in (True, False):
            left_out = patch.object(dispersion, "_moment_share", lambda *_: 1.0)
            with nullcontext() if corrected else left_out:
                found = [errors(curve, truth) for curve in curves]
            z = np.concatenate([one for one, _ in found])
            rows.append(
                {
                    "noise (mV)": level,
                    "corrected": "yes" if corrected else "no",
                    "rates": len(z),
                    "mean error (s.e.)": z.mean(),
                    "sd of errors (s.e.)": z.std(ddof=1),
                    "within 1.96 s.e. (%)": 100 * np.mean(np.abs(z) < 1.96),
                    "median shape": np.median([shape for _, shape in found]),
                }
            )
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
