"""The likelihood of counts, tabulated: for fitting, which asks for it a million times.

For one regularity ``k`` the log-probability of a count is a smooth curve over the mean. It is
computed once for every pair of count and regularity, on a grid that is dense where the mean is near
the count. Cubics with the exact slopes join the grid. Values and slopes agree with each other and
with `bridge.counts.likelihood` to about 1e-6 wherever a count is not all but impossible.
"""

from __future__ import annotations

from copy import copy
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bridge.counts.likelihood import TINY_MEAN, log_probability_and_slope

__all__ = ["Lookup", "lookup"]

Array = NDArray[np.float64]

STEP = 0.02
"""Longest step of the grid, in its stretched coordinate."""
LARGEST = 1e7
"""Largest mean in the table."""


class Lookup:
    """Log-probability of given counts under many means.

    Parameters
    ----------
    count : ndarray, shape (n,) or (b, n)
        Whole numbers.
    shape : float or ndarray, shape (n,)
        Regularity of spiking, one for all or one a count.

    Examples
    --------
    >>> total, slope = Lookup(np.array([3.0]), 4.0)(np.array([[2.5]]))
    >>> exact, exact_slope = log_probability_and_slope(3, 2.5, 4.0)
    >>> bool(abs(total - exact) < 1e-6), bool(abs(slope - exact_slope) < 1e-5)
    (True, True)
    """

    def __init__(self, count: Array, shape: float | Array) -> None:
        pairs = np.stack(np.broadcast_arrays(count, shape), axis=-1).reshape(-1, 2)
        pairs, which = np.unique(pairs, axis=0, return_inverse=True)
        kinds, shapes = pairs.T
        # Grid in t: ln(mean / centre) = width sinh(t); a spike's width near the count.
        self.centre = np.maximum(kinds, 1.0)
        self.width = 0.05 / self.centre
        self.low = np.arcsinh(np.log(TINY_MEAN / self.centre) / self.width)
        high = np.arcsinh(np.log(LARGEST / self.centre) / self.width)
        cells = int(np.ceil((high - self.low).max() / STEP))
        self.step = (high - self.low) / cells
        t = self.low[:, None] + self.step[:, None] * np.arange(cells + 1)
        mean = self.centre[:, None] * np.exp(self.width[:, None] * np.sinh(t))
        value, slope = log_probability_and_slope(kinds[:, None], mean, shapes[:, None])
        # d/dt = d/d mean * mean * width cosh(t)
        bend = slope * mean * self.width[:, None] * np.cosh(t)
        bend *= self.step[:, None]
        rise, left, right = np.diff(value, axis=1), bend[:, :-1], bend[:, 1:]
        cubic = np.stack(
            [value[:, :-1], left, 3 * rise - 2 * left - right, left + right - 2 * rise], axis=-1
        )
        self.cubic = cubic.reshape(-1, 4)
        self.cells = cells
        self.kind = which.reshape(count.shape)

    def pick(self, rows: NDArray[np.int64]) -> Lookup:
        """The same for some data sets only, where `count` has a leading axis."""
        part = copy(self)
        part.kind = self.kind[rows]
        return part

    def __call__(self, mean: Array) -> tuple[Array, Array]:
        """Log-probability of every count, and its slope in the mean.

        Parameters
        ----------
        mean : ndarray, shape (b, n)
            Expected counts.

        Returns
        -------
        log_p, slope : ndarray, shape (b, n)
        """
        mean = np.clip(mean, TINY_MEAN, LARGEST)
        kind, width = self.kind, self.width[self.kind]
        stretched = np.log(mean / self.centre[kind]) / width
        step = self.step[kind]
        place = np.clip((np.arcsinh(stretched) - self.low[kind]) / step, 0, self.cells - 1e-6)
        cell = place.astype(np.int64)
        x = place - cell
        c0, c1, c2, c3 = np.moveaxis(self.cubic[cell + kind * self.cells], -1, 0)
        value = c0 + x * (c1 + x * (c2 + x * c3))
        bend = (c1 + x * (2 * c2 + 3 * x * c3)) / step
        return value, bend / (mean * width * np.sqrt(1 + stretched**2))


def lookup(count: Array, shape: float | Array) -> Lookup:
    """The table of some counts; the last few are kept, as fit, intervals and band ask for one."""
    amounts = np.asarray(count, dtype=float)
    shapes = np.asarray(shape, dtype=float)
    return _kept(amounts.tobytes(), amounts.shape, shapes.tobytes(), shapes.shape)


@lru_cache(maxsize=8)
def _kept(
    count: bytes, count_shape: tuple[int, ...], shape: bytes, shape_shape: tuple[int, ...]
) -> Lookup:
    amounts = np.frombuffer(count).reshape(count_shape)
    return Lookup(amounts, np.frombuffer(shape).reshape(shape_shape))
