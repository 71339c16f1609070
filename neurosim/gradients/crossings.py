"""When a potential crosses a threshold, and how that time follows the samples around it.

Between samples the potential is a cubic through the four around the crossing. A straight line would
do for the time itself; its derivative, though, ripples by 5-20 % as the crossing moves between two
samples, and that of the cubic by some .2 %.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.errors import ParameterError

__all__ = ["Crossings", "crossings"]

# Where the four samples are, in steps from the second of them.
_OFFSETS = np.array([-1.0, 0.0, 1.0, 2.0])


class Crossings(NamedTuple):
    """The upward crossings of one trace.

    Attributes
    ----------
    time : ndarray, shape (n,)
        When, in second.
    first : ndarray of int, shape (n,)
        Index of the first of the four samples around each.
    slopes : ndarray, shape (n, 4)
        Derivative of each time with respect to those samples, in second per volt.
    """

    time: np.ndarray
    first: np.ndarray
    slopes: np.ndarray


def crossings(v: np.ndarray, dt: float, threshold: float) -> Crossings:
    """Return the upward crossings of a potential.

    Parameters
    ----------
    v : ndarray, shape (samples,)
        Potential at the end of each step, in volt.
    dt : float
        Step, in second; the first sample is at ``dt``.
    threshold : float
        In volt.

    Raises
    ------
    ParameterError
        The trace has fewer than four samples, or the potential only touches the threshold.

    Examples
    --------
    >>> found = crossings(np.linspace(-1.0, 1.0, 21), 0.1, 0.05)
    >>> found.time.round(12).tolist()
    [1.15]
    """
    at = np.flatnonzero((v[:-1] < threshold) & (v[1:] >= threshold))
    if len(at) and len(v) < 4:
        raise ParameterError(
            f"differentiate: a spike in a run of {len(v)} steps has no four samples around it; run "
            "longer or take a smaller dt"
        )
    # Next to an end of the run the four nearest samples are not the four around.
    first = np.clip(at - 1, 0, max(len(v) - 4, 0))
    samples = v[first[:, np.newaxis] + np.arange(4)] - threshold
    low, high = at - 1.0 - first, at - first + 0.0
    for _ in range(60):
        middle = (low + high) / 2
        below = np.sum(samples * _basis(middle)[0], axis=1) < 0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    u = (low + high) / 2
    weights, slopes = _basis(u)
    rise = np.sum(samples * slopes, axis=1)
    if np.any(rise <= 0):
        when = float((at[int(np.argmin(rise))] + 1) * dt)
        raise ParameterError(
            f"differentiate: at {when * 1e3:g} ms the potential touches the threshold and does not "
            "cross it, so that the time of that spike has no derivative; take another threshold"
        )
    return Crossings((first + 2 + u) * dt, first, -dt * weights / rise[:, np.newaxis])


def _basis(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Lagrange's four polynomials at u, and their derivatives, shape (n, 4) each."""
    values = np.empty((len(u), 4))
    slopes = np.empty((len(u), 4))
    for k, own in enumerate(_OFFSETS):
        others = np.delete(_OFFSETS, k)
        factors = (u[:, np.newaxis] - others) / (own - others)
        values[:, k] = factors.prod(axis=1)
        slopes[:, k] = sum(
            np.delete(factors, j, axis=1).prod(axis=1) / (own - other)
            for j, other in enumerate(others)
        )
    return values, slopes
