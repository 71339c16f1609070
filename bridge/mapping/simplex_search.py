"""Many small minimisations at once, each by the simplex method of Nelder and Mead.

The search is that of Nelder and Mead (1965, The Computer Journal 7:308) with their coefficients
(reflection 1, expansion 2, contraction 1/2, shrinkage 1/2), step for step as SciPy takes it, so
that each search goes where it would go alone. A hundred searches are one batch of arrays: a
function of few numbers costs NumPy more in calls than in arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["simplex_search"]

Array = NDArray[np.float64]


def simplex_search(
    function: Callable[[Array, NDArray[np.int64]], Array],
    simplex: Array,
    *,
    xatol: float,
    fatol: float,
    steps: int,
) -> Array:
    """Minimise functions of a few numbers, each from a simplex of its own.

    Parameters
    ----------
    function : callable
        Of points, shape (k, n), and the numbers of the searches that they belong to, shape (k,);
        returns the values, shape (k,).
    simplex : ndarray, shape (b, n + 1, n)
        Where each search begins.
    xatol, fatol : float
        A search has arrived when its corners differ by no more than this in every coordinate, and
        their values by no more than this.
    steps : int
        At most so many steps of each, the first simplex counted as one, as by SciPy.

    Returns
    -------
    ndarray, shape (b, n)
        The best point of each.

    Examples
    --------
    >>> wanted = np.array([[1.0, -2.0], [30.0, 4.0]])
    >>> def distance(x, which):
    ...     return ((x - wanted[which]) ** 2).sum(axis=1)
    >>> start = np.zeros((2, 1, 2)) + np.array([[0, 0], [1, 0], [0, 1]])
    >>> simplex_search(distance, start, xatol=1e-6, fatol=1e-9, steps=200).round(3) + 0.0
    array([[ 1., -2.],
           [30.,  4.]])
    """
    searches, corners, size = simplex.shape
    x = np.array(simplex, dtype=float)
    every = np.arange(searches)
    value = function(x.reshape(-1, size), np.repeat(every, corners)).reshape(searches, corners)
    _sort(x, value, every)
    moving = every
    for _ in range(steps - 1):
        apart = np.abs(x[moving, 1:] - x[moving, :1]).max(axis=(1, 2))
        differ = np.abs(value[moving, :1] - value[moving, 1:]).max(axis=1)
        moving = moving[~((apart <= xatol) & (differ <= fatol))]
        if not len(moving):
            break
        _step(function, x, value, moving, size)
        _sort(x, value, moving)
    return np.asarray(x[:, 0])


def _sort(x: Array, value: Array, rows: NDArray[np.int64]) -> None:
    """Bring the corners of some searches into the order of their values."""
    order = np.argsort(value[rows], axis=1)
    value[rows] = np.take_along_axis(value[rows], order, axis=1)
    x[rows] = np.take_along_axis(x[rows], order[:, :, None], axis=1)


def _step(
    function: Callable[[Array, NDArray[np.int64]], Array],
    x: Array,
    value: Array,
    rows: NDArray[np.int64],
    size: int,
) -> None:
    """Replace the worst corner of some searches, or shrink them towards their best."""
    best, second, worst = value[rows, 0], value[rows, -2], value[rows, -1]
    corner = x[rows, -1]
    middle = np.add.reduce(x[rows, :-1], 1) / size
    found = 2 * middle - corner
    height = function(found, rows)
    further = height < best
    closer = ~further & (height >= second)
    outside = closer & (height < worst)
    inside = closer & ~outside
    # One more point for each search that does not simply take the reflected one.
    second_x = np.where(
        further[:, None],
        3 * middle - 2 * corner,
        np.where(outside[:, None], 1.5 * middle - 0.5 * corner, 0.5 * middle + 0.5 * corner),
    )
    asked = np.flatnonzero(further | closer)
    second_height = np.full(len(rows), np.inf)
    if len(asked):
        second_height[asked] = function(second_x[asked], rows[asked])
    better = further & (second_height < height)
    better |= outside & (second_height <= height)
    better |= inside & (second_height < worst)
    shrinks = closer & ~better
    kept = ~shrinks
    taken = np.where(better[:, None], second_x, found)
    x[rows[kept], -1] = taken[kept]
    value[rows[kept], -1] = np.where(better, second_height, height)[kept]
    small = rows[shrinks]
    if len(small):
        x[small, 1:] = x[small, :1] + 0.5 * (x[small, 1:] - x[small, :1])
        values = function(x[small, 1:].reshape(-1, size), np.repeat(small, size))
        value[small, 1:] = values.reshape(len(small), size)
