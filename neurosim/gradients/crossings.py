"""When a potential crosses a threshold, and how that time follows the samples around it.

Between samples the potential is a cubic through the four around the crossing. A straight line would
do for the time itself; its derivative, though, ripples by 5-20 % as the crossing moves between two
samples, and that of the cubic by some .2 %.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.errors import ParameterError

__all__ = ["Crossings", "crossings", "cubic_basis"]


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
    for _ in range(12):
        middle = (low + high) / 2
        below = np.sum(samples * cubic_basis(middle)[0], axis=1) < 0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    u = (low + high) / 2
    # From within 1/4096 of a step, Newton's method gains all digits in three turns.
    for _ in range(3):
        weights, slopes = cubic_basis(u)
        rise = np.sum(samples * slopes, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            nearer = u - np.sum(samples * weights, axis=1) / rise
        u = np.where((nearer >= low) & (nearer <= high), nearer, u)
    weights, slopes = cubic_basis(u)
    rise = np.sum(samples * slopes, axis=1)
    if np.any(rise <= 0):
        when = float((at[int(np.argmin(rise))] + 1) * dt)
        raise ParameterError(
            f"differentiate: at {when * 1e3:g} ms the potential touches the threshold and does not "
            "cross it, so that the time of that spike has no derivative; take another threshold"
        )
    return Crossings((first + 2 + u) * dt, first, -dt * weights / rise[:, np.newaxis])


def cubic_basis(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Lagrange's cubics through samples at -1, 0, 1 and 2, and their derivatives.

    Parameters
    ----------
    u : ndarray, shape (n,)
        In steps from the second sample.

    Returns
    -------
    ndarray, shape (n, 4)
    ndarray, shape (n, 4)

    Examples
    --------
    >>> cubic_basis(np.array([0.0]))[0].tolist()
    [[0.0, 1.0, 0.0, 0.0]]
    """
    a, b, c, d = u + 1, u, u - 1, u - 2
    bc, ad = b * c, a * d
    values = [-bc * d / 6, ad * c / 2, -ad * b / 2, bc * a / 6]
    slopes = [
        -(bc + (b + c) * d) / 6,
        (ad + (a + d) * c) / 2,
        -(ad + (a + d) * b) / 2,
        (bc + (b + c) * a) / 6,
    ]
    return np.stack(values, axis=1) + 0.0, np.stack(slopes, axis=1)
