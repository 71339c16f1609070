"""Which artificial unit stands for this neuron, how sure that is, and what is lost.

Every family is fitted by likelihood, weighed by AICc (Hurvich and Tsai 1989, Biometrika 76:297;
weights: Burnham and Anderson 2002), and claims to fit only when its residuals are no larger than
counting noise. Where no unit may stand for the curve, the answer is a refusal with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridge.choice.fitting import Problem, Solution, best_fit, climb, problem, stretches
from bridge.choice.goodness_of_fit import misfit, noise_of_residuals
from bridge.choice.intervals import bootstrap_intervals, profile_intervals
from bridge.choice.selection import Interval, Selection, SigmoidLoss, UnitFit
from bridge.counts.curve import FICurve
from bridge.counts.dispersion import CountNoise, copies, noise_of_repeats
from bridge.counts.likelihood import log_probability
from bridge.counts.monotone import Fall, fall_after_peak
from bridge.counts.sufficient_statistics import Tally
from bridge.plain_numbers import strip_unit
from bridge.units import EVERY_FAMILY, FAMILIES, Logistic, Unit
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
        Candidates; by default the monotone ones that begin at zero. `bridge.units.EVERY_FAMILY`
        adds ``"type-two"``, which begins with a jump, and ``"block"``, which falls after its peak.
        A fall that is more than chance refuses every monotone family; without one there is no
        evidence for a block, and that family is refused.
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
    single = copies(curve)
    if single is not None:
        notes.append("repeats are identical: one trial of each current is used")
        curve = single
    tally = Tally.of(curve)

    reason = _unfit_curve(tally)
    fall = None if reason is not None else fall_after_peak(tally, seed=seed)
    if fall is not None and fall.p < BLOCK_LEVEL and all(family.monotone for family in candidates):
        reason = _blocked(fall)
    if reason is not None:
        return Selection(curve, (), CountNoise(), confidence, {"curve": reason}, tuple(notes))

    assert fall is not None
    refused: dict[str, str] = {}
    tasks: list[Problem] = []
    for family in candidates:
        if family.monotone == (fall.p < BLOCK_LEVEL):
            refused[family.name] = (
                _blocked(fall)
                if family.monotone
                else f"the rate does not fall after its peak by more than chance (p = {fall.p:.2g})"
            )
            continue
        task = problem(family, tally, (fixed or {}).get(family.name))
        why = _too_few(task)
        if why is None:
            tasks.append(task)
        else:
            refused[family.name] = why
    if not tasks:
        few = all(family.monotone != (fall.p < BLOCK_LEVEL) for family in candidates)
        refused["curve"] = (
            "too few currents for every family; " if few else "no family can be fitted; "
        ) + "; ".join(f"{name}: {why}" for name, why in refused.items())
        return Selection(curve, (), CountNoise(), confidence, refused, tuple(notes))

    noise, tasks, found = _fit_all(tasks)
    fits = []
    for task, solution in zip(tasks, found, strict=True):
        fits.append(
            _judge(task, solution, noise, confidence=confidence, intervals=intervals, seed=seed)
        )
        if not np.isfinite(fits[-1].aicc):
            refused[task.family.name] = (
                f"{len(tally.count)} measurements for {task.size} parameters and the noise; "
                f"measure at least {task.size + 3}"
            )
    fits = _weigh([fit for fit in fits if np.isfinite(fit.aicc)])
    if not any(fit.adequate for fit in fits):
        best = fits[0]
        refused["curve"] = (
            f"no family fits: the best, {best.family}, misses by {best.noise_ratio:.2g} times "
            f"counting noise (p = {best.p_fit:.2g})"
            + (
                "; repeat the currents (column trial) to tell variable counts from a wrong curve"
                if noise.source != "repeats"
                else ""
            )
        )
    return Selection(
        curve, tuple(fits), noise, confidence, refused, tuple(notes), _sigmoid_loss(fits, tally)
    )


def _families(families: Iterable[type[Unit] | str]) -> list[type[Unit]]:
    known = {family.name: family for family in EVERY_FAMILY}
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


def _unfit_curve(tally: Tally) -> str | None:
    """Why no unit at all can stand for the curve."""
    last = tally.current[-1]
    if not tally.pooled_count.any():
        return f"no spikes up to {last:g} pA; measure at larger currents"
    firing = int((tally.pooled_count > 0).sum())
    if firing < 2:
        return (
            f"spikes at only one current ({tally.current[tally.pooled_count > 0][0]:g} pA); "
            "measure at least two that fire"
        )
    return None


def _blocked(fall: Fall) -> str:
    """Why no monotone unit can stand for the curve."""
    return (
        f"depolarisation block: the rate peaks at {fall.peak_pA:g} pA ({fall.peak_Hz:.3g} Hz) "
        f"and falls to {fall.last_Hz:.3g} Hz at {fall.last_pA:g} pA (p = {fall.p:.2g}), so no "
        f"monotone unit is right; fit the rising part with current_max={fall.peak_pA:g}"
    )


def _too_few(task: Problem) -> str | None:
    currents, free = len(task.tally.current), task.size
    if currents < free + 2:
        return f"{currents} currents for {free} parameters; measure at least {free + 2}" + (
            "" if free == 1 else ", or fix some"
        )
    return None


def _fit_all(tasks: list[Problem]) -> tuple[CountNoise, list[Problem], list[Solution]]:
    """Fit every family under one noise model, chosen by evidence."""
    found = [best_fit(task) for task in tasks]
    noise = noise_of_repeats(tasks[0].tally)
    if noise is None:
        # Without repeats the best family's residuals tell; which is best may depend on them.
        noise, shape = CountNoise(), 1.0
        for _ in range(3):
            noises = [
                noise_of_residuals(task, solution.z[0])
                for task, solution in zip(tasks, found, strict=True)
            ]
            scores = [
                _aicc(
                    _log_likelihood(task, solution, one.shape),
                    task.size + one.estimated,
                    len(task.tally.count),
                )
                for task, solution, one in zip(tasks, found, noises, strict=True)
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
    mean = task.tally.window * task.rate(solution.z[0])[task.tally.index]
    return float(log_probability(task.tally.count, mean, shape).sum())


def _refit(
    tasks: list[Problem], found: list[Solution], shape: float
) -> tuple[list[Problem], list[Solution]]:
    tally = tasks[0].tally.with_shape(shape)
    again = [Problem(task.family, tally, task.settings, task.known) for task in tasks]
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
    *,
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
            solution = _from(task, solution, ends.better)
    elif intervals == "bootstrap":
        ends = bootstrap_intervals(task, solution, confidence, 400, seed)
    unit = task.unit(solution.z[0])
    tally = task.tally
    judged = misfit(task, solution.z[0], noise, DRAWS, seed)
    bounds: dict[str, Interval] = {}
    if ends is not None:
        for i, parameter in enumerate(task.parameters):
            if task.free[i]:
                bounds[parameter.name] = Interval(float(ends.low[i]), float(ends.high[i]))
    return UnitFit(
        unit=unit,
        log_likelihood=float(solution.log_likelihood[0]),
        n_parameters=task.size,
        aicc=_aicc(solution.log_likelihood[0], task.size + noise.estimated, len(tally.count)),
        weight=np.nan,
        intervals=bounds,
        current_pA=tally.current,
        residual_count=judged.residual_count,
        residual_Hz=judged.residual_Hz,
        noise_Hz=judged.noise_Hz,
        p_fit=judged.p,
        noise_ratio=judged.ratio,
        adequate=judged.p >= MISFIT_LEVEL,
        notes=_remarks(task, unit),
    )


def _from(task: Problem, solution: Solution, z: NDArray[np.float64]) -> Solution:
    low, high = task.lower.copy(), task.upper.copy()
    if task.family.sharp:
        edges, where = stretches(task.tally), task.location
        i = int(np.clip(np.searchsorted(edges, z[where], side="right") - 1, 0, len(edges) - 2))
        low[where], high[where] = edges[i], edges[i + 1]
    found = climb(task, z[None], low[None], high[None], task.free[None])
    z_all = np.concatenate([found.z, solution.z])
    total = np.concatenate([found.log_likelihood, solution.log_likelihood])
    order = np.argsort(-total, kind="stable")
    return Solution(
        z_all[order],
        total[order],
        np.concatenate([found.low, solution.low])[order],
        np.concatenate([found.high, solution.high])[order],
    )


def _remarks(task: Problem, unit: Unit) -> tuple[str, ...]:
    tally, remarks = task.tally, []
    if task.family.sharp and task.free[task.location] and tally.pooled_count[0] > 0:
        remarks.append(
            f"every current fires, so {task.family.location} is extrapolated below "
            f"{tally.current[0]:g} pA"
        )
    for i, parameter in enumerate(task.parameters):
        value = getattr(unit, parameter.name)
        ends = [parameter.lower, parameter.upper]
        if task.free[i] and np.isclose(value, ends, rtol=1e-6, atol=0).any():
            remarks.append(f"{parameter.name} lies at the end of its range")
    top = getattr(unit, "max_rate_Hz", None)
    seen = float((tally.pooled_count / tally.pooled_window).max())
    if top is not None and top > 2 * seen and np.isnan(task.known[0]):
        remarks.append(f"saturation at {top:.3g} Hz lies far above any rate seen ({seen:.3g} Hz)")
    return tuple(remarks)


def _weigh(fits: list[UnitFit]) -> list[UnitFit]:
    fits = sorted(fits, key=lambda fit: fit.aicc)
    relative = np.exp(-0.5 * (np.array([fit.aicc for fit in fits]) - fits[0].aicc))
    return [
        replace(fit, weight=float(weight))
        for fit, weight in zip(fits, relative / relative.sum(), strict=True)
    ]


def _sigmoid_loss(fits: list[UnitFit], tally: Tally) -> SigmoidLoss | None:
    sigmoid = next((fit for fit in fits if isinstance(fit.unit, Logistic)), None)
    if sigmoid is None:
        return None
    best = fits[0]
    gap = sigmoid.unit.rate(tally.current) - best.unit.rate(tally.current)
    worst = int(np.argmax(np.abs(gap)))
    bits = (best.log_likelihood - sigmoid.log_likelihood) / np.log(2)
    return SigmoidLoss(
        best=best.family,
        rms_Hz=float(np.sqrt(np.mean(gap**2))),
        max_Hz=float(abs(gap[worst])),
        max_at_pA=float(tally.current[worst]),
        residual_rms_Hz=sigmoid.residual_rms_Hz,
        best_residual_rms_Hz=best.residual_rms_Hz,
        delta_aicc=sigmoid.aicc - best.aicc,
        bits_per_measurement=float(bits / len(tally.count)),
        bits_per_spike=float(bits / tally.count.sum()),
    )
