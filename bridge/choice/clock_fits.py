"""Fit every family to a cell that fires like a clock, whose counts are not noisy.

Families are compared by least squares on the rates, with one error of the curve for all that the
best family sets; what a family misses is not chance, but this is how far it is from the cell. Which
of them are possible at all, and with which parameters, is asked of the ranges of possible rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from bridge.choice.feasible_set import least_squares, possible_units
from bridge.choice.goodness_of_fit import informative_currents
from bridge.choice.remarks import aicc, remarks
from bridge.choice.selection import Interval, UnitFit
from bridge.counts.clockwork import RateRanges
from bridge.counts.curve import FICurve
from bridge.counts.dispersion import CountNoise
from bridge.units import LIFRate, NoisyLIF
from bridge.units.fitting import Problem, Solution, best_fit

__all__ = ["fit_clock"]

Array = NDArray[np.float64]


def fit_clock(
    tasks: list[Problem], curve: FICurve, intervals: bool
) -> tuple[CountNoise, list[UnitFit]]:
    """Fit and judge every family.

    Parameters
    ----------
    tasks : list of Problem
        One a family, of the curve.
    curve : FICurve
        Of a clockwork cell.
    intervals : bool
        Whether to find the interval of every parameter.

    Returns
    -------
    noise : CountNoise
    fits : list of UnitFit
        In the order of the tasks; without Akaike weights.
    """
    noise = curve.clock_noise()
    ranges = curve.rate_ranges()
    rounding = ranges.half / np.sqrt(3)
    found = [best_fit(task) for task in tasks]
    sd = rounding
    for _ in range(3):
        found = [
            least_squares(task, ranges, start, sd) for task, start in zip(tasks, found, strict=True)
        ]
        scores = [
            aicc(float(one.log_likelihood[0]), task.size, len(sd))
            for task, one in zip(tasks, found, strict=True)
        ]
        i = int(np.argmin(scores))
        misses = ranges.middle - tasks[i].rate(found[i].z[0])
        spare = max(informative_currents(tasks[i].statistics) - tasks[i].size, 1)
        sd = np.sqrt(rounding**2 + _error(misses, rounding, spare))
    fits = [
        _judged(task, one, curve, ranges, rounding, score, intervals)
        for task, one, score in zip(tasks, found, scores, strict=True)
    ]
    return noise, _widened(fits)


def _widened(fits: list[UnitFit]) -> list[UnitFit]:
    """Let the intervals of the LIF unit in noise hold those of the LIF unit, its limit.

    Next to no noise its rates bend as sharply as those of the LIF unit, and a search from inside
    hardly comes there.
    """
    plain = next((fit for fit in fits if fit.family == LIFRate.name), None)
    if plain is None or not plain.intervals:
        return fits
    return [
        replace(fit, intervals=_joined(fit.intervals, plain.intervals))
        if fit.family == NoisyLIF.name and fit.intervals and fit.possible_by == plain.possible_by
        else fit
        for fit in fits
    ]


def _joined(these: Mapping[str, Interval], others: Mapping[str, Interval]) -> dict[str, Interval]:
    """The intervals, each as wide as both together where both have one of its name."""
    return {
        name: Interval(min(one.low, others[name].low), max(one.high, others[name].high))
        if name in others
        else one
        for name, one in these.items()
    }


def _error(misses: Array, rounding: Array, freedom: int) -> float:
    """Variance that a curve must err by so that its misses are as large as expected (Hz²)."""

    def excess(variance: float) -> float:
        return float(np.sum(misses**2 / (rounding**2 + variance))) - freedom

    if excess(0.0) <= 0:
        return 0.0
    return float(brentq(excess, 0.0, float(np.sum(misses**2)) + 1.0))


def _judged(
    task: Problem,
    found: Solution,
    curve: FICurve,
    ranges: RateRanges,
    rounding: Array,
    score: float,
    intervals: bool,
) -> UnitFit:
    possible = possible_units(task, curve, found)
    z, by, ends = found.z[0], "nothing", {}
    if possible is not None:
        units, by = possible
        z = units.centre.z[0]
        if intervals:
            low, high = units.intervals()
            ends = {
                task.parameters[i].name: Interval(float(low[i]), float(high[i]))
                for i in np.flatnonzero(task.free)
            }
    unit = task.unit(z)
    misses = ranges.middle - np.asarray(unit.rate(task.statistics.current))
    notes = remarks(task, unit)
    if by == "counts" and curve.timing is not None:
        notes += ("it predicts every count but not every interval between spikes",)
    window = task.statistics.pooled_window / np.bincount(task.statistics.index)
    return UnitFit(
        unit=unit,
        log_likelihood=float(found.log_likelihood[0]),
        n_parameters=task.size,
        aicc=score,
        weight=np.nan,
        intervals=ends,
        current_pA=task.statistics.current,
        p_fit=np.nan,
        noise_ratio=float(np.sqrt(np.mean(misses**2) / np.mean(rounding**2))),
        residual_count=misses * window,
        residual_Hz=misses,
        noise_Hz=rounding,
        adequate=possible is not None,
        possible_by=by,
        notes=notes,
        fixed=task.fixed(unit),
    )
