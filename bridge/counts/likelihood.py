"""Counts are counts: how probable a spike count is when a unit promises a mean.

One family covers everything from clockwork to bursts. Spikes are a *stationary renewal
process* with gamma-distributed intervals of shape ``k``, watched through a window that opens
at a random moment (Cox 1962, Renewal Theory, ch. 2-4; gamma counts: Winkelmann 1995,
J. Bus. Econ. Stat. 13:467). Opening at a random moment is what makes the mean count exactly
rate x window for every ``k``:

* ``k = 1`` is the Poisson distribution, exactly;
* ``k > 1`` is more regular than Poisson (variance -> mean / k + 1/6 for long windows), and
  ``k -> inf`` is a clock, whose count is one of the two integers beside the mean;
* ``k < 1`` is more variable than Poisson.

With ``G(a) = int_0^x P(a, u) du`` (P the regularised lower incomplete gamma function,
``x = k mean``) the probability of ``n`` spikes is the second difference
``[G((n-1)k) - 2 G(nk) + G((n+1)k)] / k``. In the other tail the same difference is taken of
``int_x^inf Q(a, u) du``, so that neither tail loses digits by cancellation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincc, gammaln, xlogy

__all__ = [
    "MAX_SHAPE",
    "MIN_SHAPE",
    "log_probability",
    "log_probability_and_slope",
    "probability_table",
    "rough_variance",
    "sample",
    "variance",
]

Array = NDArray[np.float64]

MIN_SHAPE = 0.05
"""Most variable spiking considered: variance twenty times the mean."""
MAX_SHAPE = 1000.0
"""Most regular spiking considered: intervals vary by 3 %, less than rounding to whole counts."""

TINY_MEAN = 1e-12
"""A mean below this is taken as this, so that an impossible spike costs much, not infinity."""
CELLS = 4096
"""Cells of the table by which counts are drawn; a power of two, so that their edges are exact."""


def log_probability(count: ArrayLike, mean: ArrayLike, shape: ArrayLike = 1.0) -> Array:
    """Log-probability of spike counts.

    Parameters
    ----------
    count : array_like
        Spike counts, whole numbers.
    mean : array_like
        Expected counts, rate (Hz) x window (s); broadcast against `count`.
    shape : array_like
        Shape ``k`` of the gamma intervals, broadcast as well; 1 is Poisson.

    Returns
    -------
    ndarray
        Natural logarithm of the probability, of the broadcast shape.

    Examples
    --------
    >>> float(np.exp(log_probability(2, 2.0)).round(4))      # Poisson: 2 e^-2
    0.2707
    >>> float(np.exp(log_probability(2, 2.0, shape=1000.)).round(2))      # nearly a clock
    0.96
    """
    return log_probability_and_slope(count, mean, shape)[0]


def log_probability_and_slope(
    count: ArrayLike, mean: ArrayLike, shape: ArrayLike = 1.0
) -> tuple[Array, Array]:
    """Log-probability of counts, and its derivative with respect to the mean.

    Parameters
    ----------
    count, mean : array_like
        Spike counts and their expected values, broadcast against each other.
    shape : array_like
        Shape ``k`` of the gamma intervals, broadcast as well.

    Returns
    -------
    log_p, slope : ndarray
        ``log p(count | mean)`` and ``d log p / d mean``.

    Examples
    --------
    >>> _, slope = log_probability_and_slope(3, 2.0)
    >>> float(slope)                                          # Poisson: count / mean - 1
    0.5
    """
    k = np.asarray(shape, dtype=float)
    n, mu = np.broadcast_arrays(
        np.asarray(count, dtype=float), np.maximum(np.asarray(mean, dtype=float), TINY_MEAN)
    )
    n, mu, k = np.broadcast_arrays(n, mu, k)
    if np.all(k == 1.0):
        return xlogy(n, mu) - mu - gammaln(n + 1), n / mu - 1
    log_p, slope = _renewal(n.ravel(), mu.ravel(), k.ravel())
    return log_p.reshape(n.shape), slope.reshape(n.shape)


def _renewal(n: Array, mu: Array, k: Array) -> tuple[Array, Array]:
    x = k * mu
    above = n > mu
    middle = np.empty_like(x)
    slope = np.empty_like(x)
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        for side, area in ((above, _right_area), (~above, _left_area)):
            if side.any():
                before, here, after = (area((n[side] + j) * k[side], x[side]) for j in (-1, 0, 1))
                middle[side], slope[side] = _second_differences(before, here, after)
    return _in_logarithms(middle, slope, n, x, k)


def _in_logarithms(
    middle: Array, slope: Array, n: Array, x: Array, k: Array
) -> tuple[Array, Array]:
    """From second differences to the log-probability, and to its derivative by the mean."""
    lost = ~(middle > 1e-280)
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        log_p = np.log(np.where(lost, 1.0, middle) / k)
        score = k * slope / np.where(lost, 1.0, middle)
    if lost.any():
        log_p[lost], score[lost] = _far_tail(n[lost], x[lost], k[lost])
    return log_p, score


def _second_differences(
    before: tuple[Array, Array], here: tuple[Array, Array], after: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Of the areas, and of their derivatives by x."""
    return before[0] - 2.0 * here[0] + after[0], before[1] - 2.0 * here[1] + after[1]


def _right_area(a: Array, x: Array) -> tuple[Array, Array]:
    """G(a) and its derivative by x, P(a, x): for counts above the mean."""
    certain = a <= 0  # P(0, x) = 1: the "zeroth" spike has always happened
    safe = np.where(certain, 1.0, a)
    p = np.where(certain, 1.0, gammainc(safe, x))
    density = np.exp(xlogy(safe, x) - x - gammaln(safe + 1))
    # G(a) = (x - a) P + a density, which cancels where x << a; there the series is summed.
    area = np.where(certain, x - a, (x - a) * p + a * density)
    far = np.nonzero((x < 0.1 * safe) & ~certain)
    if len(far[0]):
        ahead, order = x[far], safe[far]
        term, series = np.ones_like(ahead), np.zeros_like(ahead)
        for j in range(1, 13):
            term = term * ahead / (order + j)
            series += j * term
        area[far] = density[far] * series
    return area, p


def _left_area(a: Array, x: Array) -> tuple[Array, Array]:
    """Integral of Q(a, u) from x on, and its derivative by x, -Q: for counts below the mean."""
    none = a <= 0
    safe = np.where(none, 1.0, a)
    q = np.where(none, 0.0, gammaincc(safe, x))
    density = np.exp(xlogy(safe, x) - x - gammaln(safe + 1))
    return np.where(none, 0.0, (a - x) * q + a * density), -q


def _far_tail(n: Array, x: Array, k: Array) -> tuple[Array, Array]:
    """Leading term far from the mean, where the probability itself would underflow.

    One of the three terms outweighs the others there; its integral is taken at its end point
    (Laplace), which is good to a few per cent of the probability.
    """
    right = n * k > x
    # Right: G((n-1)k); left: int_x^inf Q((n+1)k, u) du.
    a = np.where(right, np.maximum((n - 1) * k, 1e-3), (n + 1) * k)
    decay = np.where(right, 1 - x / (a + 2), 1 - (a - 1) / x)
    decay = np.maximum(decay, 1e-3)
    log_g = np.where(
        right,
        (a + 1) * np.log(x) - x - gammaln(a + 2),
        (a - 1) * np.log(x) - x - gammaln(np.maximum(a, 1e-3)),
    ) - 2 * np.log(decay)
    score = k * (np.where(right, a + 1, a - 1) / x - 1)
    return log_g - np.log(k), score


def rough_variance(mean: ArrayLike, shape: ArrayLike = 1.0) -> Array:
    """Variance of a count in closed form, good to about a tenth of a spike squared.

    Joins the two exact limits: ``mean`` for rare spikes and, for long windows,
    ``mean / k + (1 - 1/k^2) / 6`` (Cox 1962, section 4.5, with gamma intervals).

    Parameters
    ----------
    mean : array_like
        Expected counts.
    shape : array_like
        Shape ``k`` of the gamma intervals, broadcast as well.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> float(rough_variance(30.0))
    30.0
    >>> round(float(rough_variance(30.0, shape=10.)), 3)
    3.165
    """
    mu, k = np.maximum(np.asarray(mean, dtype=float), TINY_MEAN), np.asarray(shape, dtype=float)
    rest = (1 - k**-2) / 6
    return np.asarray(mu / k - rest * np.expm1(-6 * mu * k / (k + 1)))


def probability_table(mean: ArrayLike, shape: ArrayLike = 1.0) -> Array:
    """Probability of 0, 1, 2, ... spikes for several means.

    Parameters
    ----------
    mean : array_like, shape (n,)
        Expected counts.
    shape : float or array_like, shape (n,)
        Shape ``k`` of the gamma intervals.

    Returns
    -------
    ndarray, shape (n, m)
        Column ``j`` is the probability of ``j`` spikes; rows sum to 1 within 1e-9.

    Examples
    --------
    >>> probability_table([1.0])[0, :3].round(3)
    array([0.368, 0.368, 0.184])
    """
    mu = np.atleast_1d(np.asarray(mean, dtype=float))
    k = np.broadcast_to(np.asarray(shape, dtype=float), mu.shape)
    spread = np.sqrt(np.maximum(rough_variance(mu, k), mu / k))
    # Bursty spiking has a tail that falls by exp(-k) a spike, hence the last term.
    top = int(np.ceil((mu + 9 * spread + 25 / np.minimum(k, 1.0)).max() + 12))
    # Repeats of a current share their mean: they are computed once.
    pairs, which = np.unique(np.stack([np.maximum(mu, TINY_MEAN), k]), axis=1, return_inverse=True)
    return np.exp(_ladders(pairs[0], pairs[1], top))[which.ravel()]


def _ladders(mu: Array, k: Array, top: int) -> Array:
    """Log-probabilities of the counts from 0 to `top`, shape (n, top + 1).

    Neighbouring counts share their areas, so that each is computed once.
    """
    count = np.arange(top + 1.0)
    if np.all(k == 1.0):
        return log_probability(count, mu[:, None])
    n, mean, shape = np.broadcast_arrays(count, mu[:, None], k[:, None])
    x = shape * mean
    above = n > mean
    order = np.arange(-1.0, top + 2)
    edge = np.floor(mu)[:, None]
    middle, slope = np.empty_like(x), np.empty_like(x)
    sides = ((above, _right_area, order >= edge), (~above, _left_area, order <= edge + 1))
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        for side, area, needed in sides:
            row, column = np.nonzero(needed)
            areas, slopes = np.zeros(needed.shape), np.zeros(needed.shape)
            areas[needed], slopes[needed] = area(order[column] * k[row], k[row] * mu[row])
            found = _second_differences(
                *((areas[:, j : j + top + 1], slopes[:, j : j + top + 1]) for j in range(3))
            )
            middle[side], slope[side] = found[0][side], found[1][side]
    return _in_logarithms(middle, slope, n, x, shape)[0]


def variance(mean: ArrayLike, shape: ArrayLike = 1.0) -> Array:
    """Variance of a count, exact.

    Parameters
    ----------
    mean : array_like, shape (n,)
        Expected counts.
    shape : float or array_like, shape (n,)
        Shape ``k`` of the gamma intervals.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> variance([2.5], shape=1000.).round(2)      # a clock: 2 or 3 spikes
    array([0.25])
    """
    mu = np.atleast_1d(np.asarray(mean, dtype=float))
    if np.all(np.asarray(shape) == 1.0):
        return mu.copy()
    table = probability_table(mu, shape)
    return np.asarray(np.einsum("nj,nj->n", table, (np.arange(table.shape[1]) - mu[:, None]) ** 2))


def sample(
    mean: ArrayLike, shape: ArrayLike, size: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Draw counts.

    Parameters
    ----------
    mean : array_like, shape (n,)
        Expected counts.
    shape : float or array_like, shape (n,)
        Shape ``k`` of the gamma intervals.
    size : int
        Draws of each.
    random : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    ndarray, shape (size, n)

    Examples
    --------
    >>> drawn = sample([0.0, 5.5], 1000., 200, np.random.default_rng(0))
    >>> [set(column.tolist()) for column in drawn.T]
    [{0}, {5, 6}]
    """
    mu = np.atleast_1d(np.asarray(mean, dtype=float))
    if np.all(np.asarray(shape) == 1.0):
        return random.poisson(mu, (size, len(mu)))
    ladders = probability_table(mu, shape).cumsum(axis=1)
    ladders /= ladders[:, -1:]
    # A draw lies in one of many equal cells. In most cells all draws give the same count, which is
    # looked up; only where a rung lies within the cell is the ladder searched.
    cell_edges = np.arange(CELLS + 1) / CELLS
    drawn = np.empty((size, len(mu)), dtype=np.int64)
    for column, ladder in enumerate(ladders):
        if column == 0 or not np.array_equal(ladder, ladders[column - 1]):
            rungs = np.searchsorted(ladder, cell_edges, side="right")
            split = rungs[:-1] != rungs[1:]
        even = random.random(size)
        cell = (even * CELLS).astype(np.intp)
        drawn[:, column] = rungs.take(cell)
        unsure = np.flatnonzero(split.take(cell))
        drawn[unsure, column] = np.searchsorted(ladder, even[unsure], side="right")
    return drawn
