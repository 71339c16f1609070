"""How noisy the counts are: Poisson, or a regularity found in the data, chosen by evidence.

The regularity is one number for the whole curve, the shape ``k`` of `bridge.counts.likelihood`, and
the same for every family compared (as Burnham and Anderson 2002, section 2.5, advise for
over-dispersed counts). It is estimated by the Cox-Reid adjusted profile likelihood (Cox and Reid
1987, J. R. Stat. Soc. B 49:1), which corrects for the means having been fitted to the same counts,
from the scatter of repeats where there are enough of them, else from the residuals of the best
family. It replaces Poisson only if its likelihood pays for the parameter (AICc).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import chdtri, stdtrit

from bridge.counts.likelihood import MAX_SHAPE, MIN_SHAPE, log_probability, rough_variance, variance
from bridge.counts.sufficient_statistics import SufficientStatistics

__all__ = ["CountNoise", "choose_noise", "noise_of_repeats"]

Array = NDArray[np.float64]

Source = Literal["poisson", "repeats", "residuals"]

ENOUGH = 6
"""Degrees of freedom needed among repeats before they alone decide."""


@dataclass(frozen=True)
class CountNoise:
    """How counts scatter about their mean.

    Attributes
    ----------
    shape : float
        1 is Poisson; larger is more regular, smaller more variable.
    source : {"poisson", "repeats", "residuals"}
        Where the shape comes from.
    freedom : float
        Degrees of freedom it rests on; inf where nothing was estimated.
    evidence : float
        How much lower the AICc is than with Poisson; 0 where Poisson was kept.
    """

    shape: float = 1.0
    source: Source = "poisson"
    freedom: float = np.inf
    evidence: float = 0.0

    @property
    def estimated(self) -> bool:
        """Whether the shape costs a parameter."""
        return self.source != "poisson"

    def drop(self, confidence: float) -> float:
        """Twice the loss of log-likelihood at the ends of a confidence interval.

        Chi-squared where the noise is known; the square of Student's t where it was estimated.

        Examples
        --------
        >>> round(CountNoise().drop(0.95), 2)
        3.84
        """
        if self.estimated:
            return float(stdtrit(self.freedom, 0.5 + confidence / 2) ** 2)
        return float(chdtri(1, 1 - confidence))

    def rate_sd_Hz(self, statistics: SufficientStatistics) -> Array:
        """Standard deviation of the mean rate at each distinct current (Hz), shape (m,).

        Examples
        --------
        >>> from bridge.counts.curve import FICurve
        >>> CountNoise().rate_sd_Hz(FICurve([0, 50], [0, 16], 2.0).statistics())
        array([0., 2.])
        """
        rate = statistics.pooled_count / statistics.pooled_window
        spread = variance(statistics.window * rate[statistics.index], self.shape)
        return np.asarray(
            np.sqrt(np.add.reduceat(spread, statistics.first)) / statistics.pooled_window
        )

    def __str__(self) -> str:
        if not self.estimated:
            return "Poisson counts"
        kind = "more regular" if self.shape > 1 else "more variable"
        shape = f"gamma intervals of shape {self.shape:.3g}, from {self.source}"
        return f"counts {kind} than Poisson ({shape})"


def noise_of_repeats(statistics: SufficientStatistics) -> CountNoise | None:
    """Noise from the scatter of repeats about their own mean; None where there are too few.

    Parameters
    ----------
    statistics : SufficientStatistics

    Returns
    -------
    CountNoise or None
    """
    rate = statistics.pooled_count / statistics.pooled_window
    firing = rate > 0
    used = firing[statistics.index]
    freedom = int(used.sum() - firing.sum())
    if freedom < ENOUGH:
        return None
    mean = statistics.window * rate[statistics.index]

    def volume(shape: float) -> float:
        each = statistics.window[used] ** 2 / rough_variance(mean[used], shape)
        total = np.bincount(statistics.index[used], weights=each, minlength=len(firing))
        return float(np.log(total[firing]).sum())

    return choose_noise(statistics.count[used], mean[used], volume, freedom, "repeats")


def choose_noise(
    count: Array, mean: Array, volume: Callable[[float], float], freedom: int, source: Source
) -> CountNoise:
    """Take Poisson counts, or the likeliest shape if its likelihood pays for the parameter.

    Parameters
    ----------
    count, mean : ndarray, shape (n,)
        Counts, and what is expected of them.
    volume : callable
        Given a shape, the log determinant of the information about the means (Cox and Reid).
    freedom : int
        Degrees of freedom of the scatter.
    source : {"repeats", "residuals"}
    """

    def loss(log_shape: float) -> float:
        shape = float(np.exp(log_shape))
        return 0.5 * volume(shape) - float(log_probability(count, mean, shape).sum())

    grid = np.linspace(np.log(MIN_SHAPE), np.log(MAX_SHAPE), 11)
    losses = [loss(x) for x in grid]
    i = int(np.argmin(losses))
    found = minimize_scalar(
        loss,
        bounds=(grid[max(i - 1, 0)], grid[min(i + 1, len(grid) - 1)]),
        method="bounded",
        options={"xatol": 3e-2},
    )
    price = 2 + 4 / max(freedom - 2, 1)
    evidence = 2 * (loss(0.0) - float(found.fun)) - price
    if evidence <= 0:
        return CountNoise()
    return CountNoise(float(np.exp(found.x)), source, freedom, evidence)
