"""The mean of numbers some of which may be far larger than the rest, with an interval.

The mean square of a model's errors is such a mean. If a few rows have by far the largest errors,
Student's interval is too narrow: a sample with none of these rows looks like one that never has
any. So the largest numbers are described by a generalised Pareto distribution, which extreme values
of nearly all distributions approach (Pickands 1975, Ann Statist 3:119), with all shapes that fit
them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = ["FEWEST_VALUES", "tail_interval"]

#: Fewer values tell nothing of their tail.
FEWEST_VALUES = 10
#: So many values, and at most half of them, are the tail.
_FEWEST_IN_TAIL, _MOST_IN_TAIL, _POWER = 8, 300, 0.65
#: Shapes that are tried: from a tail that ends to one whose mean is hardly finite.
_SHAPES = np.linspace(-0.495, 0.985, 75)
#: Before the data. Squares of Student's errors have the shape 2 / (degrees of freedom), .4 for five
#: and .67 for three; squares of normal ones hardly more than 0.
_USUAL_SHAPE, _SPREAD = 0.4, 0.4
_DRAWS = 4000


def tail_interval(values: ArrayLike, level: float) -> tuple[float, float] | None:
    """Return an interval of the mean of independent numbers that may have a heavy tail.

    Parameters
    ----------
    values : array_like, shape (n,)
        Not negative, such as squares of errors.
    level : float
        Of the interval, such as .9.

    Returns
    -------
    low, high : float
        Or None where fewer than `FEWEST_VALUES` values, or largest ones that are all the same, tell
        nothing of a tail.

    Notes
    -----
    The largest n^0.65 values (8 to 300) are the tail; the mean of the others has Student's
    distribution, and the share of the tail a beta distribution. The tail's shape and scale are
    weighed on a grid by their likelihood times a normal prior of the shape, .4 with a standard
    deviation of .4. So the interval is wide where few values speak about the tail.
    ``benchmarks/rmse_intervals.py`` measures how often it holds the true mean.

    Examples
    --------
    >>> errors = np.random.default_rng(0).normal(size=100)
    >>> low, high = tail_interval(errors**2, 0.9)
    >>> low < 1.0 < high
    True
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    if n < FEWEST_VALUES:
        return None
    k = min(max(_FEWEST_IN_TAIL, round(n**_POWER)), _MOST_IN_TAIL, n // 2)
    threshold, body = ordered[n - k - 1], ordered[: n - k]
    over = ordered[n - k :] - threshold
    if not over.mean() > 1e-9 * threshold:
        return None
    draw = np.random.default_rng(0)
    tail = threshold + _tail_means(over, draw)
    share = draw.beta(k + 0.5, n - k + 0.5, _DRAWS)
    error = body.std(ddof=1) / np.sqrt(len(body))
    rest = body.mean() + error * draw.standard_t(len(body) - 1, _DRAWS)
    means = (1 - share) * np.maximum(rest, 0.0) + share * tail
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _tail_means(over: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.float64]:
    """Draw means of the tail above its threshold, by how well shape and scale fit it."""
    scales = over.mean() * np.exp(np.linspace(-3.0, 1.5, 70))
    sizes = over[None, None, :] / scales[None, :, None]
    # A tail that ends, of a negative shape, has no value beyond its end.
    within = 1 + _SHAPES[:, None, None] * sizes
    logs = np.log(np.where(within > 0, within, np.inf)).sum(axis=2)
    weight = -(1 + 1 / _SHAPES[:, None]) * logs - len(over) * np.log(scales)
    weight = np.where(np.isfinite(weight), weight, -np.inf)
    weight += stats.norm.logpdf(_SHAPES, _USUAL_SHAPE, _SPREAD)[:, None]
    chance = np.exp(weight - weight.max()).ravel()
    means = (scales[None, :] / (1 - _SHAPES[:, None])).ravel()
    drawn: NDArray[np.float64] = means[draw.choice(len(means), _DRAWS, p=chance / chance.sum())]
    return drawn
