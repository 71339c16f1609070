"""A number found from several draws, with its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from neurosim.errors import ParameterError

__all__ = ["LEVEL", "Estimate", "bootstrap", "farthest", "largest", "mean", "paired_share", "share"]

LEVEL = 0.90
"""Of every interval. A bar has one side, so 5 % may lie beyond it: the two one-sided tests of
equivalence (Schuirmann 1987, J Pharmacokinet Biopharm 15:657)."""


@dataclass(frozen=True)
class Estimate:
    """A statistic over several draws.

    Attributes
    ----------
    value : float
        The statistic.
    low, high : float or None
        Its interval; None where the statistic speaks of every draw (see `largest`).
    draws : int
        Independent draws behind it.
    method : str
        How the interval was found.
    level : float
        Of the interval.
    draws_are : str
        What the draws are, such as "networks" or "images".
    """

    value: float
    low: float | None
    high: float | None
    draws: int
    method: str
    level: float = LEVEL
    draws_are: str = "draws"

    @property
    def reach(self) -> float:
        """Half the width of the interval; 0 where there is none."""
        return 0.0 if self.low is None or self.high is None else (self.high - self.low) / 2

    def times(self, factor: float) -> Estimate:
        """Return the estimate in another unit; a negative factor turns the interval round.

        Examples
        --------
        >>> mean([0.1, 0.3]).times(-100).value
        -20.0
        """
        if self.low is None or self.high is None:
            return replace(self, value=factor * self.value)
        low, high = sorted((factor * self.low, factor * self.high))
        return replace(self, value=factor * self.value, low=low, high=high)

    def distance(self, target: float) -> Estimate:
        """Return the distance from a target: its upper end is that of the farther end.

        Examples
        --------
        >>> found = Estimate(0.52, 0.49, 0.55, 10, "t").distance(0.5)
        >>> round(found.value, 3), found.low, round(found.high, 3)
        (0.02, 0.0, 0.05)
        """
        value = abs(self.value - target)
        if self.low is None or self.high is None:
            return replace(self, value=value)
        ends = abs(self.low - target), abs(self.high - target)
        low = 0.0 if self.low <= target <= self.high else min(ends)
        return replace(self, value=value, low=low, high=max(ends))


def mean(values: ArrayLike, of: str = "draws") -> Estimate:
    """Return the mean of independent draws with Student's t interval.

    Parameters
    ----------
    values : array_like, shape (n,)
        One number a draw, at least two of them. A draw without an answer (nan) leaves the mean
        without one: it is not dropped.
    of : str
        What the draws are.

    Raises
    ------
    ParameterError
        Fewer than two draws: one says nothing of its own scatter.

    Examples
    --------
    >>> found = mean([1.0, 2.0, 3.0])
    >>> found.value, round(found.low, 2), round(found.high, 2), found.draws
    (2.0, 0.31, 3.69, 3)
    """
    drawn = np.asarray(values, dtype=float)
    count = len(drawn)
    if count < 2:
        raise ParameterError(f"an interval over draws needs at least 2 draws; got {count}")
    middle = float(drawn.mean())
    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * drawn.std(ddof=1) / np.sqrt(count))
    return Estimate(middle, middle - reach, middle + reach, count, "Student's t", draws_are=of)


def share(hits: int, draws: int, of: str = "draws") -> Estimate:
    """Return a share of draws with the interval of Clopper and Pearson (1934, Biometrika 26:404).

    Raises
    ------
    ParameterError
        There are no draws.

    Examples
    --------
    >>> found = share(20, 20)
    >>> round(found.low, 3), found.high
    (0.861, 1.0)
    """
    if draws < 1:
        raise ParameterError(f"a share of {of} needs at least 1; got {draws}")
    ends = stats.binomtest(hits, draws).proportion_ci(LEVEL, method="exact")
    return Estimate(
        hits / draws, float(ends.low), float(ends.high), draws, "Clopper-Pearson", draws_are=of
    )


def paired_share(
    first_only: int, second_only: int, pairs: int, of: str = "pairs of answers"
) -> Estimate:
    """Return how much larger a share is for the first of two answers to the same questions.

    Parameters
    ----------
    first_only, second_only : int
        Pairs in which only the first, or only the second, is right.
    pairs : int
        All pairs.
    of : str
        What both answered.

    Returns
    -------
    Estimate
        With the interval of Agresti and Min (2005, Stat Med 24:729), Wald's after half a pair has
        been added to each of the four cells.

    Examples
    --------
    >>> found = paired_share(12, 8, 1000)
    >>> found.value, round(found.low, 4), round(found.high, 4)
    (0.004, -0.0035, 0.0115)
    """
    b, c, n = first_only + 0.5, second_only + 0.5, pairs + 2
    middle = (b - c) / n
    spread = np.sqrt(b + c - (b - c) ** 2 / n) / n
    reach = float(stats.norm.ppf((1 + LEVEL) / 2) * spread)
    value = (first_only - second_only) / pairs
    return Estimate(value, middle - reach, middle + reach, pairs, "Agresti-Min", draws_are=of)


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float], draws: int, seed: int, repeats: int = 1000
) -> Estimate:
    """Return a statistic with the interval of its percentiles over draws with replacement.

    Parameters
    ----------
    statistic : callable
        Given the numbers of the draws that are used, shape (draws,), returns the statistic.
    draws : int
        Independent draws.
    seed : int
    repeats : int
        Samples of draws (Efron and Tibshirani 1993, ch. 13).

    Examples
    --------
    >>> found = bootstrap(lambda which: float(np.median(which)), 101, seed=1)
    >>> found.value, found.low < 50 < found.high
    (50.0, True)
    """
    if draws < 2:
        raise ParameterError(f"an interval over draws needs at least 2 draws; got {draws}")
    random = np.random.default_rng(seed)
    again = [statistic(random.integers(0, draws, draws)) for _ in range(repeats)]
    low, high = np.quantile(again, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(statistic(np.arange(draws)), float(low), float(high), draws, "bootstrap")


def largest(values: Iterable[float], of: str = "draws") -> Estimate:
    """Return the largest of all draws, for a statement that has to hold for each of them.

    No interval: one draw on the wrong side refutes it.

    Examples
    --------
    >>> largest([0.0, 0.0, 1.0]).value
    1.0
    """
    drawn = np.array(list(values), dtype=float)
    return Estimate(float(drawn.max()), None, None, len(drawn), "each", draws_are=of)


def farthest(estimates: Sequence[Estimate], sense: str = "<=") -> Estimate:
    """Return the estimate that reaches farthest towards the wrong side of a bar.

    Parameters
    ----------
    estimates : sequence of Estimate
        Of several cases, all of which have to meet the same bar.
    sense : {"<=", ">="}
        Which side of the bar is right.

    Examples
    --------
    >>> farthest([mean([1, 2]), mean([0, 5])]).value
    2.5
    """

    def reach(one: Estimate) -> float:
        end = one.high if sense == "<=" else one.low
        found = one.value if end is None else end
        return -np.inf if np.isnan(found) else (-found if sense == "<=" else found)

    return min(estimates, key=reach)
