r"""How sure fitted parameters are, and which combinations of them the recording does not tell.

Near the best fit the residuals follow the parameters in a straight line, :math:`r = r_0 + J\,\delta
u`. Residuals of one spike, or of one stretch of 50 ms, err together. With :math:`g_c` the sum of
:math:`J^\top r` over such a cluster, parameters scatter by :math:`H^{-1}(\sum g_c g_c^\top)H^{-1}`,
with :math:`H = J^\top J`: the *sandwich* of Huber (1967) and White (1982), which takes the size of
the noise from the residuals themselves and asks for no model of it.

A cluster that alone tells a combination of parameters draws the fit to itself, so that its
residuals look smaller than they are. Each :math:`g_c` is taken as it is at the fit without that
cluster, :math:`(1 - J_c^\top J_c H^{-1})^{-1} g_c`: the jackknife over clusters (CR3 of Bell and
McCaffrey 2002, Survey Methodology 28:169).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

__all__ = ["Certainty", "FlatDirection", "certainty_of"]

Array = NDArray[np.float64]

# An interval that covers so much of the range of a parameter tells nothing of it.
WIDE = 0.5
# Directions along which the curvature is smaller than this share of the largest are flat.
_FLAT = 1e-12


@dataclass(frozen=True, eq=False)
class FlatDirection:
    """A combination of parameters that the recording does not tell.

    Attributes
    ----------
    parts : tuple of (int, float)
        Parameters, and by how much of its range each moves, largest first.
    """

    parts: tuple[tuple[int, float], ...]


@dataclass(frozen=True, eq=False)
class Certainty:
    """How sure parameters are, between 0 and 1 of their ranges.

    Attributes
    ----------
    low, high : ndarray, shape (parameters,)
        Ends of the 95 % intervals.
    identifiable : ndarray of bool, shape (parameters,)
        False where the interval covers more than half of the range, or ends at a bound.
    flat : tuple of FlatDirection
        Directions that make them so, flattest first.
    clusters : int
        Groups of residuals that are taken as independent.
    remaining : float
        How far a full Gauss-Newton step would still move a parameter, at most, in standard
        deviations of it. Above 1 the search has not reached the bottom, and intervals around where
        it stands say nothing.
    """

    low: Array
    high: Array
    identifiable: NDArray[np.bool_]
    flat: tuple[FlatDirection, ...]
    clusters: int
    remaining: float


def certainty_of(
    u: Array, residuals: Array, slopes: Array, clusters: NDArray[np.int64], level: float = 0.95
) -> Certainty:
    """Return intervals of a best fit.

    Parameters
    ----------
    u : ndarray, shape (parameters,)
        The fit, between 0 and 1.
    residuals : ndarray, shape (n,)
    slopes : ndarray, shape (n, parameters)
    clusters : ndarray of int, shape (n,)
        Which residuals err together.
    level : float
        Of the intervals.

    Examples
    --------
    A mean of 400 numbers with a standard deviation of 1, and a parameter without effect:

    >>> noise = np.random.default_rng(3).standard_normal(400) * 0.02
    >>> slopes = np.stack([np.ones(400), np.zeros(400)], axis=1)
    >>> found = certainty_of(np.array([0.5, 0.5]), noise, slopes, np.arange(400))
    >>> bool(0.0015 < (found.high - found.low)[0] / 2 < 0.0025), found.identifiable.tolist()
    (True, [True, False])
    """
    # At a bound a parameter is where the search was stopped, not where the recording has it.
    free = (u > 1e-6) & (u < 1 - 1e-6)
    inner = slopes[:, free]
    curvature = inner.T @ inner
    values, vectors = np.linalg.eigh(curvature)
    floor = _FLAT * max(float(values.max(initial=0.0)), 1e-300)
    inverse = (vectors / np.maximum(values, floor)) @ vectors.T
    # In these coordinates the curvature is one in all directions that the residuals tell.
    own = vectors / np.sqrt(np.maximum(values, floor))
    pulls = own @ _without_each(inner @ own, residuals, clusters).T
    used = int(np.count_nonzero(np.any(pulls != 0, axis=0)))
    left = max(used - inner.shape[1], 1)
    scatter = pulls @ pulls.T * (1 - 1 / max(used, 2))
    # Where nothing pulls along a flat direction, it is as uncertain as its curvature says.
    blind = values <= floor
    scatter += (vectors[:, blind] * 1e3) @ vectors[:, blind].T
    spread = np.sqrt(np.diag(scatter))
    still = np.abs(inverse @ (inner.T @ residuals)) / np.maximum(spread, 1e-300)
    half = np.full(len(u), np.inf)
    half[free] = student.ppf(0.5 + level / 2, left) * spread
    known = 2 * half < WIDE
    return Certainty(
        low=np.clip(u - half, 0.0, 1.0),
        high=np.clip(u + half, 0.0, 1.0),
        identifiable=known,
        flat=_flat(scatter, np.flatnonzero(free), known),
        clusters=used,
        remaining=float(still.max(initial=0.0)),
    )


def _without_each(slopes: Array, residuals: Array, clusters: NDArray[np.int64]) -> Array:
    """Return how each cluster pulls at the fit without it, shape (clusters, parameters).

    `slopes` are in coordinates in which the curvature is one.
    """
    order = np.argsort(clusters, kind="stable")
    ends = np.cumsum(np.bincount(clusters))
    pulls = np.zeros((len(ends), slopes.shape[1]))
    for k, (first, stop) in enumerate(zip(np.append(0, ends[:-1]), ends, strict=True)):
        rows = order[first:stop]
        shares, along = np.linalg.eigh(slopes[rows].T @ slopes[rows])
        # All that is known of a direction may come from one cluster: its share is then one.
        pull = along.T @ (slopes[rows].T @ residuals[rows]) / np.maximum(1 - shares, 1e-6)
        pulls[k] = along @ pull
    return pulls


def _flat(
    scatter: Array, free: NDArray[np.intp], known: NDArray[np.bool_]
) -> tuple[FlatDirection, ...]:
    """Return the directions along which parameters scatter over half of their range."""
    values, vectors = np.linalg.eigh(scatter)
    found = []
    for k in np.argsort(values)[::-1]:
        along = vectors[:, k]
        if 4 * np.sqrt(max(values[k], 0.0)) * np.abs(along).max() < WIDE:
            break
        main = np.abs(along) >= 0.3 * np.abs(along).max()
        if known[free[main]].all():
            continue
        order = [j for j in np.argsort(-np.abs(along)) if main[j]]
        sign = np.sign(along[order[0]])
        found.append(FlatDirection(tuple((int(free[j]), float(sign * along[j])) for j in order)))
    return tuple(found)
