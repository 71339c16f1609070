"""Candidates from which a fit begins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from bridge.fit.current_balance import balanced, balanced_glif, balanced_igif
from bridge.fit.fit_problem import FitProblem
from bridge.fit.fit_target import FitTarget

__all__ = ["draw"]

Array = NDArray[np.float64]

# Share of the range of a parameter by which candidates scatter around what a recording tells.
_SCATTER = 0.04


def draw(problem: FitProblem, count: int, seed: int) -> Array:
    """Draw candidates near what the recording shows.

    Where currents tell all parameters (`bridge.fit.current_balance`), three quarters of the
    candidates are scattered around what they tell. The passive parameters and the threshold of the
    others are about those that the recording shows, and the rest of them is drawn from the bounds.

    Parameters
    ----------
    problem : FitProblem
    count : int
    seed : int

    Returns
    -------
    ndarray, shape (count, parameters)
        Between 0 and 1.
    """
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
    at = problem.unit_of(drawn)
    random = np.random.default_rng(seed)
    passive = np.array([one.passive for one in problem.family.parameters])
    # A population moves along differences of its members: where all agree, it would stand.
    at[:, passive] += _SCATTER * random.standard_normal((count, int(passive.sum())))
    # A population that begins with conductances that open does not find one that closes: of two
    # starts, one begins with either.
    balances: dict[str, Callable[[FitTarget], list[dict[str, float]]]] = {
        "adex": balanced,
        "glif": balanced_glif,
        "igif": partial(balanced_igif, closes=bool(seed % 2)),
    }
    balance = balances.get(problem.family.name)
    told = balance(target) if balance is not None else []
    if told:
        known = problem.unit_of(
            np.maximum([[one[name] for name in names] for one in told], problem.bounds[:, 0])
        )
        many = 3 * count // 4
        if len(known) > many:
            known = _best(problem, np.clip(known, 0.02, 0.98), many)
        around = known[np.arange(many) % len(known)]
        # The first of each is what the currents tell, without scatter.
        moved = np.arange(many) >= len(known)
        at[:many] = around + _SCATTER * moved[:, np.newaxis] * random.standard_normal(around.shape)
        if "follow" in column:
            # What spikes and what the potential does to the threshold is hard to tell apart, and so
            # is when a spike ends.
            for name in ("follow", "tau_v", "t_ref"):
                at[many // 3 : many, column[name]] = random.uniform(0.1, 0.9, many - many // 3)
    return np.clip(at, 0.02, 0.98)


def _best(problem: FitProblem, known: Array, count: int) -> Array:
    """Return those whose spikes come best, best first."""
    return known[np.argsort(problem.roughly(known, "times"))[:count]]
