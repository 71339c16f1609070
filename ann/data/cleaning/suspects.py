"""Numbers that are not measurements: codes for "missing", other units, and outliers.

All three look at the distinct values of one column with their counts. The bars are meant to be
missed rather than to hit an honest value: a code must lie far outside of everything else, a wrong
unit must leave a gap several times wider than the rest of the column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ann.data.cells.lexicon import SENTINELS, never_zero

__all__ = [
    "Clump",
    "find_outliers",
    "find_scale",
    "find_sentinels",
    "find_zeros",
    "weighted_quantile",
]

_FACTORS = {
    "1000": "a thousand",
    "100": "a hundred",
    "10": "ten",
    "0.001": "a thousand",
    "0.01": "a hundred",
    "0.1": "ten",
    "2.54": "inches to centimetres",
    "0.3937007874015748": "centimetres to inches",
    "30.48": "feet to centimetres",
    "0.45359237": "pounds to kilograms",
    "2.2046226218487757": "kilograms to pounds",
}


def weighted_quantile(values: NDArray[np.float64], counts: NDArray[np.int64], q: float) -> float:
    """Return a quantile of values that occur `counts` times each.

    Parameters
    ----------
    values, counts : (n,) array
        Distinct values, sorted, and how often each occurs.
    q : float
        Between 0 and 1.

    Returns
    -------
    float

    Examples
    --------
    >>> weighted_quantile(np.array([1.0, 2.0, 9.0]), np.array([1, 8, 1]), 0.5)
    2.0
    """
    total = np.cumsum(counts)
    at = np.searchsorted(total, q * (total[-1] - 1), side="right")
    return float(values[min(at, len(values) - 1)])


def find_sentinels(
    values: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[list[float], list[float]]:
    """Find values that stand for "missing".

    Parameters
    ----------
    values, counts : (n,) array
        Distinct values, sorted, and how often each occurs.

    Returns
    -------
    sure, unsure : list of float
        Codes that are taken out, and codes that only a person can judge.

    Notes
    -----
    A code is a number of `ann.data.cells.lexicon.SENTINELS` that lies outside the range of all
    values that are not on that list: below it by at least half its width (or the only negative
    number among non-negative ones), or above it by twice its width; a single one above it must lie
    five times the width away, because a price may well be 999. A negative one right below zero, as
    -1 beside counts, is left to a person, and so is a smallest or largest value that is on no list,
    recurs, and lies ten times the width of the rest away, or twice if it looks made up. Zeros are
    the business of `find_zeros`.

    Examples
    --------
    >>> values = np.array([-999.0, *range(20, 60)])
    >>> find_sentinels(values, np.ones(41, dtype=int))
    ([-999.0], [])
    """
    candidate = np.isin(values, SENTINELS)
    candidate[_far_ends(values, counts)] = True
    inside = _inside(values, candidate)
    core, weight = values[~candidate | inside], counts[~candidate | inside]
    codes: list[float] = []
    unsure: list[float] = []
    if len(core) < 2 or weight.sum() < 10:
        return codes, unsure
    low, high = core[0], core[-1]
    width, step = high - low, float(np.median(np.diff(core)))
    for v, n in zip(values, counts, strict=True):
        if low <= v <= high or (len(core) < 5 and not (v <= -9 and low >= 0)):
            # Among few values, such as -1, 0, 1, only a large negative number is out of place.
            continue
        if v not in SENTINELS:
            # Not a code that people are known to use, but one value again and again, far away.
            odd = v < 0 or _made_up(v) or max(low - v, v - high) > 10 * width
            if n >= max(3, 0.005 * counts.sum()) and odd:
                unsure.append(float(v))
            continue
        if v == 0.0:
            continue
        if v < low:
            alone = low >= 0 and (v <= -9 or n >= 3)
            far = low - v >= 0.5 * width and abs(v) >= 9
            # -1 right below 0, 1, 2 may be a number like them.
            kind = (1 if v > -5 and low - v <= 3 * step else 2) if alone or far else 0
        else:
            sure = (2 if n > 1 else 5) * width
            # Once, and no further than that, it is a large value.
            kind = 2 if v - high >= sure else int(v - high >= (0.5 if n > 1 else 1.0) * width)
        if kind:
            (codes if kind == 2 else unsure).append(float(v))
    return codes, unsure


def _made_up(value: float) -> bool:
    """Tell whether a number looks thought of: 500, 90000, 99.99; not 24 or 371.

    Examples
    --------
    >>> [_made_up(v) for v in (500, 99999, -0.99, 24, 371)]
    [True, True, True, False, False]
    """
    digits = f"{abs(value):.10g}".replace(".", "").lstrip("0")
    return set(digits) == {"9"} or (value >= 100 and len(digits.rstrip("0")) == 1)


def _far_ends(values: NDArray[np.float64], counts: NDArray[np.int64]) -> list[int]:
    """Return the smallest and the largest value where they recur and stand far from the rest."""
    if len(values) < 8:
        return []
    rest = values[1:-1]
    width = rest[-1] - rest[0]
    round_ = values[0] <= -9 and values[0] % 10 == 0
    if (round_ or _made_up(values[0])) and values[0] < 0 <= values[1] and counts[0] >= 3:
        # The only negative number, a round one or nines, again and again.
        return [0]
    ends = ((0, values[1] - values[0]), (len(values) - 1, values[-1] - values[-2]))
    return [k for k, gap in ends if gap > 2 * width and counts[k] >= 3]


def _inside(values: NDArray[np.float64], candidate: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark candidates that are ordinary members: the rest lies on both sides, or right beside.

    A run such as 7, 8, 9 with ordinary neighbours at their own spacing is no code.
    """
    ordinary = values[~candidate]
    if not len(ordinary):
        return np.zeros(len(values), dtype=bool)
    step = np.median(np.diff(ordinary)) if len(ordinary) > 1 else 0.0
    low, high = ordinary[0], ordinary[-1]
    out: NDArray[np.bool_] = candidate & (values >= low) & (values <= high)
    listed = np.flatnonzero(candidate)
    for order in (listed, listed[::-1]):
        for k in order:
            near = abs(values[k] - low) <= 3 * step or abs(values[k] - high) <= 3 * step
            # Zero beside positive counts is a count; minus one beside them is not.
            if not out[k] and near and (values[k] >= 0 or low < 0):
                out[k] = True
                low, high = min(low, values[k]), max(high, values[k])
    return out


def find_zeros(
    values: NDArray[np.float64], counts: NDArray[np.int64], name: str
) -> Literal["sure", "unsure", ""]:
    """Tell whether the zeros of a column stand for "missing".

    Parameters
    ----------
    values, counts : (n,) array
        Distinct values, sorted, and how often each occurs.
    name : str
        The column's name, which may tell a quantity that cannot be zero.

    Returns
    -------
    str
        ``"sure"`` where the quantity cannot be zero (a height, a blood pressure; see
        `ann.data.cells.lexicon.never_zero`) and the smallest other value lies well above zero.
        ``"unsure"`` where only the gap speaks: there are three zeros or more, the median lies three
        robust standard deviations above them, and hardly a value is below a quarter of it. A month
        without unemployment and a round that was lost leave such gaps too.

    Examples
    --------
    >>> values = np.array([0.0, *range(60, 120)])
    >>> counts = np.array([4, *[1] * 60])
    >>> find_zeros(values, counts, "BloodPressure"), find_zeros(values, counts, "score")
    ('sure', 'unsure')
    """
    if len(values) < 6 or 0.0 not in values or values[0] < 0:
        return ""
    core, weight, n = values[1:], counts[1:], int(counts[0])
    share = n / (n + weight.sum())
    median, spread = _middle(core, weight)
    step = float(np.median(np.diff(core[: max(3, len(core) // 4)])))
    if never_zero(name):
        above = core[0] >= max(0.05 * median, 3 * step)
        return "sure" if above and share <= 0.6 else ""
    bottom = weighted_quantile(core, weight, 0.01)
    odd = n < 3 or share > 0.3
    if odd or median < 3 * spread or bottom < 0.25 * median or core[0] < 0.15 * median:
        return ""
    return "unsure"


@dataclass(frozen=True)
class Clump:
    """Values that fit the rest once multiplied.

    Attributes
    ----------
    low, high : float
        The values' range.
    factor : str
        What to multiply them by.
    name : str
        The factor in words.
    rows : int
        How many.
    """

    low: float
    high: float
    factor: str
    name: str
    rows: int


def find_scale(values: NDArray[np.float64], counts: NDArray[np.int64]) -> Clump | None:
    """Find a minority of values written in another unit.

    Parameters
    ----------
    values, counts : (n,) array
        Distinct values, sorted, and how often each occurs.

    Returns
    -------
    Clump or None
        None too where fewer than three different values are out of line.

    Examples
    --------
    >>> values = np.array([1.6, 1.7, 1.85, *range(150, 200)])
    >>> find_scale(values, np.ones(len(values), dtype=int)).factor
    '100'
    """
    if len(values) < 8 or values[0] <= 0:
        return None
    logs = np.log10(values)
    gaps = np.diff(logs)
    k = int(np.argmax(gaps))
    minor, major = slice(0, k + 1), slice(k + 1, len(values))
    if counts[minor].sum() >= counts[major].sum():
        minor, major = major, minor
    rows = int(counts[minor].sum())
    width = logs[major][-1] - logs[major][0]
    if rows > 0.2 * counts.sum() or width <= 0 or gaps[k] < max(2 * width, 0.3):
        return None
    # Measurements in another unit scatter as the others do; one value again and again does not.
    few = logs[minor]
    if rows < 3 or len(few) < 3 or few[-1] - few[0] > width:
        return None
    centre = weighted_quantile(values[major], counts[major], 0.5)
    few = values[minor]
    for factor in sorted(_FACTORS, key=lambda f: abs(np.log(np.median(few) * float(f) / centre))):
        scaled = few * float(factor)
        lowest, highest = values[major][0] * 0.9, values[major][-1] * 1.1
        if scaled.min() >= lowest and scaled.max() <= highest:
            return Clump(float(few[0]), float(few[-1]), factor, _FACTORS[factor], rows)
    return None


def find_outliers(
    values: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[float, float, int]:
    """Find a range outside of which lie a few values far from all others.

    Parameters
    ----------
    values, counts : (n,) array
        Distinct values, sorted, and how often each occurs.

    Returns
    -------
    low, high : float
        The range kept.
    rows : int
        How many lie outside; at most one in a hundred, or none is called an outlier.

    Notes
    -----
    Eight robust standard deviations from the median, and where all values are positive also on a
    logarithmic scale, so that a long tail alone is no outlier.

    Examples
    --------
    >>> values = np.array([*np.linspace(1, 9, 200), 5000.0])
    >>> find_outliers(values, np.ones(201, dtype=int))[2]
    1
    """
    if len(values) < 10:
        return -np.inf, np.inf, 0
    far = _far(values, counts)
    if values[0] > 0:
        far &= _far(np.log(values), counts)
    rows = int(counts[far].sum())
    if not rows or rows > 0.01 * counts.sum():
        return -np.inf, np.inf, 0
    kept = values[~far]
    return float(kept[0]), float(kept[-1]), rows


def _far(values: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    median, spread = _middle(values, counts)
    return (np.abs(values - median) > 8 * spread) & (spread > 0)


def _middle(values: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[float, float]:
    """Return median and robust standard deviation."""
    low, median, high = (weighted_quantile(values, counts, q) for q in (0.25, 0.5, 0.75))
    return median, (high - low) / 1.349
