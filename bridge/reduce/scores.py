"""How well does a reduction foretell a cell? Every score with an interval over trials.

No score looks at the trials it is computed on to choose anything: thresholds come from the
validation trials, and predictions keep the mean and spread they were fitted with. Both are worth
stating, because published scores of such networks do otherwise (z-scoring the predicted potential
by the test trials' own mean and spread, for one).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter1d
from sklearn.metrics import roc_auc_score

from bridge.reduce.errors import ReductionError

__all__ = [
    "ByTrial",
    "Score",
    "auc",
    "auc_by_trial",
    "bootstrapped",
    "explained_variance",
    "false_positive_threshold",
    "functional_complexity",
    "hits_and_false_alarms",
    "hits_by_trial",
    "subthreshold",
    "variance_by_trial",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """A number with its interval.

    Attributes
    ----------
    value : float
    low, high : float
        95 % interval, from trials drawn with replacement (Efron and Tibshirani 1993, ch. 13).

    Examples
    --------
    >>> print(Score(0.9912, 0.985, 0.996))
    0.991 (0.985 to 0.996)
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    def to_dict(self) -> dict[str, float]:
        """Value and ends of the interval."""
        return {"value": self.value, "low": self.low, "high": self.high}


def auc(answer: ArrayLike, spiked: ArrayLike) -> float:
    """Area under the receiver operating characteristic of bins with and without a spike.

    The chance that a bin with a spike has a larger prediction than one without, ties counting half
    (Hanley and McNeil 1982, Radiology 143:29).

    Parameters
    ----------
    answer : array_like
        Prediction of each bin, larger where a spike is likelier.
    spiked : array_like of bool, same shape
        Whether there was one.

    Returns
    -------
    float
        nan where all bins are of one kind.

    Examples
    --------
    >>> auc([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    0.75
    """
    there = np.asarray(spiked, dtype=bool).ravel()
    if there.all() or not there.any():
        return float("nan")
    return float(roc_auc_score(there, np.asarray(answer, dtype=float).ravel()))


def functional_complexity(area: float) -> float:
    r"""Functional complexity index of a cell, from the AUC that a fixed network reaches on it.

    .. math:: \mathrm{FCI} = \frac{\log_{10}(1000\,(1 - AUC))}{\log_{10}(1000\,(1 - 0.9))}

    An AUC of 0.9 gives 1 and one of 0.999 gives 0. It compares cells under one network and one
    drive; between other networks and drives it compares nothing.

    References
    ----------
    Aizenbud, Yoeli, Beniaguev, de Kock, London and Segev (2024), bioRxiv (human and rat cells).

    Examples
    --------
    >>> functional_complexity(0.9), round(functional_complexity(0.999), 6)
    (1.0, 0.0)
    """
    missed = 1000 * (1 - area)
    if not missed > 0:
        return float("-inf") if area == 1 else float("nan")
    return float(round(np.log10(missed) / 2, 12))


def false_positive_threshold(answer: ArrayLike, spiked: ArrayLike, rate: float) -> float:
    """Smallest prediction that at most a share `rate` of the bins without a spike exceeds.

    Chosen on validation trials, used on test trials.

    Raises
    ------
    ReductionError
        So few bins without a spike that not one may be exceeded.

    Examples
    --------
    >>> false_positive_threshold(np.arange(200.0), np.zeros(200, dtype=bool), 0.01)
    197.0
    """
    silent = np.sort(np.asarray(answer, dtype=float)[~np.asarray(spiked, dtype=bool)])
    allowed = int(np.floor(rate * len(silent)))
    if allowed < 1:
        raise ReductionError(
            f"{len(silent)} bins without a spike cannot tell a false-positive rate of {rate:g}; "
            f"record at least {int(np.ceil(1 / rate))} ms of validation or state a larger rate"
        )
    return float(silent[-allowed - 1])


def hits_and_false_alarms(
    answer: ArrayLike, spiked: ArrayLike, threshold: float
) -> tuple[float, float]:
    """Shares of the bins with and of those without a spike whose prediction exceeds a threshold.

    Examples
    --------
    >>> hits_and_false_alarms([0.1, 0.4, 0.35, 0.8], [False, False, True, True], 0.37)
    (0.5, 0.5)
    """
    above = np.asarray(answer, dtype=float) > threshold
    there = np.asarray(spiked, dtype=bool)
    with np.errstate(invalid="ignore"):
        return float(above[there].mean()), float(above[~there].mean())


def explained_variance(predicted: ArrayLike, observed: ArrayLike) -> float:
    """Share of the variance of what was observed that a prediction explains; below 0 if worse.

    The prediction is taken as it is: it is not shifted or scaled to fit.

    Examples
    --------
    >>> explained_variance([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]).__round__(3)
    0.786
    """
    there = np.asarray(observed, dtype=float)
    error = there - np.asarray(predicted, dtype=float)
    spread = float(((there - there.mean()) ** 2).sum())
    return 1 - float((error**2).sum()) / spread if spread else float("nan")


def subthreshold(spikes: NDArray[np.uint8], before: int = 2, after: int = 8) -> NDArray[np.bool_]:
    """Which bins lie away from spikes, shape (trials, bins).

    Spikes are cut out with `before` and `after` bins around them, for every cell alike. Published
    work clips the potential at -55 mV instead, which needs a threshold that all cells share.

    Examples
    --------
    >>> subthreshold(np.array([[0, 0, 1, 0, 0]], dtype=np.uint8), 1, 1).astype(int)
    array([[1, 0, 0, 0, 1]])
    """
    size = before + after + 1
    # Seen from a bin, the window reaches `after` bins back and `before` bins ahead.
    near = maximum_filter1d(np.asarray(spikes) > 0, size, mode="constant", origin=after - size // 2)
    return np.asarray(~near)


@dataclass(frozen=True, eq=False)
class ByTrial:
    """Sums of every trial, from which a score over any choice of trials is cheap.

    Attributes
    ----------
    sums : ndarray, shape (trials, ...)
    score : callable
        From the sums over some trials to the score.
    """

    sums: Array
    score: Callable[[Array], float]

    def interval(self, *, draws: int = 400, seed: int = 0) -> Score:
        """The score of all trials, and its interval from trials drawn with replacement."""
        return bootstrapped(
            lambda which: self.score(self.sums[which].sum(axis=0)),
            len(self.sums),
            draws=draws,
            seed=seed,
        )


def variance_by_trial(predicted: Array, observed: Array, where: NDArray[np.bool_]) -> ByTrial:
    """`explained_variance` of the bins of a mask; all arrays (trials, bins).

    Examples
    --------
    >>> seen = np.array([[1.0, 2.0], [4.0, 3.0]])
    >>> by = variance_by_trial(seen, seen, np.ones((2, 2), dtype=bool))
    >>> by.interval().value
    1.0
    """
    middle = float(np.mean(observed[where]))
    y = np.where(where, observed - middle, 0.0).astype(float)
    error = np.where(where, observed - predicted, 0.0).astype(float)
    sums = np.stack(
        [where.sum(axis=1), y.sum(axis=1), (y**2).sum(axis=1), (error**2).sum(axis=1)], axis=1
    )

    def score(s: Array) -> float:
        spread = s[2] - s[1] ** 2 / max(s[0], 1)
        return 1 - float(s[3] / spread) if spread > 0 else float("nan")

    return ByTrial(sums.astype(float), score)


def hits_by_trial(answer: Array, spiked: NDArray[np.bool_], threshold: float) -> ByTrial:
    """Share of the bins with a spike whose prediction exceeds a threshold; arrays (trials, bins).

    Examples
    --------
    >>> there = np.array([[True, False], [True, True]])
    >>> hits_by_trial(np.array([[1.0, 0.0], [0.0, 1.0]]), there, 0.5).interval().value.__round__(2)
    0.67
    """
    found = ((answer > threshold) & spiked).sum(axis=1)
    sums = np.stack([found, spiked.sum(axis=1)], axis=1).astype(float)
    return ByTrial(sums, lambda s: float(s[0] / s[1]) if s[1] else float("nan"))


def auc_by_trial(answer: Array, spiked: NDArray[np.bool_], levels: int = 4096) -> ByTrial:
    """`auc` from histograms of the predictions of each trial; arrays (trials, bins).

    Predictions are cut at so many quantiles of the bins with a spike, and as many of the others,
    and count as tied between two cuts: an interval needs no more (the value itself is that of
    `auc`, to about one in `levels`).

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> there = random.random((20, 500)) < 0.05
    >>> told = random.standard_normal((20, 500)) + 2 * there
    >>> abs(auc_by_trial(told, there).interval().value - auc(told, there)) < 1e-3
    True
    """
    steps = np.linspace(0, 1, levels // 2)
    # Cuts must be values that occur, or bins of equal prediction would be torn apart.
    cuts = np.unique(
        np.concatenate(
            [
                np.quantile(answer[mask], steps, method="nearest")
                for mask in (spiked, ~spiked)
                if mask.any()
            ]
        )
    )
    level = np.searchsorted(cuts, answer)
    size = len(cuts) + 1
    sums = np.zeros((len(answer), 2, size))
    for trial, (where, there) in enumerate(zip(level, spiked, strict=True)):
        sums[trial, 1] = np.bincount(where[there], minlength=size)
        sums[trial, 0] = np.bincount(where[~there], minlength=size)

    def score(s: Array) -> float:
        no, yes = s
        total = no.sum() * yes.sum()
        if not total:
            return float("nan")
        return float(yes @ (np.cumsum(no) - 0.5 * no) / total)

    return ByTrial(sums, score)


def bootstrapped(
    score: Callable[[NDArray[np.int64]], float], trials: int, *, draws: int = 200, seed: int = 0
) -> Score:
    """A score of all trials, and its interval from trials drawn with replacement.

    Parameters
    ----------
    score : callable
        Given numbers of trials, the score over them.
    trials : int
        How many there are.
    draws : int
        Resamples.
    seed : int
        Of the draws.

    Examples
    --------
    >>> values = np.arange(50.0)
    >>> float(bootstrapped(lambda which: values[which].mean(), 50).value)
    24.5
    """
    random = np.random.default_rng([seed, 0x424F4F54])
    found = np.array([score(random.integers(0, trials, trials)) for _ in range(draws)])
    found = found[np.isfinite(found)]
    whole = float(score(np.arange(trials)))
    if len(found) < draws / 2:
        return Score(whole, float("nan"), float("nan"))
    low, high = np.percentile(found, [2.5, 97.5])
    return Score(whole, float(low), float(high))
