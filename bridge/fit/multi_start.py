"""Searches from many starts at once: SciPy's L-BFGS-B, a last polish, and CMA-ES as a control.

Each start has a search of its own, in a thread of its own, which asks for one misfit and gradient
at a time. What all of them ask for is run as one batch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bridge.errors import optional
from bridge.fit.fit_problem import FitProblem
from bridge.fit.misfit import Stage

__all__ = [
    "NEAR_NOISE",
    "Found",
    "descend",
    "jacobian",
    "many_minima",
    "polish",
    "step_of",
    "without_gradient",
]

Array = NDArray[np.float64]
Evaluate = Callable[[Array], tuple[Array, Array]]

# How far a difference reaches, as a share of the range of a parameter. While a spike moves over one
# step of the run, the cubic through its samples ripples by some hundredths of a millivolt; a
# difference over several steps does not see it. Spikes that are located do not ripple, nor do
# potentials that are compared at their own time. There a spike that moves is far from a straight
# line, and flat combinations are told by a hundredth of what each parameter does alone.
_OVER_STEPS, _LOCATED, _AT_OWN_TIME = 3e-4, 1e-5, 1e-7
_MOST_POLISH = 40
_ROUNDS, _BETWEEN = 2, 8
NEAR_NOISE = 2.0
"""Up to so many times the noise a candidate is compared sample by sample at last."""


@dataclass(frozen=True, eq=False)
class Found:
    """Where searches ended.

    Attributes
    ----------
    u : ndarray, shape (starts, parameters)
    misfit : ndarray, shape (starts,)
    """

    u: Array
    misfit: Array

    def best(self, count: int = 1) -> Found:
        """Return the best of them, best first."""
        order = np.argsort(self.misfit)[:count]
        return Found(self.u[order], self.misfit[order])


class _Together:
    """Runs what several threads ask for as one batch."""

    def __init__(self, evaluate: Evaluate, threads: int) -> None:
        self._evaluate = evaluate
        self._lock = threading.Condition()
        self._asked: dict[int, Array] = {}
        self._answers: dict[int, tuple[float, Array]] = {}
        self._working = threads
        self._failed: BaseException | None = None

    def ask(self, who: int, u: Array) -> tuple[float, Array]:
        """Return misfit and gradient of one candidate, when all others have asked too."""
        with self._lock:
            self._asked[who] = np.array(u)
            self._lock.notify_all()
            self._lock.wait_for(lambda: who in self._answers or self._failed is not None)
            if self._failed is not None:
                raise _StoppedError
            return self._answers.pop(who)

    def leave(self) -> None:
        """Say that a thread asks no more."""
        with self._lock:
            self._working -= 1
            self._lock.notify_all()

    def serve(self) -> None:
        """Answer until no thread is left; whatever goes wrong is raised here."""
        while True:
            with self._lock:
                self._lock.wait_for(lambda: len(self._asked) >= self._working)
                if not self._working:
                    return
                asked, self._asked = self._asked, {}
            try:
                values, slopes = self._evaluate(np.array(list(asked.values())))
            except BaseException as error:
                with self._lock:
                    self._failed = error
                    self._lock.notify_all()
                raise
            with self._lock:
                for who, value, slope in zip(asked, values, slopes, strict=True):
                    self._answers[who] = (float(value), slope)
                self._lock.notify_all()


class _StoppedError(Exception):
    """Ends the other threads once one evaluation has failed."""


def many_minima(
    evaluate: Evaluate, starts: Array, free: Sequence[bool] | NDArray[np.bool_], iterations: int
) -> Found:
    """Search from each of several starts by L-BFGS-B, all in one batch.

    Parameters
    ----------
    evaluate : callable
        From candidates, shape (n, parameters), between 0 and 1, to misfits and their gradients.
    starts : ndarray, shape (starts, parameters)
    free : sequence of bool
        Which parameters are searched; the others stay.
    iterations : int
        Of each search, at most.

    Examples
    --------
    >>> def bowl(u):
    ...     return ((u - 0.3) ** 2).sum(axis=1), 2 * (u - 0.3)
    >>> found = many_minima(bowl, np.array([[0.9, 0.9], [0.1, 0.5]]), [True, False], 20)
    >>> found.u.round(6).tolist()
    [[0.3, 0.9], [0.3, 0.5]]
    """
    starts, free = np.atleast_2d(starts).astype(float), np.asarray(free, dtype=bool)
    together = _Together(evaluate, len(starts))
    best = [(np.inf, start.copy()) for start in starts]

    def work(who: int) -> None:
        def ask(x: Array) -> tuple[float, Array]:
            u = starts[who].copy()
            u[free] = x
            value, slope = together.ask(who, u)
            if value < best[who][0]:
                best[who] = (value, u)
            return value, slope[free]

        try:
            minimize(
                ask, starts[who][free], jac=True, method="L-BFGS-B",
                bounds=[(0.0, 1.0)] * int(free.sum()),
                options={"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 20},
            )  # fmt: skip
        except _StoppedError:
            pass
        finally:
            together.leave()

    threads = [
        threading.Thread(target=work, args=(who,), daemon=True) for who in range(len(starts))
    ]
    for thread in threads:
        thread.start()
    together.serve()
    for thread in threads:
        thread.join()
    return Found(np.array([u for _, u in best]), np.array([value for value, _ in best]))


def jacobian(problem: FitProblem, u: Array, stage: Stage) -> tuple[Array, Array]:
    """Return residuals and how they follow each parameter.

    Every residual has a row here, and a run back would tell one of them: differences of runs
    ahead, two a parameter, tell all.

    Returns
    -------
    ndarray, shape (n,)
    ndarray, shape (n, parameters)
    """
    count = len(u)
    # At a bound the difference is taken inwards.
    over = _AT_OWN_TIME if stage == "exact" else _OVER_STEPS
    reach = _LOCATED if problem.family.is_reset else over
    above, below = np.minimum(u + reach, 1.0), np.maximum(u - reach, 0.0)
    rows = [u]
    for k in range(count):
        for other in (above, below):
            moved = u.copy()
            moved[k] = other[k]
            rows.append(moved)
    found = problem.residuals(np.array(rows), stage)
    # A neighbour that cannot be run, since it fires at once after its reset, tells no slope: there
    # the difference is taken from the candidate itself.
    ran = np.asarray(np.isfinite(found).all(axis=1))
    sides = np.where(ran[1:].reshape(count, 2).T, np.array([above, below]), u)
    values = np.where(ran[1:, np.newaxis], found[1:], found[0]).reshape(count, 2, -1)
    apart = sides[0] - sides[1]
    slopes = (values[:, 0] - values[:, 1]) / np.where(apart, apart, 1.0)[:, np.newaxis]
    return found[0], slopes.T


def polish(problem: FitProblem, u: Array, stage: Stage) -> Found:
    """Bring a candidate to the bottom: damped Gauss-Newton steps, and L-BFGS-B where they end.

    Next to the bottom the exact gradient of one run is that of ripples too (see `jacobian`); the
    Gauss-Newton steps follow differences that reach over them. Where they come near the noise,
    `bridge.fit.valley.finish` goes on.
    """
    every = np.ones(len(u), dtype=bool)
    found = descend(problem, u, stage)
    if found.misfit[0] < NEAR_NOISE * problem.noise_misfit(stage):
        return found
    for _ in range(_ROUNDS):
        before = float(found.misfit[0])
        between = many_minima(lambda x: problem.gradient(x, stage), found.u, every, _BETWEEN)
        found = descend(problem, between.u[0], stage)
        if before - float(found.misfit[0]) < 1e-3 * before:
            break
    return found


def descend(problem: FitProblem, u: Array, stage: Stage, most: int = _MOST_POLISH) -> Found:
    """Take Gauss-Newton steps until none of several dampings leads down."""
    value, damping, slow = float(problem.value(u, stage)[0]), 1e-3, 0
    for _ in range(most):
        residuals, along = jacobian(problem, u, stage)
        if not np.isfinite(residuals).all():
            # It cannot be run, and has no slope.
            break
        slope, curvature = along.T @ residuals, along.T @ along
        scale = np.diag(np.maximum(np.diag(curvature), 1e-12 * np.trace(curvature)))
        tried = damping * np.array([0.01, 0.1, 1.0, 10.0, 1e3, 1e5])
        candidates = np.array([step_of(u, slope, curvature + by * scale) for by in tried])
        values = problem.value(candidates, stage)
        k = int(np.argmin(values))
        if not values[k] < value:
            break
        gained, moved = value - values[k], float(np.abs(candidates[k] - u).max())
        damping, u, value = float(np.clip(tried[k], 1e-8, 1e2)), candidates[k], float(values[k])
        # In a long valley one short step may follow another.
        slow = slow + 1 if gained < 1e-4 * value else 0
        if slow > 2 or moved < 1e-7:
            break
    return Found(u[np.newaxis], np.array([value]))


def step_of(u: Array, slope: Array, curvature: Array) -> Array:
    """Return the next candidate; parameters at a bound that they press against stay."""
    free = ~(((u <= 0) & (slope > 0)) | ((u >= 1) & (slope < 0)))
    moved = u.copy()
    if free.any():
        inside = np.ix_(free, free)
        moved[free] -= np.linalg.lstsq(curvature[inside], slope[free], rcond=None)[0]
    return np.clip(moved, 0.0, 1.0)


def without_gradient(
    problem: FitProblem, start: Array, stage: Stage, runs: int, seed: int
) -> Found:
    """Search by CMA-ES, with as many runs as are given.

    Parameters
    ----------
    problem : FitProblem
    start : ndarray, shape (parameters,)
    stage : Stage
    runs : int
        Steps that may be run.
    seed : int

    Raises
    ------
    ExtraMissingError
        The package `cma` is not installed.
    """
    cma = optional("cma", "a fit without gradient", "fit")
    per = len(problem.pieces(stage))
    evolution = cma.CMAEvolutionStrategy(
        list(start), 0.2, {"bounds": [0, 1], "seed": seed + 1, "verbose": -9}
    )
    best, at = np.inf, np.array(start)
    while runs >= per and not evolution.stop():
        asked = evolution.ask()[: max(1, runs // per)]
        if len(asked) < evolution.popsize:
            break
        values = problem.value(np.array(asked), stage)
        runs -= per * len(asked)
        evolution.tell(asked, list(values))
        if values.min() < best:
            best, at = float(values.min()), np.array(asked[int(np.argmin(values))])
    return Found(at[np.newaxis], np.array([best]))
