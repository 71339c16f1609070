"""Which artificial unit stands for this neuron, how sure that is, and what is lost.

Every family is fitted by likelihood, weighed by AICc (Hurvich and Tsai 1989, Biometrika 76:297;
weights: Burnham and Anderson 2002), and claims to fit only when its residuals are no larger than
counting noise. Where no unit may stand for the curve, the answer is a refusal with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bridge.choice.confidence_intervals import bootstrap_intervals, profile_intervals
from bridge.choice.goodness_of_fit import misfit, noise_of_residuals
from bridge.choice.selection import Interval, Selection, SigmoidLoss, UnitFit
from bridge.counts.curve import FICurve
from bridge.counts.dispersion import CountNoise, noise_of_repeats
from bridge.counts.likelihood import log_probability
from bridge.counts.monotone import Fall, fall_after_peak
from bridge.counts.sufficient_statistics import SufficientStatistics
from bridge.errors import Refusal
from bridge.plain_numbers import strip_unit
from bridge.units import FAMILIES, Logistic, Unit
from bridge.units.fitting import Problem, Solution, best_fit, fisher_scoring, problem
from bridge.units.rate_function import RateFunction
from neurosim.errors import ParameterError, UnknownNameError, suggest

__all__ = ["select"]

BLOCK_LEVEL = 0.01
"""A fall after the peak less likely than this is a depolarisation block."""
MISFIT_LEVEL = 0.01
"""A misfit less likely than this is more than counting noise."""
DRAWS = 1999
"""Simulated data sets behind the chance of a misfit."""


def select(
    curve: FICurve,
    families: Iterable[type[Unit] | str] = FAMILIES,
    confidence: float = 0.95,
    intervals: str | None = "profile",
    seed: int = 0,
    current_max: float | None = None,
    fixed: Mapping[str, Mapping[str, float]] | None = None,
) -> Selection:
    """Choose the unit that stands for a measured f-I curve.

    Parameters
    ----------
    curve : FICurve
        Spike counts at constant currents.
    families : iterable of Unit classes or names
        Candidates; by default all of `bridge.units.FAMILIES`, so that the same counts get the
        same answer wherever they are judged. A fall after the peak that is more than chance
        refuses every monotone family; without one there is no evidence for a block, and that
        family is refused.
    confidence : float
        Of the parameters' intervals.
    intervals : {"profile", "bootstrap", None}
        How to find them; None leaves them out and is faster.
    seed : int
        Of the simulated tests and the bootstrap.
    current_max : float or Quantity, optional
        Leave out larger currents (pA), such as those of a depolarisation block.
    fixed : mapping, optional
        Known parameters by family name, such as ``{"lif": {"refractory_s": 0.002}}``.

    Returns
    -------
    Selection
        With the best unit, or the reasons why none may stand for the curve.

    Raises
    ------
    ParameterError, UnknownNameError
        An argument is not what it should be.
    CurveError
        `current_max` leaves fewer than two measurements.

    Examples
    --------
    >>> from bridge.units import SquareRoot
    >>> current = np.arange(0, 301, 25.0)
    >>> spikes = np.round(2 * SquareRoot(3, 90).rate(current))
    >>> chosen = select(FICurve(current, spikes, 2.0), families=["relu", "square-root"])
    >>> chosen.best.family, chosen.best.adequate
    ('square-root', True)
    >>> silent = select(FICurve([0, 50, 100], [0, 0, 0], 1.0))
    >>> print(silent.refused["curve"])
    no spikes up to 100 pA; measure at larger currents
    """
    candidates = _families(families)
    _check(confidence, intervals, fixed, candidates)
    if current_max is not None:
        curve = curve.up_to(float(strip_unit(current_max, "pA", "current_max")))
    notes: list[str] = []
    single = curve.without_copies()
    if single is not None:
        notes.append("repeats are identical: one trial of each current is used")
        curve = single
    statistics = curve.statistics()
    refused: dict[str, Refusal] = {}

    def answer(*found: Any) -> Selection:
        fits, noise, loss = found or ((), CountNoise(), None)
        return Selection(curve, tuple(fits), noise, confidence, refused, tuple(notes), loss)

    reason = _unfit_curve(statistics)
    if reason is not None:
        refused["curve"] = reason
        return answer()
    fall = fall_after_peak(statistics, seed=seed)
    falls = fall.p < BLOCK_LEVEL
    if falls and all(family.monotone for family in candidates):
        refused["curve"] = _blocked(fall)
        return answer()

    tasks: list[Problem] = []
    for family in candidates:
        task = problem(family, statistics, (fixed or {}).get(family.name))
        why = _wrong_shape(family, fall) if family.monotone == falls else _too_few(task)
        if why is None:
            tasks.append(task)
        else:
            refused[family.name] = why
    if not tasks:
        few = all(why.reason in ("few-currents", "no-block") for why in refused.values())
        refused["curve"] = Refusal(
            ("too few currents for every family; " if few else "no family can be fitted; ")
            + "; ".join(f"{name}: {why}" for name, why in refused.items()),
            "few-currents",
        )
        return answer()

    noise, tasks, found = _fit_all(tasks)
    fits = []
    for task, solution in zip(tasks, found, strict=True):
        fit = _judge(task, solution, noise, confidence, intervals, seed)
        if np.isfinite(fit.aicc):
            fits.append(fit)
        else:
            refused[task.family.name] = Refusal(
                f"{len(statistics.count)} measurements for {task.size} parameters and the noise; "
                f"measure at least {task.size + 3}",
                "few-measurements",
            )
    fits = _weigh(fits)
    if not any(fit.adequate for fit in fits):
        best = fits[0]
        repeat = "; repeat the currents (column trial) to tell variable counts from a wrong curve"
        refused["curve"] = Refusal(
            f"no family fits: the best, {best.family}, misses by {best.noise_ratio:.2g} times "
            f"counting noise (p = {best.p_fit:.2g})"
            + ("" if noise.source == "repeats" else repeat),
            "misfit",
        )
    return answer(fits, noise, _sigmoid_loss(fits, statistics))


def _families(families: Iterable[type[Unit] | str]) -> list[type[Unit]]:
    known = {family.name: family for family in FAMILIES}
    chosen: list[type[Unit]] = []
    for family in [families] if isinstance(families, (str, type)) else families:
        if isinstance(family, str):
            if family not in known:
                raise UnknownNameError(f"no family {family!r}; {suggest(family, known)}")
            chosen.append(known[family])
        elif isinstance(family, type) and issubclass(family, Unit):
            chosen.append(family)
        else:
            raise ParameterError(f"{family!r} is no unit family; known: {', '.join(known)}")
    if not chosen:
        raise ParameterError("select needs at least one family")
    return list(dict.fromkeys(chosen))


def _check(
    confidence: float,
    intervals: str | None,
    fixed: Mapping[str, Mapping[str, float]] | None,
    candidates: list[type[Unit]],
) -> None:
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence = {confidence!r} must lie between 0 and 1, such as 0.95")
    if intervals not in ("profile", "bootstrap", None):
        raise ParameterError(f"intervals = {intervals!r}; choose 'profile', 'bootstrap' or None")
    for name in fixed or {}:
        names = [family.name for family in candidates]
        if name not in names:
            raise UnknownNameError(f"fixed: no family {name!r}; {suggest(name, names)}")


def _unfit_curve(statistics: SufficientStatistics) -> Refusal | None:
    """Why no unit at all can stand for the curve."""
    firing = statistics.current[statistics.pooled_count > 0]
    if not len(firing):
        last = statistics.current[-1]
        return Refusal(f"no spikes up to {last:g} pA; measure at larger currents", "silent")
    if len(firing) < 2:
        return Refusal(
            f"spikes at only one current ({firing[0]:g} pA); measure at least two that fire",
            "one-current",
        )
    # A count of n in a window T fits any rate within 1 / T of n / T.
    slow = float(((statistics.count - 1) / statistics.window).max())
    fast = float(((statistics.count + 1) / statistics.window).min())
    if len(firing) == len(statistics.current) > 2 and slow < fast:
        low, high = statistics.current[[0, -1]]
        return Refusal(
            f"one rate, about {0.5 * (slow + fast):.3g} Hz, gives every count from {low:g} to "
            f"{high:g} pA, so nothing tells how the rate depends on the current; measure smaller "
            "currents",
            "flat",
        )
    return None


def _wrong_shape(family: type[RateFunction], fall: Fall) -> Refusal:
    """Why a family with or without a block is not what the curve shows."""
    if family.monotone:
        return _blocked(fall)
    return Refusal(
        f"no depolarisation block: the firing rate does not fall after its peak (p = {fall.p:.2g})",
        "no-block",
    )


def _blocked(fall: Fall) -> Refusal:
    """Why no monotone unit can stand for the curve."""
    return Refusal(
        f"depolarisation block: the rate peaks at {fall.peak_pA:g} pA ({fall.peak_Hz:.3g} Hz) "
        f"and falls to {fall.last_Hz:.3g} Hz at {fall.last_pA:g} pA (p = {fall.p:.2g}), so no "
        f"monotone unit is right; fit the rising part with current_max={fall.peak_pA:g}",
        "block",
    )


def _too_few(task: Problem) -> Refusal | None:
    currents, free = len(task.statistics.current), task.size
    if currents >= free + 2:
        return None
    more = "" if free == 1 else ", or fix some"
    return Refusal(
        f"{currents} currents for {free} parameters; measure at least {free + 2}{more}",
        "few-currents",
    )


def _fit_all(tasks: list[Problem]) -> tuple[CountNoise, list[Problem], list[Solution]]:
    """Fit every family under one noise model, chosen by evidence."""
    found = [best_fit(task) for task in tasks]
    noise = noise_of_repeats(tasks[0].statistics)
    if noise is None:
        # Without repeats the best family's residuals tell; which is best may depend on them.
        noise, shape = CountNoise(), 1.0
        for _ in range(3):
            pairs = list(zip(tasks, found, strict=True))
            noises = [noise_of_residuals(task, solution.z[0]) for task, solution in pairs]
            scores = [
                _aicc(
                    _log_likelihood(task, solution, one.shape),
                    task.size + one.estimated,
                    len(task.statistics.count),
                )
                for (task, solution), one in zip(pairs, noises, strict=True)
            ]
            noise = noises[int(np.argmin(scores))]
            if abs(np.log(noise.shape / shape)) < 0.1:
                break
            shape = noise.shape
            tasks, found = _refit(tasks, found, shape)
        noise = replace(noise, shape=shape) if noise.estimated else noise
        if not noise.estimated and shape != 1.0:
            tasks, found = _refit(tasks, found, 1.0)
    elif noise.shape != 1.0:
        tasks, found = _refit(tasks, found, noise.shape)
    return noise, tasks, found


def _log_likelihood(task: Problem, solution: Solution, shape: float) -> float:
    """Log-likelihood of a fit under another regularity; no table is worth building for one."""
    mean = task.statistics.window * task.rate(solution.z[0])[task.statistics.index]
    return float(log_probability(task.statistics.count, mean, shape).sum())


def _refit(
    tasks: list[Problem], found: list[Solution], shape: float
) -> tuple[list[Problem], list[Solution]]:
    statistics = replace(tasks[0].statistics, shape=shape)
    again = [replace(task, statistics=statistics) for task in tasks]
    return again, [
        best_fit(task, keep=4, near=near) for task, near in zip(again, found, strict=True)
    ]


def _aicc(log_likelihood: float, parameters: int, measurements: int) -> float:
    spare = measurements - parameters - 1
    if spare <= 0:
        return np.inf
    return float(-2 * log_likelihood + 2 * parameters + 2 * parameters * (parameters + 1) / spare)


def _judge(
    task: Problem,
    solution: Solution,
    noise: CountNoise,
    confidence: float,
    intervals: str | None,
    seed: int,
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
    judged = misfit(task, solution.z[0], noise, DRAWS, seed)
    bounds: dict[str, Interval] = {}
    if ends is not None:
        for i in np.flatnonzero(task.free):
            bounds[task.parameters[i].name] = Interval(float(ends.low[i]), float(ends.high[i]))
    return UnitFit(
        unit=unit,
        log_likelihood=float(solution.log_likelihood[0]),
        n_parameters=task.size,
        aicc=_aicc(solution.log_likelihood[0], task.size + noise.estimated, len(statistics.count)),
        weight=np.nan,
        intervals=bounds,
        current_pA=statistics.current,
        **vars(judged),
        adequate=judged.p_fit >= MISFIT_LEVEL,
        notes=_remarks(task, unit),
    )


def _remarks(task: Problem, unit: Unit) -> tuple[str, ...]:
    statistics, remarks = task.statistics, []
    if task.family.sharp and task.free[task.location] and statistics.pooled_count[0] > 0:
        remarks.append(
            f"every current fires, so {task.family.location} is extrapolated below "
            f"{statistics.current[0]:g} pA"
        )
    for i, parameter in enumerate(task.parameters):
        value = getattr(unit, parameter.name)
        ends = [parameter.lower, parameter.upper]
        if task.free[i] and np.isclose(value, ends, rtol=1e-6, atol=0).any():
            remarks.append(f"{parameter.name} lies at the end of its range")
    top = getattr(unit, "max_rate_Hz", None)
    seen = float((statistics.pooled_count / statistics.pooled_window).max())
    if top is not None and top > 2 * seen and np.isnan(task.known[0]):
        remarks.append(f"saturation at {top:.3g} Hz lies far above any rate seen ({seen:.3g} Hz)")
    return tuple(remarks)


def _weigh(fits: list[UnitFit]) -> list[UnitFit]:
    fits = sorted(fits, key=lambda fit: fit.aicc)
    relative = np.exp([-0.5 * (fit.aicc - fits[0].aicc) for fit in fits])
    weights = relative / relative.sum()
    return [replace(fit, weight=float(weight)) for fit, weight in zip(fits, weights, strict=True)]


def _sigmoid_loss(fits: list[UnitFit], statistics: SufficientStatistics) -> SigmoidLoss | None:
    sigmoid = next((fit for fit in fits if isinstance(fit.unit, Logistic)), None)
    if sigmoid is None:
        return None
    best = fits[0]
    gap = sigmoid.unit.rate(statistics.current) - best.unit.rate(statistics.current)
    worst = int(np.argmax(np.abs(gap)))
    bits = (best.log_likelihood - sigmoid.log_likelihood) / np.log(2)
    return SigmoidLoss(
        best=best.family,
        rms_Hz=float(np.sqrt(np.mean(gap**2))),
        max_Hz=float(abs(gap[worst])),
        max_at_pA=float(statistics.current[worst]),
        residual_rms_Hz=sigmoid.residual_rms_Hz,
        best_residual_rms_Hz=best.residual_rms_Hz,
        delta_aicc=sigmoid.aicc - best.aicc,
        bits_per_measurement=float(bits / len(statistics.count)),
        bits_per_spike=float(bits / statistics.count.sum()),
    )
