"""Is there anything to learn? A permutation test that costs one matrix product.

Ridge regression, linear or with a Gaussian kernel, is a linear smoother: its out-of-fold
predictions are a fixed matrix H times the target. So H is computed once from the features alone
and a thousand shuffled targets are predicted in one product H Y, each exactly as the true one
was. Two kernels are tried, a straight one and a bent one, and the better standardised score counts
for the true target and for each shuffled one alike, which keeps the p value exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist
from scipy.stats import norm, rankdata
from sklearn.model_selection import GroupKFold, KFold

from ann.data.chance import generator
from ann.data.judging.measures import Answers

__all__ = ["Signal", "signal_test", "smoother"]

_MOST_ROWS, _MOST_BLOCKS = 1500, 3
_MOST_CLASSES = 12
_FEW_GROUPS = 20


@dataclass(frozen=True)
class Signal:
    """What the permutation test found.

    Attributes
    ----------
    score : float
        Mean out-of-fold area under the ROC curve (one class against the rest), or correlation
        with the normal scores of a quantity.
    null_mean, null_sd : float
        The same for shuffled targets.
    p : float
        Share of shuffled targets that did at least as well, the true one counted in.
    z : float
        Standard deviations above the null.
    kernel : str
        ``"linear"`` or ``"gaussian"``: which did better.
    permutations, rows : int
        How many, from how many rows.
    null : (permutations,) array
        Scores of the shuffled targets with that kernel.
    """

    score: float
    null_mean: float
    null_sd: float
    p: float
    z: float
    kernel: str
    permutations: int
    rows: int
    null: NDArray[np.float64]


def _gram(X: NDArray[np.float64], kernel: str) -> NDArray[np.float64]:
    if kernel == "linear":
        K = X @ X.T
    else:
        squared = cdist(X, X, "sqeuclidean")
        middle = np.median(squared[np.triu_indices(len(X), 1)]) if len(X) > 1 else 1.0
        K = np.exp(-squared / (middle if middle > 0 else 1.0))
    size = float(np.mean(np.diag(K)))
    return K / size if size > 0 else K


def smoother(
    X: NDArray[np.floating],
    kernel: str,
    *,
    groups: NDArray[np.intp] | None = None,
    seeds: int = 3,
    folds: int = 5,
    penalty: float = 10.0,
) -> NDArray[np.float64]:
    """Return the matrix that maps a target to its out-of-fold ridge predictions.

    Parameters
    ----------
    X : (rows, features) array
        Scaled features.
    kernel : str
        ``"linear"`` or ``"gaussian"`` (width: median distance).
    groups : (rows,) array of int, optional
        Rows of one group share a fold.
    seeds : int
        The mean over so many divisions into folds.
    folds : int
    penalty : float
        Ridge penalty, with the kernel scaled to mean diagonal 1; a large one sees faint signals
        better and strong ones well enough.

    Returns
    -------
    (rows, rows) array
        Row i has zeros in the columns of i's own fold.

    Examples
    --------
    >>> H = smoother(np.arange(20.0)[:, None] / 20, "linear", seeds=1)
    >>> bool(np.all(np.diag(H) == 0))
    True
    """
    centred = np.asarray(X, dtype=np.float64)
    K = _gram(centred - centred.mean(axis=0), kernel)
    n = len(X)
    H = np.zeros((n, n))
    for seed in range(seeds):
        if groups is not None:
            order = generator(seed, "permutations").permutation(int(groups.max()) + 1)
            labels = order[groups]
            number = min(folds, len(np.unique(groups)))
            parts = GroupKFold(number).split(X, groups=labels)
        else:
            parts = KFold(min(folds, n), shuffle=True, random_state=seed).split(X)
        for train, test in parts:
            A = K[np.ix_(train, train)] + penalty * np.eye(len(train))
            inverse = cho_solve(cho_factor(A), K[np.ix_(train, test)]).T
            # The intercept: predict deviations from the training mean.
            mean = np.full(len(train), 1.0 / len(train))
            weights = inverse - inverse.sum(axis=1, keepdims=True) * mean + mean
            H[np.ix_(test, train)] += weights / seeds
    return H


def _auc(scores: NDArray[np.float64], flag: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Area under the ROC curve of each column of scores against its column of flags."""
    ranks = rankdata(scores, axis=0)
    positive = flag.sum(axis=0)
    negative = len(flag) - positive
    total = np.where(flag, ranks, 0.0).sum(axis=0)
    pairs = np.maximum(positive * negative, 1)
    area: NDArray[np.float64] = (total - positive * (positive + 1) / 2) / pairs
    return area


def _scores(H: NDArray[np.float64], y: Answers, orders: NDArray[np.intp]) -> NDArray[np.float64]:
    if y.dtype != object:
        quantity = norm.ppf((rankdata(y) - 0.5) / len(y))
        Y = quantity[orders]
        P = H @ Y
        Y = Y - Y.mean(axis=0)
        P = P - P.mean(axis=0)
        size = np.sqrt((Y**2).sum(axis=0) * (P**2).sum(axis=0))
        correlation: NDArray[np.float64] = (Y * P).sum(axis=0) / np.where(size > 0, size, 1.0)
        return correlation
    classes, codes = np.unique(y.astype(str), return_inverse=True)
    counts = np.bincount(codes)
    use = np.argsort(-counts)[: 1 if len(classes) == 2 else _MOST_CLASSES]
    total = np.zeros(orders.shape[1])
    for k in use:
        # In a group-wise shuffle the number of rows of a class varies a little.
        flag = (codes == k)[orders]
        total += _auc(H @ flag.astype(float), flag)
    return total / len(use)


def signal_test(
    X: NDArray[np.floating],
    y: Answers,
    *,
    groups: NDArray[np.intp] | None = None,
    permutations: int = 399,
    seeds: int = 3,
    seed: int = 0,
) -> Signal:
    """Compare what can be learned from the features with what chance gives.

    Parameters
    ----------
    X : (rows, features) array
        Scaled features, learned without the target.
    y : (rows,) array
        object for classes, float for quantities.
    groups : (rows,) array of int, optional
        Rows of one group share a fold, and their targets are shuffled as one.
    permutations : int
        Shuffled targets.
    seeds : int
        Divisions into folds that are averaged over.
    seed : int
        Of the shuffling, and of the blocks taken from larger tables.

    Returns
    -------
    Signal

    Notes
    -----
    From more than 1500 rows up to three blocks of 1500 are taken (one, where there are groups),
    with as many rows of each class as there are, up to equal shares; targets are shuffled within
    blocks and the scores averaged.

    References
    ----------
    Ojala & Garriga, "Permutation tests for studying classifier performance", JMLR 11 (2010).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 3))
    >>> y = np.where(X[:, 0] > 0, "a", "b").astype(object)
    >>> signal_test(X, y).p
    0.0025
    """
    rng = generator(seed, "permutations")
    X = np.asarray(X, dtype=float)
    # Blocks that share groups would not be independent of each other.
    blocks = _blocks(y, _MOST_BLOCKS if groups is None else 1, rng)
    scores: dict[str, NDArray[np.float64]] = {}
    for rows in blocks:
        own = None if groups is None else np.unique(groups[rows], return_inverse=True)[1]
        orders = np.column_stack(
            [np.arange(len(rows)), *(_shuffle(y[rows], own, rng) for _ in range(permutations))]
        )
        for kernel in ("linear", "gaussian"):
            H = smoother(X[rows], kernel, groups=own, seeds=max(1, seeds // len(blocks)))
            part = _scores(H, y[rows], orders) / len(blocks)
            scores[kernel] = scores.get(kernel, 0.0) + part
    found = []
    every = []
    for kernel, score in scores.items():
        null = score[1:]
        sd = float(score.std())
        every.append((score - score.mean()) / sd if sd > 0 else np.zeros_like(score))
        null_sd = float(null.std(ddof=1))
        z = (score[0] - null.mean()) / null_sd if null_sd > 0 else 0.0
        found.append((float(z), kernel, float(score[0]), float(null.mean()), null_sd, null))
    top = np.max(every, axis=0)
    p = float(np.mean(top >= top[0] - 1e-12))
    z, kernel, true, mean, null_sd, null = max(found, key=lambda f: f[0])
    rows_used = sum(len(rows) for rows in blocks)
    return Signal(true, mean, null_sd, p, z, kernel, permutations, rows_used, null)


def _blocks(y: Answers, most: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Divide the rows, or a choice of them, into blocks small enough for a kernel matrix.

    Rows are chosen by class, never by feature, so shuffled targets stay as likely as the true one.
    """
    n = len(y)
    if n <= _MOST_ROWS:
        return [np.arange(n)]
    number = min(most, n // _MOST_ROWS)
    if y.dtype != object:
        picked = rng.permutation(n)[: number * _MOST_ROWS]
        return [np.sort(picked[k::number]) for k in range(number)]
    _, codes = np.unique(y.astype(str), return_inverse=True)
    counts = np.bincount(codes)
    quota = _shares(counts, number * _MOST_ROWS)
    chosen = [rng.permutation(np.flatnonzero(codes == k))[:q] for k, q in enumerate(quota)]
    # Dealt out like cards, each block gets its part of every class.
    dealt = np.concatenate(chosen)
    return [np.sort(dealt[k::number]) for k in range(number)]


def _shares(counts: NDArray[np.intp], total: int) -> list[int]:
    """Share out `total` rows equally among classes, none more than it has."""
    quota = np.zeros(len(counts), dtype=int)
    left = total
    order = np.argsort(counts)
    for place, k in enumerate(order):
        quota[k] = min(int(counts[k]), left // (len(order) - place))
        left -= quota[k]
    return [int(q) for q in quota]


def _shuffle(
    y: Answers, groups: NDArray[np.intp] | None, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return an order of the rows that breaks the bond of features and target, and no other.

    Where rows of a group resemble each other in the target, shuffling single rows would give a
    null that is far too narrow. So each group receives the target of another one: whole where the
    target does not vary within groups, else the rows of all groups laid end to end. A handful of
    groups tells nothing about others; what can be learned is within them, and rows are shuffled
    there.
    """
    n = len(y)
    if groups is None:
        return rng.permutation(n)
    shuffled = rng.permutation(n)
    # Rows of one group side by side, in random order within it.
    first = shuffled[np.argsort(groups[shuffled], kind="stable")]
    number = int(groups.max()) + 1
    order = np.empty(n, dtype=np.intp)
    if number < _FEW_GROUPS:
        again = rng.permutation(n)
        order[first] = again[np.argsort(groups[again], kind="stable")]
        return order
    starts = np.searchsorted(groups[first], np.arange(number))
    heads = y[first[starts]]
    other = rng.permutation(number)
    if bool(np.all(y == heads[groups])):
        return first[starts][other][groups]
    order[first] = shuffled[np.argsort(other[groups[shuffled]], kind="stable")]
    return order
