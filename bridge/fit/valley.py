r"""The last steps of a fit: down a flat, curved valley to its bottom.

Combinations of parameters that hardly change the answer make a valley, and the valley bends: a
Gauss-Newton step along it climbs its wall after a hundredth of the way. With :math:`r(u)` the
residuals and :math:`v` that step, the valley bends by :math:`a = -H^{-1} J^\top r_{vv}`, where
:math:`r_{vv}` is the second derivative along :math:`v`; the arc :math:`u + \alpha v + \alpha^2 a/2`
stays in it (geodesic acceleration, Transtrum, Machta and Sethna 2011, Phys. Rev. E 83:036701).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.fit.fit_problem import FitProblem
from bridge.fit.misfit import Stage
from bridge.fit.multi_start import Found, jacobian, step_of

__all__ = ["finish"]

Array = NDArray[np.float64]

_STAGE: Stage = "exact"
_MOST = 40
# Shares of the arc that are tried, and dampings of a straight step beside it.
_SHARES = np.array([1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.08, 0.04, 0.02, 0.01])
_DAMPED = np.array([1e-6, 1e-4, 1e-2, 1.0])
# How far along the step its second derivative is taken.
_REACH = 0.01
# A step that promises less than this of the misfit is none. Of thousands of samples one standard
# deviation of a parameter is a ten-thousandth.
_NOTHING = 1e-9


def finish(problem: FitProblem, u: Array) -> Found:
    """Bring a candidate whose misfit is about the noise to the bottom of the exact comparison.

    Aligned at spikes, the potential has ripples that are as wide as intervals are, and a search
    ends several standard deviations beside the bottom. Compared at its own time it has none, and
    for independent noise its bottom is the likeliest neuron. It serves only from near: a spike that
    is a millisecond late would cost its whole height.

    Parameters
    ----------
    problem : FitProblem
    u : ndarray, shape (parameters,)
        Between 0 and 1.

    Returns
    -------
    Found
        With the misfit of the stage ``"exact"``.
    """
    value = float(problem.value(u, _STAGE)[0])
    steps = len(problem.pieces(_STAGE))
    for _ in range(_MOST):
        residuals, along = jacobian(problem, u, _STAGE)
        slope, curvature = along.T @ residuals, along.T @ along
        scale = np.diag(np.maximum(np.diag(curvature), 1e-12 * np.trace(curvature)))
        step = step_of(u, slope, curvature) - u
        # What a straight valley would give.
        if -0.5 * float(slope @ step) / steps < _NOTHING * value:
            break
        bend = _bend(problem, u, step, residuals, along)
        arcs = u + np.outer(_SHARES, step) + 0.5 * np.outer(_SHARES**2, bend)
        straight = [step_of(u, slope, curvature + by * scale) for by in _DAMPED]
        candidates = np.clip(np.concatenate([arcs, straight]), 0.0, 1.0)
        values = problem.value(candidates, _STAGE)
        k = int(np.argmin(values))
        if not values[k] < value:
            break
        u, value = candidates[k], float(values[k])
    return Found(u[np.newaxis], np.array([value]))


def _bend(problem: FitProblem, u: Array, step: Array, residuals: Array, along: Array) -> Array:
    """Return how the valley bends along a step: 0 for parameters that the step leaves alone."""
    ahead, behind = np.clip(u + _REACH * np.array([[1.0], [-1.0]]) * step, 0.0, 1.0)
    first, second = problem.residuals(np.array([ahead, behind]), _STAGE)
    curving = (first - 2 * residuals + second) / _REACH**2
    free = step != 0
    bend = np.zeros(len(u))
    if not np.isfinite(curving).all():
        return bend
    bend[free] = -np.linalg.lstsq(along[:, free], curving, rcond=None)[0]
    return bend
