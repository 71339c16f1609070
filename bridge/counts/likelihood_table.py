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

__all__ = ["Lookup", "PooledLookup", "lookup", "pooled_lookup"]

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
        c = self.cubic.take(cell + kind * self.cells, axis=0)
        c0, c1, c2, c3 = c[..., 0], c[..., 1], c[..., 2], c[..., 3]
        value = c0 + x * (c1 + x * (c2 + x * c3))
        bend = (c1 + x * (2 * c2 + 3 * x * c3)) / step
        return value, bend / (mean * width * np.sqrt(1 + stretched**2))


class PooledLookup:
    """Log-likelihood of all repeats of each current together, under many rates.

    Repeats of a current share its rate, so that one curve says for all of them what `Lookup` would
    be asked for once each.

    Parameters
    ----------
    count, shape, window : ndarray, shape (n,)
        Spikes, regularity of spiking and length of the window (s) of each measurement.
    first : ndarray of int, shape (m,)
        Where each distinct current begins among the measurements.

    Examples
    --------
    >>> pooled = PooledLookup(np.array([3.0, 5.0]), np.full(2, 4.0), np.ones(2), np.array([0]))
    >>> total, slope = pooled(np.array([[3.5]]))
    >>> exact, exact_slope = log_probability_and_slope([3, 5], 3.5, 4.0)
    >>> bool(abs(total[0, 0] - exact.sum()) < 1e-6), bool(abs(slope - exact_slope.sum()) < 1e-5)
    (True, True)
    """

    def __init__(self, count: Array, shape: Array, window: Array, first: NDArray[np.int64]) -> None:
        repeats = np.diff(np.append(first, len(count)))
        group = np.repeat(np.arange(len(first)), repeats)
        time = np.add.reduceat(window, first)
        typical = np.maximum(np.add.reduceat(count, first) / repeats, 1.0)
        self.centre = typical * repeats / time
        self.width = 0.05 / typical
        lowest = TINY_MEAN / np.maximum.reduceat(window, first)
        self.low = np.arcsinh(np.log(lowest / self.centre) / self.width)
        high = np.arcsinh(np.log(LARGEST / typical) / self.width)
        self.cells = int(np.ceil((high - self.low).max() / STEP))
        self.step = (high - self.low) / self.cells
        t = self.low[:, None] + self.step[:, None] * np.arange(self.cells + 1)
        rate = self.centre[:, None] * np.exp(self.width[:, None] * np.sinh(t))
        # Repeats with the same count are computed once.
        kinds, times = np.unique(
            np.stack([group, count, shape, window], axis=-1), axis=0, return_counts=True
        )
        owner = kinds[:, 0].astype(np.intp)
        counts, shapes, windows = kinds[:, 1:].T[..., None]
        log_p, score = log_probability_and_slope(counts, windows * rate[owner], shapes)
        begins = np.searchsorted(owner, np.arange(len(first)))
        value = np.add.reduceat(times[:, None] * log_p, begins)
        slope = np.add.reduceat(times[:, None] * windows * score, begins)
        bend = slope * rate * self.width[:, None] * np.cosh(t) * self.step[:, None]
        rise, left, right = np.diff(value, axis=1), bend[:, :-1], bend[:, 1:]
        self.cubic = np.stack(
            [value[:, :-1], left, 3 * rise - 2 * left - right, left + right - 2 * rise], axis=-1
        ).reshape(-1, 4)
        self.row = np.arange(len(first)) * self.cells
        self.ends = rate[:, 0], rate[:, -1]

    def __call__(self, rate: Array) -> tuple[Array, Array]:
        """Log-likelihood of all counts of each current, and its slope in the rate.

        Parameters
        ----------
        rate : ndarray, shape (..., m)
            Rate at each distinct current (Hz).

        Returns
        -------
        log_likelihood, slope : ndarray, shape (..., m)
        """
        rate = np.clip(rate, *self.ends)
        stretched = np.log(rate / self.centre) / self.width
        place = np.clip((np.arcsinh(stretched) - self.low) / self.step, 0, self.cells - 1e-6)
        cell = place.astype(np.intp)
        x = place - cell
        c = self.cubic.take(cell + self.row, axis=0)
        c0, c1, c2, c3 = c[..., 0], c[..., 1], c[..., 2], c[..., 3]
        value = c0 + x * (c1 + x * (c2 + x * c3))
        bend = (c1 + x * (2 * c2 + 3 * x * c3)) / self.step
        return value, bend / (rate * self.width * np.sqrt(1 + stretched**2))


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


def pooled_lookup(
    count: Array, shape: Array, window: Array, first: NDArray[np.int64]
) -> PooledLookup:
    """The table of the counts of each current; the last few are kept."""
    columns = np.stack([count, shape, window]).astype(float)
    return _kept_pooled(columns.tobytes(), np.asarray(first, dtype=np.int64).tobytes())


@lru_cache(maxsize=8)
def _kept_pooled(columns: bytes, first: bytes) -> PooledLookup:
    count, shape, window = np.frombuffer(columns).reshape(3, -1)
    return PooledLookup(count, shape, window, np.frombuffer(first, dtype=np.int64))
