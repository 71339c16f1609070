"""The rate that a unit comes to when its own firing weakens it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bridge.units.rate_function import Array

__all__ = ["steady_rate"]


def steady_rate(held_at: Callable[[Array], Array], rested: Array) -> Array:
    """Return the rate r (Hz) at which a unit whose state stands at r fires at r.

    Parameters
    ----------
    held_at : callable
        The rate (Hz) with the state held at a value; falls, or stays, as the state rises.
    rested : ndarray
        The rate of the rested unit: the highest that r can be.

    Examples
    --------
    >>> float(steady_rate(lambda r: 100 - 3 * r, np.array(100.0)).round(6))
    25.0
    """
    low, high = np.zeros_like(rested), rested
    # r - held_at(r) rises with r: halve until doubles end.
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = middle < held_at(middle)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(0.5 * (low + high))
