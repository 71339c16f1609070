"""Fit a neuron to a recorded cell: several starts, in stages, by the gradient of the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bridge.fit.certainty import Certainty, FlatDirection, certainty_of
from bridge.fit.fit_candidates import draw
from bridge.fit.fit_evolution import apart, evolve
from bridge.fit.fit_problem import WORST, FitProblem
from bridge.fit.fit_target import FitTarget, target_of
from bridge.fit.misfit import Stage, Tolerances
from bridge.fit.multi_start import (
    NEAR_NOISE,
    Found,
    jacobian,
    many_minima,
    polish,
    without_gradient,
)
from bridge.fit.neuron_families import NeuronFamily, family_of
from bridge.fit.neuron_fit import Control, FittedParameter, NeuronFit
from bridge.fit.step_scores import between_neighbours, check_unit, own_reliability, score_steps
from bridge.fit.valley import finish
from bridge.recordings.cell import CellRecording
from neurosim.errors import ParameterError
from neurosim.quantities import check_seed, check_whole

__all__ = ["fit_neuron"]

Array = NDArray[np.float64]

# Generations of the population, and steps of each search by gradient.
_GENERATIONS, _TIMES, _ALL = 40, 12, 15
# Candidates of the population for each start.
_DRAWN = 8
# Generations where each start has a population of its own.
_OWN_GENERATIONS = 25
# How many of the searches are brought to the bottom, unless they ended so many times higher.
_POLISHED, _FAR = 3, 4.0
# How many times the noise, sample by sample, still counts as nothing but noise.
_NOISE = 1.25


def fit_neuron(
    cell: CellRecording | FitTarget,
    family: str = "adex",
    *,
    step: int | None = None,
    starts: int = 8,
    control: bool = False,
    tolerances: Tolerances | None = None,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    series_Mohm: float | Literal["seen"] | None = None,
) -> NeuronFit:
    """Fit a neuron to the current steps of a recording.

    Candidates are drawn at random within the bounds of the family; their passive parameters are
    those that the recording shows. They improve together as a population, without gradient: it
    passes over the jumps of the misfit where a spike appears. From the best of them searches follow
    the gradient of the run itself, to the times of the spikes and then to times and potential.

    Parameters
    ----------
    cell : CellRecording or FitTarget
        What `bridge.recordings.read` returns.
    family : str
        ``"adex"``, ``"glif"``, ``"igif"``, ``"hh1"`` or ``"hh2"``.
    step : int, optional
        Which step of a sweep (default: the first from the holding current).
    starts : int
        How large the search is: the population has eight candidates for each, and searches by
        gradient begin from half as many. With ``"glif"`` and ``"igif"`` each is a population of its
        own.
    control : bool
        Whether CMA-ES searches too, without gradient, with as many runs.
    tolerances : Tolerances, optional
        What counts as a miss of one.
    seed : int
        Of the candidates.
    progress : callable, optional
        Called with the share that is done.
    series_Mohm : float or "seen", optional
        Resistance of the electrode whose drop is subtracted before the fit; "seen" subtracts what
        jumps with the current at the edges of steps. By default nothing is, and the report tells
        what jumps.

    Returns
    -------
    NeuronFit

    Raises
    ------
    UnknownNameError
        There is no such family.
    ParameterError
        Every candidate fires at once after its reset, so that none can be compared.
    RecordingError
        The recording has too few steps, or no spikes.
    ExtraMissingError
        `control` is asked for and the package `cma` is not installed.
    """
    if not isinstance(cell, CellRecording | FitTarget):
        raise ParameterError(
            "fit_neuron: cell must be a recording, such as bridge.recordings.read('cell.abf') "
            f"returns; got {cell!r}"
        )
    starts = check_whole(starts, "fit_neuron: starts")
    seed = int(check_seed(seed))
    tell = progress or (lambda _: None)
    kind = family_of(family)
    target = (
        cell if isinstance(cell, FitTarget)
        else target_of(cell, step, series_Mohm=series_Mohm, restless=bool(kind.starts_at))
    )  # fmt: skip
    problem = FitProblem(kind, target, tolerances or Tolerances())
    if control:
        from bridge.errors import optional

        optional("cma", "a fit without gradient", "fit")
    # A reset neuron is first of all to fire when the cell does: it has no spikes to compare, and
    # what follows them in a cell is not what follows a reset.
    first_stage: Stage = "times" if problem.family.is_reset else "all"
    every = np.ones(len(problem.family.parameters), dtype=bool)
    if problem.family.is_rugged:
        drawn, found = _one_by_one(problem, starts, seed, tell)
    else:
        drawn = draw(problem, max(starts * _DRAWN, 2 * _DRAWN), seed)
        grown = evolve(problem, drawn, first_stage, _GENERATIONS, seed)
        found = apart(grown, (starts + 1) // 2)
    tell(0.3)
    if first_stage == "times":
        found = many_minima(lambda u: problem.gradient(u, "times"), found.u, every, _TIMES)
        problem.tolerances = _attainable(problem, found.best().u[0])
    tell(0.45)
    found = many_minima(lambda u: problem.gradient(u, "all"), found.u, every, _ALL)
    ended = found.best(starts)
    tell(0.65)
    best = _bottom(problem, ended)
    if best.misfit >= WORST:
        raise ParameterError(
            f"fit_neuron: no neuron of the family {family} that was tried can be run through these "
            "steps; give more starts or another family"
        )
    tell(0.95)
    first = Found(drawn, problem.roughly(drawn, first_stage)).best().u[0] if control else None
    return _told(problem, best, ended, first, seed)


def _one_by_one(
    problem: FitProblem, starts: int, seed: int, tell: Callable[[float], None]
) -> tuple[Array, Found]:
    """Let each start be a population of its own, brought to its own minimum of spike times.

    A population ends in one valley. Of a family of many parameters there are many, in which spikes
    come at all wrong times, and which one a population ends in is chance.
    """
    every, ends = [], []
    for k in range(starts):
        drawn = draw(problem, 2 * len(problem.family.parameters), seed + k)
        grown = evolve(problem, drawn, "times", _OWN_GENERATIONS, seed + k)
        ends.append(polish(problem, grown.u[0], "times"))
        every.append(drawn)
        tell(0.3 * (k + 1) / starts)
    u = np.concatenate([one.u for one in ends])
    misfit = np.concatenate([one.misfit for one in ends])
    return np.concatenate(every), Found(u, misfit).best(max(_POLISHED, (starts + 1) // 2))


@dataclass(frozen=True, eq=False)
class _Ended:
    """Where the search ended, and by what comparison it is at the bottom."""

    u: Array
    misfit: float
    stage: Stage
    over_noise: float = float("nan")


def _bottom(problem: FitProblem, ended: Found) -> _Ended:
    """Bring the best of the searches to the bottom, until one leaves the noise and no more."""
    ends: list[_Ended] = []
    for u, misfit in zip(ended.u[:_POLISHED], ended.misfit[:_POLISHED], strict=True):
        # One that is far behind is left where it is.
        if misfit <= _FAR * ended.misfit[0]:
            ends.append(_finished(problem, polish(problem, u, "all")))
        if ends[-1].stage == "exact":
            return ends[-1]
    return min(ends, key=lambda one: one.misfit)


def _finished(problem: FitProblem, best: Found) -> _Ended:
    """Bring a fit to the bottom of the exact comparison, if it is good enough for that."""
    near = float(best.misfit[0])
    if near > NEAR_NOISE * problem.noise_misfit("all"):
        return _Ended(best.u[0], near, "all")
    exact = finish(problem, best.u[0])
    over = float(exact.misfit[0]) / problem.noise_misfit("exact")
    if over > _NOISE:
        return _Ended(best.u[0], near, "all", over)
    return _Ended(exact.u[0], float(problem.value(exact.u[0], "all")[0]), "exact", over)


def _attainable(problem: FitProblem, u: Array) -> Tolerances:
    """Return tolerances with which the potential does not outweigh the spikes.

    Where the best neuron by the times of the spikes is off in potential by more than the tolerance,
    as every reset neuron is from a cell, it is not asked to trade spikes for millivolts. In steps
    without spikes there are none to trade: their tolerance stays.
    """
    given = problem.tolerances
    pieces = [one for one in problem.misfits("all") if not one.is_silent]
    runs = problem.answers(u, [one.piece for one in pieces])
    off = [
        float(np.sum(one.values(run)[: len(one.layout.samples)] ** 2))
        for one, run in zip(pieces, runs, strict=True)
    ]
    # Of each step the potential's residuals sum to a mean square, in tolerances.
    return replace(given, between_mV=given.between_mV * max(1.0, float(np.sqrt(np.mean(off)))))


def _told(
    problem: FitProblem, found: _Ended, ended: Found, first: Array | None, seed: int
) -> NeuronFit:
    """Score the best candidate and say how sure it is."""
    target, u = problem.target, found.u
    runs, gradients, growth = problem.runs, problem.gradients, problem.growth
    control = None
    if first is not None:
        other = without_gradient(problem, first, "all", runs, seed)
        control = Control(float(other.misfit[0]), problem.runs - runs)
    values, slopes = jacobian(problem, u, found.stage)
    sure = certainty_of(u, values, slopes, problem.clusters(found.stage))
    pieces = [*target.train, *target.held_out]
    traced = problem.answers(u, pieces)
    spikes = [run.spikes_ms for run in traced]
    seen = len(target.train)
    scores = (
        *score_steps(target, target.train, spikes[:seen], held_out=False),
        *score_steps(target, target.held_out, spikes[seen:], held_out=True),
    )
    grid = np.arange(1, len(traced[0].v_mV) + 1) * problem.family.dt_ms
    sampled = np.array([np.interp(target.time_ms, grid, run.v_mV) for run in traced])
    return NeuronFit(
        family=problem.family,
        target=target,
        parameters=_parameters(problem, u, sure),
        flat=tuple(_in_words(problem.family, one) for one in sure.flat),
        misfit=found.misfit,
        starts=tuple(float(one) for one in ended.misfit),
        scores=scores,
        reliability=own_reliability(target),
        neighbours=between_neighbours(target),
        unit=check_unit(target, scores),
        noise_misfit=problem.noise_misfit("all"),
        remaining=sure.remaining,
        over_noise=found.over_noise,
        runs=runs,
        gradients=gradients,
        growth=growth,
        between_mV=problem.tolerances.between_mV,
        control=control,
        traces=sampled,
    )


def _parameters(problem: FitProblem, u: Array, sure: Certainty) -> tuple[FittedParameter, ...]:
    at, low, high = (problem.parameters(one) for one in (u, sure.low, sure.high))
    return tuple(
        FittedParameter(
            one.name, one.words, one.unit, float(at[k]), float(low[k]), float(high[k]),
            bool(sure.identifiable[k]), tuple(problem.bounds[k].tolist()),
        )
        for k, one in enumerate(problem.family.parameters)
    )  # fmt: skip


def _in_words(family: NeuronFamily, flat: FlatDirection) -> str:
    """Say a direction: which parameters move together, and which against them."""
    parts = [
        f"{'more' if share > 0 else 'less'} {family.parameters[k].words} ({abs(share):.2f})"
        for k, share in flat.parts
    ]
    return " with ".join([parts[0], " and ".join(parts[1:])] if len(parts) > 1 else parts)
