"""How noisy counts are where there is neither a repeat nor a spike time: neighbours tell.

A short piece of a smooth f-I curve is nearly straight, whatever its family. So a line is fitted
through each four neighbouring currents that fire, and the scatter about these lines tells how
regular the spiking is; each line takes two degrees of freedom. A bend within four currents adds to
the scatter, so that counts may be less noisy than this says, but not more. The idea is that of
residual variances from neighbours (Gasser, Sroka and Jennen-Steinmetz 1986, Biometrika 73:625).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.counts.dispersion import ENOUGH, CountNoise, Counts, infer_noise
from bridge.counts.likelihood import rough_variance
from bridge.counts.sufficient_statistics import SufficientStatistics

__all__ = ["noise_of_neighbours"]

Array = NDArray[np.float64]

GROUP = 4
"""Currents that a line goes through."""


def noise_of_neighbours(statistics: SufficientStatistics) -> CountNoise | None:
    """Noise from the scatter of counts about short straight pieces; None where there are too few.

    Parameters
    ----------
    statistics : SufficientStatistics
        One data set.

    Returns
    -------
    CountNoise or None

    Examples
    --------
    >>> from bridge.counts.curve import FICurve
    >>> regular = FICurve(np.arange(12), 10 * np.arange(12) + 10, 1.0).statistics()
    >>> noise_of_neighbours(regular).shape > 10
    True
    """
    lines = (_line(statistics, group) for group in _groups(statistics))
    pieces = [line for line in lines if line is not None]
    if sum(len(design) - 2 for _, _, design in pieces) < ENOUGH:
        return None
    rows = np.concatenate([piece[0] for piece in pieces])
    mean = np.concatenate([piece[1] for piece in pieces])
    ends = np.cumsum([len(piece[0]) for piece in pieces])[:-1]

    def volume(shape: Array) -> float:
        weights = np.split(1 / rough_variance(mean, shape), ends)
        each = [
            np.linalg.slogdet((design * weight[:, None]).T @ design)[1]
            for (_, _, design), weight in zip(pieces, weights, strict=True)
        ]
        return float(np.sum(each))

    return infer_noise(Counts(statistics.count[rows], mean, volume), "residuals")


def _groups(statistics: SufficientStatistics) -> list[NDArray[np.int64]]:
    """Numbers of neighbouring currents that fire, four at a time."""
    firing = np.flatnonzero(statistics.pooled_count > 0)
    runs = np.split(firing, np.flatnonzero(np.diff(firing) > 1) + 1)
    # From the top down: next to the threshold the curve bends most.
    return [run[stop - GROUP : stop] for run in runs for stop in range(len(run), GROUP - 1, -GROUP)]


def _line(
    statistics: SufficientStatistics, group: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Array, Array] | None:
    """Rows of a group, what its line expects of each, and the design of the line.

    None where the line falls below no spikes at all.
    """
    rows = np.flatnonzero(np.isin(statistics.index, group))
    amount = statistics.current[statistics.index[rows]]
    amount = (amount - amount.mean()) / np.ptp(amount)
    window = statistics.window[rows]
    design = np.stack([window, window * amount], axis=1)
    count = statistics.count[rows]
    mean = np.maximum(count, 1.0)
    for _ in range(3):
        weight = 1 / np.sqrt(mean)
        line = np.linalg.lstsq(design * weight[:, None], count * weight, rcond=None)[0]
        mean = design @ line
        if mean.min() <= 0:
            return None
    return rows, mean, design
