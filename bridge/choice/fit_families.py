"""Fit every family under one noise model, and judge each fit: intervals, misfit, remarks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bridge.choice.confidence_intervals import bootstrap_intervals, profile_intervals
from bridge.choice.goodness_of_fit import misfit, noise_of_residuals
from bridge.choice.remarks import aicc, remarks
from bridge.choice.selection import Interval, UnitFit
from bridge.counts.curve import FICurve
from bridge.counts.dispersion import CountNoise, measured_noise
from bridge.counts.likelihood import log_probability
from bridge.counts.renewal import steady_rate
from bridge.counts.sufficient_statistics import SufficientStatistics
from bridge.units.fitting import Problem, Solution, best_fit, fisher_scoring

__all__ = ["fit_all", "judge"]

MISFIT_LEVEL = 0.01
"""A misfit less likely than this is more than counting noise."""
DRAWS = 1999
"""Simulated data sets behind the chance of a misfit."""


def fit_all(
    tasks: list[Problem], curve: FICurve
) -> tuple[CountNoise, list[Problem], list[Solution]]:
    """Fit every family under one noise model.

    Parameters
    ----------
    tasks : list of Problem
        One a family, with the counts of the curve.
    curve : FICurve

    Returns
    -------
    noise : CountNoise
    tasks : list of Problem
        With the statistics that this noise implies.
    found : list of Solution
        The likeliest of each family first.
    """
    found = [best_fit(task) for task in tasks]
    statistics, timing = tasks[0].statistics, curve.timing
    known = measured_noise(statistics, timing)
    if known is not None:
        shapes = known.shapes(statistics)
        if known.source == "intervals" and steady_rate(timing, curve.count, shapes):
            known = replace(known, spike_times=True)
        return known, *_refit(tasks, found, curve.statistics(shapes, known.spike_times))
    # With counts alone the best family's residuals tell; which is best may depend on them.
    noise, shape = CountNoise(), 1.0
    for _ in range(3):
        pairs = list(zip(tasks, found, strict=True))
        noises = [noise_of_residuals(task, solution.z[0]) for task, solution in pairs]
        scores = [
            aicc(
                _log_likelihood(task, solution, one.shape),
                task.size,
                len(task.statistics.count),
            )
            for (task, solution), one in zip(pairs, noises, strict=True)
        ]
        noise = noises[int(np.argmin(scores))]
        if abs(np.log(noise.shape / shape)) < 0.1:
            break
        shape = noise.shape
        tasks, found = _refit(tasks, found, curve.statistics(shape))
    return replace(noise, shape=shape), tasks, found


def _log_likelihood(task: Problem, solution: Solution, shape: float) -> float:
    """Log-likelihood of a fit under another regularity; no table is worth building for one."""
    mean = task.statistics.window * task.rate(solution.z[0])[task.statistics.index]
    return float(log_probability(task.statistics.count, mean, shape).sum())


def _refit(
    tasks: list[Problem], found: list[Solution], statistics: SufficientStatistics
) -> tuple[list[Problem], list[Solution]]:
    again = [replace(task, statistics=statistics) for task in tasks]
    return again, [
        best_fit(task, keep=4, near=near) for task, near in zip(again, found, strict=True)
    ]


def judge(
    task: Problem,
    solution: Solution,
    noise: CountNoise,
    confidence: float,
    intervals: str | None,
    seed: int,
    sets_yardstick: bool = False,
) -> UnitFit:
    ends = None
    if intervals == "profile":
        for _ in range(3):
            ends = profile_intervals(task, solution, noise.drop(confidence))
            if ends.better is None:
                break
            # The profile came upon a likelier unit: begin again from there.
            z = ends.better[None]
            again = fisher_scoring(task, z, *task.bounds(z), task.free[None])
            solution = again.best_first(solution)
    elif intervals == "bootstrap":
        ends = bootstrap_intervals(task, solution, confidence, 400, seed)
    unit = task.unit(solution.z[0])
    statistics = task.statistics
    judged = misfit(task, solution.z[0], noise, DRAWS, seed, sets_yardstick)
    bounds: dict[str, Interval] = {}
    if ends is not None:
        for i in np.flatnonzero(task.free):
            bounds[task.parameters[i].name] = Interval(float(ends.low[i]), float(ends.high[i]))
    return UnitFit(
        unit=unit,
        log_likelihood=float(solution.log_likelihood[0]),
        n_parameters=task.size,
        aicc=aicc(solution.log_likelihood[0], task.size, len(statistics.count)),
        weight=np.nan,
        intervals=bounds,
        current_pA=statistics.current,
        **vars(judged),
        adequate=not judged.p_fit < MISFIT_LEVEL,
        fixed=task.fixed(unit),
        notes=remarks(task, unit),
    )
