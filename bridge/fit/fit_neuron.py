"""Fit a neuron to a recorded cell: several starts, in stages, by the gradient of the run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from bridge.fit.certainty import Certainty, FlatDirection, certainty_of
from bridge.fit.fit_problem import FitProblem
from bridge.fit.fit_target import FitTarget, target_of
from bridge.fit.misfit import Tolerances
from bridge.fit.multi_start import Found, jacobian, many_minima, polish, without_gradient
from bridge.fit.neuron_families import NeuronFamily, family_of
from bridge.fit.neuron_fit import Control, FittedParameter, NeuronFit
from bridge.fit.step_scores import check_unit, own_reliability, score_steps
from bridge.recordings.cell import CellRecording
from neurosim.errors import ParameterError

__all__ = ["fit_neuron"]

Array = NDArray[np.float64]

# Steps of each search, stage by stage.
_PASSIVE, _TIMES, _ALL = 12, 25, 15
# Candidates that are looked at for each start.
_DRAWN = 8
# How many of the searches are brought to the bottom, unless they ended so many times higher.
_POLISHED, _FAR = 2, 2.0


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
) -> NeuronFit:
    """Fit a neuron to the current steps of a recording.

    Candidates are drawn at random within the bounds of the family; their passive parameters are
    those that the recording shows. From the best of them the search goes in three stages: the
    passive parameters to the steps without spikes, all parameters to the times of the spikes, then
    to times and potential together. The gradient is that of the run itself.

    Parameters
    ----------
    cell : CellRecording or FitTarget
        What `bridge.recordings.read` returns.
    family : str
        ``"adex"``, ``"hh1"`` or ``"hh2"``.
    step : int, optional
        Which step of a sweep (default: the first from the holding current).
    starts : int
        From how many candidates a search begins.
    control : bool
        Whether CMA-ES searches too, without gradient, with as many runs.
    tolerances : Tolerances, optional
        What counts as a miss of one.
    seed : int
        Of the candidates.
    progress : callable, optional
        Called with the share that is done.

    Returns
    -------
    NeuronFit

    Raises
    ------
    FitError, UnknownNameError
        The family is not offered.
    RecordingError
        The recording has too few steps, or no spikes.
    ExtraMissingError
        `control` is asked for and the package `cma` is not installed.
    """
    if starts < 1:
        raise ParameterError(f"fit_neuron: starts must be 1 or more; got {starts}")
    tell = progress or (lambda _: None)
    target = cell if isinstance(cell, FitTarget) else target_of(cell, step)
    problem = FitProblem(family_of(family), target, tolerances or Tolerances())
    if control:
        from bridge.errors import optional

        optional("cma", "a fit without gradient", "fit")
    drawn = _draw(problem, starts * _DRAWN, seed)
    found = Found(drawn, problem.value(drawn, "times")).best(starts)
    tell(0.05)
    first = found.u[0]
    passive = np.array([one.passive for one in problem.family.parameters])
    every = np.ones(len(passive), dtype=bool)
    if problem.pieces("passive"):
        found = many_minima(lambda u: problem.gradient(u, "passive"), found.u, passive, _PASSIVE)
    tell(0.15)
    found = many_minima(lambda u: problem.gradient(u, "times"), found.u, every, _TIMES)
    tell(0.45)
    found = found.best((starts + 1) // 2)
    found = many_minima(lambda u: problem.gradient(u, "all"), found.u, every, _ALL)
    ended = found.best(starts)
    tell(0.65)
    best = polish(problem, ended.best().u[0], "all")
    for u, misfit in zip(ended.u[1:_POLISHED], ended.misfit[1:_POLISHED], strict=True):
        # One that is far behind is left where it is.
        if misfit < _FAR * ended.misfit[0]:
            other = polish(problem, u, "all")
            best = min(best, other, key=lambda one: float(one.misfit[0]))
    tell(0.95)
    return _told(problem, best.u[0], float(best.misfit[0]), ended, first if control else None, seed)


def _draw(problem: FitProblem, count: int, seed: int) -> Array:
    """Draw candidates; their passive parameters and their threshold are those of the recording."""
    names, target = problem.family.names, problem.target
    sobol = qmc.Sobol(len(names), seed=seed)
    u = 0.1 + 0.8 * sobol.random_base2(int(np.ceil(np.log2(count))))[:count]
    drawn = problem.parameters(u)
    column = {name: k for k, name in enumerate(names)}
    total = np.full(count, target.size_pF)
    if "dendrite" in column:
        total = total / (1 + drawn[:, column["dendrite"]])
    drawn[:, column["C"]] = total
    if np.isfinite(target.tau_ms) and "tau" in column:
        drawn[:, column["tau"]] = target.tau_ms
    for name in ("leak", "g_L"):
        if np.isfinite(target.resistance_Mohm) and name in column:
            drawn[:, column[name]] = 1e3 / target.resistance_Mohm
    drawn[:, column["E_L" if "E_L" in column else "E_leak"]] = target.rest_mV
    if np.isfinite(target.threshold_mV):
        # Channels open from some 15 mV below the threshold of a spike on.
        lower = 0.0 if "V_reset" in column else 15.0
        spread = 12.0 * (u[:, column["V_T"]] - 0.5)
        drawn[:, column["V_T"]] = target.threshold_mV - lower + spread
    if "V_reset" in column:
        # A reset above the threshold makes bursts.
        drawn[:, column["V_reset"]] = np.minimum(
            drawn[:, column["V_reset"]], drawn[:, column["V_T"]] - 2.0
        )
    return np.clip(problem.unit_of(drawn), 0.02, 0.98)


def _told(
    problem: FitProblem, u: Array, misfit: float, ended: Found, first: Array | None, seed: int
) -> NeuronFit:
    """Score the best candidate and say how sure it is."""
    target = problem.target
    runs, gradients, growth = problem.runs, problem.gradients, problem.growth
    control = None
    if first is not None:
        other = without_gradient(problem, first, "all", runs, seed)
        control = Control(float(other.misfit[0]), problem.runs - runs)
    values, slopes = jacobian(problem, u, "all")
    sure = certainty_of(u, values, slopes, problem.clusters("all"))
    pieces = [*target.train, *target.held_out]
    traced = problem.run(u, pieces)[0]
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
        misfit=misfit,
        starts=tuple(float(one) for one in ended.misfit),
        scores=scores,
        reliability=own_reliability(target),
        unit=check_unit(target, scores),
        noise_misfit=problem.noise_misfit("all"),
        remaining=sure.remaining,
        runs=runs,
        gradients=gradients,
        growth=growth,
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
