"""Scores on rows that were held out, each with the interval that so many rows allow.

Rows are taken as independent of each other. Where they come in groups, such as several visits of
one patient, whole groups are left out in turn instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import brentq

from ann.data.judging.held_out import HeldOut
from ann.data.judging.measures import mean_auc
from experiments.kit.estimate import LEVEL, Estimate, share
from experiments.tables.heavy_tails import FEWEST_VALUES, tail_interval

__all__ = ["HEAVY_TAIL", "TOO_FEW", "score_intervals"]

#: Fewer groups than these say too little of how groups differ.
FEWEST_GROUPS = 5
#: How an interval of RMSE or R2 is found.
HEAVY_TAIL = "largest errors as a generalised Pareto tail"
#: Why there is none: a few rows, or groups, do not show how large an error may be.
TOO_FEW = f"none: fewer than {FEWEST_VALUES} rows or groups"
#: With so many misplaced rows, the observed standard error of an AUC counts half.
MISPLACED = 10.0


def score_intervals(held_out: HeldOut) -> dict[str, Estimate]:
    """Return every score of `HeldOut.scores` with its interval.

    Parameters
    ----------
    held_out : HeldOut

    Returns
    -------
    dict of str to Estimate
        An accuracy has the interval of Clopper and Pearson; an AUC that of Newcombe (2006, Stat
        Med 25:559, method 5), its standard error scaled to the one observed, after DeLong et al.
        (1988, Biometrics 44:837), as far as enough rows are misplaced to observe it. An RMSE has
        the interval of a mean square whose tail may be heavy (see `tail_interval`), and R2 that of
        the jackknife on the logarithm of 1 - R2, widened in the same proportion; both need ten rows
        or groups. With groups, their sums of squares are the numbers whose tail may be heavy, and
        all other scores are jackknifed over groups. A score of too few rows or groups has no
        interval.

    Notes
    -----
    ``python benchmarks/rmse_intervals.py`` measures how many of 100 intervals hold the true RMSE,
    of samples of 10 to 400 rows: 88 to 96 with normal, uniform, Laplace and Student's errors of
    five degrees of freedom, 85 to 94 of three (the jackknife 65 to 74), 85 to 95 with log-normal
    ones (62 to 86), and 86 to 92 where one error in 20 is five times as large (54 to 89). Of R2 84
    to 95.

    The price is width. Of 40 normal errors the upper end lies 50 % above the RMSE (20 % by the
    jackknife), of 100 27 % (12 %), since so few rows cannot show that there are no rare large
    errors.

    Examples
    --------
    >>> truth = np.repeat(["a", "b"], 20)
    >>> chances = np.column_stack([1 - np.linspace(0, 1, 40), np.linspace(0, 1, 40)])
    >>> found = score_intervals(HeldOut(np.arange(40), truth, truth, chances, np.array(["a", "b"])))
    >>> found["accuracy"].value, round(found["accuracy"].low, 3), found["auc"].value
    (1.0, 0.928, 1.0)
    """
    scores = held_out.scores()
    groups = held_out.groups
    units = np.arange(len(held_out.truth)) if groups is None else _group_codes(groups)
    found: dict[str, Estimate] = {}
    for name, value in scores.items():
        if name == "accuracy" and groups is None:
            right = int(np.sum(held_out.answers == held_out.truth))
            found[name] = share(right, len(held_out.truth))
        elif name == "auc" and groups is None:
            found[name] = _auc_interval(value, np.asarray(held_out.chances), held_out.codes)
        else:
            found[name] = _jackknifed(held_out, name, value, units)
    return _widened(held_out, found, units) if "rmse" in found else found


def _group_codes(groups: ArrayLike) -> np.ndarray:
    return np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)[1]


def _widened(
    held_out: HeldOut, found: dict[str, Estimate], units: np.ndarray
) -> dict[str, Estimate]:
    """Replace jackknife's interval of an RMSE, and widen that of R2 as much on each side."""
    sums = np.bincount(units, (held_out.truth - held_out.answers) ** 2)
    if len(sums) < FEWEST_VALUES:
        return {n: replace(e, low=None, high=None, method=TOO_FEW) for n, e in found.items()}
    # Their mean is the mean square of all rows, however many rows each group has.
    ends = tail_interval(sums * len(sums) / len(units), LEVEL)
    rmse = found["rmse"]
    if ends is None or rmse.low is None or rmse.high is None:
        return found
    low, high = np.sqrt(ends)
    # On the logarithmic scale, on which both are found, errors above are errors below.
    wider_below = float(np.log(rmse.value / low) / np.log(rmse.value / rmse.low))
    wider_above = float(np.log(high / rmse.value) / np.log(rmse.high / rmse.value))
    out = {**found, "rmse": replace(rmse, low=float(low), high=float(high), method=HEAVY_TAIL)}
    r2 = found.get("r2")
    if r2 is not None and r2.low is not None and r2.high is not None:
        lost = 1 - r2.value
        out["r2"] = replace(
            r2,
            low=1 - lost * ((1 - r2.low) / lost) ** wider_above,
            high=1 - lost * ((1 - r2.high) / lost) ** wider_below,
            method=HEAVY_TAIL,
        )
    return out


def _auc_interval(value: float, chances: np.ndarray, codes: np.ndarray) -> Estimate:
    """By the variance that an AUC of some size would have, after Hanley and McNeil."""
    rows = len(codes)
    places = [1] if chances.shape[1] == 2 else list(range(chances.shape[1]))
    places = [k for k in places if 0 < np.sum(codes == k) < rows]
    counts = [int(np.sum(codes == k)) for k in places]
    z = float(stats.norm.ppf((1 + LEVEL) / 2))

    def standard_error(area: float) -> float:
        parts = []
        for m in counts:
            n = rows - m
            middle = (m + n) / 2 - 1
            spread = area * (1 - area) / (m * n)
            more = (1 - area) / (2 - area) + area / (1 + area)
            parts.append(np.sqrt(spread * (1 + middle * more)))
        return float(np.mean(parts))

    ratio = _observed_error(chances, codes, places, standard_error(value))

    def beyond(area: float, side: int) -> float:
        return side * (area - value) - z * ratio * standard_error(area)

    # An AUC of 1 has no variance of its own; the ends are where one would be that is just like it.
    low = brentq(beyond, 0.0, min(value, 1 - 1e-12), args=(-1,)) if value > 0 else 0.0
    high = brentq(beyond, max(value, 1e-12), 1.0, args=(1,)) if value < 1 else 1.0
    return Estimate(value, float(low), float(high), rows, "Newcombe")


def _observed_error(
    chances: np.ndarray, codes: np.ndarray, places: list[int], expected: float
) -> float:
    """Return how much smaller or larger than expected the standard error of the mean AUC is.

    The classes' errors cancel each other in part. How much a single AUC scatters is seen from ten
    rows on that stand among those of the other kind; fewer tell little.
    """
    pulls, misplaced = [], 0.0
    for k in places:
        positive, score = codes == k, chances[:, k]
        pulls.append(_pull_of_rows(score, positive))
        among = score[positive] <= score[~positive].max(), score[~positive] >= score[positive].min()
        misplaced += sum(int(part.sum()) for part in among) / len(places)
    alone = float(np.mean([np.sqrt(np.square(pull).sum()) for pull in pulls]))
    if alone == 0 or expected == 0:
        return 1.0
    together = float(np.sqrt(np.square(np.mean(pulls, axis=0)).sum()))
    weight = misplaced / (misplaced + MISPLACED)
    return float(
        np.sqrt(weight * (together / expected) ** 2 + (1 - weight) * (together / alone) ** 2)
    )


def _pull_of_rows(score: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Return how far each row pulls an AUC from its value: its placement among the other rows."""
    n_pos, n_neg = int(positive.sum()), int((~positive).sum())
    ranks = stats.rankdata(score)
    pull = np.empty(len(score))
    above = (ranks[positive] - stats.rankdata(score[positive])) / n_neg
    below = 1 - (ranks[~positive] - stats.rankdata(score[~positive])) / n_pos
    pull[positive] = (above - above.mean()) / n_pos
    pull[~positive] = (below - below.mean()) / n_neg
    return pull


def _jackknifed(held_out: HeldOut, name: str, value: float, units: np.ndarray) -> Estimate:
    """Leave out one unit at a time: a row, or a group."""
    score, bend, back = _MEASURES[name]
    _, unit = np.unique(units, return_inverse=True)
    count = int(unit.max()) + 1
    bare = Estimate(value, None, None, count, "none: too few")
    if count < FEWEST_GROUPS:
        return bare
    with np.errstate(divide="ignore", invalid="ignore"):
        without = bend(score(held_out, unit, count))
        centre = float(bend(np.array([value]))[0])
    if not (np.all(np.isfinite(without)) and np.isfinite(centre)):
        return bare
    spread = np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * spread)
    low, high = sorted(float(back(v)) for v in (centre - reach, centre + reach))
    return Estimate(value, low, high, count, "jackknife")


def _rmse(held_out: HeldOut, unit: np.ndarray, count: int) -> np.ndarray:
    square = (held_out.truth - held_out.answers) ** 2
    rows = len(unit) - np.bincount(unit, minlength=count)
    return np.asarray(np.sqrt((square.sum() - np.bincount(unit, square, count)) / rows))


def _r2(held_out: HeldOut, unit: np.ndarray, count: int) -> np.ndarray:
    y = held_out.truth - held_out.truth.mean()
    rows = len(unit) - np.bincount(unit, minlength=count)
    first = y.sum() - np.bincount(unit, y, count)
    second = np.square(y).sum() - np.bincount(unit, np.square(y), count)
    return np.asarray(1 - _rmse(held_out, unit, count) ** 2 * rows / (second - first**2 / rows))


def _accuracy(held_out: HeldOut, unit: np.ndarray, count: int) -> np.ndarray:
    right = (held_out.answers == held_out.truth).astype(float)
    rows = len(unit) - np.bincount(unit, minlength=count)
    return np.asarray((right.sum() - np.bincount(unit, right, count)) / rows)


def _auc(held_out: HeldOut, unit: np.ndarray, count: int) -> np.ndarray:
    chances, codes = np.asarray(held_out.chances), held_out.codes
    return np.array([mean_auc(chances[unit != k], codes[unit != k]) for k in range(count)])


def _same(x: np.ndarray) -> np.ndarray:
    return x


#: For each score: itself without one unit, a scale on which it scatters evenly, and the way back.
_MEASURES: dict[str, tuple[Callable[..., np.ndarray], Callable[..., np.ndarray], Callable]] = {  # type: ignore[type-arg]
    "rmse": (_rmse, np.log, np.exp),
    "r2": (_r2, lambda x: np.log(1 - x), lambda x: 1 - np.exp(x)),
    "accuracy": (_accuracy, _same, lambda x: np.clip(x, 0, 1)),
    "auc": (_auc, _same, lambda x: np.clip(x, 0, 1)),
}
