"""Is a derivative right? One number per check, by random projection, to second order.

A full Jacobian needs one evaluation for each entry. Projected on a random input direction u and
a random output direction v it is a single number, v·J u, that two evaluations give as a central
difference and one backward pass gives exactly; a wrong entry shows with probability one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ann.calculus.graph import Variable, gradient
from ann.errors import GraphError

__all__ = ["check_gradients"]


def check_gradients(
    function: Callable[..., Variable],
    *arguments: Any,
    order: int = 2,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> float:
    """Compare the derivatives of a graph with central differences along random directions.

    Parameters
    ----------
    function : callable
        Takes `Variable`s, returns a `Variable` of any shape.
    *arguments : array_like
        The point, in double precision; keep away from kinks.
    order : int
        How often to differentiate: 1 checks the derivative, 2 also the derivative's derivative.
    tolerance : float
        Largest difference allowed, relative to the size of the number compared (at least 1).
    seed : int
        Of the directions.

    Returns
    -------
    float
        The largest relative difference met.

    Raises
    ------
    GraphError
        If a difference exceeds the tolerance; says at which order and by how much.

    Notes
    -----
    A step h = eps^(1/3) balances the truncation error h² against the rounding error eps / h
    (Press et al., Numerical Recipes, 3rd ed., section 5.7), leaving about 1e-10 for smooth
    functions of order one.

    Examples
    --------
    >>> check_gradients(lambda x: x.tanh() * x, [0.3, -1.2]) < 1e-6
    True
    """
    rng = np.random.default_rng(seed)
    point = [np.asarray(a, np.float64) for a in arguments]
    step = float(np.cbrt(np.finfo(np.float64).eps))
    worst = 0.0
    for now in range(1, order + 1):
        weights = rng.standard_normal(function(*map(Variable, point)).shape)
        directions = [rng.standard_normal(x.shape) for x in point]
        along = _slope_along(function, weights, directions)
        exact = float(along(*map(Variable, point)).value)
        sums = []
        for h in (step, -step):
            moved = [Variable(x + h * u) for x, u in zip(point, directions, strict=True)]
            sums.append(float(np.sum(function(*moved).value * weights)))
        numeric = (sums[0] - sums[1]) / (2.0 * step)
        error = abs(exact - numeric) / max(1.0, abs(exact), abs(numeric))
        if not error <= tolerance:
            raise GraphError(
                f"derivative of order {now} is {exact:.9g} by the rules and {numeric:.9g} by "
                f"differences: off by {error:.2g}, allowed {tolerance:.2g}"
            )
        worst, function = max(worst, error), along
    return worst


def _slope_along(
    function: Callable[..., Variable], weights: np.ndarray, directions: list[np.ndarray]
) -> Callable[..., Variable]:
    """The slope of a weighted sum of the function's values along a direction, as a function."""

    def slope(*xs: Variable) -> Variable:
        total: Variable = Variable(0.0)
        for s, u in zip(gradient(function(*xs), xs, seed=weights), directions, strict=True):
            total = total + (s * u).sum()
        return total

    return slope
