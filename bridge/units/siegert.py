"""The first-passage integral of a noisy leaky neuron, stable over its whole range.

Siegert 1951 (Phys. Rev. 81:617) gives the mean time from reset to threshold of an
Ornstein-Uhlenbeck voltage as ``tau sqrt(pi) int_a^b e^(u^2) (1 + erf u) du`` with
``a = (V_reset - mu) / (sqrt(2) sigma)``, ``b = (V_th - mu) / (sqrt(2) sigma)`` and sigma the
standard deviation of the free voltage. The integrand is erfcx(-u). With the area
``A(y) = int_0^y erfcx(u) du`` and Dawson's D, ``int_0^y e^(u^2) du = e^(y^2) D(y)``:

* below zero, the integral over [a, b] is ``A(|a|) - A(|b|)``;
* above zero, it is ``2 e^(b^2) D(b) - A(b)`` less the same at a.

Everything is returned divided by ``e^(max(b, 0)^2)``, so that nothing overflows.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.special import dawsn, erfcx

__all__ = ["erfcx_area", "scaled_passage"]

Array = NDArray[np.float64]

_CENTRE = 1.5  # puts half of the Chebyshev nodes below y = 1.5, where A bends


CELLS = 512
"""Pieces of [-1, 1); a quartic on each is as exact as the series (4e-16)."""


@cache
def _pieces() -> Array:
    """Coefficients of A(y) less its logarithm, shape (CELLS, 5), in the place within each piece."""

    # That difference is smooth in t = (y - c) / (y + c), which folds [0, inf) to [-1, 1).
    def slope(t: Array) -> Array:
        y = _CENTRE * (1 + t) / (1 - t)
        return np.asarray((erfcx(y) - 1 / (np.sqrt(np.pi) * (y + 1))) * 2 * _CENTRE / (1 - t) ** 2)

    nodes = chebyshev.chebpts1(24)
    series = chebyshev.chebint(chebyshev.chebfit(nodes, slope(nodes), 23))
    series[0] -= chebyshev.chebval(-1.0, series)
    # A fit asks for it a million times, and a quartic takes a fifth of the time of the series.
    place = (1 + chebyshev.chebpts1(5)) / 2
    t = -1 + 2 / CELLS * (np.arange(CELLS) + place[:, None])
    powers = np.vander(place, increasing=True)
    pieces = np.ascontiguousarray(np.linalg.solve(powers, chebyshev.chebval(t, series)).T)
    pieces[0, 0] = 0.0  # no area from 0 to 0, to the last digit
    return pieces


def erfcx_area(y: Array) -> Array:
    """Area under exp(u^2) erfc(u) from 0 to y.

    Parameters
    ----------
    y : ndarray
        Upper ends, not negative.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> erfcx_area(np.array([0.0, 1.0])).round(6)
    array([0.      , 0.647259])
    """
    t = (y - _CENTRE) / (y + _CENTRE)
    place = (t + 1) * (CELLS / 2)
    cell = place.astype(np.intp)
    x = place - cell
    c = _pieces().take(cell, axis=0, mode="clip")
    smooth = c[..., 0] + x * (c[..., 1] + x * (c[..., 2] + x * (c[..., 3] + x * c[..., 4])))
    return np.asarray(smooth + np.log1p(y) / np.sqrt(np.pi))


def scaled_passage(a: Array, b: Array) -> tuple[Array, Array]:
    """Integral of erfcx(-u) from a to b, divided by s = exp(max(b, 0)^2), and 1 / s.

    Parameters
    ----------
    a, b : ndarray
        Reset and threshold, in units of sqrt(2) sigma from the mean voltage; a < b.

    Returns
    -------
    passage, shrink : ndarray
        The scaled integral and the factor ``1 / s``.

    Examples
    --------
    >>> passage, shrink = scaled_passage(np.array([-1.0]), np.array([0.0]))
    >>> passage.round(6), shrink
    (array([0.647259]), array([1.]))
    """
    high = np.maximum(b, 0)
    shrink = np.exp(-(high**2))
    at_a, at_b = erfcx_area(np.abs(np.stack([a, b])))
    passage = 2 * dawsn(high) + shrink * (at_a - at_b)
    if np.any(a > 0):
        low = np.maximum(a, 0)
        passage -= 2 * np.exp(low**2 - high**2) * dawsn(low)
    return passage, shrink
