"""A search over the whole range before any gradient: a population that improves by its own spread.

A gradient cannot see a spike that is about to appear, and stops beside it. Differential evolution
(Storn and Price 1997, J. Global Optim. 11:341) compares misfits and needs no slope: every candidate
is moved along differences of others, and stays where that is no gain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import differential_evolution

from bridge.fit.fit_problem import FitProblem
from bridge.fit.misfit import Stage
from bridge.fit.multi_start import Found

__all__ = ["apart", "evolve"]

Array = NDArray[np.float64]

# Candidates whose parameters differ by less than this share of their ranges (root mean square)
# would end in the same minimum.
_SAME = 0.03


def evolve(problem: FitProblem, drawn: Array, stage: Stage, generations: int, seed: int) -> Found:
    """Improve candidates together; each generation is run as one batch.

    Parameters
    ----------
    problem : FitProblem
    drawn : ndarray, shape (candidates, parameters)
        At least five.
    stage : Stage
    generations : int
    seed : int

    Returns
    -------
    Found
        As many as were given, best first.
    """

    def misfits(columns: Array) -> Array:
        return problem.roughly(columns.T, stage)

    ended = differential_evolution(
        misfits, [(0.0, 1.0)] * drawn.shape[1], init=drawn, maxiter=generations,
        strategy="currenttobest1bin", mutation=(0.3, 0.9), recombination=0.9, tol=0.0,
        vectorized=True, updating="deferred", polish=False, seed=seed,
    )  # fmt: skip
    return Found(ended.population, ended.population_energies).best(len(drawn))


def apart(found: Found, count: int) -> Found:
    """Return the best candidates that are not next to a better one.

    Examples
    --------
    >>> found = Found(np.array([[0.5], [0.501], [0.9]]), np.array([1.0, 2.0, 3.0]))
    >>> apart(found, 2).u.ravel().tolist()
    [0.5, 0.9]
    """
    ordered = found.best(len(found.u))
    chosen: list[int] = []
    near: list[int] = []
    for k, u in enumerate(ordered.u):
        other = ordered.u[chosen]
        close = len(chosen) and np.sqrt(np.mean((other - u) ** 2, axis=1)).min() < _SAME
        (near if close else chosen).append(k)
    kept = np.array([*chosen, *near][:count])
    return Found(ordered.u[kept], ordered.misfit[kept]).best(count)
