"""Find the numbers of a reduction: L-BFGS on the loss of the training trials, in ann's calculus.

All training trials are seen at every step, so there is no learning rate. What is kept is the step
whose loss on the *validation* trials was smallest, so that a model of many numbers does not learn
the training trials by heart; test trials are never seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from ann import Variable, gradient

__all__ = ["Fitted", "fit"]

Array = NDArray[np.float64]
Parameters = list[Variable]


@dataclass(frozen=True)
class Fitted:
    """Numbers that were found.

    Attributes
    ----------
    parameters : list of ndarray
    training, validation : float
        Loss on either, at the step that is kept.
    steps : int
        Steps taken in all.
    """

    parameters: list[NDArray[np.floating]]
    training: float
    validation: float
    steps: int


class _EnoughError(Exception):
    """Validation has not become better for a while."""


def fit(
    start: Sequence[NDArray[np.floating]],
    training: Callable[[Parameters], Variable],
    validation: Callable[[Parameters], Variable],
    *,
    steps: int = 300,
    patience: int = 45,
    every: int = 3,
    dtype: type = np.float64,
) -> Fitted:
    """Minimise a loss and keep the step that validates best.

    Parameters
    ----------
    start : sequence of ndarray
        First numbers; their shapes are those of the parameters.
    training, validation : callable
        Given the parameters as variables, the loss as a variable of one number.
    steps : int
        Most steps.
    patience : int
        Steps without a better validation after which it ends.
    every : int
        Steps from one validation to the next.
    dtype : type
        Precision of the calculus (the optimiser itself always works in double).

    Examples
    --------
    >>> loss = lambda p: ((p[0] - np.array([1.0, 2.0])) ** 2).sum()
    >>> fit([np.zeros(2)], loss, loss).parameters[0].round(4)
    array([1., 2.])
    """
    shapes = [np.shape(s) for s in start]
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])

    def unpack(flat: Array) -> list[NDArray[np.floating]]:
        return [
            flat[a:b].reshape(shape).astype(dtype)
            for a, b, shape in zip(ends[:-1], ends[1:], shapes, strict=True)
        ]

    def objective(flat: Array) -> tuple[float, Array]:
        parameters = [Variable(p) for p in unpack(flat)]
        loss = training(parameters)
        slopes = gradient(loss, parameters)
        return float(loss.value), np.concatenate([s.value.ravel() for s in slopes]).astype(float)

    best: tuple[float, Array, int] = (np.inf, np.zeros(0), 0)
    taken = -1

    def look(flat: Array, *, last: bool = False) -> None:
        nonlocal best, taken
        taken += not last
        if taken % every and not last:
            return
        loss = float(validation([Variable(p) for p in unpack(flat)]).value)
        if loss < best[0]:
            best = (loss, flat.copy(), taken)
        elif taken - best[2] > patience:
            raise _EnoughError

    first = np.concatenate([np.asarray(s, dtype=float).ravel() for s in start])
    look(first)
    try:
        # The matrices are tall and narrow: several threads would wait for each other.
        with threadpool_limits(1, user_api="blas"):
            found = minimize(
                objective,
                first,
                jac=True,
                method="L-BFGS-B",
                callback=look,
                options={"maxiter": steps, "maxfun": 2 * steps, "ftol": 1e-8, "gtol": 1e-6},
            )
        look(found.x, last=True)
    except _EnoughError:
        pass
    parameters = unpack(best[1])
    loss = float(training([Variable(p) for p in parameters]).value)
    return Fitted(parameters, loss, best[0], taken)
