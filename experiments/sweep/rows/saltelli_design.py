"""Saltelli's design: the rows from which Sobol indices of sensitivity are computed.

A sample is two points A and B, drawn evenly and independently. It takes one row at A, one at B, and
one for each axis at A with that axis' value of B. What changes between A and such a row is the
effect of the one axis.

References
----------
Saltelli, Annoni, Azzini, Campolongo, Ratto, Tarantola (2010), Comput. Phys. Commun. 181:259.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

__all__ = ["saltelli_shares", "sobol_points"]


def sobol_points(dimensions: int, seed: int, index: np.ndarray) -> np.ndarray:
    """Return some points of a scrambled Sobol sequence, by their numbers.

    Returns
    -------
    ndarray, shape (len(index), dimensions)
        Between 0 and 1.
    """
    from scipy.stats import qmc

    if not len(index):
        return np.zeros((0, dimensions))
    engine = qmc.Sobol(dimensions, seed=np.random.default_rng(seed))
    first, last = int(index.min()), int(index.max())
    with warnings.catch_warnings():
        # That a number of points is no power of 2, which the docs say once.
        warnings.simplefilter("ignore", UserWarning)
        if first:
            engine.fast_forward(first)
        drawn: np.ndarray = engine.random(last - first + 1)
    points: np.ndarray = drawn[index - first]
    return points


def saltelli_shares(index: np.ndarray, varied: Sequence[bool], seed: int) -> np.ndarray:
    """Return a number between 0 and 1 for each of some rows and each axis.

    The rows of sample k are ``k (d + 2)`` and those after it, for d axes that vary: A, then A with
    the value of B on the first, second, ... of these axes, then B.

    Parameters
    ----------
    index : ndarray of int
        Numbers of rows.
    varied : sequence of bool
        Whether each axis varies; one that does not has the share 0.
    seed : int

    Examples
    --------
    >>> rows = saltelli_shares(np.arange(4), [True, False, True], seed=1)
    >>> a, first, second, b = rows
    >>> bool(first[0] == b[0]), bool(first[2] == a[2]), bool(second[2] == b[2]), float(a[1])
    (True, True, True, 0.0)
    """
    places = np.flatnonzero(varied)
    number = len(places)
    sample, block = np.divmod(index, number + 2)
    which, back = np.unique(sample, return_inverse=True)
    points = sobol_points(2 * number, seed, which)[back]
    a, b = points[:, :number], points[:, number:]
    of_b = (block[:, None] == 1 + np.arange(number)) | (block == number + 1)[:, None]
    shares = np.zeros((len(index), len(varied)))
    shares[:, places] = np.where(of_b, b, a)
    return shares
