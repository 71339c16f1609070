r"""How much a count of spikes scatters, from the scatter of other counts of the same neuron.

A count is a whole number, so one of mean m scatters at least by {m} (1 - {m}), with {m} the
fraction of m above a whole number: a train without any jitter, cut at a random phase, reaches this
bound. The jitter of the intervals comes on top and smears it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.counts.curve import FICurve

__all__ = ["count_variance", "fano_by_current", "fano_factor"]

Array = NDArray[np.float64]

# Terms of the Fourier series; below the smallest jitter the series is replaced by its limit.
_TERMS = 64
_SMALL = 4e-4


def count_variance(mean: ArrayLike, fano: ArrayLike) -> Array:
    r"""Return the variance of counts that start at a random phase of the train.

    The train's progress is taken as normal with variance :math:`s^2 = F m (1 - e^{-2 m^2})`: the
    Fano factor times the count, but none while there is hardly ever a second spike that could come
    early or late. Cutting it to a whole number at a random phase gives

    .. math:: s^2 + \frac 1 6 - \sum_n \frac{\cos(2 \pi n m)}{\pi^2 n^2} e^{-2 \pi^2 n^2 s^2},

    which is {m} (1 - {m}) without jitter, m for rare spikes, and F m + 1/6 for many, the limit of
    Cox (1962, *Renewal Theory*, section 4.5) for regular trains.

    Parameters
    ----------
    mean : array_like
        Expected counts m.
    fano : array_like
        Variance / mean F of long counts of the same train.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> count_variance([0.1, 0.5, 1.0, 1.5], 0.0).round(3).tolist()
    [0.09, 0.25, 0.0, 0.25]
    >>> round(float(count_variance(40.0, 0.05)), 2)
    2.17
    """
    m, factor = np.broadcast_arrays(
        np.asarray(mean, dtype=float), np.clip(np.asarray(fano, dtype=float), 0.0, None)
    )
    m = np.maximum(m, 0.0)
    jitter = factor * m * -np.expm1(-2 * m**2)
    part = m % 1.0
    bound = part * (1 - part)
    smeared = np.full(m.shape, 1 / 6)
    change = np.zeros(m.shape)
    for n in range(1, _TERMS + 1):
        wave = np.cos(2 * np.pi * n * m) / (np.pi * n) ** 2
        left = np.exp(-2 * (np.pi * n) ** 2 * jitter)
        smeared -= wave * left
        change += wave * (1 - left)
    # The first form converges where there is jitter, the second where there is hardly any.
    cut = np.where(jitter > _SMALL, smeared, bound + change)
    return np.asarray(np.maximum(jitter + cut, bound))


def fano_factor(curve: FICurve) -> float:
    """Return variance / mean of the counts over trials, pooled over currents; 1 without trials.

    Fast trains, regular as they are, weigh most in it: for what a slow one does, see
    `fano_by_current`.

    Examples
    --------
    >>> fano_factor(FICurve([0, 0, 100, 100], [0, 0, 9, 11], 1.0, trial=[0, 1, 0, 1]))
    0.2
    """
    _, means, variances = _moments(curve)
    return float(np.sum(variances) / np.sum(means)) if np.sum(means) > 0 else 1.0


def fano_by_current(curve: FICurve) -> tuple[Array, Array]:
    """Return the currents of a curve and variance / mean of the counts at each.

    Neighbouring currents are pooled, three at a time: a variance from a few trials is rough. Where
    nothing fires, or without trials, it is 1, as for rare spikes.

    Returns
    -------
    current_pA, fano : ndarray

    Examples
    --------
    >>> curve = FICurve([0, 0, 100, 100], [0, 0, 9, 11], 1.0, trial=[0, 1, 0, 1])
    >>> fano_by_current(curve)[1].tolist()
    [0.2, 0.2]
    """
    currents, means, variances = _moments(curve)
    above, below = (
        np.convolve(np.pad(part, 1), np.ones(3), "valid") for part in (variances, means)
    )
    fano = np.divide(above, below, out=np.ones(len(currents)), where=below > 0)
    return currents, fano


def _moments(curve: FICurve) -> tuple[Array, Array, Array]:
    """Return currents, and mean and variance of their counts: 0 where there are no trials."""
    currents, index = np.unique(curve.current_pA, return_inverse=True)
    trials = np.bincount(index)
    means = np.bincount(index, weights=curve.count) / trials
    squares = np.bincount(index, weights=(curve.count - means[index]) ** 2)
    variances = squares / np.maximum(trials - 1, 1)
    return currents, np.where(trials > 1, means, 0.0), variances
