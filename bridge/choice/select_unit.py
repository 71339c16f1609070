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

from bridge.choice.clock_fits import fit_clock
from bridge.choice.fit_families import fit_all, judge
from bridge.choice.goodness_of_fit import groups_of_currents, informative_currents
from bridge.choice.remarks import aicc
from bridge.choice.selection import Selection, SigmoidLoss, UnitFit
from bridge.counts.curve import FICurve
from bridge.counts.dispersion import CountNoise, measured_noise
from bridge.counts.likelihood import variance
from bridge.counts.monotone import Fall, fall_after_peak
from bridge.counts.sufficient_statistics import SufficientStatistics
from bridge.errors import Refusal
from bridge.plain_numbers import strip_unit
from bridge.units import FAMILIES, Logistic, Unit
from bridge.units.fitting import Problem, problem
from bridge.units.rate_function import RateFunction
from neurosim.errors import ParameterError, UnknownNameError, suggest

__all__ = ["BLOCK_LEVEL", "scatter_of_counts", "select"]

BLOCK_LEVEL = 0.001
"""A fall after the peak less likely than this is a depolarisation block.

It refuses every monotone unit, so that of a thousand cells without a block one may be refused."""
DOUBTFUL_LEVEL = 0.01
"""A fall less likely than this is told, for a block that is not certain is often a block."""


def select(
    curve: FICurve,
    families: Iterable[type[Unit] | str] = FAMILIES,
    confidence: float = 0.95,
    intervals: str | None = "profile",
    seed: int = 0,
    current_max: float | None = None,
    fixed: Mapping[str, Mapping[str, float]] | None = None,
    intervals_within: float = np.inf,
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
    intervals_within : float
        A family whose AICc lies farther than this above that of the best gets no intervals, which
        take most of the time. At 20 its Akaike weight is below 5e-5, so that neither the choice nor
        the intervals of the unit chosen can depend on it.

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
    _check(confidence, intervals, fixed, candidates, intervals_within)
    if current_max is not None:
        curve = curve.up_to(float(strip_unit(current_max, "pA", "current_max")))
    notes: list[str] = []
    clockwork = curve.clockwork
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
    scatter = (1.0, np.inf) if clockwork else scatter_of_counts(curve)
    fall = fall_after_peak(statistics, *scatter, seed=seed)
    falls = fall.p < BLOCK_LEVEL
    if BLOCK_LEVEL <= fall.p < DOUBTFUL_LEVEL:
        notes.append(
            f"the rate seems to fall after its peak, from {fall.peak_Hz:.3g} Hz at "
            f"{fall.peak_pA:g} pA to {fall.last_Hz:.3g} Hz at {fall.last_pA:g} pA (p = "
            f"{fall.p:.2g}), as in a depolarisation block; repeat the currents from "
            f"{fall.peak_pA:g} pA on to make sure"
        )
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
        expected = ("few-currents", "few-informative", "no-block")
        few = all(why.reason in expected for why in refused.values())
        refused["curve"] = Refusal(
            ("too few currents for every family; " if few else "no family can be fitted; ")
            + "; ".join(f"{name}: {why}" for name, why in refused.items()),
            "few-currents",
        )
        return answer()

    if clockwork:
        noise, judged = fit_clock(tasks, curve, intervals is not None)
    else:
        noise, tasks, found = fit_all(tasks, curve)
        scores = [
            aicc(one.log_likelihood[0], task.size, len(statistics.count))
            for task, one in zip(tasks, found, strict=True)
        ]
        # Noise from residuals is that of the best family: nothing is left to test this one by.
        best = int(np.argmin(scores)) if noise.source == "residuals" else -1
        wanted = [intervals if s <= min(scores) + intervals_within else None for s in scores]
        judged = [
            judge(task, solution, noise, confidence, wanted[k], seed, sets_yardstick=k == best)
            for k, (task, solution) in enumerate(zip(tasks, found, strict=True))
        ]
    fits = []
    for task, fit in zip(tasks, judged, strict=True):
        if np.isfinite(fit.aicc):
            fits.append(fit)
        else:
            refused[task.family.name] = Refusal(
                f"{len(statistics.count)} measurements for {task.size} parameters and the noise; "
                f"measure at least {task.size + 3}",
                "few-measurements",
            )
    fits = _weigh(fits)
    if fits and not any(fit.adequate for fit in fits):
        refused["curve"] = _misfit(fits[0], noise)
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
    intervals_within: float,
) -> None:
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence = {confidence!r} must lie between 0 and 1, such as 0.95")
    if not intervals_within >= 0:
        raise ParameterError(
            f"intervals_within = {intervals_within!r} must be 0 or more, a difference of AICc such "
            "as 20"
        )
    if intervals not in ("profile", "bootstrap", None):
        raise ParameterError(f"intervals = {intervals!r}; choose 'profile', 'bootstrap' or None")
    for name in fixed or {}:
        names = [family.name for family in candidates]
        if name not in names:
            raise UnknownNameError(f"fixed: no family {name!r}; {suggest(name, names)}")


def scatter_of_counts(curve: FICurve) -> tuple[float, float]:
    """Variance of the counts over their mean, and the degrees of freedom that it rests on.

    Poisson's where neither repeats nor spike times tell.
    """
    statistics = curve.statistics()
    noise = measured_noise(statistics, curve.timing)
    if noise is None:
        return 1.0, np.inf
    mean = (statistics.window * curve.mean_rate_Hz()[statistics.index])[statistics.count > 0]
    shapes = np.broadcast_to(noise.shapes(statistics), statistics.count.shape)
    spread = float(variance(mean, shapes[statistics.count > 0]).sum() / mean.sum())
    return spread, noise.freedom


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
            f"one rate, about {0.5 * (slow + fast):.3g} Hz, predicts every count from {low:g} to "
            f"{high:g} pA, so nothing tells how the rate depends on the current; measure smaller "
            "currents",
            "flat",
        )
    return None


def _misfit(best: UnitFit, noise: CountNoise) -> Refusal:
    """Why no family fits, not even the best."""
    if noise.source == "clock":
        told = (
            f"the counts of this cell do not scatter, and the best family, {best.family}, does not "
            f"predict every count; it misses by {best.residual_rms_Hz:.2g} Hz (rms)"
        )
        return Refusal(f"no family fits: {told}", "misfit")
    told = f"{best.standardised}, p = {best.p_fit:.2g}"
    if noise.source != "repeats":
        told += "; repeat the currents to tell variable counts from a wrong curve"
    return Refusal(f"no family fits: the best, {best.family}, {told}", "misfit")


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
    currents, free = int(groups_of_currents(task.statistics)[-1]) + 1, task.size
    more = "" if free == 1 else ", or fix some"
    told = informative_currents(task.statistics)
    if currents >= free + 2 and told >= free:
        return None
    if currents >= free + 2:
        return Refusal(
            f"not enough informative currents: {told} for {free} parameters (silent currents "
            f"beyond the next one say nothing more); measure at least {free} that fire{more}",
            "few-informative",
        )
    return Refusal(
        f"{currents} currents for {free} parameters; measure at least {free + 2}{more}",
        "few-currents",
    )


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
