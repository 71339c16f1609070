"""How noisy the counts are: the regularity of spiking, found in the data together with a prior.

The regularity is the shape ``k`` of `bridge.counts.likelihood`, the same for every family compared
(as Burnham and Anderson 2002, section 2.5, advise for over-dispersed counts). Its evidence is the
Cox-Reid adjusted profile likelihood (Cox and Reid 1987, J. R. Stat. Soc. B 49:1), which corrects
for the means having been fitted to the same counts. The counts are those of repeats where there are
enough of them, else the residuals of the best family.

Few repeats tell little, so a weak prior stands beside them: every power of ten of the coefficient
of variation of the intervals, ``1 / sqrt(k)``, is as probable as any other between .05 and 1.5,
and less probable beyond. Most neurons in a slice fire quite regularly under constant current; the
same kind of neuron fires irregularly in the animal (Holt, Softky, Koch and Douglas 1996, J.
Neurophysiol. 75:1806). The prior covers both and prefers neither. It weighs less than two repeats.

What the posterior leaves open widens the intervals: its spread is turned into degrees of freedom of
Student's t, as for moderated variances (Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3:3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, polygamma, stdtrit

from bridge.counts.likelihood import MAX_SHAPE, MIN_SHAPE, log_probability, rough_variance, variance
from bridge.counts.sufficient_statistics import SufficientStatistics

__all__ = ["CountNoise", "infer_noise", "noise_of_repeats"]

Array = NDArray[np.float64]

Source = Literal["poisson", "repeats", "residuals", "prior", "clock"]

ENOUGH = 3
"""Degrees of freedom needed among repeats before they alone decide."""
PRIOR_CV = (0.05, 1.5)
"""Coefficients of variation between which the prior is flat in the logarithm."""
PRIOR_EDGE = 0.3
"""Standard deviation of the prior's tails, in powers of e."""


@dataclass(frozen=True)
class CountNoise:
    """How counts scatter about their mean.

    Attributes
    ----------
    shape : float
        1 is Poisson; larger is more regular, smaller more variable.
    source : {"poisson", "repeats", "residuals", "prior", "clock"}
        Where the shape comes from; "poisson" where it was not estimated, "clock" where the cell
        fires so regularly that counts do not scatter at all.
    freedom : float
        Degrees of freedom that the variance of the counts rests on; inf where it is known.
    evidence : float
        Twice the log-likelihood gained over Poisson counts.
    rounding_Hz : tuple of float
        Of a clock: standard deviation of a rate in its range of possible rates, at each current.
    """

    shape: float = 1.0
    source: Source = "poisson"
    freedom: float = np.inf
    evidence: float = 0.0
    rounding_Hz: tuple[float, ...] = ()

    @property
    def estimated(self) -> bool:
        """Whether the shape costs a parameter."""
        return self.source not in ("poisson", "clock")

    @property
    def cv(self) -> float:
        """Coefficient of variation of the intervals between spikes."""
        return float(1 / np.sqrt(self.shape))

    def quantile(self, confidence: float) -> float:
        """Standard errors between the middle and the ends of a confidence interval.

        Of the normal distribution where the noise is known; of Student's t where it was estimated.
        """
        return float(np.sqrt(self.drop(confidence)))

    def drop(self, confidence: float) -> float:
        """Twice the loss of log-likelihood at the ends of a confidence interval.

        Chi-squared where the noise is known; the square of Student's t where it was estimated.

        Examples
        --------
        >>> round(CountNoise().drop(0.95), 2)
        3.84
        """
        if np.isfinite(self.freedom):
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
        if self.source == "clock":
            return np.array(self.rounding_Hz)
        rate = statistics.pooled_count / statistics.pooled_window
        spread = variance(statistics.window * rate[statistics.index], self.shape)
        return np.asarray(
            np.sqrt(np.add.reduceat(spread, statistics.first)) / statistics.pooled_window
        )

    def __str__(self) -> str:
        if self.source == "clock":
            return "clockwork: no scatter, each rate known up to one spike or less"
        if not self.estimated:
            return "Poisson counts"
        told = f"gamma intervals of shape {self.shape:.3g}, from {self.source}"
        if abs(np.log(self.shape)) < 0.3:
            return f"counts about as variable as Poisson ({told})"
        return f"counts more {'regular' if self.shape > 1 else 'variable'} than Poisson ({told})"


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

    return infer_noise(statistics.count[used], mean[used], volume, "repeats")


def infer_noise(
    count: Array, mean: Array, volume: Callable[[float], float], source: Source
) -> CountNoise:
    """The regularity of counts, from their scatter and the prior.

    Parameters
    ----------
    count, mean : ndarray, shape (n,)
        Counts, and what is expected of them.
    volume : callable
        Given a shape, the log determinant of the information about the means (Cox and Reid).
    source : {"repeats", "residuals"}

    Returns
    -------
    CountNoise
        With the shape whose precision is the posterior mean of the precision: for normal data and
        no prior that is the usual unbiased variance.
    """
    keep = mean > 0
    count, mean = count[keep], mean[keep]

    def evidence(log_shape: Array) -> Array:
        shapes = np.exp(log_shape)
        likely = log_probability(count, mean, shapes[:, None]).sum(axis=1)
        lost = np.array([volume(float(shape)) for shape in shapes])
        return np.asarray(likely - 0.5 * lost)

    def posterior(log_shape: Array) -> tuple[Array, Array]:
        found = evidence(log_shape)
        log_cv = -0.5 * log_shape
        beyond = log_cv - np.clip(log_cv, *np.log(PRIOR_CV))
        weight = found - 0.5 * (beyond / PRIOR_EDGE) ** 2
        weight = np.exp(weight - weight.max())
        return found, weight / weight.sum()

    low, high = np.log(MIN_SHAPE), np.log(MAX_SHAPE)
    rough = np.linspace(low, high, 23)
    _, weight = posterior(rough)
    centre = float(rough @ weight)
    width = 5 * max(float(np.sqrt((rough - centre) ** 2 @ weight)), 0.1)
    fine = np.linspace(max(low, centre - width), min(high, centre + width), 31)
    found, weight = posterior(fine)

    # What matters about the shape is the variance of the counts that it implies.
    each = rough_variance(mean, np.exp(fine)[:, None])
    level = np.log((each / each[int(np.argmax(weight))]).mean(axis=1))
    middle = float(level @ weight)
    freedom = _freedom(float((level - middle) ** 2 @ weight))
    wanted = -float(np.log(np.exp(-level) @ weight))
    # The level falls as the shape rises.
    shape = float(np.exp(np.interp(-wanted, -level, fine)))
    gain = 2 * float(np.interp(np.log(shape), fine, found) - evidence(np.zeros(1))[0])
    return CountNoise(shape, source, freedom, gain)


def _freedom(spread: float) -> float:
    """Degrees of freedom of a variance whose logarithm has this variance: solve psi'(d/2) = s."""
    if spread < 1e-4:
        return np.inf
    half = 0.5 + 1 / spread
    for _ in range(20):
        now = float(polygamma(1, half))
        step = now * (1 - now / spread) / float(polygamma(2, half))
        half += step
        if abs(step) < 1e-8 * half:
            break
    return 2 * half
